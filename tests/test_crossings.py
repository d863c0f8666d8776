"""Invariants of counting at lines: each of them is a bug report of somebody else's tool."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from passerby.site import Camera
from synthetic_tracks import (
    GATE,
    HEIGHT,
    SIZE,
    WALK,
    RoadUser,
    camera,
    measure,
    measures,
    moments,
    passed,
    totals,
    walk,
)

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])

DOWN = walk((400, 200), (400, 400))
UP = walk((400, 400), (400, 200))
AT_LINE = 100 / WALK  # when DOWN and UP are on the gate
NEVER = -math.inf

stops = st.floats(0.0, 6.0)
offsets = st.floats(-20.0, 20.0)  # pixels beyond the gate, less than a quarter of a height


def halt(beyond: float, seconds: float) -> RoadUser:
    """Who walks down to ``beyond`` pixels past the gate, stands there, and walks on."""
    arrive = (100 + beyond) / WALK
    return RoadUser(
        [
            (0, 400, 200),
            (arrive, 400, 300 + beyond),
            (arrive + seconds, 400, 300 + beyond),
            (200 / WALK + seconds, 400, 400),
        ]
    )


# Once each


def test_who_passes_is_counted_once_in_the_direction() -> None:
    assert passed([DOWN]) == (1, 0)
    assert passed([UP]) == (0, 1)


@pytest.mark.parametrize(
    ("line", "start", "end"),
    [
        ((100, 300, 700, 300), (400, 200), (400, 400)),  # left to right: forward is down
        ((700, 300, 100, 300), (400, 400), (400, 200)),  # right to left: forward is up
        ((400, 100, 400, 500), (500, 300), (300, 300)),  # downwards: forward is to the left
        ((400, 500, 400, 100), (300, 300), (500, 300)),  # upwards: forward is to the right
        ((200, 100, 600, 500), (500, 200), (300, 400)),  # diagonal: forward is down and left
        ((600, 500, 200, 100), (300, 400), (500, 200)),
    ],
)
def test_forward_is_from_the_left_of_the_line_to_its_right(
    line: tuple[float, float, float, float], start: tuple[float, float], end: tuple[float, float]
) -> None:
    assert passed([walk(start, end)], camera(line=line)) == (1, 0)
    assert passed([walk(end, start)], camera(line=line)) == (0, 1)


@few
@given(beyond=offsets, seconds=stops, sway=st.floats(0.0, 24.0))
def test_who_stops_and_sways_on_the_line_is_counted_once(
    beyond: float, seconds: float, sway: float
) -> None:
    assume(abs(beyond) + sway < HEIGHT / 4)
    assert passed([replace(halt(beyond, seconds), sway=sway)]) == (1, 0)


def test_who_stops_exactly_on_the_line_is_counted_once() -> None:
    assert passed([halt(0.0, 5.0)]) == (1, 0)
    back = halt(0.0, 5.0)
    times = [time for time, _, _ in back.path]
    upwards = [(t, x, y) for t, (_, x, y) in zip(times, reversed(back.path), strict=True)]
    assert passed([RoadUser(upwards)]) == (0, 1)


@few
@given(beyond=offsets, seconds=stops, sway=st.floats(0.0, 24.0))
def test_who_turns_back_at_the_line_has_not_crossed(
    beyond: float, seconds: float, sway: float
) -> None:
    assume(abs(beyond) + sway < HEIGHT / 4)
    path = [*halt(beyond, seconds).path[:3], (4 + seconds, 400, 200)]
    assert passed([RoadUser(path, sway=sway)]) == (0, 0)


def test_a_turn_beyond_the_line_is_one_each_way() -> None:
    path = [(0, 400, 200), (2, 400, 360), (4, 400, 200)]
    assert passed([RoadUser(path)]) == (1, 1)


@few
@given(begin=st.floats(0.1, 1.4), missing=st.integers(0, 19))
def test_who_flickers_up_to_the_bridging_time_is_counted_once(begin: float, missing: int) -> None:
    # 19 missing frames at 10 a second are 2 s from the last seen to the next.
    user = walk((400, 200), (400, 500))
    assert passed([replace(user, hidden=[(begin, begin + missing / 10)])]) == (1, 0)


def test_who_flickers_again_and_again_on_the_line_is_counted_once() -> None:
    hidden = [(time, time + 1.8) for time in range(1, 12, 2)]
    assert passed([replace(halt(3.0, 12.0), hidden=hidden, sway=10.0)]) == (1, 0)


def test_who_is_out_of_sight_for_longer_is_another() -> None:
    user = walk((400, 200), (400, 500))
    assert passed([replace(user, hidden=[(0.55, 2.45)])]) == (1, 0)
    assert passed([replace(user, hidden=[(0.55, 2.55)])]) == (0, 0)


# Identities


@few
@given(
    switch=st.floats(0.3, 2.2),
    gap=st.floats(0.0, 1.8),
    others=st.lists(st.sampled_from([-130, -60, 60, 130]), unique=True, max_size=3),
)
def test_a_switch_of_identity_at_the_line_is_still_one(
    switch: float, gap: float, others: list[int]
) -> None:
    user = replace(DOWN, ids=[(NEVER, 1), (switch, 9)], hidden=[(switch, switch + gap)])
    assume(switch + gap < DOWN.path[-1][0] - 0.2)
    beside = [walk((400 + x, 230), (400 + x, 430), number=n) for n, x in enumerate(others, start=2)]
    assert passed([user, *beside]) == (1 + len(others), 0)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("since", [0.5, 0.9, 1.2, 1.3, 1.6])
def test_an_identity_that_begins_before_the_old_one_ends_is_still_one(
    since: float, seconds: float
) -> None:
    old = replace(DOWN, hidden=[(since + seconds, 99)])
    new = replace(DOWN, ids=[(NEVER, 2)], hidden=[(0, since)])
    assert passed([old, new]) == (1, 0)


def test_who_stands_on_the_line_under_many_identities_is_one() -> None:
    ids = [(NEVER, 1), *((float(time), time) for time in range(2, 14))]
    assert passed([replace(halt(0.0, 12.0), ids=ids, sway=15.0)]) == (1, 0)


def test_a_switch_while_two_meet_on_the_line_is_one_each_way() -> None:
    # Both change their identity where they meet, and come out of it in the other order.
    down = replace(DOWN, ids=[(NEVER, 1), (1.0, 8)], hidden=[(1.0, 1.6)])
    up = replace(UP, ids=[(NEVER, 2), (1.0, 7)], hidden=[(1.0, 1.6)])
    assert passed([down, up]) == (1, 1)


def test_a_good_continuation_is_not_given_up_for_two_bad_ones() -> None:
    switched = replace(DOWN, ids=[(NEVER, 1), (1.0, 9)], hidden=[(1.0, 1.3)])
    gone = RoadUser([(0, 440, 260), (0.9, 440, 260)], [(NEVER, 2)])
    begins = RoadUser([(1.3, 360, 330), (4, 360, 330)], [(NEVER, 3)])
    assert passed([switched, gone, begins]) == (1, 0)


@pytest.mark.parametrize("delay", [0.2, 0.5, 1.0, 1.5])
def test_who_comes_in_where_another_went_out_is_another(delay: float) -> None:
    edge = camera(edge=(0, 590, 800, 590))
    out = walk((400, 450), (400, 650))  # no longer found when half of it is out of the picture
    into = walk((400, 650), (400, 450), begin=out.path[-1][0] + delay, number=2)
    assert passed([out, into], edge, clip=True) == (1, 1)


# Several


def test_two_abreast_are_two() -> None:
    assert passed([DOWN, walk((430, 200), (430, 400), number=2)]) == (2, 0)


@few
@given(switch=st.floats(0.1, 2.4), apart=st.floats(15.0, 60.0), behind=st.floats(0.0, 20.0))
def test_two_abreast_who_swap_identities_are_two(
    switch: float, apart: float, behind: float
) -> None:
    other = walk((400 + apart, 200 - behind), (400 + apart, 400 - behind), number=2)
    one = replace(DOWN, ids=[(NEVER, 1), (switch, 2)])
    assert passed([one, replace(other, ids=[(NEVER, 2), (switch, 1)])]) == (2, 0)


def test_two_who_meet_on_the_line_are_one_each_way() -> None:
    assert passed([DOWN, replace(UP, ids=[(NEVER, 2)])]) == (1, 1)


@few
@given(ways=st.lists(st.booleans(), max_size=8), begins=st.lists(st.floats(0, 5), min_size=8))
def test_a_crowd_is_counted_head_by_head(ways: list[bool], begins: list[float]) -> None:
    users = [
        walk((x, 200), (x, 400), begin=begin, number=n)
        if down
        else walk((x, 400), (x, 200), begin=begin, number=n)
        for n, (down, begin, x) in enumerate(zip(ways, begins, range(120, 700, 70), strict=False))
    ]
    assert passed(users) == (sum(ways), len(ways) - sum(ways))


# Where a line is


def test_a_segment_counts_only_where_it_is() -> None:
    assert passed([walk((90, 200), (90, 400))]) == (0, 0)
    assert passed([walk((110, 200), (110, 400))]) == (1, 0)


def test_who_walks_around_the_end_has_crossed_where_the_line_is() -> None:
    around = [(0, 150, 200), (2, 150, 400), (4, 50, 400), (6, 50, 200)]
    assert passed([RoadUser(around)]) == (1, 0)
    again = [*around, (8, 150, 200), (10, 150, 400)]
    assert passed([RoadUser(again)]) == (2, 0)
    outside = [(0, 50, 200), (2, 50, 400), (4, 150, 400), (6, 150, 200)]
    assert passed([RoadUser(outside)]) == (0, 1)


def test_who_steps_over_the_line_and_back_around_its_end_has_not_crossed() -> None:
    path = [(0, 110, 250), (1, 110, 310), (2, 80, 310), (3, 80, 200)]
    assert passed([RoadUser(path)]) == (0, 0)


@few
@given(
    start=st.tuples(st.floats(0, 800), st.floats(100, 600)),
    end=st.tuples(st.floats(0, 800), st.floats(100, 600)),
    speed=st.floats(30, 300),
)
def test_a_straight_path_is_counted_where_it_meets_the_segment(
    start: tuple[float, float], end: tuple[float, float], speed: float
) -> None:
    assume(math.dist(start, end) > 50)
    at = (300 - start[1]) / (end[1] - start[1]) if end[1] != start[1] else math.inf
    assume(all(abs(y - 300) > 26 for _, y in (start, end)))
    x = start[0] + at * (end[0] - start[0])
    assume(min(abs(x - 100), abs(x - 700)) > 1)
    met = 0 < at < 1 and 100 < x < 700
    forward = end[1] > start[1]
    assert passed([walk(start, end, speed=speed)]) == (met and forward, met and not forward)


# The edge of the picture


@pytest.mark.parametrize("margin", [2, 10, 30])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("size", [(40, 100), (300, 260)])
def test_a_line_at_the_edge_of_the_picture_counts(
    margin: float, clip: bool, size: tuple[float, float]
) -> None:
    width, height = SIZE
    ways: dict[str, tuple[tuple[float, float, float, float], tuple[float, float]]] = {
        "bottom": ((0, height - margin, width, height - margin), (400, 1000)),
        "left": ((margin, 0, margin, height), (-200, 400)),
        "right": ((width - margin, height, width - margin, 0), (1000, 400)),
        "top": ((width, margin + 10, 0, margin + 10), (400, -10)),
    }
    for line, outside in ways.values():
        users = [replace(walk((400, 400), outside, speed=100), size=size)]
        assert passed(users, camera(edge=line), clip=clip) == (1, 0)


@pytest.mark.parametrize(("visible", "crossed"), [(0.3, 1), (0.5, 1), (0.8, 0)])
def test_a_bus_that_is_lost_while_it_leaves_over_a_line_at_the_side_counts(
    visible: float, crossed: int
) -> None:
    bus = replace(walk((400, 400), (1000, 400), speed=150), size=(300, 150))
    lost = (950 - visible * 300 - 400) / 150
    edge = camera(edge=(770, 600, 770, 0))
    assert passed([replace(bus, hidden=[(lost, 99)])], edge, clip=True) == (crossed, 0)


def test_who_ends_beyond_the_line_has_crossed_and_who_ends_before_it_has_not() -> None:
    assert passed([walk((400, 200), (400, 310))]) == (1, 0)
    assert passed([walk((400, 200), (400, 299))]) == (0, 0)


def test_who_begins_beyond_the_line_has_not_crossed() -> None:
    assert passed([walk((400, 301), (400, 500))]) == (0, 0)


# The end of the recording


def test_one_box_beyond_the_line_in_the_last_frame_is_no_crossing() -> None:
    told = moments([DOWN], seconds=AT_LINE + 0.1)  # one frame beyond
    assert told[-1].boxes[0, 3] > 300 >= told[-2].boxes[0, 3]
    assert totals(measure(told)) == {}
    told = moments([DOWN], seconds=AT_LINE + 0.2)  # two
    assert totals(measure(told)) == {("gate", "forward"): 1}


def test_who_left_over_the_line_just_before_the_recording_ends_is_counted() -> None:
    one_beyond = walk((400, 200), (400, 304))
    told = moments([one_beyond], seconds=one_beyond.path[-1][0] + 1)
    assert totals(measure(told)) == {("gate", "forward"): 1}


# Sampling


users_for_sampling = st.builds(
    lambda x, dx, down, speed, begin, height: replace(
        walk((x, 150), (x + dx, 450), speed=speed, begin=begin)
        if down
        else walk((x + dx, 450), (x, 150), speed=speed, begin=begin),
        size=(height / 3, height),
    ),
    st.floats(0, 750),
    st.floats(-150, 150),
    st.booleans(),
    st.floats(60, 200),
    st.floats(0, 1),
    st.floats(30, 300),
)


@few
@given(
    users=st.lists(users_for_sampling, min_size=1, max_size=3),
    every=st.sampled_from([2, 3]),
)
def test_analysing_every_second_or_third_frame_does_not_change_the_counts(
    users: list[RoadUser], every: int
) -> None:
    # Nobody near another: these are identified, and nobody is taken for somebody else's trail.
    users = [
        replace(user, ids=[(NEVER, n)], path=[(t + 12 * n, x, y) for t, x, y in user.path])
        for n, user in enumerate(users)
    ]
    every_frame, sampled = (measure(moments(users, every=e)) for e in (1, every))
    assert totals(sampled) == totals(every_frame)


def test_frames_farther_apart_than_the_bridging_time_still_make_steps() -> None:
    slow = walk((400, 200), (400, 400), speed=10)
    told = moments([slow], fps=1 / 3)
    assert totals(measure(told)) == {("gate", "forward"): 1}
    assert totals(measure(moments([DOWN]), bridge_seconds=0)) == {("gate", "forward"): 1}


# When, and what


def test_a_crossing_is_counted_a_quarter_of_the_height_beyond() -> None:
    for beyond, decided in ((24.0, False), (26.0, True)):
        user = RoadUser([(0, 400, 200), (2, 400, 300 + beyond), (70, 400, 300 + beyond)])
        counter = measures(GATE)
        rows = [row for m in moments([user], seconds=70) for row in counter.accept(m)]
        assert bool(totals(rows)) is decided


@pytest.mark.parametrize(("fps", "every"), [(10, 1), (10, 3), (1, 1)])
def test_the_time_of_a_crossing_is_interpolated(fps: float, every: int) -> None:
    # On the gate at 59.9 s and at 60.1 s, however seldom somebody looks.
    for at, minute in ((59.9, 0), (60.1, 1)):
        user = walk((400, 200), (400, 400), begin=at - AT_LINE)
        rows = measure(moments([user], fps=fps, every=every))
        (row,) = [r for r in rows if r.value and r.kind == "crossings"]
        assert row.start.minute == minute


def test_the_class_is_fixed_by_vote_one_bridging_time_after_the_crossing() -> None:
    path = [(0, 400, 200), (1, 400, 300), (2, 400, 350), (30, 400, 350)]
    for turns, expected in ((1.5, "truck"), (1.9, "car"), (5.0, "car")):
        # From 1.5 s on it is a truck: at 1 + 2 s that is as often as it was a car before.
        user = RoadUser(path, classes=[(NEVER, "car"), (turns - 0.05, "truck")])
        rows = measure(moments([user]))
        assert [r.class_ for r in rows if r.value and r.kind == "crossings"] == [expected]


def test_the_reference_point_may_be_the_centre() -> None:
    high = Camera(lines=GATE.lines, reference="centre")
    user = walk((400, 200), (400, 330))  # its centre comes to 280 only
    assert passed([user]) == (1, 0)
    assert passed([user], high) == (0, 0)
    assert passed([walk((400, 200), (400, 420))], high) == (1, 0)


def test_lines_are_counted_each_for_itself() -> None:
    both = camera(first=(100, 300, 700, 300), second=(700, 350, 100, 350))
    sums = totals(measure(moments([walk((400, 200), (400, 500))]), both))
    assert sums == {("first", "forward"): 1, ("second", "backward"): 1}
