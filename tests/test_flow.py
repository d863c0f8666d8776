"""Rates at a line, and the traffic in a lane."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from passerby.geometry import Polygon
from passerby.histogram import Histogram
from passerby.measures.crossings import LineCrossings
from passerby.measures.flow import LineFlow
from passerby.measures.intervals import Interval
from passerby.measures.lanes import Lane
from passerby.measures.measure import LinePlace, Passage, Sight, Value, ZonePlace
from passerby.measures.motion import Motion
from passerby.measures.speeds import ZoneSpeed
from synthetic_sights import GROUND, SIZE, START, line, nobody, step, watch

GATE = line("gate", (-4, 15), (4, 15))
BLIND = LinePlace(GATE.name, GATE.segment, None)
CLASSES = ("person", "bicycle", "car")
MINUTE = START + np.arange(60)

Told = list[tuple[float, str, bool, float | None]]


def passages(times: list[float], class_: str = "car", forward: bool = True) -> Told:
    return [(START + time, class_, forward, None) for time in times]


# Rates


def test_a_rate_is_per_observed_second() -> None:
    # Half of the minute was observed; its rate is no guess about the other half.
    made = passages([1, 2, 3, 4, 5, 6], "person") + passages([7, 8, 9], "person", False)
    (rows,) = watch(LineFlow(GATE, CLASSES), nobody(MINUTE[:30]), made)
    assert rows["flow_rate", "person", "forward"].value == pytest.approx(6 / 30)
    assert rows["flow_rate", "person", "backward"].value == pytest.approx(3 / 30)
    assert rows["specific_flow", "person", "forward"].value == pytest.approx(6 / 30 / 8)
    assert rows["flow_rate", "car", "forward"].value == 0
    assert rows["counter_flow_share", "person", ""].value == pytest.approx(3 / 9)
    assert rows["counter_flow_share", "person", ""].n == 9


def test_a_share_of_few_is_not_known() -> None:
    made = passages([1, 2, 3], "person") + passages([4], "person", False)
    (rows,) = watch(LineFlow(GATE, CLASSES), nobody(MINUTE), made)
    share = rows["counter_flow_share", "person", ""]
    assert (share.value, share.n) == (None, 4)
    assert share.histogram is not None and share.histogram.minority() == pytest.approx(0.25)


def test_without_ground_only_the_specific_flow_is_unknown() -> None:
    made = passages([1, 2, 3], "person")
    (seen,) = watch(LineFlow(GATE, CLASSES), nobody(MINUTE), made)
    (blind,) = watch(LineFlow(BLIND, CLASSES), nobody(MINUTE), made)
    assert set(seen) == set(blind)
    for key, row in blind.items():
        known = (None, None) if key[0] == "specific_flow" else (seen[key].value, seen[key].n)
        assert (row.value, row.n) == known


def test_flow_is_density_times_speed() -> None:
    # Four files of people, one every 0.9 m, walk at 1.25 m/s through a zone and over a line in it.
    # None of the three is made from another: crossings, people in the zone, speeds.
    spacing, speed, seconds, fps = 0.9, 1.25, 72, 10
    corners = np.array([[-2.0, 12.0], [2.0, 12.0], [2.0, 19.2], [-2.0, 19.2]])
    zone = ZonePlace("yard", Polygon(GROUND.to_picture(corners)), shapely.Polygon(corners))
    gate = line("gate", (-2, 15.1), (2, 15.1))
    motion, crossings = Motion(GROUND, SIZE), LineCrossings("gate", gate.segment)
    rank, x = (a.ravel() for a in np.meshgrid(np.arange(140), [-1.5, -0.5, 0.5, 1.5]))
    sights: list[tuple[Sight, float]] = []
    crossed: Told = []
    inside = 0.0
    for frame in range(seconds * fps):
        y = 8 + rank * spacing - speed * frame / fps
        view = np.flatnonzero((y > 8) & (y < 28))
        places = np.stack([x, y], axis=1)[view]
        before = (START + (frame - 1) / fps, places + np.array([0, speed / fps]))
        now = step(START + frame / fps, places, trails=view, before=before)
        crossed += [(c.time, "person", c.forward, None) for c in crossings.accept(now)]
        inside += zone.polygon.holds(now.seen).sum() / fps
        sights.append((motion.accept(now), 1 / fps))
    (speeds,) = watch(ZoneSpeed(zone), sights, seconds=120)
    (flows,) = watch(LineFlow(gate, CLASSES), sights, crossed, seconds=120)
    k = inside / seconds / shapely.Polygon(corners).area
    v = speeds["speed_mean", "person", ""].value
    q = flows["specific_flow", "person", "forward"].value
    assert v == pytest.approx(speed, rel=1e-6)
    assert k == pytest.approx(4 / (spacing * 4), rel=0.01)
    # At the end 4 of 400 are over the line and not yet clear of it.
    assert q == pytest.approx(k * speed, rel=0.015)


# Traffic in a lane


def headways(rows: dict[tuple[str, str, str], Value]) -> Histogram:
    histogram = rows["headway_mean", "vehicle", ""].histogram
    assert histogram is not None
    assert sum(histogram.counts.values()) == rows["headway_mean", "vehicle", ""].n
    return histogram


def test_a_headway_is_from_any_vehicle_to_the_next() -> None:
    made = passages([1, 9, 14, 24]) + passages([4], "bicycle") + passages([11], forward=False)
    made += passages([2, 20], "person")
    (rows,) = watch(Lane(GATE, CLASSES), nobody(MINUTE), made)
    mean, median = (rows[kind, "vehicle", ""] for kind in ("headway_mean", "headway_median"))
    assert mean.value == pytest.approx(np.mean([3, 5, 2, 3, 10]))
    assert median.value == pytest.approx(3, abs=0.1)
    assert mean.n == median.n == 5
    (few,) = watch(Lane(GATE, CLASSES), nobody(MINUTE), made[:3])
    assert (few["headway_mean", "vehicle", ""].value, few["headway_mean", "vehicle", ""].n) == (
        None,
        2,
    )


@given(st.lists(st.floats(0, 170), min_size=1, max_size=20, unique=True))
def test_headways_of_intervals_add_up_to_all_the_time_between(times: list[float]) -> None:
    made, sights = passages(times), nobody(START + np.arange(180))
    parts = [headways(rows) for rows in watch(Lane(GATE, CLASSES), sights, made)]
    (whole,) = watch(Lane(GATE, CLASSES), sights, made, seconds=3600)
    assert sum(part.total for part in parts) == pytest.approx(max(times) - min(times), abs=1e-5)
    assert headways(whole).total == pytest.approx(max(times) - min(times), abs=1e-5)


@pytest.mark.parametrize(
    ("gap", "total"),
    [
        ((20.0, 20.9), 36.0),  # a blink
        ((20.0, 25.0), 4.0 + 2.0),  # 16 to 46 is unknown
        ((20.0, 75.0), 4.0),  # so is 16 to 80
        ((45.0, 47.0), 4.0),  # one was bridged at 46; who was before and after it is unknown
    ],
)
def test_a_headway_across_a_gap_is_unknown(gap: tuple[float, float], total: float) -> None:
    made = passages([12, 16, 46, 48] if gap[1] < 75 else [12, 16, 80])
    times = [t for t in np.arange(0, 120, 0.1) if not gap[0] <= t < gap[1]]
    told = watch(Lane(GATE, CLASSES), nobody(START + np.array(times), 0.1), made)
    assert sum(headways(rows).total for rows in told) == pytest.approx(total, abs=1e-5)


def test_who_is_told_late_and_who_passes_twice_make_no_wrong_headway() -> None:
    lane, first, second = Lane(GATE, CLASSES), Interval(START), Interval(START + 60)
    told = [(first, 50, 1), (second, 58, 2), (second, 40, 3), (second, 65, 4), (second, 70, 4)]
    for interval, time, trail in told:
        lane.passed(Passage("gate", trail, 2, True, START + time, None, interval))
    counts = [
        headways({(v.kind, v.class_, ""): v for v in lane.values(i)}) for i in (first, second)
    ]
    assert [h.total for h in counts] == pytest.approx([0, 8 + 7])


def test_the_line_is_covered_while_the_lower_third_of_a_vehicle_is_on_it() -> None:
    # Towards the camera, a metre a frame; the line is met with 33 pixels of the box's 100.
    lane, sights, covered = Lane(GATE, CLASSES), [], 0
    ys = np.arange(30, 5, -0.25)
    gate = GROUND.to_picture(np.array([[0.0, 15.0]]))[0, 1]
    for frame, y in enumerate(ys):
        now = step(START + frame / 5, [(0, y)], class_="car", size=(80.0, 100.0))
        foot = now.boxes[0, 3]
        covered += foot - 100 / 3 <= gate <= foot
        sights.append((Sight(now, now.points, now.points), 0.2))
    (rows,) = watch(lane, sights)
    share = rows["time_occupancy", "vehicle", ""]
    assert covered > 2
    assert share.value == pytest.approx(100 * covered / len(ys))
    assert share.n == 1


@pytest.mark.parametrize(
    ("class_", "x", "share"),
    [
        ("car", 0.0, 100),  # the line is narrower than the box: no end of it looks out
        ("person", 0.0, 0),
        ("car", 4.0, 0),  # in the next lane
    ],
)
def test_only_a_vehicle_in_the_lane_covers_its_line(class_: str, x: float, share: float) -> None:
    lane = Lane(line("gate", (-1, 15), (1, 15)), CLASSES)
    now = step(START, [(x, 14.8)], class_=class_, size=(140.0, 120.0))
    (rows,) = watch(lane, [(Sight(now, now.points, now.points), 1.0)])
    assert rows["time_occupancy", "vehicle", ""].value == share
