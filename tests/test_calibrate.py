"""The ground from people: known cameras are found again; what cannot be told is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from passerby.calibrate import Calibration, People, calibrate, people_of
from passerby.errors import GroundError, PasserbyError
from passerby.moment import Floats, Moment
from passerby.pinhole import Pinhole

SIZE = (1280, 720)


def camera_of(
    height: float = 5.0, tilt: float = 30.0, view: float = 60.0, roll: float = 0.0
) -> Pinhole:
    focal = SIZE[0] / 2 / np.tan(np.radians(view) / 2)
    return Pinhole(SIZE, float(focal), float(np.radians(tilt)), float(np.radians(roll)), height)


def walk(
    camera: Pinhole, *, seed: int = 0, count: int = 60, spread: float = 0.0, mean: float = 1.70
) -> People:
    """Boxes of people who cross the picture straight, 5 a second, nobody hidden."""
    rng = np.random.default_rng(seed)
    boxes, ids, times = [], [], []
    for person in range(count):
        ends = rng.uniform(0.05, 0.95, (2, 2)) * SIZE
        ends[:, 1] = np.maximum(ends[:, 1], camera.horizon + 40)
        start, end = camera.ground(ends)
        seconds = np.hypot(*(end - start)) / 1.3
        at = np.arange(0, min(seconds, 30.0), 0.2)[:, None] / seconds
        metres = start + at * (end - start)
        boxes.append(camera.boxes(metres, rng.normal(mean, spread)))
        ids.append(np.full(len(metres), person))
        times.append(100.0 * person + at[:, 0] * seconds)
    return People(np.concatenate(boxes), np.concatenate(ids), np.concatenate(times))


def to_metres(found: Calibration, pixels: Floats) -> Floats:
    seen = np.column_stack([pixels, np.ones(len(pixels))]) @ found.homography.T
    return np.asarray(seen[:, :2] / seen[:, 2:])


def lengths_of(found: Calibration, camera: Pinhole) -> Floats:
    """Estimated over true lengths between points all over the ground."""
    feet = np.random.default_rng(1).uniform([100, 300], [1180, 700], (200, 2))
    true, seen = camera.ground(feet), to_metres(found, feet)
    return np.asarray(np.hypot(*np.diff(seen, axis=0).T) / np.hypot(*np.diff(true, axis=0).T))


@pytest.mark.parametrize(("height", "tilt"), [(3.0, 15.0), (6.0, 35.0), (12.0, 60.0)])
def test_homography_undoes_projection(height: float, tilt: float) -> None:
    camera = camera_of(height, tilt, roll=3.0)
    metres = np.array([[0.0, 1.5 * height], [2.0, 2 * height], [-3.0, 3 * height]])
    pixels = camera.project(np.column_stack([metres, np.zeros(3)]))
    seen = np.column_stack([pixels, np.ones(3)]) @ camera.homography().T
    assert seen[:, :2] / seen[:, 2:] == pytest.approx(metres)
    assert camera.ground(pixels) == pytest.approx(metres)
    assert (seen[:, 2] > 0).all()


def test_far_points_lie_on_the_horizon() -> None:
    camera = camera_of(tilt=20.0, roll=4.0)
    x = np.linspace(-2e6, 2e6, 2001)
    far = camera.project(np.column_stack([x, np.full_like(x, 1e7), np.zeros_like(x)]))
    assert np.interp(SIZE[0] / 2, far[:, 0], far[:, 1]) == pytest.approx(camera.horizon, abs=0.1)


def test_box_of_a_body_bounds_its_points() -> None:
    """The closed form of an outline against points on the body: head, trunk and feet."""
    camera, tall = camera_of(4.0, 50.0, roll=5.0), 1.8
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 721), np.linspace(0, np.pi, 361))
    ball = np.stack([np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v)], axis=-1)
    parts = [(0.065, 0.065, 0.935), (0.13, 0.24, 0.64), (0.13, 0.025, 0.025)]
    points = [
        camera.project((ball * [a, a, b] + [0, 0, z]) * tall + [0.7, 3.0, 0.0]).reshape(-1, 2)
        for a, b, z in parts
    ]
    seen = np.concatenate(points)
    box = camera.boxes(np.array([[0.7, 3.0]]), tall)[0]
    assert box == pytest.approx([*seen.min(axis=0), *seen.max(axis=0)], abs=0.05)


@given(
    metres=st.tuples(st.floats(-3, 3), st.floats(3, 25)),
    height=st.floats(3, 12),
    tilt=st.floats(15, 60),
)
@settings(max_examples=30)
def test_people_are_found_by_the_centres_of_their_boxes(
    metres: tuple[float, float], height: float, tilt: float
) -> None:
    camera = camera_of(height, tilt)
    box = camera.boxes(np.array([metres]), 1.7)
    if box[0, 1] < 0 or box[0, 3] > SIZE[1]:
        return
    found, again = camera.standing((box[:, :2] + box[:, 2:]) / 2, 1.7)
    assert found[0] == pytest.approx(metres, rel=5e-3, abs=5e-3)
    assert again == pytest.approx(box, abs=0.2)


@given(
    height=st.floats(3.5, 10), tilt=st.floats(20, 55), view=st.floats(45, 75), roll=st.floats(-3, 3)
)
@settings(max_examples=6, phases=[Phase.generate])
def test_the_truth_lies_within_the_stated_errors(
    height: float, tilt: float, view: float, roll: float
) -> None:
    camera = camera_of(height, tilt, view, roll)
    found = calibrate(walk(camera), SIZE)
    truth = {
        "camera_height": height,
        "tilt": tilt,
        "roll": roll,
        "focal": camera.focal,
        "horizon": camera.horizon,
    }
    for name, value in truth.items():
        estimate = getattr(found, name)
        assert abs(estimate.value - value) <= 3 * estimate.error, name
    assert abs(np.log(np.median(lengths_of(found, camera)))) <= 2 * found.spread


@pytest.mark.parametrize(("height", "tilt"), [(4.0, 30.0), (8.0, 45.0)])
def test_exact_boxes_give_camera_and_lengths(height: float, tilt: float) -> None:
    camera = camera_of(height, tilt, roll=1.0)
    found = calibrate(walk(camera), SIZE)
    assert found.camera_height.value == pytest.approx(height, rel=0.05)
    assert found.tilt.value == pytest.approx(tilt, abs=1.5)
    assert found.roll.value == pytest.approx(1.0, abs=1.0)
    assert found.focal.value == pytest.approx(camera.focal, rel=0.07)
    assert np.median(lengths_of(found, camera)) == pytest.approx(1.0, abs=0.03)


def test_the_assumed_height_sets_the_scale_and_nothing_else() -> None:
    people = walk(camera_of(), spread=0.09)
    found, tall = calibrate(people, SIZE), calibrate(people, SIZE, mean_height=1.87)
    # The camera's height has a prior of its own, which is wide.
    assert tall.camera_height.value / found.camera_height.value == pytest.approx(1.1, abs=0.01)
    assert tall.tilt.value == pytest.approx(found.tilt.value, abs=0.2)
    assert found.spread > 0.05 / 1.70


def test_a_known_camera_height_overrides_the_assumed_height() -> None:
    """People of 1.53 m on average: a tenth too small unless somebody measured the camera."""
    camera = camera_of()
    people = walk(camera, mean=1.53)
    guessed, measured = calibrate(people, SIZE), calibrate(people, SIZE, camera_height=5.0)
    assert guessed.camera_height.value == pytest.approx(5.0 * 1.70 / 1.53, rel=0.03)
    assert measured.camera_height == (5.0, 0.0)
    assert measured.spread < guessed.spread
    assert np.median(lengths_of(measured, camera)) == pytest.approx(1.0, abs=0.05)


def test_somebody_who_stands_for_minutes_counts_once() -> None:
    people = walk(camera_of(), count=20)
    short = camera_of().boxes(np.array([[0.0, 8.0]]), 1.2)
    still = People(
        np.concatenate([people.boxes, np.repeat(short, 2000, axis=0)]),
        np.concatenate([people.ids, np.full(2000, 999)]),
        np.concatenate([people.times, 1e5 + np.arange(2000.0)]),
    )
    assert calibrate(still, SIZE).camera_height == calibrate(people, SIZE).camera_height


def test_boxes_cut_at_the_feet_hardly_matter() -> None:
    """One walk in eight goes behind a wall for a third of its length."""
    people = walk(camera_of(), spread=0.05)
    boxes = people.boxes.copy()
    for person in range(0, 60, 8):
        own = np.flatnonzero(people.ids == person)
        hidden = own[len(own) // 3 : 2 * len(own) // 3]
        boxes[hidden, 3] -= 0.4 * (boxes[hidden, 3] - boxes[hidden, 1])
    found, clean = calibrate(replace(people, boxes=boxes), SIZE), calibrate(people, SIZE)
    assert found.camera_height.value == pytest.approx(clean.camera_height.value, rel=0.03)
    assert found.tilt.value == pytest.approx(clean.tilt.value, abs=1.5)


def test_pets_people_give_metres(shared: Path) -> None:
    """Speeds within 10 % and areas within 20 % of the published metres."""
    rows = np.loadtxt(shared / "data" / "pets2009" / "gt.txt", delimiter=",")
    rows = rows[np.lexsort([rows[:, 0], rows[:, 1]])]
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    ids, true = rows[:, 1].astype(np.int64), rows[:, 7:9]
    found = calibrate(People(boxes, ids, rows[:, 0] / 7), (768, 576))
    metres = to_metres(found, np.column_stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, 3]]))
    same = (ids[4:] == ids[:-4]) & (np.hypot(*(true[4:] - true[:-4]).T) > 0.2)
    steps = [np.hypot(*(places[4:] - places[:-4]).T)[same] for places in (metres, true)]
    assert np.median(np.abs(steps[0] / steps[1] - 1)) < 0.10
    areas = [shapely.MultiPoint(places).convex_hull.area for places in (metres, true)]
    assert areas[0] == pytest.approx(areas[1], rel=0.20)
    assert found.camera_height.value == pytest.approx(7.07, rel=0.10)  # of its Tsai calibration


def test_too_few_people_are_refused() -> None:
    with pytest.raises(GroundError, match=r"only [0-3] people"):
        calibrate(walk(camera_of(), count=3), SIZE)
    nobody = People(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))
    with pytest.raises(PasserbyError, match="only 0 people"):
        calibrate(nobody, SIZE)


def test_people_at_one_depth_are_refused() -> None:
    camera = camera_of()
    along = np.column_stack([np.linspace(-4, 4, 40), np.full(40, 9.0)])
    ids = np.repeat(np.arange(20), 40)
    boxes = np.tile(camera.boxes(along, 1.7), (20, 1))
    times = np.asarray(100.0 * ids + np.tile(np.arange(40) / 5, 20), np.float64)
    with pytest.raises(GroundError, match="one depth"):
        calibrate(People(boxes, ids, times), SIZE)


def test_boxes_of_no_people_are_refused() -> None:
    """They swell and shrink by half every few seconds, wherever they are."""
    people = walk(camera_of())
    boxes = people.boxes.copy()
    factor = np.exp(0.4 * np.sin(people.times))
    boxes[:, 1] = boxes[:, 3] - (boxes[:, 3] - boxes[:, 1]) * factor
    with pytest.raises(GroundError, match="upright people"):
        calibrate(replace(people, boxes=boxes), SIZE)


def test_a_camera_that_looks_straight_down_is_refused() -> None:
    with pytest.raises(GroundError, match="straight down"):
        calibrate(walk(camera_of(10.0, 82.0)), SIZE)


def test_people_at_the_edge_do_not_count() -> None:
    """Whoever the picture's edge cuts may be of any height."""
    people = walk(camera_of())
    boxes = people.boxes - [0.0, people.boxes[:, 3].min() + 50, 0.0, 0.0]
    boxes[:, 1] = 0.0
    with pytest.raises(GroundError, match="only 0 people"):
        calibrate(replace(people, boxes=boxes), SIZE)


@pytest.mark.parametrize("wrong", [{"mean_height": 0.0}, {"camera_height": -1.0}])
def test_impossible_heights_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        calibrate(walk(camera_of()), SIZE, **wrong)


def test_only_people_who_are_seen_are_gathered() -> None:
    boxes = np.arange(12.0).reshape(3, 4)
    moment = Moment(
        index=0,
        time=5.0,
        seconds=0.1,
        ids=np.array([1, 2, 3]),
        boxes=boxes,
        codes=np.array([0, 2, 0]),
        scores=np.array([0.8, 0.9, 0.0]),
    )
    people = people_of([moment])
    assert people.ids.tolist() == [1]
    assert people.boxes.tolist() == boxes[:1].tolist()
    assert people.times.tolist() == [5.0]
    assert len(people_of([]).ids) == 0
