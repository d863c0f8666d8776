"""A scene seen by a camera that is known: boxes, and what a detector and a tracker do to them.

People are upright bodies of revolution. Their boxes are whole, feet included, as detectors draw
them that learned from whole people; who is hidden too far is missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from crowd import RATE, Scene
from passerby.moment import Detections, Floats, Ints, Moment
from passerby.pinhole import Pinhole

_TALL = (1.70, 0.09)  # metres: mean and standard deviation of heights
# A body from below: (share of the height, radius in metres). The widest is at the shoulders.
_BODY = ((0.0, 0.0), (0.5, 0.2), (0.82, 0.25), (0.9, 0.12), (1.0, 0.1))
_ROUND = 12  # corners of a circle
_CELL = 4  # pixels of a cell in which what is hidden is counted
_LEAST_IN_PICTURE = 0.3  # of a box, for it to be detected
_NEAREST = 0.5  # metres; who is nearer to the camera is not seen


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A pinhole camera.

    Attributes:
        matrix: (3, 4) from metres to pixels.
        size: width and height of the picture in pixels.
    """

    matrix: Floats
    size: tuple[int, int]

    @classmethod
    def of(
        cls,
        target: tuple[float, float],
        *,
        height: float,
        tilt: float,
        azimuth: float = 0.0,
        focal: float = 1000.0,
        size: tuple[int, int] = (1280, 720),
    ) -> View:
        """A camera that has a point of the ground in the middle of its picture.

        Args:
            target: that point, metres.
            height: metres above the ground.
            tilt: degrees below the horizon.
            azimuth: where it looks to, degrees from x towards y.
            focal: pixels.
            size: width and height of the picture in pixels.
        """
        down, turn = math.radians(tilt), math.radians(azimuth)
        ahead = np.array([math.cos(turn), math.sin(turn)])
        below = np.array(target) - ahead * height / math.tan(down)  # the camera
        place = np.eye(4)
        place[0, :2], place[1, :2] = (ahead[1], -ahead[0]), ahead
        place[:2, 3] = -place[:2, :2] @ below
        return cls(Pinhole(size, focal, down, 0.0, height).matrix() @ place, size)

    @property
    def homography(self) -> Floats:
        """(3, 3) from pixels to metres on the ground."""
        return np.asarray(np.linalg.inv(self.matrix[:, [0, 1, 3]]))

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """(..., 2) pixels and (...) distances along the line of sight of (..., 3) metres."""
        seen = points @ self.matrix[:, :3].T + self.matrix[:, 3]
        return seen[..., :2] / seen[..., 2:], seen[..., 2]

    def fractions(self, points: Floats) -> list[tuple[float, float]]:
        """Points (N, 2) of the ground as a site file has them: fractions of the picture."""
        pixels, _ = self.project(np.column_stack([points, np.zeros(len(points))]))
        return [(float(x), float(y)) for x, y in pixels / self.size]


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong between the street and the measures.

    Attributes:
        misses: whether people are missed who are hidden: nobody up to ``hidden[0]`` of the body,
            everybody from ``hidden[1]`` on, in between the more the farther.
        hidden: see there.
        jitter: standard deviation of the ground point and of the size of a box, pixels.
        switch_seconds: mean time from one switch of a person's identity to the next, where
            identities are not the tracker's; None for none.
    """

    misses: bool = True
    hidden: tuple[float, float] = (0.5, 0.9)
    jitter: float = 3.0
    switch_seconds: float | None = 20.0


NO_FAULTS = Faults(misses=False, jitter=0.0, switch_seconds=None)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is boxed in one frame; parallel arrays of length N.

    Attributes:
        ids: (N,) who it is.
        boxes: (N, 4) pixels.
        scores: (N,) 0 to 1.
        points: (N, 2) where they really are, metres.
    """

    ids: Ints
    boxes: Floats
    scores: Floats
    points: Floats


def look(scene: Scene, view: View, faults: Faults, seed: int = 1) -> list[Seen]:
    """What is boxed in every frame of a scene."""
    random = np.random.default_rng(seed)
    tall = random.normal(*_TALL, size=int(scene.ids.max(initial=0)) + 1)
    width, height = view.size
    frames = []
    for frame in range(scene.count):
        rows = scene.at(frame)
        ids, points = scene.ids[rows], scene.points[rows]
        outlines, depths = view.project(bodies(points, tall[ids]))
        whole = (depths > _NEAREST).all(axis=1)
        ids, points, outlines = ids[whole], points[whole], outlines[whole]
        boxes = np.concatenate([outlines.min(axis=1), outlines.max(axis=1)], axis=1)
        inside = np.clip(boxes, 0, [width, height, width, height])
        keep = _areas(inside) > _LEAST_IN_PICTURE * _areas(boxes)
        hidden = np.zeros(len(ids))
        if faults.misses:
            # Those just outside of the picture hide nobody in it whose feet are in it too.
            hidden[keep] = _hidden(outlines[keep], depths[whole][keep, 0], view.size)
            none, all_ = faults.hidden
            keep &= random.random(len(ids)) >= (hidden - none) / (all_ - none)
        boxes, hidden = boxes[keep], hidden[keep]
        foot = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)
        sizes = boxes[:, 2:] - boxes[:, :2]
        foot += random.normal(0, 1, foot.shape) * faults.jitter
        sizes = np.maximum(sizes + random.normal(0, 1, sizes.shape) * faults.jitter, 2)
        made = np.column_stack(
            [
                foot[:, 0] - sizes[:, 0] / 2,
                foot[:, 1] - sizes[:, 1],
                foot[:, 0] + sizes[:, 0] / 2,
                foot[:, 1],
            ]
        )
        scores = np.clip(0.85 - 0.4 * hidden + random.normal(0, 0.05, len(foot)), 0.05, 0.99)
        made = np.clip(made, 0, [width, height, width, height])
        frames.append(Seen(ids[keep], made, scores, points[keep]))
    return frames


def detections(frames: Sequence[Seen]) -> Iterator[tuple[int, float, Detections]]:
    """Index, time and boxes of each frame, for the tracker."""
    for index, seen in enumerate(frames):
        codes = np.zeros(len(seen.ids), np.int64)
        yield index, index / RATE, Detections(seen.boxes, seen.scores, codes)


def moments(frames: Sequence[Seen], faults: Faults, seed: int = 1) -> list[Moment]:
    """What a tracker would tell that knows everybody, but for the switches of identity.

    In every other switch somebody changes identities with the nearest one, if there is one
    within a metre; in the rest the identity is a new one.
    """
    random = np.random.default_rng(seed)
    next_id = 1 + max((int(seen.ids.max(initial=0)) for seen in frames), default=0)
    now: dict[int, int] = {}  # by who it is
    told = []
    for index, seen in enumerate(frames):
        for row in _switching(seen, faults, random):
            who = int(seen.ids[row])
            apart = np.linalg.norm(seen.points - seen.points[row], axis=1)
            apart[row] = np.inf
            near = int(apart.argmin()) if len(apart) > 1 else row
            if random.random() < 0.5 and apart[near] < 1.0:
                other = int(seen.ids[near])
                now[who], now[other] = now.get(other, other), now.get(who, who)
            else:
                now[who], next_id = next_id, next_id + 1
        ids = np.array([now.get(who, who) for who in seen.ids.tolist()], np.int64)
        codes = np.zeros(len(ids), np.int64)
        told.append(Moment(index, index / RATE, 1 / RATE, ids, seen.boxes, codes, seen.scores))
    return told


def bodies(points: Floats, tall: Floats) -> Floats:
    """(N, K, 3) points of the surfaces of (N,) bodies, metres; the first is where they stand."""
    angles = np.arange(_ROUND) * 2 * np.pi / _ROUND
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rings = []
    for share, radius in _BODY:
        ring = points[:, None] + radius * circle
        level = np.broadcast_to((share * tall)[:, None, None], (*ring.shape[:2], 1))
        rings.append(np.concatenate([ring, level], axis=2))
    return np.concatenate(rings, axis=1)


def _switching(seen: Seen, faults: Faults, random: np.random.Generator) -> list[int]:
    """The rows whose identity switches now; a change of two is a switch of both."""
    if faults.switch_seconds is None:
        return []
    # Of three switches two are the two sides of a change.
    rate = 2 / 3 / faults.switch_seconds / RATE
    return [int(row) for row in np.flatnonzero(random.random(len(seen.ids)) < rate)]


def _hidden(outlines: Floats, depths: Floats, size: tuple[int, int]) -> Floats:
    """(N,) share of each body that nearer ones hide, 0 to 1.

    Bodies are painted from far to near; what is left of each is counted.
    """
    width, height = (math.ceil(length / _CELL) for length in size)
    picture = np.full((3 * height, 3 * width), -1, np.int64)  # room for what the edge cuts off
    cells = np.round(outlines / _CELL + [width, height]).astype(np.int32)
    area = np.zeros(len(outlines))
    for body in np.argsort(-depths):
        hull = cv2.convexHull(cells[body])
        (x, y, wide, tall) = cv2.boundingRect(hull)
        x0, y0 = max(x, 0), max(y, 0)
        mask = np.zeros((tall, wide), np.uint8)
        cv2.fillConvexPoly(mask, hull - [x, y], 1)
        place = picture[y0 : y + tall, x0 : x + wide]
        inside = mask[y0 - y : y0 - y + place.shape[0], x0 - x : x0 - x + place.shape[1]] > 0
        area[body] = np.count_nonzero(mask)
        place[inside] = body
    left = np.bincount(picture[picture >= 0], minlength=len(outlines))
    return np.clip(1 - left / np.maximum(area, 1), 0, 1)


def _areas(boxes: Floats) -> Floats:
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(size[:, 0] * size[:, 1])
