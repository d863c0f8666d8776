"""A camera over level ground, and the boxes of the people who stand on it.

Picture: x to the right, y downwards, pixels. World: metres, origin on the ground below the camera,
x to the right, y away from the camera, z upwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from passerby.moment import Floats

# A body as three ellipsoids about one upright axis, in parts of its height: half the breadth, half
# the height, height of the centre. Breadths are means over all ways to face and over the phases of
# a step: of a person of 1.70 m, shoulders with arms are 0.44 m across, feet 0.44 m apart (a stride
# seen from any side), the head 0.22 m.
_BODY = np.array(
    [
        [0.065, 0.065, 0.935],  # head
        [0.130, 0.240, 0.640],  # trunk and arms
        [0.130, 0.025, 0.025],  # feet
    ]
)

# Rays that sink by less than this share of their length count as if they sank so much: the ground
# is then 200 camera heights away, where nobody is seen.
_LEAST_SINK = 0.005


@dataclass(frozen=True, slots=True)
class Pinhole:
    """A pinhole with square pixels whose axis meets the picture's middle.

    A point p of the world is seen at ``middle + focal (x/z, y/z)`` with
    ``(x, y, z) = R (p - (0, 0, height))``, R made of tilt and roll (Hartley and Zisserman,
    Multiple View Geometry, 2nd edition, chapter 6).

    Attributes:
        size: width and height of the picture, pixels.
        focal: focal length, pixels.
        tilt: how far the axis points below the horizon, radians.
        roll: how far the picture's content is turned clockwise, radians.
        height: of the camera above the ground, metres.
    """

    size: tuple[int, int]
    focal: float
    tilt: float
    roll: float
    height: float

    @property
    def middle(self) -> Floats:
        """(2,) the picture's middle, pixels."""
        return np.array(self.size) / 2

    @property
    def horizon(self) -> float:
        """Where the horizon meets the picture's middle column, pixels from the top."""
        return float(self.middle[1] - self.focal * np.tan(self.tilt) / np.cos(self.roll))

    def rotation(self) -> Floats:
        """(3, 3) turns world axes into the camera's: right, down, forward."""
        sine, cosine = np.sin(self.tilt), np.cos(self.tilt)
        level = np.array([[1.0, 0.0, 0.0], [0.0, -sine, -cosine], [0.0, cosine, -sine]])
        sine, cosine = np.sin(self.roll), np.cos(self.roll)
        turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(turn @ level)

    def matrix(self) -> Floats:
        """(3, 4) world → picture, homogeneous; the third coordinate is the depth, metres."""
        x, y = self.middle
        inner = np.array([[self.focal, 0.0, x], [0.0, self.focal, y], [0.0, 0.0, 1.0]])
        turned = inner @ self.rotation()
        return np.column_stack([turned, turned @ [0.0, 0.0, -self.height]])

    def homography(self) -> Floats:
        """(3, 3) picture pixels → metres on the ground.

        The third coordinate is positive below the horizon: one divided by the depth.
        """
        return np.asarray(np.linalg.inv(self.matrix()[:, [0, 1, 3]]))

    def project(self, points: Floats) -> Floats:
        """(..., 2) pixels of (..., 3) points of the world before the camera."""
        matrix = self.matrix()
        seen = points @ matrix[:, :3].T + matrix[:, 3]
        return np.asarray(seen[..., :2] / seen[..., 2:])

    def ground(self, picture: Floats) -> Floats:
        """(N, 2) metres on the ground of (N, 2) pixels; far away where they lie on no ground."""
        rays = np.column_stack([(picture - self.middle) / self.focal, np.ones(len(picture))])
        rays = rays @ self.rotation()
        sink = np.maximum(-rays[:, 2], _LEAST_SINK * np.linalg.norm(rays, axis=1))
        return np.asarray(rays[:, :2] * (self.height / sink)[:, None])

    def boxes(self, metres: Floats, heights: Floats | float, feet: float = 1.0) -> Floats:
        """(N, 4) boxes around the outlines of upright people.

        The outline of an ellipsoid with dual quadric Q is the conic with dual P Q Pᵀ; its box is
        where vertical and horizontal lines touch it (Hartley and Zisserman, result 8.9).

        Args:
            metres: (N, 2) where their axes meet the ground.
            heights: (N,) or one for all, metres.
            feet: how far apart they are, as a multiple of the usual.
        """
        matrix = self.matrix()
        tall = np.broadcast_to(np.asarray(heights, np.float64), len(metres))
        low, high = np.full((len(metres), 2), np.inf), np.full((len(metres), 2), -np.inf)
        for breadth, half, middle in _BODY * [[1, 1, 1], [1, 1, 1], [feet, 1, 1]]:
            centre = (
                metres @ matrix[:, :2].T + (middle * tall)[:, None] * matrix[:, 2] + matrix[:, 3]
            )
            shape = (matrix[:, :3] * np.array([breadth, breadth, half]) ** 2) @ matrix[:, :3].T
            last = shape[2, 2] * tall**2 - centre[:, 2] ** 2
            for axis in (0, 1):
                mixed = shape[axis, 2] * tall**2 - centre[:, axis] * centre[:, 2]
                own = shape[axis, axis] * tall**2 - centre[:, axis] ** 2
                root = np.sqrt(np.maximum(mixed**2 - own * last, 0.0))
                ends = (mixed + root) / last, (mixed - root) / last
                low[:, axis] = np.minimum(low[:, axis], np.minimum(*ends))
                high[:, axis] = np.maximum(high[:, axis], np.maximum(*ends))
        return np.concatenate([low, high], axis=1)

    def standing(self, centres: Floats, height: float, feet: float = 1.0) -> tuple[Floats, Floats]:
        """People of one height whose boxes have given centres.

        Args:
            centres: (N, 2) pixels.
            height: metres.
            feet: see :meth:`boxes`.

        Returns:
            (N, 2) where their axes meet the ground, metres; (N, 4) their boxes.
        """
        # Somebody's belt is seen near the centre: begin where a ground at that height would be.
        metres = self.ground(centres) * (1 - min(0.5 * height / self.height, 0.9))
        for _ in range(3):
            boxes = self.boxes(metres, height, feet)
            missed = centres - (boxes[:, :2] + boxes[:, 2:]) / 2
            level = np.column_stack([metres, np.zeros(len(metres))])
            metres = self.ground(self.project(level) + missed)
        return metres, self.boxes(metres, height, feet)
