"""Sights → how long road users stay in one zone."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from passerby.histogram import Histogram
from passerby.kinds import KINDS
from passerby.measures.intervals import Interval
from passerby.measures.measure import End, Measure, Sight, Span, Value, ZonePlace
from passerby.measures.trails import Step
from passerby.moment import CLASSES, Floats

_BIN = 1.0  # s
_KINDS = ("dwell_median", "dwell_p90")
# Who comes up or is lost so few box heights from the edge, of the zone or of the picture, came in
# or went out there: a detector misses the first and last step.
_NEAR = 0.5
_AROUND = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])
# One shaking box is nobody who came in.
_FEWEST_SIGHTS = 2


@dataclass(slots=True)
class _Stay:
    """Somebody is in the zone, or left it so short a time ago that it may be a short exit.

    Attributes:
        entered: when, seconds; None where the stay was met in its middle.
        interval: that holds ``left``, or else the last sight inside.
        code: class, by the votes so far.
        seen: when last seen inside.
        point: (2,) where that was, pixels.
        box: (4,) of the road user then.
        sights: how often seen inside.
        left: when, seconds; None while inside.
    """

    entered: float | None
    interval: Interval
    code: int = 0
    seen: float = 0.0
    point: Floats = field(default_factory=lambda: np.zeros(2))
    box: Floats = field(default_factory=lambda: np.zeros(4))
    sights: int = 0
    left: float | None = None


class Dwell(Measure):
    """How long road users stay in one zone, by class, seconds.

    - ``dwell_median``, ``dwell_p90``: the times that 50 % and 90 % of the stays do not exceed, by
      the product-limit estimate of Kaplan and Meier, see
      :meth:`passerby.histogram.Histogram.quantile`. The histogram has bins of 1 s, so both are
      within 1 s of what the stays themselves would give.

    A stay lasts from half-way between the last sight outside and the first inside to half-way
    between the last sight inside and the first outside. Who is out for up to the bridging time and
    comes back has not left. Who is seen inside only once has not stayed. Who comes again later
    stays again. ``n`` is the number of stays, those below that are cut off included.

    - Excluded is who is met in the middle of a stay, for nobody knows since when: who is in the
      zone when watching begins (first seen inside within half a bridging time of the first sight,
      or of the first after a gap longer than the bridging time), and who comes up out of nothing
      away from any edge, which is mostly somebody whose track was lost before.
    - Right-censored is whose stay went on unseen: who is in the zone when the recording ends, who
      is lost away from any edge, and who is there when a gap begins.
    - Who comes up or is lost within half a box height of the edge of the zone, or of that of the
      picture, came in or went out there. A door in the middle of a zone is no edge: draw the zone
      so that its edge runs along the door.

    A stay belongs to the interval in which it ended or was cut off, and its class is that of the
    votes up to then. A median is unknown of fewer than 5 stays, and where so many are cut off
    that half are not known to have ended. No ground is needed.

    Source: E. L. Kaplan and P. Meier, Nonparametric estimation from incomplete observations,
    Journal of the American Statistical Association 53 (1958) 457–481. It takes losses to be
    independent of how long somebody would have stayed.
    """

    def __init__(
        self,
        zone: ZonePlace,
        classes: tuple[str, ...],
        *,
        size: tuple[int, int],
        bridge_seconds: float = 2.0,
    ) -> None:
        """Prepare to measure.

        Args:
            zone: where; only its polygon in the picture is needed.
            classes: those that the detector can tell; each has rows.
            size: width and height of the picture in pixels.
            bridge_seconds: how long somebody may be out without having left.
        """
        self._zone = zone
        self._classes = classes
        self._size = np.array(size, np.float64)
        self._bridge = bridge_seconds
        self._stays: dict[int, _Stay] = {}
        self._since = self._until = -math.inf  # of watching without a gap

    def accept(self, sight: Sight, spans: list[Span]) -> None:
        """Take who is in view at a time, and the parts of intervals for which that stands."""
        if not spans:
            return
        step, interval = sight.step, spans[0].interval
        if step.time - self._until > self._bridge:
            self._since = step.time
        self._until = step.time + sum(span.seconds for span in spans)
        inside = self._zone.polygon.holds(step.seen)
        for row in np.flatnonzero(inside).tolist():
            trail = int(step.trails[row])
            stay = self._stays.get(trail)
            if stay is None:
                stay = self._stays[trail] = _Stay(self._entered(step, row), interval)
            stay.interval, stay.left = interval, None
            stay.code, stay.seen, stay.sights = int(step.codes[row]), step.time, stay.sights + 1
            stay.point, stay.box = step.seen[row], step.boxes[row]
        if not self._stays:
            return
        for row in np.flatnonzero(~inside & np.isin(step.trails, list(self._stays))).tolist():
            stay = self._stays[int(step.trails[row])]
            stay.code = int(step.codes[row])
            if stay.left is None:
                # No longer ago than the bridging time: that interval is still open.
                stay.left = max((stay.seen + step.time) / 2, step.time - self._bridge)
                if stay.left >= interval.start:
                    stay.interval = interval

    def tick(self, time: float) -> None:
        """Take note of the time: who is out for the bridging time has left."""
        for trail, stay in list(self._stays.items()):
            if stay.left is not None and time - stay.left >= self._bridge:
                _book(self, self._stays.pop(trail), stay.left, stay.interval, stay.code)

    def ended(self, end: End) -> None:
        """Take note that a trail ended."""
        stay = self._stays.pop(end.trail, None)
        if stay is None:
            return
        if stay.left is not None:
            _book(self, stay, stay.left, stay.interval, end.code)
        else:
            censored = end.cut or not self._at_edge(stay.point, stay.box)
            _book(self, stay, end.seen, end.interval, end.code, censored=censored)

    def values(self, interval: Interval) -> Iterator[Value]:
        """The rows of an interval that closes."""
        stays: dict[int, Histogram] = interval.held.get(self, {})
        for class_, kind in itertools.product(self._classes, _KINDS):
            histogram = stays.get(CLASSES.index(class_), Histogram(_BIN))
            n = round(sum(histogram.counts.values()) + sum(histogram.censored.values()))
            value = KINDS[kind].value_of(histogram, n)
            yield Value(self._zone.name, kind, class_, "", value, n, histogram)

    def _entered(self, step: Step, row: int) -> float | None:
        before = float(step.before_time[row])
        if math.isfinite(before):
            return (before + step.time) / 2
        # Half of it: a run that goes on begins a bridging time before the trails it needs.
        at_start = step.time - self._since < self._bridge / 2
        if at_start or not self._at_edge(step.seen[row], step.boxes[row]):
            return None
        return step.time

    def _at_edge(self, point: Floats, box: Floats) -> bool:
        reach = _NEAR * float(box[3] - box[1])
        near_picture = (box[:2] < reach).any() or (box[2:] > self._size - reach).any()
        return bool(near_picture or not self._zone.polygon.holds(point + reach * _AROUND).all())


def _book(
    measure: Dwell,
    stay: _Stay,
    until: float,
    interval: Interval,
    code: int,
    *,
    censored: bool = False,
) -> None:
    if stay.entered is None or stay.sights < _FEWEST_SIGHTS:
        return
    stays = interval.held.setdefault(measure, defaultdict(lambda: Histogram(_BIN)))
    stays[code].add(until - stay.entered, censored=censored)
