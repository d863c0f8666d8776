"""What a city writes down: its cameras and what to measure in them."""

from __future__ import annotations

import difflib
import itertools
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from passerby.errors import SiteError
from passerby.ground_plan import GroundBlock
from passerby.moment import CLASSES
from passerby.site_fields import Line, Name, Part, Polygon, fault_at

_MOST_NODES = 100_000  # aliases in YAML can multiply a short file beyond all memory


def _good_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is no time zone; write one like Europe/Helsinki") from None
    return name


def _good_class(name: str) -> str:
    if name not in CLASSES:
        raise ValueError(
            f"there is no class {name!r}{_near(name, CLASSES)}; there are {', '.join(CLASSES)}"
        )
    return name


ClassName = Annotated[
    str, AfterValidator(_good_class), Field(json_schema_extra={"enum": list(CLASSES)})
]


class Crowd(Part):
    """What is known about the people in a zone."""

    level_of_service: Literal["walkway", "stairs", "queue"] = Field(
        "walkway",
        title="Level of service",
        description="The table of Fruin that grades the comfort: walkway, stairs or queue",
    )
    capacity: int | None = Field(
        None, gt=0, title="Capacity, people", description="How many people the zone may hold"
    )
    density_limit: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        title="Density limit, people/m²",
        description="The density that the zone must stay under",
    )
    walkable: Polygon | None = Field(
        None,
        title="Walkable polygon",
        description="Where people can be, in fractions of width and height: the space that is "
        "shared out among them ends there",
    )


class Queue(Part):
    """Who waits in a zone to be served at a line."""

    zone: str = Field(title="Zone", description="Name of the zone in which they wait")
    head: str = Field(title="Head", description="Name of the line that they cross when served")
    direction: Literal["forward", "backward"] = Field(
        "forward", title="Direction", description="In which the served cross the head"
    )
    classes: tuple[ClassName, ...] = Field(
        ("person",), min_length=1, title="Classes", description="Who queues here"
    )


class Camera(Part):
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
    ground: GroundBlock | None = Field(
        None,
        title="Ground",
        description="How the picture maps to metres on the ground; without it everything that "
        "needs metres is unknown",
    )
    crowd: dict[Name, Crowd] = Field(
        default_factory=dict,
        title="Crowd",
        description="What is known about the people in a zone, by the zone's name",
    )
    queues: dict[Name, Queue] = Field(
        default_factory=dict,
        title="Queues",
        description="Queues by name: a zone in which one waits, a line at which one is served",
    )
    lanes: tuple[str, ...] = Field(
        (),
        title="Lanes",
        description="Names of the lines that lie across one traffic lane each: headway in s and "
        "time occupancy in % are measured at them",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Camera:
        for one, other in itertools.combinations(("lines", "zones", "movements", "queues"), 2):
            for name in getattr(self, one):
                if name in getattr(self, other):
                    raise fault_at((other, name), f"{one} have this name too; names must differ")
        for name, pair in self.movements.items():
            for line in pair:
                self._must_have("line", line, ("movements", name))
            if pair[0] == pair[1]:
                raise fault_at(("movements", name), "origin and destination are the same line")
        for name in self.crowd:
            self._must_have("zone", name, ("crowd", name))
        for name, queue in self.queues.items():
            self._must_have("zone", queue.zone, ("queues", name, "zone"))
            self._must_have("line", queue.head, ("queues", name, "head"))
            _must_differ(queue.classes, ("queues", name, "classes"))
        for i, line in enumerate(self.lanes):
            self._must_have("line", line, ("lanes", i))
        _must_differ(self.lanes, ("lanes",))
        return self

    def _must_have(
        self, what: Literal["line", "zone"], name: str, where: tuple[str | int, ...]
    ) -> None:
        known = self.lines if what == "line" else self.zones
        if name not in known:
            raise fault_at(where, f"there is no {what} {name!r}{_near(name, known)}")


class Site(Part):
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
        root = yaml.compose(path.read_text("utf-8-sig"), Loader=yaml.SafeLoader)
        tree = _Tree(root)
    except OSError as error:
        raise SiteError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SiteError(f"{path}: is not a text file in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it holds a character that is not allowed"
        raise SiteError(
            f"{path}, line {mark.line + 1 if mark else 1}: is not YAML: {problem}"
        ) from None
    except RecursionError:
        raise SiteError(f"{path}: its parts lie within each other without end") from None
    if not isinstance(root, yaml.MappingNode):
        raise SiteError(f"{path}, line 1: must begin with fields such as 'site:' and 'cameras:'")
    if tree.faults:
        raise SiteError("\n".join(f"{path}, {fault}" for fault in tree.faults))
    places = tree.places
    try:
        return Site.model_validate(tree.value, context={"folder": path.parent})
    except ValidationError as error:
        faults = []
        for where, what in _faults(error, Site):
            if where[2:4] == ("ground", "pairs") and where[:4] not in places:
                where = where[:3] + where[4:]  # a bare list of pairs
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
        faults = "\n".join(f"{_field(where)}{what}" for where, what in _faults(error, Camera))
        raise SiteError(faults) from None


def site_schema() -> dict[str, Any]:
    """The JSON Schema of a site file, for editors."""
    schema = Site.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _must_differ(names: tuple[str, ...], where: tuple[str, ...]) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise fault_at((*where, i), f"{name!r} is given twice")


def _faults(error: ValidationError, part: type[Part]) -> list[tuple[tuple[Any, ...], str]]:
    """(field, what is wrong) for each fault in a part."""
    faults = []
    for fault in error.errors(include_url=False):
        what = fault["msg"].removeprefix("Value error, ")
        where = tuple(key for key in fault["loc"] if key != "[key]")
        where += tuple(fault.get("ctx", {}).get("where", ()))
        kind, given = fault["type"], fault["input"]
        in_point = len(fault["loc"]) > 1 and isinstance(fault["loc"][-1], int)
        if kind in ("less_than_equal", "greater_than_equal") and in_point:
            what = f"{given} is outside the picture; points are fractions from 0 to 1"
        elif kind in ("float_parsing", "float_type", "finite_number"):
            what = f"{given!r} is no number"
        elif given is None and kind in ("dict_type", "model_type"):
            what = "is empty; write something below it or take it out"
        elif kind in ("int_parsing", "int_type", "int_from_float"):
            what = f"{given!r} is no whole number"
        elif kind == "too_short":
            what = "has {actual_length}; at least {min_length} are needed".format(**fault["ctx"])
        elif kind in ("dict_type", "model_type"):
            what = f"{given!r} is not as expected; write fields below it"
        elif kind in ("tuple_type", "too_long"):
            what = f"{given!r} is not as expected; {fault['msg']}"
        elif kind == "missing":
            what = "is missing"
        elif kind == "extra_forbidden":
            known = _part_at(part, where[:-1]).model_fields
            what = f"is no field here{_near(str(where[-1]), known)}; known are {', '.join(known)}"
        faults.append((where, what))
    return faults


def _part_at(part: Any, where: tuple[Any, ...]) -> Any:
    """The kind of part that lies within another one."""
    for key in where:
        if get_origin(part) in (dict, tuple):
            part = next(kind for kind in reversed(get_args(part)) if kind is not Ellipsis)
        else:
            part = part.model_fields[key].annotation
        while get_origin(part) in (Annotated, Union, UnionType):
            part = get_args(part)[0]
    return part


def _field(where: tuple[Any, ...]) -> str:
    return ".".join(map(str, where)) + ": " if where else ""


class _Tree:
    """What a YAML file holds, and where.

    Every scalar is taken as it is written, so that a line may be called 1, no or 12:30; numbers
    are made of them where numbers are expected.

    Attributes:
        value: mappings, lists, texts and None.
        places: the line of each field, by its path.
        faults: fields that are given twice.
    """

    def __init__(self, root: yaml.Node | None) -> None:
        self.places: dict[tuple[Any, ...], int] = {}
        self.faults: list[str] = []
        self._loader = yaml.SafeLoader("")
        self.value = None if root is None else self._read(root, ())

    def _read(self, node: yaml.Node, path: tuple[Any, ...]) -> Any:
        if len(self.places) > _MOST_NODES:
            raise RecursionError
        self.places.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(item, (*path, i)) for i, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return None if node.tag == "tag:yaml.org,2002:null" else node.value
        self._find_doubles(node, path)
        self._loader.flatten_mapping(node)  # merges "<<"
        fields = {}
        for key, value in node.value:
            inner = (*path, _text(key))
            self.places[inner] = key.start_mark.line + 1
            fields[_text(key)] = self._read(value, inner)
        return fields

    def _find_doubles(self, node: yaml.MappingNode, path: tuple[Any, ...]) -> None:
        seen = set()
        for key, _ in node.value:
            if _text(key) in seen:
                field = _field((*path, _text(key)))
                self.faults.append(f"line {key.start_mark.line + 1}: {field}is given twice")
            seen.add(_text(key))


def _text(key: yaml.Node) -> str:
    if isinstance(key, yaml.ScalarNode):
        return str(key.value)
    raise yaml.MarkedYAMLError(problem="a name must be a text", problem_mark=key.start_mark)


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
