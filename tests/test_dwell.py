"""How long road users stay in a zone, with those whose stay was not seen whole."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.geometry import Polygon
from passerby.histogram import Histogram
from passerby.measures.dwell import Dwell
from passerby.measures.intervals import Interval, Intervals
from passerby.measures.measure import End, Sight, Span, Value, ZonePlace
from passerby.measures.trails import Trails
from passerby.moment import Moment
from synthetic_tracks import SIZE, RoadUser, moments

CLASSES = ("person", "bicycle")
BRIDGE = 2.0
YARD = Polygon([(100, 200), (700, 200), (700, 500), (100, 500)])
PICTURE = Polygon([(0, 0), (SIZE[0], 0), SIZE, (0, SIZE[1])])

Rows = dict[tuple[str, str], Value]


def watch(told: Iterable[Moment], polygon: Polygon = YARD, *, seconds: int = 3600) -> list[Rows]:
    """The rows of each interval, by kind and class; in the order of CameraMeasures."""
    measure = Dwell(ZonePlace("yard", polygon, None), CLASSES, size=SIZE, bridge_seconds=BRIDGE)
    trails, intervals = Trails("ground", SIZE, BRIDGE), Intervals(seconds, UTC)
    closed: list[Interval] = []

    def to(time: float) -> None:
        in_view = trails.in_view if time == math.inf else frozenset()
        for trail, code, _, seen in trails.ended(time):
            measure.ended(End(trail, code, seen, trail in in_view, intervals.at(seen)))
        measure.tick(time)

    for moment in told:
        to(moment.time)
        intervals.open_until(moment.time)
        closed += intervals.close(moment.time - BRIDGE)
        spans = [Span(*span) for span in intervals.spans(moment.time, moment.seconds)]
        step = trails.accept(moment)
        nowhere = np.full((len(step.trails), 2), np.nan)
        measure.accept(Sight(step, nowhere, nowhere), spans)
    to(math.inf)
    closed += intervals.close(math.inf)
    return [{(v.kind, v.class_): v for v in measure.values(interval)} for interval in closed]


def stays(rows: Rows, class_: str = "person") -> Histogram:
    row = rows["dwell_median", class_]
    assert row.histogram is not None
    held = [*row.histogram.counts.values(), *row.histogram.censored.values()]
    assert sum(held) == row.n == rows["dwell_p90", class_].n
    return row.histogram


def seconds_of(histogram: Histogram) -> tuple[list[int], list[int]]:
    """Bins of the stays that ended, and of those that were cut off."""
    return sorted(histogram.counts), sorted(histogram.censored)


def visitor(enters: float, stay: float, number: int = 1) -> RoadUser:
    """Comes in from the left, stands, and goes out again."""
    y, leaves, ids = 255.0 + number * 14 % 190, enters + stay, [(-math.inf, number)]
    path = [(enters - 0.5, 60.0, y), (enters + 0.5, 140.0, y), (enters + 1, 300.0, y)]
    path += [(leaves - 1, 300.0, y), (leaves - 0.5, 140.0, y), (leaves + 1.5, -20.0, y)]
    return RoadUser(path, ids)


def test_a_stay_lasts_from_the_edge_to_the_edge() -> None:
    times = [5.5, 8.5, 12.5, 20.5, 41.5, 90.5]
    (rows,) = watch(
        moments(visitor(10 * n + 0.05, time, n) for n, time in enumerate(times, start=1))
    )
    histogram = stays(rows)
    assert seconds_of(histogram) == ([5, 8, 12, 20, 41, 90], [])
    assert histogram.total == pytest.approx(sum(times), abs=0.1)
    assert rows["dwell_median", "person"].value == pytest.approx(12.5, abs=0.6)
    assert rows["dwell_p90", "person"].value == pytest.approx(90.5, abs=0.6)
    assert (rows["dwell_median", "bicycle"].value, rows["dwell_median", "bicycle"].n) == (None, 0)


def test_of_few_stays_no_median_is_known() -> None:
    (rows,) = watch(moments(visitor(10 * n, 8.5, n) for n in range(1, 5)))
    assert (rows["dwell_median", "person"].value, rows["dwell_median", "person"].n) == (None, 4)


@pytest.mark.parametrize(
    ("path", "polygon", "expected"),
    [
        # There when watching begins, and gone at 20 s.
        ([(0, 400, 350), (19, 400, 350), (21, 400, 550)], YARD, ([], [])),
        # Found inside half a second later: was there, too.
        ([(0.5, 400, 350), (19, 400, 350), (21, 400, 550)], YARD, ([], [])),
        # Comes up out of nothing in the middle.
        ([(9, 400, 350), (19, 400, 350), (21, 400, 550)], YARD, ([], [])),
        # First seen a step within the edge, and last.
        ([(9, 130, 350), (15, 400, 350), (21.55, 130, 350)], YARD, ([12], [])),
        # Comes in at the edge of the picture, and goes out there.
        ([(9, 30, 350), (15, 400, 350), (21.55, 30, 350)], PICTURE, ([12], [])),
        # Lost in the middle: stayed for 11 s at least.
        ([(8.55, 80, 350), (9.55, 120, 350), (15, 400, 350), (20.1, 400, 350)], YARD, ([], [11])),
        # There when watching ends, and be it at the edge.
        ([(8.55, 80, 350), (9.55, 120, 350), (30, 120, 350)], YARD, ([], [20])),
        # One shaking box.
        (
            [(8, 98, 350), (8.95, 98, 350), (9, 102, 350), (9.05, 98, 350), (12, 98, 350)],
            YARD,
            ([], []),
        ),
    ],
)
def test_who_is_not_seen_to_come_is_excluded_and_who_is_not_seen_to_go_is_cut_off(
    path: list[tuple[float, float, float]],
    polygon: Polygon,
    expected: tuple[list[int], list[int]],
) -> None:
    (rows,) = watch(moments([RoadUser(path)], seconds=30), polygon)
    assert seconds_of(stays(rows)) == expected


@pytest.mark.parametrize(("out", "expected"), [(1.6, [31]), (2.6, [9, 18])])
def test_a_short_exit_ends_no_stay(out: float, expected: list[int]) -> None:
    back = 20 + out
    path = [(9.95, 60, 350), (10.95, 140, 350), (19.5, 140, 350), (20.5, 60, 350)]
    path += [(back - 0.5, 60, 350), (back + 0.5, 140, 350), (41, 140, 350), (42, 60, 350)]
    (rows,) = watch(moments([RoadUser(path)]))
    assert seconds_of(stays(rows)) == (expected, [])


def test_a_gap_cuts_off_who_is_there_and_who_is_met_after_it_is_excluded() -> None:
    told = moments([visitor(5.05, 60), visitor(70, 8.5, 2)])
    (rows,) = watch(m for m in told if not 20 <= m.time < 40)
    assert seconds_of(stays(rows)) == ([8], [14])


def test_who_is_hidden_for_a_moment_stays() -> None:
    user = replace(visitor(5, 20.5), hidden=[(10, 11.5)], ids=[(-math.inf, 1), (11, 2)])
    (rows,) = watch(moments([user]))
    assert seconds_of(stays(rows)) == ([20], [])


def test_the_class_is_that_of_the_votes_up_to_the_exit() -> None:
    user = replace(visitor(5, 20.5), classes=[(-math.inf, "person"), (8, "bicycle")])
    (rows,) = watch(moments([user]))
    assert seconds_of(stays(rows, "bicycle")) == ([20], [])
    assert stays(rows).counts == {}


def test_a_stay_belongs_to_the_interval_in_which_it_ended() -> None:
    users = [visitor(50, 9.5), visitor(40, 19.5, 2), visitor(50, 15, 3), visitor(50, 80.5, 4)]
    parts = watch(moments(users, seconds=170), seconds=60)
    assert [seconds_of(stays(rows))[0] for rows in parts] == [[9, 19], [15], [80]]


VISITS = st.lists(st.tuples(st.floats(2, 60), st.floats(3, 40)), min_size=1, max_size=12)


@settings(max_examples=25)
@given(VISITS)
def test_with_nobody_cut_off_the_median_is_the_ordinary_one(
    visits: list[tuple[float, float]],
) -> None:
    (rows,) = watch(moments([visitor(*visit, n) for n, visit in enumerate(visits)], fps=5))
    median = stays(rows).quantile(0.5)
    times = [stay for _, stay in visits]
    low, high = (np.quantile(times, 0.5, method=m) for m in ("inverted_cdf", "higher"))
    # A bin, and a frame at each end.
    assert median is not None and low - 1.4 <= median <= high + 1.4


@settings(max_examples=25)
@given(VISITS, st.floats(30, 90))
def test_intervals_add_up_to_the_whole_and_a_cut_lowers_no_median(
    visits: list[tuple[float, float]], length: float
) -> None:
    users = [visitor(*visit, n) for n, visit in enumerate(visits)]
    told = moments(users, fps=5, seconds=length)
    (whole,) = watch(told)
    parts = [stays(rows) for rows in watch(told, seconds=60)]
    added = sum(parts[1:], start=parts[0])
    assert (added.counts, added.censored) == (stays(whole).counts, stays(whole).censored)
    assert added.total == pytest.approx(stays(whole).total)
    # The same stays, had they ended where they were cut off.
    ended = Histogram(1.0)
    for bin_, weight in (added.counts | added.censored).items():
        ended.add(bin_ + 0.5, added.counts.get(bin_, 0) + added.censored.get(bin_, 0))
        assert weight
    cut, shorter = added.quantile(0.5), ended.quantile(0.5)
    assert shorter is None or cut is None or cut >= shorter - 1e-6
