"""Counts, occupancy and coverage per interval as SVG."""

from __future__ import annotations

from markupsafe import Markup

from passerby.report.axes import (
    BOTTOM,
    HEADROOM,
    LEFT,
    TOP,
    VALUE_WIDTH,
    Axis,
    data,
    frame,
    grid,
    ticks,
    upright,
)
from passerby.report.svg import element
from passerby.report.tally import MEASURED, Series, Tally
from passerby.report.words import SiteClock, exact, percent, rounded, significant, step


def line_chart(
    counts: Tally, clock: SiteClock, line: str, kind: str = "crossings", unit: str = ""
) -> Markup:
    """Bars of one line, stacked by class: forward up, backward down.

    Args:
        counts: the rows.
        clock: of the site.
        line: name of the line.
        kind: one that adds up over classes.
        unit: of its values; counts have that of the interval.
    """
    axis = Axis(counts, clock)
    ways = {way: Series(line, kind, way) for way in ("forward", "backward")}
    most = max(_most(counts, series) for series in ways.values())
    up = ticks(most, whole=kind == "crossings")
    tall = 105.0
    scale = tall / up[-1]
    top = TOP + HEADROOM
    zero = top + tall
    bottom = zero + tall + HEADROOM
    parts = [axis.gaps(TOP, bottom - TOP, ways["forward"])]
    for tick in up:
        parts.append(grid(axis, zero - tick * scale, tick))
        if tick:
            parts.append(grid(axis, zero + tick * scale, tick))
    for sign, (way, series) in zip((-1, 1), ways.items(), strict=True):
        parts.append(_stack(axis, series, zero, sign * scale))
        parts.append(upright(way, 34, zero + sign * tall / 2, "way middle"))
    parts.append(axis.labels(bottom))
    unit = unit or f"road users per {step(counts.seconds)}"
    name = f"{line}: {unit}, by class; forward above, backward below zero. The table has the values"
    return frame(axis, parts, bottom + BOTTOM, name, unit, zero)


def _most(counts: Tally, series: Series) -> float:
    return max((counts.over_classes(series, start) or 0 for start in counts.starts), default=0)


def movement_chart(counts: Tally, clock: SiteClock, movement: str) -> Markup:
    """Bars of one movement, stacked by class."""
    axis = Axis(counts, clock)
    series = Series(movement, "movement")
    marks = ticks(_most(counts, series))
    tall = 120.0
    zero = TOP + HEADROOM + tall
    parts = [axis.gaps(TOP, zero - TOP, series)]
    parts += [grid(axis, zero - mark * tall / marks[-1], mark) for mark in marks]
    parts.append(_stack(axis, series, zero, -tall / marks[-1]))
    parts.append(axis.labels(zero))
    unit = f"road users per {step(counts.seconds)}"
    name = f"{movement}: {unit}, by class. The table has the values"
    return frame(axis, parts, zero + BOTTOM, name, unit, TOP + tall / 2)


def _stack(axis: Axis, series: Series, zero: float, scale: float) -> Markup:
    """Bars on top of each other and their sum; a negative scale grows upwards."""
    parts = []
    say = significant if series.kind in MEASURED else rounded
    inset = axis.width * 0.12
    for x, start in axis.columns():
        below = 0.0
        for name in axis.counts.classes:
            value = axis.counts.value(series, start, name)
            if not value:
                continue
            edges = zero + below * scale, zero + (below + value) * scale
            words = f"{axis.clock.time(start)}, {series.direction} {name}: {say(value)}"
            parts.append(
                element(
                    "rect",
                    element("title", words),
                    x=x + inset,
                    y=min(edges),
                    width=axis.width - 2 * inset,
                    height=abs(edges[1] - edges[0]),
                    class_=f"bar {name}",
                    **data(series, name, axis.clock.iso(start), value),
                )
            )
            below += value
        if axis.width >= VALUE_WIDTH and axis.counts.over_classes(series, start) is not None:
            y = zero + below * scale + (14 if scale > 0 else -5)
            middle = x + axis.width / 2
            parts.append(element("text", say(below), x=middle, y=y, class_="sum middle"))
    return Markup("").join(parts)


def zone_chart(counts: Tally, clock: SiteClock, zone: str, class_: str) -> Markup:
    """Mean (line) and maximum (band) of one class in one zone."""
    axis = Axis(counts, clock)
    mean, most = Series(zone, "occupancy_mean"), Series(zone, "occupancy_max")
    largest = max(
        (
            counts.value(series, start, class_) or 0
            for series in (mean, most)
            for start in counts.starts
        ),
        default=0,
    )
    marks = ticks(largest)
    tall = 120.0
    zero = TOP + tall
    scale = tall / marks[-1]
    parts = [axis.gaps(TOP, tall, mean)]
    parts += [grid(axis, zero - mark * scale, mark) for mark in marks]
    for x, start in axis.columns():
        for series, look in ((most, "most"), (mean, "mean")):
            value = counts.value(series, start, class_)
            if value is None:
                continue
            kind = "maximum" if series is most else "mean"
            thick = value * scale if series is most else 3.0
            parts.append(
                element(
                    "rect",
                    element("title", f"{clock.time(start)}, {kind} {class_}: {rounded(value)}"),
                    x=x,
                    y=zero - value * scale - (0 if series is most else 1.5),
                    width=axis.width,
                    height=thick,
                    class_=f"{look} {class_}",
                    **data(series, class_, clock.iso(start), value),
                )
            )
    parts.append(axis.labels(zero))
    parts.append(upright(class_, 34, TOP + tall / 2, "way middle"))
    name = (
        f"{class_} in {zone}: mean and maximum per {step(counts.seconds)}. The table has the values"
    )
    return frame(axis, parts, zero + BOTTOM, name, "road users", TOP + tall / 2)


def coverage_strip(counts: Tally, clock: SiteClock) -> Markup:
    """How much of each interval was observed."""
    axis = Axis(counts, clock)
    tall = 56.0
    zero = TOP + tall
    parts = []
    for x, start in axis.columns():
        share = counts.coverage(start)
        words = f"{clock.time(start)}: {percent(share)} observed"
        parts.append(
            element(
                "rect",
                element("title", words),
                x=x + 0.5,
                y=TOP,
                width=axis.width - 1,
                height=tall,
                class_="gap",
            )
        )
        parts.append(
            element(
                "rect",
                element("title", words),
                x=x + 0.5,
                y=zero - share * tall,
                width=axis.width - 1,
                height=share * tall,
                class_="observed",
                data_coverage=exact(share),
                data_start=clock.iso(start),
            )
        )
    for share in (0, 0.5, 1):
        y = zero - share * tall
        parts.append(element("text", f"{share:.0%}", x=LEFT - 8, y=y + 4.5, class_="tick end"))
    parts.append(axis.labels(zero))
    name = f"Share of each {step(counts.seconds)} that was observed. The table has the values"
    return frame(axis, parts, zero + BOTTOM, name, "observed", TOP + tall / 2)
