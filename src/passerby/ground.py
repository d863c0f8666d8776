"""The map from the picture to metres on the ground plane."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from passerby.errors import GroundError
from passerby.moment import Floats

if TYPE_CHECKING:
    from passerby.ground_plan import GroundPlan

COARSEST = 1.0
"""Metres per pixel above which a place is refused: a person there is some 20 pixels tall, and a
box that ends a pixel too low is a metre off."""

_TRIES = 500  # samples of four pairs; with a third of outliers a good one is all but certain
_CLICK = 0.015  # of the extent of the picture points: a pair further off is an outlier
_LEAST_CLICK = 3.0  # pixels
_FLAT = 1e-3  # three points are in a line where their triangle is so flat, as a share of the extent


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
        x, y, w = inverse @ _homogeneous(metres).T
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
        x, y, w = h @ _homogeneous(straight).T
        with np.errstate(divide="ignore", invalid="ignore"):
            metres = np.stack([x / w, y / w], axis=1)
            # The derivative of the map, and its larger singular value.
            a, b = (h[0, k] - metres[:, 0] * h[2, k] for k in (0, 1))
            c, d = (h[1, k] - metres[:, 1] * h[2, k] for k in (0, 1))
            half, less = (a * a + b * b + c * c + d * d) / 2, a * d - b * c
            longest = np.sqrt(half + np.sqrt(np.maximum(half**2 - less**2, 0))) / w
            longest[~(w > 0)] = np.nan
            return longest, metres, np.abs(less) / (longest * w * w)


class Fit(NamedTuple):
    """A ground and how well it agrees with what it was made of.

    Attributes:
        ground: the result.
        residuals: (N,) metres between each pair's place and where the ground puts it.
        used: (N,) False for pairs that were left out because they contradict the others.
    """

    ground: Ground
    residuals: Floats
    used: NDArray[np.bool_]


def fit_pairs(picture: ArrayLike, metres: ArrayLike, method: str = "pairs of points") -> Fit:
    """The ground on which picture points have known places.

    Four pairs fix it; of more, those that contradict the others are left out (RANSAC: Fischler &
    Bolles, 1981) and the squared distances in the picture, where the clicking erred, are made
    least. The start is the direct linear transform in normalised coordinates (Hartley, "In
    defense of the eight-point algorithm", 1997).

    Args:
        picture: (N, 2) pixels, N at least 4.
        metres: (N, 2) places on the ground.
        method: for :class:`Ground`.

    Raises:
        GroundError: too few pairs, some given twice or in a line, or pairs that contradict each
            other.
    """
    seen, told = np.asarray(picture, np.float64), np.asarray(metres, np.float64)
    _check(seen, told)
    used = np.ones(len(seen), bool) if len(seen) == 4 else _agreeing(seen, told)
    homography = _refined(_direct(seen[used], told[used]), seen[used], told[used])
    if homography is None:
        raise GroundError(
            "the pairs do not show one plane from one side; check that each picture point has the "
            "metres that belong to it"
        )
    ground = Ground(homography, 0.0, method)
    residuals = np.linalg.norm(ground.to_metres(seen, np.inf) - told, axis=1)
    # Errors at the ends of a length are those of its pairs, averaged over all of them.
    error = float(np.sqrt((residuals[used] ** 2).mean())) / np.sqrt(used.sum() / 4)
    spread = error / float(np.linalg.norm(np.ptp(told[used], axis=0)))
    return Fit(Ground(homography, spread, method), residuals, used)


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
    foot = h[2] @ [size[0] / 2, size[1], 1.0]
    condition = np.linalg.cond(h / np.abs(h).max()) if np.isfinite(h).all() and h.any() else np.inf
    if not condition < 1e15 or foot == 0:
        raise GroundError("the homography is singular; it must map the picture to a plane")
    return Ground(h / np.abs(h).max() * np.sign(foot), spread, method)


def ground_from_rectangle(corners: ArrayLike, metres: tuple[float, float]) -> Ground:
    """The ground on which a rectangle of known width and length lies.

    Args:
        corners: (4, 2) pixels, in order around it; the width is between the first two.
        metres: width and length.

    Raises:
        GroundError: corners in a line, or in no order around it.
    """
    width, length = metres
    places = np.array([[0, 0], [width, 0], [width, length], [0, length]], np.float64)
    seen = np.asarray(corners, np.float64)
    turns = [np.sign(_turn(seen[[i, (i + 1) % 4, (i + 2) % 4]])) for i in range(4)]
    if len(set(turns)) > 1:
        raise GroundError("the rectangle's corners are not in order around it")
    if turns[0] > 0:  # in the picture y goes down: seen from above they go the other way round
        places[:, 1] *= -1
    return fit_pairs(seen, places, "a rectangle of known size").ground


def ground_from_tsai(path: Path, size: tuple[int, int]) -> Ground:
    """The ground plane of a camera calibrated after Tsai, from the XML of the PETS recordings.

    World coordinates are in millimetres, the ground is z = 0. The camera's rotation is
    Rz·Ry·Rx of its three angles.

    Raises:
        GroundError: a file that cannot be read or lacks numbers.
    """
    try:
        root = ET.parse(path).getroot()  # noqa: S314  (a person's own file)
        parts = {child.tag: child.attrib for child in root}
        g, i, e = (
            {name: float(value) for name, value in parts[part].items()}
            for part in ("Geometry", "Intrinsic", "Extrinsic")
        )
        pixel = g["dpx"] / i["sx"], g["dpy"]
        lens = Lens((i["cx"], i["cy"]), pixel, i["kappa1"])
        turn = Rotation.from_euler("xyz", [e["rx"], e["ry"], e["rz"]]).as_matrix()
        move = np.array([e["tx"], e["ty"], e["tz"]])
        focal, of = i["focal"], (g["width"], g["height"])
    except (OSError, ET.ParseError, KeyError, ValueError) as error:
        raise GroundError(f"{path.name} is no Tsai calibration that can be read: {error}") from None
    sensor = np.array([[focal / pixel[0], 0, i["cx"]], [0, focal / pixel[1], i["cy"]], [0, 0, 1.0]])
    millimetres = sensor @ np.column_stack([turn[:, :2], move])
    to_metres = np.linalg.inv(millimetres @ np.diag([1000.0, 1000.0, 1.0]))
    scale = np.array([size[0] / of[0], size[1] / of[1]])
    lens = Lens(
        (lens.centre[0] * scale[0], lens.centre[1] * scale[1]),
        (pixel[0] / scale[0], pixel[1] / scale[1]),
        lens.kappa,
    )
    to_metres = to_metres @ np.diag([1 / scale[0], 1 / scale[1], 1.0])
    # w is 1 / depth up to a positive factor, since a point in front of the camera has depth > 0.
    return Ground(to_metres / np.abs(to_metres).max(), 0.0, "Tsai calibration", lens)


def fit_ground(plan: GroundPlan, size: tuple[int, int]) -> Fit:
    """The ground that a site file describes.

    Args:
        plan: the block ``ground`` of a camera.
        size: width and height of its pictures in pixels.

    Raises:
        GroundError: it describes none.
    """
    exact = np.zeros(0), np.zeros(0, bool)
    if plan.pairs is not None:
        return fit_pairs(plan.picture_points(size), plan.places(), plan.made or "pairs of points")
    if plan.rectangle is not None:
        corners = plan.picture_points(size)
        return Fit(ground_from_rectangle(corners, plan.rectangle.metres), *exact)
    if plan.tsai is not None:
        return Fit(ground_from_tsai(Path(plan.tsai), size), *exact)
    assert plan.homography is not None
    ground = ground_from_homography(
        plan.homography,
        size,
        of=plan.of,
        spread=plan.spread,
        method=plan.made or "homography",
    )
    return Fit(ground, *exact)


def _homogeneous(points: ArrayLike) -> Floats:
    points = np.asarray(points, np.float64).reshape(-1, 2)
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)


def _turn(three: Floats) -> float:
    """Twice the signed area of a triangle."""
    (ax, ay), (bx, by) = three[1] - three[0], three[2] - three[0]
    return float(ax * by - ay * bx)


def _check(seen: Floats, told: Floats) -> None:
    """Refuse pairs that cannot fix a plane."""
    if len(seen) < 4:
        raise GroundError(f"{len(seen)} pairs were given; a ground needs at least 4")
    for points, what in ((seen, "picture points"), (told, "places in metres")):
        for i, j in itertools.combinations(range(len(points)), 2):
            if np.allclose(points[i], points[j], rtol=0, atol=1e-9):
                raise GroundError(f"pairs {i + 1} and {j + 1} have the same {what}")
        good = [four for four in itertools.combinations(points, 4) if _wide(np.array(four))]
        if len(points) == 4 and not good:
            raise GroundError(f"three of the four {what} are in one line; move one of them aside")
        if not good:
            raise GroundError(f"nearly all {what} are in one line; add some aside of it")


def _wide(four: Floats) -> bool:
    """Whether no three of four points are in a line."""
    extent = float(np.square(np.ptp(four, axis=0)).sum())
    return all(abs(_turn(np.array(t))) > _FLAT * extent for t in itertools.combinations(four, 3))


def _agreeing(seen: Floats, told: Floats) -> NDArray[np.bool_]:
    """(N,) the largest set of pairs that agree with one ground."""
    near = max(_CLICK * float(np.linalg.norm(np.ptp(seen, axis=0))), _LEAST_CLICK)
    fours = list(itertools.islice(itertools.combinations(range(len(seen)), 4), 20 * _TRIES))
    if len(fours) > _TRIES:
        random = np.random.default_rng(0)
        fours = [tuple(random.choice(len(seen), 4, replace=False).tolist()) for _ in range(_TRIES)]
    best, least = np.zeros(len(seen), bool), np.inf
    for four in map(list, fours):
        if not (_wide(seen[four]) and _wide(told[four])):
            continue
        homography = _signed(_direct(seen[four], told[four]), seen[four])
        if homography is None:
            continue
        off = np.linalg.norm(Ground(homography).to_picture(told) - seen, axis=1)
        off = np.where(np.isfinite(off), off, np.inf)
        cost = float(np.minimum(off, near).sum())
        if cost < least:
            best, least = off <= near, cost
    if best.sum() < max(4, len(seen) / 2):
        raise GroundError(
            f"the pairs contradict each other: at most {int(best.sum())} of {len(seen)} agree "
            "with one plane; check the metres, and that every point lies on the ground"
        )
    return best


def _direct(seen: Floats, told: Floats) -> Floats:
    """(3, 3) homography by the direct linear transform."""
    (a, points), (b, places) = _normalised(seen), _normalised(told)
    zero = np.zeros_like(points)
    rows = np.concatenate(
        [
            np.concatenate([points, zero, -places[:, :1] * points], axis=1),
            np.concatenate([zero, points, -places[:, 1:2] * points], axis=1),
        ]
    )
    h = np.linalg.svd(rows)[2][-1].reshape(3, 3)
    return np.asarray(np.linalg.inv(b) @ h @ a)


def _normalised(points: Floats) -> tuple[Floats, Floats]:
    """A (3, 3) map that centres points and brings them to unit size, and the mapped points."""
    middle = points.mean(axis=0)
    scale = np.sqrt(2) / np.linalg.norm(points - middle, axis=1).mean()
    to_unit = np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]])
    return to_unit, _homogeneous(points) @ to_unit.T


def _signed(homography: Floats, seen: Floats) -> Floats | None:
    """The homography with w above 0 at the points; None where the horizon is between them."""
    w = _homogeneous(seen) @ homography[2]
    if not ((w > 0).all() or (w < 0).all()) or abs(np.linalg.det(homography)) == 0:
        return None
    return np.asarray(homography * np.sign(w[0]) / np.abs(homography).max())


def _refined(start: Floats, seen: Floats, told: Floats) -> Floats | None:
    """The homography near a start that makes the squared distances in the picture least."""
    signed = _signed(start, seen)
    if signed is None or len(seen) == 4:
        return signed
    (a, points), (b, places) = _normalised(seen), _normalised(told)
    inverse = a @ np.linalg.inv(signed) @ np.linalg.inv(b)  # places → points, both of unit size
    inverse /= inverse.flat[np.abs(inverse).argmax()]
    fixed = int(np.abs(inverse).argmax())

    def off(free: Floats) -> Floats:
        h = np.insert(free, fixed, 1.0).reshape(3, 3)
        mapped = places @ h.T
        return np.asarray((mapped[:, :2] / mapped[:, 2:] - points[:, :2]).ravel())

    found = least_squares(off, np.delete(inverse.ravel(), fixed), x_scale="jac")
    best = np.insert(found.x, fixed, 1.0).reshape(3, 3)
    return _signed(np.linalg.inv(np.linalg.inv(a) @ best @ b), seen)
