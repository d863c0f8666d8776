"""Sights and passages → headways and time occupancy of one traffic lane."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely

from passerby.histogram import Histogram
from passerby.kinds import KINDS
from passerby.measures.intervals import Interval
from passerby.measures.measure import LinePlace, Measure, Passage, Sight, Span, Value
from passerby.moment import CLASSES

# The class of rows about all vehicles together.
_VEHICLE = "vehicle"
_BIN = 0.1  # s
_KINDS = ("headway_mean", "headway_median")
# Share of its box, from below, in which a vehicle stands on the ground; above it are the bonnet,
# the roof and the load.
_ON_GROUND = 1 / 3
# Nobody passes unnoticed while nothing is looked at for so many seconds: trails bridge that.
_BLINK = 1.0


@dataclass(slots=True)
class _Traffic:
    """What passed the lane's line in one interval.

    Attributes:
        passages: (time, trail) of vehicles.
        covered: seconds in which a vehicle was on the line.
        seconds: that were observed.
        trails: of the vehicles that were on the line.
    """

    passages: list[tuple[float, int]] = field(default_factory=list)
    covered: float = 0.0
    seconds: float = 0.0
    trails: set[int] = field(default_factory=set)


class Lane(Measure):
    """When vehicles pass the line across one traffic lane, and for how long they cover it.

    Vehicles are all road users but people on foot. They are one stream, whatever their class: the
    class of the rows is ``vehicle``. A lane has one direction of travel, so rows have none, and who
    drives against it is one of the stream.

    - ``headway_mean``, ``headway_median``: time from one vehicle's reference point on the line to
      that of the next, s, in the interval of the latter. The time is unknown, and left out, across
      more than a second that nobody observed, and where one vehicle passes twice. ``n`` is the
      number of headways.
    - ``time_occupancy``: 100 × seconds in which the line was covered / seconds observed, %. It is
      covered where the lower third of a vehicle's box meets it in the picture: there a vehicle
      touches the ground, as far as its box tells. As with a loop in the road, that is longer than
      the vehicle alone takes to pass: the view from the front lengthens it. The line must not reach
      over the next lane. ``n`` is the number of vehicles that covered it.

    A vehicle that passes but is told only after its interval has closed counts in the next one.

    Source: Transportation Research Board, Revised Monograph on Traffic Flow Theory (1992 to 2001),
    chapter 2, F. L. Hall, Traffic stream characteristics: the mean headway is 1 / flow.
    """

    def __init__(self, line: LinePlace, classes: tuple[str, ...]) -> None:
        """Prepare to measure.

        Args:
            line: across the lane.
            classes: those that the detector can tell.
        """
        self._name = line.name
        self._line = shapely.LineString(line.segment.ends)
        shapely.prepare(self._line)
        self._codes = [CLASSES.index(class_) for class_ in classes if class_ != "person"]
        self._until = math.nan  # when observation ended last
        self._breaks: list[float] = []  # when observation ended or began again
        self._last = -math.inf  # time of the last passage or break ...
        self._trail: int | None = None  # ... and who passed; None at a break

    def accept(self, sight: Sight, spans: list[Span]) -> None:
        """Take who is in view at a time, and the parts of intervals for which that stands."""
        step = sight.step
        vehicles = np.flatnonzero(np.isin(step.codes, self._codes))
        left, top, right, bottom = step.boxes[vehicles].T
        feet = shapely.box(left, bottom - _ON_GROUND * (bottom - top), right, bottom)
        on = step.trails[vehicles[shapely.intersects(self._line, feet)]].tolist()
        for span in spans:
            if span.time - self._until > _BLINK:
                self._breaks += [self._until, span.time]
            self._until = span.time + span.seconds
            traffic = span.interval.held.setdefault(self, _Traffic())
            traffic.seconds += span.seconds
            traffic.covered += span.seconds if on else 0.0
            traffic.trails.update(on)

    def passed(self, passage: Passage) -> None:
        """Take note that somebody crossed a line."""
        if passage.line == self._name and passage.code in self._codes:
            traffic = passage.interval.held.setdefault(self, _Traffic())
            traffic.passages.append((passage.time, passage.trail))

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes; they must close in order."""
        traffic = interval.held.get(self, _Traffic())
        times = list(self._headways(traffic.passages, interval.start))
        headways, n = Histogram(_BIN), len(times)
        for time in times:
            headways.add(time)
        for kind in _KINDS:
            value = KINDS[kind].value_of(headways, n)
            yield Value(self._name, kind, _VEHICLE, "", value, n, headways)
        share = 100 * traffic.covered / traffic.seconds if traffic.seconds else None
        number = len(traffic.trails) if traffic.seconds else None
        yield Value(self._name, "time_occupancy", _VEHICLE, "", share, number)

    def _headways(self, passages: list[tuple[float, int]], start: float) -> Iterator[float]:
        """The headways that the passages of the interval from ``start`` on end.

        Takes note of the last passage, for the first headway of the next interval.
        """
        until = max([start, *(time for time, _ in passages)])
        breaks = [(time, None) for time in self._breaks if time <= until]
        self._breaks = [time for time in self._breaks if time > until]
        for time, trail in sorted([*passages, *breaks], key=lambda event: event[0]):
            # What is told late is worth nothing before what is told already.
            if time <= self._last:
                continue
            if trail is not None and self._trail not in (None, trail):
                yield time - self._last
            self._last, self._trail = time, trail
