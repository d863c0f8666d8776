"""Which ground fits: pairs of points, a rectangle, a calibration, or what a site file says."""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from passerby.errors import GroundError
from passerby.ground import Ground, Lens, ground_from_homography, homogeneous, signed_map
from passerby.moment import Floats

if TYPE_CHECKING:
    from passerby.ground_plan import GroundPlan

_TRIES = 500  # samples of four pairs; with a third of outliers a good one is all but certain
_CLICK = 0.015  # of the extent of the picture points: a pair further off is an outlier
_LEAST_CLICK = 3.0  # pixels
_FLAT = 1e-3  # points are in a line where they are so much narrower than long


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
    defense of the eight-point algorithm", 1997). What is left over of those distances tells how
    well people click, and so how wrong lengths near the pairs may be; four pairs leave nothing
    over and tell nothing.

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
    homography = signed_map(_direct(seen[used], told[used]), seen[used])
    if homography is None:
        raise GroundError(
            "the pairs do not show one plane from one side; check that each picture point has the "
            "metres that belong to it"
        )
    ground = Ground(homography, 0.0, method)
    if len(seen) > 4:
        ground = _refined(ground, seen[used], told[used])
    residuals = np.linalg.norm(ground.to_metres(seen, np.inf) - told, axis=1)
    return Fit(ground, residuals, used)


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
        sensor = np.array(
            [[i["focal"] / pixel[0], 0, i["cx"]], [0, i["focal"] / pixel[1], i["cy"]], [0, 0, 1.0]]
        )
        millimetres = sensor @ np.column_stack([turn[:, :2], move])
        to_metres = np.linalg.inv(millimetres @ np.diag([1000.0, 1000.0, 1.0]))
        scale = size[0] / g["width"], size[1] / g["height"]
        to_metres = to_metres @ np.diag([1 / scale[0], 1 / scale[1], 1.0])
        if not np.isfinite([*to_metres.ravel(), lens.kappa]).all():
            raise ValueError("its numbers give no camera")
    except KeyError as error:
        raise GroundError(f"{path.name} is no Tsai calibration: it has no {error}") from None
    except (OSError, ET.ParseError, ValueError, ZeroDivisionError) as error:
        raise GroundError(f"{path.name} is no Tsai calibration that can be read: {error}") from None
    lens = Lens(
        (lens.centre[0] * scale[0], lens.centre[1] * scale[1]),
        (pixel[0] / scale[0], pixel[1] / scale[1]),
        lens.kappa,
    )
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
    if plan.pairs is not None:
        fit = fit_pairs(plan.picture_points(size), plan.places())
    else:
        fit = Fit(_given(plan, size), np.zeros(0), np.zeros(0, bool))
    ground = fit.ground
    spread = ground.spread if plan.spread is None else plan.spread
    return fit._replace(ground=replace(ground, spread=spread, method=plan.made or ground.method))


def _given(plan: GroundPlan, size: tuple[int, int]) -> Ground:
    if plan.rectangle is not None:
        return ground_from_rectangle(plan.picture_points(size), plan.rectangle.metres)
    if plan.tsai is not None:
        return ground_from_tsai(plan.tsai, size)
    assert plan.homography is not None
    return ground_from_homography(plan.homography, size, of=plan.of)


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
        aside = _aside(points)
        if aside is not None and len(points) == 4:
            three = "{}, {} and {}".format(*(i + 1 for i in range(4) if i != aside))
            raise GroundError(
                f"the {what} of pairs {three} are in one line; move one of them aside"
            )
        if aside is not None:
            raise GroundError(f"all {what} but one are in one line; add some aside of it")


def _aside(points: Floats) -> int | None:
    """A point that all others are in one line without; None where there is none."""
    count = range(len(points))
    others = points[[[j for j in count if j != i] for i in count]]
    long, narrow = np.linalg.svd(others - others.mean(axis=1, keepdims=True), compute_uv=False).T
    flat = narrow <= _FLAT * long
    return int(flat.argmax()) if flat.any() else None


def _agreeing(seen: Floats, told: Floats) -> NDArray[np.bool_]:
    """(N,) the largest set of pairs that agree with one ground."""
    near = max(_CLICK * float(np.linalg.norm(np.ptp(seen, axis=0))), _LEAST_CLICK)
    everyone = list(range(len(seen)))
    if math.comb(len(seen), 4) <= _TRIES:
        samples = [list(four) for four in itertools.combinations(everyone, 4)]
    else:
        random = np.random.default_rng(0)
        samples = [random.choice(len(seen), 4, replace=False).tolist() for _ in range(_TRIES)]
    best, least = np.zeros(len(seen), bool), np.inf
    for some in [everyone, *samples]:
        if _aside(seen[some]) is not None or _aside(told[some]) is not None:
            continue
        homography = signed_map(_direct(seen[some], told[some]), seen[some])
        if homography is None:
            continue
        off = np.linalg.norm(Ground(homography).to_picture(told) - seen, axis=1)
        off = np.where(np.isfinite(off), off, np.inf)
        cost = float(np.minimum(off, near).sum())
        if cost < least:
            best, least = off <= near, cost
    # Four always agree, and some more do by chance.
    if best.sum() < max(5, 2 / 3 * len(seen)):
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
    return to_unit, homogeneous(points) @ to_unit.T


def _refined(start: Ground, seen: Floats, told: Floats) -> Ground:
    """The ground near a start that makes the squared distances in the picture least."""
    (a, points), (b, places) = _normalised(seen), _normalised(told)
    inverse = a @ np.linalg.inv(start.homography) @ np.linalg.inv(b)  # places → points, normalised
    fixed = int(np.abs(inverse).argmax())

    def full(free: Floats) -> Floats:
        return np.insert(free, fixed, 1.0).reshape(3, 3)

    def off(free: Floats) -> Floats:
        mapped = places @ full(free).T
        return np.asarray((mapped[:, :2] / mapped[:, 2:] - points[:, :2]).ravel())

    def ground(free: Floats) -> Ground:
        whole = np.asarray(np.linalg.inv(np.linalg.inv(a) @ full(free) @ b), np.float64)
        homography = signed_map(whole, seen)
        return start if homography is None else replace(start, homography=homography)

    found = least_squares(off, np.delete(inverse / inverse.flat[fixed], fixed), x_scale="jac")
    best = ground(found.x)
    # Eight independent ways in which it may be wrong, each by one standard error: the principal
    # axes of the covariance of least squares.
    _, sizes, axes = np.linalg.svd(found.jac, full_matrices=False)
    error = math.sqrt(2 * found.cost / (2 * len(seen) - 8))
    others = [ground(found.x + error / size * axis) for size, axis in zip(sizes, axes, strict=True)]
    return replace(best, spread=_difference(best, others, told))


def _difference(ground: Ground, others: list[Ground], places: Floats) -> float:
    """Root of the mean, over short lengths at some places in all directions, of the sum of their
    squared relative differences in other grounds."""
    short = 1e-4 * float(np.linalg.norm(np.ptp(places, axis=0)))
    angles = np.arange(4) * np.pi / 4
    steps = short * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    starts = np.repeat(places, 4, axis=0)
    ends = starts + np.tile(steps, (len(places), 1))
    a, b = ground.to_picture(starts), ground.to_picture(ends)
    lengths = [
        np.linalg.norm(other.to_metres(b, np.inf) - other.to_metres(a, np.inf), axis=1)
        for other in others
    ]
    return float(np.sqrt(np.square(np.array(lengths) / short - 1).sum(axis=0).mean()))
