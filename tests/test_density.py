"""People per square metre: the functions, the levels of service and the measure of a zone."""

from __future__ import annotations

import csv
import importlib
import json
import math
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st

from passerby.errors import SiteError
from passerby.geometry import Polygon
from passerby.kinds import KINDS
from passerby.level_of_service import BOUNDS, Setting, level_of_service
from passerby.measurement import Measurement, merge
from passerby.measures.crowding import ZoneDensity
from passerby.measures.density import classic_density, local_densities, voronoi_density
from passerby.measures.intervals import Intervals
from passerby.measures.measure import Sight, Span, Value, ZonePlace
from passerby.measures.trails import Step
from passerby.moment import CLASSES, Floats

SQUARE = shapely.box(0, 0, 10, 10)

# The bottleneck: a hall of 5.6 m before a passage of 0.5 m, its walls as in PedPy's examples.
_LEFT = [(-0.7, -1.1), (-0.25, -1.1), (-0.25, -0.15), (-0.4, 0), (-2.8, 0), (-2.8, 6.7)]
_LEFT += [(-3.05, 6.7), (-3.05, -0.3), (-0.7, -0.3)]
WALLS = [_LEFT, [(-x, y) for x, y in _LEFT]]
HALL = shapely.Polygon([(3.5, -2), (3.5, 8), (-3.5, 8), (-3.5, -2)], WALLS)


class Bottleneck(NamedTuple):
    """Places by frame, the reference figures and the area in which they were measured."""

    path: Path
    frames: list[Floats]
    figures: dict[str, Any]
    area: shapely.Polygon


@pytest.fixture(scope="module")
def bottleneck(shared: Path) -> Bottleneck:
    folder = shared / "data" / "pedpy"
    path = folder / "bottleneck_040_c_56_h.txt"
    told = np.loadtxt(path)
    told = told[np.argsort(told[:, 1], kind="stable")]
    starts = np.flatnonzero(np.diff(told[:, 1])) + 1
    figures = json.loads((folder / "ref_bottleneck_pedpy.json").read_text("utf-8"))
    area = shapely.Polygon(figures["measurement_area"])
    return Bottleneck(path, np.split(told[:, 2:4], starts), figures, area)


@pytest.fixture(scope="module")
def pedpy() -> Any:
    if os.environ.get("CI"):
        return importlib.import_module("pedpy")
    return pytest.importorskip("pedpy")


def test_published_figures_of_the_bottleneck(bottleneck: Bottleneck) -> None:
    with (bottleneck.path.parent / "ref_bottleneck_classic_density.csv").open() as lines:
        published = [float(row["density"]) for row in csv.DictReader(lines)]
    classic = [classic_density(frame, bottleneck.area) for frame in bottleneck.frames]
    assert classic == pytest.approx(published, rel=1e-6, abs=0)
    voronoi = [
        voronoi_density(frame, bottleneck.area, walkable=HALL, cut_off=1.0)
        for frame in bottleneck.frames
    ]
    figures = bottleneck.figures
    assert np.mean(voronoi) == pytest.approx(figures["voronoi_density_mean"], rel=1e-6)
    assert max(voronoi) == pytest.approx(figures["voronoi_density_max"], rel=1e-6)


@pytest.mark.parametrize("cut_off", [None, 0.8])
def test_pedpy_says_the_same(bottleneck: Bottleneck, pedpy: Any, cut_off: float | None) -> None:
    told = pedpy.load_trajectory_from_txt(
        trajectory_file=bottleneck.path,
        default_frame_rate=25.0,
        default_unit=pedpy.TrajectoryUnit.METER,
    )
    chosen = told.data[told.data.frame % 50 == 0]
    cells = pedpy.compute_individual_voronoi_polygons(
        traj_data=pedpy.TrajectoryData(chosen[["id", "frame", "x", "y"]], 25.0),
        walkable_area=pedpy.WalkableArea(HALL),
        cut_off=None if cut_off is None else pedpy.Cutoff(radius=cut_off, quad_segments=3),
    )
    means, _ = pedpy.compute_voronoi_density(
        individual_voronoi_data=cells, measurement_area=pedpy.MeasurementArea(bottleneck.area)
    )
    for frame in range(0, len(bottleneck.frames), 50):
        points = chosen.loc[chosen.frame == frame, ["x", "y"]].to_numpy()
        density = voronoi_density(points, bottleneck.area, walkable=HALL, cut_off=cut_off)
        (expected,) = means.density[means.frame == frame]
        assert density == pytest.approx(expected, rel=1e-6)
        local = local_densities(points, walkable=HALL, cut_off=cut_off)
        assert local == pytest.approx(cells.density[cells.frame == frame].to_numpy(), rel=1e-6)


# People either stand in one place or at least a centimetre apart, and not on the very edge.
_CENTIMETRES = st.integers(1, 999).map(lambda n: n / 100)
CROWDS = st.lists(st.tuples(_CENTIMETRES, _CENTIMETRES), max_size=30)


@given(CROWDS)
@example([])
@example([(5, 5)])
@example([(5, 5)] * 9)
@example([(5, 5), (2, 7)])
@example([(1, 1), (2, 2), (3, 3), (2, 2)])
@example([(x, y) for x in range(1, 6) for y in range(1, 6)])
def test_cells_of_all_share_out_the_ground(crowd: list[tuple[float, float]]) -> None:
    count = pytest.approx(len(crowd), rel=1e-9)
    assert 100 * voronoi_density(crowd, SQUARE, walkable=SQUARE) == count
    local = local_densities(crowd, walkable=SQUARE)
    assert (local >= 0.01 - 1e-12).all()
    assert (1 / local).sum() == (pytest.approx(100) if crowd else 0)
    # Whatever the parts of the ground, each person is counted once.
    halves = [shapely.box(0, 0, 3, 10), shapely.box(3, 0, 10, 10)]
    parts = [voronoi_density(crowd, half, walkable=SQUARE, cut_off=1.3) for half in halves]
    assert 30 * parts[0] + 70 * parts[1] == count
    assert min(parts) >= 0


@given(CROWDS, st.integers(0, 11), st.tuples(_CENTIMETRES, _CENTIMETRES), st.booleans())
def test_density_knows_neither_north_nor_origin(
    crowd: list[tuple[float, float]],
    twelfths: int,
    moved: tuple[float, float],
    cut: bool,
) -> None:
    # The circle that cuts off cells has 12 corners.
    angle = twelfths * math.pi / 6
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])

    def elsewhere(points: Floats) -> Floats:
        return np.asarray(points @ turn + np.array(moved))

    area, cut_off = shapely.box(3.333, 3.333, 7.777, 6.666), 0.9 if cut else None
    expected = voronoi_density(crowd, area, walkable=SQUARE, cut_off=cut_off)
    density = voronoi_density(
        elsewhere(np.reshape(crowd, (-1, 2))),
        shapely.transform(area, elsewhere),
        walkable=shapely.transform(SQUARE, elsewhere),
        cut_off=cut_off,
    )
    assert density == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_people_in_one_place_share_its_cell() -> None:
    apart = local_densities([(2.5, 5), (7.5, 5)], walkable=SQUARE)
    assert apart == pytest.approx([1 / 50, 1 / 50])
    for hair in (0.0, 1e-12, 1e-8, 1e-4):
        crowd = [(2.5, 5), (2.5 + hair, 5), (2.5, 5 + hair), (7.5, 5)]
        local = local_densities(crowd, walkable=SQUARE)
        assert local == pytest.approx([3 / 50, 3 / 50, 3 / 50, 1 / 50], rel=1e-4)


def test_a_cell_ends_at_the_wall() -> None:
    rooms = SQUARE - shapely.box(4.9, 0, 5.1, 9)
    local = local_densities([(4.5, 2), (4.5, 9.5), (5, 4)], walkable=rooms)
    # The ground behind the wall is near the first, who cannot go there; the third is in the wall.
    assert local[:2] == pytest.approx([1 / (4.9 * 5.75), 1 / (9.8 * 4.25 + 0.2 * 1)])
    assert np.isnan(local[2])


def test_nobody_is_at_zero_and_what_is_no_ground_is_refused() -> None:
    beside = shapely.box(20, 0, 30, 10)
    assert classic_density([], SQUARE) == 0
    assert voronoi_density([(5, 5)], beside, walkable=SQUARE) == 0
    assert voronoi_density([(25, 5)], SQUARE, walkable=SQUARE) == 0
    assert local_densities([], walkable=SQUARE).shape == (0,)
    # Half of this area is no walkable ground: there is nobody.
    half = shapely.box(5, 0, 15, 10)
    assert voronoi_density([(5, 5)], half, walkable=SQUARE) == pytest.approx(0.5 / 100)
    # The edge is outside for N / A.
    assert classic_density([(0, 5), (5, 5)], SQUARE) == 1 / 100
    line = shapely.Polygon([(0, 0), (1, 1), (2, 2)])
    for points in ([(1, 2, 3)], [(math.nan, 2)], [(1, math.inf)], [1, 2]):
        with pytest.raises(ValueError, match=r"\(N, 2\) finite numbers"):
            voronoi_density(points, SQUARE, walkable=SQUARE)
    for area, walkable in ((line, SQUARE), (SQUARE, line)):
        with pytest.raises(ValueError, match="has no extent"):
            voronoi_density([], area, walkable=walkable)
    for cut_off in (0, -1, math.nan):
        with pytest.raises(ValueError, match="radius above 0"):
            local_densities([], walkable=SQUARE, cut_off=cut_off)


def test_levels_of_service_are_those_of_the_book() -> None:
    feet = {
        "walkway": (35, 25, 15, 10, 5),
        "stairs": (20, 15, 10, 7, 4),
        "queue": (13, 10, 7, 3, 2),
    }
    assert set(BOUNDS) == set(get_args(Setting)) == set(feet)
    for setting, bounds in BOUNDS.items():
        assert bounds == tuple(round(foot * 0.3048**2, 2) for foot in feet[setting])
        exactly = [level_of_service(1 / bound, setting) for bound in bounds]
        below = [level_of_service(1.001 / bound, setting) for bound in bounds]
        assert ("".join(exactly), "".join(below)) == ("ABCDE", "BCDEF")
        assert level_of_service(0, setting) == "A"
        assert level_of_service(math.inf, setting) == "F"
    for density in (-0.1, math.nan):
        with pytest.raises(ValueError, match="give people per m²"):
            level_of_service(density, "walkway")
    with pytest.raises(ValueError, match="one of: walkway, stairs, queue"):
        level_of_service(1, "lift")  # type: ignore[arg-type]


# The measure. One metre is 100 pixels; the zone is 4 m × 2 m and the ground around it larger.
PIXELS = 100.0
GROUND = shapely.box(0, 0, 4, 2)
ZONE = ZonePlace("hall", Polygon(PIXELS * np.array([[0, 0], [4, 0], [4, 2], [0, 2]])), GROUND)
WIDER = shapely.box(-4, -4, 8, 6)
START = 1_699_999_200.0  # a full hour
KINDS_OF_ZONE = (
    "density_mean",
    "density_max",
    "density_voronoi_mean",
    "density_local_max",
    "saturated",
)
Look = tuple[float, float, Sequence[tuple[float, float]]]
"""Seconds after the start, seconds for which it stands, places in metres."""


def sight(time: float, places: Sequence[tuple[float, float]], classes: Iterable[int] = ()) -> Sight:
    metres = np.array(places, np.float64).reshape(-1, 2)
    points, count = PIXELS * metres, len(metres)
    codes = np.array([*classes] or [0] * count, np.int64)
    unknown = np.full((count, 2), np.nan)
    boxes = np.concatenate([points - np.array([20, 160]), points + np.array([20, 0])], axis=1)
    step = Step(time, np.arange(count), points, points, unknown, unknown[:, 0], boxes, codes)
    return Sight(step, metres, unknown)


def measured(
    looks: Iterable[Look | tuple[Sight, float]],
    *,
    zone: ZonePlace = ZONE,
    walkable: shapely.Polygon | None = WIDER,
    seconds: int = 60,
) -> list[tuple[float, dict[str, Value]]]:
    """(coverage, values by kind) of each interval, each closed two seconds after its end."""
    measure, intervals = ZoneDensity(zone, walkable=walkable), Intervals(seconds, UTC)
    told: list[tuple[float, dict[str, Value]]] = []

    def close(until: float) -> None:
        for interval in intervals.close(until):
            values = {value.kind: value for value in measure.values(interval)}
            assert tuple(values) == KINDS_OF_ZONE
            assert {v[2:4] for v in values.values()} == {("person", "")}
            told.append((interval.observed / seconds, values))

    for look in looks:
        if len(look) == 3:
            seen, lasts = sight(START + look[0], look[2]), look[1]
        else:
            seen, lasts = look
        time = seen.step.time
        measure.tick(time)
        intervals.open_until(time)
        close(time - 2)
        measure.accept(seen, [Span(*span) for span in intervals.spans(time, lasts)])
    measure.tick(math.inf)
    close(math.inf)
    return told


def numbers(values: dict[str, Value]) -> list[float | None]:
    return [values[kind].value for kind in KINDS_OF_ZONE]


CROWD = [(0.5, 0.5), (1.5, 0.6), (2.4, 1.7), (-0.5, 1.0), (4.3, 1.2)]
"""Three are in the zone and two stand near it."""


def test_a_crowd_that_stands_has_the_density_of_one_look() -> None:
    ((coverage, values),) = measured([(t / 2, 0.5, CROWD) for t in range(120)])
    assert coverage == 1
    local = local_densities(CROWD, walkable=WIDER, cut_off=1.0)[:3].max()
    voronoi = voronoi_density(CROWD, GROUND, walkable=WIDER, cut_off=1.0)
    assert voronoi != pytest.approx(3 / 8, rel=0.01)
    assert numbers(values) == pytest.approx([3 / 8, 3 / 8, voronoi, local, 0])
    assert {value.n for value in values.values()} == {3}


def test_only_people_count() -> None:
    codes = [CLASSES.index(name) for name in ("person", "bicycle", "car", "person", "truck")]
    ((_, mixed),) = measured([(sight(START, CROWD, codes), 60.0)])
    ((_, alone),) = measured([(0, 60.0, [CROWD[0], CROWD[3]])])
    assert numbers(mixed) == numbers(alone)
    assert mixed["density_mean"].value == 1 / 8


def test_without_walkable_ground_the_zone_is_all_there_is() -> None:
    ((_, values),) = measured([(0, 60.0, CROWD)], walkable=None)
    assert values["density_voronoi_mean"].value == pytest.approx(3 / 8)
    # Ground in the zone that nobody can walk on is not counted as room.
    ((_, values),) = measured([(0, 60.0, CROWD)], walkable=shapely.box(0, 0, 3, 9))
    assert values["density_mean"].value == pytest.approx(3 / 6)
    with pytest.raises(SiteError, match="'hall'"):
        ZoneDensity(ZONE, walkable=shapely.box(4, 0, 9, 9))


def test_an_empty_zone_is_at_zero_and_an_unknown_ground_is_unknown() -> None:
    ((_, empty),) = measured([(0, 60.0, [])])
    assert numbers(empty) == [0, 0, 0, 0, 0]
    assert {value.n for value in empty.values()} == {0}
    ((_, unknown),) = measured([(0, 60.0, CROWD)], zone=ZONE._replace(metres=None))
    assert {(value.value, value.n) for value in unknown.values()} == {(None, None)}


def test_who_is_in_the_zone_at_an_unknown_place_is_not_forgotten() -> None:
    lost = sight(START, CROWD)
    lost.metres[1] = np.nan
    ((_, values),) = measured([(lost, 40.0), (40.0, 20.0, CROWD)])
    assert numbers(values) == [pytest.approx(3 / 8), pytest.approx(3 / 8), None, None, None]
    ((_, mostly),) = measured([(lost, 20.0), (20.0, 40.0, CROWD)])
    ((_, always),) = measured([(0, 60.0, CROWD)])
    assert numbers(mostly) == pytest.approx(numbers(always))
    # Nobody asks where people far from the zone are.
    away = sight(START, CROWD)
    away.metres[3:] = np.nan
    ((_, values),) = measured([(away, 60.0)])
    ((_, alone),) = measured([(0, 60.0, CROWD[:3])])
    assert numbers(values) == numbers(alone)


def test_the_maximum_is_of_minutes_of_which_most_was_seen() -> None:
    one, three = CROWD[:1], CROWD[:3]
    looks: list[Look] = [(0, 60, one), (60, 15, one), (75, 45, three), (120, 29, three)]
    ((_, values),) = measured(looks, seconds=180)
    assert values["density_max"].value == pytest.approx((15 * 1 + 45 * 3) / 60 / 8)
    ((_, values),) = measured([(0, 30, three)])
    assert values["density_max"].value is None
    assert values["density_mean"].value == pytest.approx(3 / 8)


def test_local_maximum_is_of_medians_of_seconds() -> None:
    pair, close = [(1.0, 1.0), (3.0, 1.0)], [(1.0, 1.0), (1.3, 1.0)]
    spread, tight = (
        local_densities(crowd, walkable=WIDER, cut_off=1.0).max() for crowd in (pair, close)
    )
    looks = [(t / 2, 0.5, close if t in (58, 116, 117, 118, 119) else pair) for t in range(120)]
    ((_, values),) = measured(looks)
    assert values["density_local_max"].value == pytest.approx(tight)
    ((_, values),) = measured(looks[:118])
    assert values["density_local_max"].value == pytest.approx((spread + tight) / 2)


def test_density_is_found_once_a_second() -> None:
    looks: list[Look] = [(t / 10, 0.1, [] if t % 10 == 0 else CROWD) for t in range(600)]
    ((_, values),) = measured(looks)
    assert numbers(values) == [0, 0, 0, 0, 0]
    looks = [(t / 10, 0.1, CROWD if t % 20 == 0 else []) for t in range(600)]
    ((_, values),) = measured(looks)
    assert values["density_mean"].value == pytest.approx(3 / 8 / 2)


def test_beyond_what_the_model_can_count_density_is_flagged() -> None:
    row = [(0.2 + 0.23 * n, 1.0) for n in range(17)]  # 2.1 people on each square metre
    knot = [(1.0, 1.0), (1.3, 1.0), (1.0, 1.3), (0.7, 1.0), (1.0, 0.7)]  # one cell is small
    looks: list[Look] = [(0, 15, row), (15, 15, knot), (30, 30, CROWD)]
    ((_, values),) = measured(looks)
    assert values["saturated"].value == pytest.approx(0.25)
    assert values["density_mean"].value == pytest.approx((17 / 4 + 5 / 4 + 3 / 2) / 8)


_LOOKS = st.lists(
    st.tuples(
        st.floats(0.0625, 40),  # since the one before
        st.floats(0.1, 1),  # share of the time until the next that is observed
        st.lists(st.tuples(st.floats(-1, 5), st.floats(-1, 3)), max_size=4),
    ),
    min_size=1,
    max_size=20,
)


@given(_LOOKS)
def test_means_of_short_intervals_merge_to_that_of_the_long_one(
    looks: list[tuple[float, float, list[tuple[float, float]]]],
) -> None:
    times = np.cumsum([gap for gap, _, _ in looks])
    lasts = np.diff(times, append=times[-1] + 5)
    told = [
        (float(time), float(seconds * share), places)
        for time, seconds, (_, share, places) in zip(times, lasts, looks, strict=True)
    ]
    ((coverage, whole),) = measured(told, seconds=900)
    parts = measured(told, seconds=60)
    for kind in ("density_mean", "density_voronoi_mean", "saturated"):
        assert KINDS[kind].unit == ("share" if kind == "saturated" else "1/m²")
        rows = [
            Measurement(
                "site",
                "camera",
                *values[kind][:4],
                datetime.fromtimestamp(START + 60 * number, UTC),
                60,
                values[kind].value,
                values[kind].n,
                share,
            )
            for number, (share, values) in enumerate(parts)
        ]
        merged = merge(rows).value
        assert merged == pytest.approx(whole[kind].value)
        assert merged is not None
        assert merged >= 0
    assert coverage * 900 == pytest.approx(sum(share for share, _ in parts) * 60)
