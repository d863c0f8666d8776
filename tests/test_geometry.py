"""Segments, polygons and boxes: plain cases by hand, and properties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from passerby.geometry import Polygon, Segment, areas, intersections, reference_points

points = st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000))


def signs(segment: Segment, *steps: tuple[float, float]) -> list[int]:
    """The crossings of one path, step by step."""
    path = np.array(steps, float)
    return [int(sign) for sign in segment.crossed(path[:-1], path[1:]).signs]


def test_forward_is_to_the_right_of_the_direction() -> None:
    assert signs(Segment((0, 0), (10, 0)), (5, -1), (5, 1)) == [1]
    assert signs(Segment((10, 0), (0, 0)), (5, -1), (5, 1)) == [-1]
    assert signs(Segment((0, 0), (0, 10)), (1, 5), (-1, 5)) == [1]


def test_distance_is_in_pixels_and_positive_on_the_forward_side() -> None:
    segment = Segment((0, 0), (0, -40))
    assert segment.distance(np.array([[5, 9], [-5, 9], [0, 7]])).tolist() == [5, -5, 0]


def test_steps_that_meet_on_the_line_cross_it_once() -> None:
    segment = Segment((0, 0), (10, 0))
    assert signs(segment, (5, -1), (5, 0), (5, 1)) == [0, 1]
    assert signs(segment, (5, 1), (5, 0), (5, -1)) == [-1, 0]
    assert signs(segment, (5, -1), (5, 0), (5, -1)) == [0, 0]
    assert signs(segment, (5, 0), (7, 0)) == [0]


def test_the_share_is_where_the_step_meets_the_line() -> None:
    crossed = Segment((0, 0), (10, 0)).crossed(np.array([[5.0, -1.0]]), np.array([[5.0, 3.0]]))
    assert crossed.shares.tolist() == [0.25]


@settings(deadline=None)
@given(a=points, b=points, path=st.lists(points, min_size=2, max_size=12))
def test_a_path_crosses_in_turns(
    a: tuple[float, float], b: tuple[float, float], path: list[tuple[float, float]]
) -> None:
    # A segment so long that nobody walks around it.
    direction = np.subtract(b, a)
    assume(np.hypot(*direction) > 1)
    far = direction / np.hypot(*direction) * 1e5
    made = [sign for sign in signs(Segment(a - far, b + far), *path) if sign]
    assert all(one == -other for one, other in itertools.pairwise(made))


@settings(deadline=None)
@given(a=points, b=points, one=points, other=points)
def test_a_turned_segment_and_a_step_back_count_the_other_way(
    a: tuple[float, float],
    b: tuple[float, float],
    one: tuple[float, float],
    other: tuple[float, float],
) -> None:
    assume(np.hypot(*np.subtract(b, a)) > 1)
    segment = Segment(a, b)
    assume(np.abs(segment.distance(np.array([one, other]))).min() > 1e-6)
    (sign,) = signs(segment, one, other)
    assert signs(segment, other, one) == [-sign]
    assert signs(Segment(b, a), one, other) == [-sign]


@settings(deadline=None)
@given(
    share=st.floats(0.01, 0.99),
    start=st.tuples(st.floats(-1000, 1000), st.floats(-1000, -1)),
    end=st.tuples(st.floats(-1000, 1000), st.floats(1, 1000)),
)
def test_two_segments_that_share_an_end_leave_no_slit(
    share: float, start: tuple[float, float], end: tuple[float, float]
) -> None:
    middle = (-2000 + 4000 * share, 0.0)
    parts = [Segment((-2000, 0), middle), Segment(middle, (2000, 0))]
    assert sum(signs(part, start, end)[0] for part in parts) >= 1


def test_a_segment_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="different ends"):
        Segment((1, 2), (1, 2))


def test_the_edge_of_a_polygon_belongs_to_it() -> None:
    corner = Polygon([(0, 0), (10, 0), (10, 10), (5, 5), (0, 10)])
    inside = np.array([[5.0, 2.0], [0.0, 5.0], [5.0, 5.0], [5.0, 8.0], [11.0, 1.0]])
    assert corner.holds(inside).tolist() == [True, True, True, False, False]
    assert corner.holds(np.zeros((0, 2))).tolist() == []


def test_reference_points() -> None:
    box = np.array([[0.0, 10.0, 20.0, 50.0]])
    assert reference_points(box, "ground").tolist() == [[10.0, 50.0]]
    assert reference_points(box, "centre").tolist() == [[10.0, 30.0]]


def test_shared_areas() -> None:
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [5.0, 5.0, 15.0, 25.0], [20.0, 0.0, 30.0, 10.0]])
    assert intersections(boxes, boxes).tolist() == [
        [100.0, 25.0, 0.0],
        [25.0, 200.0, 0.0],
        [0.0, 0.0, 100.0],
    ]
    assert areas(boxes).tolist() == [100.0, 200.0, 100.0]
