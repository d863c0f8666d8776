"""How speeds are distributed: a histogram with its mean, median and V85."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from passerby.histogram import Histogram
from passerby.report.axes import BOTTOM, LEFT, RIGHT, TOP, ticks, upright
from passerby.report.svg import element
from passerby.report.words import exact, rounded, significant

_WIDTH = 640.0
_TALL = 150.0
_ROOM = 58.0  # for the words above the bars
_LINE = 18.0
_MOST_BARS = 26


class Mark(NamedTuple):
    """A value on the axis of a distribution."""

    name: str
    value: float


def distribution_chart(
    histograms: Mapping[str, Histogram],
    marks: Sequence[Mark],
    quantity: str,
    unit: str,
    name: str,
    *,
    counted: str,
) -> Markup:
    """Bars stacked by class; the marks stand above them.

    Args:
        histograms: by class; all bins are equally wide.
        marks: values to point out.
        quantity: of the values, for the axis.
        unit: of the values.
        name: what the chart shows.
        counted: unit of the weights.
    """
    width = max(histogram.width for histogram in histograms.values())
    largest = max(number for one in histograms.values() for number in one.counts) + 1
    by = next(by for by in (1, 2, 4, 10, 20, 40, 100, 200, 1000) if largest / by <= _MOST_BARS)
    bars = {class_: _lumped(one.counts, by) for class_, one in histograms.items()}
    across = ticks((max(number for one in bars.values() for number in one) + 1) * by * width)
    sums = Counter[int]()
    for bins in bars.values():
        sums.update(bins)
    up = ticks(max(sums.values()))
    zero, right = TOP + _ROOM + _TALL, _WIDTH - 2 * RIGHT
    per_unit = (right - LEFT) / across[-1]
    scale = _TALL / up[-1]
    parts = [
        element("line", x1=LEFT, x2=right, y1=y, y2=y, class_="grid" if mark else "zero")
        + element("text", exact(mark), x=LEFT - 8, y=y + 4.5, class_="tick end")
        for mark, y in ((mark, zero - mark * scale) for mark in up)
    ]
    for mark in across:
        x = LEFT + mark * per_unit
        parts.append(element("line", x1=x, x2=x, y1=zero, y2=zero + 5, class_="zero"))
        parts.append(element("text", exact(mark), x=x, y=zero + 19, class_="tick middle"))
    below = Counter[int]()
    for class_, bins in bars.items():
        for number, weight in sorted(bins.items()):
            low, high = number * by * width, (number + 1) * by * width
            words = f"{significant(low)} to {significant(high)} {unit}, {class_}: {rounded(weight)}"
            parts.append(
                element(
                    "rect",
                    element("title", words),
                    x=LEFT + low * per_unit,
                    y=zero - (below[number] + weight) * scale,
                    width=(high - low) * per_unit,
                    height=weight * scale,
                    class_=f"bar {class_}",
                    data_low=exact(low),
                    data_class=class_,
                    data_weight=exact(weight),
                )
            )
        below.update(bins)
    for number, one in enumerate(sorted(marks, key=lambda mark: mark.value)):
        parts.append(_pointed(one, LEFT + one.value * per_unit, zero, number, unit))
    parts.append(element("text", f"{quantity} ({unit})", x=LEFT, y=zero + 38, class_="axis"))
    parts.append(upright(counted, 14, zero - _TALL / 2, "axis middle"))
    height = zero + BOTTOM
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {_WIDTH:g} {height:g}",
        width=f"{_WIDTH:g}",
        role="img",
        aria_label=f"{name}. {', '.join(f'{m.name} {significant(m.value)} {unit}' for m in marks)}",
        class_="chart mid",
    )


def _lumped(counts: Mapping[int, float], by: int) -> Counter[int]:
    lumped = Counter[int]()
    for number, weight in counts.items():
        lumped[number // by] += weight  # type: ignore[assignment]
    return lumped


def _pointed(mark: Mark, x: float, zero: float, line: int, unit: str) -> Markup:
    """A line up from the axis and its words, lower than those of what stands to its left."""
    y = TOP + 12 + line * _LINE
    text = f"{mark.name} {significant(mark.value)} {unit}"
    left = x + 6 + 7.5 * len(text) > _WIDTH
    return element(
        "g",
        element("line", x1=x, x2=x, y1=y - 10, y2=zero, class_="pointed"),
        element(
            "text",
            text,
            x=x - 6 if left else x + 6,
            y=y,
            class_="pointed-word end" if left else "pointed-word",
        ),
        data_mark=mark.name,
        data_value=exact(mark.value),
    )
