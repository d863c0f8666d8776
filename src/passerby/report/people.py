"""The parts of the page about people: density, speed and the fundamental diagram."""

from __future__ import annotations

import math
from collections.abc import Callable

from passerby.level_of_service import BOUNDS, Setting, level_of_service
from passerby.measurement import Measurement
from passerby.report.figures import Column, Figure, Section
from passerby.report.fundamental import fundamental_chart, fundamental_table, pairs, states
from passerby.report.measured import PERSON, Band, box, dot, measure_chart, stroke, swatch
from passerby.report.tally import Series
from passerby.report.traffic import spot_speeds
from passerby.report.view import Looks, View, behind, percentage

_FOR: dict[Setting, str] = {
    "walkway": "Levels of service of walkways.",
    "stairs": "Levels of service of stairs.",
    "queue": "Levels of service of queues.",
}


def density(view: View) -> Section:
    """Density per zone over the levels of service."""
    looks: Looks = {
        "density_mean": ("mean", "mean of the interval"),
        "density_max": ("most", "up to the highest one-minute mean"),
        "density_voronoi_mean": ("second", "Voronoi mean"),
        "density_local_max": ("peak", "highest local density around one person"),
    }
    figures, drawn = [], set[str]()
    for zone in view.places(looks):
        crowd = view.report.shapes.crowd.get(zone)
        setting: Setting = "walkway" if crowd is None else crowd.level_of_service
        layers = view.layers(zone, looks, PERSON)
        if _alike(view, zone):
            layers = [one for one in layers if one.series.kind != "density_voronoi_mean"]
        drawn |= {one.series.kind for one in layers}
        saturated = Series(zone, "saturated")
        chart = measure_chart(
            view.counts,
            view.clock,
            layers,
            "people per m²",
            f"Density of people in zone {zone}",
            bands=level_bands(setting),
            saturated=saturated,
            tall=190.0,
        )
        columns = [
            *view.columns("people per m²", zone, looks, PERSON, bound=saturated),
            Column("share of time", "saturated", saturated, PERSON, percentage),
            *(
                Column(
                    "level of service", head, Series(zone, kind), PERSON, _level(setting), saturated
                )
                for kind, head in (("density_mean", "mean"), ("density_max", "worst minute"))
            ),
        ]
        figures.append(view.figure("Zone", zone, _FOR[setting], [chart], columns))
    legend = [(swatch(look, PERSON), says) for kind, (look, says) in looks.items() if kind in drawn]
    if view.seen("saturated"):
        legend.append((box("saturated"), "saturated: the values are lower bounds"))
    legend.append((box("level level-D"), "levels of service (Fruin), A free to F full"))
    return Section(
        "density",
        "Density",
        "People per square metre of walkable ground. The letters are Fruin’s levels of "
        "service: they speak of comfort, not of safety. Where the model cannot count all who "
        "are there, the zone is saturated, and its density is at least what is shown.",
        legend,
        figures,
    )


def speed(view: View) -> Section:
    """Speed of people per zone, and of vehicles per line."""
    looks: Looks = {
        "speed_mean": ("mean", "space-mean speed of people"),
        "speed_median": ("second", "median"),
    }
    figures = []
    for zone in view.places(looks):
        layers = view.layers(zone, looks, PERSON)
        name = f"Speed of people in zone {zone}"
        chart = measure_chart(view.counts, view.clock, layers, "m/s", name)
        mean, implausible = Series(zone, "speed_mean"), Series(zone, "implausible_speeds")
        columns = [
            *view.columns("m/s", zone, looks, PERSON),
            Column("people", "measured", mean, PERSON, behind),
            Column("people", "implausibly fast, left out", implausible, PERSON),
        ]
        about = "People: metres walked per second spent in the zone."
        figures.append(view.figure("Zone", zone, about, [chart], columns))
    legend = [(swatch(look, PERSON), says) for look, says in looks.values()] if figures else []
    figures += spot_speeds(view)
    return Section(
        "speed",
        "Speed",
        "People in metres per second over a zone; vehicles in kilometres per hour, one speed "
        "each, where they cross a line. A median needs 5 road users, V85, the speed that 85 % "
        "did not exceed, needs 30.",
        legend,
        figures,
    )


def fundamental(view: View) -> Section:
    """Flow against density, of each zone with a line through it."""
    figures = [
        Figure(
            pair.zone,
            f"With specific flow across line {pair.line}.",
            [("", fundamental_chart(view.counts, view.clock, pair))],
            fundamental_table(view.counts, view.clock, pair),
            word="Zone",
        )
        for pair in pairs(view.report)
        if states(view.counts, pair)
    ]
    legend = [
        (dot("dot"), "measured in one interval: density in the zone, flow across the line"),
        (dot("ring"), "k·v: what density and speed in the zone give as flow"),
        (stroke("ray"), "flow at the space-mean speed of the whole recording"),
    ]
    if any(state.bound for one in pairs(view.report) for state in states(view.counts, one)):
        legend.append((dot("dot bound"), "saturated: density is a lower bound"))
    return Section(
        "fundamental",
        "Fundamental diagram",
        "Specific flow q of people, both ways together, against their density k. Flow comes "
        "from the line, density and speed v from the zone, so that q = k·v is a check: the "
        "nearer a ring is to its dot, the better they agree. Where people cross the line askew, "
        "dots lie below their rings.",
        legend,
        figures,
    )


def _alike(view: View, zone: str) -> bool:
    """Whether the Voronoi mean is the plain mean, as it is where no walkable ground was drawn."""
    kinds = "density_mean", "density_voronoi_mean"
    plain, voronoi = (
        [view.counts.value(Series(zone, kind), start, PERSON) for start in view.counts.starts]
        for kind in kinds
    )
    return all(
        one is None or other is None or math.isclose(one, other)
        for one, other in zip(plain, voronoi, strict=True)
    )


def level_bands(setting: Setting) -> list[Band]:
    """The levels of service as ranges of density."""
    edges = [0.0, *(1 / least for least in BOUNDS[setting]), float("inf")]
    return [Band(*band) for band in zip("ABCDEF", edges[:-1], edges[1:], strict=True)]


def _level(setting: Setting) -> Callable[[Measurement], str]:
    def say(row: Measurement) -> str:
        return "" if row.value is None else level_of_service(row.value, setting)

    return say
