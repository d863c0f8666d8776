"""The times that a file tells for its frames: checked, and repaired where they cannot be true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

_JITTER_SECONDS = 1.0
# A longer step within one file is a clock that was set, not a camera that paused.
_LONGEST_PAUSE_SECONDS = 3600.0
_REGULAR_SHARE = 0.9  # of the steps of a file with a constant rate

REPAIRED = (
    "The times of some frames ran backwards or were missing; they were repaired by the frame rate."
)
JUMPED = "The clock inside a file jumped; what follows was joined on without a gap."


class Times:
    """Rising times of frames, in seconds since the start of their file.

    Attributes:
        reached: the end of the latest frame by the file's own clock, seconds.
        notes: what was repaired, in plain sentences.
    """

    def __init__(self, origin: float | None, period: float) -> None:
        """Begin before the first frame.

        Args:
            origin: the time at which the file says it starts; None for that of its first frame.
            period: usual seconds from a frame to the next.
        """
        self.reached = 0.0
        self.notes: set[str] = set()
        self._start = self._origin = origin
        self._period = period
        self._last = -period
        self._steps: Counter[int] = Counter()  # milliseconds

    def accept(self, told: float | None, following: float | None) -> float:
        """The time of the next frame.

        Args:
            told: what the file tells for it, seconds.
            following: what it tells for the frame after.
        """
        last = self._last
        self._last += self._period
        if told is None:
            self.notes.add(REPAIRED)
            return self._last
        if self._start is None or self._origin is None:
            self._start = self._origin = told - self._last
        if following is not None and last < following - self._origin <= told - self._origin:
            self.notes.add(REPAIRED)  # the next frame goes on where the last one was
            return self._last
        step = told - self._origin - last
        self.reached = max(self.reached, told - self._start + self._period)
        if not -_JITTER_SECONDS <= step <= _LONGEST_PAUSE_SECONDS:
            self._origin = told - self._last
            self.notes.add(JUMPED)
        elif step <= 0:
            self.notes.add(REPAIRED)
        else:
            self._last = told - self._origin
            self._steps[round(step * 1000)] += last >= 0
        return self._last

    def holes(self) -> int:
        """Frames that are missing between others: where the rate is constant, that shows."""
        period = constant_period(self._steps)
        if period is None:
            return 0
        span = sum(step * often for step, often in self._steps.items()) / 1000
        return round(span / period) - self._steps.total()


def usual_period(times: Iterable[float]) -> float | None:
    """Seconds from a frame to the next, by a stretch of frames: the middle one of the steps.

    A pause in the stretch does not lengthen it, as it does the average that headers tell.
    """
    steps = sorted(after - before for before, after in pairwise(sorted(times)) if after > before)
    if not steps:
        return None
    middle = steps[len(steps) // 2]
    # Times in whole milliseconds alternate around the truth.
    near = [step for step in steps if abs(step - middle) <= max(0.0011, middle * 0.1)]
    return sum(near) / len(near)


def constant_period(steps: Counter[int]) -> float | None:
    """Seconds from a frame to the next, if nearly all of the steps (milliseconds) are alike."""
    if not steps.total():
        return None
    common = steps.most_common(1)[0][0]
    near = {s: n for s, n in steps.items() if abs(s - common) <= max(1, common * 0.1)}
    many = sum(near.values())
    if many < _REGULAR_SHARE * steps.total():
        return None
    return max(sum(s * n for s, n in near.items()) / many, 1) / 1000
