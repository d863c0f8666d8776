"""What is true of a scene, by the definitions of the measures."""

from __future__ import annotations

import numpy as np
import shapely

from crowd import RATE, Scene
from passerby.geometry import Segment
from passerby.measures.density import voronoi_density
from passerby.moment import Floats, Ints

_CUT_OFF = 1.0  # metres, as in the measure
_EVERY = 5  # frames from one Voronoi density to the next
_HALF = 5  # frames before and after, between which a speed is taken
_QUEUES_BELOW = 0.4  # m/s: who is slower in the zone of a queue has joined it
_UNSERVED = 60.0  # seconds before the end of a scene from which on who joins may not be served


def density(scene: Scene) -> float:
    """Mean number of people in the zone per square metre."""
    zone = shapely.Polygon(scene.zone)
    return float(_inside(scene).sum() / scene.count / zone.area)


def voronoi(scene: Scene) -> float:
    """Mean Voronoi density in the zone, 1/m²."""
    zone = shapely.Polygon(scene.zone)
    found = [
        voronoi_density(
            scene.points[scene.at(frame)], zone, walkable=scene.walkable, cut_off=_CUT_OFF
        )
        for frame in range(0, scene.count, _EVERY)
    ]
    return float(np.mean(found))


def crossings(scene: Scene) -> tuple[int, int]:
    """How often people crossed the line forward and backward."""
    _, _, signs = _crossings(scene)
    return int((signs > 0).sum()), int((signs < 0).sum())


def speeds(scene: Scene) -> Floats:
    """(M,) speeds over one second of everybody in the zone in every frame, m/s."""
    order, speed = _speeds(scene)
    known = np.isfinite(speed) & _inside(scene)[order]
    return np.asarray(speed[known])


def waits(scene: Scene) -> Floats:
    """(M,) seconds from joining to the head, of all who joined early enough to be served.

    Who is in the queue when the scene begins is left out.
    """
    order, speed = _speeds(scene)
    queues = _inside(scene)[order] & (speed < _QUEUES_BELOW)
    ids, joined = _first(scene.ids[order][queues], scene.frames[order][queues])
    rows, times, signs = _crossings(scene)
    served = dict(zip(scene.ids[rows][signs > 0].tolist(), times[signs > 0].tolist(), strict=True))
    first = _HALF + 1  # the first frame in which a speed is known, and one more
    return np.array(
        [
            served[who] - begin / RATE
            for who, begin in zip(ids.tolist(), joined.tolist(), strict=True)
            if first < begin < (scene.seconds - _UNSERVED) * RATE and who in served
        ]
    )


def _inside(scene: Scene) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    zone = shapely.Polygon(scene.zone)
    return np.asarray(shapely.intersects_xy(zone, scene.points[:, 0], scene.points[:, 1]))


def _speeds(scene: Scene) -> tuple[Ints, Floats]:
    """Rows by identity and frame, and the speed of each; NaN near the ends of a stay."""
    order = np.lexsort([scene.frames, scene.ids])
    ids, points = scene.ids[order], scene.points[order]
    speed = np.full(len(order), np.nan)
    same = ids[2 * _HALF :] == ids[: -2 * _HALF]
    moved = np.linalg.norm(points[2 * _HALF :] - points[: -2 * _HALF], axis=1)
    speed[_HALF:-_HALF][same] = moved[same] * RATE / (2 * _HALF)
    return order, speed


def _crossings(scene: Scene) -> tuple[Ints, Floats, Ints]:
    """Row after it, time and sign of each crossing of the line."""
    order = np.lexsort([scene.frames, scene.ids])
    ids, points = scene.ids[order], scene.points[order]
    # The right of a direction is where y counts downwards.
    flipped = points * [1, -1]
    line = Segment(*(scene.line * [1, -1]))
    crossed = line.crossed(flipped[:-1], flipped[1:])
    met = np.flatnonzero((crossed.signs != 0) & (ids[1:] == ids[:-1]))
    rows = order[met + 1]
    times = (scene.frames[order[met]] + crossed.shares[met]) / RATE
    return rows, times, crossed.signs[met]


def _first(ids: Ints, frames: Ints) -> tuple[Ints, Ints]:
    """Each identity and its first frame; sorted by identity and frame they come in."""
    found, places = np.unique(ids, return_index=True)
    return found, frames[places]
