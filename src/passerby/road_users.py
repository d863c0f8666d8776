"""Detections → one detection per road user.

Detectors box what they see; an engineer counts road users. A cyclist is one of them, though a
detector boxes the rider and the machine; whoever sits behind a windscreen is part of the vehicle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from passerby.geometry import areas, intersections
from passerby.moment import CLASSES, Detections, Floats

_PERSON = np.array([name == "person" for name in CLASSES])
_TWO_WHEELER = np.array([name in ("bicycle", "motorcycle") for name in CLASSES])
_VEHICLE = ~_PERSON & ~_TWO_WHEELER

# A rider covers much of the machine, sits over its middle, and has no feet far below its wheels.
_COVERS = 0.25  # share of the smaller box
_ASIDE = 0.35  # of the wider box's width, between the two middles
_FEET = 0.25  # of the person's height, between feet and wheels

# Somebody inside a vehicle is boxed within it, far smaller, and off the ground that it stands on:
# who walks before it has the feet at its wheels or below them.
_INSIDE = 0.9  # share of the person's box
_SMALLER = 0.7  # of the vehicle's height
_OFF_GROUND = 0.12  # of the vehicle's height


def road_users(found: Detections, vehicle_threshold: float = 0.0) -> Detections:
    """Join riders with their machines and drop people inside vehicles.

    Args:
        found: what the detector boxed in one frame.
        vehicle_threshold: only vehicles with at least this score can have people in them.

    Returns:
        one detection per road user: a rider has the class of the machine, the box around both
        and the better of the two scores.
    """
    people = np.flatnonzero(_PERSON[found.codes])
    machines = np.flatnonzero(_TWO_WHEELER[found.codes])
    vehicles = np.flatnonzero(_VEHICLE[found.codes] & (found.scores >= vehicle_threshold))
    if not len(people) or not (len(machines) or len(vehicles)):
        return found
    boxes, scores = found.boxes.copy(), found.scores.copy()
    keep = np.ones(len(found), bool)
    if len(machines):
        fit = _riding(found.boxes[people], found.boxes[machines])
        # Each machine has one rider and each rider one machine: the pairs that fit best together.
        a, b = linear_sum_assignment(fit, maximize=True)
        riders, ridden = people[a[fit[a, b] > 0]], machines[b[fit[a, b] > 0]]
        boxes[ridden, :2] = np.minimum(boxes[ridden, :2], boxes[riders, :2])
        boxes[ridden, 2:] = np.maximum(boxes[ridden, 2:], boxes[riders, 2:])
        scores[ridden] = np.maximum(scores[ridden], scores[riders])
        keep[riders] = False
    if len(vehicles):
        keep[people] &= ~_seated(found.boxes[people], found.boxes[vehicles]).any(axis=1)
    return Detections(boxes, scores, found.codes)[keep]


def _riding(people: Floats, machines: Floats) -> Floats:
    """(N, M) share of the smaller box that is common, 0 where the person cannot be the rider."""
    smaller = np.minimum(areas(people)[:, None], areas(machines)[None])
    share = intersections(people, machines) / np.maximum(smaller, 1e-9)
    middles = (people[:, None, [0, 2]] - machines[None, :, [0, 2]]).mean(axis=2)
    wider = np.maximum(_widths(people)[:, None], _widths(machines)[None])
    feet = people[:, None, 3] - machines[None, :, 3]
    fits = (
        (share >= _COVERS)
        & (np.abs(middles) <= _ASIDE * wider)
        & (feet <= _FEET * _heights(people)[:, None])
        & (people[:, None, 1] < machines[None, :, 1] + 0.5 * _heights(machines)[None])
    )
    return np.where(fits, share, 0.0)


def _seated(people: Floats, vehicles: Floats) -> NDArray[np.bool_]:
    """(N, M) whether the person is inside the vehicle."""
    share = intersections(people, vehicles) / np.maximum(areas(people), 1e-9)[:, None]
    tall = _heights(vehicles)[None]
    return np.asarray(
        (share >= _INSIDE)
        & (_heights(people)[:, None] <= _SMALLER * tall)
        & (vehicles[None, :, 3] - people[:, None, 3] >= _OFF_GROUND * tall)
    )


def _widths(boxes: Floats) -> Floats:
    return boxes[:, 2] - boxes[:, 0]


def _heights(boxes: Floats) -> Floats:
    return boxes[:, 3] - boxes[:, 1]
