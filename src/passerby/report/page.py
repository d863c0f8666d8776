"""report.html: one file that asks for nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from passerby.report.charts import coverage_strip, line_chart, movement_chart, zone_chart
from passerby.report.density_map import density_map
from passerby.report.figures import Figure, cell, count_table, never, total_cell
from passerby.report.limits import remarks
from passerby.report.movements import movement_diagram
from passerby.report.peak import PeakRow, peaks
from passerby.report.people import density, fundamental, speed
from passerby.report.plan import Plan, metric_grid, plan_picture
from passerby.report.street import NOTHING, Canvas, direction, mean_over_classes, street_picture
from passerby.report.tally import (
    MEASURED,
    Series,
    Tally,
    chart_seconds,
    line_series,
    movement_series,
    observed_share,
    tally,
)
from passerby.report.traffic import flow
from passerby.report.view import View
from passerby.report.waiting import queues, stay
from passerby.report.words import (
    CLOCKS,
    NOT_KNOWN,
    SiteClock,
    duration,
    length,
    percent,
    rounded,
    significant,
    step,
)

if TYPE_CHECKING:
    from passerby.report import Report

_TEMPLATES = Environment(
    loader=PackageLoader("passerby.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


_PARTS = (density, speed, flow, fundamental, stay, queues)


def page_bytes(report: Report) -> bytes:
    """The page, in UTF-8."""
    return page_of("report.html.j2", **_context(report))


def page_of(template: str, **context: Any) -> bytes:
    """A page of a template with the style and script of all, in UTF-8."""
    style, script = _source("report.css"), _source("report.js")
    page = _TEMPLATES.get_template(template).render(
        context,
        style=style,
        script=script,
        policy="; ".join(
            (
                "default-src 'none'",
                "img-src data: blob:",  # blob: a still of the reader's own, to draw on
                f"style-src '{_digest(style)}'",
                f"script-src '{_digest(script)}'",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    )
    return page.encode()


def _source(name: str) -> str:
    loader = _TEMPLATES.loader
    assert loader is not None
    return loader.get_source(_TEMPLATES, name)[0]


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _context(report: Report) -> dict[str, Any]:
    clock = SiteClock.of(report)
    counts = tally(report, chart_seconds(report))
    view = View(report, tally(report, chart_seconds(report), MEASURED), clock)
    plan = Plan.of(report.ground, report.frame_size, report.shapes)
    grid, apart = (
        (NOTHING, 0.0) if plan is None else metric_grid(plan, Canvas.of(report.frame_size))
    )
    shapes = report.shapes
    return {
        "report": report,
        "clock": clock,
        "time": clock.span(report.start, report.end),
        "step": step(counts.seconds),
        "interval": step(report.settings.interval_seconds),
        "bridge": f"{report.settings.bridge_seconds:g}",
        "clock_source": CLOCKS[report.clock],
        "fps": f"{report.settings.analyse_fps:g}",
        "key_figures": _key_figures(report, counts) + _measured_figures(view),
        "picture": street_picture(report, counts, grid),
        "apart": f"{apart:g} m",
        "plan": plan and plan_picture(report.shapes, plan),
        "hidden": ", ".join(plan.hidden) if plan else "",
        "sections": [one for one in (part(view) for part in _PARTS) if one.figures],
        "density_map": density_map(report, plan),
        "totals": _totals(report, counts, line_series(report)),
        "turns": _totals(report, counts, movement_series(report)),
        "classes": counts.seen(counts.rows),
        "unknown": any(counts.coverage(start) == 0 for start in counts.starts),
        "partly": bool(counts.partly),
        "lines": [_line(report, counts, clock, name) for name in shapes.lines],
        "zones": [_zone(counts, clock, name) for name in shapes.zones],
        "movements": [
            _movement(counts, clock, name, f"{origin} → {destination}")
            for name, (origin, destination) in shapes.movements.items()
        ],
        "diagram": movement_diagram(report, counts) if shapes.movements else None,
        "strip": coverage_strip(counts, clock),
        "coverage": percent(observed_share(report, counts)),
        **_peak_table(report, clock),
        "remarks": remarks(report, counts),
        "known": ", ".join(counts.classes),
    }


def _key_figures(report: Report, counts: Tally) -> list[tuple[str, str, str]]:
    """Label, figure and a few words on it."""
    share = observed_share(report, counts)
    seconds = length(report)
    figures = [("Observed", percent(share), f"of {duration(seconds)} (h:min:s)")]
    lines = {name: _both_ways(counts, name) for name in report.shapes.lines}
    if known := {name: total for name, total in lines.items() if total is not None}:
        name = max(known, key=lambda line: known[line])
        about = f"crossings of {name}, both ways"
        label = "Busiest line" if len(lines) > 1 else "Line"
        figures.append((label, rounded(known[name]), about))
    turns = {one.place: counts.total_over_classes(one) for one in movement_series(report)}
    if moved := {name: total for name, total in turns.items() if total is not None}:
        name = max(moved, key=lambda turn: moved[turn])
        label = "Busiest movement" if len(turns) > 1 else "Movement"
        figures.append((label, rounded(moved[name]), f"road users of {name}"))
    means = {name: mean_over_classes(counts, name) for name in report.shapes.zones}
    if filled := {name: mean for name, mean in means.items() if mean is not None}:
        name = max(filled, key=lambda zone: filled[zone])
        label = "Fullest zone" if len(means) > 1 else "Zone"
        about = f"road users at once in {name}, mean"
        figures.append((label, rounded(round(filled[name], 2)), about))
    return figures


def _measured_figures(view: View) -> list[tuple[str, str, str]]:
    """The highest density and the longest expected wait, where they are known."""
    found = []
    for label, kind, unit, about in (
        ("Highest density", "density_max", "", "people per m² in {}, mean of one minute"),
        ("Longest wait", "wait_expected", " s", "to be expected in {}, mean of an interval"),
    ):
        known = [
            (value, one.place, start, name)
            for one in view.counts.rows
            if one.kind == kind
            for start in view.counts.starts
            for name in view.counts.classes
            if (value := view.counts.value(one, start, name)) is not None
        ]
        if known:
            value, place, start, name = max(known)
            bound = view.counts.value(Series(place, "saturated"), start, name)
            figure = f"{'≥ ' if bound else ''}{significant(value)}{unit}"
            found.append((label, figure, about.format(place)))
    return found


def _both_ways(counts: Tally, line: str) -> float | None:
    ways = [
        counts.total_over_classes(Series(line, "crossings", way)) for way in ("forward", "backward")
    ]
    known = [value for value in ways if value is not None]
    return sum(known) if known else None


def _totals(report: Report, counts: Tally, all_series: Sequence[Series]) -> dict[str, Any]:
    """The table below a picture: a row a series, a column a class that was seen at all."""
    classes = counts.seen(all_series) or counts.classes[:1]
    rows = []
    for series in all_series:
        cells = [total_cell(counts, series, name) for name in classes]
        if len(classes) > 1:
            cells.append(cell(counts.total_over_classes(series), series, "all", ""))
        rows.append((series.place, direction(report, series), cells))
    return {"classes": [*classes, *(["all"] if len(classes) > 1 else [])], "rows": rows}


def _line(report: Report, counts: Tally, clock: SiteClock, name: str) -> Figure:
    both = [Series(name, "crossings", way) for way in ("forward", "backward")]
    ways = {direction(report, series): series for series in both}
    up, down = ways
    return Figure(
        name,
        f"Above zero: {up}. Below: {down}, as seen in the picture.",
        [("", line_chart(counts, clock, name))],
        count_table(counts, clock, ways, f"Crossings of line {name} per {step(counts.seconds)}"),
        never(counts, ways.values()),
    )


def _movement(counts: Tally, clock: SiteClock, name: str, about: str) -> Figure:
    series = Series(name, "movement")
    caption = f"Road users of movement {name} ({about}) per {step(counts.seconds)}"
    return Figure(
        name,
        about,
        [("", movement_chart(counts, clock, name))],
        count_table(counts, clock, {about: series}, caption),
        never(counts, [series]),
    )


def _zone(counts: Tally, clock: SiteClock, name: str) -> Figure:
    kinds = {
        "mean": Series(name, "occupancy_mean"),
        "maximum": Series(name, "occupancy_max"),
    }
    seen = counts.seen(kinds.values()) or counts.classes[:1]
    caption = f"Road users in zone {name} per {step(counts.seconds)}"
    return Figure(
        name,
        "The line is the mean number of road users in the zone, the band reaches up to the "
        "maximum. Means add up over classes; maxima do not, as two classes need not have theirs "
        "at the same second.",
        [(class_, zone_chart(counts, clock, name, class_)) for class_ in seen],
        count_table(counts, clock, kinds, caption),
        never(counts, kinds.values()),
    )


def _peak_table(report: Report, clock: SiteClock) -> dict[str, Any]:
    """The rows of the peak-hour table, and its remarks, each said once below it."""
    notes: list[str] = []
    rows = [_peak_cells(row, clock, report, notes) for row in peaks(report)]
    return {"peaks": rows, "peak_notes": notes}


def _peak_cells(row: PeakRow, clock: SiteClock, report: Report, notes: list[str]) -> dict[str, str]:
    series, peak = row.series, row.peak
    said = {
        "place": series.place,
        "way": direction(report, series),
        "road_users": row.road_users,
        "why": row.why,
    }
    if peak is None:
        return said
    notes += [remark for remark in peak.remarks if remark not in notes]
    end = peak.start + timedelta(hours=1)
    one_day = clock.date(report.start) == clock.date(report.end)
    return said | {
        "time": f"{clock.time(peak.start)} to {clock.time(end)}"
        if one_day
        else clock.span(peak.start, end),
        "volume": rounded(peak.volume),
        "factor": NOT_KNOWN if peak.factor is None else f"{peak.factor:.2f}",
        "heavy": NOT_KNOWN if peak.heavy_share is None else percent(peak.heavy_share),
        "coverage": percent(peak.coverage),
        "notes": ", ".join(str(notes.index(remark) + 1) for remark in peak.remarks),
    }
