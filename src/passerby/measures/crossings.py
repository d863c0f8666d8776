"""Steps of trails → crossings of one line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from passerby.geometry import Segment
from passerby.measures.trails import Step

# A road user has crossed once it is so many box heights beyond the line: people who stand and
# sway on it have not.
_BEYOND = 0.25


@dataclass(frozen=True, slots=True)
class Crossing:
    """One road user crossed one line once.

    Attributes:
        line: name of the line.
        trail: number of the trail.
        forward: the direction.
        time: seconds, interpolated between the two steps on either side of the line.
    """

    line: str
    trail: int
    forward: bool
    time: float


@dataclass(slots=True)
class _Pending:
    """A trail that is past the line and not yet clear of it."""

    sign: int  # the side it came to: 1 forward, -1 backward
    time: float
    distance: float = 0.0
    steps: int = 0  # since it came there


class LineCrossings:
    """Decides when a road user has crossed one line.

    Each step that meets the segment leaves a crossing pending, or takes back the opposite one
    that is pending: who sways there and back has done nothing. What is pending is decided when
    the trail is clear of the line, or ends beyond it.
    """

    def __init__(self, name: str, segment: Segment) -> None:
        self._name = name
        self._segment = segment
        self._pending: dict[int, _Pending] = {}

    def accept(self, step: Step) -> list[Crossing]:
        """The crossings that this step decides."""
        moved = np.flatnonzero(np.isfinite(step.before_time))
        crossed = self._segment.crossed(step.before[moved], step.points[moved])
        for place in np.flatnonzero(crossed.signs):
            row = moved[place]
            since = float(step.before_time[row])
            time = since + float(crossed.shares[place]) * (step.time - since)
            self._cross(int(step.trails[row]), int(crossed.signs[place]), time)
        if not self._pending:
            return []
        distances = self._segment.distance(step.points)
        decided = []
        for row in np.flatnonzero(np.isin(step.trails, list(self._pending))):
            trail, distance = int(step.trails[row]), float(distances[row])
            pending = self._pending[trail]
            pending.distance = distance
            pending.steps += 1
            if abs(distance) < _BEYOND * step.heights[row]:
                continue
            decided += self.end(trail)
        return decided

    def end(self, trail: int, cut: bool = False) -> list[Crossing]:
        """The crossing that a trail leaves when it is clear of the line or ends, if any.

        There is none if it went back around an end of the segment, nor if the end of the recording
        cuts it off (``cut``) at its first step beyond: one shaking box is not somebody who
        crossed.
        """
        pending = self._pending.pop(trail, None)
        if pending is None or pending.sign * pending.distance <= 0:
            return []
        if cut and pending.steps < 2:
            return []
        return [Crossing(self._name, trail, pending.sign > 0, pending.time)]

    def _cross(self, trail: int, sign: int, time: float) -> None:
        pending = self._pending.get(trail)
        if pending is not None and pending.sign == -sign:
            del self._pending[trail]
        elif pending is None:
            self._pending[trail] = _Pending(sign, time)
