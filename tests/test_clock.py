"""The site's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.clock import aware, from_posix, interval_start, shown_twice
from passerby.errors import VideoError

HELSINKI = ZoneInfo("Europe/Helsinki")
ZONES = [
    "UTC",
    "Europe/Helsinki",
    "Asia/Kathmandu",  # 5 h 45 min
    "Australia/Lord_Howe",  # summer time of half an hour
    "America/St_Johns",
    "Pacific/Kiritimati",
]
TIMES = st.floats(0, 4e9)
LENGTHS = st.sampled_from([n for n in range(60, 3601) if 3600 % n == 0])


@given(TIMES, LENGTHS, st.sampled_from(ZONES))
def test_an_interval_holds_its_time_and_starts_on_the_site_s_clock(
    time: float, seconds: int, name: str
) -> None:
    zone = ZoneInfo(name)
    start = interval_start(time, seconds, zone)
    assert start <= time < start + seconds
    here = from_posix(start, zone)
    if here.utcoffset() == from_posix(time, zone).utcoffset():
        assert (here.minute * 60 + here.second) % seconds == 0
        assert interval_start(start, seconds, zone) == start


@given(TIMES, LENGTHS, st.sampled_from(ZONES[:-3]))
def test_intervals_follow_each_other_without_gap_or_overlap(
    time: float, seconds: int, name: str
) -> None:
    start = interval_start(time, seconds, ZoneInfo(name))
    assert interval_start(start + seconds, seconds, ZoneInfo(name)) == start + seconds


@given(TIMES, st.sampled_from(ZONES))
def test_posix_times_come_back(time: float, name: str) -> None:
    assert from_posix(time, ZoneInfo(name)).timestamp() == pytest.approx(time, abs=1e-5)


def test_a_naive_time_is_site_time() -> None:
    assert aware(datetime(2024, 7, 1, 12), HELSINKI) == datetime(2024, 7, 1, 9, tzinfo=UTC)
    told = datetime(2024, 7, 1, 12, tzinfo=UTC)
    assert aware(told, HELSINKI) is told


@given(st.datetimes(datetime(2024, 1, 1), datetime(2025, 1, 1)), st.sampled_from(ZONES))
def test_a_naive_time_is_shown_by_the_clock_or_refused(time: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    try:
        found = aware(time, zone)
    except VideoError as error:
        assert "summer time" in str(error)
        assert from_posix(time.replace(tzinfo=zone).timestamp(), zone).replace(tzinfo=None) != time
    else:
        assert from_posix(found.timestamp(), zone).replace(tzinfo=None) - time < timedelta(
            microseconds=2
        )


def test_the_edges_of_summer_time() -> None:
    with pytest.raises(VideoError, match=r"Europe/Helsinki shows 2024-03-31 03:30:00"):
        aware(datetime(2024, 3, 31, 3, 30), HELSINKI)
    assert aware(datetime(2024, 3, 31, 4, 0), HELSINKI).utcoffset() == timedelta(hours=3)
    first = aware(datetime(2024, 10, 27, 3, 30), HELSINKI)
    assert first.utcoffset() == timedelta(hours=3)
    assert shown_twice(first)
    assert not shown_twice(aware(datetime(2024, 10, 27, 4, 0), HELSINKI))
    second = aware(datetime(2024, 10, 27, 3, 30, fold=1), HELSINKI)
    assert second.timestamp() - first.timestamp() == 3600
