"""People on the ground → people per square metre, counted or by Voronoi cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from passerby.moment import Floats, Ints

# Segments of a quarter of the circle that cuts off a cell, as in PedPy.
_QUAD_SEGMENTS = 3
# Metres. Two people so near to each other are in one place: neither has a cell of any extent.
_ONE_PLACE = 1e-3


def classic_density(points: ArrayLike, area: shapely.Polygon) -> float:
    """Number of people in an area per square metre: N / A.

    Who stands exactly on its edge is not in it, as in PedPy.

    Source: B. Steffen and A. Seyfried, Methods for measuring pedestrian density, flow, speed and
    direction with minimal scatter, Physica A 389 (2010), 1902-1910.

    Args:
        points: (N, 2) people, metres; N may be 0.
        area: where it is measured, metres.

    Returns:
        people per square metre, 0 or more.

    Raises:
        ValueError: points that are not (N, 2) finite numbers, or an area without any extent.
    """
    places = _checked(points)
    size = _extent(area, "area")
    return float(shapely.contains_xy(area, places[:, 0], places[:, 1]).sum() / size)


def voronoi_density(
    points: ArrayLike,
    area: shapely.Polygon,
    *,
    walkable: shapely.Polygon,
    cut_off: float | None = None,
) -> float:
    """Mean over an area of the density that is 1 / A(cell) throughout each person's Voronoi cell.

    That is the sum of A(cell ∩ area) / A(cell) over all cells, divided by A(area). It changes
    smoothly as people move, where N / A jumps when somebody crosses the edge of the area. Where
    the area is all of the walkable ground, both are the same.

    Cells, people in one place and people off the walkable ground are as in :func:`voronoi_cells`.
    What of the area is not walkable counts as empty ground, as in PedPy.

    Source: Steffen and Seyfried (2010), as :func:`classic_density`.

    Args:
        points: (N, 2) people, metres: all on the walkable ground, not only those in the area.
        area: where it is measured, metres.
        walkable: the ground on which people can be, metres.
        cut_off: how far from a person the cell can reach, metres.

    Returns:
        people per square metre, 0 or more; 0 where no cell meets the area.

    Raises:
        ValueError: points that are not (N, 2) finite numbers, ground without any extent, or a
            cut-off that is not above 0.
    """
    return voronoi_cells(points, walkable=walkable, cut_off=cut_off).density(area)


def local_densities(
    points: ArrayLike, *, walkable: shapely.Polygon, cut_off: float | None = None
) -> Floats:
    """(N,) density around each person: one person per area of the cell, 1/m².

    Args:
        points: (N, 2) people, metres.
        walkable: the ground on which people can be, metres.
        cut_off: how far from a person the cell can reach, metres.

    Returns:
        people per square metre, above 0; k / A(cell) for each of k people in one place; NaN for
        who is off the walkable ground.

    Raises:
        ValueError: as :func:`voronoi_density`.
    """
    return voronoi_cells(points, walkable=walkable, cut_off=cut_off).local


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The ground that belongs to each place where somebody is.

    Attributes:
        polygons: (M,) shapely polygons, metres.
        areas: (M,) their areas, m², above 0.
        people: (M,) how many people are in each place.
        cell_of: (N,) the cell of each person; -1 for who is off the walkable ground.
    """

    polygons: NDArray[Any]
    areas: Floats
    people: Ints
    cell_of: Ints

    @property
    def local(self) -> Floats:
        """(N,) see :func:`local_densities`."""
        # The last one is for those without any cell.
        return np.append(self.people / self.areas, np.nan)[self.cell_of]

    def density(self, area: shapely.Polygon) -> float:
        """Mean density over an area, 1/m², see :func:`voronoi_density`."""
        size = _extent(area, "area")
        near = np.flatnonzero(shapely.intersects(area, self.polygons))
        shared = self.areas[near].copy()
        cut = ~shapely.covers(area, self.polygons[near])
        shared[cut] = shapely.area(shapely.intersection(self.polygons[near[cut]], area))
        return float((self.people[near] * shared / self.areas[near]).sum() / size)


def voronoi_cells(
    points: ArrayLike, *, walkable: shapely.Polygon, cut_off: float | None = None
) -> Cells:
    """Give each person the walkable ground that is nearer to him or her than to anybody else.

    As in PedPy: a cell is cut off by a polygon of 12 corners on the circle of radius ``cut_off``
    around the person. Where walls or the circle leave several parts, the part in which the person
    stands is the cell.

    People in one place, which is less than a millimetre apart, share its cell. Who is off the
    walkable ground is left out and takes no room; who is on its edge is on it.

    Args:
        points: (N, 2) people, metres; N may be 0, and they may lie on one line.
        walkable: the ground on which people can be, metres.
        cut_off: radius, metres; None for none.

    Raises:
        ValueError: as :func:`voronoi_density`.
    """
    places = _checked(points)
    _extent(walkable, "walkable ground")
    if cut_off is not None and not cut_off > 0:
        raise ValueError(f"a cut-off of {cut_off} m leaves no cell; give a radius above 0, or None")
    cell_of = np.full(len(places), -1)
    on = np.flatnonzero(shapely.intersects_xy(walkable, places[:, 0], places[:, 1]))
    if not len(on):
        return Cells(np.zeros(0, object), np.zeros(0), np.zeros(0, np.int64), cell_of)
    cell_of[on], first = _places(places[on])
    places = places[on][first]
    diagram = shapely.voronoi_polygons(shapely.MultiPoint(places), extend_to=walkable, ordered=True)
    # The hull changes nothing but rounding: corners in one place can cross each other's edges.
    polygons = shapely.convex_hull(shapely.get_parts(diagram))
    if cut_off is not None:
        circles = shapely.buffer(shapely.points(places), cut_off, quad_segs=_QUAD_SEGMENTS)
        beyond = ~shapely.covers(circles, polygons)
        polygons[beyond] = shapely.intersection(polygons[beyond], circles[beyond])
    beyond = ~shapely.covers(walkable, polygons)
    polygons[beyond] = shapely.intersection(polygons[beyond], walkable)
    for place in np.flatnonzero(shapely.get_type_id(polygons) != shapely.GeometryType.POLYGON):
        parts = shapely.get_parts(polygons[place])
        parts = parts[shapely.get_dimensions(parts) == 2]
        polygons[place] = parts[shapely.distance(parts, shapely.Point(places[place])).argmin()]
    return Cells(polygons, shapely.area(polygons), np.bincount(cell_of[on]), cell_of)


def _places(points: Floats) -> tuple[Ints, Ints]:
    """(N,) the place of each person, from 0 on; (M,) the first person in each place."""
    near = KDTree(points).query_pairs(_ONE_PLACE, output_type="ndarray")
    links = coo_array((np.ones(len(near)), near.T), shape=(len(points), len(points)))
    _, place = connected_components(links, directed=False)
    _, first = np.unique(place, return_index=True)
    return place.astype(np.int64), first


def _checked(points: ArrayLike) -> Floats:
    places = np.asarray(points, np.float64)
    if not places.size:
        places = places.reshape(0, 2)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise ValueError("people must be given as (N, 2) finite numbers, in metres")
    return places


def _extent(ground: shapely.Polygon, name: str) -> float:
    """Area of some ground in m², above 0; many questions to it will be quick."""
    if not ground.area > 0:
        raise ValueError(f"the {name} has no extent; give a polygon of at least three corners")
    shapely.prepare(ground)
    return float(ground.area)
