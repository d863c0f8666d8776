"""The map from the picture to metres on the ground plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from passerby.errors import GroundError
from passerby.moment import Floats

if TYPE_CHECKING:
    pass

COARSEST = 1.0
"""Metres per pixel above which a place is refused: a person there is some 20 pixels tall, and a
box that ends a pixel too low is a metre off."""

_SINGULAR = 1e-9  # a map is singular where it makes a square so much narrower than long


class Lens(NamedTuple):
    """A lens that bends straight lines (Tsai, "A versatile camera calibration technique", 1987).

    Attributes:
        centre: (x, y) of the distortion, pixels.
        scale: (x, y) millimetres on the sensor per pixel.
        kappa: first radial coefficient, 1/mm².
    """

    centre: tuple[float, float]
    scale: tuple[float, float]
    kappa: float

    def straightened(self, points: Floats) -> Floats:
        """(N, 2) pixels as a lens without distortion would show them."""
        away = (points - self.centre) * self.scale
        squared = (away * away).sum(axis=1, keepdims=True)
        return np.asarray(self.centre + away * (1 + self.kappa * squared) / self.scale)

    def bent(self, points: Floats) -> Floats:
        """(N, 2) the inverse, by Newton's method on the distance from the centre."""
        away = (points - self.centre) * self.scale
        wanted = np.hypot(away[:, 0], away[:, 1])
        radius = wanted.copy()
        for _ in range(12):
            error = radius * (1 + self.kappa * radius**2) - wanted
            radius -= error / np.maximum(1 + 3 * self.kappa * radius**2, 0.1)
        share = np.divide(radius, wanted, out=np.ones_like(wanted), where=wanted > 0)
        return np.asarray(self.centre + away * share[:, None] / self.scale)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A plane seen in perspective.

    Attributes:
        homography: (3, 3) picture pixels → metres, homogeneous: (X, Y, 1)·w = homography·(x, y, 1).
            Its sign is such that w is above 0 on the ground and below 0 beyond the horizon.
        spread: relative standard error of lengths; 0 where it is not known to be larger.
        method: how it was found, in a few words.
        lens: whose distortion is undone first; None where straight lines are straight.
    """

    homography: Floats
    spread: float = 0.0
    method: str = "given"
    lens: Lens | None = None

    def to_metres(self, points: ArrayLike, coarsest: float = COARSEST) -> Floats:
        """Where picture points lie on the ground.

        Args:
            points: (N, 2) pixels.
            coarsest: metres per pixel above which a point is refused.

        Returns:
            (N, 2) metres; NaN for points beyond the horizon or too near to it.
        """
        metres, scale = self._mapped(points)
        metres[~(scale <= coarsest)] = np.nan
        return metres

    def to_picture(self, metres: ArrayLike) -> Floats:
        """(N, 2) pixels of (N, 2) metres; NaN for what lies behind the camera."""
        inverse = np.linalg.inv(self.homography)
        x, y, w = inverse @ homogeneous(metres).T
        # A point of the ground has w = 1 / (w of its pixel): the same sign, where it is in view.
        with np.errstate(divide="ignore", invalid="ignore"):
            points = np.stack([x / w, y / w], axis=1)
        points[~(w > 0)] = np.nan
        return points if self.lens is None else self.lens.bent(points)

    def metres_per_pixel(self, points: ArrayLike) -> Floats:
        """(N,) length on the ground of one pixel in the direction in which that is longest.

        Infinite beyond the horizon.
        """
        return self._mapped(points)[1]

    def depression(self, points: ArrayLike) -> Floats:
        """(N,) degrees below the horizontal at which each point is seen; NaN beyond the horizon.

        A small square seen at such an angle is as much shorter than wide as the angle's sine.
        """
        longest, _, least = self._scales(points)
        return np.asarray(np.degrees(np.arcsin(np.minimum(least / longest, 1))))

    @property
    def horizon(self) -> Floats | None:
        """(3,) a, b, c: a x + b y + c = 0 on the horizon and above 0 on the ground, pixels of a
        picture in which straight lines are straight; None where the camera looks straight down.
        """
        line = self.homography[2]
        return line / np.hypot(*line[:2]) if line[:2].any() else None

    def refusals(self, points: ArrayLike, coarsest: float = COARSEST) -> list[str | None]:
        """Why each picture point has no place on the ground; None where it has one."""
        return [
            None
            if scale <= coarsest
            else "lies above the horizon"
            if scale == np.inf
            else f"lies too near to the horizon: one pixel there is {scale:.1f} m on the ground, "
            f"and {coarsest:g} m is the limit"
            for scale in self.metres_per_pixel(points)
        ]

    def _mapped(self, points: ArrayLike) -> tuple[Floats, Floats]:
        """(N, 2) metres and (N,) metres per pixel, infinite where there is no ground."""
        longest, metres, _ = self._scales(points)
        return metres, np.where(np.isfinite(longest), longest, np.inf)

    def _scales(self, points: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Metres per pixel where it is most, (N, 2) metres, metres per pixel where it is least.

        NaN where there is no ground.
        """
        straight = np.asarray(points, np.float64).reshape(-1, 2)
        if self.lens is not None:
            straight = self.lens.straightened(straight)
        h = self.homography
        x, y, w = h @ homogeneous(straight).T
        with np.errstate(divide="ignore", invalid="ignore"):
            metres = np.stack([x / w, y / w], axis=1)
            # The derivative of the map, and its larger singular value.
            a, b = (h[0, k] - metres[:, 0] * h[2, k] for k in (0, 1))
            c, d = (h[1, k] - metres[:, 1] * h[2, k] for k in (0, 1))
            half, less = (a * a + b * b + c * c + d * d) / 2, a * d - b * c
            longest = np.sqrt(half + np.sqrt(np.maximum(half**2 - less**2, 0))) / w
            longest[~(w > 0)] = np.nan
            return longest, metres, np.abs(less) / (longest * w * w)


def ground_from_homography(
    homography: ArrayLike,
    size: tuple[int, int],
    *,
    of: tuple[int, int] | None = None,
    spread: float = 0.0,
    method: str = "homography",
) -> Ground:
    """A ground whose map is known.

    Args:
        homography: (3, 3) picture pixels → metres, up to a factor.
        size: width and height of the picture in pixels.
        of: those of the picture for which the homography was made, where they differ.
        spread: relative standard error of lengths.
        method: how it was found.

    Raises:
        GroundError: it maps the picture to a line, or the middle of the picture's lower edge to
            no ground.
    """
    h = np.asarray(homography, np.float64)
    if of is not None:
        h = h @ np.diag([of[0] / size[0], of[1] / size[1], 1.0])
    foot = np.array([[size[0] / 2, size[1]]])
    signed = signed_map(h, foot)
    if signed is not None:
        ground = Ground(signed, spread, method)
        longest, _, least = ground._scales(foot)
        # Asked where people are, not of the matrix: places far from the origin would spoil that.
        if least[0] > _SINGULAR * longest[0]:
            return ground
    raise GroundError("the homography is singular; it must map the picture to a plane")


def homogeneous(points: ArrayLike) -> Floats:
    """(N, 3) the (N, 2) points with a 1 behind each."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)


def signed_map(homography: Floats, seen: Floats) -> Floats | None:
    """The homography with w above 0 at the points; None where the horizon is between them."""
    w = homogeneous(seen) @ homography[2]
    if not ((w > 0).all() or (w < 0).all()) or np.linalg.det(homography) == 0:
        return None
    return np.asarray(homography * np.sign(w[0]) / np.abs(homography).max())
