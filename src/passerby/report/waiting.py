"""The parts of the page about time: dwell, how zones fill, and queues."""

from __future__ import annotations

from passerby.report.figures import Column, Section
from passerby.report.measured import PERSON, Layer, Look, swatch
from passerby.report.tally import Series
from passerby.report.view import Looks, View, behind


def stay(view: View) -> Section:
    """Time spent in zones, and how they fill."""
    dwell: Looks = {
        "dwell_median": ("mean", "median time in the zone"),
        "dwell_p90": ("most", "up to what 90 % did not exceed"),
    }
    full: Looks = {
        "time_to_capacity": ("mean", "at the trend of that time"),
        "time_to_capacity_low": ("low", "at the steepest trend that the data allow"),
    }
    figures, drawn = [], set[str]()
    for zone in view.places((*dwell, "net_inflow", *full)):
        charts, columns = [], []
        inflow = Series(zone, "net_inflow")
        for name in view.known(zone, dwell):
            layers = view.layers(zone, dwell, name)
            title = f"Time that {name} spent in zone {zone}"
            charts.append(view.chart(layers, "time in the zone, s", title, label=name))
            columns += view.columns(f"{name}: dwell, s", zone, dwell, name)
            columns.append(Column(f"{name}: dwell, s", "stays", layers[0].series, name, behind))
            drawn |= set(dwell)
        for name in view.counts.seen([inflow]):
            bars = [Layer(inflow, name, "bar", "net inflow")]
            title = f"Net inflow of {name} into zone {zone}"
            charts.append(view.chart(bars, "in less out", title, label=name))
            columns.append(Column("net inflow", name, inflow, name))
        for name in view.known(zone, full):
            title = f"Time until zone {zone} would be full"
            charts.append(view.chart(view.layers(zone, full, name), "time until full, s", title))
            columns += view.columns("time until full, s", zone, full, name)
            drawn |= set(full)
        if columns:
            figures.append(view.figure("Zone", zone, _capacity(view, zone), charts, columns))
    every = {**dwell, **full}
    legend = [(swatch(look, PERSON), says) for kind, (look, says) in every.items() if kind in drawn]
    return Section(
        "stay",
        "Dwell and inflow",
        "How long road users stay in a zone, by Kaplan–Meier, so that stays whose end was not "
        "seen are not taken for short ones; how many more came than left; and how soon the "
        "zone would be full at the trend of that time. No time is known while it does not fill.",
        legend,
        figures,
    )


def queues(view: View) -> Section:
    """Number, length, service and wait of each queue."""
    charts: dict[str, Looks] = {
        "number in the queue": {
            "queue_mean": ("mean", "mean"),
            "queue_max": ("most", "up to the maximum"),
        },
        "length, m": {
            "queue_length_mean": ("mean", "mean"),
            "queue_length_max": ("most", "up to the maximum"),
        },
        "served per s": {"service_rate": ("bar", "service rate")},
        "wait, s": {
            "wait_expected": ("mean", "expected wait of who joins"),
            "wait_expected_low": ("low", "90 % interval of the expected wait"),
            "wait_expected_high": ("high", ""),
            "wait_observed_median": ("second", "median of the waits that were observed"),
        },
        "delay of vehicles, s": {"delay_mean": ("mean", "mean")},
    }
    figures, drawn = [], dict[str, tuple[Look, str]]()
    for place in view.places([kind for looks in charts.values() for kind in looks]):
        pictures, columns = [], []
        for unit, looks in charts.items():
            for name in view.known(place, looks):
                layers = view.layers(place, looks, name)
                pictures.append(view.chart(layers, unit, f"Queue {place}", label=name))
                columns += view.columns(f"{name}: {unit}", place, looks, name)
                drawn |= {says: (look, says) for look, says in looks.values() if says}
        queue = view.report.shapes.queues.get(place)
        about = "" if queue is None else f"In zone {queue.zone}; its head is line {queue.head}."
        figures.append(view.figure("Queue", place, about, pictures, columns))
    return Section(
        "queues",
        "Queues",
        "The wait that somebody who joins must expect is the number ahead divided by the "
        "service rate; it is not known where fewer than 10 were served. Observed waits are of "
        "those who could be followed from joining to the head, and are its check.",
        [(swatch(look, PERSON), says) for look, says in drawn.values()],
        figures,
    )


def _capacity(view: View, zone: str) -> str:
    crowd = view.report.shapes.crowd.get(zone)
    if crowd is None:
        return ""
    limits = []
    if crowd.capacity is not None:
        limits.append(f"{crowd.capacity:,} people")
    if crowd.density_limit is not None:
        limits.append(f"{crowd.density_limit:g} people per m²")
    return f"Full at {' or '.join(limits)}." if limits else ""
