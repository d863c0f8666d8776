"""Sights → who comes into one zone and leaves it, and how soon it is full."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from passerby.measures.intervals import Interval
from passerby.measures.measure import End, Measure, Sight, Span, Value, ZonePlace
from passerby.measures.trails import Step
from passerby.moment import CLASSES

_PERSON = CLASSES.index("person")
# On one side of the edge for so many seconds is no swaying at it.
_SURE = 0.5
# Seconds that are no time at all: POSIX times are exact to a quarter of a µs.
_INSTANT = 1e-5
_BLOCK = 10.0  # seconds over which the number of people is averaged
_MOST = 0.5  # of a block must be observed
_TREND, _LEAST_TREND = 18, 6  # blocks: three minutes, one minute
_UPPER = 0.95  # the upper end of a two-sided interval of 90 %


class _Turn(NamedTuple):
    """Somebody was seen on the other side of the edge, and may be swaying."""

    since: float
    interval: Interval


class _Block(NamedTuple):
    """Ten seconds of the clock: their middle, and the mean number of people then."""

    time: float
    number: float


class _Trend(NamedTuple):
    """People per second: the slope, and the upper end of its interval."""

    slope: float
    upper: float


@dataclass(slots=True)
class _Balance:
    """What one interval knows.

    Attributes:
        came: into the zone, by class code.
        left: likewise.
        people: trails of the people that were in the zone.
        time: shortest time to the limit so far, seconds.
        low: the same at the upper end of the trend.
    """

    came: Counter[int] = field(default_factory=Counter)
    left: Counter[int] = field(default_factory=Counter)
    people: set[int] = field(default_factory=set)
    time: float | None = None
    low: float | None = None


class ZoneBalance(Measure):
    """Who comes into one zone and leaves it, by class, and how soon it is full of people.

    - ``net_inflow``: those that came in less those that went out. Somebody changes sides once
      seen on the other for half a second, and at more than one sight: swaying at the edge is
      nothing, and whoever sways more slowly comes and goes in turn. Of a trail that ended, the
      comings less the goings are 1, 0 or −1: whether it was inside when last seen, less whether
      it was when first seen. Who appears inside did not come, and who is lost there did not
      leave: a door in the middle of a zone is not seen. A change belongs to the interval in which
      the new side was first seen; one that is sure only after that closed, or as the trail ends,
      to the next still open. ``n`` is the number of comings and goings.

    The other two are there where there is a limit: the smaller of ``capacity`` and
    ``density_limit`` × area of the zone, the latter where its ground is known. They are unknown
    where no limit is left. The number N is the mean over the last ten seconds of the medians of
    each second.

    - ``time_to_capacity``: (limit − N) ÷ b, with b the slope of the least-squares line through the
      ten-second means of the last three minutes, or of at least one; 0 where N is at the limit or
      above; unknown where b is not above 0.
    - ``time_to_capacity_low``: the same with the upper end of the 90 % interval of b (Student's t,
      number of means − 2) in place of b.

    Both are found every ten seconds of the clock; a row has the shortest time of its interval, so
    where a number wavers without rising, the time is that of its steepest minutes. A gap of more
    than ten seconds begins the trend anew. ``n`` is the number of people that were in the zone.

    Who came in stays for a while, so neighbouring means scatter together around the line, and
    its ordinary error is far too small. The error here takes the number for a random walk about
    its trend: the change from one ten-second mean to the next has 2/3 of the variance of a
    walk in ten seconds (Working), and a slope fitted to a walk over T seconds has the variance
    6/5 × that of the walk in one second ÷ T. In simulations of people who come one by one and stay,
    0.2 to 2 a second, the upper end was above the true rate in 92 to 95 % of cases, the
    ordinary one in 62 to 72 %. Few or grouped arrivals: 89 to 92 %. Where people stay for
    a minute or less, or detection is noisy, it errs on the early side: 96 to 100 %.

    People whom others hide are not counted: where ``saturated`` is above 0, both times are too
    long. Neither says anything of what makes the trend, or how long it lasts.

    Source: H. Working, Note on the correlation of first differences of averages in a random
    chain, Econometrica 28 (1960) 916–918; S. Durlauf and P. Phillips, Trends versus random walks
    in time series analysis, Econometrica 56 (1988) 1333–1354, for the 6/5.
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
            density_limit: people/m² that it may hold; counts where its ground is known.
            bridge_seconds: how long after its end an interval closes.
        """
        self._zone, self._classes, self._bridge = zone, classes, bridge_seconds
        self._warns = "person" in classes and (capacity is not None or density_limit is not None)
        limits = [] if capacity is None else [float(capacity)]
        if density_limit is not None and zone.metres is not None:
            limits.append(density_limit * zone.metres.area)
        self._limit = min(limits, default=None)
        self._inside: dict[int, bool] = {}
        self._turns: dict[int, _Turn] = {}
        self._second: float = -math.inf
        self._counts: list[tuple[int, Span]] = []  # of that second
        self._medians: list[tuple[float, float, float]] = []  # of the block: time, number, seconds
        self._block: float = -math.inf
        self._of: Interval | None = None  # that holds the block
        self._blocks: deque[_Block] = deque(maxlen=_TREND)
        self._until = -math.inf  # of what was observed

    def accept(self, sight: Sight, spans: list[Span]) -> None:
        """Take who is in view at a time, and the parts of intervals for which that stands."""
        if not spans:
            return
        step = sight.step
        inside = self._zone.polygon.holds(step.seen)
        self._see(step, inside.tolist(), spans[0].interval)
        if self._limit is None:
            return
        people = step.trails[inside & (step.codes == _PERSON)].tolist()
        for span in spans:
            self.tick(span.time)
            if span.time - self._until > _BLOCK:
                self._blocks.clear()
            self._until = span.time + span.seconds
            self._counts.append((len(people), span))
            self._held(span.interval).people.update(people)

    def tick(self, time: float) -> None:
        """Take note of the time: a block that is over lengthens the trend."""
        second, block = (math.floor(time / s) if math.isfinite(time) else time for s in (1, _BLOCK))
        if second != self._second and self._counts:
            number = float(np.median([count for count, _ in self._counts]))
            seconds = sum(span.seconds for _, span in self._counts)
            _, (begin, _, interval) = self._counts[0]
            self._medians.append((begin + seconds / 2, number, seconds))
            self._of, self._counts = interval, []
        if block != self._block and self._of is not None:
            self._look_ahead(self._held(self._of))
            self._of = None
        self._second, self._block = second, block

    def ended(self, end: End) -> None:
        """Take note that a trail ended.

        The side that was seen last counts at once, as that which was seen first did: else those
        who leave the picture close to the zone would be missing, and those who enter it there not.
        """
        if end.trail in self._turns:
            self._change(end.trail, end.code, end.interval)
        self._inside.pop(end.trail, None)

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes."""
        held = interval.held.get(self, _Balance())
        name = self._zone.name
        for class_ in self._classes:
            code = CLASSES.index(class_)
            came, left = held.came[code], held.left[code]
            yield Value(name, "net_inflow", class_, "", came - left, came + left)
        if self._warns:
            times = {"time_to_capacity": held.time, "time_to_capacity_low": held.low}
            for kind, value in times.items():
                n = None if value is None else len(held.people)
                yield Value(name, kind, CLASSES[_PERSON], "", value, n)

    def _held(self, interval: Interval) -> _Balance:
        held: _Balance = interval.held.setdefault(self, _Balance())
        return held

    def _see(self, step: Step, inside: list[bool], interval: Interval) -> None:
        """Take note on which side of the edge everybody in view is."""
        seen = zip(step.trails.tolist(), inside, step.codes.tolist(), strict=True)
        for trail, side, code in seen:
            if side == self._inside.setdefault(trail, side):
                self._turns.pop(trail, None)
                continue
            turn = self._turns.setdefault(trail, _Turn(step.time, interval))
            lasted = step.time - turn.since
            if lasted >= _SURE - _INSTANT:
                is_open = lasted <= self._bridge
                self._change(trail, code, turn.interval if is_open else interval)

    def _change(self, trail: int, code: int, interval: Interval) -> None:
        del self._turns[trail]
        self._inside[trail] = came = not self._inside[trail]
        held = self._held(interval)
        (held.came if came else held.left)[code] += 1

    def _look_ahead(self, held: _Balance) -> None:
        """End a block, and see how soon the limit is reached."""
        times, numbers, seconds = np.array(self._medians).T
        self._medians = []
        if self._limit is None or seconds.sum() < _MOST * _BLOCK:
            return
        last = _Block(*(float(np.average(of, weights=seconds)) for of in (times, numbers)))
        self._blocks.append(last)
        room, ago = self._limit - last.number, self._until - last.time
        trend = _Trend(0.0, 0.0) if len(self._blocks) < _LEAST_TREND else _trend(self._blocks)
        held.time = _sooner(held.time, room, ago, trend.slope)
        held.low = _sooner(held.low, room, ago, trend.upper)


def _trend(blocks: Sequence[_Block]) -> _Trend:
    """The trend of at least three blocks; see :class:`ZoneBalance` for its error."""
    times, numbers = np.array(blocks).T
    away = times - times.mean()
    slope = float(away @ numbers / (away @ away))
    freedom = len(times) - 2
    apart = np.diff(times)
    rest = np.diff(numbers) - slope * apart
    walk = float((rest * rest / apart).sum()) / freedom * 3 / 2  # variance in one second
    error = math.sqrt(6 / 5 * walk / (float(times[-1] - times[0]) + _BLOCK))
    return _Trend(slope, slope + float(student.ppf(_UPPER, freedom)) * error)


def _sooner(shortest: float | None, room: float, ago: float, slope: float) -> float | None:
    """The shortest time, or that from now on in which room is filled that was there a while ago."""
    if room <= 0:
        return 0.0
    if slope <= 0:
        return shortest
    return min(math.inf if shortest is None else shortest, max(room / slope - ago, 0.0))
