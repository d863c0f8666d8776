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
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from passerby.geometry import intersections
from passerby.moment import CLASSES, Detections, Floats, Ints, Moment

MAX_BRIDGE_SECONDS = 5.0
"""A track unseen for longer is forgotten, whatever is asked: tracks are short memories."""

Mask = NDArray[np.bool_]

# Person and two-wheeler are one group, because a cyclist is seen now as one, now as the other.
_GROUP = np.array([0, 0, 1, 0, 1, 1, 1])
assert len(_GROUP) == len(CLASSES)
_POSITION_SIZE = [0, 0, 1, 1]  # spreads a pair over centre x, centre y, width, height
_INSTANT = 1e-9  # seconds; times are floats


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the tracker assumes about road users and detectors.

    Lengths are in sizes: the square root of the area of a road user's box. Found with several
    detectors and clips at once (bench/accuracy.py); none of the numbers is critical.

    Attributes:
        confident: score from which a person or two-wheeler may begin a track.
        confident_vehicle: the same for a vehicle.
        doubtful: share of that score from which a box may continue a track.
        convincing: how far a mean score lies between ``confident`` and 1 where something that
            never moved is taken for a road user and not for street furniture.
        moved: who moved by so many sizes is no street furniture.
        hits: a track is real once it was seen so often ...
        age: ... over so many seconds.
        noise: standard deviation of a seen position, and of a seen width or height.
        speed: standard deviation of the first speed, sizes/s, of position and of size.
        acceleration: change of speed, sizes/s per root second, of position and of size.
        odd_size: a box whose size is off by such a ratio (logarithm) is trusted half as much:
            two people who overlap are often seen as one.
        overlap: smallest similarity of a confident and of a doubtful box with a track.
        margin: boxes are compared grown by so many sizes ...
        margin_spread: ... and by this times the standard deviation of the track's position.
        same_size: smallest ratio of the heights of a box and a track.
        distance_weight: what being far from where it was expected costs.
        match_bonus: how much one more match is worth against better ones.
        doubtful_seconds: a doubtful box continues only a track seen so lately.
        double: a new box that lies to this share in a matched one is not a new road user.
        blend: share of the filtered box in what is told; the rest is the box as seen.
    """

    confident: float = 0.48
    confident_vehicle: float = 0.32
    doubtful: float = 0.6
    convincing: float = 0.13
    moved: float = 0.7
    hits: int = 3
    age: float = 0.3
    noise: tuple[float, float] = (0.1, 0.1)
    speed: tuple[float, float] = (2.0, 0.5)
    acceleration: tuple[float, float] = (0.5, 0.2)
    odd_size: float = 0.12
    overlap: tuple[float, float] = (0.2, 0.4)
    margin: float = 0.2
    margin_spread: float = 0.4
    same_size: float = 0.5
    distance_weight: float = 0.5
    match_bonus: float = 0.2
    doubtful_seconds: float = 0.5
    double: float = 0.5
    blend: float = 0.5


@dataclass(slots=True)
class _Tracks:
    """Tracks in view or bridged, as parallel arrays of length N.

    A *place* is centre x, centre y, width, height in pixels.
    """

    ids: Ints
    place: Floats  # (N, 4) filtered
    speed: Floats  # (N, 4) per second
    # (N, 2) for position and size, in sizes: the covariance matrix of place and speed.
    var_place: Floats
    covariance: Floats
    var_speed: Floats
    group: Ints
    born: Floats
    seen: Floats  # time last seen
    told: Floats  # (N, 4) place as last told
    birthplace: Floats  # (N, 4)
    moved: Floats  # farthest from the birthplace so far, in sizes
    hits: Ints
    votes: Floats  # (N, classes) sums of scores

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, keep: Mask) -> _Tracks:
        return _Tracks(*(getattr(self, f.name)[keep] for f in fields(self)))

    def join(self, other: _Tracks) -> _Tracks:
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return _Tracks(*(np.concatenate(pair) for pair in pairs))


@dataclass(slots=True)
class _Page:
    """One frame that is not told yet: every track then alive, as parallel arrays."""

    index: int
    time: float
    ids: Ints
    places: Floats
    scores: Floats  # 0 where not seen


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
            tuning: assumptions.
            bridge_seconds: how long a track may be unseen, 0 to 5 s.
            look_ahead: seconds between a frame and its telling; ``bridge_seconds`` where None,
                0 to hear of each frame at once (bridged boxes are then predicted, not
                interpolated, and the first boxes of a track are never told).

        Raises:
            ValueError: a bridging time outside its range.
        """
        if not 0 <= bridge_seconds <= MAX_BRIDGE_SECONDS:
            raise ValueError(f"bridge_seconds is {bridge_seconds}; it must be from 0 to 5 s")
        self._tuning = tuning or Tuning()
        self._bridge = bridge_seconds
        self._look_ahead = bridge_seconds if look_ahead is None else look_ahead
        self._tracks = self._new_tracks(0.0, Detections.empty(), np.zeros((0, 4)))
        self._pages: deque[_Page] = deque()
        self._time: float | None = None
        self._next_id = 1

    def accept(self, index: int, time: float, found: Detections) -> list[Moment]:
        """Take one analysed frame; times must rise.

        Args:
            index: number of the frame.
            time: seconds.
            found: its boxes, doubtful ones too.

        Returns:
            the frames that can now be told, oldest first; their ``seconds`` are 0, for the
            tracker does not know the plan.
        """
        if self._time is not None:
            self._predict(time - self._time)
        self._time = time
        memory = max(self._bridge, self._look_ahead) + _INSTANT
        self._tracks = self._tracks.take(time - self._tracks.seen <= memory)
        places = _places(found.boxes)
        scores = self._match(time, found, places)
        self._pages.append(self._page(index, time, scores))
        return self._tell(time - self._look_ahead)

    def finish(self) -> list[Moment]:
        """Tell the frames that are left."""
        return self._tell(np.inf)

    def _predict(self, seconds: float) -> None:
        t = self._tracks
        drift = np.square(self._tuning.acceleration)
        t.place += t.speed * seconds
        # A box that shrank while it went behind something does not shrink to nothing there.
        t.place[:, 2:] = np.maximum(t.place[:, 2:], t.told[:, 2:] / 2)
        t.var_place += seconds * (2 * t.covariance + seconds * t.var_speed)
        t.var_place += drift * seconds**3 / 3
        t.covariance += seconds * t.var_speed + drift * seconds**2 / 2
        t.var_speed += drift * seconds

    def _match(self, time: float, found: Detections, places: Floats) -> Floats:
        """Associate in two stages, correct, begin; (N,) scores by track, 0 where not seen."""
        u, t = self._tuning, self._tracks
        vehicle = _GROUP[found.codes] == 1
        limit = np.where(vehicle, u.confident_vehicle, u.confident)
        sure = found.scores >= limit
        doubtful = ~sure & (found.scores >= u.doubtful * limit)
        unseen = time - t.seen
        scores = np.zeros(len(t))
        used = np.zeros(len(found), bool)
        for boxes, patience, overlap in (
            (sure, self._bridge, u.overlap[0]),
            (doubtful, min(self._bridge, u.doubtful_seconds), u.overlap[1]),
        ):
            rows = np.flatnonzero((scores == 0) & (unseen <= patience + _INSTANT))
            columns = np.flatnonzero(boxes)
            pairs = self._associate(rows, places[columns], _GROUP[found.codes[columns]], overlap)
            row, column = rows[pairs[0]], columns[pairs[1]]
            self._correct(row, time, places[column], found.scores[column])
            t.votes[row, found.codes[column]] += found.scores[column]
            scores[row] = found.scores[column]
            used[column] = True
        fresh = sure & ~used & ~self._doubles(found, places, used)
        self._tracks = t.join(self._new_tracks(time, found[fresh], places[fresh]))
        return np.concatenate([scores, found.scores[fresh]])

    def _associate(
        self, rows: Ints, places: Floats, groups: Ints, overlap: float
    ) -> tuple[Ints, Ints]:
        """Pairs of (place in ``rows``, place in ``places``) that belong together."""
        u, t = self._tuning, self._tracks
        expected = t.place[rows]
        size = _sizes(expected)
        spread = np.sqrt(t.var_place[rows, 0])
        margin = (u.margin + u.margin_spread * spread) * size
        similarity = _similarity(expected, places, margin)
        heights = expected[:, None, 3] / places[None, :, 3]
        possible = (
            (similarity >= overlap)
            & (t.group[rows][:, None] == groups[None])
            & (np.minimum(heights, 1 / heights) >= u.same_size)
        )
        apart = np.square(expected[:, None, :2] - places[None, :, :2]).sum(axis=2)
        deviation = size**2 * (spread**2 + u.noise[0] ** 2)
        # In squared standard deviations, as a share of three of them.
        far = np.minimum(apart / deviation[:, None] / 9, 1)
        gain = similarity - u.distance_weight * far + u.match_bonus
        # What cannot be has no gain: a good match is not given up to make a second, bad one.
        gain = np.where(possible, np.maximum(gain, 0), 0)
        a, b = linear_sum_assignment(gain, maximize=True)
        good = gain[a, b] > 0
        return a[good], b[good]

    def _correct(self, rows: Ints, time: float, places: Floats, scores: Floats) -> None:
        """Kalman update; gaps that end here are filled in the frames not told yet."""
        u, t = self._tuning, self._tracks
        odd = np.log(places[:, 2:] / t.place[rows, 2:])
        trust = np.maximum(scores, 0.2) / (1 + np.square(odd / u.odd_size).sum(axis=1))
        noise = np.square(u.noise) / trust[:, None]
        total = t.var_place[rows] + noise
        gain, gain_speed = t.var_place[rows] / total, t.covariance[rows] / total
        surprise = places - t.place[rows]
        t.place[rows] += gain[:, _POSITION_SIZE] * surprise
        t.speed[rows] += gain_speed[:, _POSITION_SIZE] * surprise
        t.var_speed[rows] -= gain_speed * t.covariance[rows]
        t.covariance[rows] *= 1 - gain
        t.var_place[rows] *= 1 - gain
        told = places + u.blend * (t.place[rows] - places)
        self._bridge_gaps(rows, time, told)
        step = np.hypot(*(t.place[rows, :2] - t.birthplace[rows, :2]).T) / _sizes(t.place[rows])
        t.moved[rows] = np.maximum(t.moved[rows], step)
        t.told[rows] = told
        t.seen[rows] = time
        t.hits[rows] += 1

    def _bridge_gaps(self, rows: Ints, time: float, told: Floats) -> None:
        """Write straight lines over what was predicted since the tracks were last seen."""
        seen, before = self._tracks.seen[rows], self._tracks.told[rows]
        ids = self._tracks.ids[rows]
        for page in reversed(self._pages):
            gap = np.flatnonzero(seen < page.time - _INSTANT)
            if not len(gap):
                return
            at = np.searchsorted(page.ids, ids[gap])
            share = ((page.time - seen[gap]) / (time - seen[gap]))[:, None]
            page.places[at] = before[gap] + share * (told[gap] - before[gap])

    def _doubles(self, found: Detections, places: Floats, used: Mask) -> Mask:
        """Which boxes lie in one that is matched: a part of somebody, not somebody else."""
        group = _GROUP[found.codes]
        shared = intersections(found.boxes, found.boxes[used])
        area = np.prod(places[:, 2:], axis=1)
        share = shared / np.minimum(area[:, None], area[used][None])
        same = group[:, None] == group[used][None]
        return np.asarray(((share > self._tuning.double) & same).any(axis=1))

    def _new_tracks(self, time: float, found: Detections, places: Floats) -> _Tracks:
        u, count = self._tuning, len(found)
        votes = np.zeros((count, len(CLASSES)))
        votes[np.arange(count), found.codes] = found.scores
        first = 0 if count == 0 else self._next_id
        if count:
            self._next_id += count
        return _Tracks(
            ids=np.arange(first, first + count),
            place=places.copy(),
            speed=np.zeros((count, 4)),
            var_place=np.tile(np.square(u.noise), (count, 1)),
            covariance=np.zeros((count, 2)),
            var_speed=np.tile(np.square(u.speed), (count, 1)),
            group=_GROUP[found.codes],
            born=np.full(count, time),
            seen=np.full(count, time),
            told=places.copy(),
            birthplace=places.copy(),
            moved=np.zeros(count),
            hits=np.ones(count, np.int64),
            votes=votes,
        )

    def _page(self, index: int, time: float, scores: Floats) -> _Page:
        t = self._tracks
        places = np.where((scores > 0)[:, None], t.told, t.place)
        return _Page(index, time, t.ids.copy(), places, scores)

    def _tell(self, until: float) -> list[Moment]:
        moments = []
        while self._pages and self._pages[0].time <= until + _INSTANT:
            page = self._pages.popleft()
            # Ids rise with age, so both lists are sorted.
            alive = np.isin(page.ids, self._tracks.ids)
            rows = np.searchsorted(self._tracks.ids, page.ids[alive])
            real = self._real(rows) & self._not_gone(rows, page.time, until)
            keep = np.flatnonzero(alive)[real]
            moments.append(
                Moment(
                    page.index,
                    page.time,
                    0.0,
                    page.ids[keep],
                    _boxes(page.places[keep]),
                    self._tracks.votes[rows[real]].argmax(axis=1),
                    page.scores[keep],
                )
            )
        return moments

    def _real(self, rows: Ints) -> Mask:
        """Which tracks are road users: seen long enough, and not street furniture."""
        u, t = self._tuning, self._tracks
        limit = np.where(t.group[rows] == 1, u.confident_vehicle, u.confident)
        score = t.votes[rows].sum(axis=1) / t.hits[rows]
        lively = (t.moved[rows] >= u.moved) | (score >= limit + u.convincing * (1 - limit))
        old = (t.hits[rows] >= u.hits) & (t.seen[rows] - t.born[rows] >= u.age - _INSTANT)
        return np.asarray(old & lively)

    def _not_gone(self, rows: Ints, time: float, until: float) -> Mask:
        """Which tracks were seen at ``time`` or later, or may still be."""
        t = self._tracks
        if self._time is None or until == np.inf:
            return np.asarray(t.seen[rows] >= time - _INSTANT)
        hoped = self._time - t.seen[rows] <= self._bridge
        return np.asarray((t.seen[rows] >= time - _INSTANT) | hoped)


def _places(boxes: Floats) -> Floats:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def _boxes(places: Floats) -> Floats:
    half = places[:, 2:] / 2
    return np.concatenate([places[:, :2] - half, places[:, :2] + half], axis=1)


def _sizes(places: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(places[:, 2] * places[:, 3], 1.0)))


def _similarity(expected: Floats, places: Floats, margin: Floats) -> Floats:
    """(N, M) intersection over union of boxes that are all grown by the track's (N,) margin."""
    grow = 2 * margin[:, None, None]
    a = expected[:, None, 2:] + grow
    b = places[None, :, 2:] + grow
    apart = np.abs(expected[:, None, :2] - places[None, :, :2])
    sides = np.clip(np.minimum((a + b) / 2 - apart, np.minimum(a, b)), 0, None)
    shared = np.prod(sides, axis=2)
    return np.asarray(shared / (np.prod(a, axis=2) + np.prod(b, axis=2) - shared))
