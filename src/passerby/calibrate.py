"""The ground from the people who walk on it: no tape measure, no clicking.

Somebody who walks away shrinks towards the horizon. How tall boxes are, over where they are, gives
the horizon and the height of the camera in body heights; how that bends gives tilt and focal
length, as far as it can. An assumed mean height turns body heights into metres.

The method is a maximum a posteriori fit of a pinhole camera over level ground (:class:`Pinhole`)
to boxes of upright bodies. It grew out of Lv, Zhao and Nevatia, "Camera calibration from video of a
walking human", IEEE PAMI 28(9), 2006, and of Krahnstoever and Mendonça, "Bayesian autocalibration
for surveillance", ICCV 2005, who gave every quantity a prior.

Widths of boxes and evenness of pace are left out: widths tell more of where people turn and of who
drew the boxes, and people do walk slower in one direction than in another.

Its limits: ground that is level, lenses that keep straight lines straight, tilts up to about 55°.
A camera that looks steeper may hang high or see wide: heights of boxes hardly tell which, and the
stated errors can then be too small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from passerby.errors import GroundError
from passerby.moment import Floats
from passerby.pinhole import Pinhole
from passerby.walkers import People, Walkers, gather, people_of

__all__ = ["Calibration", "Estimate", "People", "calibrate", "people_of"]

MEAN_HEIGHT = 1.70
"""Metres, with shoes, of adults of both sexes.

Young adults of the world are 1.65 on average (men 1.71, women 1.59), those of the tallest countries
1.76, of the smallest 1.55: NCD Risk Factor Collaboration, "A century of trends in adult human
height", eLife 5, 2016. Shoes add 0.03.
"""

MEAN_HEIGHT_ERROR = 0.05
"""Standard error of :data:`MEAN_HEIGHT`, metres: the countries named there are two of it away."""

HEIGHT_SPREAD = 0.10
"""Standard deviation of the heights of adults about their mean, metres.

Within the sexes it is 0.076 and 0.071, and their means are 0.137 apart: Jelenkovic et al., "Genetic
and environmental influences on height from infancy to early adulthood", Scientific Reports 6, 2016.
"""

PRIORS = {
    # log of focal length over width: horizontal fields of view from 30° to 100° at two deviations.
    "focal": (np.log(0.88), 0.37),
    "tilt": (np.radians(35), np.radians(30)),
    # Times the cosine of the tilt: by how much the picture's x axis is off level.
    "roll": (0.0, np.radians(2.5)),
    # log of metres: 2 m to 20 m at two deviations.
    "height": (np.log(6.3), 0.6),
    # Pixels by which boxes are too tall, in thousandths of the picture's width.
    "margin": (0.0, 2.0),
    # log of how far apart feet are over those of Pinhole.
    "feet": (0.0, 0.25),
    # What else the boxes' log heights do from the picture's middle to its lower edge: lenses that
    # bend, ground that is not quite level, detectors that know near people better than far ones.
    "slope": (0.0, 0.02),
    "bow": (0.0, 0.02),
}
"""Mean and standard deviation of what the fit assumes before it sees anybody."""

BOX_ERROR = 0.03
"""By how much the boxes of a detector are taller or shorter than people, as a share."""

MOST_SPREAD = 0.30
"""Standard error of lengths, as a share, above which no calibration is given."""

MOST_TILT = 70.0
"""Degrees; above it no calibration is given: people seen from above have no feet."""

_HEIGHT_NOISE, _HEIGHT_PIXELS = 0.03, 2.5  # of one box: people bend and stride, detectors slip
_MOST_SWELL = 3.0  # times the above
_BIWEIGHT = 3.0
_ROUNDS = 5


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A camera over level ground, as the people tell.

    Attributes:
        homography: (3, 3) picture pixels → metres; origin on the ground below the camera, x to the
            right, y away from the camera. The third coordinate is positive below the horizon.
        camera_height: above the ground, metres.
        tilt: how far the camera looks below the horizon, degrees.
        roll: how far the picture's content is turned clockwise, degrees.
        focal: focal length, pixels.
        horizon: where the horizon meets the picture's middle column, pixels from the top.
        spread: relative standard error of lengths on the ground where the people walk, the root of
            its mean square over their steps.
        people: how many were used.
        boxes: how many of theirs were used.
    """

    homography: Floats
    camera_height: Estimate
    tilt: Estimate
    roll: Estimate
    focal: Estimate
    horizon: Estimate
    spread: float
    people: int
    boxes: int


def calibrate(
    people: People,
    size: tuple[int, int],
    *,
    mean_height: float = MEAN_HEIGHT,
    mean_height_error: float = MEAN_HEIGHT_ERROR,
    height_spread: float = HEIGHT_SPREAD,
    camera_height: float | None = None,
) -> Calibration:
    """Find the ground from people who walk on it.

    A box b of person p is seen s_b pixels tall. Around the same centre, a body of the mean height
    would be h_b(θ) pixels tall, under the camera and nuisances θ of :data:`PRIORS`. The fit
    minimises, over θ and the relative heights a_p of the people ::

        Σ_b w_b ((log h_b(θ) − log s_b − a_p) / σ_b)² + Σ_p w_p (a_p / σ_a)²
            + Σ_k ((θ_k − m_k) / s_k)²

    with σ_a the spread of heights over their mean, σ_b the scatter of boxes of one person, and
    weights of Tukey's biweight for boxes and of Student's t for people. Standard errors are those
    of the posterior's curvature at the minimum (Laplace's approximation); the scale adds the error
    of the mean height and :data:`BOX_ERROR`.

    Args:
        people: see :func:`people_of`; boxes that touch the edge of the picture, or that hold no
            upright person, are left out here.
        size: width and height of the picture, pixels.
        mean_height: of the people, metres.
        mean_height_error: its standard error, metres.
        height_spread: standard deviation of their heights, metres.
        camera_height: metres above the ground, taken as exact; the scale then comes from it.

    Raises:
        GroundError: too few people, all at one depth, boxes that are none of upright people on
            level ground, a tilt above :data:`MOST_TILT`, or lengths uncertain by more than
            :data:`MOST_SPREAD`.
        ValueError: a height that is not positive.
    """
    given = (mean_height, mean_height_error, height_spread, camera_height or 1.0)
    if not all(np.isfinite(given)) or min(given) <= 0 or camera_height == 0:
        raise ValueError("heights and their errors must be positive metres")
    walkers = gather(people, size)
    scale = float(np.hypot(mean_height_error / mean_height, BOX_ERROR))
    fit = _Fit(walkers, size, mean_height, height_spread, camera_height, scale)
    fit.run()
    found = fit.calibration()
    if fit.swell >= _MOST_SWELL:
        raise GroundError(
            "the boxes do not grow and shrink as upright people on level ground would: "
            "give points whose places are known"
        )
    if found.tilt.value > MOST_TILT:
        raise GroundError(
            "the camera seems to look straight down, where boxes tell nothing of perspective: "
            "give points whose places are known"
        )
    if not found.spread <= MOST_SPREAD:
        raise GroundError(
            f"lengths would be uncertain by {found.spread:.0%}: take a recording in which more "
            "people come nearer, or give points whose places are known"
        )
    return found


class _Fit:
    """Walkers and the camera that explains them."""

    def __init__(
        self,
        walkers: Walkers,
        size: tuple[int, int],
        mean_height: float,
        height_spread: float,
        camera_height: float | None,
        scale: float,
    ) -> None:
        """Prepare; lengths are metres of people of ``mean_height`` until the very end.

        Args:
            walkers: what they tell.
            size: of the picture, pixels.
            mean_height: of the people, metres.
            height_spread: standard deviation of their heights, metres.
            camera_height: where known.
            scale: relative standard error of lengths that ``mean_height`` brings.
        """
        self.walkers, self.size, self.mean_height = walkers, size, mean_height
        self.camera_height, self.scale = camera_height, scale
        priors = dict(PRIORS)
        if camera_height is not None:
            priors["height"] = (float(np.log(camera_height)), scale)
        self.prior_means, self.prior_spreads = np.array(list(priors.values())).T
        boxes = walkers.boxes
        # Not the lower edge: where it jitters, a box is both taller and nearer, which would bend
        # the horizon. The centre errs independently of the height.
        self.centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        self.tall = boxes[:, 3] - boxes[:, 1]
        self.down = 2 * self.centres[:, 1] / size[1] - 1
        self.between = height_spread / mean_height
        self.noise = np.hypot(_HEIGHT_NOISE, _HEIGHT_PIXELS / self.tall)
        self.trust, self.trust_people = np.ones(len(boxes)), np.ones(walkers.people)

    def camera(self, unknowns: Floats) -> Pinhole:
        """The camera of a vector of unknowns, in the order of :data:`PRIORS`."""
        focal, tilt, roll, height = (float(unknown) for unknown in unknowns[:4])
        return Pinhole(self.size, np.exp(focal) * self.size[0], tilt, roll, np.exp(height))

    def errors(self, unknowns: Floats) -> Floats:
        """(N,) logs of predicted over seen heights of boxes."""
        margin, feet, slope, bow = unknowns[4:]
        camera = self.camera(unknowns)
        _, boxes = camera.standing(self.centres, self.mean_height, float(np.exp(feet)))
        tall = boxes[:, 3] - boxes[:, 1] + margin * self.size[0] / 1000
        return np.asarray(
            np.log(np.maximum(tall, 1e-3) / self.tall) + slope * self.down + bow * self.down**2
        )

    def residuals(self, unknowns: Floats) -> Floats:
        """(N + P + K,) what the fit makes small, in standard deviations: boxes, people, priors.

        Each person's own height is the best linear unbiased prediction from their boxes.
        """
        errors = self.errors(unknowns)
        within, between = self.trust / self.noise**2, self.trust_people / self.between**2
        assumed = unknowns - self.prior_means
        assumed[2] *= np.cos(unknowns[1])
        own = self._sums(within * errors) / (self._sums(within) + between)
        return np.concatenate(
            [
                np.sqrt(within) * (errors - own[self.walkers.owners]),
                np.sqrt(between) * own,
                assumed / self.prior_spreads,
            ]
        )

    def run(self) -> None:
        """Look everywhere roughly, then fit with ever better weights."""
        self.best = min(self._starts(), key=lambda start: start[0])[1]
        for _ in range(_ROUNDS):
            self._weigh()
            found = least_squares(self.residuals, self.best, method="lm", max_nfev=400)
            self.best = found.x
        self.covariance = np.linalg.inv(found.jac.T @ found.jac)

    def calibration(self) -> Calibration:
        """The camera and what it is worth."""
        metric = 1.0 if self.camera_height is None else self.camera_height / np.exp(self.best[3])
        told, errors = self._told(self.best), self._errors_of(self._told)
        spread = float(np.sqrt((self._errors_of(self._lengths) ** 2).mean()))
        if self.camera_height is None:
            errors[0] = np.hypot(errors[0], self.scale * told[0])
            spread = float(np.hypot(spread, self.scale))
        height, tilt, roll, focal, horizon = (
            Estimate(float(value), float(error)) for value, error in zip(told, errors, strict=True)
        )
        return Calibration(
            homography=np.diag([metric, metric, 1.0]) @ self.camera(self.best).homography(),
            camera_height=height,
            tilt=tilt,
            roll=roll,
            focal=focal,
            horizon=horizon,
            spread=spread,
            people=self.walkers.people,
            boxes=len(self.walkers.boxes),
        )

    def _starts(self) -> Iterator[tuple[float, Floats]]:
        """Costs and cameras of a coarse grid, each camera at the height that suits the boxes."""
        for focal in self.prior_means[0] + np.array([-0.5, 0.0, 0.5]):
            for tilt in np.radians([2, 8, 15, 25, 35, 45, 55, 65, 75, 85]):
                unknowns = self.prior_means.copy()
                unknowns[:2] = focal, tilt
                for _ in range(4):
                    unknowns[3] += np.median(self.errors(unknowns))
                yield float(np.log1p(self.residuals(unknowns) ** 2).sum()), unknowns

    def _weigh(self) -> None:
        """Learn from the present fit how noisy boxes are, and which boxes and people to trust."""
        errors, owners = self.errors(self.best), self.walkers.owners
        middles = np.array([np.median(errors[owners == i]) for i in range(self.walkers.people)])
        plain = np.hypot(_HEIGHT_NOISE, _HEIGHT_PIXELS / self.tall)
        off = (errors - middles[owners]) / plain
        self.swell = float(np.clip(1.4826 * np.median(np.abs(off)), 1.0, _MOST_SWELL))
        self.noise = self.swell * plain
        # Tukey's biweight: boxes that others cut are no boxes of people. Children are people.
        self.trust = np.maximum(1 - (off / self.swell / _BIWEIGHT) ** 2, 1e-3) ** 2
        self.trust_people = 5 / (4 + ((middles - np.median(middles)) / self.between) ** 2)

    def _sums(self, values: Floats) -> Floats:
        """(P,) sums of (N,) values over the boxes of each person."""
        return np.bincount(self.walkers.owners, values, self.walkers.people).astype(np.float64)

    def _told(self, unknowns: Floats) -> Floats:
        """(5,) height, tilt, roll, focal length and horizon as they are told."""
        camera = self.camera(unknowns)
        tilt, roll = np.degrees([camera.tilt, camera.roll])
        return np.array(
            [self.camera_height or camera.height, tilt, roll, camera.focal, camera.horizon]
        )

    def _lengths(self, unknowns: Floats) -> Floats:
        """Logs of lengths on the ground, along and across, where the people walk."""
        best, camera = self.camera(self.best), self.camera(unknowns)
        metres, _ = best.standing(self.centres, self.mean_height)
        logs = []
        for step in np.array([[0.25, 0.0, 0.0], [0.0, 0.25, 0.0]]):
            level = np.column_stack([metres, np.zeros(len(metres))])
            here, there = camera.ground(best.project(level)), best.project(level + step)
            logs.append(np.log(np.hypot(*(camera.ground(there) - here).T)))
        known = 0.0 if self.camera_height is None else unknowns[3]
        return np.asarray(np.concatenate(logs) - known)

    def _errors_of(self, function: Callable[[Floats], Floats]) -> Floats:
        """Standard errors of what a function makes of the unknowns, to first order."""
        steps = 1e-4 * np.eye(len(self.best))
        slopes = [(function(self.best + s) - function(self.best - s)) / 2e-4 for s in steps]
        matrix = np.stack(slopes, axis=1)
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", matrix, self.covariance, matrix)))
