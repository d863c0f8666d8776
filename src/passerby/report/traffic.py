"""The parts of the page about lines: flow, lanes and spot speeds."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup

from passerby.histogram import Histogram
from passerby.kinds import KINDS
from passerby.report.charts import line_chart
from passerby.report.distributions import Mark, distribution_chart
from passerby.report.figures import Column, Figure, Section
from passerby.report.measured import PERSON, Layer, swatch
from passerby.report.peak import MOTOR
from passerby.report.street import direction
from passerby.report.tally import Series
from passerby.report.view import Looks, View, behind, percentage

WAYS = ("forward", "backward")
SPOTS = ("spot_speed_mean", "spot_speed_median", "spot_speed_v85")


def flow(view: View) -> Section:
    """Rates across each line, headways and occupancy of lanes."""
    figures = []
    kinds = ("flow_rate", "specific_flow", "headway_mean", "headway_median", "time_occupancy")
    for line in view.places(kinds):
        seen = view.counts.seen(Series(line, "flow_rate", way) for way in WAYS)
        if seen or view.known(line, ("headway_mean", "time_occupancy")):
            figures.append(_line(view, line, seen))
    legend = [(swatch("bar", name), name) for name in view.seen("flow_rate")]
    if view.seen("headway_mean"):
        legend.append((swatch("mean", "vehicle"), "mean"))
        legend.append((swatch("second", "vehicle"), "median"))
    return Section(
        "flow",
        "Flow",
        "Road users per observed second; specific flow is that of people per metre of the line. "
        "The counter-flow share is that of the rarer direction: 50 % is as many each way. On "
        "lines across one lane, headway is the time between a vehicle and the next, and time "
        "occupancy the share of the time in which a vehicle was on the line.",
        legend,
        figures,
    )


def _line(view: View, line: str, seen: Sequence[str]) -> Figure:
    counts, clock = view.counts, view.clock
    ways = {way: direction(view.report, Series(line, "flow_rate", way)) for way in WAYS}
    charts, columns = [], []
    if seen:
        charts.append(line_chart(counts, clock, line, "flow_rate", "road users per s"))
    for way, said in ways.items():
        group = f"{said}, 1/s"
        columns += [Column(group, name, Series(line, "flow_rate", way), name) for name in seen]
    specific = [Series(line, "specific_flow", way) for way in WAYS]
    if counts.seen(specific):
        charts.append(line_chart(counts, clock, line, "specific_flow", "people per m and s"))
        columns += [
            Column("specific flow, 1/(m·s)", ways[one.direction], one, PERSON) for one in specific
        ]
    share = Series(line, "counter_flow_share")
    columns += [
        Column("counter-flow share", name, share, name, percentage)
        for name in counts.known([share])
    ]
    headways: Looks = {
        "headway_mean": ("mean", "mean headway"),
        "headway_median": ("second", "median headway"),
    }
    occupancy = Series(line, "time_occupancy")
    for name in counts.known([*(Series(line, kind) for kind in headways), occupancy]):
        layers = view.layers(line, headways, name)
        if counts.known([layers[0].series]):
            title = f"Headways at {line}"
            charts.append(view.chart(layers, "headway, s", title, tall=90.0))
        bars = [Layer(occupancy, name, "bar", "time occupancy")]
        title = f"Time occupancy of {line}"
        charts.append(view.chart(bars, "time occupancy, %", title, tall=90.0))
        columns += view.columns("headway, s", line, headways, name)
        columns.append(Column("headway, s", "measured", layers[0].series, name, behind))
        columns.append(Column("time occupancy", "%", occupancy, name))
    up, down = ways.values()
    about = f"Above zero: {up}. Below: {down}, as seen in the picture." if seen else ""
    return view.figure("Line", line, about, charts, columns)


def spot_speeds(view: View) -> list[Figure]:
    """Speeds of vehicles at each line: a distribution for each direction, and a table."""
    figures = []
    for line in view.places(SPOTS):
        charts, columns, notes = [], [], []
        for way in WAYS:
            said = direction(view.report, Series(line, SPOTS[0], way))
            found = _histograms(view, line, way)
            motor = {name: one for name, one in found.items() if name in MOTOR}
            rest = {name: {name: one} for name, one in found.items() if name not in MOTOR}
            for group, chosen in {"motor vehicles": motor, **rest}.items():
                if chosen:
                    title = f"Speed of {group} at line {line}, {said}"
                    charts.append(_distribution(chosen, title, f"{group} {said}"))
            for name in found:
                mean = Series(line, SPOTS[0], way)
                columns += view.columns(f"{name} {said}, km/h", line, SPOTS, name, way=way)
                columns.append(Column(f"{name} {said}, km/h", "n", mean, name, behind))
                few = _too_few(view, line, way, name)
                if few:
                    notes.append(f"{said}: {few}")
        if columns:
            figure = view.figure(
                "Line",
                line,
                "Vehicles, one speed each; the distributions are of the whole recording.",
                charts,
                columns,
            )
            figures.append(replace(figure, notes=tuple(notes)))
    return figures


def _histograms(view: View, line: str, way: str) -> dict[str, Histogram]:
    """Speeds of the whole recording by class, of those that have any."""
    series = Series(line, SPOTS[0], way)
    totals = {name: view.counts.total(series, name) for name in view.counts.classes}
    return {
        name: row.histogram
        for name, row in totals.items()
        if row is not None and row.histogram is not None and row.histogram.counts
    }


def _distribution(histograms: dict[str, Histogram], title: str, counted: str) -> Markup:
    """Of several classes together; few of them have neither mean nor median."""
    together = functools.reduce(operator.add, histograms.values())
    number = round(sum(together.counts.values()))
    values = {"mean": SPOTS[0], "median": SPOTS[1], "V85": SPOTS[2]}
    known = [(name, KINDS[kind].value_of(together, number)) for name, kind in values.items()]
    marks = [Mark(name, value) for name, value in known if value is not None]
    name = f"{title}, {number} of them"
    return distribution_chart(histograms, marks, "speed", "km/h", name, counted=counted)


def _too_few(view: View, line: str, way: str, class_: str) -> str:
    """Why a class has no V85 of the whole recording."""
    row = view.counts.total(Series(line, SPOTS[2], way), class_)
    if row is None or row.value is not None or row.n is None:
        return ""
    return f"V85 of {class_} is not known: {row.n} of {KINDS[SPOTS[2]].least} needed were measured"
