"""Segments and polygons in the picture: pure arithmetic on pixels, y downwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from passerby.moment import Floats, Ints


class Segment:
    """A directed segment a→b.

    Its forward side is to the right of the direction a→b as seen in the picture: below a segment
    that is drawn from left to right.
    """

    def __init__(self, a: ArrayLike, b: ArrayLike) -> None:
        """Make a segment.

        Args:
            a: (2,) start, pixels.
            b: (2,) end, pixels.

        Raises:
            ValueError: the two ends are one point.
        """
        self._a = np.asarray(a, np.float64)
        along = np.asarray(b, np.float64) - self._a
        self._length = float(np.hypot(*along))
        if not self._length > 0:
            raise ValueError("a segment needs two different ends")
        self._along = along / self._length
        self._normal = np.array([-self._along[1], self._along[0]])

    @property
    def ends(self) -> Floats:
        """(2, 2) a and b, pixels."""
        return np.stack([self._a, self._a + self._length * self._along])

    def distance(self, points: Floats) -> Floats:
        """(N,) signed distance in pixels to the infinite line, positive on the forward side."""
        return np.asarray((points - self._a) @ self._normal)

    def crossed(self, before: Floats, after: Floats) -> Crossed:
        """How straight steps cross the segment.

        A point on the line itself belongs to the backward side, so that two steps that meet on
        the line cross it once. The infinite extension of the segment is not crossed.

        Args:
            before: (N, 2) where the steps begin, pixels.
            after: (N, 2) where they end.

        Returns:
            (N,) signs: 1 forward, -1 backward, 0 not crossed; (N,) shares of the step at which
            the line is met, 0 to 1.
        """
        d0, d1 = self.distance(before), self.distance(after)
        change = (d1 > 0).astype(np.int64) - (d0 > 0).astype(np.int64)
        if not change.any():
            return Crossed(change, np.zeros(len(change)))
        safe = np.where(change == 0, 1.0, d0 - d1)
        share = np.where(change == 0, 0.0, d0 / safe)
        met = before + share[:, None] * (after - before)
        place = (met - self._a) @ self._along
        # A hair of tolerance: rounding must not open a slit where two segments share an end.
        slack = 1e-9 * self._length
        on_segment = (place >= -slack) & (place <= self._length + slack)
        return Crossed(np.where(on_segment, change, 0), share)


class Crossed(NamedTuple):
    """Signs and shares, see :meth:`Segment.crossed`."""

    signs: Ints
    shares: Floats


class Polygon:
    """A simple polygon; its edge belongs to it."""

    def __init__(self, points: ArrayLike) -> None:
        """Make a polygon from its (N, 2) corners, pixels."""
        self._shape = shapely.Polygon(np.asarray(points, np.float64))
        shapely.prepare(self._shape)

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """(N,) whether each of the (N, 2) points lies in the polygon or on its edge."""
        return np.asarray(shapely.intersects_xy(self._shape, points[:, 0], points[:, 1]))


def in_pixels(points: Iterable[tuple[float, float]], size: tuple[int, int]) -> Floats:
    """(N, 2) points in pixels of a picture of a width and height, from fractions of it."""
    return np.array(list(points), np.float64) * size


def project_lonlat(lonlat: ArrayLike) -> Floats:
    """(N, 2) longitudes and latitudes in degrees as metres east and north of their middle.

    A degree is measured on the WGS 84 ellipsoid at the mean latitude by its two radii of
    curvature (Snyder, "Map Projections: A Working Manual", USGS 1395, 1987): good to a
    millimetre over a square and to a centimetre over a kilometre.
    """
    degrees = np.asarray(lonlat, np.float64)
    middle = degrees.mean(axis=0)
    semi_major, squared = 6378137.0, 0.00669437999014
    latitude = np.radians(middle[1])
    bulge = 1 - squared * np.sin(latitude) ** 2
    east = semi_major / np.sqrt(bulge) * np.cos(latitude)
    north = semi_major * (1 - squared) / bulge**1.5
    return np.asarray(np.radians(degrees - middle) * [east, north])


def reference_points(boxes: Floats, reference: str) -> Floats:
    """(N, 2) the points that stand for the boxes: ``ground`` is the bottom centre."""
    x = (boxes[:, 0] + boxes[:, 2]) / 2
    y = boxes[:, 3] if reference == "ground" else (boxes[:, 1] + boxes[:, 3]) / 2
    return np.stack([x, y], axis=1)


def intersections(a: Floats, b: Floats) -> Floats:
    """(N, M) areas shared by (N, 4) and (M, 4) boxes x1, y1, x2, y2."""
    wide = np.minimum(a[:, None, 2], b[:, 2]) - np.maximum(a[:, None, 0], b[:, 0])
    tall = np.minimum(a[:, None, 3], b[:, 3]) - np.maximum(a[:, None, 1], b[:, 1])
    return np.asarray(np.maximum(wide, 0) * np.maximum(tall, 0))


def areas(boxes: Floats) -> Floats:
    """(N,) areas of (N, 4) boxes."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def overlaps(a: Floats, b: Floats) -> Floats:
    """(N, M) intersections over unions of (N, 4) and (M, 4) boxes, 0 to 1."""
    shared = intersections(a, b)
    union = areas(a)[:, None] + areas(b)[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-12))
