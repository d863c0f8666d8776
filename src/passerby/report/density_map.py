"""The plan at different times: each zone in the colour of its mean density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import shapely
from markupsafe import Markup

from passerby.report.axes import ticks
from passerby.report.measured import PERSON, box
from passerby.report.plan import Plan, Sheet
from passerby.report.svg import element
from passerby.report.tally import Series, Tally, tally
from passerby.report.words import NOT_KNOWN, SiteClock, exact, significant, step

if TYPE_CHECKING:
    from passerby.report import Report

_MOST_PANELS = 12
_LONGER = (900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 604_800)  # s
_KINDS = ("density_mean", "saturated")
_SHADES = 6
_WIDTH, _TALLEST = 400.0, 420.0


@dataclass(frozen=True, slots=True)
class DensityMap:
    """Panels with their captions, and the legend of their colours.

    Attributes:
        step: for how long a panel stands.
        panels: caption and drawing.
        legend: swatch and the densities it stands for.
    """

    step: str
    panels: list[tuple[str, Markup]]
    legend: list[tuple[Markup, str]]


def density_map(report: Report, plan: Plan | None) -> DensityMap | None:
    """At most a dozen panels, or as many weeks; None where no density or no plan is known."""
    zones = [] if plan is None else [name for name in report.shapes.zones if name in plan.shapes]
    counts = _lumped(report)
    series = [Series(name, "density_mean") for name in zones]
    if plan is None or PERSON not in counts.known(series):
        return None
    values = [counts.value(one, start, PERSON) or 0.0 for one in series for start in counts.starts]
    edges = ticks(max(values), whole=False, most=_SHADES)
    corners = {name: plan.shapes[name] for name in zones}
    bounds = shapely.MultiPoint(np.concatenate(list(corners.values()))).bounds
    sheet = Sheet.of(bounds, _WIDTH, _TALLEST, 24.0, below=36.0)
    clock = SiteClock.of(report)
    days = {clock.date(start) for start in counts.starts}
    panels = []
    for start in counts.starts:
        day = f"{clock.date(start)} " if len(days) > 1 else ""
        when = f"{day}{clock.time(start)}"
        panels.append((when, _panel(plan, sheet, counts, start, clock, corners, edges)))
    shades = [
        (box(f"shade-{number}"), f"{exact(low)} to {exact(edges[number + 1])}")
        for number, low in enumerate(edges[:-1])
    ]
    legend = [*shades, (box("gap"), NOT_KNOWN)]
    if any(_bound(counts, name, start) for name in zones for start in counts.starts):
        legend.append((box("saturated"), "saturated: a lower bound"))
    return DensityMap(step(counts.seconds), panels, legend)


def _lumped(report: Report) -> Tally:
    """The densities in the shortest intervals of which there are not too many."""
    own = report.settings.interval_seconds
    counts = tally(report, own, _KINDS)
    for seconds in (longer for longer in _LONGER if longer > own and longer % own == 0):
        if len(counts.starts) <= _MOST_PANELS:
            break
        counts = tally(report, seconds, _KINDS)
    return counts


def _bound(counts: Tally, zone: str, start: datetime) -> bool:
    return bool(counts.value(Series(zone, "saturated"), start, PERSON))


def _panel(
    plan: Plan,
    sheet: Sheet,
    counts: Tally,
    start: datetime,
    clock: SiteClock,
    corners: dict[str, np.ndarray],
    edges: Sequence[float],
) -> Markup:
    parts = [
        element("rect", width=_WIDTH, height=sheet.height, class_="panel"),
        sheet.outline(plan.footprint, "footprint"),
    ]
    words, said = [], []
    for name, points in corners.items():
        series = Series(name, "density_mean")
        value = counts.value(series, start, PERSON)
        bound = _bound(counts, name, start)
        text = "?" if value is None else f"{'≥ ' if bound else ''}{significant(value)}"
        known = NOT_KNOWN if value is None else f"{text} people per m²"
        drawn = sheet.points(points)
        shade = "gap" if value is None else f"shade-{_shade(value, edges)}"
        parts.append(
            element(
                "polygon",
                element("title", f"{name}: {known}"),
                points=drawn,
                class_=f"cell {shade}",
                data_map_zone=name,
                data_start=clock.iso(start),
                data_value=exact(value),
            )
        )
        if bound:
            parts.append(element("polygon", points=drawn, class_="saturated"))
        x, y = sheet.at(shapely.Polygon(points).representative_point().coords[0])
        look = "middle bound" if bound else "middle"
        words.append(element("text", text, x=x, y=y + 8, class_=look))
        said.append(f"{name} {known}")
    return element(
        "svg",
        *parts,
        *words,
        sheet.bar(16.0, sheet.height - 14),
        viewBox=f"0 0 {_WIDTH:g} {sheet.height:.1f}",
        class_="picture map",
        role="img",
        aria_label=f"{clock.time(start)}: {'; '.join(said)}",
    )


def _shade(value: float, edges: Sequence[float]) -> int:
    """Which of the ranges holds a value; the upper edge belongs to a range."""
    return min(sum(value > edge for edge in edges[1:]), len(edges) - 2)
