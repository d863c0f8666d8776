"""Rows put together for reading: by place, direction, class and interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from passerby.clock import from_posix, interval_start
from passerby.kinds import KINDS, Merge
from passerby.measurement import Measurement, merge
from passerby.moment import CLASSES
from passerby.report.words import in_utc, length

if TYPE_CHECKING:
    from passerby.report import Report

QUARTER = 15 * 60
"""The step of traffic counts, in seconds."""

COUNTED = frozenset({"crossings", "movement", "occupancy_mean", "occupancy_max"})
"""The kinds that count road users; they need no metres, and every report has them."""

MEASURED = frozenset(KINDS) - COUNTED
"""All other kinds."""

_MOST_IN_A_CHART = 96
_ROUNDED = 1e-6  # coverage has six decimals: what it lacks for that alone was observed


class Series(NamedTuple):
    """One kind of number about one place, in one direction."""

    place: str
    kind: str
    direction: str = ""


@dataclass(frozen=True)
class Tally:
    """The rows of a report about some kinds, with all intervals equally long.

    Attributes:
        seconds: length of the intervals.
        rows: the rows of each series, by start (in UTC) and class.
    """

    seconds: int
    rows: Mapping[Series, Mapping[datetime, Mapping[str, Measurement]]]

    @cached_property
    def starts(self) -> tuple[datetime, ...]:
        """Starts of the intervals, in UTC."""
        return tuple(sorted({start for rows in self.rows.values() for start in rows}))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes that were looked for, in the order of :data:`passerby.moment.CLASSES`."""
        known = {name for row in self.rows.values() for cells in row.values() for name in cells}
        return tuple(name for name in CLASSES if name in known)

    def value(self, series: Series, start: datetime, class_: str) -> float | None:
        """The value of one class in one interval; None is unknown."""
        row = self.rows.get(series, {}).get(start, {}).get(class_)
        return None if row is None else row.value

    def over_classes(
        self, series: Series, start: datetime, classes: Sequence[str] | None = None
    ) -> float | None:
        """The values of several classes (all that have rows by default) added up.

        Returns:
            None where one is unknown.

        Raises:
            ValueError: for a maximum: two classes need not have theirs at the same second.
        """
        _addable(series.kind)
        chosen = classes or self.rows.get(series, {}).get(start, {})
        values = [self.value(series, start, name) for name in chosen]
        known = [value for value in values if value is not None]
        return sum(known) if values and len(known) == len(values) else None

    def coverage(self, start: datetime, series: Series | None = None) -> float:
        """Share of the interval that was observed: of one series, or the least of all."""
        chosen = self.rows.values() if series is None else [self.rows.get(series, {})]
        cells = [row for rows in chosen for row in rows.get(start, {}).values()]
        return min((row.coverage for row in cells), default=0.0)

    @cached_property
    def partly(self) -> tuple[datetime, ...]:
        """Starts of the intervals of which a part, and not the whole, was observed."""
        return tuple(start for start in self.starts if 0 < self.coverage(start) < 1)

    def observed_seconds(self) -> float:
        """Seconds that were observed, over all intervals."""
        return sum(self.coverage(start) * self.seconds for start in self.starts)

    def total(self, series: Series, class_: str) -> Measurement | None:
        """One class over all intervals; None where there is no such row."""
        rows = [cells[class_] for cells in self.rows.get(series, {}).values() if class_ in cells]
        return merge(rows) if rows else None

    def totals(self) -> Iterator[Measurement]:
        """Every series and class over all intervals."""
        for series in self.rows:
            for name in self.classes:
                row = self.total(series, name)
                if row is not None:
                    yield row

    def total_over_classes(
        self, series: Series, classes: Sequence[str] | None = None
    ) -> float | None:
        """Several classes (all by default) over all intervals; None where nothing is known."""
        _addable(series.kind)
        totals = [self.total(series, name) for name in classes or self.classes]
        known = [row.value for row in totals if row is not None and row.value is not None]
        return sum(known) if known else None

    def seen(self, series: Iterable[Series]) -> tuple[str, ...]:
        """The classes that have a value above zero in any of the series."""
        chosen = [cells for one in series for cells in self.rows.get(one, {}).values()]
        return tuple(
            name
            for name in self.classes
            if any(name in cells and cells[name].value for cells in chosen)
        )

    def known(self, series: Iterable[Series]) -> tuple[str, ...]:
        """The classes of which a value, and be it zero, is known in any of the series.

        That may be of the whole recording alone: each interval may have too few for one.
        """
        chosen = [one for one in series if one in self.rows]
        return tuple(name for name in self.classes if any(self._known(one, name) for one in chosen))

    def _known(self, series: Series, class_: str) -> bool:
        if any(self.value(series, start, class_) is not None for start in self.starts):
            return True
        total = self.total(series, class_)
        return total is not None and total.value is not None


def _addable(kind: str) -> None:
    if KINDS[kind].merge not in (Merge.SUM, Merge.MEAN):
        raise ValueError(f"{kind} must not be added over classes")


def tally(report: Report, seconds: int | None = None, kinds: Collection[str] = COUNTED) -> Tally:
    """The rows of some kinds in intervals of ``seconds`` (by default as they were measured).

    Counts and other measures are apart, because they need not tell the same classes apart.

    Raises:
        ValueError: where ``seconds`` is no multiple of the report's interval.
    """
    own = report.settings.interval_seconds
    wanted = own if seconds is None else seconds
    if wanted % own:
        raise ValueError(f"intervals of {own} s do not fill intervals of {wanted} s")
    rows = [replace(row, start=in_utc(row.start)) for row in report.rows if row.kind in kinds]
    if wanted != own:
        rows = _lengthened(rows, wanted, ZoneInfo(report.timezone))
    grouped: dict[Series, dict[datetime, dict[str, Measurement]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for row in rows:
        grouped[Series(row.place, row.kind, row.direction)][row.start][row.class_] = row
    return Tally(wanted, grouped)


def _lengthened(rows: Iterable[Measurement], seconds: int, zone: tzinfo) -> list[Measurement]:
    """The rows merged into longer intervals; what was not watched of them lowers the coverage."""
    groups: dict[tuple[Series, str, datetime], list[Measurement]] = defaultdict(list)
    for row in rows:
        start = from_posix(interval_start(row.start.timestamp(), seconds, zone), UTC)
        series = Series(row.place, row.kind, row.direction)
        groups[series, row.class_, start].append(row)
    longer = []
    for (_, _, start), members in groups.items():
        row = merge(members)
        share = row.coverage * row.seconds / seconds
        longer.append(replace(row, start=start, seconds=seconds, coverage=share))
    return longer


def observed_share(report: Report, counts: Tally) -> float:
    """Share of the recording that was observed, 0 to 1."""
    span = length(report)
    seconds = counts.observed_seconds()
    if span <= 0 or span - seconds <= _ROUNDED * counts.seconds * len(counts.starts):
        return float(seconds > 0)
    return seconds / span


def table_seconds(report: Report) -> int:
    """The step of the workbook: quarters of an hour where the intervals fill them."""
    own = report.settings.interval_seconds
    return QUARTER if QUARTER % own == 0 else own


def chart_seconds(report: Report) -> int:
    """The step of the page: as measured, or the first longer one that a chart can show."""
    own = report.settings.interval_seconds
    span = length(report)
    steps = [own, *(step for step in (QUARTER, 3600) if step > own and step % own == 0)]
    return next((step for step in steps if span / step <= _MOST_IN_A_CHART), steps[-1])


def line_series(report: Report) -> list[Series]:
    """Both directions of every line."""
    return [
        Series(name, "crossings", way)
        for name in report.shapes.lines
        for way in ("forward", "backward")
    ]


def movement_series(report: Report) -> list[Series]:
    """Every movement."""
    return [Series(name, "movement") for name in report.shapes.movements]
