"""What all charts of intervals have in common: axes, gaps and the numbers that marks carry."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from passerby.report.svg import element
from passerby.report.tally import Series, Tally
from passerby.report.words import NOT_KNOWN, SiteClock, exact, percent

WIDTH = 960.0
NARROWEST = 400.0
LEFT = 84.0
RIGHT = 8.0
TOP = 10.0
BOTTOM = 46.0
_LABEL_WIDTH = 62.0
_WIDEST_COLUMN = 110.0  # a few intervals are no wall of colour
VALUE_WIDTH = 34.0  # columns as wide as this have their sum written on them
HEADROOM = 20.0


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the intervals stand from left to right."""

    counts: Tally
    clock: SiteClock

    @property
    def width(self) -> float:
        """Width of a column."""
        return min(_WIDEST_COLUMN, (WIDTH - LEFT - RIGHT) / max(1, len(self.counts.starts)))

    @property
    def right(self) -> float:
        """Where the last column ends."""
        return LEFT + self.width * len(self.counts.starts)

    def columns(self) -> Iterator[tuple[float, datetime]]:
        """Where each interval begins from left to right, and when."""
        for number, start in enumerate(self.counts.starts):
            yield LEFT + number * self.width, start

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
        parts.append(element("text", what, x=LEFT, y=y + 36, class_="axis"))
        return Markup("").join(parts)

    def gaps(self, top: float, height: float, series: Series, class_: str | None = None) -> Markup:
        """Hatching where the series was not observed, lighter where it was in part.

        With a class, also where its value is not known although somebody looked.
        """
        parts = []
        for x, start in self.columns():
            share = self.counts.coverage(start, series)
            if class_ is not None and self.counts.value(series, start, class_) is None:
                share = 0.0
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
                parts.append(upright(NOT_KNOWN, middle, half, "gap-word"))
        return Markup("").join(parts)


def ticks(largest: float, *, whole: bool = True, most: int = 4) -> list[float]:
    """Round steps from 0 to at least ``largest``: whole ones, and at least to 1, by default.

    Args:
        largest: 0 or more.
        whole: whether steps are whole numbers.
        most: steps that there may be at most; more where whole numbers are wanted.
    """
    if whole and largest <= most:
        size = 1.0
    else:
        rough = (largest or 1.0) / most
        power = 10.0 ** math.floor(math.log10(rough))
        size = next(power * by for by in (1, 2, 2.5, 5, 10) if power * by >= rough)
        size = float(math.ceil(size)) if whole else size
    steps = max(1, math.ceil(round(largest / size, 9)))
    return [round(size * number, 12) for number in range(steps + 1)]


def upright(text: str, x: float, y: float, class_: str) -> Markup:
    """Text that is read from below."""
    return element("text", text, x=x, y=y, class_=class_, transform=f"rotate(-90 {x:.1f} {y:.1f})")


def frame(
    axis: Axis,
    inner: Sequence[Markup],
    height: float,
    name: str,
    unit: str,
    middle: float,
    right: float = RIGHT,
) -> Markup:
    """A chart with what it says to those who cannot see it, and the unit of its values."""
    width = max(axis.right + right, NARROWEST)
    return element(
        "svg",
        *inner,
        upright(unit, 14, middle, "axis middle"),
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        role="img",
        aria_label=name,
        class_="chart wide" if width > WIDTH / 2 else "chart",
    )


def grid(axis: Axis, y: float, value: float) -> Markup:
    """A mark of the axis of values and its line."""
    return element(
        "line", x1=LEFT, x2=axis.right, y1=y, y2=y, class_="grid" if value else "zero"
    ) + element("text", exact(value), x=LEFT - 8, y=y + 4.5, class_="tick end")


def data(series: Series, class_: str, start: str, value: float) -> dict[str, str]:
    """What a mark carries of the row it stands for, so that charts and tables can be compared."""
    return {
        "data_place": series.place,
        "data_kind": series.kind,
        "data_direction": series.direction,
        "data_class": class_,
        "data_start": start,
        "data_value": exact(value),
    }
