"""Boxes → tracks. Sees no picture, so that it knows nobody by looks is plain to see.

One frame goes through five steps, each a few lines of array arithmetic:

1. **predict** every track to the time of the frame (constant velocity);
2. **associate**: first the confident boxes, then the doubtful ones with the tracks still unmatched
   (two stages by confidence: Zhang et al., "ByteTrack", 2022);
3. **correct** the matched tracks (Kalman, 1960), forget those unseen for the bridging time;
4. **begin** tracks where a confident box is left over;
5. **remember** what was seen, and fill the frames in which a track now found again was hidden.

What is remembered is told ``look_ahead`` seconds later, when it is known which tracks were real,
which gaps were bridged and what class a road user is. Nothing older is kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from passerby.moment import CLASSES, Detections, Floats, Ints, Moment

MAX_BRIDGE_SECONDS = 5.0
"""A track unseen for longer is forgotten, whatever is asked: tracks are short memories."""

Mask = NDArray[np.bool_]

# Person and two-wheeler are one group, because a cyclist is seen now as one, now as the other.
_GROUP = np.array([0, 0, 1, 0, 1, 1, 1])
assert len(_GROUP) == len(CLASSES)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the tracker assumes about road users and detectors; lengths are in box heights.

    Attributes:
        confident: score from which a box may begin a track.
        acceleration: standard deviation of the acceleration, box heights/s².
        noise: standard deviation of a seen position, box heights.
        overlap: smallest similarity of a confident box and a track.
        doubtful_overlap: the same for a doubtful box.
        spread: similarity compares boxes grown by this share on every side ...
        spread_rate: ... and by this much more for each second unseen.
        confirm_hits: a track is real once seen so often ...
        confirm_seconds: ... over such a time.
    """

    confident: float = 0.35
    acceleration: float = 1.0
    noise: float = 0.05
    overlap: float = 0.2
    doubtful_overlap: float = 0.4
    spread: float = 0.1
    spread_rate: float = 0.3
    confirm_hits: int = 3
    confirm_seconds: float = 0.3
    double: float = 0.6
    damp: float = 1.0


@dataclass(slots=True)
class _Tracks:
    """Tracks in view or bridged, as parallel arrays of length N."""

    ids: Ints
    place: Floats  # (N, 4) centre x, centre y, width, height, pixels
    speed: Floats  # (N, 4) the same per second
    var_place: Floats  # (N,) variances in box heights, equal for the four numbers
    covar: Floats
    var_speed: Floats
    group: Ints
    born: Floats
    seen: Floats  # time last seen
    box: Floats  # (N, 4) as last seen
    hits: Ints

    @classmethod
    def none(cls) -> _Tracks:
        whole, real = np.zeros(0, np.int64), np.zeros(0)
        four = np.zeros((0, 4))
        return cls(whole, four, four, real, real, real, whole, real, real, four, whole)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, keep: Mask) -> _Tracks:
        return _Tracks(*(getattr(self, f.name)[keep] for f in fields(self)))

    def join(self, other: _Tracks) -> _Tracks:
        return _Tracks(
            *(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self))
        )


@dataclass(slots=True)
class _Page:
    """What is known of one frame that is not told yet, as parallel arrays."""

    index: int
    time: float
    ids: Ints
    boxes: Floats
    scores: Floats


class Tracker:
    """Follows the road users of one camera."""

    def __init__(
        self,
        tuning: Tuning | None = None,
        *,
        bridge_seconds: float = 2.0,
        look_ahead: float | None = None,
    ) -> None:
        """Begin with an empty street.

        Args:
            tuning: assumptions; the defaults suit most.
            bridge_seconds: how long a track may be unseen, 0 to 5 s.
            look_ahead: seconds between a frame and its Moment; ``bridge_seconds`` where None.

        Raises:
            ValueError: a bridging time outside its range.
        """
        if not 0 <= bridge_seconds <= MAX_BRIDGE_SECONDS:
            raise ValueError(f"bridge_seconds is {bridge_seconds}; it must be within 0 and 5 s")
        self._tuning = tuning or Tuning()
        self._bridge = bridge_seconds
        self._look_ahead = bridge_seconds if look_ahead is None else look_ahead
        self._tracks = _Tracks.none()
        self._pages: deque[_Page] = deque()
        self._votes: NDArray[np.float64] = np.zeros((0, len(CLASSES)))  # by id − self._first
        self._real: Mask = np.zeros(0, bool)
        self._time = -np.inf

    def accept(self, index: int, time: float, found: Detections) -> list[Moment]:
        raise NotImplementedError
