"""How many road users are in a zone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerby.measurement import Measurement
from passerby.moment import Moment
from passerby.site import make_camera
from synthetic_tracks import SIZE, RoadUser, measure, moments, walk

SQUARE = make_camera(
    lines={"into": [[0.25, 0.5], [0.75, 0.5]]},
    zones={"square": [[0.25, 0.5], [0.75, 0.5], [0.75, 1.0], [0.25, 1.0]]},
)


def stands(begin: float, end: float, number: int, x: float = 400, y: float = 400) -> RoadUser:
    return RoadUser([(begin, x, y), (end, x, y)], [(-math.inf, number)])


def occupancy(told: list[Moment]) -> dict[tuple[str, int], Measurement]:
    """People: rows by kind and minute."""
    return {
        (row.kind, row.start.minute): row
        for row in measure(told, SQUARE)
        if row.place == "square" and row.class_ == "person"
    }


def test_mean_is_weighted_by_time_and_maximum_is_of_people_at_once() -> None:
    users = [stands(0, 29.95, 1), stands(10, 24.95, 2, x=300), stands(0, 60, 3, x=100)]
    rows = occupancy(moments(users, seconds=60))
    mean, peak = rows["occupancy_mean", 0], rows["occupancy_max", 0]
    assert mean.value == pytest.approx((30 + 15) / 60)
    assert (peak.value, mean.n, peak.n) == (2, 2, 2)


def test_mean_does_not_depend_on_how_often_somebody_looks() -> None:
    # Ten frames a second while somebody is there, one a second afterwards.
    often = moments([stands(0, 29.95, 1)], seconds=30)
    seldom = [replace(m, time=m.time + 30) for m in moments([], seconds=30, fps=1)]
    assert occupancy(often + seldom)["occupancy_mean", 0].value == pytest.approx(0.5)


def test_one_frame_seen_double_makes_no_maximum() -> None:
    glimpse = stands(10.2, 10.35, 2, x=300)
    rows = occupancy(moments([stands(0, 60, 1), glimpse], seconds=60))
    assert rows["occupancy_max", 0].value == 1


def test_the_second_before_an_interval_ends_belongs_to_it() -> None:
    rows = occupancy(moments([stands(59, 59.95, 1)], seconds=120))
    assert rows["occupancy_max", 0].value == 1
    assert rows["occupancy_mean", 0].value == pytest.approx(1 / 60)
    assert rows["occupancy_max", 1].value == 0


def test_who_is_bridged_is_there() -> None:
    told = moments([stands(0, 60, 1)], seconds=60)
    told[100:115] = [replace(m, scores=m.scores * 0) for m in told[100:115]]
    assert occupancy(told)["occupancy_mean", 0].value == pytest.approx(1)


def test_a_box_that_the_edge_cuts_off_is_in_the_zone_as_long_as_it_is_seen() -> None:
    out = walk((400, 400), (400, 690))
    rows = occupancy(moments([out], seconds=60, clip=True))
    assert rows["occupancy_mean", 0].value == pytest.approx(out.path[-1][0] / 60, abs=0.2 / 60)


def test_two_identities_of_one_box_are_one() -> None:
    rows = occupancy(moments([stands(0, 60, 1), stands(5, 60, 2)], seconds=60))
    assert rows["occupancy_mean", 0].value == pytest.approx(1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.integers(0, SIZE[0]), st.integers(0, SIZE[1]), st.floats(0, 55), st.floats(1, 15)
        ),
        max_size=5,
    )
)
def test_occupancy_is_never_negative_and_its_mean_never_above_who_was_there(
    stays: list[tuple[int, int, float, float]],
) -> None:
    users = [stands(begin, begin + stay, n, x, y) for n, (x, y, begin, stay) in enumerate(stays)]
    rows = occupancy(moments(users, seconds=65, fps=3))
    for (kind, minute), row in rows.items():
        assert row.value is not None
        assert row.n is not None
        assert 0 <= row.value <= row.n
        if kind == "occupancy_mean":
            assert (row.value > 0) == (row.n > 0)
            assert (rows["occupancy_max", minute].value or 0) <= len(stays)


def test_crossings_into_a_zone_and_its_occupancy_agree() -> None:
    users = [walk((300 + 30 * n, 200), (300 + 30 * n, 400), begin=n, number=n) for n in range(8)]
    users = [
        replace(user, path=[*user.path, (90 + n, *user.path[-1][1:])])
        for n, user in enumerate(users)
    ]
    told = moments(users, seconds=90)
    entered = sum(row.value or 0 for row in measure(told, SQUARE) if row.direction == "forward")
    assert entered == 8
    assert occupancy(told)["occupancy_max", 1].value == 8
