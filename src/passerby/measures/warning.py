"""Sights → who comes into a zone and leaves it, and how long until it is full."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import t as student

from passerby.measures.intervals import Interval
from passerby.measures.measure import End, Measure, Sight, Span, Value, ZonePlace
from passerby.measures.trails import Step
from passerby.moment import CLASSES

_PERSON = CLASSES.index("person")
_SURE_SECONDS = 0.5  # inside or outside for so long is no swaying at the edge
_BLOCK = 10.0  # seconds over which the number of people is averaged
_TREND = 18  # blocks that tell the trend ...
_LEAST_TREND = 6  # ... at least
_SHARE = 0.9  # of the interval around a slope


@dataclass(slots=True)
class _Balance:
    """What one interval knows: comings and goings by class, and the shortest times."""

    came: Counter[int] = field(default_factory=Counter)
    left: Counter[int] = field(default_factory=Counter)
    people: set[int] = field(default_factory=set)
    time: float | None = None
    low: float | None = None


class ZoneBalance(Measure):
    """Inflow and outflow of one zone, and the time until it is full.

    - ``net_inflow``: trails that were outside and then inside, less those that went out. A side
      counts once somebody is on it for half a second, so that swaying at the edge is nothing. Who
      appears inside, or vanishes there, neither came nor left.
    - ``time_to_capacity``: (limit − number) ÷ slope, with the limit the smaller of ``capacity`` and
      ``density_limit`` × area, and number and slope those of a least-squares line through the
      means of the last three minutes (at least one) in blocks of ten seconds. 0 at or above
      the limit; unknown where the number does not rise, and where no limit is known.
    - ``time_to_capacity_low``: the same with the upper end of the slope's 90 % interval (Student),
      for a number that walks at random around its trend: who came stays for a while, so that the
      scatter around a line is not independent, and would make the trend look too certain.

    Both are the shortest of those found every ten seconds. ``n`` is the number of comings and
    goings; for the times it is the number of people who were in the zone.

    Source: N. Draper and H. Smith, Applied Regression Analysis, Wiley 1998.
    """

    def __init__(
        self,
        zone: ZonePlace,
        classes: tuple[str, ...],
        *,
        capacity: int | None,
        density_limit: float | None,
        bridge_seconds: float = 2.0,
    ) -> None:
        """Prepare to measure.

        Args:
            zone: where.
            classes: those that the detector can tell; each has a row.
            capacity: people that the zone may hold.
            density_limit: people/m² that it must not reach; of use where the ground is known.
            bridge_seconds: how long somebody may be out of view.
        """
        self._zone, self._classes, self._bridge = zone, classes, bridge_seconds
        self._warns = "person" in classes and (capacity is not None or density_limit is not None)
        limits = [] if capacity is None else [float(capacity)]
        if density_limit is not None and zone.metres is not None:
            limits.append(density_limit * zone.metres.area)
        self._limit = min(limits, default=None)
        self._inside: set[int] = set()
        self._outside: set[int] = set()
        self._turning: dict[int, float] = {}  # since when a trail may be on the other side
        self._blocks: deque[tuple[float, float]] = deque(maxlen=_TREND)  # middle, mean number
        self._begin: float = -math.inf  # of the present block
        self._sum = self._seconds = 0.0
        self._until = -math.inf  # when observation ended last

    def accept(self, sight: Sight, spans: list[Span]) -> None:
        """Take who is in view at a time, and the parts of intervals for which that stands."""
        step = sight.step
        inside = self._zone.polygon.holds(step.seen)
        if spans:
            here = set(step.trails[inside].tolist())
            self._see(here, set(step.trails[~inside].tolist()), step, spans[0].interval)
        people = inside & (step.codes == _PERSON)
        for span in spans:
            held = self._held(span.interval)
            held.people.update(step.trails[people].tolist())
            if self._limit is not None:
                self._count(span, float(people.sum()), held)

    def ended(self, end: End) -> None:
        """Take note that a trail ended."""
        for trails in (self._inside, self._outside):
            trails.discard(end.trail)
        self._turning.pop(end.trail, None)

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes."""
        held = self._held(interval)
        name = self._zone.name
        for class_ in self._classes:
            code = CLASSES.index(class_)
            came, left = held.came[code], held.left[code]
            yield Value(name, "net_inflow", class_, "", came - left, came + left)
        if self._warns:
            people = len(held.people)
            for kind, value in (
                ("time_to_capacity", held.time),
                ("time_to_capacity_low", held.low),
            ):
                n = None if value is None else people
                yield Value(name, kind, CLASSES[_PERSON], "", value, n)

    def _held(self, interval: Interval) -> _Balance:
        held: _Balance = interval.held.setdefault(self, _Balance())
        return held

    def _see(self, here: set[int], away: set[int], step: Step, interval: Interval) -> None:
        """Take note on which side of the edge everybody in view is."""
        turned = (here & self._outside) | (away & self._inside)
        for trail in [t for t in self._turning if t not in turned and (t in here or t in away)]:
            del self._turning[trail]
        self._inside |= here - self._outside
        self._outside |= away - self._inside
        for trail in turned:
            if step.time - self._turning.setdefault(trail, step.time) < _SURE_SECONDS:
                continue
            del self._turning[trail]
            came = trail in here
            (code,) = step.codes[step.trails == trail].tolist()
            held = self._held(interval)
            (held.came if came else held.left)[code] += 1
            for trails in (self._inside, self._outside):
                trails.symmetric_difference_update((trail,))

    def _count(self, span: Span, people: float, held: _Balance) -> None:
        """Add to the present block; where one is full, look at the trend."""
        if span.time - self._until > _BLOCK:
            self._blocks.clear()
            self._begin, self._sum, self._seconds = span.time, 0.0, 0.0
        self._until = span.time + span.seconds
        self._sum += people * span.seconds
        self._seconds += span.seconds
        if self._until - self._begin < _BLOCK - 1e-6:
            return
        self._blocks.append(((self._begin + self._until) / 2, self._sum / self._seconds))
        self._begin, self._sum, self._seconds = self._until, 0.0, 0.0
        time, low = self._left()
        held.time, held.low = _shorter(held.time, time), _shorter(held.low, low)

    def _left(self) -> tuple[float | None, float | None]:
        """Seconds until the limit, and the least that the data allow."""
        assert self._limit is not None
        times, numbers = np.array(self._blocks).T
        if numbers[-1] >= self._limit:
            return 0.0, 0.0
        if len(times) < _LEAST_TREND:
            return None, None
        away = times - times.mean()
        spread = float((away * away).sum())
        slope = float((away * numbers).sum()) / spread
        level = float(numbers.mean()) + slope * (self._until - float(times.mean()))
        # As if the number were a random walk: it keeps what came and went, so that the scatter
        # around the line is that of one stay after another, and far from independent. The slope is
        # a weighted sum of the steps between blocks.
        weights = np.cumsum(away[::-1])[::-1][1:] / spread
        error = float(np.diff(numbers).std(ddof=1) * np.sqrt(weights @ weights))
        steepest = slope + float(student.ppf((1 + _SHARE) / 2, len(times) - 2)) * error
        room = max(self._limit - level, 0.0)
        return (room / slope if slope > 0 else None), (room / steepest if steepest > 0 else None)


def _shorter(one: float | None, other: float | None) -> float | None:
    return min((time for time in (one, other) if time is not None), default=None)
