"""Any measure per interval as SVG: marks, bands and bars over one axis with its unit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from markupsafe import Markup

from passerby.report.axes import (
    BOTTOM,
    HEADROOM,
    RIGHT,
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
from passerby.report.tally import Series, Tally
from passerby.report.words import SiteClock, significant, step

PERSON = "person"

Look = Literal["bar", "most", "mean", "second", "peak", "low", "high"]
"""``bar`` and ``most`` reach from zero; the others are marks at their value."""

_LETTERS = 26.0  # room for the letters of bands
_LEAST_BAND = 13.0  # lower ones have no letter
_THICK = {"mean": 4.0, "second": 5.0, "peak": 3.0, "low": 2.0, "high": 2.0}
_SHARE = {"peak": 0.4, "low": 0.5, "high": 0.5}  # of a column's width
_INSET = 0.12
_ABOVE, _BELOW = 7.0, 17.0  # from a mark to the foot of its value


class Layer(NamedTuple):
    """One series of one class, and how it is drawn."""

    series: Series
    class_: str
    look: Look
    says: str


class Band(NamedTuple):
    """A range of values with a letter; without an upper bound where that is infinite."""

    letter: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where values stand from bottom to top."""

    zero: float
    per_unit: float

    def y(self, value: float) -> float:
        return self.zero - value * self.per_unit


def measure_chart(
    counts: Tally,
    clock: SiteClock,
    layers: Sequence[Layer],
    unit: str,
    name: str,
    *,
    label: str = "",
    bands: Sequence[Band] = (),
    saturated: Series | None = None,
    tall: float = 130.0,
) -> Markup:
    """Layers over each other, the first of which decides what is a gap and has its value written.

    Args:
        counts: the rows.
        clock: of the site.
        layers: from back to front, after the first.
        unit: of all of them.
        name: what the chart shows.
        label: what stands beside the axis, such as a class.
        bands: ranges of values that have a letter.
        saturated: the share of the time in which values were lower bounds.
        tall: height of the axis.
    """
    axis = Axis(counts, clock)
    values = [
        counts.value(one.series, start, one.class_) or 0.0
        for one in layers
        for start in counts.starts
    ]
    highest, lowest = max(0.0, *values), min(0.0, *values)
    size = ticks(highest - lowest, whole=False)[1]
    top = TOP + HEADROOM
    ends = math.floor(round(lowest / size, 9)), math.ceil(round(highest / size, 9))
    marks = [round(size * number, 12) for number in range(ends[0], max(1, ends[1]) + 1)]
    per_unit = tall / (marks[-1] - marks[0])
    scale = _Scale(top + marks[-1] * per_unit, per_unit)
    bottom = top + tall + (HEADROOM if lowest else 0.0)
    main = layers[0]
    parts = [_band(axis, scale, one, marks[-1]) for one in bands if one.low < marks[-1]]
    parts.append(axis.gaps(top, tall, main.series, main.class_))
    parts += [grid(axis, scale.y(mark), mark) for mark in marks]
    parts += _whiskers(axis, scale, layers)
    for layer in (*layers[1:], main):
        parts += _marks(axis, scale, layer)
    if saturated is not None:
        parts += _saturated(axis, scale, layers, saturated)
    if axis.width >= VALUE_WIDTH:
        parts += _written(axis, scale, layers, saturated)
    if label:
        parts.append(upright(label, 34, top + tall / 2, "way middle"))
    parts.append(axis.labels(bottom))
    told = f"{name}, {unit} per {step(counts.seconds)}. The table has the values"
    right = _LETTERS if bands else RIGHT
    return frame(axis, parts, bottom + BOTTOM, told, unit, top + tall / 2, right)


def swatch(look: Look, class_: str = PERSON) -> Markup:
    """What a layer looks like, for a legend."""
    y, height = (6, 4) if look in _THICK else (1, 14)
    x, width = (5, 6) if look in _SHARE else (1, 14)
    return _swatch("rect", x=x, y=y, width=width, height=height, class_=f"{look} {class_}")


def box(class_: str) -> Markup:
    """A square of a look, for a legend."""
    return _swatch("rect", x=1, y=1, width=14, height=14, class_=class_)


def dot(class_: str) -> Markup:
    """A dot of a look, for a legend."""
    return _swatch("circle", cx=8, cy=8, r=5.5, class_=class_)


def stroke(class_: str) -> Markup:
    """A line of a look, for a legend."""
    return _swatch("line", x1=1, x2=15, y1=12, y2=4, class_=class_)


def _swatch(tag: str, **attributes: object) -> Markup:
    return element("svg", element(tag, **attributes), viewBox="0 0 16 16", aria_hidden="true")


def _band(axis: Axis, scale: _Scale, band: Band, most: float) -> Markup:
    upper = scale.y(min(band.high, most))
    height = scale.y(band.low) - upper
    left = next(x for x, _ in axis.columns())
    shown = element(
        "rect",
        element("title", f"level of service {band.letter}"),
        x=left,
        y=upper,
        width=axis.right - left,
        height=height,
        class_=f"level level-{band.letter}",
    )
    if height >= _LEAST_BAND:
        y = upper + height / 2 + 4.5
        shown += element("text", band.letter, x=axis.right + 9, y=y, class_="level-letter")
    return shown


def _marks(axis: Axis, scale: _Scale, layer: Layer) -> Iterator[Markup]:
    counts, clock, look = axis.counts, axis.clock, layer.look
    wide = axis.width * _SHARE.get(look, 1 - 2 * _INSET if look == "bar" else 1.0)
    for x, start in axis.columns():
        value = counts.value(layer.series, start, layer.class_)
        if value is None:
            continue
        thick = _THICK.get(look)
        upper = scale.y(max(value, 0.0)) if thick is None else scale.y(value) - thick / 2
        way = f", {layer.series.direction}" if layer.series.direction else ""
        words = f"{clock.time(start)}{way}, {layer.says}: {significant(value)}"
        yield element(
            "rect",
            element("title", words),
            x=x + (axis.width - wide) / 2,
            y=upper,
            width=wide,
            height=abs(value) * scale.per_unit if thick is None else thick,
            class_=f"{look} {layer.class_}",
            **data(layer.series, layer.class_, clock.iso(start), value),
        )


def _whiskers(axis: Axis, scale: _Scale, layers: Sequence[Layer]) -> Iterator[Markup]:
    """What joins the low and the high end of an interval."""
    ends = [layer for layer in layers if layer.look in ("low", "high")]
    for x, start in axis.columns():
        values = [axis.counts.value(one.series, start, one.class_) for one in ends]
        known = [scale.y(value) for value in values if value is not None]
        if len(known) == 2:
            middle = x + axis.width / 2
            yield element("line", x1=middle, x2=middle, y1=known[0], y2=known[1], class_="whisker")


def _saturated(
    axis: Axis, scale: _Scale, layers: Sequence[Layer], saturated: Series
) -> Iterator[Markup]:
    """Hatching over the values that are lower bounds."""
    class_ = layers[0].class_
    for x, start in axis.columns():
        share = axis.counts.value(saturated, start, class_)
        values = [axis.counts.value(one.series, start, one.class_) for one in layers]
        known = [value for value in values if value is not None]
        if share and known:
            upper = scale.y(max(known))
            words = f"{axis.clock.time(start)}: lower bound, saturated {share:.0%} of the time"
            yield element(
                "rect",
                element("title", words.replace("%", " %")),
                x=x,
                y=upper,
                width=axis.width,
                height=scale.zero - upper,
                class_="saturated",
                data_saturated=axis.clock.iso(start),
            )


def _written(
    axis: Axis, scale: _Scale, layers: Sequence[Layer], saturated: Series | None
) -> Iterator[Markup]:
    """The values of the main layer, where there is room, off the marks of the others."""
    main, *others = layers
    for x, start in axis.columns():
        value = axis.counts.value(main.series, start, main.class_)
        if value is None:
            continue
        values = [
            axis.counts.value(one.series, start, one.class_) for one in others if one.look in _THICK
        ]
        marks = [scale.y(one) for one in values if one is not None]
        y = scale.y(value)
        beside = [y - _ABOVE, *([y + _BELOW] if y + _BELOW < scale.zero else [])]
        if value < 0:
            beside = [y + _BELOW]
        free = (at for at in beside if not any(at - 14 < mark < at + 4 for mark in marks))
        bound = saturated and axis.counts.value(saturated, start, main.class_)
        text = f"{'≥ ' if bound else ''}{significant(value)}"
        look = "sum middle bound" if bound else "sum middle"
        at = next(free, min([y, *marks]) - _ABOVE)
        yield element("text", text, x=x + axis.width / 2, y=at, class_=look)
