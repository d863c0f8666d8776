"""Boxes of people → those few that tell most about the ground they walk on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passerby.errors import GroundError
from passerby.moment import CLASSES, Floats, Ints, Moment

LEAST_PEOPLE = 8
"""Fewer people than these tell too little: the mean of 8 heights is known to 2 %."""

LEAST_BOXES = 5
"""So many boxes make a track a person."""

Bools = NDArray[np.bool_]

_MOST_HIDDEN = 0.1  # of the width of a box, by boxes of nearer people
_LEAST_PIXELS = 16.0  # shorter boxes tell more of the detector than of people
_SHAPES = (0.15, 1.2)  # widths over heights of boxes that can hold one upright person
_LEAST_RANGE = 0.5  # vertical range of foot points, in median box heights
_LEAST_WAY = 1.0  # of a track, in box heights: a sign post is no person
_THIN = 0.2  # of a box height, between two boxes of one person
_MOST_PEOPLE = 300
_MOST_BOXES = 2000
_BOXES_OF_ONE = 24
_CALM_SECONDS = 0.5  # before and after, over which a box is averaged


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Boxes of people as parallel arrays of length N.

    Attributes:
        boxes: (N, 4) x1, y1, x2, y2, pixels.
        ids: (N,) which track each belongs to.
        times: (N,) seconds.
    """

    boxes: Floats
    ids: Ints
    times: Floats


def people_of(moments: Iterable[Moment]) -> People:
    """The people that were seen, not bridged, in Moments."""
    boxes, ids, times = [np.zeros((0, 4))], [np.zeros(0, np.int64)], [np.zeros(0)]
    for moment in moments:
        keep = (moment.codes == CLASSES.index("person")) & (moment.scores > 0)
        boxes.append(moment.boxes[keep])
        ids.append(moment.ids[keep])
        times.append(np.full(int(keep.sum()), moment.time))
    return People(np.concatenate(boxes), np.concatenate(ids), np.concatenate(times))


@dataclass(frozen=True, slots=True, eq=False)
class Walkers:
    """Boxes of people who walk, numbered from 0.

    Attributes:
        people: P.
        boxes: (N, 4) pixels, some way apart from one another.
        owners: (N,) whose they are.
    """

    people: int
    boxes: Floats
    owners: Ints


def gather(people: People, size: tuple[int, int]) -> Walkers:
    """Choose whole boxes of people who walk.

    Raises:
        GroundError: too few people, or all at one depth.
    """
    whole = _whole(people.boxes, size) & _free(people.boxes, people.times)
    boxes, ids, times = people.boxes[whole], people.ids[whole], people.times[whole]
    order = np.lexsort([times, ids])
    boxes, ids, times = boxes[order], ids[order], times[order]
    feet = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])
    tall = boxes[:, 3] - boxes[:, 1]
    _, begins, counts = np.unique(ids, return_index=True, return_counts=True)
    tracks = []
    for begin, count in zip(begins, counts, strict=True):
        track = np.arange(begin, begin + count)
        way = np.ptp(feet[track], axis=0).max() / np.median(tall[track])
        if count >= LEAST_BOXES and way >= _LEAST_WAY:
            tracks.append((way, track))
    if len(tracks) < LEAST_PEOPLE:
        raise GroundError(
            f"only {len(tracks)} people walk in full view; the ground needs {LEAST_PEOPLE}: "
            "take a longer recording, or give points whose places are known"
        )
    tracks = sorted(tracks, key=lambda track: -track[0])[:_MOST_PEOPLE]
    most = int(np.clip(_MOST_BOXES / len(tracks), LEAST_BOXES, _BOXES_OF_ONE))
    chosen, owners = [], []
    for owner, (_, track) in enumerate(tracks):
        some = _thin(feet[track], times[track], _THIN * tall[track])
        some = some[np.unique(np.linspace(0, len(some) - 1, most).astype(np.int64))]
        chosen.append(_calm(boxes[track], times[track], some))
        owners.append(np.full(len(some), owner))
    kept = np.concatenate(chosen)
    low, high = np.percentile(kept[:, 3], [2.5, 97.5])
    range_ = (high - low) / np.median(kept[:, 3] - kept[:, 1])
    if range_ < _LEAST_RANGE:
        raise GroundError(
            "all people walk at one depth of the picture, which tells nothing of perspective: "
            "take a recording in which some come nearer, or give points whose places are known"
        )
    return Walkers(
        people=len(tracks),
        boxes=kept,
        owners=np.concatenate(owners),
    )


def _whole(boxes: Floats, size: tuple[int, int]) -> Bools:
    """(N,) which boxes can hold one whole upright person."""
    wide, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    edge = 0.012 * max(size)
    inside = (boxes[:, :2] > edge).all(axis=1) & (boxes[:, 2:] < np.array(size) - edge).all(axis=1)
    shape = wide / np.maximum(tall, 1e-9)
    return inside & (tall >= _LEAST_PIXELS) & (shape > _SHAPES[0]) & (shape < _SHAPES[1])


def _free(boxes: Floats, times: Floats) -> Bools:
    """(N,) whether nobody nearer may hide the feet: no box that reaches lower meets the lower edge.

    A box that ends where somebody else begins is no better.
    """
    free = np.ones(len(boxes), np.bool_)
    order = np.argsort(times, kind="stable")
    for now in np.split(order, np.flatnonzero(np.diff(times[order])) + 1):
        x1, y1, x2, y2 = boxes[now].T
        shared = np.minimum(x2[:, None], x2) - np.maximum(x1[:, None], x1)
        near = 0.1 * (y2 - y1)[:, None]
        hides = (y2 > y2[:, None]) & (y1 < y2[:, None] + near)
        free[now] = ~(hides & (shared > _MOST_HIDDEN * (x2 - x1)[:, None])).any(axis=1)
    return free


def _thin(feet: Floats, times: Floats, apart: Floats) -> Ints:
    """Indices of places on a way, each some way from the one before and free of its noise."""
    kept = [0]
    for index in range(1, len(feet)):
        last = kept[-1]
        late = times[index] - times[last] > 2 * _CALM_SECONDS - 1e-6
        if late and np.hypot(*(feet[index] - feet[last])) >= apart[index]:
            kept.append(index)
    return np.array(kept)


def _calm(boxes: Floats, times: Floats, some: Ints) -> Floats:
    """(S, 4) some boxes of a track, each as the median of its surroundings in time."""
    begins = np.searchsorted(times, times[some] - _CALM_SECONDS - 1e-6)
    ends = np.searchsorted(times, times[some] + _CALM_SECONDS + 1e-6)
    # Towards the ends of a track the surroundings shrink, so that they stay centred.
    half = np.minimum(some - begins, ends - 1 - some)
    near = [boxes[at - n : at + n + 1] for at, n in zip(some, half, strict=True)]
    return np.array([np.median(group, axis=0) for group in near])
