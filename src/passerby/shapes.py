"""Lines and zones as the command line takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from passerby.errors import SiteError
from passerby.site import Camera, make_camera

_INTEGER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, slots=True)
class Shape:
    """A named line or zone before the size of the picture is known.

    Attributes:
        name: of the line or zone.
        points: its points, in pixels or in fractions of width and height.
        pixels: which of the two.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    pixels: bool

    def fractions(self, size: tuple[int, int]) -> tuple[tuple[float, float], ...]:
        """The points as fractions of a picture of ``size`` (width, height).

        Raises:
            SiteError: a point outside the picture.
        """
        if not self.pixels:
            return self.points
        width, height = size
        if any(not (0 <= x <= width and 0 <= y <= height) for x, y in self.points):
            raise SiteError(
                f"{self.name}: a point lies outside the picture, "
                f"which is {width} pixels wide and {height} high"
            )
        return tuple((x / width, y / height) for x, y in self.points)


def parse_line(text: str) -> Shape:
    """``NAME=x1,y1,x2,y2`` as a shape of two points.

    Raises:
        SiteError: anything else.
    """
    shape = _parse(text, "a line is NAME=x1,y1,x2,y2")
    if len(shape.points) != 2:
        raise SiteError(f"{text!r}: a line has two points: NAME=x1,y1,x2,y2")
    return shape


def parse_zone(text: str) -> Shape:
    """``NAME=x1,y1,x2,y2,x3,y3,…`` as a shape of at least three points.

    Raises:
        SiteError: anything else.
    """
    shape = _parse(text, "a zone is NAME=x1,y1,x2,y2,x3,y3,…")
    if len(shape.points) < 3:
        raise SiteError(f"{text!r}: a zone has three points or more: NAME=x1,y1,x2,y2,x3,y3,…")
    return shape


def camera_from_shapes(
    base: Camera, lines: Sequence[Shape], zones: Sequence[Shape], size: tuple[int, int]
) -> Camera:
    """``base`` with lines and zones added.

    Raises:
        SiteError: a name that is taken, a point outside the picture, a zone whose edges cross.
    """
    fields = base.model_dump()
    for room, shapes in (("lines", lines), ("zones", zones)):
        for shape in shapes:
            if shape.name in fields[room]:
                raise SiteError(f"{shape.name!r} is given twice among {room}")
            fields[room][shape.name] = shape.fractions(size)
    return make_camera(**fields)


def whole_picture(base: Camera) -> Camera:
    """``base`` with what is measured when nothing is drawn: all of it, and a line each way."""
    return base.model_copy(
        update={
            "lines": {
                "middle-down": ((0.0, 0.5), (1.0, 0.5)),
                "middle-left": ((0.5, 0.0), (0.5, 1.0)),
            },
            "zones": {"picture": ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))},
        }
    )


def _parse(text: str, usage: str) -> Shape:
    name, equals, rest = text.partition("=")
    parts = [part.strip() for part in rest.split(",")]
    if not name.strip() or not equals:
        raise SiteError(f"{text!r}: {usage}")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise SiteError(f"{text!r}: not all coordinates are numbers; {usage}") from None
    if len(numbers) % 2:
        raise SiteError(f"{text!r}: a coordinate is missing or too many; {usage}")
    whole = all(_INTEGER.fullmatch(part) for part in parts)
    pixels = whole and any(number > 1 for number in numbers)
    if not pixels and not all(0 <= number <= 1 for number in numbers):
        raise SiteError(
            f"{text!r}: coordinates are either all whole numbers of pixels, or all fractions "
            "of width and height from 0 to 1"
        )
    points = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return Shape(name.strip(), points, pixels)
