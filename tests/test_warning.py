"""Who comes into a zone and leaves it, and how long until it is full."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.geometry import Polygon
from passerby.measures.measure import Sight, Value, ZonePlace
from passerby.measures.warning import ZoneBalance
from synthetic_sights import GROUND, START, step, watch

CORNERS = [(-4, 12), (4, 12), (4, 22), (-4, 22)]
ZONE = ZonePlace("square", Polygon(GROUND.to_picture(CORNERS)), shapely.Polygon(CORNERS))  # 80 m²
INSIDE, OUTSIDE = (0.0, 15.0), (0.0, 10.0)

Rows = dict[tuple[str, str, str], Value]


def balance(
    told: Sequence[Sequence[tuple[float, float]]],
    *,
    every: float = 0.25,
    zone: ZonePlace = ZONE,
    capacity: int | None = None,
    density_limit: float | None = None,
    seconds: int = 3600,
) -> list[Rows]:
    """The rows of each interval; one place a person and sight."""
    measure = ZoneBalance(zone, ("person",), capacity=capacity, density_limit=density_limit)
    sights = []
    for index, places in enumerate(told):
        seen = step(START + index * every, places)
        blank = np.full((len(seen.trails), 2), np.nan)
        sights.append((Sight(seen, blank, blank), every))
    return watch(measure, sights, seconds=seconds)


def value(rows: Rows, kind: str) -> float | None:
    return rows[kind, "person", ""].value


def crowd(number: Callable[[float], float], seconds: int) -> list[list[tuple[float, float]]]:
    """So many people inside at each second."""
    spots = [(-3.9 + 0.3 * (n % 26), 12.2 + 0.3 * (n // 26)) for n in range(800)]
    return [spots[: max(round(number(second)), 0)] for second in range(seconds)]


def test_who_comes_and_goes_is_counted_once() -> None:
    comes = [OUTSIDE] * 8 + [INSIDE] * 40
    ((rows),) = balance([[place] for place in comes])
    assert value(rows, "net_inflow") == 1
    (rows,) = balance([[place] for place in comes + [OUTSIDE] * 8])
    assert value(rows, "net_inflow") == 0
    assert rows["net_inflow", "person", ""].n == 2


def test_swaying_at_the_edge_and_appearing_inside_are_nothing() -> None:
    sways = [(0.0, 12.0 + 0.1 * (-1) ** n) for n in range(60)]
    (rows,) = balance([[place, INSIDE] for place in sways])
    assert value(rows, "net_inflow") == 0
    assert rows["net_inflow", "person", ""].n == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.tuples(st.booleans(), st.integers(3, 12)), min_size=1), max_size=5))
def test_comings_less_goings_are_the_change_of_who_is_inside(
    lives: list[list[tuple[bool, int]]],
) -> None:
    paths = [
        [INSIDE if inside else OUTSIDE for inside, times in life for _ in range(times)]
        for life in lives
    ]
    longest = max(map(len, paths), default=1)
    paths = [path + [path[-1]] * (longest + 4 - len(path)) for path in paths]
    told = [[path[n] for path in paths] for n in range(longest + 4)]
    (rows,) = balance(told)
    change = sum(path[-1] == INSIDE for path in paths) - sum(path[0] == INSIDE for path in paths)
    assert value(rows, "net_inflow") == change


def test_intervals_add_up() -> None:
    random = np.random.default_rng(3)
    paths = np.repeat(random.integers(0, 2, (60, 8)), 8, axis=0)  # 2 s on each side
    told = [[INSIDE if side else OUTSIDE for side in row] for row in paths]
    (whole,) = balance(told)
    parts = balance(told, seconds=60)
    assert len(parts) == 2
    assert sum(value(rows, "net_inflow") or 0 for rows in parts) == value(whole, "net_inflow")


def test_a_steady_filling_tells_when_it_is_full() -> None:
    told = crowd(lambda second: 20 + 0.5 * second, 300)
    (rows,) = balance(told, every=1, capacity=270)
    time, low = value(rows, "time_to_capacity"), value(rows, "time_to_capacity_low")
    assert time == pytest.approx((270 - 20 - 0.5 * 300) / 0.5, rel=0.03)
    assert low is not None
    assert time is not None
    assert 0 < low <= time


def test_the_low_end_is_seldom_later_than_the_truth() -> None:
    """Numbers scatter as people come and go: the slope is uncertain, and that is told."""
    early, errors = 0, []
    for seed in range(40):
        random = np.random.default_rng(seed)
        scatter = np.repeat(random.normal(0, 3, 30), 10)
        told = crowd(lambda s, add=scatter: 30 + 0.2 * s + add[int(s)], 200)  # type: ignore[misc]
        (rows,) = balance(told, every=1, capacity=130)
        time, low = value(rows, "time_to_capacity"), value(rows, "time_to_capacity_low")
        assert time is not None
        assert low is not None
        early += low <= 300.0  # the truth at the end, when the shortest is found
        errors.append(time / 300.0 - 1)
    assert early >= 36
    assert np.median(errors) < 0.1


def test_a_constant_or_falling_crowd_is_never_full() -> None:
    (rows,) = balance(crowd(lambda _: 50, 200), every=1, capacity=100)
    assert value(rows, "time_to_capacity") is None
    assert value(rows, "time_to_capacity_low") is None
    (rows,) = balance(crowd(lambda s: 90 - s / 4, 200), every=1, capacity=100)
    assert value(rows, "time_to_capacity") is None


def test_at_the_limit_no_time_is_left() -> None:
    (rows,) = balance(crowd(lambda _: 50, 30), every=1, capacity=50)
    assert value(rows, "time_to_capacity") == 0
    assert value(rows, "time_to_capacity_low") == 0


def test_a_density_limit_needs_the_ground() -> None:
    told = crowd(lambda second: 20 + 0.5 * second, 200)
    (rows,) = balance(told, every=1, density_limit=3.0)  # 240 people
    assert value(rows, "time_to_capacity") == pytest.approx((240 - 120) / 0.5, rel=0.03)
    nowhere = ZONE._replace(metres=None)
    (rows,) = balance(told, every=1, density_limit=3.0, zone=nowhere)
    assert value(rows, "time_to_capacity") is None
    (rows,) = balance(told, every=1)
    assert ("time_to_capacity", "person", "") not in rows


def test_a_gap_begins_the_trend_anew() -> None:
    rising = crowd(lambda second: 20 + second, 50)
    measure = ZoneBalance(ZONE, ("person",), capacity=200, density_limit=None)
    sights = []
    for offset in (0, 100):
        for index, places in enumerate(rising):
            seen = step(START + offset + index, places)
            blank = np.full((len(seen.trails), 2), np.nan)
            sights.append((Sight(seen, blank, blank), 1.0))
    (rows,) = watch(measure, sights, seconds=3600)
    assert value(rows, "time_to_capacity") is None  # fifty seconds are too few, twice
