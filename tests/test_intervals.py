"""Intervals of the site's clock: aligned, closed once, zero where watched, else unknown."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.measurement import Measurement, merge
from passerby.measures.intervals import Intervals
from passerby.moment import CLASSES, Moment
from passerby.site import make_camera
from synthetic_tracks import GATE, RoadUser, camera, measure, measures, moments, walk

WITH_ALL = make_camera(
    lines=camera(gate=(100, 300, 700, 300), low=(100, 400, 700, 400)).lines,
    zones={"square": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]},
    movements={"through": ("gate", "low")},
)


def posix(text: str, zone: tzinfo = UTC) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def passing(*at: float) -> list[RoadUser]:
    """Somebody on the gate at each of these times, each for himself."""
    return [
        walk((150 + 50 * (n % 10), 200), (150 + 50 * (n % 10), 400), begin=t - 1.25, number=n)
        for n, t in enumerate(at)
    ]


def crossings(rows: list[Measurement]) -> dict[str, float | None]:
    """People forward over the gate, by start."""
    return {
        row.start.isoformat(): row.value
        for row in rows
        if (row.place, row.class_, row.direction) == ("gate", "person", "forward")
    }


def test_one_row_for_everything_that_could_have_been_counted() -> None:
    rows = measure(moments(passing(10), seconds=150), WITH_ALL)
    per_class = 2 * 2 + 1 + 2  # two lines each way, one movement, mean and maximum of one zone
    assert len(rows) == 3 * per_class * len(CLASSES[:-1])
    assert len({row.key for row in rows}) == len(rows)
    assert all(row.value == row.n == 0 for row in rows if row.class_ == "bus")
    assert "total" not in " ".join(row.place + row.class_ + row.direction for row in rows)


def test_a_crossing_belongs_to_the_interval_that_begins_with_it() -> None:
    rows = measure(moments(passing(59.98, 60.02), fps=50, seconds=120))
    assert list(crossings(rows).values()) == [1, 1]


@pytest.mark.parametrize("fps", [7, 10, 12.5, 29.97])
def test_a_whole_number_of_intervals_has_no_row_too_many(fps: float) -> None:
    start = posix("2026-05-04T12:00:00")
    told = [
        Moment(m.index, m.time, 1 / fps, m.ids, m.boxes, m.codes, m.scores)
        for m in moments([], seconds=60 - 0.5 / fps, fps=fps, start=start)
    ]
    last = told[-1]
    end = start + 60 - last.time
    told[-1] = Moment(last.index, last.time, end, last.ids, last.boxes, last.codes, last.scores)
    rows = measure(told)
    assert {row.start.minute for row in rows} == {0}
    assert {row.coverage for row in rows} == {1.0}


# Clock


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        ("UTC", "2026-05-04T12:07:30+00:00", "2026-05-04T12:00:00+00:00"),
        ("Asia/Kathmandu", "2026-05-04T12:07:30+00:00", "2026-05-04T17:45:00+05:45"),
        ("Asia/Kolkata", "2026-05-04T12:07:30+00:00", "2026-05-04T17:30:00+05:30"),
        ("America/St_Johns", "2026-05-04T12:07:30+00:00", "2026-05-04T09:30:00-02:30"),
    ],
)
def test_intervals_are_aligned_to_the_clock_of_the_site(
    zone: str, start: str, expected: str
) -> None:
    begin = datetime.fromisoformat(start).timestamp()
    rows = measure(moments([], seconds=5, start=begin), zone=ZoneInfo(zone), interval_seconds=900)
    assert {row.start.isoformat() for row in rows} == {expected}


def test_an_hour_in_kathmandu_begins_on_its_hour() -> None:
    begin = posix("2026-05-04T12:30:00")
    rows = measure(
        moments([], seconds=5, start=begin), zone=ZoneInfo("Asia/Kathmandu"), interval_seconds=3600
    )
    assert {row.start.isoformat() for row in rows} == {"2026-05-04T18:00:00+05:45"}


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_change_to_or_from_daylight_saving_loses_and_doubles_nothing(day: str) -> None:
    begin = datetime.fromisoformat(f"{day}T00:00:00+00:00")  # an hour before the change
    told = [
        Moment(m.index, m.time, m.seconds, m.ids, m.boxes, m.codes, m.scores)
        for m in moments([], seconds=7200, fps=0.5, start=begin.timestamp())
    ]
    rows = measure(told, zone=ZoneInfo("Europe/Helsinki"), interval_seconds=900)
    keys = Counter(row.key for row in rows)
    assert set(keys.values()) == {1}
    starts = sorted({row.start.timestamp() for row in rows})
    assert starts == [begin.timestamp() + 900 * n for n in range(8)]
    assert len({row.start.isoformat() for row in rows}) == 8
    assert all(row.start.minute % 15 == 0 for row in rows)


@settings(deadline=None)
@given(
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "Europe/Helsinki", "Pacific/Chatham"]),
    begin=st.integers(int(posix("2026-01-01")), int(posix("2027-01-01"))),
    steps=st.lists(st.floats(0.01, 5000), min_size=1, max_size=20),
    seconds=st.sampled_from([60, 300, 900, 3600]),
)
def test_intervals_follow_one_another_without_hole_or_overlap(
    zone: str, begin: int, steps: list[float], seconds: int
) -> None:
    intervals = Intervals(seconds, ZoneInfo(zone))
    closed = []
    for time in itertools.accumulate(steps, initial=float(begin)):
        intervals.open_until(time)
        closed += intervals.close(time)
        intervals.spans(time, 0.01)
    closed += intervals.close(float("inf"))
    starts = [interval.start for interval in closed]
    assert starts == [starts[0] + seconds * n for n in range(len(starts))]
    assert starts[0] <= begin < starts[0] + seconds
    assert sum(interval.observed for interval in closed) == pytest.approx(
        0.01 * (len(steps) + 1), abs=1e-4
    )


def test_an_interval_is_at_least_a_minute_and_divides_an_hour() -> None:
    for seconds in (1, 30, 59, 420, 7200):
        with pytest.raises(ValueError, match="minute"):
            measures(GATE, interval_seconds=seconds)


# Closing


def test_an_interval_closes_one_bridging_time_after_its_end_and_stays_as_it_is() -> None:
    of_camera = measures(GATE)
    closed_at: dict[int, float] = {}
    keys: Counter[object] = Counter()
    # At 59 s somebody steps over the line, and stands there until it closed.
    late = RoadUser([(55, 400, 200), (59, 400, 301), (75, 400, 310), (77, 400, 400)])
    for moment in moments([late], seconds=130):
        for row in of_camera.accept(moment):
            closed_at.setdefault(row.start.minute, moment.time)
            keys[row.key] += 1
    rows = of_camera.finish()
    keys.update(row.key for row in rows)
    assert set(keys.values()) == {1}
    assert closed_at == {0: 62.0, 1: 122.0}


def test_a_crossing_that_is_decided_after_its_interval_closed_is_not_lost() -> None:
    late = RoadUser([(55, 400, 200), (59, 400, 301), (75, 400, 310), (77, 400, 400)])
    rows = measure(moments([late], seconds=130))
    assert list(crossings(rows).values()) == [0, 1, 0]


def test_a_crossing_at_the_end_of_an_interval_waits_for_its_class() -> None:
    user = RoadUser(
        [(58, 400, 200), (59.9, 400, 301), (61, 400, 400)],
        classes=[(-1, "bicycle"), (59.0, "person")],
    )
    rows = measure(moments([user], seconds=70))
    assert list(crossings(rows).values()) == [1, 0]


# Coverage


def test_unknown_is_a_missing_value_with_coverage_zero() -> None:
    # Two minutes of silence between two that were watched.
    told = moments(passing(10), seconds=60) + moments(passing(30), seconds=60, start=180.0)
    for of in (GATE, WITH_ALL):
        rows = measure(told, of)
        silent = [row for row in rows if row.start.minute in (1, 2)]
        assert silent
        assert {(row.value, row.n, row.coverage) for row in silent} == {(None, None, 0.0)}
        watched = [row for row in rows if row.start.minute in (0, 3)]
        assert all(row.value is not None and row.coverage == 1 for row in watched)
        assert list(crossings(rows).values()) == [1, None, None, 1]


def test_coverage_is_the_share_that_was_observed_and_values_are_not_scaled_up() -> None:
    rows = measure(moments(passing(10, 20), seconds=30))
    assert {row.coverage for row in rows} == {0.5}
    assert list(crossings(rows).values()) == [2]


@pytest.mark.parametrize("every", [1, 3, 10])
def test_sampling_alone_does_not_lower_the_coverage(every: int) -> None:
    rows = measure(moments(passing(10), seconds=60, every=every))
    assert {row.coverage for row in rows} == {1.0}


# Sums


@settings(max_examples=5, deadline=None)
@given(st.lists(st.floats(5, 290), max_size=8))
def test_minutes_merged_are_the_longer_interval(at: list[float]) -> None:
    told = moments(passing(*at), seconds=300, fps=4)
    minutes, longer = measure(told, WITH_ALL), measure(told, WITH_ALL, interval_seconds=300)
    parts = defaultdict(list)
    for row in minutes:
        parts[row.key[:6]].append(row)
    assert len(longer) == len(parts)
    for row in longer:
        merged = merge(parts[row.key[:6]])
        assert merged.value == pytest.approx(row.value, abs=1e-6)
        assert (merged.start, merged.seconds, merged.coverage) == (row.start, 300, 1.0)


def test_a_run_of_nothing_measures_nothing() -> None:
    assert measure([]) == []
