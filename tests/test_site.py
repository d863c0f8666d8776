"""A site file is read as it is meant, or refused with file, line and field."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import SiteError
from passerby.geometry import Polygon, Segment
from passerby.ground_plan import GroundPlan
from passerby.site import Camera, Site, load_site, make_camera, site_schema

EXAMPLE = """\
site: Harbour Square
timezone: Europe/Helsinki
cameras:
  north:
    source: north.mp4
    lines:                       # fractions of width and height
      gate: [[0.10, 0.55], [0.80, 0.60]]
      left: [[0.05, 0.20], [0.05, 0.90]]
    zones:
      square: [[0.1, 0.2], [0.9, 0.2], [0.9, 0.9]]
    movements:
      in-left: [gate, left]
"""

CROWD = (
    EXAMPLE
    + """\
    ground:
      - {picture: [100, 500], metres: [0, 0]}
      - {picture: [540, 500], metres: [4, 0]}
      - {picture: [400, 200], metres: [4, 12]}
      - {picture: [240, 200], metres: [0, 12]}
    crowd:
      square:
        level_of_service: queue
        capacity: 120
        density_limit: 2.5
        walkable: [[0, 0.1], [1, 0.1], [1, 1], [0, 1]]
    queues:
      till:
        zone: square
        head: gate
        classes: [person, bicycle]
    lanes: [left]
"""
)


def load(folder: Path, text: str) -> Site:
    (folder / "site.yaml").write_text(text, "utf-8")
    return load_site(folder / "site.yaml")


def refused(folder: Path, text: str) -> str:
    with pytest.raises(SiteError) as caught:
        load(folder, text)
    message = str(caught.value)
    assert all(line.startswith(str(folder / "site.yaml")) for line in message.splitlines())
    return message.replace(str(folder / "site.yaml"), "FILE")


def test_the_example_is_read(tmp_path: Path) -> None:
    site = load(tmp_path, EXAMPLE)
    assert site.site == "Harbour Square"
    assert site.zone_info.key == "Europe/Helsinki"
    name, camera = site.camera()
    assert name == "north"
    assert camera.lines == {
        "gate": ((0.10, 0.55), (0.80, 0.60)),
        "left": ((0.05, 0.2), (0.05, 0.9)),
    }
    assert camera.movements == {"in-left": ("gate", "left")}
    assert camera.reference == "ground"


def test_the_schema_accepts_the_example_and_refuses_what_is_wrong() -> None:
    schema = site_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    example = yaml.safe_load(EXAMPLE)
    assert check.is_valid(example)
    assert check.is_valid(yaml.safe_load(CROWD))
    changes: list[dict[str, Any]] = [
        {"site": None},
        {"cameras": {}},
        {"colour": "red"},
        {"cameras": {"north": {"lines": {"gate": [[0, 0]]}}}},
        {"cameras": {"north": {"lines": {"gate": [[0, 0], [2, 0]]}}}},
        {"cameras": {"north": {"reference": "top"}}},
        {"cameras": {"north": {"crowd": {"square": {"capacity": 0}}}}},
        {"cameras": {"north": {"queues": {"till": {"zone": "square"}}}}},
        {"cameras": {"north": {"queues": {"q": {"zone": "z", "head": "l", "classes": ["x"]}}}}},
    ]
    for change in changes:
        assert not check.is_valid(example | change), change


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[[0.1, 0.2], [0.9, 0.2], [0.9, 0.9]]",
            "[[0, 0], [1, 1], [1, 0], [0, 1]]",
            "FILE, line 10: cameras.north.zones.square: its edges 1 and 3 cross",
        ),
        (
            "[[0.1, 0.2], [0.9, 0.2], [0.9, 0.9]]",
            "[[0.1, 0.2], [0.9, 0.2]]",
            "FILE, line 10: cameras.north.zones.square: a polygon needs at least three corners",
        ),
        (
            "[[0.1, 0.2], [0.9, 0.2], [0.9, 0.9]]",
            "[[0.1, 0.2], [0.9, 0.2], [0.5, 0.2]]",
            "FILE, line 10: cameras.north.zones.square: ",
        ),
        (
            "[gate, left]",
            "[gate, lft]",
            "FILE, line 12: cameras.north.movements.in-left: there is no line 'lft' "
            "(did you mean 'left'?)",
        ),
        (
            "[gate, left]",
            "[gate, gate]",
            "FILE, line 12: cameras.north.movements.in-left: origin and destination are the same",
        ),
        (
            "[0.80, 0.60]",
            "[1.80, 0.60]",
            "FILE, line 7: cameras.north.lines.gate.1.0: 1.80 is outside the picture",
        ),
        ("0.55", ".nan", "FILE, line 7: cameras.north.lines.gate.0.1: '.nan' is no number"),
        ("0.55", "nan", "FILE, line 7: cameras.north.lines.gate.0.1: 'nan' is no number"),
        ("0.55", "inf", "FILE, line 7: cameras.north.lines.gate.0.1: 'inf' is no number"),
        ("[0.80, 0.60]", "[0.10, 0.55]", "FILE, line 7: cameras.north.lines.gate: the line has no"),
        ("[0.80, 0.60]]", "[0.8, 0.6], [1, 1]]", "FILE, line 7: cameras.north.lines.gate: "),
        ("[0.80, 0.60]]", "[0.8]]", "FILE, line 7: cameras.north.lines.gate.1.1: is missing"),
        ("[[0.10, 0.55], [0.80, 0.60]]", "here", "FILE, line 7: cameras.north.lines.gate: 'here'"),
        ("      left:", "      gate:", "FILE, line 8: cameras.north.lines.gate: is given twice"),
        ("site: Harbour Square\n", "", "FILE, line 1: site: is missing"),
        (
            "    source:",
            "    sorce:",
            "FILE, line 5: cameras.north.sorce: is no field here (did you",
        ),
        (
            "timezone",
            "time zone",
            "FILE, line 2: time zone: is no field here (did you mean 'timezo",
        ),
        ("Europe/Helsinki", "Mars/Olympus", "FILE, line 2: timezone: 'Mars/Olympus' is no time zo"),
        ("Europe/Helsinki", "../../etc/passwd", "FILE, line 2: timezone: "),
        (
            "      square:",
            "      gate:",
            "FILE, line 10: cameras.north.zones.gate: lines have this",
        ),
        ("  north:", "\tnorth:", "FILE, line 4: is not YAML: "),
        ("site: Harbour", "site: [Harbour", "FILE, line 2: is not YAML: "),
        ("Harbour", "Harb\x07our", "FILE, line 1: is not YAML: it holds a character"),
        ("      gate:", "      [gate]:", "FILE, line 7: is not YAML: a name must be a text"),
        ("      gate:", '      " gate":', "FILE, line 7: cameras.north.lines. gate: a name needs"),
        (
            "    source: north.mp4",
            "    fps: often",
            "FILE, line 5: cameras.north.fps: 'often' is no",
        ),
        ("    source: north.mp4", "    fps: nan", "FILE, line 5: cameras.north.fps: "),
        ("    source: north.mp4", "    fps: 0", "FILE, line 5: cameras.north.fps: "),
        ("    source: north.mp4", "    reference: top", "FILE, line 5: cameras.north.reference: "),
    ],
)
def test_a_fault_is_told_with_file_line_and_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert EXAMPLE.count(old) == 1
    lines = refused(tmp_path, EXAMPLE.replace(old, new)).splitlines()
    assert message in [line[: len(message)] for line in lines]


CAMERA = "FILE, line {}: cameras.north."


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("      square:\n        level", "      sqare:\n        level", 19, "crowd.sqare: there is "
         "no zone 'sqare' (did you mean 'square'?)"),
        ("capacity: 120", "capacity: 0", 21, "crowd.square.capacity: "),
        ("capacity: 120", "capacity: many", 21, "crowd.square.capacity: 'many' is no whole number"),
        ("density_limit: 2.5", "density_limit: nan", 22, "crowd.square.density_limit: 'nan' is no"),
        ("capacity: 120", "capacty: 120", 21, "crowd.square.capacty: is no field here (did you "
         "mean 'capacity'?); known are level_of_service, capacity, density_limit, walkable"),
        ("[1, 1], [0, 1]]", "[0, 1], [1, 1]]", 23, "crowd.square.walkable: its edges "),
        ("of_service: queue", "of_service: road", 20, "crowd.square.level_of_service: "),
        ("zone: square", "zone: gate", 26, "queues.till.zone: there is no zone 'gate'"),
        ("head: gate", "head: gat", 27, "queues.till.head: there is no line 'gat' (did you mean"),
        ("head: gate", "heads: gate", 25, "queues.till.head: is missing"),
        ("head: gate", "heads: gate", 27, "queues.till.heads: is no field here (did you mean "
         "'head'?); known are zone, head, direction, classes"),
        ("[person, bicycle]", "[persn]", 28, "queues.till.classes.0: there is no class 'persn' "
         "(did you mean 'person'?)"),
        ("[person, bicycle]", "[person, person]", 28, "queues.till.classes.1: 'person' is given "
         "twice"),
        ("[person, bicycle]", "[]", 28, "queues.till.classes: has 0; at least 1 are needed"),
        ("      till:", "      gate:", 25, "queues.gate: lines have this name too"),
        ("      till:", "      in-left:", 25, "queues.in-left: movements have this name too"),
        ("lanes: [left]", "lanes: [square]", 29, "lanes.0: there is no line 'square'"),
        ("lanes: [left]", "lanes: [left, left]", 29, "lanes.1: 'left' is given twice"),
        ("[4, 12]}", "[4]}", 16, "ground.2.metres.1: is missing"),
        ("metres: [4, 12]}", "lonlat: [4, 12]}", 16, "ground.2: has lonlat and the first pair "
         "metres"),
        ("metres: [4, 12]}", "lonlat: [4, 112]}", 16, "ground.2.lonlat: is no place on Earth"),
        ("metres: [4, 12]}", "metre: [4, 12]}", 16, "ground.2.metre: is no field here (did you "
         "mean 'metres'?); known are picture, metres, lonlat"),
        ("picture: [400, 200]", "picture: [400.5, 200]", 14, "ground.0.picture: [100.0, 500.0] is "
         "outside the picture; points are either all whole numbers of pixels, or all fractions"),
        ("picture: [400, 200]", "picture: [-400, 200]", 16, "ground.2.picture: [-400.0, 200.0] is"),
        ("      - {picture: [240, 200], metres: [0, 12]}\n", "", 13, "ground: has 3; at least 4"),
    ],
)  # fmt: skip
def test_a_fault_in_what_needs_metres_is_told_with_line_and_field(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert CROWD.count(old) == 1
    start = CAMERA.format(line) + message
    lines = refused(tmp_path, CROWD.replace(old, new)).splitlines()
    assert start in [line[: len(start)] for line in lines], lines


def test_a_camera_may_be_called_like_a_field(tmp_path: Path) -> None:
    """The known fields are those of the block, not of one that has the camera's name."""
    message = refused(tmp_path, "site: A\ncameras:\n  ground:\n    colour: red\n")
    assert "known are source, lines, zones" in message


def test_crowds_queues_and_lanes_are_read(tmp_path: Path) -> None:
    _, camera = load(tmp_path, CROWD).camera()
    crowd, queue = camera.crowd["square"], camera.queues["till"]
    assert (crowd.level_of_service, crowd.capacity, crowd.density_limit) == ("queue", 120, 2.5)
    assert crowd.walkable == ((0, 0.1), (1, 0.1), (1, 1), (0, 1))
    assert (queue.zone, queue.head, queue.direction) == ("square", "gate", "forward")
    assert queue.classes == ("person", "bicycle")
    assert camera.lanes == ("left",)
    assert make_camera(zones=camera.zones, crowd={"square": {}}).crowd["square"].walkable is None


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = EXAMPLE.replace("0.55", "5").replace("Europe/Helsinki", "x").replace("0.9, 0.9", "9, 9")
    assert len(refused(tmp_path, text).splitlines()) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: must begin with fields"),
        ("# nothing\n", "line 1: must begin with fields"),
        ("- a\n- b\n", "line 1: must begin with fields"),
        ("just text", "line 1: must begin with fields"),
        ("site: A\ncameras:\n", "line 2: cameras: is empty"),
        ("site: A\ncameras:\n  n:\n", "line 3: cameras.n: is empty"),
        ("site: A\ncameras:\n  n:\n    lines:\n", "line 4: cameras.n.lines: is empty"),
        ("site: A\ncameras: {}\n", "line 2: cameras: "),
        ("site: A\n---\nsite: B\n", "is not YAML: but found another document"),
        ("a: &a [*a]\n", "within each other without end"),
        ("a: " + "[" * 1200, "within each other without end"),
        (
            "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 9}]\n" for i in range(1, 12)),
            "within each other without end",
        ),
    ],
)
def test_files_that_are_no_site_at_all(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="No such file"):
        load_site(tmp_path / "none.yaml")
    with pytest.raises(SiteError, match="cannot be read"):
        load_site(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("site: Café".encode("latin-1"))
    with pytest.raises(SiteError, match="UTF-8"):
        load_site(tmp_path / "latin.yaml")


def test_names_are_what_is_written(tmp_path: Path) -> None:
    """YAML makes numbers, booleans, times and dates of names that people write."""
    names = ["1", "on", "no", "12:30", "2024-02-31", "0x1f", "~tilde", "Café", "1_000"]
    lines = "".join(f"      {n}: [[0, 0.{i}], [1, 0.{i}]]\n" for i, n in enumerate(names))
    site = load(
        tmp_path,
        f"\ufeffsite: 2024-02-31\ncameras:\n  1:\n    lines:\n{lines}"
        "    movements:\n      yes: [on, no]\n      7: [1, 12:30]\n",
    )
    assert site.site == "2024-02-31"
    name, camera = site.camera("1")
    assert list(camera.lines) == names
    assert camera.movements == {"yes": ("on", "no"), "7": ("1", "12:30")}
    assert name == "1"


def test_anchors_and_merges_are_understood(tmp_path: Path) -> None:
    site = load(
        tmp_path,
        "site: A\ncameras:\n  a: &a\n    fps: 25\n    lines: {l: [[0, 0], [1, 1e-1]]}\n"
        "  b:\n    <<: *a\n    fps: 7\n    source: null\n",
    )
    assert site.cameras["b"].lines == site.cameras["a"].lines == {"l": ((0, 0), (1, 0.1))}
    assert (site.cameras["a"].fps, site.cameras["b"].fps) == (25, 7)
    assert site.cameras["b"].source is None


def test_a_camera_is_asked_for_by_name(tmp_path: Path) -> None:
    site = load(tmp_path, "site: A\ncameras:\n  north: {}\n  south: {}\n")
    assert site.camera("south")[0] == "south"
    with pytest.raises(SiteError, match="several cameras"):
        site.camera()
    with pytest.raises(SiteError, match="did you mean 'north'"):
        site.camera("nort")


FRACTIONS = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
POINTS = st.lists(st.tuples(FRACTIONS, FRACTIONS), max_size=8)


@settings(deadline=None)
@given(POINTS)
def test_any_polygon_is_good_or_refused(points: list[tuple[float, float]]) -> None:
    try:
        camera = make_camera(zones={"z": points})
    except SiteError as error:
        assert str(error).startswith("zones.z: ")
    else:
        corners = camera.zones["z"]
        assert set(corners) == set(points)
        assert Polygon(corners).holds(np.array([corners[0]])).all()


@settings(deadline=None)
@given(POINTS)
def test_any_line_is_good_or_refused(points: list[tuple[float, float]]) -> None:
    try:
        camera = make_camera(lines={"l": points})
    except SiteError as error:
        assert str(error).startswith("lines.l")
    else:
        assert math.dist(*points) > 0
        Segment(*camera.lines["l"])


@settings(deadline=None)
@given(st.integers(3, 12), st.floats(0.01, 0.5), st.floats(0, 6.3), st.booleans())
def test_every_round_polygon_is_good(corners: int, radius: float, turn: float, back: bool) -> None:
    angles = [turn + 2 * math.pi * i / corners for i in range(corners)]
    points = [
        (0.5 + radius * math.cos(a) * 0.99, 0.5 + radius * math.sin(a) * 0.99) for a in angles
    ]
    points = points[::-1] if back else points
    closed = make_camera(zones={"z": [*points, points[0]]})
    assert make_camera(zones={"z": points}).zones == closed.zones == {"z": tuple(points)}


WORDS = ["site", "cameras", *Camera.model_fields, *GroundPlan.model_fields, "a"]
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS) | st.text(),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(JUNK, JUNK)
def test_any_yaml_is_a_site_or_refused(tmp_path_factory: Any, junk: Any, camera: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.yaml"
    for tree in (junk, {"site": "A", "cameras": {"a": camera}}):
        path.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")
        try:
            assert isinstance(load_site(path), Site)
        except SiteError as error:
            assert str(error).startswith(str(path))


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_site_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(data)
    with pytest.raises(SiteError):
        load_site(path)
