"""Sights → speeds of people in one zone; passages → speeds of vehicles at one line."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely

from passerby.histogram import Histogram
from passerby.kinds import KINDS
from passerby.measures.intervals import Interval
from passerby.measures.measure import (
    End,
    LinePlace,
    Measure,
    Passage,
    Sight,
    Span,
    Value,
    ZonePlace,
)
from passerby.measures.motion import LAG
from passerby.moment import CLASSES, Floats

_PERSON = CLASSES.index("person")
_ZONE_KINDS = ("speed_mean", "speed_median")
_LINE_KINDS = ("spot_speed_mean", "spot_speed_median", "spot_speed_v85")

_ZONE_BIN = 0.05  # m/s
_LINE_BIN = 0.5  # km/h
_KMH = 3.6  # of one m/s

# m/s. Nobody on foot is faster for long: the world record over 5 km, 12:49 min, is 6.5 m/s.
_FASTEST_ON_FOOT = 7.0
# km/h. The record of cyclists over 200 m, of Paris 2024, is 79; many makers limit cars to 250.
_FASTEST = {class_: 80.0 if class_ == "bicycle" else 250.0 for class_ in CLASSES}

_BINS = round(_FASTEST_ON_FOOT / _ZONE_BIN) + 1


@dataclass(slots=True)
class _Walking:
    """How the people in the zone moved in one interval.

    Attributes:
        seconds: (bins,) spent at each speed.
        metres: walked in them.
        trails: of the people with a plausible speed.
        implausible: number of trails that were implausibly fast.
    """

    seconds: Floats = field(default_factory=lambda: np.zeros(_BINS))
    metres: float = 0.0
    trails: set[int] = field(default_factory=set)
    implausible: int = 0

    def histogram(self) -> Histogram:
        """Seconds by speed."""
        histogram = Histogram(_ZONE_BIN)
        for number in np.flatnonzero(self.seconds).tolist():
            histogram.add((number + 0.5) * _ZONE_BIN, float(self.seconds[number]))
        histogram.total = self.metres
        return histogram


class ZoneSpeed(Measure):
    """How fast people move in one zone, m/s.

    - ``speed_mean``: space-mean speed, v = Σ distance / Σ time over all people while in the zone.
      That is the generalised definition of Edie (1963), by which flow = density × v. The distance
      is the sum of speed × seconds, so who stands still is in it with his or her seconds.
    - ``speed_median``: half of the time that people spent in the zone, they were no faster.
    - ``implausible_speeds``: trails that were once faster than 7 m/s in the zone, each once. The
      seconds in which they were are in neither of the two: some fault of tracking made them.

    The speeds are those of the regressions of :class:`passerby.measures.motion.Motion`; the time
    in which somebody has none, at the beginning of a trail, is left out. People are in the zone
    while the middle of the second over which their speed is taken was. ``n`` is the number
    of trails with a plausible speed. All is unknown where the ground is.

    Source: L. C. Edie, Discussion of traffic stream measurements and definitions, Proceedings of
    the 2nd International Symposium on the Theory of Traffic Flow, London 1963. World Athletics,
    road records: 12:49 min over 5 km.
    """

    def __init__(self, zone: ZonePlace) -> None:
        """Prepare to measure in a zone."""
        self._zone = zone
        self._implausible: set[int] = set()  # trails that are counted as such

    def accept(self, sight: Sight, spans: list[Span]) -> None:
        """Take who is in view at a time, and the parts of intervals for which that stands."""
        if self._zone.metres is None or not spans:
            return
        step = sight.step
        speeds = np.hypot(*sight.velocity.T)
        told = np.flatnonzero((step.codes == _PERSON) & np.isfinite(speeds))
        # A velocity is that of half a second ago: it counts where the walker was then.
        was = sight.metres[told] - LAG * sight.velocity[told]
        inside = told[shapely.intersects_xy(self._zone.metres, was[:, 0], was[:, 1])]
        fast = speeds[inside] > _FASTEST_ON_FOOT
        too_fast = set(step.trails[inside[fast]].tolist()) - self._implausible
        self._implausible |= too_fast
        inside = inside[~fast]
        speeds, trails = speeds[inside], step.trails[inside].tolist()
        people = np.bincount((speeds / _ZONE_BIN).astype(np.int64), minlength=_BINS)
        for span in spans:
            walking = span.interval.held.setdefault(self, _Walking())
            walking.seconds += people * span.seconds
            walking.metres += float(speeds.sum()) * span.seconds
            walking.trails.update(trails)
        spans[0].interval.held[self].implausible += len(too_fast)

    def ended(self, end: End) -> None:
        """Take note that a trail ended."""
        self._implausible.discard(end.trail)

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes."""
        walking = interval.held.get(self, _Walking())
        histogram, n, count = walking.histogram(), len(walking.trails), walking.implausible
        known = self._zone.metres is not None
        row = Value(self._zone.name, "implausible_speeds", CLASSES[_PERSON], "", count, count)
        yield row if known else _unknown(row)
        for kind in _ZONE_KINDS:
            value = KINDS[kind].value_of(histogram, n)
            told = row._replace(kind=kind, value=value, n=n, histogram=histogram)
            yield told if known else _unknown(told)


@dataclass(slots=True)
class _Spots:
    """Speeds at the line in one interval, by class and direction.

    Attributes:
        histograms: km/h, one speed per vehicle.
        numbers: of vehicles in them.
        implausible: number of vehicles that were implausibly fast.
    """

    histograms: defaultdict[tuple[str, bool], Histogram] = field(
        default_factory=lambda: defaultdict(lambda: Histogram(_LINE_BIN))
    )
    numbers: Counter[tuple[str, bool]] = field(default_factory=Counter)
    implausible: Counter[tuple[str, bool]] = field(default_factory=Counter)


class LineSpeed(Measure):
    """How fast vehicles are where they cross one line, km/h.

    One speed per crossing, by class and direction: the speed on the ground around the time of the
    crossing. Vehicles are all road users but people on foot; bicycles and motorcycles are classes
    of their own.

    - ``spot_speed_mean``: arithmetic mean, Σ v / n: the time-mean speed, which is never below
      the space-mean speed.
    - ``spot_speed_median``.
    - ``spot_speed_v85``: the speed that 85 % did not exceed; unknown of fewer than 30 vehicles.
    - ``implausible_speeds``: vehicles faster than 250 km/h, bicycles faster than 80 km/h. They are
      in none of the others.

    ``n`` is the number of vehicles with a plausible speed. Those whose speed at the line is not
    known, as of who stood on it for long, are in nothing here. All is unknown where the ground is.

    Source: Institute of Transportation Engineers, Manual of Transportation Engineering Studies,
    2nd edition, 2010, chapter on spot speed studies. Bounds: the record of cyclists over 200 m with
    a flying start, 9.088 s (UCI, Paris 2024); many makers limit their cars to 250 km/h.
    """

    def __init__(self, line: LinePlace, classes: tuple[str, ...]) -> None:
        """Prepare to measure.

        Args:
            line: where.
            classes: those that the detector can tell; each vehicle class has rows.
        """
        self._line = line
        self._classes = tuple(class_ for class_ in classes if class_ != CLASSES[_PERSON])

    def passed(self, passage: Passage) -> None:
        """Take note that somebody crossed a line."""
        class_ = CLASSES[passage.code]
        if passage.line != self._line.name or class_ not in self._classes or passage.speed is None:
            return
        spots = passage.interval.held.setdefault(self, _Spots())
        key, speed = (class_, passage.forward), passage.speed * _KMH
        if speed > _FASTEST[class_]:
            spots.implausible[key] += 1
            return
        spots.histograms[key].add(speed)
        spots.numbers[key] += 1

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes."""
        spots = interval.held.get(self, _Spots())
        known = self._line.metres is not None
        for class_, forward in itertools.product(self._classes, (True, False)):
            key, direction = (class_, forward), "forward" if forward else "backward"
            histogram, n, count = spots.histograms[key], spots.numbers[key], spots.implausible[key]
            row = Value(self._line.name, "implausible_speeds", class_, direction, count, count)
            yield row if known else _unknown(row)
            for kind in _LINE_KINDS:
                value = KINDS[kind].value_of(histogram, n)
                told = row._replace(kind=kind, value=value, n=n, histogram=histogram)
                yield told if known else _unknown(told)


def _unknown(row: Value) -> Value:
    return row._replace(value=None, n=None, histogram=None)
