"""The fundamental diagram: flow across a line against density in a zone, and k·v as a check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import shapely
from markupsafe import Markup

from passerby.report.axes import BOTTOM, LEFT, RIGHT, TOP, ticks, upright
from passerby.report.figures import CountTable, cell, table_rows
from passerby.report.measured import PERSON
from passerby.report.svg import element, path
from passerby.report.tally import Series, Tally
from passerby.report.words import NOT_KNOWN, SiteClock, exact, significant, step

if TYPE_CHECKING:
    from passerby.report import Report

_WIDTH = 640.0
_TALL = 240.0
_DOT = 5.0
_RING = 7.5


class Pair(NamedTuple):
    """A zone and a line through it.

    Attributes:
        zone: where density k and space-mean speed v are measured.
        line: where the specific flow q is.
    """

    zone: str
    line: str

    @property
    def density(self) -> Series:
        """k, 1/m²."""
        return Series(self.zone, "density_mean")

    @property
    def speed(self) -> Series:
        """v, m/s."""
        return Series(self.zone, "speed_mean")

    @property
    def flows(self) -> tuple[Series, Series]:
        """q each way, 1/(m·s)."""
        return (
            Series(self.line, "specific_flow", "forward"),
            Series(self.line, "specific_flow", "backward"),
        )


class State(NamedTuple):
    """The traffic in one interval; a speed that is not known leaves out the check."""

    start: datetime
    density: float
    flow: float
    speed: float | None
    bound: bool

    @property
    def check(self) -> float | None:
        """The flow that density and speed of the zone give: q = k·v."""
        return None if self.speed is None else self.density * self.speed


def pairs(report: Report) -> list[Pair]:
    """Each zone with the lines whose middle lies in it, or with the only line there is."""
    lines = report.shapes.lines
    found = []
    for zone, corners in report.shapes.zones.items():
        area = shapely.Polygon(corners)
        through = [
            name
            for name, ((ax, ay), (bx, by)) in lines.items()
            if area.intersects(shapely.Point((ax + bx) / 2, (ay + by) / 2))
        ]
        found += [Pair(zone, name) for name in through or (lines if len(lines) == 1 else ())]
    return found


def states(counts: Tally, pair: Pair) -> list[State]:
    """The intervals in which density and flow are known: q is that of both ways together."""
    found = []
    for start in counts.starts:
        density = counts.value(pair.density, start, PERSON)
        forward, backward = (counts.value(way, start, PERSON) for way in pair.flows)
        if density is not None and forward is not None and backward is not None:
            bound = bool(counts.value(Series(pair.zone, "saturated"), start, PERSON))
            speed = counts.value(pair.speed, start, PERSON)
            found.append(State(start, density, forward + backward, speed, bound))
    return found


def fundamental_chart(counts: Tally, clock: SiteClock, pair: Pair) -> Markup:
    """A dot for what was measured in an interval, a ring for k·v, a line for the mean speed."""
    found = states(counts, pair)
    across = ticks(max(state.density for state in found), whole=False)
    up = ticks(max(max(state.flow, state.check or 0.0) for state in found), whole=False)
    zero, right = TOP + 14 + _TALL, _WIDTH - 2 * RIGHT - 64
    per_k, per_q = (right - LEFT) / across[-1], _TALL / up[-1]
    parts = list(_axes(across, up, per_k, per_q, zero, right))
    total = counts.total(pair.speed, PERSON)
    if total is not None and total.value:
        parts.append(_ray(total.value, across[-1], up[-1], per_k, per_q, zero))
    for state in found:
        x, y = LEFT + state.density * per_k, zero - state.flow * per_q
        when = clock.time(state.start)
        words = f"{when}: k {significant(state.density)} 1/m², q {significant(state.flow)} 1/(m·s)"
        if state.check is not None:
            ring = zero - state.check * per_q
            words += f", k·v {significant(state.check)} 1/(m·s)"
            parts.append(element("line", x1=x, x2=x, y1=y, y2=ring, class_="apart"))
            parts.append(element("circle", cx=x, cy=ring, r=_RING, class_="ring"))
        if state.bound:
            words += "; saturated: k is a lower bound"
        parts.append(
            element(
                "circle",
                element("title", words),
                cx=x,
                cy=y,
                r=_DOT,
                class_="dot bound" if state.bound else "dot",
                data_pair=f"{pair.zone} {pair.line}",
                data_start=clock.iso(state.start),
                data_density=exact(state.density),
                data_flow=exact(state.flow),
                data_check=exact(state.check),
            )
        )
    height = zero + BOTTOM
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {_WIDTH:g} {height:g}",
        width=f"{_WIDTH:g}",
        role="img",
        aria_label=f"Specific flow across {pair.line} against density in {pair.zone}, a dot per "
        f"{step(counts.seconds)}. The table has the values",
        class_="chart mid",
    )


def _axes(
    across: Sequence[float],
    up: Sequence[float],
    per_k: float,
    per_q: float,
    zero: float,
    right: float,
) -> Iterator[Markup]:
    for mark in up:
        y = zero - mark * per_q
        yield element("line", x1=LEFT, x2=right, y1=y, y2=y, class_="grid" if mark else "zero")
        yield element("text", exact(mark), x=LEFT - 8, y=y + 4.5, class_="tick end")
    for mark in across:
        x = LEFT + mark * per_k
        yield element("line", x1=x, x2=x, y1=zero, y2=zero + 5, class_="zero")
        yield element("text", exact(mark), x=x, y=zero + 19, class_="tick middle")
    yield element("text", "density k in the zone (1/m²)", x=LEFT, y=zero + 38, class_="axis")
    yield upright("specific flow q (1/(m·s))", 14, zero - _TALL / 2, "axis middle")


def _ray(
    speed: float, most_k: float, most_q: float, per_k: float, per_q: float, zero: float
) -> Markup:
    """q = k·v for the space-mean speed of the whole recording, up to the end of the axes."""
    k = min(most_k, most_q / speed)
    x, y = LEFT + k * per_k, zero - k * speed * per_q
    return element("path", d=path("M", LEFT, zero, "L", x, y), class_="ray") + element(
        "text", f"{significant(speed)} m/s", x=x + 4, y=y + 4, class_="ray-word"
    )


def fundamental_table(counts: Tally, clock: SiteClock, pair: Pair) -> CountTable:
    """Density, flow each way, speed, and k·v beside the flow of both ways."""
    found = {state.start: state for state in states(counts, pair)}
    series = (pair.density, pair.speed, *pair.flows)

    def cells(start: datetime) -> list[Markup]:
        state = found.get(start)
        numbers = (None, None) if state is None else (state.flow, state.check)
        return [
            *(
                cell(counts.value(one, start, PERSON), one, PERSON, clock.iso(start))
                for one in series
            ),
            *(_plain(number) for number in numbers),
        ]

    totals = [counts.total(one, PERSON) for one in series]
    k, v, *ways = (None if row is None else row.value for row in totals)
    both = [way for way in ways if way is not None]
    foot = [cell(value, one, PERSON, "") for value, one in zip((k, v, *ways), series, strict=True)]
    foot.append(_plain(sum(both) if len(both) == len(ways) else None))
    foot.append(_plain(None if k is None or v is None else k * v))
    return CountTable(
        f"Density k and speed v in zone {pair.zone}, specific flow q across line {pair.line}",
        [(f"zone {pair.zone}", 2), (f"line {pair.line}, q in 1/(m·s)", 3), ("check", 1)],
        ["k, 1/m²", "v, m/s", "forward", "backward", "both", "k·v, 1/(m·s)"],
        table_rows(counts, clock, pair.density, cells),
        foot,
    )


def _plain(number: float | None) -> Markup:
    text = NOT_KNOWN if number is None else significant(number)
    return element("td", text, class_="unknown" if number is None else None)
