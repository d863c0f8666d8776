"""report.html: one file that asks for nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from passerby.report.charts import coverage_strip, line_chart, movement_chart, zone_chart
from passerby.report.limits import remarks
from passerby.report.movements import movement_diagram
from passerby.report.peak import PeakRow, peaks
from passerby.report.street import direction, mean_over_classes, street_picture
from passerby.report.svg import element
from passerby.report.tally import (
    Series,
    Tally,
    chart_seconds,
    line_series,
    movement_series,
    observed_share,
    tally,
)
from passerby.report.words import (
    CLOCKS,
    NOT_KNOWN,
    SiteClock,
    duration,
    exact,
    length,
    percent,
    rounded,
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


@dataclass(frozen=True, slots=True)
class CountTable:
    """A table of one place: a row an interval, a column a class.

    Attributes:
        caption: what it shows.
        groups: heading of each group of columns and how many it spans.
        classes: heading of each column.
        rows: label, coverage and cells of each interval.
        foot: cells of the whole recording.
    """

    caption: str
    groups: list[tuple[str, int]]
    classes: list[str]
    rows: list[tuple[str, str, list[Markup]]]
    foot: list[Markup]


@dataclass(frozen=True, slots=True)
class Figure:
    """One place: its charts, its table, and what was looked for in vain."""

    name: str
    about: str
    charts: list[tuple[str, Markup]]
    table: CountTable
    never: str


def page_bytes(report: Report) -> bytes:
    """The page, in UTF-8."""
    style, script = _source("report.css"), _source("report.js")
    page = _TEMPLATES.get_template("report.html.j2").render(
        _context(report),
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
        "key_figures": _key_figures(report, counts),
        "picture": street_picture(report, counts),
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
        cells = [_total(counts, series, name) for name in classes]
        if len(classes) > 1:
            cells.append(_cell(counts.total_over_classes(series), series, "all", ""))
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
        _table(counts, clock, ways, f"Crossings of line {name} per {step(counts.seconds)}"),
        _never(counts, ways.values()),
    )


def _movement(counts: Tally, clock: SiteClock, name: str, about: str) -> Figure:
    series = Series(name, "movement")
    caption = f"Road users of movement {name} ({about}) per {step(counts.seconds)}"
    return Figure(
        name,
        about,
        [("", movement_chart(counts, clock, name))],
        _table(counts, clock, {about: series}, caption),
        _never(counts, [series]),
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
        _table(counts, clock, kinds, caption),
        _never(counts, kinds.values()),
    )


def _never(counts: Tally, all_series: Any) -> str:
    seen = counts.seen(all_series)
    return ", ".join(name for name in counts.classes if name not in seen)


def _table(counts: Tally, clock: SiteClock, groups: dict[str, Series], caption: str) -> CountTable:
    classes = counts.seen(groups.values()) or counts.classes[:1]
    # A maximum has no sum over classes, and a single class needs none.
    sums = {
        title: len(classes) > 1 and series.kind != "occupancy_max"
        for title, series in groups.items()
    }
    any_series = next(iter(groups.values()))
    one_day = len({clock.date(start) for start in counts.starts}) == 1
    rows = []
    for start in counts.starts:
        cells = []
        for title, series in groups.items():
            when = clock.iso(start)
            cells += [
                _cell(counts.value(series, start, name), series, name, when) for name in classes
            ]
            if sums[title]:
                cells.append(_cell(counts.over_classes(series, start), series, "all", when))
        share = percent(counts.coverage(start, any_series))
        day = "" if one_day else f"{clock.date(start)} "
        rows.append((f"{day}{clock.time(start)}", share, cells))
    foot = []
    for title, series in groups.items():
        foot += [_total(counts, series, name) for name in classes]
        if sums[title]:
            foot.append(_cell(counts.total_over_classes(series), series, "all", ""))
    heads = {title: [*classes, "all"] if sums[title] else list(classes) for title in groups}
    return CountTable(
        caption,
        [(title, len(columns)) for title, columns in heads.items()],
        [name for columns in heads.values() for name in columns],
        rows,
        foot,
    )


def _total(counts: Tally, series: Series, class_: str) -> Markup:
    row = counts.total(series, class_)
    return _cell(None if row is None else row.value, series, class_, "")


def _cell(value: float | None, series: Series, class_: str, start: str) -> Markup:
    """A cell that carries its exact value, so that charts and tables can be compared."""
    return element(
        "td",
        rounded(value),
        class_="unknown" if value is None else None,
        data_place=series.place,
        data_kind=series.kind,
        data_direction=series.direction,
        data_class=class_,
        data_start=start,
        data_value=exact(value),
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
