"""What the parts of a site file are made of."""

from __future__ import annotations

import itertools
import math
from typing import Annotated

import shapely
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

_SMALLEST = 1e-4  # of the picture: less than a pixel

Finite = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Point = tuple[Fraction, Fraction]
"""Fractions of the picture's width and height, from its top left corner."""


def _good_name(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise ValueError("a name needs at least one letter, and no space at its ends")
    return name


def _good_line(line: tuple[Point, Point]) -> tuple[Point, Point]:
    if math.dist(*line) < _SMALLEST:
        raise ValueError("the line has no length; give it two different ends")
    return line


def _good_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]  # many tools close a polygon by repeating its first corner
    if len(set(points)) < len(points):
        raise ValueError("a corner is given twice; give each corner once")
    if len(points) < 3:
        raise ValueError("a polygon needs at least three corners")
    polygon = shapely.Polygon(points)
    if polygon.is_valid and polygon.area >= _SMALLEST**2:
        return points
    edges = [
        shapely.LineString([points[i], points[(i + 1) % len(points)]]) for i in range(len(points))
    ]
    for (i, one), (j, other) in itertools.combinations(enumerate(edges, start=1), 2):
        neighbours = j - i == 1 or (i == 1 and j == len(edges))
        if one.crosses(other) or (not neighbours and one.intersects(other)):
            raise ValueError(
                f"its edges {i} and {j} cross; give the corners in order around the polygon"
            )
    raise ValueError("the polygon has no area")


Name = Annotated[str, AfterValidator(_good_name)]
Line = Annotated[tuple[Point, Point], AfterValidator(_good_line)]
Polygon = Annotated[tuple[Point, ...], AfterValidator(_good_polygon)]


class Part(BaseModel):
    """A block of fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def fault_at(where: tuple[str | int, ...], what: str) -> PydanticCustomError:
    """An error about a part of what is validated."""
    return PydanticCustomError("fault", "{what}", {"what": what, "where": where})
