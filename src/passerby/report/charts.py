"""Counts, occupancy and coverage per interval as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from passerby.report.svg import element
from passerby.report.tally import Series, Tally
from passerby.report.words import NOT_KNOWN, SiteClock, exact, percent, rounded, step

_WIDTH = 960.0
_NARROWEST = 400.0
_LEFT = 84.0
_RIGHT = 8.0
_TOP = 10.0
_BOTTOM = 46.0
_LABEL_WIDTH = 62.0
_WIDEST_COLUMN = 110.0  # a few intervals are no wall of colour
_VALUE_WIDTH = 34.0  # columns as wide as this have their sum written on them
_HEADROOM = 20.0


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where the intervals stand from left to right."""

    counts: Tally
    clock: SiteClock

    @property
    def width(self) -> float:
        """Width of a column."""
        return min(_WIDEST_COLUMN, (_WIDTH - _LEFT - _RIGHT) / max(1, len(self.counts.starts)))

    @property
    def right(self) -> float:
        """Where the last column ends."""
        return _LEFT + self.width * len(self.counts.starts)

    def columns(self) -> Iterator[tuple[float, datetime]]:
        for number, start in enumerate(self.counts.starts):
            yield _LEFT + number * self.width, start

    def labels(self, y: float) -> Markup:
        """Times below the columns, as many as fit, and what they are."""
        every = max(1, math.ceil(_LABEL_WIDTH / self.width))
        parts = []
        for number, (x, start) in enumerate(self.columns()):
            if number % every:
                continue
            text, share = self.clock.time(start), self.counts.coverage(start)
            if 0 < share < 1 and self.width >= _WIDEST_COLUMN:
                text += f" ({percent(share)})"
            parts.append(element("text", text, x=x, y=y + 16, class_="tick"))
        what = "start of interval (h:min:s of the recording)"
        if not self.clock.elapsed:
            what = f"start of interval ({self.clock.zone.key} time)"
        parts.append(element("text", what, x=_LEFT, y=y + 36, class_="axis"))
        return Markup("").join(parts)

    def gaps(self, top: float, height: float, series: Series) -> Markup:
        """Hatching where the series was not observed, lighter where it was in part."""
        parts = []
        for x, start in self.columns():
            share = self.counts.coverage(start, series)
            if share >= 1:
                continue
            words = NOT_KNOWN if share == 0 else f"{percent(share)} observed"
            parts.append(
                element(
                    "rect",
                    element("title", f"{self.clock.time(start)}: {words}"),
                    x=x,
                    y=top,
                    width=self.width,
                    height=height,
                    class_="gap" if share == 0 else "gap partly",
                    data_gap=self.clock.iso(start),
                )
            )
            if share == 0 and self.width > 24:
                middle, half = x + self.width / 2 + 4, top + height / 2
                parts.append(_upright(NOT_KNOWN, middle, half, "gap-word"))
        return Markup("").join(parts)


def ticks(largest: float) -> list[float]:
    """Round whole steps from 0 to at least ``largest``, and at least to 1."""
    size = 1
    if largest > 4:
        rough = largest / 4
        power = 10 ** math.floor(math.log10(rough))
        size = math.ceil(next(power * by for by in (1, 2, 2.5, 5, 10) if power * by >= rough))
    return [float(size * number) for number in range(max(1, math.ceil(largest / size)) + 1)]


def _upright(text: str, x: float, y: float, class_: str) -> Markup:
    """Text that is read from below."""
    return element("text", text, x=x, y=y, class_=class_, transform=f"rotate(-90 {x:.1f} {y:.1f})")


def _frame(
    axis: _Axis, inner: Sequence[Markup], height: float, name: str, unit: str, middle: float
) -> Markup:
    width = max(axis.right + _RIGHT, _NARROWEST)
    return element(
        "svg",
        *inner,
        _upright(unit, 14, middle, "axis middle"),
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        role="img",
        aria_label=name,
        class_="chart wide" if width > _WIDTH / 2 else "chart",
    )


def _grid(axis: _Axis, y: float, value: float) -> Markup:
    return element(
        "line", x1=_LEFT, x2=axis.right, y1=y, y2=y, class_="grid" if value else "zero"
    ) + element("text", exact(value), x=_LEFT - 8, y=y + 4.5, class_="tick end")


def line_chart(counts: Tally, clock: SiteClock, line: str) -> Markup:
    """Bars of one line, stacked by class: forward up, backward down."""
    axis = _Axis(counts, clock)
    ways = {way: Series(line, "crossings", way) for way in ("forward", "backward")}
    up = ticks(max(_most(counts, series) for series in ways.values()))
    tall = 105.0
    scale = tall / up[-1]
    top = _TOP + _HEADROOM
    zero = top + tall
    bottom = zero + tall + _HEADROOM
    parts = [axis.gaps(_TOP, bottom - _TOP, ways["forward"])]
    for tick in up:
        parts.append(_grid(axis, zero - tick * scale, tick))
        if tick:
            parts.append(_grid(axis, zero + tick * scale, tick))
    for sign, (way, series) in zip((-1, 1), ways.items(), strict=True):
        parts.append(_stack(axis, series, zero, sign * scale))
        parts.append(_upright(way, 34, zero + sign * tall / 2, "way middle"))
    parts.append(axis.labels(bottom))
    unit = f"road users per {step(counts.seconds)}"
    name = f"{line}: {unit}, by class; forward above, backward below zero. The table has the values"
    return _frame(axis, parts, bottom + _BOTTOM, name, unit, zero)


def _most(counts: Tally, series: Series) -> float:
    return max((counts.over_classes(series, start) or 0 for start in counts.starts), default=0)


def movement_chart(counts: Tally, clock: SiteClock, movement: str) -> Markup:
    """Bars of one movement, stacked by class."""
    axis = _Axis(counts, clock)
    series = Series(movement, "movement")
    marks = ticks(_most(counts, series))
    tall = 120.0
    zero = _TOP + _HEADROOM + tall
    parts = [axis.gaps(_TOP, zero - _TOP, series)]
    parts += [_grid(axis, zero - mark * tall / marks[-1], mark) for mark in marks]
    parts.append(_stack(axis, series, zero, -tall / marks[-1]))
    parts.append(axis.labels(zero))
    unit = f"road users per {step(counts.seconds)}"
    name = f"{movement}: {unit}, by class. The table has the values"
    return _frame(axis, parts, zero + _BOTTOM, name, unit, _TOP + tall / 2)


def _stack(axis: _Axis, series: Series, zero: float, scale: float) -> Markup:
    """Bars on top of each other and their sum; a negative scale grows upwards."""
    parts = []
    inset = axis.width * 0.12
    for x, start in axis.columns():
        below = 0.0
        for name in axis.counts.classes:
            value = axis.counts.value(series, start, name)
            if not value:
                continue
            edges = zero + below * scale, zero + (below + value) * scale
            words = f"{axis.clock.time(start)}, {series.direction} {name}: {rounded(value)}"
            parts.append(
                element(
                    "rect",
                    element("title", words),
                    x=x + inset,
                    y=min(edges),
                    width=axis.width - 2 * inset,
                    height=abs(edges[1] - edges[0]),
                    class_=f"bar {name}",
                    **_data(series, name, axis.clock.iso(start), value),
                )
            )
            below += value
        if axis.width >= _VALUE_WIDTH and axis.counts.over_classes(series, start) is not None:
            y = zero + below * scale + (14 if scale > 0 else -5)
            middle = x + axis.width / 2
            parts.append(element("text", rounded(below), x=middle, y=y, class_="sum middle"))
    return Markup("").join(parts)


def zone_chart(counts: Tally, clock: SiteClock, zone: str, class_: str) -> Markup:
    """Mean (line) and maximum (band) of one class in one zone."""
    axis = _Axis(counts, clock)
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
    zero = _TOP + tall
    scale = tall / marks[-1]
    parts = [axis.gaps(_TOP, tall, mean)]
    parts += [_grid(axis, zero - mark * scale, mark) for mark in marks]
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
                    **_data(series, class_, clock.iso(start), value),
                )
            )
    parts.append(axis.labels(zero))
    parts.append(_upright(class_, 34, _TOP + tall / 2, "way middle"))
    name = (
        f"{class_} in {zone}: mean and maximum per {step(counts.seconds)}. The table has the values"
    )
    return _frame(axis, parts, zero + _BOTTOM, name, "road users", _TOP + tall / 2)


def coverage_strip(counts: Tally, clock: SiteClock) -> Markup:
    """How much of each interval was observed."""
    axis = _Axis(counts, clock)
    tall = 56.0
    zero = _TOP + tall
    parts = []
    for x, start in axis.columns():
        share = counts.coverage(start)
        words = f"{clock.time(start)}: {percent(share)} observed"
        parts.append(
            element(
                "rect",
                element("title", words),
                x=x + 0.5,
                y=_TOP,
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
        parts.append(element("text", f"{share:.0%}", x=_LEFT - 8, y=y + 4.5, class_="tick end"))
    parts.append(axis.labels(zero))
    name = f"Share of each {step(counts.seconds)} that was observed. The table has the values"
    return _frame(axis, parts, zero + _BOTTOM, name, "observed", _TOP + tall / 2)


def _data(series: Series, class_: str, start: str, value: float) -> dict[str, str]:
    return {
        "data_place": series.place,
        "data_kind": series.kind,
        "data_direction": series.direction,
        "data_class": class_,
        "data_start": start,
        "data_value": exact(value),
    }
