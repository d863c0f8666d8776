"""Histograms: published survival curves, exact sums, and what a quantile must be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.histogram import Histogram

# Weeks of remission from leukaemia, with + where it went on when the study ended: E. J. Freireich
# et al., Blood 21 (1963) 699–716. The curve is that of every textbook that uses them.
TREATED = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"
TREATED_CURVE = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}

VALUES = st.lists(st.floats(0, 500), min_size=1, max_size=30)
SHARES = st.floats(0.01, 1)
# Sums of these are exact in any order.
WEIGHTED = st.lists(
    st.tuples(st.integers(-20, 200).map(lambda n: n / 4), st.integers(1, 8), st.booleans()),
    max_size=20,
)


def weeks(text: str) -> Histogram:
    histogram = Histogram(1.0)
    for week in text.split():
        histogram.add(float(week.rstrip("+")), censored=week.endswith("+"))
    return histogram


def made(values: list[tuple[float, int, bool]], width: float = 0.5) -> Histogram:
    histogram = Histogram(width)
    for value, weight, censored in values:
        histogram.add(value, weight / 4, censored=censored)
    return histogram


def test_the_published_survival_curve_comes_out() -> None:
    treated = weeks(TREATED)
    before = 0.0
    for week, above in TREATED_CURVE.items():
        for share in (before + 0.002, 1 - above - 0.002):
            value = treated.quantile(share)
            assert value is not None and math.floor(value) == week
        before = 1 - above
    # A third was still well at the end: nobody knows for how long.
    assert treated.quantile(0.56) is None


def test_the_published_medians_come_out() -> None:
    medians = [weeks(text).quantile(0.5) for text in (TREATED, PLACEBO)]
    assert [math.floor(median or 0) for median in medians] == [23, 8]


@given(VALUES, SHARES, st.sampled_from([0.05, 0.1, 1.0, 7.0]))
def test_with_nothing_censored_it_is_the_ordinary_quantile(
    values: list[float], share: float, width: float
) -> None:
    histogram = Histogram(width)
    for value in values:
        histogram.add(value)
    found = histogram.quantile(share)
    # Away from a step of the curve, where a rounding of the share decides between two values.
    if abs(share * len(values) - round(share * len(values))) < 1e-6:
        return
    ordinary = float(np.quantile(values, share, method="inverted_cdf"))
    assert found == pytest.approx(ordinary, abs=width * 1.000001)


@given(VALUES, st.data(), SHARES)
def test_censoring_never_lowers_a_quantile(
    values: list[float], data: st.DataObject, share: float
) -> None:
    cut = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    seen, censored = Histogram(1.0), Histogram(1.0)
    for value, is_cut in zip(values, cut, strict=True):
        seen.add(value)
        censored.add(value, censored=is_cut)
    low, high = seen.quantile(share), censored.quantile(share)
    assert low is not None
    assert high is None or high >= low - 1e-6


@given(WEIGHTED, st.integers(0, 20))
def test_parts_add_up_to_the_whole_and_stay_as_they_are(
    values: list[tuple[float, int, bool]], cut: int
) -> None:
    parts = made(values[:cut]), made(values[cut:])
    assert parts[0] + parts[1] == parts[1] + parts[0] == made(values)
    assert parts == (made(values[:cut]), made(values[cut:]))


@given(st.lists(st.tuples(st.floats(-10, 1e6), st.floats(1e-9, 1e6), st.booleans())))
def test_text_gives_exactly_the_same_back(values: list[tuple[float, float, bool]]) -> None:
    histogram = Histogram(0.1)
    for value, weight, censored in values:
        histogram.add(value, weight, censored=censored)
    assert Histogram.from_text(histogram.to_text()) == histogram


def test_text_is_short() -> None:
    histogram = Histogram(1.0)
    histogram.add(12.25, 2)
    histogram.add(40.5, 0.5, censored=True)
    assert (
        histogram.to_text() == '{"width":1.0,"total":24.5,"counts":{"12":2},"censored":{"40":0.5}}'
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"width":0,"total":1}', '{"width":1}', "3"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a histogram"):
        Histogram.from_text(text)


def test_the_mean_knows_no_bins_and_weights_may_be_parts() -> None:
    histogram = Histogram(10.0)
    histogram.add(1.25, 0.5)
    histogram.add(8.5, 1.5)
    histogram.add(99, 7, censored=True)
    assert histogram.mean() == pytest.approx((0.5 * 1.25 + 1.5 * 8.5) / 2)
    # Within a bin the weight is spread evenly: 2 of 9 end in it.
    assert histogram.quantile(1 / 9) == pytest.approx(5)


def test_of_nothing_nothing_is_known() -> None:
    empty = Histogram(1.0)
    empty.add(5, 0)
    assert empty == Histogram(1.0)
    assert (empty.mean(), empty.quantile(0.5), empty.minority()) == (None, None, None)
    empty.add(5, censored=True)
    assert (empty.mean(), empty.quantile(0.5), empty.minority()) == (None, None, None)


def test_the_smaller_of_two_bins() -> None:
    both = Histogram(1.0)
    both.add(0, 3)
    assert both.minority() == 0
    both.add(1, 1)
    assert both.minority() == 0.25


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="wider than 0"):
        Histogram(0.0)
    with pytest.raises(ValueError, match="do not add up"):
        Histogram(1.0) + Histogram(2.0)
    for value, weight in ((math.nan, 1), (math.inf, 1), (1, -1), (1, math.nan)):
        with pytest.raises(ValueError, match=r"(value|weight) of"):
            Histogram(1.0).add(value, weight)
    with pytest.raises(ValueError, match="share"):
        Histogram(1.0).quantile(50)
