"""Lines and zones of the command line: pixels or fractions, never a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.errors import SiteError
from passerby.shapes import Shape, camera_from_shapes, parse_line, parse_zone, whole_picture
from passerby.site import Camera, make_camera

SIZE = (640, 480)
COORDINATES = st.lists(
    st.one_of(
        st.integers(-2, 700).map(str),
        st.floats(-0.5, 2, allow_nan=False).map(str),
        st.sampled_from(["0", "1", "0.0", "1.0", "2.0", "1e2", "nan", "inf", "", "x", "1_0", "٣"]),
    ),
    max_size=8,
)


@given(COORDINATES)
def test_the_rule_of_coordinates(parts: list[str]) -> None:
    """All integers with any above 1 are pixels; else all within [0, 1]; else an error."""
    whole = all(part.removeprefix("-").isdecimal() for part in parts)
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = [float("nan")]
    pixels = whole and any(number > 1 for number in numbers)
    good = pixels or all(0 <= number <= 1 for number in numbers)
    parse = parse_line if len(parts) == 4 else parse_zone
    right_length = len(parts) == 4 or (len(parts) >= 6 and len(parts) % 2 == 0)
    text = "gate=" + ",".join(parts)
    if not (good and right_length):
        with pytest.raises(SiteError) as caught:
            parse(text)
        assert repr(text) in str(caught.value)
        return
    shape = parse(text)
    assert shape.pixels == pixels
    assert [number for point in shape.points for number in point] == numbers


@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        ("a=0,0,1,1", False),
        ("a=0,0,1,2", True),
        ("a=0.1,0.5,0.9,0.5", False),
        (" a = 0.1 , 0.5 , .9 , 1e-1 ", False),
        ("a=+100,0,0,200", True),
    ],
)
def test_pixels_or_fractions(text: str, pixels: bool) -> None:
    shape = parse_line(text)
    assert shape.name == "a"
    assert shape.pixels is pixels


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "=1,2,3,4", "a=", "a=1,2,3", "a=1,2,3,4,5,6", "a=1,2,3,x", "a=0.5,2,3,4"),
        *("a=-0.1,0,1,1", "a=-1,0,1,1", "a=0.5,0.5,1.5,1", "a=1;2;3;4", "a==1,2,3,4"),
    ],
)
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises(SiteError, match=r"NAME=x1,y1,x2,y2|whole numbers of pixels"):
        parse_line(text)


@given(st.integers(2, 9999), st.integers(2, 9999), st.data())
def test_pixels_become_fractions_of_the_picture(
    width: int, height: int, data: st.DataObject
) -> None:
    x, y = data.draw(st.integers(0, width)), data.draw(st.integers(0, height))
    ((fx, fy), _) = Shape("a", ((x, y), (2, 2)), pixels=True).fractions((width, height))
    assert (fx * width, fy * height) == pytest.approx((x, y))
    for outside in ((-1, y), (x, -1), (width + 1, y), (x, height + 1)):
        with pytest.raises(SiteError, match="outside the picture"):
            Shape("a", (outside, (2, 2)), pixels=True).fractions((width, height))


def test_shapes_are_added_to_a_camera() -> None:
    base = make_camera(lines={"old": ((0, 0), (1, 1))}, fps=7)
    line, zone = parse_line("new=320,0,320,480"), parse_zone("z=0,0,1,0,1,1,0,0")
    camera = camera_from_shapes(base, [line], [zone], SIZE)
    assert camera.lines == {"old": ((0, 0), (1, 1)), "new": ((0.5, 0), (0.5, 1))}
    assert camera.zones == {"z": ((0, 0), (1, 0), (1, 1))}
    assert camera.fps == 7
    assert base.lines.keys() == {"old"}


@pytest.mark.parametrize(
    ("lines", "zones", "why"),
    [
        (["old=0,0,1,1"], [], "'old' is given twice among lines"),
        (["a=0,0,1,1", "a=0,0,1,1"], [], "'a' is given twice among lines"),
        (["a=0,0,1,1"], ["a=0,0,1,0,1,1"], "names must differ"),
        (["a=5,5,5,5"], [], "no length"),
        (["a=0,0,641,480"], [], "a: a point lies outside the picture, which is 640 pixels wide"),
        ([], ["z=0,0,1,1,1,0,0,1"], "edges 1 and 3 cross"),
        ([], ["z=0,0,1,1,0,0,1,1"], "twice"),
        ([], ["z=0,0,1,1,0.5,0.5"], "no area|cross"),
    ],
)
def test_shapes_that_cannot_be_used_are_refused(
    lines: list[str], zones: list[str], why: str
) -> None:
    base = make_camera(lines={"old": ((0, 0), (1, 1))})
    with pytest.raises(SiteError, match=why):
        camera_from_shapes(base, [*map(parse_line, lines)], [*map(parse_zone, zones)], SIZE)


def test_without_shapes_the_whole_picture_is_measured() -> None:
    camera = whole_picture(make_camera(fps=7))
    assert Camera.model_validate(camera.model_dump()) == camera
    assert camera.fps == 7
    assert len(camera.lines) == 2
    assert camera.zones["picture"] == ((0, 0), (1, 0), (1, 1), (0, 1))
