"""Turning movements: who crossed one line and later another."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.measures.crossings import Crossing
from passerby.measures.movements import Movements
from passerby.site import make_camera
from synthetic_tracks import RoadUser, camera, measure, moments, totals, walk

_lines = camera(top=(100, 200, 700, 200), low=(100, 400, 700, 400), side=(700, 500, 700, 100))
JUNCTION = make_camera(
    lines=_lines.lines,
    movements={"through": ("top", "low"), "back": ("low", "top"), "turn": ("top", "side")},
)


def movements(*users: RoadUser) -> dict[str, int]:
    rows = measure(moments(users), JUNCTION)
    return {place: count for (place, _), count in totals(rows, "movement").items()}


def test_a_movement_needs_both_lines_in_order() -> None:
    assert movements(walk((400, 150), (400, 450))) == {"through": 1}
    assert movements(walk((400, 450), (400, 150))) == {"back": 1}
    assert movements(walk((400, 150), (400, 350))) == {}
    assert movements(walk((400, 250), (400, 450))) == {}
    assert movements(RoadUser([(0, 400, 150), (2, 400, 300), (7, 760, 300)])) == {"turn": 1}


def test_a_movement_survives_a_switch_of_identity() -> None:
    path = [(0, 400, 150), (4, 400, 450)]
    switched = RoadUser(path, ids=[(-math.inf, 1), (2.0, 2)], hidden=[(2.0, 3.0)])
    assert movements(switched) == {"through": 1}


def test_one_origin_crossing_makes_one_movement() -> None:
    twice = [(0, 400, 150), (4, 400, 450), (5, 400, 350), (6, 400, 450)]
    assert movements(RoadUser(twice)) == {"through": 1}


def test_two_road_users_do_not_make_a_movement_together() -> None:
    assert (
        movements(
            RoadUser([(0, 400, 150), (2, 400, 300)], ids=[(-math.inf, 1)]),
            RoadUser([(9, 400, 300), (11, 400, 450)], ids=[(-math.inf, 2)]),
        )
        == {}
    )


def test_a_movement_belongs_to_the_interval_of_its_destination_crossing() -> None:
    user = RoadUser([(50, 400, 150), (58, 400, 300), (62, 400, 450)])
    rows = [row for row in measure(moments([user]), JUNCTION) if row.value]
    (movement,) = [row for row in rows if row.kind == "movement"]
    (destination,) = [row for row in rows if row.place == "low"]
    assert movement.start == destination.start
    assert movement.start.minute == 1


def test_a_movement_has_the_class_of_its_crossings() -> None:
    user = RoadUser([(0, 400, 150), (4, 400, 450)], classes=[(-math.inf, "car"), (0.5, "truck")])
    rows = [row for row in measure(moments([user]), JUNCTION) if row.value]
    assert {(row.place, row.class_) for row in rows} == {
        ("top", "truck"),
        ("low", "truck"),
        ("through", "truck"),
    }


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_lines_may_decide_in_any_order(order: tuple[int, ...]) -> None:
    made = Movements({"through": ("a", "b"), "onwards": ("b", "c")})
    crossings = [Crossing(line, 7, True, time) for time, line in enumerate("abc")]
    found = [movement for i in order for movement in made.accept(crossings[i])]
    assert sorted((m.movement, m.time) for m in found) == [("onwards", 2), ("through", 1)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 2))))
def test_there_are_never_more_movements_than_crossings_of_either_line(
    told: list[tuple[str, int]],
) -> None:
    made = Movements({"through": ("a", "b")})
    found = 0
    for time, (line, trail) in enumerate(told):
        found += len(made.accept(Crossing(line, trail, True, time)))
        lines = [line for line, _ in told[: time + 1]]
        assert found <= min(lines.count("a"), lines.count("b"))
