"""A ground is read as it is meant, or refused with line and field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from passerby.errors import GroundError, SiteError
from passerby.ground_fit import fit_ground
from passerby.ground_plan import GroundPlan
from passerby.shapes import camera_from_shapes, parse_zone
from passerby.site import Site, load_site, make_camera, site_schema

PAIRS = """\
- {picture: [100, 500], metres: [0, 0]}
- {picture: [540, 500], metres: [4, 0]}
- {picture: [400, 200], metres: [4, 12]}
- {picture: [240, 200], metres: [0, 12]}
"""

GROUNDS = {
    "bare list": PAIRS,
    "pairs": yaml.safe_dump({"pairs": yaml.safe_load(PAIRS), "spread": 0.05, "made": "clicked"}),
    "lonlat": "".join(
        f"- {{picture: [{x}, {y}], lonlat: [{24.95 + x / 1e4}, {60.17 + y / 1e4}]}}\n"
        for x, y in ((0, 0), (0.5, 0), (0.5, 1), (0.25, 0.5), (0, 1))
    ),
    "homography": "{homography: [[0.01, 0, 0], [0, 0.02, 0], [0, 0, 1]], of: [768, 576]}",
    "tsai": "{tsai: site.yaml}",
    "rectangle": "{rectangle: {corners: [[0, 1], [1, 1], [0.7, 0.5], [0.3, 0.5]], metres: [4, 9]}}",
}


def load(folder: Path, text: str) -> Site:
    (folder / "site.yaml").write_text(text, "utf-8")
    return load_site(folder / "site.yaml")


@pytest.mark.parametrize(
    ("ground", "line", "message"),
    [
        ("{}", 4, "ground: needs exactly one of pairs, homography, tsai, rectangle"),
        ("\n      tsai: SITE\n      rectangle: {corners: [[0, 0], [1, 0], [1, 1], [0, 1]],"
         " metres: [1, 2]}", 4, "ground: needs exactly one of pairs, homography, tsai, rectangle; "
         "it has tsai and rectangle"),
        ("\n      tsai: none.xml", 5, "ground.tsai: there is no file 'none.xml' in the folder of"),
        ("\n      tsai: SITE\n      of: [640, 480]", 6, "ground.of: belongs to a homography"),
        ("\n      tsai: SITE\n      spred: 0.1", 6, "ground.spred: is no field here (did you mean "
         "'spread'?); known are pairs, homography, of, tsai, rectangle, spread, made"),
        ("\n      tsai: SITE\n      spread: -0.1", 6, "ground.spread: "),
        ("\n      homography: [[1, 0, 0], [0, 1, 0]]", 5, "ground.homography.2: is missing"),
        ("\n      homography: [[1, 0, 0], [0, inf, 0], [0, 0, 1]]", 5, "ground.homography.1.1: "
         "'inf' is no number"),
        ("\n      rectangle:\n        corners: [[0, 0], [1, 0], [1, 1.5], [0, 1]]\n"
         "        metres: [0, 2]", 7, "ground.rectangle.metres.0: "),
        ("\n      rectangle:\n        corners: [[0, 0], [1, 0], [1, 1.5], [0, 1]]\n"
         "        metres: [1, 2]", 6, "ground.rectangle.corners.2: [1.0, 1.5] is outside the"),
        ("\n      rectangle:\n        metre: [1, 2]", 6, "ground.rectangle.metre: is no field here "
         "(did you mean 'metres'?); known are corners, metres"),
        ("here", 4, "ground: 'here' is not as expected; write fields below it"),
    ],
)  # fmt: skip
def test_a_ground_is_refused_with_line_and_field(
    tmp_path: Path, ground: str, line: int, message: str
) -> None:
    text = f"site: A\ncameras:\n  north:\n    ground: {ground}\n".replace("SITE", "site.yaml")
    with pytest.raises(SiteError) as caught:
        load(tmp_path, text)
    start = f"{tmp_path / 'site.yaml'}, line {line}: cameras.north.{message}"
    lines = str(caught.value).splitlines()
    assert start in [line[: len(start)] for line in lines], lines


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
def test_every_ground_is_read_fits_the_schema_and_lasts(tmp_path: Path, ground: str) -> None:
    tree = {"site": "A", "cameras": {"n": {"ground": yaml.safe_load(ground)}}}
    jsonschema.Draft202012Validator(site_schema()).validate(tree)
    _, camera = load(tmp_path, yaml.safe_dump(tree)).camera()
    assert isinstance(camera.ground, GroundPlan)
    zone = parse_zone("z=0,0,1,0,1,1")
    assert camera_from_shapes(camera, [], [zone], (640, 480)).ground == camera.ground


@pytest.mark.parametrize(
    "ground",
    [{}, yaml.safe_load(PAIRS)[:3], {"tsai": "a.xml", "homography": [[1, 0, 0]] * 3}],
    ids=["nothing", "three pairs", "two ways"],
)
def test_the_schema_refuses_what_is_no_ground(ground: Any) -> None:
    tree = {"site": "A", "cameras": {"n": {"ground": ground}}}
    assert not jsonschema.Draft202012Validator(site_schema()).is_valid(tree)


def test_a_tsai_file_lies_beside_the_site_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "camera.xml").write_text("<Camera/>")
    monkeypatch.chdir(tmp_path)
    text = "site: A\ncameras: {n: {ground: {tsai: camera.xml}}}\n"
    site = load(Path("inner"), text)
    monkeypatch.chdir("/")
    ground = site.cameras["n"].ground
    assert ground is not None
    assert ground.tsai == tmp_path / "inner" / "camera.xml"


def test_picture_points_are_pixels_or_fractions() -> None:
    def points(*picture: Sequence[float]) -> Any:
        places = [(0, 0), (4, 0), (4, 12), (0, 12)]
        pairs = [{"picture": p, "metres": m} for p, m in zip(picture, places, strict=True)]
        ground = make_camera(ground=pairs).ground
        assert ground is not None
        np.testing.assert_array_equal(ground.places(), places)
        return ground.picture_points((640, 480)).tolist()

    pixels = [[0, 0], [640, 0], [640, 480], [1, 1]]
    assert points(*pixels) == pixels
    assert points((0, 0), (1, 0), (1, 1), (0, 1)) == [[0, 0], [640, 0], [640, 480], [0, 480]]
    assert points((0, 0), (1, 0), (1, 1), (0.25, 0.5))[3] == [160, 240]
    with pytest.raises(GroundError, match="640 pixels wide and 480 high"):
        points((0, 0), (641, 0), (640, 480), (1, 1))


def test_longitudes_and_latitudes_become_metres() -> None:
    """A minute of arc at the equator is 1855.3 m along it and 1842.9 m across it (WGS 84)."""
    minute = 1 / 60
    places = [(0, 0), (minute, 0), (minute, minute), (0, minute)]
    picture = [(0, 0), (9, 0), (9, 9), (0, 9)]
    pairs = [{"picture": p, "lonlat": q} for p, q in zip(picture, places, strict=True)]
    ground = make_camera(ground=pairs).ground
    assert ground is not None
    east, north = np.ptp(ground.places(), axis=0)
    assert east == pytest.approx(1855.3, abs=0.1)
    assert north == pytest.approx(1842.9, abs=0.1)


def test_a_spread_that_is_not_given_is_that_of_the_pairs() -> None:
    """Places a few centimetres off a plane at 1 cm a pixel: never told to be exact."""
    picture = [(0, 0), (800, 0), (800, 600), (0, 600), (400, 300), (200, 500)]
    errors = [(0.02, 0), (-0.02, 0.02), (0.01, -0.02), (0, 0.02), (-0.02, 0), (0.02, 0.01)]
    pairs = [
        {"picture": (x, y), "metres": (x / 100 + e, y / 100 + f)}
        for (x, y), (e, f) in zip(picture, errors, strict=True)
    ]

    def spread(**fields: float) -> float:
        ground = make_camera(ground={"pairs": pairs, **fields}).ground
        assert ground is not None
        return fit_ground(ground, (800, 600)).ground.spread

    assert 0 < spread() < 0.02
    assert spread(spread=0.3) == 0.3
    assert spread(spread=0) == 0
