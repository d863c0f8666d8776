"""Sights → how densely one zone is filled with people."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import shapely

from passerby.errors import SiteError
from passerby.measures.density import voronoi_cells
from passerby.measures.intervals import Interval
from passerby.measures.measure import Measure, Sight, Span, Value, ZonePlace
from passerby.moment import CLASSES

_PERSON = CLASSES.index("person")
# Density is found anew at the first sight of each second; the others of it repeat it.
_BEATS = 1
_STRETCH = 3.0  # seconds over which the highest local density is the median
# Metres. A person alone then has a cell of 3.0 m², which is nearly the least room of level of
# service A: people who are farther apart do not hinder each other. PedPy's guide takes it too.
_CUT_OFF = 1.0
# What was known for no more than this share of the time is not known.
_MOST = 0.5


class _Density(NamedTuple):
    """Density at one time, 1/m²; None where the place of somebody in the zone is not known."""

    classic: float
    voronoi: float | None
    local: float | None  # the highest
    trails: frozenset[int]


@dataclass(slots=True)
class _Minute:
    seconds: float = 0.0
    classic: float = 0.0  # sum of density × seconds


@dataclass(slots=True)
class _Crowding:
    """What the density of the zone was in one interval.

    Attributes:
        minutes: by number, from the start of the interval.
        placed: seconds in which it was known where everybody in the zone was.
        voronoi: sum of Voronoi density × seconds.
        local: maximum so far of the three-second medians of the highest local density.
        saturated: seconds in which a density was above what the model can count.
        trails: of the people that were in the zone.
    """

    minutes: defaultdict[int, _Minute] = field(default_factory=lambda: defaultdict(_Minute))
    placed: float = 0.0
    voronoi: float = 0.0
    local: float | None = None
    saturated: float = 0.0
    trails: set[int] = field(default_factory=set)


class ZoneDensity(Measure):
    """People per square metre in one zone.

    All densities are per walkable area of the zone, in 1/m²:

    - ``density_mean``: time-weighted mean of N / A, where N counts the people whose reference
      point is in the zone in the picture, as ``occupancy_mean`` does.
    - ``density_max``: maximum of the means of N / A over the minutes of the interval. A minute
      counts if more than half of it was observed. Minutes are those of the site's clock; where
      intervals are no whole minutes, they begin with the interval.
    - ``density_voronoi_mean``: time-weighted mean of the Voronoi density, see
      :func:`passerby.measures.density.voronoi_density`, with a cut-off of 1 m. Without
      ``walkable`` the zone is all there is to walk on, and this is ``density_mean`` by definition.
    - ``density_local_max``: maximum of the three-second medians of the highest local density of
      anybody in the zone; 0 where nobody is.
    - ``saturated``: share of the observed time in which N / A or the Voronoi density was
      above ``saturation``. Of people so close together some hide others, and the detector misses
      them: densities are lower bounds then, and never a reason to be calm.

    The density is found at the first sight of each half second and holds until that of the next.
    Everything is unknown where the ground of the zone is. Somebody in the zone whose place on the
    ground is unknown still counts in N / A; cells are unknown then, and so are the last three kinds
    unless the places of all were known for more than half of the observed time. Who seems to be
    off the walkable ground counts in N / A and has no cell.

    ``n`` is the number of people that were in the zone when its density was found.
    """

    def __init__(
        self, zone: ZonePlace, *, walkable: shapely.Polygon | None, saturation: float = 2.0
    ) -> None:
        """Prepare to measure.

        Args:
            zone: where.
            walkable: the ground in and around the zone on which people can be, metres; the zone
                itself where it is None.
            saturation: density above which the model counts too few, 1/m².

        Raises:
            SiteError: there is nothing walkable in the zone.
        """
        self._zone = zone
        self._walkable = zone.metres if walkable is None else walkable
        self._saturation = saturation
        if zone.metres is not None:
            self._area = shapely.intersection(zone.metres, self._walkable)
            if not self._area.area > 0:
                raise SiteError(
                    f"zone {zone.name!r}: its walkable ground lies beside it; "
                    "draw the walkable polygon over the zone"
                )
        self._beat: float = -math.inf
        self._density = _Density(0.0, None, None, frozenset())
        self._stretch: float = -math.inf
        self._locals: list[float] = []
        self._of: _Crowding | None = None

    def tick(self, time: float) -> None:
        """Take note of the time: a stretch that is over goes into its interval's maximum."""
        stretch = math.floor(time / _STRETCH) if math.isfinite(time) else time
        if stretch == self._stretch:
            return
        if self._of is not None and self._locals:
            median = float(np.median(self._locals))
            self._of.local = max(self._of.local or 0.0, median)
        self._locals = []
        self._stretch = stretch

    def accept(self, sight: Sight, spans: list[Span]) -> None:
        """Take who is in view at a time, and the parts of intervals for which that stands."""
        if self._zone.metres is None:
            return
        beat = math.floor(sight.step.time * _BEATS)
        fresh = beat != self._beat
        if fresh:
            self._density, self._beat = self._found(sight), beat
        now = self._density
        for span in spans:
            self.tick(span.time)
            self._of = crowding = span.interval.held.setdefault(self, _Crowding())
            if fresh and now.local is not None:
                self._locals.append(now.local)
            for minute, seconds in _minutes(span):
                of_minute = crowding.minutes[minute]
                of_minute.seconds += seconds
                of_minute.classic += now.classic * seconds
            if now.voronoi is not None:
                crowding.placed += span.seconds
                crowding.voronoi += now.voronoi * span.seconds
            # Single cells are small now and then in any crowd: what hides people is a crowd.
            if max(now.classic, now.voronoi or 0.0) > self._saturation:
                crowding.saturated += span.seconds
            crowding.trails |= now.trails

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes."""
        crowding = interval.held.get(self, _Crowding())
        minutes = crowding.minutes.values()
        seconds = sum(minute.seconds for minute in minutes)
        placed = crowding.placed > _MOST * seconds
        means = [m.classic / m.seconds for m in minutes if m.seconds > _MOST * 60]
        numbers = {
            "density_mean": sum(m.classic for m in minutes) / seconds if seconds else None,
            "density_max": max(means, default=None),
            "density_voronoi_mean": crowding.voronoi / crowding.placed if placed else None,
            "density_local_max": crowding.local if placed else None,
            # What was seen to be too dense was so, whoever else's place is not known.
            "saturated": crowding.saturated / seconds if placed or crowding.saturated else None,
        }
        people = len(crowding.trails)
        for kind, value in numbers.items():
            n = None if value is None else people
            yield Value(self._zone.name, kind, CLASSES[_PERSON], "", value, n)

    def _found(self, sight: Sight) -> _Density:
        step = sight.step
        people = np.asarray(step.codes == _PERSON)
        inside = self._zone.polygon.holds(step.seen) & people
        classic = float(inside.sum() / self._area.area)
        trails = frozenset(step.trails[inside].tolist())
        known = np.asarray(np.isfinite(sight.metres).all(axis=1))
        if not known[inside].all():
            return _Density(classic, None, None, trails)
        placed = people & known
        cells = voronoi_cells(sight.metres[placed], walkable=self._walkable, cut_off=_CUT_OFF)
        local = cells.local[inside[placed]]
        highest = np.max(local, initial=0.0, where=np.isfinite(local))
        return _Density(classic, cells.density(self._area), float(highest), trails)


def _minutes(span: Span) -> Iterator[tuple[int, float]]:
    """(minute, seconds): the minutes of its interval in which a span falls."""
    begin = max(span.time - span.interval.start, 0.0)
    first, last = int(begin // 60), int((begin + span.seconds) // 60)
    if first == last:
        yield first, span.seconds
        return
    for minute in range(first, last + 1):
        low, high = max(begin, minute * 60.0), min(begin + span.seconds, (minute + 1) * 60.0)
        if high > low:
            yield minute, high - low
