"""Moments → trails: where each road user was one step ago.

A trail is a track as the measures see it. It outlives two faults of tracking: a track that goes
out and comes back within the bridging time, and one that continues under another identity.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from passerby.geometry import reference_points
from passerby.moment import CLASSES, Floats, Ints, Moment

# A new identity continues a trail if it begins within so many box heights of where the trail
# should be by now; it may be off by more the longer the trail was unseen.
_REACH = 0.5
_REACH_PER_SECOND = 0.5
# Seconds over which the speed of a trail is smoothed, so that one shaking box does not throw it.
_SPEED_MEMORY = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """All trails in view at one time; parallel arrays of length N.

    Attributes:
        time: seconds, as in the Moment.
        seconds: the span it stands for.
        trails: (N,) numbers of the trails.
        points: (N, 2) reference points, pixels.
        before: (N, 2) reference points when last in view; NaN for a new trail.
        before_time: (N,) when that was; NaN for a new trail.
        heights: (N,) box heights, pixels.
        codes: (N,) indices into :data:`passerby.moment.CLASSES`.
    """

    time: float
    seconds: float
    trails: Ints
    points: Floats
    before: Floats
    before_time: Floats
    heights: Floats
    codes: Ints


@dataclass(slots=True)
class _Open:
    """Open trails, as parallel arrays."""

    trail: Ints
    identity: Ints  # the track it follows at present
    born: Floats
    seen: Floats
    point: Floats
    speed: Floats
    height: Floats
    votes: Floats

    @classmethod
    def none(cls) -> _Open:
        whole, real, two = np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 2))
        return cls(whole, whole, real, real, two, two, real, np.zeros((0, len(CLASSES))))

    def take(self, keep: NDArray[np.bool_]) -> _Open:
        return _Open(*(getattr(self, f.name)[keep] for f in fields(self)))

    def join(self, other: _Open) -> _Open:
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return _Open(*(np.concatenate(pair) for pair in pairs))


class Trails:
    """The trails of one camera."""

    def __init__(self, reference: str, bridge_seconds: float) -> None:
        """Begin with an empty street.

        Args:
            reference: ``ground`` or ``centre``, see :func:`passerby.geometry.reference_points`.
            bridge_seconds: how long a trail may be out of view.
        """
        self._reference = reference
        self._bridge = bridge_seconds
        self._open = _Open.none()
        self._next = 0

    def ended(self, time: float) -> dict[int, int]:
        """Close the trails that are out of view for longer than the bridging time.

        Returns:
            Class code by trail, for each trail that ended.
        """
        rows = self._open
        over = time - rows.seen > self._bridge + 1e-6
        if not over.any():
            return {}
        gone = rows.take(over)
        self._open = rows.take(~over)
        return dict(zip(gone.trail.tolist(), gone.votes.argmax(axis=1).tolist(), strict=True))

    def accept(self, moment: Moment) -> Step:
        """Lengthen the trails by one Moment; times must rise."""
        points = reference_points(moment.boxes, self._reference)
        heights = moment.boxes[:, 3] - moment.boxes[:, 1]
        self._adopt(moment, points)
        known = np.isin(moment.ids, self._open.identity)
        before = np.full((len(moment), 2), np.nan)
        before_time = np.full(len(moment), np.nan)
        rows = self._find(moment.ids[known])
        before[known], before_time[known] = self._open.point[rows], self._open.seen[rows]
        self._move(rows, moment.time, points[known])
        self._begin(moment.time, moment.ids[~known], points[~known])

        rows = self._find(moment.ids)
        self._open.seen[rows] = moment.time
        self._open.point[rows] = points
        self._open.height[rows] = heights
        # A bridged box has score 0: it is where it is by guess and says nothing of its class.
        self._open.votes[rows, moment.codes] += moment.scores + 1e-9
        return Step(
            moment.time,
            moment.seconds,
            self._open.trail[rows],
            points,
            before,
            before_time,
            heights,
            self._open.votes[rows].argmax(axis=1),
        )

    def code(self, trail: int) -> int:
        """Class of an open trail by the votes so far."""
        (row,) = np.flatnonzero(self._open.trail == trail)
        return int(self._open.votes[row].argmax())

    @property
    def oldest(self) -> float:
        """Time at which the oldest open trail began; infinite where there is none."""
        return float(self._open.born.min(initial=np.inf))

    def _find(self, ids: Ints) -> Ints:
        """Rows of the open trails that follow these identities."""
        order = np.argsort(self._open.identity)
        found = np.searchsorted(self._open.identity, ids, sorter=order)
        return order[found]

    def _adopt(self, moment: Moment, points: Floats) -> None:
        """Let new identities continue trails whose own identity is out of view."""
        rows = self._open
        new = np.flatnonzero(~np.isin(moment.ids, rows.identity))
        lost = np.flatnonzero(~np.isin(rows.identity, moment.ids))
        if not len(new) or not len(lost):
            return
        gap = moment.time - rows.seen[lost]
        expected = rows.point[lost] + rows.speed[lost] * gap[:, None]
        apart = np.linalg.norm(expected[:, None] - points[new][None], axis=2)
        reach = (_REACH + _REACH_PER_SECOND * gap) * rows.height[lost]
        cost = np.where(apart <= reach[:, None], apart / reach[:, None], 1e6)
        a, b = linear_sum_assignment(cost)
        near = cost[a, b] <= 1
        rows.identity[lost[a[near]]] = moment.ids[new[b[near]]]

    def _move(self, rows: Ints, time: float, points: Floats) -> None:
        gap = (time - self._open.seen[rows])[:, None]
        speed = (points - self._open.point[rows]) / gap
        weight = np.minimum(gap / _SPEED_MEMORY, 1)
        fresh = ~self._open.speed[rows].any(axis=1, keepdims=True)
        weight = np.where(fresh, 1, weight)
        self._open.speed[rows] += weight * (speed - self._open.speed[rows])

    def _begin(self, time: float, ids: Ints, points: Floats) -> None:
        count = len(ids)
        now = np.full(count, time)
        self._open = self._open.join(
            _Open(
                np.arange(self._next, self._next + count),
                ids,
                now,
                now.copy(),
                points,
                np.zeros((count, 2)),
                np.zeros(count),
                np.zeros((count, len(CLASSES))),
            )
        )
        self._next += count
