"""The map from the picture to metres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from passerby.errors import GroundError
from passerby.geometry import project_lonlat
from passerby.ground import Ground, ground_from_homography
from passerby.ground_fit import fit_ground, fit_pairs, ground_from_rectangle, ground_from_tsai
from passerby.ground_plan import GroundPlan
from passerby.moment import Floats

SIZE = (1280, 720)


def camera(height: float, tilt: float, focal: float) -> Ground:
    """A pinhole above the ground; x to the right, y away from it."""
    down, ahead = np.sin(np.radians(tilt)), np.cos(np.radians(tilt))
    # Columns: a metre to the right, a metre away, the point below the camera; rows x, y, depth.
    seen = np.array([[1, 0, 0], [0, -down, height * ahead], [0, ahead, height * down]])
    sensor = np.array([[focal, 0, SIZE[0] / 2], [0, focal, SIZE[1] / 2], [0, 0, 1]])
    return ground_from_homography(np.linalg.inv(sensor @ seen), SIZE)


cameras = st.builds(camera, st.floats(3, 12), st.floats(15, 60), st.floats(600, 1500))


def inside(ground: Ground, count: int, seed: int) -> Floats:
    """Pixels with a place on the ground, none in one line."""
    random = np.random.default_rng(seed)
    points = random.uniform([0, 0.3 * SIZE[1]], SIZE, (400, 2)).round()
    points = points[np.isfinite(ground.to_metres(points, 0.3)).all(axis=1)]
    assume(len(points) >= count)
    return points[:count]


@given(cameras, st.integers(0, 1000))
def test_there_and_back(ground: Ground, seed: int) -> None:
    points = inside(ground, 20, seed)
    assert np.allclose(ground.to_picture(ground.to_metres(points)), points, atol=1e-6)


@settings(max_examples=25)
@given(cameras, st.integers(0, 1000))
def test_exact_pairs_give_the_ground_back(ground: Ground, seed: int) -> None:
    points = inside(ground, 12, seed)
    found = fit_pairs(points, ground.to_metres(points))
    assert found.used.all()
    assert found.residuals.max() < 1e-4
    others = inside(ground, 12, seed + 1)
    places = ground.to_metres(others)
    assert np.allclose(found.ground.to_metres(others), places, atol=1e-2, rtol=1e-3)


@settings(max_examples=25)
@given(cameras, st.integers(0, 1000), st.integers(0, 9))
def test_a_wrong_pair_is_left_out(ground: Ground, seed: int, which: int) -> None:
    points = inside(ground, 10, seed)
    assume(np.ptp(points, axis=0).min() > 150)
    places = ground.to_metres(points)
    far = points[which] + [0, -60 if points[which, 1] > 400 else 60]
    wrong = places.copy()
    wrong[which] = ground.to_metres(far[None])[0]
    assume(np.isfinite(wrong).all())
    found = fit_pairs(points, wrong)
    assert not found.used[which]
    assert found.used.sum() == 9
    assert np.allclose(found.ground.to_metres(points), places, atol=1e-2, rtol=1e-3)


def test_a_quarter_of_wrong_pairs_is_left_out() -> None:
    ground = camera(6, 35, 900)
    random = np.random.default_rng(0)
    points = random.uniform([0, 150], SIZE, (40, 2))
    places = ground.to_metres(points)
    places[::4] += random.uniform(3, 6, (10, 2))
    found = fit_pairs(points + random.normal(0, 1, points.shape), places)
    assert not found.used[::4].any()
    assert found.used.sum() == 30


def test_one_wrong_pair_of_five_cannot_be_told() -> None:
    """Without any one of them, four always agree."""
    ground = camera(6, 35, 900)
    points = np.array([[100, 700], [1200, 690], [300, 400], [900, 420], [640, 560]])
    places = ground.to_metres(points)
    assert fit_pairs(points, places).used.all()
    places[1] += [0, 3]
    with pytest.raises(GroundError, match="at most 4 of 5 agree"):
        fit_pairs(points, places)


@pytest.mark.parametrize("count", [6, 8])
def test_the_spread_is_how_wrong_lengths_are(count: int) -> None:
    """Clicks that are 2 pixels off, and lengths of 0.1 m at the pairs; root mean squares."""
    random = np.random.default_rng(count)
    told, true = [], []
    for _ in range(60):
        ground = camera(random.uniform(3, 12), random.uniform(15, 60), random.uniform(600, 1500))
        points = random.uniform([0, 0.3 * SIZE[1]], SIZE, (400, 2))
        points = points[np.isfinite(ground.to_metres(points, 0.1)).all(axis=1)]
        clicked = points[far_apart(points, count, 0)]
        places = ground.to_metres(clicked)
        found = fit_pairs(clicked + random.normal(0, 2, clicked.shape), places).ground
        angles = random.uniform(0, 2 * np.pi, count)
        ends = places + 0.1 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        a, b = (found.to_metres(ground.to_picture(points)) for points in (places, ends))
        told.append(found.spread)
        true.extend(np.linalg.norm(b - a, axis=1) / 0.1 - 1)
    assert np.sqrt(np.square(told).mean()) == pytest.approx(np.sqrt(np.square(true).mean()), 0.15)


def far_apart(points: Floats, count: int, first: int) -> list[int]:
    """As one clicks: the farthest of what is left, again and again."""
    chosen = [first]
    while len(chosen) < count:
        away = np.linalg.norm(points[:, None] - points[chosen], axis=2).min(axis=1)
        chosen.append(int(away.argmax()))
    return chosen


def test_places_may_be_far_from_their_origin() -> None:
    """As eastings and northings of a national grid are."""
    ground, far = camera(6, 35, 900), np.array([385_000.0, 6_672_000.0])
    points = np.random.default_rng(0).uniform([0, 300], SIZE, (8, 2))
    places = ground.to_metres(points) + far
    shift = np.array([[1, 0, far[0]], [0, 1, far[1]], [0, 0, 1]])
    grounds = (
        fit_pairs(points, places).ground,
        ground_from_homography(shift @ ground.homography, SIZE),
    )
    for found in grounds:
        assert np.allclose(found.to_metres(points), places, atol=1e-5, rtol=0)
        assert np.allclose(found.to_picture(places), points, atol=0.01)
        assert np.allclose(found.metres_per_pixel(points), ground.metres_per_pixel(points))


@given(cameras, st.floats(0, SIZE[0]))
def test_above_the_horizon_is_no_ground_and_near_it_is_refused(ground: Ground, x: float) -> None:
    assert ground.horizon is not None
    a, b, c = ground.horizon
    assert b > 0  # the ground is below
    horizon = -(a * x + c) / b
    above, below = [x, horizon - 1.0], [x, horizon + 1.0]
    assert np.isnan(ground.to_metres([above, below])).all()
    over, near = ground.refusals([above, below])
    assert over == "lies above the horizon"
    assert near is not None
    assert "one pixel" in near
    (foot,) = ground.refusals([[x, SIZE[1] - 1.0]])
    assert foot is None


@given(cameras)
def test_a_pixel_is_as_long_as_said(ground: Ground) -> None:
    points = inside(ground, 5, 3)
    step = 1e-3
    angles = np.linspace(0, np.pi, 90)
    longest = np.zeros(5)
    for angle in angles:
        moved = points + step * np.array([np.cos(angle), np.sin(angle)])
        length = np.linalg.norm(ground.to_metres(moved) - ground.to_metres(points), axis=1)
        longest = np.maximum(longest, length / step)
    assert np.allclose(ground.metres_per_pixel(points), longest, rtol=2e-3)


@given(st.floats(3, 12), st.floats(15, 60), st.floats(600, 1500))
def test_the_middle_of_the_picture_is_seen_at_the_tilt(
    height: float, tilt: float, focal: float
) -> None:
    ground = camera(height, tilt, focal)
    assert ground.depression([[SIZE[0] / 2, SIZE[1] / 2]])[0] == pytest.approx(tilt, abs=1e-3)


def test_a_rectangle_has_its_size_and_is_not_mirrored() -> None:
    ground = camera(6, 35, 900)
    corners = ground.to_picture([[-2, 8], [2, 8], [2, 14], [-2, 14]])
    for order in (corners, corners[::-1], np.roll(corners, 2, axis=0)):
        found = ground_from_rectangle(order, (4, 6))
        a, b, c = found.to_metres(order)[:3]
        assert np.linalg.norm(b - a) == pytest.approx(4)
        assert np.linalg.norm(c - b) == pytest.approx(6)
        right, left = found.to_metres([[900, 600], [400, 600]])
        away = found.to_metres([[650, 400]])[0]
        turn = np.linalg.det(np.stack([right - left, away - left]))
        assert turn > 0  # what is to the right and what is away are as seen from above
    with pytest.raises(GroundError, match="order"):
        ground_from_rectangle(corners[[0, 2, 1, 3]], (4, 6))


def test_what_fixes_no_plane_is_refused_and_says_why() -> None:
    points = np.array([[0, 0], [100, 0], [100, 100], [0, 100]], float)
    with pytest.raises(GroundError, match="at least 4"):
        fit_pairs(points[:3], points[:3])
    with pytest.raises(GroundError, match="pairs 1 and 4 have the same picture points"):
        fit_pairs(points[[0, 1, 2, 0]], points)
    with pytest.raises(GroundError, match="places in metres of pairs 1, 2 and 3 are in one line"):
        fit_pairs(points, [[0, 0], [1, 0], [2, 0], [0, 1]])
    with pytest.raises(GroundError, match="all picture points but one are in one line"):
        fit_pairs([*([i, i] for i in range(70)), [5, 60]], np.random.default_rng(0).random((71, 2)))
    with pytest.raises(GroundError, match="one side"):
        fit_pairs(points, points[[0, 2, 1, 3]])
    random = np.random.default_rng(1)
    with pytest.raises(GroundError, match="contradict"):
        fit_pairs(random.uniform(0, 1000, (12, 2)), random.uniform(0, 20, (12, 2)))
    with pytest.raises(GroundError, match="singular"):
        ground_from_homography(np.ones((3, 3)), SIZE)


def test_a_homography_of_another_picture_size_is_scaled() -> None:
    ground = camera(6, 35, 900)
    half = ground_from_homography(ground.homography, (640, 360), of=SIZE)
    points = np.array([[100, 500], [640, 700], [1200, 400]])
    assert np.allclose(half.to_metres(points / 2, 2.0), ground.to_metres(points))


def test_a_site_file_describes_a_ground_in_four_ways() -> None:
    ground = camera(6, 35, 900)
    corners = np.array([[100, 650], [1200, 650], [900, 300], [400, 300]])
    places = ground.to_metres(corners)
    pairs = [
        {"picture": list(corner / SIZE), "metres": list(place)}
        for corner, place in zip(corners, places, strict=True)
    ]
    rows = ground.homography.tolist()
    rectangle = ground.to_picture([[-2, 14], [-2, 8], [2, 8], [2, 14]]) / SIZE
    described = (
        {"pairs": pairs},
        {"homography": rows, "of": SIZE},
        {"rectangle": {"corners": rectangle.tolist(), "metres": [6, 4]}},
    )
    lengths = np.linalg.norm(np.diff(places, axis=0), axis=1)
    for block in described:
        plan = GroundPlan.model_validate(block)
        half = fit_ground(plan, (640, 360)).ground
        found = half.to_metres(corners / 2, 2.0)
        assert np.allclose(np.linalg.norm(np.diff(found, axis=0), axis=1), lengths)
        assert half.spread == 0
        told = GroundPlan.model_validate({**block, "spread": 0.04, "made": "people"})
        assert fit_ground(told, SIZE).ground.spread == 0.04
        assert fit_ground(told, SIZE).ground.method == "people"


def test_degrees_become_metres() -> None:
    """At Helsinki a degree of latitude is 111 412 m and one of longitude 55 802 m long."""
    east = project_lonlat([[24.0, 60.0], [24.01, 60.0]])
    north = project_lonlat([[24.0, 60.0], [24.0, 60.01]])
    assert np.linalg.norm(np.diff(east, axis=0)) == pytest.approx(558.02, abs=0.1)
    assert np.linalg.norm(np.diff(north, axis=0)) == pytest.approx(1114.12, abs=0.1)


# On real data


def pets(shared: Path) -> tuple[Floats, Floats]:
    """Foot points and metres of every box of the truth."""
    truth = np.loadtxt(shared / "data/pets2009/gt.txt", delimiter=",")
    corner, size = truth[:, 2:4] - 1, truth[:, 4:6]
    return corner + size * [0.5, 1], truth[:, 7:9]


def test_clicked_points_reach_the_truth_of_pets(shared: Path) -> None:
    feet, places = pets(shared)
    errors = []
    for seed in range(8):
        first = int(np.random.default_rng(seed).integers(len(feet)))
        chosen = far_apart(feet, 8, first)
        found = fit_pairs(feet[chosen].round(), places[chosen])
        rest = np.setdiff1d(np.arange(len(feet)), chosen)
        off = np.linalg.norm(found.ground.to_metres(feet[rest]) - places[rest], axis=1)
        errors.append(np.nanmedian(off))
    assert max(errors) <= 0.2


def test_a_tsai_calibration_agrees_with_the_truth_of_pets(shared: Path) -> None:
    feet, places = pets(shared)
    ground = ground_from_tsai(shared / "data/pets2009/View_001.xml", (768, 576))
    off = np.linalg.norm(ground.to_metres(feet) - places, axis=1)
    assert np.nanmedian(off) < 0.13
    assert np.isfinite(off).mean() > 0.99
    assert np.allclose(ground.to_picture(ground.to_metres(feet)), feet, atol=1e-6, equal_nan=True)


def test_a_tsai_calibration_holds_for_smaller_pictures_too(shared: Path) -> None:
    plan = GroundPlan(tsai=shared / "data/pets2009/View_001.xml")
    whole, half = (fit_ground(plan, size).ground for size in ((768, 576), (384, 288)))
    points = np.array([[100, 500], [640, 400], [300, 250]])
    assert np.allclose(half.to_metres(points / 2), whole.to_metres(points))


@pytest.mark.parametrize("name", ["eth_hotel", "ucy_zara01"])
def test_published_homographies_go_there_and_back(shared: Path, name: str) -> None:
    """Theirs map (row, column) to metres."""
    homography = np.loadtxt(shared / "data" / name / "H.txt")
    walked = np.loadtxt(shared / "data" / name / "obsmat.txt")[:, [2, 4]]
    ground = ground_from_homography(homography[:, [1, 0, 2]], (720, 576))
    points = ground.to_picture(walked)
    assert (points >= 0).all()
    assert (points <= [721, 590]).all()
    assert np.allclose(ground.to_metres(points), walked)


def test_a_broken_calibration_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "camera.xml"
    geometry = "<Geometry width='8' height='6' dpx='1' dpy='1'/>"
    inner = "<Intrinsic focal='{}' kappa1='0' cx='4' cy='3' sx='{}'/>"
    outer = "<Extrinsic tx='0' ty='0' tz='9' rx='0' ry='0' rz='0'/>"
    for parts, message in (
        ("<Geometry width='1'/>", "it has no 'Intrinsic'"),
        (geometry + inner.format(5, 0) + outer, "division by zero"),
        (geometry + inner.format("nan", 1) + outer, "no camera"),
        (geometry + inner.format(0, 1) + outer, "Singular"),
        (geometry + inner.format("wide", 1) + outer, "wide"),
        ("<", "not well-formed"),
    ):
        path.write_text(f"<Camera>{parts}</Camera>")
        with pytest.raises(GroundError, match=rf"camera\.xml is no Tsai.*{message}"):
            ground_from_tsai(path, SIZE)
