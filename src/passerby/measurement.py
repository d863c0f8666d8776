"""What leaves: a number about a place and an interval, and the rules by which numbers merge."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from passerby.histogram import Histogram
from passerby.kinds import KINDS, Merge


class Key(NamedTuple):
    """What makes a row one row: writing the same key again replaces it."""

    site: str
    camera: str
    place: str
    kind: str
    class_: str
    direction: str
    start: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row.

    Attributes:
        site: name of the site.
        camera: name of the camera.
        place: name of the line, zone or movement.
        kind: a name in :data:`passerby.kinds.KINDS`.
        class_: a name in :data:`passerby.moment.CLASSES`.
        direction: ``forward`` or ``backward`` for lines, else empty.
        start: aware time at which the interval [start, start + seconds) begins.
        seconds: length of the interval, at least 60.
        value: the number, never scaled up; None is unknown.
        n: number of road users behind the value. Where the value is unknown it is None, or the
            number that was too small for a value.
        coverage: share of the interval that was really observed, 0 to 1.
        histogram: of which the value says something, for kinds that keep one; None where nothing
            is known. The row has a copy of what it is given: nothing is added to it any more.
    """

    site: str
    camera: str
    place: str
    kind: str
    class_: str
    direction: str
    start: datetime
    seconds: int
    value: float | None
    n: int | None
    coverage: float
    histogram: Histogram | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if self.histogram is not None:
            object.__setattr__(self, "histogram", self.histogram.copy())

    @property
    def key(self) -> Key:
        """The natural key of the row; its start is in UTC.

        In the zone of a site two starts of the hour that comes twice in autumn would be equal.
        """
        return Key(
            self.site,
            self.camera,
            self.place,
            self.kind,
            self.class_,
            self.direction,
            self.start.astimezone(UTC),
            self.seconds,
        )

    @property
    def unit(self) -> str:
        """Unit of the value."""
        return KINDS[self.kind].unit


def merge(rows: Iterable[Measurement]) -> Measurement:
    """Merge neighbouring rows of one place, kind, class and direction into one longer row.

    The value follows the kind's :class:`Merge`; unknown rows add their seconds to the length and
    nothing to the value, so the coverage falls and the value is never scaled up. A mean weights
    each known row by its observed seconds. Histograms add up, and the value is that of their sum:
    percentiles are never averaged, and several rows with too few for a value may make one. ``n``
    of an occupancy counts a road user once in each merged interval.

    Raises:
        ValueError: no rows, rows of different places or kinds, rows that overlap, or a known value
            of a kind that keeps a histogram without it.
    """
    ordered = sorted(rows, key=lambda row: row.start.timestamp())
    if not ordered:
        raise ValueError("nothing to merge")
    first, last = ordered[0], ordered[-1]
    if len({row.key[:6] for row in ordered}) > 1:
        raise ValueError("rows of different places, kinds, classes or directions do not merge")
    for before, after in itertools.pairwise(ordered):
        if after.start.timestamp() - before.start.timestamp() < before.seconds:
            raise ValueError(f"rows overlap at {after.start.isoformat()}")
    seconds = round(last.start.timestamp() - first.start.timestamp()) + last.seconds
    observed = sum(row.coverage * row.seconds for row in ordered)
    merged = replace(
        first, seconds=seconds, value=None, n=None, coverage=observed / seconds, histogram=None
    )
    if KINDS[first.kind].merge is Merge.HISTOGRAM:
        return _with_histogram(merged, ordered)
    known = [(row, row.value) for row in ordered if row.value is not None]
    if not known:
        return merged
    match KINDS[first.kind].merge:
        case Merge.MEAN:
            weights = [row.coverage * row.seconds for row, _ in known]
            value = sum(v * w for (_, v), w in zip(known, weights, strict=True)) / sum(weights)
        case Merge.MAX:
            value = max(v for _, v in known)
        case Merge.MIN:
            value = min(v for _, v in known)
        case _:
            value = sum(v for _, v in known)
    return replace(merged, value=value, n=sum(row.n or 0 for row, _ in known))


def _with_histogram(merged: Measurement, rows: Iterable[Measurement]) -> Measurement:
    """The merged row with the sum of the histograms, and the value of that."""
    total, n = None, 0
    for row in rows:
        if row.histogram is not None:
            total = row.histogram if total is None else total + row.histogram
            n += row.n or 0
        elif row.value is not None:
            raise ValueError(
                f"the {row.kind} of {row.start.isoformat()} has a value and no histogram: such "
                "rows do not merge, for a mean of percentiles is none. Merge rows as they were "
                "measured, or read them from a table with the column histogram"
            )
    if total is None:
        return merged
    return replace(merged, value=KINDS[merged.kind].value_of(total, n), n=n, histogram=total)
