"""What every measure of a place has in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import shapely

from passerby.geometry import Polygon, Segment
from passerby.histogram import Histogram
from passerby.measures.intervals import Interval
from passerby.measures.trails import Step
from passerby.moment import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """All road users in view at one time, with their places on the ground.

    Attributes:
        step: the trails in the picture; the arrays here are parallel to its.
        metres: (N, 2) ground points in metres; NaN where the ground is not known.
        velocity: (N, 2) metres per second, by a regression over at least half a second; NaN where
            the trail is shorter or the ground is not known.
    """

    step: Step
    metres: Floats
    velocity: Floats


class ZonePlace(NamedTuple):
    """A zone where it is measured.

    Attributes:
        name: of the zone.
        polygon: in the picture, pixels.
        metres: the same on the ground; None where the ground is not known.
    """

    name: str
    polygon: Polygon
    metres: shapely.Polygon | None


class LinePlace(NamedTuple):
    """A line where it is measured.

    Attributes:
        name: of the line.
        segment: in the picture, pixels.
        metres: (2, 2) its two ends on the ground; None where the ground is not known.
    """

    name: str
    segment: Segment
    metres: Floats | None


class Span(NamedTuple):
    """A part of one interval for which a sight stands."""

    time: float
    seconds: float
    interval: Interval


class Passage(NamedTuple):
    """Somebody crossed a line, and the class is known.

    Attributes:
        line: name of the line.
        trail: number of the trail.
        code: class, by vote.
        forward: the direction.
        time: of the crossing, seconds.
        speed: on the ground at that time, m/s; None where it is not known.
        interval: to which the crossing is counted.
    """

    line: str
    trail: int
    code: int
    forward: bool
    time: float
    speed: float | None
    interval: Interval


class End(NamedTuple):
    """A trail ended.

    Attributes:
        trail: its number.
        code: class, by vote.
        seen: when it was last in view, seconds.
        cut: whether the recording ended and not the trail.
        interval: that holds ``seen``, or the first open one after it.
    """

    trail: int
    code: int
    seen: float
    cut: bool
    interval: Interval


class Value(NamedTuple):
    """A row of an interval, less what all rows of the camera share."""

    place: str
    kind: str
    class_: str
    direction: str
    value: float | None
    n: int | None
    histogram: Histogram | None = None


class Measure:
    """Something measured at one place. What it holds of an interval is in ``Interval.held``.

    Each of these does nothing unless a measure says what.
    """

    def accept(self, sight: Sight, spans: list[Span]) -> None:
        """Take who is in view at a time, and the parts of intervals for which that stands."""

    def tick(self, time: float) -> None:
        """Take note of the time; infinite once the recording is over."""

    def passed(self, passage: Passage) -> None:
        """Take note that somebody crossed a line; told one bridging time after it."""

    def ended(self, end: End) -> None:
        """Take note that a trail ended."""

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes: always the same places, kinds and classes."""
        yield from ()
