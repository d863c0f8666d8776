"""Rows, their keys, and how they merge."""

from __future__ import annotations

import runpy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.histogram import Histogram
from passerby.kinds import KINDS, Merge
from passerby.measurement import Measurement, merge

ROOT = Path(__file__).resolve().parent.parent
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def row(
    value: float | None, minute: int = 0, *, kind: str = "crossings", coverage: float = 1.0
) -> Measurement:
    start = NOON + timedelta(minutes=minute)
    n = None if value is None else round(value)
    return Measurement(
        "Square", "north", "gate", kind, "person", "forward", start, 60, value, n, coverage
    )


def test_counts_add_up() -> None:
    merged = merge([row(2, 1), row(3, 0), row(0, 2)])
    assert merged == replace(row(5), seconds=180)


def test_means_are_weighted_by_coverage() -> None:
    rows = [row(4, 0, kind="occupancy_mean"), row(1, 1, kind="occupancy_mean", coverage=0.5)]
    merged = merge(rows)
    assert merged.value == pytest.approx((4 * 60 + 1 * 30) / 90)
    assert merged.coverage == 0.75


def test_maxima_are_the_highest() -> None:
    assert (
        merge(
            [row(2, m, kind="occupancy_max") for m in range(3)] + [row(7, 3, kind="occupancy_max")]
        ).value
        == 7
    )


def test_minima_are_the_lowest() -> None:
    rows = [row(v, m, kind="time_to_capacity") for m, v in enumerate((90, 40, None, 60))]
    assert merge(rows).value == 40


def test_what_is_unknown_in_observed_time_thins_no_mean() -> None:
    rows = [row(8, 0, kind="wait_expected"), row(None, 1, kind="wait_expected")]
    merged = merge(rows)
    assert (merged.value, merged.n, merged.coverage) == (8, 8, 1)


def dwells(minute: int, stays: list[float]) -> Measurement:
    histogram = Histogram(1.0)
    for stay in stays:
        histogram.add(stay)
    value = KINDS["dwell_median"].value_of(histogram, len(stays))
    return replace(
        row(value, minute, kind="dwell_median"), n=len(stays), histogram=histogram, direction=""
    )


def test_a_median_of_an_hour_is_that_of_all_and_no_mean_of_medians() -> None:
    crowded, quiet = [5.0] * 9, [100.0] * 5
    merged, whole = merge([dwells(0, crowded), dwells(1, quiet)]), dwells(0, crowded + quiet)
    assert merged == replace(whole, seconds=120)
    assert merged.value == pytest.approx(5.5, abs=0.5)


def test_several_rows_with_too_few_may_make_a_value() -> None:
    few = [dwells(minute, [10.0 * (minute + 1)] * 2) for minute in range(3)]
    assert [r.value for r in few] == [None] * 3
    merged = merge([*few, replace(row(None, 3, kind="dwell_median", coverage=0), direction="")])
    assert merged.n == 6
    assert merged.value == pytest.approx(20.5, abs=0.5)
    assert merged.coverage == 0.75


def test_a_percentile_without_its_histogram_does_not_merge() -> None:
    bare = replace(dwells(1, [5.0] * 9), histogram=None)
    with pytest.raises(ValueError, match="no histogram"):
        merge([dwells(0, [5.0] * 9), bare])


def test_a_row_does_not_change_with_what_it_was_made_from() -> None:
    histogram = Histogram(1.0)
    histogram.add(3.0)
    kept = replace(row(3, kind="dwell_median"), histogram=histogram)
    histogram.add(4.0)
    assert kept.histogram is not None and kept.histogram.counts == {3: 1}


@pytest.mark.parametrize("kind", ["crossings", "movement", "occupancy_mean", "occupancy_max"])
def test_unknown_lowers_the_coverage_and_is_no_zero(kind: str) -> None:
    known, unknown = row(6, 0, kind=kind), row(None, 1, kind=kind, coverage=0)
    merged = merge([known, unknown])
    assert (merged.value, merged.n, merged.seconds, merged.coverage) == (6, 6, 120, 0.5)
    nothing = merge([unknown, replace(unknown, start=NOON)])
    assert (nothing.value, nothing.n, nothing.coverage) == (None, None, 0)


def test_a_hole_between_rows_counts_as_unknown() -> None:
    merged = merge([row(1, 0), row(1, 3)])
    assert (merged.value, merged.seconds, merged.coverage) == (2, 240, 0.5)


def test_what_does_not_belong_together_does_not_merge() -> None:
    with pytest.raises(ValueError, match="nothing"):
        merge([])
    with pytest.raises(ValueError, match="different"):
        merge([row(1, 0), replace(row(1, 1), class_="car")])
    with pytest.raises(ValueError, match="overlap"):
        merge([row(1, 0), row(1, 0)])


@settings(deadline=None)
@given(
    values=st.lists(st.none() | st.integers(0, 50), min_size=2, max_size=12),
    cut=st.integers(1, 11),
    kind=st.sampled_from(["crossings", "movement", "occupancy_mean", "occupancy_max"]),
)
def test_merging_in_parts_is_merging_at_once(values: list[int | None], cut: int, kind: str) -> None:
    rows = [
        row(value, minute, kind=kind, coverage=0 if value is None else 1 / (1 + minute % 3))
        for minute, value in enumerate(values)
    ]
    cut = min(cut, len(rows) - 1)
    at_once, in_parts = merge(rows), merge([merge(rows[:cut]), merge(rows[cut:])])
    assert in_parts.value == (None if at_once.value is None else pytest.approx(at_once.value))
    assert in_parts.coverage == pytest.approx(at_once.coverage)
    assert (in_parts.n, in_parts.seconds) == (at_once.n, at_once.seconds)


def test_every_kind_says_its_unit_and_how_it_merges() -> None:
    assert {name for name, kind in KINDS.items() if kind.merge is Merge.SUM} == {
        "crossings",
        "movement",
        "implausible_speeds",
        "net_inflow",
    }
    for name, kind in KINDS.items():
        assert name == kind.name
        assert kind.unit and kind.meaning
        assert kind.place in {"line", "movement", "zone", "queue"}
        # A percentile must never be averaged, and a maximum of a mean is none.
        if any(word in name for word in ("median", "p90", "v85", "share")):
            assert kind.merge is Merge.HISTOGRAM
        if name.endswith("_max"):
            assert kind.merge is Merge.MAX
    assert row(1).unit == "count"


def test_the_page_of_measures_is_that_of_the_code() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "make_measures_doc.py"))
    assert (ROOT / "docs" / "measures.md").read_text("utf-8") == tool["page"]()


def test_the_hour_that_comes_twice_in_autumn_has_two_keys_and_merges() -> None:
    helsinki = ZoneInfo("Europe/Helsinki")
    begin = datetime(2026, 10, 25, 0, tzinfo=UTC)  # 03:00, and an hour later 03:00 again
    quarters = [
        replace(row(1), start=(begin + timedelta(minutes=15 * n)).astimezone(helsinki), seconds=900)
        for n in range(8)
    ]
    assert len({quarter.key for quarter in quarters}) == 8
    assert (merge(quarters).value, merge(quarters).seconds) == (8, 7200)
