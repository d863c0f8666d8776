"""Page, workbook and summary tell density, speed, flow, dwell and queues as measured."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache, reduce
from operator import add
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, sync_playwright

from passerby.geometry import in_pixels
from passerby.ground import Ground
from passerby.kinds import KINDS
from passerby.level_of_service import BOUNDS, Setting, level_of_service
from passerby.measurement import Measurement, merge
from passerby.report import Report
from passerby.report.density_map import density_map
from passerby.report.files import summary
from passerby.report.fundamental import pairs, states
from passerby.report.limits import remarks
from passerby.report.page import page_bytes
from passerby.report.people import level_bands
from passerby.report.plan import Plan, metric_grid, plan_picture
from passerby.report.street import WIDTH, Canvas
from passerby.report.tally import COUNTED, MEASURED, tally
from passerby.report.workbook import workbook_bytes
from passerby.site import make_camera
from report_samples import UNKNOWN_AT, ground, junction, plaza, short_clip, square
from test_report_page import CHROMIUM, SIX, Elements

PARTS = ("density", "speed", "flow", "fundamental", "stay", "queues")


@cache
def _found() -> list[tuple[str, dict[str, str | None]]]:
    return Elements(page_bytes(square()).decode()).found


def _with(attribute: str, tag: str | None = None) -> list[dict[str, str | None]]:
    return [
        attributes
        for name, attributes in _found()
        if attribute in attributes and tag in (None, name)
    ]


def _values(tag: str) -> dict[tuple[str | None, ...], str | None]:
    return {
        tuple(one[f"data-{name}"] for name in SIX[:5]): one["data-value"]
        for one in _with("data-kind", tag)
        if one["data-kind"] in MEASURED and one["data-start"]
    }


def _rows(kind: str, place: str, class_: str = "person", way: str = "") -> list[Measurement]:
    key = (place, kind, class_, way)
    rows = [row for row in square().rows if (row.place, row.kind, row.class_, row.direction) == key]
    assert rows
    return rows


# Numbers


def test_charts_show_the_numbers_of_the_tables() -> None:
    drawn, written = _values("rect"), _values("td")
    assert {key[1] for key in drawn} >= {kind for kind in MEASURED if "spot_speed" not in kind} - {
        "counter_flow_share",
        "implausible_speeds",
        "saturated",
        "delay_mean",
    }
    assert drawn.items() <= written.items()


def test_tables_show_the_numbers_of_the_rows() -> None:
    written, compared = _values("td"), set()
    for row in square().rows:
        key = (row.place, row.kind, row.direction, row.class_, row.start.isoformat())
        if key in written:
            compared.add(row.kind)
            value = written[key]
            assert (float(value) if value else None) == row.value
    assert compared >= MEASURED - {"counter_flow_share", "saturated"}


def test_the_foot_of_a_table_is_the_whole_recording() -> None:
    feet = {
        (one["data-place"], one["data-kind"], one["data-class"], one["data-direction"]): one
        for one in _with("data-kind", "td")
        if one["data-kind"] in MEASURED and not one["data-start"]
    }
    mean = merge(_rows("spot_speed_v85", "lane 1", "car", "forward"))
    assert mean.value is not None
    assert feet["lane 1", "spot_speed_v85", "car", "forward"]["data-value"] == str(mean.value)
    # No interval has the 5 vehicles that a mean needs; all of them together do.
    assert {row.value for row in _rows("delay_mean", "tickets", "car")} == {None}
    assert float(feet["tickets", "delay_mean", "car", ""]["data-value"] or "nan") == 5.5


def test_the_unknown_is_a_gap_and_has_no_mark() -> None:
    gap = UNKNOWN_AT.isoformat()
    assert not [key for key in _values("rect") if key[4] == gap]
    assert {value for key, value in _values("td").items() if key[4] == gap} == {""}
    gaps = Counter(one["data-gap"] for one in _with("data-gap"))
    first = square().start.isoformat()
    # Somebody looked at seven, but the time to capacity is known of two and the wait not of one.
    assert gaps[gap] > gaps[first] > 0


def test_saturated_densities_are_drawn_as_lower_bounds() -> None:
    for zone in plaza().zones:
        hatched = {row.start for row in _rows("saturated", zone) if row.value}
        densities = {row.start: row.value for row in _rows("density_mean", zone)}
        shown = {
            one["data-start"]: one for one in _with("data-map-zone") if one["data-map-zone"] == zone
        }
        assert {row for row, value in densities.items() if (value or 0) > 2} == hatched
        assert len(shown) == len(densities)
    everywhere = [row.start for row in square().rows if row.kind == "saturated" and row.value]
    drawn = [one["data-saturated"] or "" for one in _with("data-saturated")]
    assert sorted(drawn) == sorted(start.isoformat() for start in everywhere) != []
    text = page_bytes(square()).decode()
    cell = r'<td data-place="(\w+)" data-kind="density_mean"[^>]* data-start="([^"]*)"[^>]*>≥ '
    bounded = set(re.findall(cell, text))
    rows = [row for row in square().rows if row.kind == "saturated" and row.value]
    each = {(row.place, row.start.isoformat()) for row in rows}
    assert bounded == each | {(row.place, "") for row in rows}
    # On the chart of the zone too, and on the map and in its words.
    assert len(re.findall(r"<text [^>]*>≥ ", text)) == 2 * len(each)
    assert text.count("F or worse") + text.count("E or worse") >= 2


@given(st.floats(0, 20), st.sampled_from(sorted(BOUNDS)))
def test_bands_are_the_levels_of_service(density: float, setting: Setting) -> None:
    bands = level_bands(setting)
    letter = level_of_service(density, setting)
    (band,) = [one for one in bands if one.letter == letter]
    assert band.low <= density <= band.high


def test_distributions_hold_every_vehicle_and_their_marks() -> None:
    bars = _with("data-weight")
    for class_ in ("car", "bus", "bicycle"):
        measured = sum(
            row.n or 0
            for way in ("forward", "backward")
            for row in _rows("spot_speed_mean", "lane 1", class_, way)
        )
        drawn = sum(float(one["data-weight"] or 0) for one in bars if one["data-class"] == class_)
        assert drawn == measured > 0
    histograms = [
        row.histogram
        for class_ in ("car", "bus")
        for row in _rows("spot_speed_mean", "lane 1", class_, "forward")
        if row.histogram is not None
    ]
    together = reduce(add, histograms)
    marks = Counter(
        (one["data-mark"], round(float(one["data-value"] or "nan"), 9))
        for one in _with("data-mark")
    )
    for name, value in (
        ("mean", together.mean()),
        ("median", together.quantile(0.5)),
        ("V85", together.quantile(0.85)),
    ):
        assert marks[name, round(value or 0, 9)] == 1
    # Seven bicycles the other way are enough for a median, and not for V85.
    (few,) = [
        label
        for _, one in _found()
        if re.search("Speed of bicycle .* backward", label := one.get("aria-label") or "")
    ]
    assert "median" in few
    assert "V85" not in few


# Fundamental diagram


def test_pairs_have_flow_of_the_line_and_density_and_speed_of_the_zone() -> None:
    report = square()
    counts = tally(report, 900, MEASURED)
    assert [tuple(pair) for pair in pairs(report)] == [("plaza", "passage")]
    dots = {one["data-start"]: one for one in _with("data-pair")}
    assert len(dots) == len(states(counts, pairs(report)[0])) == 7
    for start, one in dots.items():
        row = {
            kind: next(r.value for r in _rows(kind, "plaza") if r.start.isoformat() == start)
            for kind in ("density_mean", "speed_mean")
        }
        flow = sum(
            next(
                r.value or 0
                for r in _rows("specific_flow", "passage", way=way)
                if r.start.isoformat() == start
            )
            for way in ("forward", "backward")
        )
        assert float(one["data-density"] or "nan") == row["density_mean"]
        assert float(one["data-flow"] or "nan") == pytest.approx(flow)
        expected = math.prod(value or 0 for value in row.values())
        assert float(one["data-check"] or "nan") == pytest.approx(expected)


def test_the_only_line_is_paired_with_every_zone() -> None:
    lines = {"gate": ((0.0, 0.9), (0.1, 0.9))}
    shapes = make_camera(lines=lines, zones=plaza().zones)
    assert {pair.line for pair in pairs(replace(square(), shapes=shapes))} == {"gate"}
    two = make_camera(lines={**lines, "way": ((0, 0.95), (0.1, 0.95))}, zones=plaza().zones)
    assert pairs(replace(square(), shapes=two)) == []


# Plan and grid


def _plan(report: Report) -> Plan:
    plan = Plan.of(report.ground, report.frame_size, report.shapes)
    assert plan is not None
    return plan


def test_the_plan_is_to_scale() -> None:
    report = square()
    shapes, metres = report.shapes, ground()
    lengths = {one["data-plan-line"]: one["data-metres"] for one in _with("data-plan-line")}
    for name, line in shapes.lines.items():
        a, b = metres.to_metres(in_pixels(line, report.frame_size))
        assert float(lengths[name] or "nan") == pytest.approx(math.dist(a, b), abs=0.01)
    areas = {one["data-plan-zone"]: one["data-square-metres"] for one in _with("data-plan-zone")}
    for name, zone in shapes.zones.items():
        area = shapely.Polygon(metres.to_metres(in_pixels(zone, report.frame_size))).area
        assert float(areas[name] or "nan") == pytest.approx(area, abs=0.01)


@given(st.floats(-math.pi, math.pi), st.booleans(), st.floats(-50, 50), st.floats(-50, 50))
def test_the_plan_does_not_depend_on_how_the_ground_is_turned(
    angle: float, mirrored: bool, x: float, y: float
) -> None:
    """Away from the camera is up and its right is right, whichever way the metres run."""
    cos, sin, flip = math.cos(angle), math.sin(angle), -1.0 if mirrored else 1.0
    move = np.array([[cos, -sin * flip, x], [sin, cos * flip, y], [0, 0, 1]])
    turned = Ground(move @ np.asarray(ground().homography), 0.06, "turned")
    plain, other = _plan(square()), _plan(replace(square(), ground=turned))
    for name, corners in plain.shapes.items():
        size = other.shapes[name] - other.shapes["passage"][0]
        assert size == pytest.approx(corners - plain.shapes["passage"][0], abs=1e-6)
    west, east = plain.shapes["passage"]
    assert east[0] > west[0]
    assert plain.shapes["stairs"][:, 1].min() > plain.shapes["plaza"][:, 1].max()


def test_the_footprint_holds_every_shape_and_ends_before_the_horizon() -> None:
    plan = _plan(square())
    for corners in plan.shapes.values():
        assert plan.footprint.buffer(0.05).covers(shapely.MultiPoint(corners))
    assert plan.footprint.area < 2000


def test_what_reaches_the_horizon_is_left_out_and_said() -> None:
    zones = {**plaza().zones, "sky": ((0.1, 0.0), (0.9, 0.0), (0.5, 0.9))}
    shapes = make_camera(zones=zones, lines=plaza().lines)
    report = replace(square(), shapes=shapes, rows=())
    assert _plan(report).hidden == ("sky",)
    assert 'data-plan-zone="sky"' not in plan_picture(report.shapes, _plan(report))
    assert "reach up to the horizon: sky." in page_bytes(report).decode()


def test_grid_lines_lie_on_whole_metres_of_the_ground() -> None:
    report = square()
    canvas = Canvas.of(report.frame_size)
    grid, step = metric_grid(_plan(report), canvas)
    points = np.array(
        [tuple(map(float, pair)) for pair in re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", grid)]
    )
    assert step in (1, 2, 5, 10)
    assert len(points) > 50
    pixels = points / [WIDTH, canvas.height] * report.frame_size
    metres = ground().to_metres(pixels)
    off = np.abs(metres - step * np.round(metres / step)).min(axis=1)
    near = metres[:, 1] < 20  # farther away a hundredth of the drawing is worth more
    assert near.any()
    assert off[near].max() < 0.02


@pytest.mark.parametrize("minutes", [15, 24 * 60])
def test_the_density_map_has_at_most_a_dozen_panels(minutes: int) -> None:
    rows = [
        replace(row, start=row.start + timedelta(minutes=minutes * number))
        for number in range(12)
        for row in _rows("density_mean", "plaza")[:1]
    ]
    report = replace(square(), rows=tuple(rows))
    made = density_map(report, _plan(report))
    assert made is not None
    assert 1 <= len(made.panels) <= 12
    found = Elements(made.panels[0][1]).found
    (value,) = [one["data-value"] for _, one in found if one.get("data-map-zone") == "plaza"]
    assert float(value or "nan") == rows[0].value


# Where there is nothing


@pytest.mark.parametrize("report", [junction(), short_clip()])
def test_a_report_of_counts_has_no_part_about_measures(report: Report) -> None:
    ids = {one.get("id") for _, one in Elements(page_bytes(report).decode()).found}
    assert not ids & {f"h-{part}" for part in PARTS}
    assert {one.get("id") for _, one in _found()} >= {f"h-{part}" for part in PARTS}
    assert "Measures" not in openpyxl.load_workbook(io.BytesIO(workbook_bytes(report))).sheetnames


def test_without_a_ground_there_is_no_plan_and_it_is_said() -> None:
    nothing = [
        row if row.kind in COUNTED else replace(row, value=None, n=None, histogram=None)
        for row in square().rows
    ]
    report = replace(square(), ground=None, rows=tuple(nothing))
    text = page_bytes(report).decode()
    assert "data-plan-zone" not in text
    assert "h-density" not in text
    assert "The ground is not known" in text


# What it can bear


def test_limits_tell_spread_saturation_and_least_numbers() -> None:
    report = square(spread=0.06)
    found = remarks(report, tally(report))
    said = {one.about: one for one in found}
    assert "6 %" in said["Metres"].text
    assert "12 %" in said["Metres"].text
    assert not said["Metres"].warning
    assert said["Saturated"].warning
    assert {one.text.split()[2] for one in found if one.about == "Saturated"} == {
        "stairs",
        "entrance",
    }
    assert f"V85 needs {KINDS['spot_speed_v85'].least}" in said["How many a figure needs"].text
    exact = {one.about: one for one in remarks(square(spread=0.0), tally(report))}
    assert "exact" in exact["Metres"].text
    rough = {one.about: one for one in remarks(square(spread=0.3), tally(report))}
    assert rough["Metres"].warning


def test_summary_and_workbook_have_every_measure() -> None:
    report = square()
    told = summary(report)
    assert told["ground"] == {"method": ground().method, "spread": 0.06}
    assert {total["kind"] for total in told["totals"]} >= MEASURED
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(report)))
    heads, *lines = list(book["Measures"].iter_rows(min_row=4, values_only=True))
    cells = [dict(zip(heads, line, strict=True)) for line in lines]
    assert {cell["Kind"] for cell in cells} == MEASURED
    whole = {
        (cell["Place"], cell["Kind"], cell["Class"], cell["Direction"]): cell["Value"]
        for cell in cells
        if cell["For"] == "whole recording"
    }
    v85 = merge(_rows("spot_speed_v85", "lane 1", "car", "forward")).value
    assert whole["lane 1", "spot_speed_v85", "car", "forward"] == pytest.approx(v85)
    each = [
        cell["Value"]
        for cell in cells
        if (cell["Place"], cell["Kind"], cell["For"]) == ("plaza", "density_mean", "15 min")
    ]
    values = [row.value for row in _rows("density_mean", "plaza")]
    assert each == ["not known" if value is None else value for value in values]


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"], timeout=60_000
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The square's report, opened; no error and no outside request may come up."""
    file = tmp_path / "report.html"
    file.write_bytes(page_bytes(square()))
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    opened = context.new_page()
    trouble: list[str] = []
    opened.on("console", lambda message: trouble.append(message.text))
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert not trouble


def test_every_picture_has_a_name_and_every_axis_its_unit(page: Page) -> None:
    assert page.locator("svg[role=img]:not([aria-label])").count() == 0
    assert page.locator("svg:not([role=img]):not([aria-hidden])").count() == 0
    axes = page.locator("svg.chart").evaluate_all(
        "all => all.map(one => one.querySelectorAll('text.axis').length)"
    )
    assert set(axes) == {2}
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("section:not([aria-labelledby])").count() == 0


def test_narrow_screens_scroll_charts_not_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
