"""What the page shows of one place: charts, a table, and words about both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from passerby.measurement import Measurement
from passerby.report.svg import element
from passerby.report.tally import MEASURED, Series, Tally
from passerby.report.words import NOT_KNOWN, SiteClock, exact, percent, rounded, significant


@dataclass(frozen=True, slots=True)
class CountTable:
    """A table of one place: a row an interval, a column a class.

    Attributes:
        caption: what it shows.
        groups: heading of each group of columns and how many it spans.
        classes: heading of each column.
        rows: label, coverage and cells of each interval.
        foot: cells of the whole recording.
    """

    caption: str
    groups: list[tuple[str, int]]
    classes: list[str]
    rows: list[tuple[str, str, list[Markup]]]
    foot: list[Markup]


@dataclass(frozen=True, slots=True)
class Figure:
    """One place: its charts, its table, and what was looked for in vain."""

    name: str
    about: str
    charts: list[tuple[str, Markup]]
    table: CountTable
    never: str = ""
    word: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page about some kinds of measurement.

    Attributes:
        id: of its heading.
        title: its heading.
        intro: what its figures mean.
        legend: swatches and what they stand for.
        figures: its places.
    """

    id: str
    title: str
    intro: str
    legend: list[tuple[Markup, str]]
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of measures.

    Attributes:
        group: what stands above it and its neighbours of the same group.
        head: what stands above it alone.
        series: whose rows.
        class_: of the rows.
        say: what to say of a row instead of its value.
        bound: where this share is above 0, the value is a lower bound.
    """

    group: str
    head: str
    series: Series
    class_: str
    say: Callable[[Measurement], str] | None = None
    bound: Series | None = None


def never(counts: Tally, all_series: Iterable[Series]) -> str:
    """The classes that were looked for and not seen in any of the series."""
    seen = counts.seen(all_series)
    return ", ".join(name for name in counts.classes if name not in seen)


def count_table(
    counts: Tally, clock: SiteClock, groups: dict[str, Series], caption: str
) -> CountTable:
    """Series beside each other, each by class, and their sums where they have any."""
    classes = counts.seen(groups.values()) or counts.classes[:1]
    # A maximum has no sum over classes, and a single class needs none.
    sums = {
        title: len(classes) > 1 and series.kind != "occupancy_max"
        for title, series in groups.items()
    }

    def cells(start: datetime) -> list[Markup]:
        found, when = [], clock.iso(start)
        for title, series in groups.items():
            found += [
                cell(counts.value(series, start, name), series, name, when) for name in classes
            ]
            if sums[title]:
                found.append(cell(counts.over_classes(series, start), series, "all", when))
        return found

    foot = []
    for title, series in groups.items():
        foot += [total_cell(counts, series, name) for name in classes]
        if sums[title]:
            foot.append(cell(counts.total_over_classes(series), series, "all", ""))
    heads = {title: [*classes, "all"] if sums[title] else list(classes) for title in groups}
    return CountTable(
        caption,
        [(title, len(columns)) for title, columns in heads.items()],
        [name for columns in heads.values() for name in columns],
        table_rows(counts, clock, next(iter(groups.values())), cells),
        foot,
    )


def measure_table(
    counts: Tally, clock: SiteClock, columns: Sequence[Column], caption: str
) -> CountTable:
    """Any columns beside each other."""

    def cells(start: datetime) -> list[Markup]:
        when = clock.iso(start)
        found = []
        for one in columns:
            row = counts.rows.get(one.series, {}).get(start, {}).get(one.class_)
            bound = one.bound and counts.value(one.bound, start, one.class_)
            found.append(_said(one, row, when, bound=bool(bound)))
        return found

    foot = []
    for one in columns:
        share = one.bound and counts.total(one.bound, one.class_)
        bound = bool(share and share.value)
        foot.append(_said(one, counts.total(one.series, one.class_), "", bound=bound))

    groups = itertools.groupby(columns, key=lambda one: one.group)
    return CountTable(
        caption,
        [(group, len(list(members))) for group, members in groups],
        [one.head for one in columns],
        table_rows(counts, clock, columns[0].series, cells),
        foot,
    )


def table_rows(
    counts: Tally, clock: SiteClock, series: Series, cells: Callable[[datetime], list[Markup]]
) -> list[tuple[str, str, list[Markup]]]:
    """Label, coverage and cells of each interval."""
    one_day = len({clock.date(start) for start in counts.starts}) == 1
    return [
        (
            f"{'' if one_day else f'{clock.date(start)} '}{clock.time(start)}",
            percent(counts.coverage(start, series)),
            cells(start),
        )
        for start in counts.starts
    ]


def _said(column: Column, row: Measurement | None, when: str, *, bound: bool) -> Markup:
    value = None if row is None else row.value
    if column.say is None:
        return cell(value, column.series, column.class_, when, bound=bound)
    said = "" if row is None else column.say(row)
    text = f"{said} or worse" if bound and said else said
    return element("td", text or NOT_KNOWN, class_=None if said else "unknown")


def total_cell(counts: Tally, series: Series, class_: str) -> Markup:
    """The cell of one class over the whole recording."""
    row = counts.total(series, class_)
    return cell(None if row is None else row.value, series, class_, "")


def cell(
    value: float | None, series: Series, class_: str, start: str, *, bound: bool = False
) -> Markup:
    """A cell that carries its exact value, so that charts and tables can be compared."""
    text = significant(value) if series.kind in MEASURED else rounded(value)
    return element(
        "td",
        f"≥ {text}" if bound and value is not None else text,
        class_="unknown" if value is None else None,
        data_place=series.place,
        data_kind=series.kind,
        data_direction=series.direction,
        data_class=class_,
        data_start=start,
        data_value=exact(value),
    )
