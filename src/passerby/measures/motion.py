"""Steps of trails → places and velocities on the ground."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from passerby.geometry import reference_points
from passerby.ground import Ground
from passerby.measures.measure import Sight
from passerby.measures.trails import Step
from passerby.moment import Floats, Ints

# A line is fitted to the places of so many seconds, if they span at least so many and are at
# least so many: the difference of two boxes is mostly their shaking.
_WINDOW = 1.0
_LEAST_SECONDS = 0.5
_LEAST_PLACES = 3
LAG = _WINDOW / 2
"""Seconds by which a velocity is that of an earlier time: the middle of its window."""

# A crossing is told up to 5 s of bridging time after it; its window begins before it.
_MEMORY = 6.0
# A box that comes as near as this share of the picture to its edge is cut off by it.
_EDGE = 0.01
# Seconds that are no time at all: POSIX times are exact to a quarter of a µs.
_INSTANT = 1e-5


class _Past(NamedTuple):
    """Where the trails in view at one time were on the ground."""

    time: float
    trails: Ints
    places: Floats  # (N, 2) metres; NaN where not known well enough for a velocity


class Motion:
    """Where road users are on the ground, and how they move there.

    A velocity is the slope of the least-squares line through the places of the last second. That
    is exact for steady motion at any frame rate and across any gap. The places must be at least
    3 and span at least 0.5 s, so fewer than 3 analysed frames a second tell no velocity, and a
    trail that comes back after more than a second has none for half a second.

    Of a box that the left, right or lower edge of the picture cuts off, the middle or the foot is
    a guess: it has a place, and no part in a velocity.

    With places that scatter by σ around the truth at f frames a second, each component of a
    velocity scatters by about σ √(12 / f) per second, if they scatter independently. The mean of a
    speed v is then too high by about half the variance over v: matters little for who walks, and
    means that who stands has a small speed above 0.
    """

    def __init__(self, ground: Ground | None, size: tuple[int, int]) -> None:
        """Begin with an empty street.

        Args:
            ground: the map from the picture to metres; without it nothing is known here.
            size: width and height of the picture in pixels.
        """
        self._ground = ground
        self._low = _EDGE * size[0]
        self._high = (1 - _EDGE) * np.array(size, np.float64)
        self._past: deque[_Past] = deque()

    def accept(self, step: Step) -> Sight:
        """Add one step; times must rise.

        Only the bottom centre of a box touches the ground, whatever the camera's reference is.
        """
        if self._ground is None:
            unknown = np.full((len(step.trails), 2), np.nan)
            return Sight(step, unknown, unknown)
        metres = self._ground.to_metres(reference_points(step.boxes, "ground"))
        cut = (step.boxes[:, 0] <= self._low) | (step.boxes[:, 2:] >= self._high).any(axis=1)
        places = np.where(cut[:, None], np.nan, metres)
        self._past.append(_Past(step.time, step.trails, places))
        while self._past[0].time < step.time - _MEMORY:
            self._past.popleft()
        window = self._between(step.time - _WINDOW, step.time)
        return Sight(step, metres, _velocities(window, step.trails, step.time))

    def speed_at(self, trail: int, time: float) -> float | None:
        """Speed of a trail around a time of the last seconds, m/s.

        From the places within half a second of the time, or what there is of them: at least 3
        that span at least 0.5 s, else None.
        """
        window = self._between(time - _WINDOW / 2, time + _WINDOW / 2)
        if not window:
            return None
        ((x, y),) = _velocities(window, np.array([trail]), time)
        return float(np.hypot(x, y)) if np.isfinite(x) else None

    def _between(self, begin: float, end: float) -> list[_Past]:
        return [p for p in self._past if begin - _INSTANT <= p.time <= end + _INSTANT]


def _velocities(window: Sequence[_Past], trails: Ints, now: float) -> Floats:
    """Slopes of the least-squares lines through the places of each trail.

    Args:
        window: in order of time, not empty.
        trails: (N,) numbers, each once.
        now: times count from here, so that they keep their digits.

    Returns:
        (N, 2) metres per second; NaN where the places are too few or span too short a time.
    """
    count = len(trails)
    if not count:
        return np.zeros((0, 2))
    order = np.argsort(trails)
    trail = np.concatenate([past.trails for past in window])
    place = np.concatenate([past.places for past in window])
    time = np.repeat([past.time - now for past in window], [len(past.trails) for past in window])
    row = order[np.minimum(np.searchsorted(trails, trail, sorter=order), count - 1)]
    known = np.flatnonzero((trails[row] == trail) & np.isfinite(place[:, 0]))
    row, time, place = row[known], time[known], place[known]

    def sums(of: Floats) -> Floats:
        return np.asarray(np.bincount(row, of, count), np.float64)

    begin, end = np.zeros(count), np.zeros(count)
    # Where a row comes more than once, the last one stays.
    begin[row[::-1]], end[row] = time[::-1], time
    number = np.bincount(row, minlength=count)
    enough = (number >= _LEAST_PLACES) & (end - begin >= _LEAST_SECONDS - _INSTANT)
    centred = time - (sums(time) / np.maximum(number, 1))[row]
    spread = np.where(enough, sums(centred * centred), np.nan)
    return np.stack([sums(centred * place[:, axis]) / spread for axis in (0, 1)], axis=1)
