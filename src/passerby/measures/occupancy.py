"""Steps of trails → how many road users are in one zone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from passerby.geometry import Polygon
from passerby.measures.trails import Step
from passerby.moment import CLASSES, Floats


@dataclass(slots=True)
class Occupancy:
    """What one zone held in one interval.

    Attributes:
        road_user_seconds: (classes,) sum of count × seconds.
        seconds: seconds that were observed.
        peak: (classes,) maximum so far of the medians of whole seconds.
        trails: trails that were in the zone, by class.
    """

    road_user_seconds: Floats = field(default_factory=lambda: np.zeros(len(CLASSES)))
    seconds: float = 0.0
    peak: Floats = field(default_factory=lambda: np.zeros(len(CLASSES)))
    trails: tuple[set[int], ...] = field(default_factory=lambda: tuple(set() for _ in CLASSES))

    def mean(self, code: int) -> float:
        """Time-weighted mean number of road users of a class; needs ``seconds`` above 0."""
        return float(self.road_user_seconds[code]) / self.seconds


class ZoneCounter:
    """Counts the road users of each class in one zone.

    The maximum is that of medians over whole seconds of the clock, so that one frame in which
    the detector sees double does not make it.
    """

    def __init__(self, polygon: Polygon) -> None:
        self._polygon = polygon
        self._second: float = -math.inf
        self._counts: list[Floats] = []
        self._of: Occupancy | None = None

    def tick(self, time: float) -> None:
        """Tell the time, so that a second that is over goes into its interval's maximum."""
        second = math.floor(time) if math.isfinite(time) else time
        if second == self._second:
            return
        if self._of is not None and self._counts:
            medians = np.median(np.stack(self._counts), axis=0)
            np.maximum(self._of.peak, medians, out=self._of.peak)
        self._counts = []
        self._second = second

    def accept(self, step: Step, spans: list[tuple[float, float, Occupancy]]) -> None:
        """Add one step.

        Args:
            step: the trails in view.
            spans: (from, seconds, interval) for each interval that the step stands for. What it
                saw holds at the beginning of the next interval too, until the next step.
        """
        inside = self._polygon.holds(step.seen)
        codes, trails = step.codes[inside].tolist(), step.trails[inside].tolist()
        counts = np.bincount(codes, minlength=len(CLASSES)).astype(np.float64)
        for time, seconds, occupancy in spans:
            self.tick(time)
            self._of = occupancy
            self._counts.append(counts)
            occupancy.road_user_seconds += counts * seconds
            occupancy.seconds += seconds
            for code, trail in zip(codes, trails, strict=True):
                occupancy.trails[code].add(trail)
