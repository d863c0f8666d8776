"""Where road users are on the ground, and how they move there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.measures.measure import Sight
from passerby.measures.motion import Motion
from passerby.measures.trails import Trails
from passerby.moment import Floats
from synthetic_sights import GROUND, SIZE, START, step
from synthetic_tracks import SIZE as SMALL
from synthetic_tracks import RoadUser, moments

speeds = st.floats(-3.0, 3.0)


def walked(times: Floats, velocity: tuple[float, float], trail: int = 0) -> tuple[Motion, Sight]:
    """Somebody walks steadily to the middle and is in view at some times: the last sight."""
    motion = Motion(GROUND, SIZE)
    for time in times:
        place = np.array([0.0, 20.0]) + (time - times[-1]) * np.array(velocity)
        sight = motion.accept(step(time, place, trails=[trail]))
    return motion, sight


@given(
    gaps=st.lists(
        st.sampled_from([1 / 30, 1 / 25, 0.1, 1 / 7, 1 / 3, 0.8]), min_size=2, max_size=15
    ),
    vx=speeds,
    vy=speeds,
)
def test_steady_motion_has_its_exact_velocity_at_any_frame_rate_and_across_gaps(
    gaps: list[float], vx: float, vy: float
) -> None:
    times = START + np.cumsum([0.0, *gaps])
    _, sight = walked(times, (vx, vy))
    window = times[times >= times[-1] - 1.0]
    if len(window) >= 3 and window[-1] - window[0] > 0.501:
        assert sight.velocity[0] == pytest.approx([vx, vy], abs=1e-5)
    elif len(window) < 3 or window[-1] - window[0] < 0.499:
        assert np.isnan(sight.velocity).all()


@pytest.mark.parametrize("fps", [3, 7, 10, 30])
def test_who_comes_back_has_no_velocity_for_half_a_second_and_then_the_right_one(fps: int) -> None:
    before = START + np.arange(0, 2.001, 1 / fps)
    for shown, known in ((0.4, False), (0.7, True)):
        after = before[-1] + 3 + np.arange(0, shown + 1e-6, 1 / fps)
        _, sight = walked(np.append(before, after), (1.0, -1.0))
        if known:
            assert sight.velocity[0] == pytest.approx([1.0, -1.0], abs=1e-5)
        else:
            assert np.isnan(sight.velocity).all()


def test_shaking_boxes_do_not_make_people_faster() -> None:
    noise = np.random.default_rng(7)
    motion, speeds = Motion(GROUND, SIZE), []
    lanes = np.stack([np.zeros(20), np.linspace(10, 30, 20)], axis=1)
    for frame in range(300):
        time = frame / 10
        places = lanes + np.array([-8 + time * 0.5, 0]) + noise.normal(0, 0.03, lanes.shape)
        speeds.append(np.hypot(*motion.accept(step(START + time, places)).velocity.T))
    # Scatter of σ √(12 / f) = 0.033 m/s raises 0.5 m/s by 0.2 %; differences of frames give 0.67.
    assert np.nanmedian(speeds) == pytest.approx(0.5, rel=0.01)
    assert np.nanstd(speeds) == pytest.approx(0.03 * math.sqrt(12 / 10), rel=0.2)


def test_each_trail_has_its_own_velocity_whoever_else_is_in_view() -> None:
    motion = Motion(GROUND, SIZE)
    for frame in range(20):
        time = frame / 10
        who = [n for n in (5, 2, 9, 7) if n != 9 or frame % 2][:: 1 - 2 * (frame % 2)]
        places = [(n - 5 + n * 0.1 * time, 20 - n * 0.2 * time) for n in who]
        sight = motion.accept(step(START + time, places, trails=who))
    expected = [(n * 0.1, -n * 0.2) for n in who]
    assert sight.velocity == pytest.approx(np.array(expected), abs=1e-5)
    assert sight.metres == pytest.approx(np.array(places), abs=1e-9)


def test_the_bottom_of_the_box_is_on_the_ground_whatever_the_reference() -> None:
    user = RoadUser([(0, 400, 200), (3, 400, 400)])
    for reference in ("ground", "centre"):
        trails, motion = Trails(reference, SMALL, 2.0), Motion(GROUND, SMALL)
        sights = [motion.accept(trails.accept(moment)) for moment in moments([user], seconds=2)]
        feet = np.array([[400.0, 200 + 19 / 10 * 200 / 3]])
        assert sights[-1].metres == pytest.approx(GROUND.to_metres(feet))


def test_who_comes_in_over_the_edge_of_the_picture_is_not_slower_for_that() -> None:
    car = RoadUser([(0, -150, 300), (4, 450, 300)], size=(200.0, 80.0))
    trails, motion = Trails("ground", SMALL, 2.0), Motion(GROUND, SMALL)
    told = [motion.accept(trails.accept(m)) for m in moments([car], seconds=4, clip=True)]
    known = [s.velocity[0] for s in told if np.isfinite(s.velocity).any()]
    ends = GROUND.to_metres(np.array([[0.0, 300.0], [150.0, 300.0]]))
    assert len(known) > 15
    assert known == pytest.approx(np.tile(ends[1] - ends[0], (len(known), 1)), abs=1e-6)


def test_without_ground_nothing_is_known() -> None:
    motion = Motion(None, SIZE)
    for frame in range(20):
        sight = motion.accept(step(START + frame / 10, [(0, frame)]))
    assert np.isnan(sight.metres).all() and np.isnan(sight.velocity).all()
    assert motion.speed_at(0, START + 1) is None


@pytest.mark.parametrize("fps", [7, 10, 30])
def test_speed_at_a_past_time_is_that_of_then(fps: int) -> None:
    # v = 2 t; a window with its middle at the time has the speed of the time as its slope.
    motion = Motion(GROUND, SIZE)
    for frame in range(8 * fps):
        time = frame / fps
        motion.accept(step(START + time, [(0, 5 + time * time if time < 5 else 30)], trails=[3]))
    assert motion.speed_at(3, START + 3) == pytest.approx(6, abs=1e-4)
    assert motion.speed_at(3, START + 6) == pytest.approx(0, abs=1e-6)
    assert motion.speed_at(4, START + 3) is None, "another trail"
    assert motion.speed_at(3, START + 1) is None, "forgotten"


def test_speed_at_the_ends_of_a_trail_takes_what_there_is() -> None:
    times = START + np.arange(0, 3, 0.1)
    motion, _ = walked(times, (1.2, 0.5))
    for time in (times[0], times[-1]):
        assert motion.speed_at(0, time) == pytest.approx(1.3, abs=1e-5)
    assert motion.speed_at(0, times[-1] + 0.1) is None, "0.4 s are too few"


def test_who_is_forgotten_leaves_nothing() -> None:
    motion, _ = walked(START + np.arange(0, 3, 0.1), (1.0, 0.0), trail=1)
    for frame in range(100):
        motion.accept(step(START + 3 + frame / 10, [(1, 20)], trails=[2]))
    assert all(1 not in past.trails for past in motion._past)
