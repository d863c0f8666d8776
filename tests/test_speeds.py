"""Speeds of people in a zone and of vehicles at a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from passerby.geometry import Polygon
from passerby.histogram import Histogram
from passerby.measures.measure import LinePlace, Sight, ZonePlace
from passerby.measures.speeds import LineSpeed, ZoneSpeed
from synthetic_sights import GROUND, START, line, nobody, step, watch

_CORNERS = np.array([[-5.0, 10.0], [5.0, 10.0], [5.0, 20.0], [-5.0, 20.0]])
ZONE = ZonePlace("yard", Polygon(GROUND.to_picture(_CORNERS)), shapely.Polygon(_CORNERS))
GATE = line("gate", (-5, 15), (5, 15))
CLASSES = ("person", "bicycle", "car")
MEAN, MEDIAN, IMPLAUSIBLE = (
    (k, "person", "") for k in ("speed_mean", "speed_median", "implausible_speeds")
)

Walk = tuple[float, float, float]  # m/s, and seconds from and to which somebody is in the zone


def walks(of: Sequence[Walk], seconds: int, fps: int = 2) -> list[tuple[Sight, float]]:
    """Sights of people at steady speeds, who are in the zone for some time."""
    told = []
    for frame in range(seconds * fps):
        here = [n for n, (_, since, until) in enumerate(of) if since <= frame / fps < until]
        places = [(-4 + n * 0.3, 15.0) for n in here]
        velocity = np.array([(0.6 * of[n][0], 0.8 * of[n][0]) for n in here]).reshape(-1, 2)
        now = step(START + frame / fps, places, trails=here)
        told.append((Sight(now, GROUND.to_metres(now.points), velocity), 1 / fps))
    return told


def test_the_mean_is_of_space_and_not_of_people() -> None:
    # Ten metres each: five people in 5 s, five in 20 s.
    people = [(2.0, 0, 5)] * 5 + [(0.5, 0, 20)] * 5
    (rows,) = watch(ZoneSpeed(ZONE), walks(people, 30))
    assert rows[MEAN].value == pytest.approx(10 * 10 / (5 * 5 + 5 * 20))
    assert rows[MEDIAN].value == pytest.approx(0.5, abs=0.05), "80 % of the time they were slow"
    assert rows[MEAN].n == rows[MEDIAN].n == 10


def test_who_stands_still_takes_time_and_makes_no_way() -> None:
    (rows,) = watch(ZoneSpeed(ZONE), walks([(1.0, 0, 10)] * 5 + [(0.0, 0, 10)] * 5, 20))
    assert rows[MEAN].value == pytest.approx(0.5)


def test_only_people_in_the_zone_whose_speed_is_known_count() -> None:
    velocity = np.array(
        [[1.0, 0], [1.0, 0], [np.nan, np.nan], [1.0, 0], [1.0, 0], [1.0, 0], [9, 0]]
    )
    places = [(n * 0.5, 15.0) for n in range(6)] + [(0, 25.0)]
    now = step(START, places)
    now.codes[0] = 2
    (rows,) = watch(ZoneSpeed(ZONE), [(Sight(now, np.array(places), velocity), 1.0)])
    assert (rows[MEAN].value, rows[MEAN].n) == (None, 4), "too few, but kept"
    histogram = rows[MEAN].histogram
    assert histogram is not None and histogram.mean() == pytest.approx(1.0)
    assert rows[IMPLAUSIBLE].value == 0, "who is too fast is not in the zone"


def test_the_implausible_are_counted_once_and_are_in_no_mean() -> None:
    people = [(1.0, 0, 90)] * 5 + [(7.5, 50, 70)]
    first, second = watch(ZoneSpeed(ZONE), walks(people, 90))
    assert [r[MEAN].value for r in (first, second)] == pytest.approx([1.0, 1.0])
    assert [r[MEAN].n for r in (first, second)] == [5, 5]
    assert [r[IMPLAUSIBLE].value for r in (first, second)] == [1, 0]


@given(
    st.lists(
        st.tuples(st.floats(0, 8), st.integers(0, 110), st.integers(0, 120)), min_size=1, max_size=6
    )
)
def test_intervals_add_up(people: list[Walk]) -> None:
    sights = walks(people, 120, fps=1)
    whole = watch(ZoneSpeed(ZONE), sights, seconds=120)[0]
    parts = watch(ZoneSpeed(ZONE), sights, seconds=60)
    histograms = [part[MEAN].histogram or Histogram(0.05) for part in parts]
    added, expected = histograms[0] + histograms[1], whole[MEAN].histogram
    assert expected is not None
    assert added.total == pytest.approx(expected.total)
    assert dict(added.counts) == pytest.approx(dict(expected.counts))
    assert sum(part[IMPLAUSIBLE].value or 0 for part in parts) == whole[IMPLAUSIBLE].value


def test_without_ground_the_same_rows_are_unknown() -> None:
    blind = ZoneSpeed(ZONE._replace(metres=None))
    (rows,) = watch(blind, walks([(1.0, 0, 10)] * 5, 10))
    assert set(rows) == {MEAN, MEDIAN, IMPLAUSIBLE}
    assert all((r.value, r.n, r.histogram) == (None, None, None) for r in rows.values())
    blind_line = LineSpeed(LinePlace(GATE.name, GATE.segment, None), CLASSES)
    (unknown,) = watch(blind_line, nobody([START, START + 9]), [(START + 1, "car", True, None)])
    (empty,) = watch(LineSpeed(GATE, CLASSES), nobody([START]))
    assert set(unknown) == set(empty)
    assert all((r.value, r.n) == (None, None) for r in unknown.values())
    assert empty["implausible_speeds", "car", "forward"].value == 0
    assert (
        empty["spot_speed_mean", "car", "forward"].value,
        empty["spot_speed_mean", "car", "forward"].n,
    ) == (None, 0)


@pytest.mark.parametrize(("vehicles", "known"), [(29, False), (30, True)])
def test_v85_needs_thirty_vehicles(vehicles: int, known: bool) -> None:
    speeds = np.linspace(30, 60, vehicles) / 3.6
    passages = [(START + n, "car", True, float(v)) for n, v in enumerate(speeds)]
    (rows,) = watch(LineSpeed(GATE, CLASSES), nobody(START + np.arange(50)), passages)
    v85 = rows["spot_speed_v85", "car", "forward"]
    assert v85.n == vehicles
    assert v85.value == (pytest.approx(55.5, abs=0.6) if known else None)
    assert rows["spot_speed_mean", "car", "forward"].value == pytest.approx(45)
    assert rows["spot_speed_median", "car", "forward"].value == pytest.approx(45, abs=0.6)


def test_each_class_and_direction_has_its_own_speeds_and_people_have_none() -> None:
    passages = [
        (START + 5 * n + k, class_, forward, speed)
        for n in range(5)
        for k, (class_, forward, speed) in enumerate(
            [
                ("car", True, 10.0),
                ("car", False, 5.0),
                ("bicycle", True, 4.0),
                ("person", True, 1.0),
            ]
        )
    ]
    odd = [
        (START + 40, "car", True, None),
        (START + 41, "car", True, 80.0),  # 288 km/h
        (START + 42, "bicycle", True, 25.0),  # 90 km/h
        (START + 43, "truck", True, 9.0),  # the detector is not said to tell it
    ]
    (rows,) = watch(LineSpeed(GATE, CLASSES), nobody(START + np.arange(50)), passages + odd)
    means = {k[1:]: r.value for k, r in rows.items() if k[0] == "spot_speed_mean"}
    assert means == {
        ("car", "forward"): pytest.approx(36.0),
        ("car", "backward"): pytest.approx(18.0),
        ("bicycle", "forward"): pytest.approx(14.4),
        ("bicycle", "backward"): None,
    }
    counts = {k[1:]: r.value for k, r in rows.items() if k[0] == "implausible_speeds"}
    assert counts == {
        ("car", "forward"): 1,
        ("car", "backward"): 0,
        ("bicycle", "forward"): 1,
        ("bicycle", "backward"): 0,
    }
    assert rows["spot_speed_mean", "car", "forward"].n == 5
