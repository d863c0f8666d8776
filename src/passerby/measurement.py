"""What leaves: a number about a place and an interval, and the rules by which numbers merge."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple


class Merge(StrEnum):
    """How the values of neighbouring intervals become the value of the longer interval."""

    SUM = "sum"
    MEAN = "coverage-weighted mean"
    MAX = "maximum"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of measurement: its name, unit, merge rule and meaning."""

    name: str
    unit: str
    merge: Merge
    meaning: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "crossings",
            "count",
            Merge.SUM,
            "road users that crossed the line in the direction, once each",
        ),
        Kind(
            "movement",
            "count",
            Merge.SUM,
            "road users that crossed the destination line after the origin line; "
            "belongs to the interval of the destination crossing",
        ),
        Kind(
            "occupancy_mean",
            "road users",
            Merge.MEAN,
            "time-weighted mean number of road users in the zone",
        ),
        Kind(
            "occupancy_max",
            "road users",
            Merge.MAX,
            "maximum of the one-second medians of the number of road users in the zone",
        ),
    )
}
"""Every kind by name."""


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
        kind: a name in :data:`KINDS`.
        class_: a name in :data:`passerby.moment.CLASSES`.
        direction: ``forward`` or ``backward`` for lines, else empty.
        start: aware time at which the interval [start, start + seconds) begins.
        seconds: length of the interval, at least 60.
        value: the number, never scaled up; None is unknown, and then coverage is 0.
        n: number of road users behind the value; None where the value is unknown.
        coverage: share of the interval that was really observed, 0 to 1.
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
    nothing to the value, so the coverage falls and the value is never scaled up. ``n`` of an
    occupancy counts a road user once in each merged interval.

    Raises:
        ValueError: no rows, rows of different places or kinds, or rows that overlap.
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
    known = [(row, row.value) for row in ordered if row.value is not None]
    value: float | None = None
    if known:
        match KINDS[first.kind].merge:
            case Merge.SUM:
                value = sum(v for _, v in known)
            case Merge.MEAN:
                value = sum(v * row.coverage * row.seconds for row, v in known) / observed
            case Merge.MAX:
                value = max(v for _, v in known)
            case Merge.HISTOGRAM:
                raise ValueError(f"{first.kind} keeps a histogram; it has no single value to merge")
    return replace(
        first,
        seconds=seconds,
        value=value,
        n=sum(row.n or 0 for row, _ in known) if known else None,
        coverage=observed / seconds,
    )
