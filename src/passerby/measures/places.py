"""Which measures a camera has: by what was drawn in it, and whether its ground is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from passerby.geometry import Polygon, Segment, in_pixels
from passerby.ground import Ground
from passerby.measures.crowding import ZoneDensity
from passerby.measures.dwell import Dwell
from passerby.measures.flow import LineFlow
from passerby.measures.lanes import Lane
from passerby.measures.measure import LinePlace, Measure, ZonePlace
from passerby.measures.queues import Queue
from passerby.measures.speeds import LineSpeed, ZoneSpeed
from passerby.measures.warning import ZoneBalance
from passerby.moment import Floats
from passerby.site import Camera, Crowd

Size = tuple[int, int]


def measures_of(
    camera: Camera,
    size: Size,
    classes: tuple[str, ...],
    ground: Ground | None,
    *,
    saturation: float,
    bridge_seconds: float,
) -> list[Measure]:
    """Everything that is measured besides crossings, movements and occupancy.

    What needs metres is there where the ground is known, and where somebody wrote down what only
    makes sense with it: then it is unknown, and seen to be.

    Args:
        camera: what was drawn.
        size: width and height of the picture in pixels.
        classes: the classes that the detector can tell.
        ground: None where it is not known.
        saturation: people/m² above which the detector under-counts.
        bridge_seconds: how long a road user may be out of sight.
    """
    lines = {name: line_place(name, ends, size, ground) for name, ends in camera.lines.items()}
    corners = {name: in_pixels(polygon, size) for name, polygon in camera.zones.items()}
    zones = {name: zone_place(name, c, size, ground) for name, c in camera.zones.items()}
    vehicles = any(name != "person" for name in classes)
    people = "person" in classes
    found: list[Measure] = []
    for name, line in lines.items():
        found.append(LineFlow(line, classes))
        if ground is not None and vehicles:
            found.append(LineSpeed(line, classes))
        if name in camera.lanes:
            found.append(Lane(line, classes))
    for name, zone in zones.items():
        crowd = camera.crowd.get(name)
        found.append(Dwell(zone, classes, size=size, bridge_seconds=bridge_seconds))
        found.append(
            ZoneBalance(
                zone,
                classes,
                capacity=crowd.capacity if crowd else None,
                density_limit=crowd.density_limit if crowd else None,
                bridge_seconds=bridge_seconds,
            )
        )
        if people and (ground is not None or crowd is not None):
            limit = _seen_density(corners[name], ground, saturation)
            walkable = _walkable(crowd, size, ground)
            found += [ZoneDensity(zone, walkable=walkable, saturation=limit), ZoneSpeed(zone)]
    for name, queue in camera.queues.items():
        wanted = _known(queue.classes, classes)
        if wanted:
            found.append(
                Queue(
                    name,
                    zones[queue.zone],
                    lines[queue.head],
                    forward=queue.direction == "forward",
                    classes=wanted,
                    bridge_seconds=bridge_seconds,
                )
            )
    return found


def zone_place(
    name: str, corners: Sequence[tuple[float, float]], size: Size, ground: Ground | None
) -> ZonePlace:
    """A zone in the picture and, where all its corners lie on known ground, in metres."""
    pixels = in_pixels(corners, size)
    return ZonePlace(name, Polygon(pixels), _polygon(corners, size, ground))


def line_place(
    name: str, ends: Sequence[tuple[float, float]], size: Size, ground: Ground | None
) -> LinePlace:
    """A line in the picture and, where both its ends lie on known ground, in metres."""
    pixels = in_pixels(ends, size)
    metres = None if ground is None else ground.to_metres(pixels)
    known = metres is not None and bool(np.isfinite(metres).all())
    return LinePlace(name, Segment(*pixels), metres if known else None)


def _seen_density(corners: Floats, ground: Ground | None, limit: float) -> float:
    """People/m² up to which those in a zone are seen, and not hidden by each other.

    Seen at an angle d below the horizontal, a person hides as much ground as the cotangent of d
    is long, and is hidden as often. On simulated crowds (bench/measures.py) counts were 10 % low
    from about 2 people/m² on at 45°, 1.6 at 35° and 0.3 at 20°; ``limit`` × tan² d stays below.
    """
    angle = np.nan if ground is None else ground.depression(corners.mean(axis=0)[None])[0]
    return limit if np.isnan(angle) else float(limit * min(np.tan(np.radians(angle)) ** 2, 1.0))


def _walkable(crowd: Crowd | None, size: Size, ground: Ground | None) -> shapely.Polygon | None:
    if crowd is None or crowd.walkable is None:
        return None
    return _polygon(crowd.walkable, size, ground)


def _polygon(
    corners: Sequence[tuple[float, float]], size: Size, ground: Ground | None
) -> shapely.Polygon | None:
    if ground is None:
        return None
    metres = ground.to_metres(in_pixels(corners, size))
    return shapely.Polygon(metres) if np.isfinite(metres).all() else None


def _known(wanted: tuple[str, ...], classes: tuple[str, ...]) -> tuple[str, ...]:
    """The classes of a queue that the detector tells; a model that knows only ``vehicle`` says so
    of cars, buses and trucks."""
    told = tuple(name for name in wanted if name in classes)
    coarse = {"car", "bus", "truck"} & set(wanted) and "vehicle" in classes
    return (*told, "vehicle") if coarse and "vehicle" not in told else told
