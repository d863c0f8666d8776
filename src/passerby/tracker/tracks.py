"""The tracks in view, as parallel arrays, and their motion: a constant-velocity Kalman filter.

A *place* is centre x, centre y, width, height in pixels. A *size* is the square root of the area
of a box, so that one set of numbers serves the near and the far.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from passerby.moment import CLASSES, Floats, Ints
from passerby.tracker.tuning import GROUPS, Tuning

Mask = NDArray[np.bool_]

_POSITION_SIZE = [0, 0, 1, 1]  # spreads a pair over centre x, centre y, width, height


@dataclass(slots=True)
class Tracks:
    """Tracks in view or bridged, as parallel arrays of length N."""

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
    last: Floats  # (N, 4) place as last seen
    birthplace: Floats  # (N, 4)
    moved: Floats  # farthest from the birthplace so far, in sizes
    hits: Ints
    parts: Floats  # how often it lay in a likelier road user
    votes: Floats  # (N, classes) sums of scores

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, keep: Mask) -> Tracks:
        """The tracks chosen by a mask."""
        return Tracks(*(getattr(self, f.name)[keep] for f in fields(self)))

    def join(self, other: Tracks) -> Tracks:
        """These tracks and others."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Tracks(*(np.concatenate(pair) for pair in pairs))

    @classmethod
    def begin(
        cls, ids: Ints, time: float, places: Floats, codes: Ints, scores: Floats, tuning: Tuning
    ) -> Tracks:
        """One new track for each of N places."""
        count = len(ids)
        votes = np.zeros((count, len(CLASSES)))
        votes[np.arange(count), codes] = scores
        return cls(
            ids=ids,
            place=places.copy(),
            speed=np.zeros((count, 4)),
            var_place=np.tile(np.square(tuning.noise), (count, 1)),
            covariance=np.zeros((count, 2)),
            var_speed=np.tile(np.square(tuning.speed), (count, 1)),
            group=GROUPS[codes],
            born=np.full(count, time),
            seen=np.full(count, time),
            last=places.copy(),
            birthplace=places.copy(),
            moved=np.zeros(count),
            hits=np.ones(count, np.int64),
            parts=np.zeros(count),
            votes=votes,
        )

    @property
    def score(self) -> Floats:
        """(N,) mean score of the boxes of each track."""
        return np.asarray(self.votes.sum(axis=1) / self.hits)

    @property
    def code(self) -> Ints:
        """(N,) class of each track, by vote."""
        return np.asarray(self.votes.argmax(axis=1))

    def predict(self, seconds: float, tuning: Tuning) -> None:
        """Move every track on."""
        drift = np.square(tuning.acceleration)
        self.place += self.speed * seconds
        # A box that shrank while it went behind something does not shrink to nothing there.
        self.place[:, 2:] = np.maximum(self.place[:, 2:], self.last[:, 2:] / 2)
        self.var_place += seconds * (2 * self.covariance + seconds * self.var_speed)
        self.var_place += drift * seconds**3 / 3
        self.covariance += seconds * self.var_speed + drift * seconds**2 / 2
        self.var_speed += drift * seconds

    def correct(
        self, rows: Ints, time: float, places: Floats, codes: Ints, scores: Floats, tuning: Tuning
    ) -> Floats:
        """Take in what was seen of the tracks in ``rows``.

        Returns:
            (N,) how far each place is trusted, 0 to 1: by its score, and by its size.
        """
        place, var_place, covariance = (
            self.place[rows],
            self.var_place[rows],
            self.covariance[rows],
        )
        odd = np.log(places[:, 2:] / place[:, 2:]) / tuning.odd_size
        trust = np.maximum(scores, 0.2) / (1 + (odd * odd).sum(axis=1))
        total = var_place + np.square(tuning.noise) / trust[:, None]
        gain, gain_speed = var_place / total, covariance / total
        surprise = places - place
        place += gain[:, _POSITION_SIZE] * surprise
        self.place[rows] = place
        self.speed[rows] += gain_speed[:, _POSITION_SIZE] * surprise
        self.var_speed[rows] -= gain_speed * covariance
        self.covariance[rows] = covariance * (1 - gain)
        self.var_place[rows] = var_place * (1 - gain)
        step = place[:, :2] - self.birthplace[rows, :2]
        moved = np.hypot(step[:, 0], step[:, 1]) / sizes(place)
        self.moved[rows] = np.maximum(self.moved[rows], moved)
        self.last[rows] = places
        self.seen[rows] = time
        self.hits[rows] += 1
        self.votes[rows, codes] += scores
        return np.asarray(trust)


def to_places(boxes: Floats) -> Floats:
    """(N, 4) boxes x1, y1, x2, y2 as places."""
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def to_boxes(places: Floats) -> Floats:
    """(N, 4) places as boxes x1, y1, x2, y2."""
    half = places[:, 2:] / 2
    return np.concatenate([places[:, :2] - half, places[:, :2] + half], axis=1)


def sizes(places: Floats) -> Floats:
    """(N,) square roots of areas, pixels."""
    return np.asarray(np.sqrt(np.maximum(places[:, 2] * places[:, 3], 1.0)))
