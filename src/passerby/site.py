"""What a city writes down: its cameras and what to measure in them."""

from __future__ import annotations

import difflib
import itertools
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import shapely
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from passerby.errors import SiteError

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Point = tuple[Fraction, Fraction]
"""Fractions of the picture's width and height, from its top left corner."""


def _good_name(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise ValueError("a name needs at least one letter, and no space at its ends")
    return name


def _good_line(line: tuple[Point, Point]) -> tuple[Point, Point]:
    if line[0] == line[1]:
        raise ValueError("the line has no length; give it two different ends")
    return line


def _good_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]  # many tools close a polygon by repeating its first corner
    if len(set(points)) < len(points):
        raise ValueError("a corner is given twice; give each corner once")
    if len(points) < 3:
        raise ValueError("a polygon needs at least three corners")
    edges = [
        shapely.LineString([points[i], points[(i + 1) % len(points)]]) for i in range(len(points))
    ]
    for (i, one), (j, other) in itertools.combinations(enumerate(edges, start=1), 2):
        neighbours = j - i == 1 or (i == 1 and j == len(edges))
        if one.crosses(other) or (not neighbours and one.intersects(other)):
            raise ValueError(
                f"its edges {i} and {j} cross; give the corners in order around the polygon"
            )
    if not shapely.Polygon(points).is_valid or shapely.Polygon(points).area < 1e-9:
        raise ValueError("the polygon has no area")
    return points


def _good_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is no time zone; write one like Europe/Helsinki") from None
    return name


Name = Annotated[str, AfterValidator(_good_name)]
Line = Annotated[tuple[Point, Point], AfterValidator(_good_line)]
Polygon = Annotated[tuple[Point, ...], AfterValidator(_good_polygon)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Camera(_Part):
    """A source and what to measure in it. Points are fractions of width and height."""

    source: str | None = Field(None, title="Source", description="File or folder of the recording")
    lines: dict[Name, Line] = Field(
        default_factory=dict,
        title="Lines",
        description="Directed segments [[x1, y1], [x2, y2]]. Forward is from the left of the "
        "direction to its right: a line drawn from left to right counts what moves down",
    )
    zones: dict[Name, Polygon] = Field(
        default_factory=dict,
        title="Zones",
        description="Polygons in which the number of road users is measured",
    )
    movements: dict[Name, tuple[str, str]] = Field(
        default_factory=dict,
        title="Movements",
        description="Ordered pairs of lines [origin, destination]: turning movements",
    )
    masks: dict[Name, Polygon] = Field(
        default_factory=dict,
        title="Masks",
        description="Polygons that are painted over before anything looks at the picture",
    )
    model: str | None = Field(
        None, title="Model", description="Name of a detector that passerby models lists, or a path"
    )
    fps: float | None = Field(
        None,
        gt=0,
        le=1000,
        title="True frame rate, 1/s",
        description="For a recording whose header lies; else the times in the file are used",
    )
    analyse_fps: float | None = Field(
        None,
        gt=0,
        le=1000,
        title="Analysed frames, 1/s",
        description="How many frames a second are looked at; 10 where it is not given",
    )
    reference: Literal["ground", "centre"] = Field(
        "ground",
        title="Reference point",
        description="The point of a road user's box that crosses lines: ground is the middle of "
        "its lower edge, centre its middle",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Camera:
        for one, other in itertools.combinations(("lines", "zones", "movements"), 2):
            for name in getattr(self, one):
                if name in getattr(self, other):
                    raise _fault_at(
                        (other, name), f"{one} have this name too; names must differ"
                    )
        for name, pair in self.movements.items():
            for line in pair:
                if line not in self.lines:
                    raise _fault_at(
                        ("movements", name), f"there is no line {line!r}{_near(line, self.lines)}"
                    )
            if pair[0] == pair[1]:
                raise _fault_at(
                    ("movements", name), "origin and destination are the same line"
                )
        return self


class Site(_Part):
    """A place and its cameras."""

    site: Name = Field(title="Site", description="Name of the place, as in the results")
    timezone: Annotated[str, AfterValidator(_good_timezone)] = Field(
        "UTC", title="Time zone", description="IANA name, such as Europe/Helsinki"
    )
    cameras: dict[Name, Camera] = Field(
        min_length=1, title="Cameras", description="Each camera by its name"
    )

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone of the site's clock."""
        return ZoneInfo(self.timezone)

    def camera(self, name: str | None = None) -> tuple[str, Camera]:
        """A camera by name; the only one where no name is given.

        Raises:
            SiteError: no such camera, or several and no name.
        """
        if name is None and len(self.cameras) == 1:
            return next(iter(self.cameras.items()))
        names = ", ".join(self.cameras)
        if name is None:
            raise SiteError(f"{self.site} has several cameras ({names}); say which one to count")
        if name not in self.cameras:
            raise SiteError(
                f"{self.site} has no camera {name!r}{_near(name, self.cameras)}; it has {names}"
            )
        return name, self.cameras[name]


def load_site(path: Path) -> Site:
    """Read a site file.

    Raises:
        SiteError: with one line per fault: file, line, field, what is wrong.
    """
    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise SiteError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SiteError(f"{path}: is not a text file in UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SiteError(f"{path}, line {line}: is not YAML: {error.problem}") from None
    if not isinstance(root, yaml.MappingNode):
        raise SiteError(f"{path}: must begin with fields such as 'site:' and 'cameras:'")
    places: dict[tuple[Any, ...], int] = {}
    doubles = list(_walk(root, (), places))
    if doubles:
        raise SiteError("\n".join(f"{path}, {double}" for double in doubles))
    try:
        return Site.model_validate(yaml.SafeLoader("").construct_document(root))
    except ValidationError as error:
        faults = []
        for where, what in _faults(error):
            known = next(where[:n] for n in range(len(where), -1, -1) if where[:n] in places)
            faults.append(f"{path}, line {places[known]}: {_field(where)}{what}")
        raise SiteError("\n".join(faults)) from None


def make_camera(**fields: Any) -> Camera:
    """A camera from plain values.

    Raises:
        SiteError: with one line per fault.
    """
    try:
        return Camera.model_validate(fields)
    except ValidationError as error:
        faults = "\n".join(f"{_field(where)}{what}" for where, what in _faults(error))
        raise SiteError(faults) from None


def site_schema() -> dict[str, Any]:
    """The JSON Schema of a site file, for editors."""
    schema = Site.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _fault_at(where: tuple[str, ...], what: str) -> PydanticCustomError:
    """An error about a part of what is validated."""
    return PydanticCustomError("fault", "{what}", {"what": what, "where": where})


def _faults(error: ValidationError) -> list[tuple[tuple[Any, ...], str]]:
    """(field, what is wrong) for each fault."""
    faults = []
    for fault in error.errors(include_url=False):
        what = fault["msg"].removeprefix("Value error, ")
        where = tuple(key for key in fault["loc"] if key != "[key]")
        where += tuple(fault.get("ctx", {}).get("where", ()))
        if fault["type"] in ("less_than_equal", "greater_than_equal") and isinstance(
            fault["loc"][-1], int
        ):
            what = f"{fault['input']} is outside the picture; points are fractions from 0 to 1"
        elif fault["type"] == "missing":
            what = "is missing"
        elif fault["type"] == "extra_forbidden":
            # Sites, cameras and whatever is written in the wrong one of them.
            known = (Site if len(where) == 1 else Camera).model_fields
            what = f"is no field here{_near(str(where[-1]), known)}; known are {', '.join(known)}"
        faults.append((where, what))
    return faults


def _field(where: tuple[Any, ...]) -> str:
    return ".".join(map(str, where)) + ": " if where else ""


def _walk(node: yaml.Node, path: tuple[Any, ...], places: dict[tuple[Any, ...], int]) -> Any:
    """Note the line of every node; yield a fault for every key that is given twice."""
    places[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, key.value)
            if inner in places:
                yield f"line {key.start_mark.line + 1}: {_field(inner)}is given twice"
            yield from _walk(value, inner, places)
            places[inner] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _walk(value, (*path, number), places)


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
