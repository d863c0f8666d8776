"""What a city writes down about the ground of a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from passerby.errors import GroundError
from passerby.geometry import project_lonlat
from passerby.moment import Floats
from passerby.site_fields import Finite, Part, fault_at

_SORTS = ("pairs", "homography", "tsai", "rectangle")

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Pixels = Annotated[int, Field(gt=0)]
PicturePoint = tuple[Finite, Finite]
"""Pixels or fractions of width and height, from the picture's top left corner."""
Row = tuple[Finite, Finite, Finite]


def _one_of(*fields: str) -> ConfigDict:
    """Has the JSON Schema say that exactly one of these is given."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [field]} for field in fields]})


def _good_lonlat(lonlat: tuple[float, float]) -> tuple[float, float]:
    longitude, latitude = lonlat
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise ValueError(
            "is no place on Earth; write [longitude, latitude] in degrees, from -180 to 180 and "
            "from -90 to 90"
        )
    return lonlat


class Pair(Part):
    """A point of the picture and where it lies on the ground."""

    model_config = _one_of("metres", "lonlat")

    picture: PicturePoint = Field(
        title="Picture point", description="[x, y] in pixels, or in fractions of width and height"
    )
    metres: tuple[Finite, Finite] | None = Field(
        None, title="Place, m", description="[x, y] on the ground, from any origin, in metres"
    )
    lonlat: Annotated[tuple[Finite, Finite], AfterValidator(_good_lonlat)] | None = Field(
        None, title="Place, degrees", description="[longitude, latitude] in degrees, WGS 84"
    )

    @model_validator(mode="after")
    def _placed(self) -> Pair:
        if (self.metres is None) == (self.lonlat is None):
            raise ValueError("needs either metres or lonlat")
        return self


class Rectangle(Part):
    """A rectangle on the ground whose size is known."""

    corners: tuple[PicturePoint, PicturePoint, PicturePoint, PicturePoint] = Field(
        title="Corners",
        description="Its four corners in the picture, in order around it, in pixels or in "
        "fractions of width and height. The width is between the first two",
    )
    metres: tuple[Positive, Positive] = Field(
        title="Size, m", description="[width, length] in metres"
    )


class GroundPlan(Part):
    """How the picture maps to metres on the ground: exactly one of pairs, homography, tsai and
    rectangle.

    Picture points are pixels if all are whole numbers and one of them is above 1, else fractions
    of width and height from 0 to 1.
    """

    model_config = _one_of(*_SORTS)

    pairs: Annotated[tuple[Pair, ...], Field(min_length=4)] | None = Field(
        None,
        title="Pairs",
        description="Four or more points of the picture and where they lie on the ground: all in "
        "metres or all in longitude and latitude",
    )
    homography: tuple[Row, Row, Row] | None = Field(
        None,
        title="Homography, pixels to m",
        description="3 × 3 numbers, row by row, that map pixels of the picture to metres",
    )
    of: tuple[Pixels, Pixels] | None = Field(
        None,
        title="Picture size, pixels",
        description="[width, height] of the picture that the homography was made for; the "
        "camera's own where not given",
    )
    tsai: Path | None = Field(
        None,
        title="Tsai calibration",
        description="XML file of a camera calibrated after Tsai, from the folder of the site file",
    )
    rectangle: Rectangle | None = Field(None, title="Rectangle")
    spread: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        title="Spread",
        description="Relative standard error of lengths on the ground: 0.05 is 5 %; where not "
        "given, what the pairs themselves show",
    )
    made: str | None = Field(
        None, title="Made by", description="How it was found, such as clicked or people"
    )

    @field_validator("tsai")
    @classmethod
    def _beside_the_site_file(cls, tsai: Path | None, info: ValidationInfo) -> Path | None:
        if tsai is None or not info.context:
            return tsai
        path = Path(info.context["folder"], tsai).absolute()
        try:
            there = path.is_file()
        except (OSError, ValueError):  # a name that cannot be
            there = False
        if not there:
            raise ValueError(f"there is no file {str(tsai)!r} in the folder of the site file")
        return path

    @model_validator(mode="after")
    def _consistent(self) -> GroundPlan:
        given = [name for name in _SORTS if getattr(self, name) is not None]
        if len(given) != 1:
            have = f"; it has {' and '.join(given)}" if given else ""
            raise ValueError(f"needs exactly one of {', '.join(_SORTS)}{have}")
        if self.of is not None and self.homography is None:
            raise fault_at(("of",), "belongs to a homography; take it out")
        sorts = ["metres" if pair.lonlat is None else "lonlat" for pair in self.pairs or ()]
        for i, sort in enumerate(sorts):
            if sort != sorts[0]:
                raise fault_at(
                    ("pairs", i), f"has {sort} and the first pair {sorts[0]}; use one of the two"
                )
        pixels = self._in_pixels()
        for where, point in self._points():
            if min(point) < 0 or (max(point) > 1 and not pixels):
                raise fault_at(
                    where,
                    f"{list(point)} is outside the picture; points are either all whole numbers "
                    "of pixels, or all fractions of width and height from 0 to 1",
                )
        return self

    def _points(self) -> list[tuple[tuple[str | int, ...], tuple[float, float]]]:
        """Each picture point and the field in which it is given."""
        corners = self.rectangle.corners if self.rectangle is not None else ()
        return [
            *((("pairs", i, "picture"), pair.picture) for i, pair in enumerate(self.pairs or ())),
            *((("rectangle", "corners", i), corner) for i, corner in enumerate(corners)),
        ]

    def _in_pixels(self) -> bool:
        numbers = [number for _, point in self._points() for number in point]
        return all(number.is_integer() for number in numbers) and any(n > 1 for n in numbers)

    def picture_points(self, size: tuple[int, int]) -> Floats:
        """The picture points of the pairs, or the corners of the rectangle.

        Args:
            size: width and height of the picture in pixels.

        Returns:
            (N, 2) pixels; none for a homography or a Tsai calibration.

        Raises:
            GroundError: a point outside the picture.
        """
        points = np.array([point for _, point in self._points()], np.float64).reshape(-1, 2)
        if not self._in_pixels():
            return points * size
        if (points > size).any():
            raise GroundError(
                f"a picture point of the ground lies outside the picture, which is {size[0]} "
                f"pixels wide and {size[1]} high; was it made for another size? Write fractions "
                "of width and height, which hold for any"
            )
        return points

    def places(self) -> Floats:
        """(N, 2) places of the pairs in metres: as given, or east and north of the middle of
        their longitudes and latitudes."""
        pairs = self.pairs or ()
        if not any(pair.lonlat for pair in pairs):
            return np.array([pair.metres for pair in pairs], np.float64).reshape(-1, 2)
        return project_lonlat(np.array([pair.lonlat for pair in pairs], np.float64))


def _named_pairs(given: Any) -> Any:
    return {"pairs": given} if isinstance(given, list | tuple) else given


GroundBlock = Annotated[
    GroundPlan,
    BeforeValidator(
        _named_pairs,
        json_schema_input_type=GroundPlan | Annotated[tuple[Pair, ...], Field(min_length=4)],
    ),
]
"""As it is written: a bare list is one of pairs."""
