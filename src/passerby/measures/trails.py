"""Moments → trails: where each road user was one step ago.

A trail is a track as the measures see it. It outlives the faults of tracking: a track that goes
out and comes back within the bridging time, one that continues under another identity, one that
has two identities for a while, and boxes that the edge of the picture cuts off.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from passerby.geometry import overlaps, reference_points
from passerby.moment import CLASSES, Floats, Ints, Moment

# A new identity continues a trail if it begins within so many box heights of where the trail
# should be by now; it may be off by more the longer the trail was unseen.
_REACH = 0.5
_REACH_PER_SECOND = 0.5
# Two boxes that overlap by so much (intersection over union) are one road user seen double.
_DOUBLE = 0.8
# A box that comes as near as this share of the picture to its edge is cut off by it.
_EDGE = 0.01
# Seconds over which the speed of a trail is smoothed, so that one shaking box does not throw it.
_SPEED_MEMORY = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """All trails in view at one time; parallel arrays of length N.

    Attributes:
        time: seconds, as in the Moment.
        trails: (N,) numbers of the trails.
        seen: (N, 2) reference points of the boxes in the picture, pixels.
        points: (N, 2) reference points of the whole road users, pixels: beyond the edge of the
            picture where it cuts off a box that was longer before.
        before: (N, 2) the same when last in view; NaN for a new trail.
        before_time: (N,) when that was; NaN for a new trail.
        boxes: (N, 4) boxes of the whole road users, pixels.
        codes: (N,) indices into :data:`passerby.moment.CLASSES`.
    """

    time: float
    trails: Ints
    seen: Floats
    points: Floats
    before: Floats
    before_time: Floats
    boxes: Floats
    codes: Ints

    @property
    def heights(self) -> Floats:
        """(N,) heights of the whole road users, pixels."""
        return np.asarray(self.boxes[:, 3] - self.boxes[:, 1])


class Ended(NamedTuple):
    """A trail that ended: its number, its class by vote, when it began and was last in view."""

    trail: int
    code: int
    born: float
    seen: float


@dataclass(slots=True)
class _Open:
    """Open trails, as parallel arrays."""

    trail: Ints
    identity: Ints  # the track it follows at present
    born: Floats
    seen: Floats  # when last in view
    box: Floats  # (N, 4) of the whole road user
    speed: Floats  # (N, 2) of its reference point
    votes: Floats

    @classmethod
    def none(cls) -> _Open:
        whole, real = np.zeros(0, np.int64), np.zeros(0)
        box, speed, votes = (np.zeros((0, n)) for n in (4, 2, len(CLASSES)))
        return cls(whole, whole, real, real, box, speed, votes)

    def take(self, keep: NDArray[np.bool_]) -> _Open:
        return _Open(*(getattr(self, f.name)[keep] for f in fields(self)))

    def join(self, other: _Open) -> _Open:
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return _Open(*(np.concatenate(pair) for pair in pairs))


class Trails:
    """The trails of one camera."""

    def __init__(self, reference: str, size: tuple[int, int], bridge_seconds: float) -> None:
        """Begin with an empty street.

        Args:
            reference: ``ground`` or ``centre``, see :func:`passerby.geometry.reference_points`.
            size: width and height of the picture in pixels.
            bridge_seconds: how long a trail may be out of view.
        """
        self._reference = reference
        self._size = np.array(size, np.float64)
        self._bridge = bridge_seconds
        self._open = _Open.none()
        self._next = 0
        self._time = -np.inf
        self._lasts = 0.0  # seconds that the last Moment stood for

    def ended(self, time: float) -> list[Ended]:
        """Close the trails that are out of view for longer than the bridging time."""
        rows = self._open
        # From one Moment to the next nobody is out of view, however seldom they are.
        over = time - rows.seen > max(self._bridge, self._lasts) + 1e-6
        if not over.any():
            return []
        gone = rows.take(over)
        self._open = rows.take(~over)
        codes = gone.votes.argmax(axis=1)
        told = (gone.trail, codes, gone.born, gone.seen)
        return [Ended(*one) for one in zip(*(a.tolist() for a in told), strict=True)]

    def accept(self, moment: Moment) -> Step:
        """Lengthen the trails by one Moment; times must rise."""
        known = (moment.ids[:, None] == self._open.identity).any(axis=1)
        told = np.arange(len(moment))  # all but those seen double
        if not known.all():
            new = np.flatnonzero(~known & ~self._doubles(moment.boxes, known))
            known[new] = self._adopt(moment, new)
            told = np.union1d(np.flatnonzero(known), new)
        ids, boxes, known = moment.ids[told], moment.boxes[told], known[told]

        rows = self._find(ids[known])
        whole = self._completed(boxes, known, rows)
        before = np.full((len(told), 2), np.nan)
        before[known] = self._points(self._open.box[rows])
        before_time = np.full(len(told), np.nan)
        before_time[known] = self._open.seen[rows]
        seen = self._points(boxes)
        points = seen if whole is boxes else self._points(whole)
        self._move(rows, moment.time, points[known] - before[known])
        if not known.all():
            self._begin(moment.time, ids[~known])

        rows = self._find(ids)
        self._open.seen[rows] = moment.time
        self._open.box[rows] = whole
        # A bridged box has score 0: it is where it is by guess and says nothing of its class.
        self._open.votes[rows, moment.codes[told]] += moment.scores[told] + 1e-9
        self._time, self._lasts = moment.time, moment.seconds
        return Step(
            moment.time,
            self._open.trail[rows],
            seen,
            points,
            before,
            before_time,
            whole,
            self._open.votes[rows].argmax(axis=1),
        )

    def code(self, trail: int) -> int:
        """Class of an open trail by the votes so far."""
        (row,) = np.flatnonzero(self._open.trail == trail)
        return int(self._open.votes[row].argmax())

    @property
    def in_view(self) -> frozenset[int]:
        """The trails that the last Moment showed."""
        return frozenset(self._open.trail[self._open.seen == self._time].tolist())

    @property
    def oldest(self) -> float:
        """Time at which the oldest open trail began; infinite where there is none."""
        return float(self._open.born.min(initial=np.inf))

    def _points(self, boxes: Floats) -> Floats:
        return reference_points(boxes, self._reference)

    def _find(self, ids: Ints) -> Ints:
        """Rows of the open trails that follow these identities."""
        if not len(ids):
            return np.zeros(0, np.int64)
        return np.asarray((ids[:, None] == self._open.identity).argmax(axis=1))

    def _doubles(self, boxes: Floats, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N,) which boxes cover one that is followed already."""
        return np.asarray((overlaps(boxes, boxes[known]) > _DOUBLE).any(axis=1))

    def _adopt(self, moment: Moment, new: Ints) -> NDArray[np.bool_]:
        """Let new identities continue trails whose own identity is out of view.

        Returns:
            which of the ``new`` ones do.
        """
        rows = self._open
        adopted = np.zeros(len(new), bool)
        lost = np.flatnonzero(~np.isin(rows.identity, moment.ids))
        gap = moment.time - rows.seen[lost]
        expected = rows.box[lost] + np.tile(rows.speed[lost] * gap[:, None], 2)
        # Who should be out of the picture by now has left it: who comes in there is another.
        left = (expected[:, 2:] <= 0) | (expected[:, :2] >= self._size)
        stays = ~left.any(axis=1)
        lost, gap, expected = lost[stays], gap[stays], expected[stays]
        apart = self._points(expected)[:, None] - self._points(moment.boxes[new])[None]
        reach = (_REACH + _REACH_PER_SECOND * gap) * _sizes(expected)[:, 1]
        gain = np.maximum(1 - np.linalg.norm(apart, axis=2) / reach[:, None], 0)
        a, b = linear_sum_assignment(gain, maximize=True)
        near = gain[a, b] > 0
        rows.identity[lost[a[near]]] = moment.ids[new[b[near]]]
        adopted[b[near]] = True
        return adopted

    def _completed(self, boxes: Floats, known: NDArray[np.bool_], rows: Ints) -> Floats:
        """The boxes; known ones that the picture's edge cuts off are as long as they were before.

        Args:
            boxes: (N, 4) as seen.
            known: (N,) which of them belong to open trails ...
            rows: (M,) ... and to which.

        Returns:
            (N, 4) boxes, the very ones that were given where none is cut off.
        """
        margin = _EDGE * self._size
        cut_low, cut_high = boxes[:, :2] <= margin, boxes[:, 2:] >= self._size - margin
        if not (cut_low | cut_high).any():
            return boxes
        cut_low, cut_high = cut_low[known], cut_high[known]
        size, visible = _sizes(self._open.box[rows]), _sizes(boxes[known])
        # Who walks away along a side of the picture becomes narrower, and is not cut off more.
        whole = ~(cut_low | cut_high)[:, 1]
        size[whole, 0] *= np.minimum(visible[whole, 1] / size[whole, 1], 1)
        missing = np.maximum(size - visible, 0)
        low = np.where(cut_low & ~cut_high, missing, 0)
        high = np.where(cut_high & ~cut_low, missing, 0)
        completed = boxes.copy()
        completed[known] += np.concatenate([-low, high], axis=1)
        return completed

    def _move(self, rows: Ints, time: float, steps: Floats) -> None:
        gap = (time - self._open.seen[rows])[:, None]
        weight = np.minimum(gap / _SPEED_MEMORY, 1)
        fresh = ~self._open.speed[rows].any(axis=1, keepdims=True)
        weight = np.where(fresh, 1, weight)
        self._open.speed[rows] += weight * (steps / gap - self._open.speed[rows])

    def _begin(self, time: float, ids: Ints) -> None:
        count = len(ids)
        now = np.full(count, time)
        self._open = self._open.join(
            _Open(
                np.arange(self._next, self._next + count),
                ids,
                now,
                now.copy(),
                np.zeros((count, 4)),
                np.zeros((count, 2)),
                np.zeros((count, len(CLASSES))),
            )
        )
        self._next += count


def _sizes(boxes: Floats) -> Floats:
    """(N, 2) widths and heights."""
    return np.asarray(boxes[:, 2:] - boxes[:, :2])
