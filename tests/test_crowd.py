"""The simulated crowds of bench/ are what they say they are, and so are the boxes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import shapely

import truth
from crowd import RATE, Scene, bottleneck, corridor, queue
from passerby.geometry import reference_points
from passerby.ground import Ground
from projection import NO_FAULTS, Faults, View, bodies, look, moments

VIEW = View.of((10.0, 2.0), height=6.0, tilt=35.0, azimuth=20.0)


@pytest.fixture(scope="module")
def walk() -> Scene:
    return corridor(1.0, seconds=20.0)


def still(*points: tuple[float, float], seconds: float = 1.0) -> Scene:
    """People who stand for a while."""
    count = round(seconds * RATE)
    return Scene(
        "still",
        np.repeat(np.arange(count), len(points)),
        np.tile(np.arange(len(points)), count),
        np.tile(np.array(points), (count, 1)),
        seconds,
        shapely.box(0, 0, 20, 4),
        np.array([(7.0, 0.0), (13.0, 0.0), (13.0, 4.0), (7.0, 4.0)]),
        np.array([(10.0, 0.0), (10.0, 4.0)]),
    )


def test_same_arguments_give_the_same_scene_and_another_seed_another(walk: Scene) -> None:
    again, other = corridor(1.0, seconds=20.0), corridor(1.0, seconds=20.0, seed=2)
    np.testing.assert_array_equal(walk.points, again.points)
    assert len(walk.points) != len(other.points) or not np.allclose(walk.points, other.points)


@pytest.mark.parametrize("density", [0.5, 2.0, 3.0])
def test_corridor_is_as_dense_as_was_asked(density: float) -> None:
    assert truth.density(corridor(density, seconds=15.0)) == pytest.approx(density, rel=0.1)


def test_flow_is_density_times_speed_times_width(walk: Scene) -> None:
    forward, backward = truth.crossings(walk)
    expected = truth.density(walk) * truth.speeds(walk).mean() * 4.0
    assert backward == 0
    assert forward / walk.seconds == pytest.approx(expected, rel=0.1)


def test_counter_flow_goes_both_ways() -> None:
    forward, backward = truth.crossings(corridor(0.5, backward=0.5, seconds=20.0))
    assert min(forward, backward) > 0.25 * (forward + backward)


@pytest.mark.parametrize(
    "make", [lambda: corridor(2.0, seconds=5.0), lambda: bottleneck(60, seconds=20.0)]
)
def test_nobody_leaves_the_walkable_ground_or_jumps(make: Callable[[], Scene]) -> None:
    scene = make()
    inside = shapely.contains_xy(scene.walkable, scene.points[:, 0], scene.points[:, 1])
    order = np.lexsort([scene.frames, scene.ids])
    same = np.diff(scene.ids[order]) == 0
    steps = np.linalg.norm(np.diff(scene.points[order], axis=0), axis=1)[same]
    assert inside.all()
    assert (np.diff(scene.frames[order])[same] == 1).all()
    assert steps.max() < 0.25  # 2.5 m/s


def test_gates_serve_at_the_rate_that_is_known() -> None:
    scene = queue(0.4, arrivals=0.6, seconds=120.0)  # somebody always waits
    served, _ = truth.crossings(scene)
    assert served == pytest.approx(0.4 * 120, rel=0.1)


def test_wait_is_from_slowing_down_to_the_head() -> None:
    # Walks in at 1 m/s, stands from the 15th to the 45th second, and walks out across the line.
    times = np.arange(0, 150, 1 / RATE)
    along = np.interp(times, [0, 5, 15, 45, 55], [-5, 0, 10, 10, 20])
    scene = Scene(
        "one",
        np.arange(len(times)),
        np.zeros(len(times), np.int64),
        np.column_stack([along, np.full(len(times), 2.0)]),
        150.0,
        shapely.box(-5, 0, 20, 4),
        np.array([(0.0, 0.0), (12.0, 0.0), (12.0, 4.0), (0.0, 4.0)]),
        np.array([(12.0, 0.0), (12.0, 4.0)]),
    )
    assert truth.crossings(scene) == (1, 0)
    np.testing.assert_allclose(truth.waits(scene), [32.0], atol=0.5)


def test_the_middle_of_the_picture_is_the_point_that_was_asked_for() -> None:
    np.testing.assert_allclose(VIEW.project(np.array([[10.0, 2.0, 0.0]]))[0], [[640, 360]])
    np.testing.assert_allclose(Ground(VIEW.homography).to_metres([[640, 360]]), [[10.0, 2.0]])
    # Whoever is to the left of the way is to the left in the picture, and a head is above its feet.
    (left, right), _ = VIEW.project(np.array([[10.0, 3.0, 0.0], [10.0, 1.0, 0.0]]))
    (foot, head), _ = VIEW.project(np.array([[10.0, 2.0, 0.0], [10.0, 2.0, 1.7]]))
    assert left[0] < right[0]
    assert head[1] < foot[1]


def test_a_box_holds_its_body_and_its_lower_edge_is_where_that_stands() -> None:
    places = np.array([[9.0, 1.0], [10.0, 2.0], [12.0, 3.0]])
    (frame, *_) = look(still(*map(tuple, places)), VIEW, NO_FAULTS)
    feet = Ground(VIEW.homography).to_metres(reference_points(frame.boxes, "ground"))
    np.testing.assert_allclose(frame.points, places)
    assert np.abs(feet[1] - places[1]).max() < 0.01  # upright in the picture
    assert np.linalg.norm(feet - places, axis=1).max() < 0.25  # others lean
    outline, _ = VIEW.project(bodies(places, np.full(3, 1.7)))
    assert (outline[:, 0, 1] <= outline.max(axis=1)[:, 1]).all()


def test_only_who_is_hidden_is_missed() -> None:
    away = np.array([np.cos(np.radians(20)), np.sin(np.radians(20))])
    front = np.array([9.0, 2.0])
    scene = still(tuple(front), tuple(front + 0.3 * away), tuple(front + 4 * away), seconds=5.0)
    faults = Faults(jitter=0.0, switch_seconds=None)
    seen = np.concatenate([frame.ids for frame in look(scene, VIEW, faults)])
    frames = scene.count
    shares = np.bincount(seen, minlength=3) / frames
    assert shares[0] == shares[2] == 1
    assert shares[1] < 0.6
    everybody = np.concatenate([frame.ids for frame in look(scene, VIEW, NO_FAULTS)])
    assert len(everybody) == 3 * frames


def test_boxes_jitter_by_so_many_pixels() -> None:
    scene = still((10.0, 2.0), seconds=60.0)
    faults = Faults(misses=False, jitter=3.0)
    boxes = np.concatenate([frame.boxes for frame in look(scene, VIEW, faults)])
    sizes = boxes[:, 2:] - boxes[:, :2]
    spread = np.concatenate([reference_points(boxes, "ground"), sizes], axis=1).std(axis=0)
    np.testing.assert_allclose(spread, 3.0, rtol=0.15)


def test_identities_switch_as_often_as_was_asked(walk: Scene) -> None:
    frames = look(walk, VIEW, NO_FAULTS)
    told = moments(frames, Faults(switch_seconds=5.0))
    now: dict[int, int] = {}
    switches = person_frames = 0
    for seen, moment in zip(frames, told, strict=True):
        assert len(set(moment.ids.tolist())) == len(moment)
        np.testing.assert_array_equal(seen.boxes, moment.boxes)
        for who, identity in zip(seen.ids.tolist(), moment.ids.tolist(), strict=True):
            switches += now.get(who, identity) != identity
            now[who] = identity
        person_frames += len(moment)
    assert person_frames / RATE / switches == pytest.approx(5.0, rel=0.2)


def test_crowds_are_seen_as_far_as_a_camera_can(walk: Scene) -> None:
    """The lower a camera, the more people hide others."""
    shares = []
    for height, tilt in ((8.0, 45.0), (6.0, 35.0), (4.0, 20.0)):
        view = View.of((10.0, 2.0), height=height, tilt=tilt)
        seen = look(walk, view, Faults(jitter=0.0))[::10]
        all_ = look(walk, view, NO_FAULTS)[::10]
        shares.append(sum(len(f.ids) for f in seen) / sum(len(f.ids) for f in all_))
    assert shares[0] > shares[1] > shares[2]
    assert shares[0] > 0.9
