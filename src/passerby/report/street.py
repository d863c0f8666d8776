"""The empty street with what was measured drawn on it."""

from __future__ import annotations

import base64
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from shapely import LineString, MultiLineString, Polygon, box

from passerby.redacted import RedactedImage
from passerby.report.svg import element, path
from passerby.report.tally import Series, Tally
from passerby.report.words import NOT_KNOWN, exact, rounded

if TYPE_CHECKING:
    from passerby.report import Report

Point = tuple[float, float]
Box = tuple[float, float, float, float]

WIDTH = 1000.0
"""Width of the drawing; its height follows from the shape of the frame."""

_TEXT = 26.0
_PAD = 10.0
_ARROW = 52.0
NOTHING = Markup("")


@dataclass(frozen=True, slots=True)
class Canvas:
    """Maps fractions of the picture to the drawing, where a circle of the street stays round."""

    height: float

    @classmethod
    def of(cls, frame_size: tuple[int, int]) -> Canvas:
        """The canvas of a frame of so many pixels."""
        width, height = frame_size
        return cls(WIDTH * height / width)

    def at(self, point: Point) -> Point:
        """A point given in fractions."""
        return point[0] * WIDTH, point[1] * self.height

    def middle(self, line: tuple[Point, Point]) -> Point:
        """The middle of a line given in fractions."""
        (ax, ay), (bx, by) = map(self.at, line)
        return (ax + bx) / 2, (ay + by) / 2

    def forward(self, line: tuple[Point, Point]) -> Point:
        """Unit vector, in the drawing, of what a line given in fractions counts as forward."""
        (ax, ay), (bx, by) = map(self.at, line)
        long = math.hypot(bx - ax, by - ay)
        return -(by - ay) / long, (bx - ax) / long

    def heading(self, line: tuple[Point, Point], way: str) -> str:
        """The arrow that comes nearest to the way in the picture of a direction of a line."""
        x, y = self.forward(line)
        eighths = round(math.atan2(y, x) / math.tau * 8) + (4 if way == "backward" else 0)
        return "→↘↓↙←↖↑↗"[eighths % 8]

    def inside(self, x: float, y: float) -> bool:
        """Whether a point of the drawing lies in the picture."""
        return 0 <= x <= WIDTH and 0 <= y <= self.height


@dataclass(slots=True)
class Labels:
    """Puts labels where they stay in the picture and off each other."""

    canvas: Canvas
    taken: list[Box]

    def place(self, width: float, height: float, centres: Sequence[Point]) -> Point:
        """The first centre with room, else the first pushed into the picture."""
        boxes = [self._box(width, height, centre) for centre in centres]
        free = (one for one in boxes if not any(_overlap(one, other) for other in self.taken))
        chosen = next(free, boxes[0])
        self.taken.append(chosen)
        return (chosen[0] + chosen[2]) / 2, (chosen[1] + chosen[3]) / 2

    def _box(self, width: float, height: float, centre: Point) -> Box:
        x = min(max(centre[0], width / 2 + 6), max(WIDTH - width / 2 - 6, width / 2 + 6))
        y = min(max(centre[1], height / 2 + 6), self.canvas.height - height / 2 - 6)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _overlap(one: Box, other: Box) -> bool:
    apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
    return not apart


def text_width(text: str, size: float = _TEXT) -> float:
    """About how wide a text is drawn; East Asian letters are twice as wide."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (0.62 * (len(text) - wide) + 1.02 * wide)


def short(name: str, most: int = 22) -> str:
    """A name that fits on the picture."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def direction(report: Report, series: Series) -> str:
    """A direction of a line with its arrow in the picture; origin and destination of a movement."""
    if series.kind == "movement":
        return " → ".join(report.shapes.movements[series.place])
    canvas, line = Canvas.of(report.frame_size), report.shapes.lines[series.place]
    return f"{series.direction} {canvas.heading(line, series.direction)}"


def background(street: RedactedImage | None, canvas: Canvas) -> Markup:
    """The empty street, or a plain panel where there is none."""
    if street is None:
        return element("rect", width=WIDTH, height=canvas.height, class_="panel")
    encoded = base64.b64encode(street.data).decode()
    return element(
        "image",
        id="street",
        href=f"data:{street.media_type};base64,{encoded}",
        width=WIDTH,
        height=canvas.height,
        preserveAspectRatio="none",
    )


def street_picture(report: Report, counts: Tally, grid: Markup = NOTHING) -> Markup:
    """The whole drawing: street, masks, a metric grid, zones, lines, arrows and counts."""
    canvas = Canvas.of(report.frame_size)
    shapes = report.shapes
    arrows = _arrows(canvas, shapes.lines)
    taken = [arrow_box(*ends) for ends in arrows.values()]
    labels = Labels(canvas, taken)
    parts = [background(report.street, canvas)]
    parts += [_mask(canvas, name, mask) for name, mask in shapes.masks.items()]
    parts.append(grid)
    parts += [_zone_shape(canvas, name, zone) for name, zone in shapes.zones.items()]
    parts += [_line_shape(canvas, name, line) for name, line in shapes.lines.items()]
    for tail, head in arrows.values():
        parts += [arrow(tail, head, 20, look) for look in ("arrow-casing", "arrow")]
    for name, line in shapes.lines.items():
        parts.append(_line_label(canvas, labels, counts, name, line, arrows[name][0]))
    parts += [_zone_label(canvas, labels, counts, *named) for named in shapes.zones.items()]
    parts.append(element("g", id="drawing"))
    what = "empty street" if report.street else "picture left blank"
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {WIDTH:g} {canvas.height:.1f}",
        id="picture",
        class_="picture",
        role="img",
        aria_label=f"The {what} with lines, their forward arrows, zones and counts; "
        "the tables below have the same figures",
    )


def arrow(tail: Point, head: Point, size: float, class_: str) -> Markup:
    """A straight arrow."""
    long = math.hypot(head[0] - tail[0], head[1] - tail[1]) or 1.0
    ux, uy = (head[0] - tail[0]) / long, (head[1] - tail[1]) / long
    neck = head[0] - ux * size, head[1] - uy * size
    left = neck[0] + uy * size * 0.6, neck[1] - ux * size * 0.6
    right = neck[0] - uy * size * 0.6, neck[1] + ux * size * 0.6
    return element(
        "g",
        element("path", d=path("M", *tail, "L", *neck)),
        element("path", d=path("M", *head, "L", *left, "L", *right, "Z"), class_="head"),
        class_=class_,
    )


def _line_shape(canvas: Canvas, name: str, line: tuple[Point, Point]) -> Markup:
    """A line with its two ends."""
    a, b = map(canvas.at, line)
    drawn = path("M", *a, "L", *b)
    return element(
        "g",
        element("title", f"line {name}"),
        element("path", d=drawn, class_="casing"),
        element("path", d=drawn, class_="stroke"),
        element("circle", cx=a[0], cy=a[1], r=7, class_="end"),
        element("circle", cx=b[0], cy=b[1], r=7, class_="end"),
        class_="line",
        data_line=name,
        data_forward=path(*canvas.forward(line)),
    )


def _arrows(
    canvas: Canvas, lines: Mapping[str, tuple[Point, Point]]
) -> dict[str, tuple[Point, Point]]:
    """Tail and head of every line's forward arrow: in its middle, or where no other line is."""
    drawn = {name: LineString([canvas.at(end) for end in line]) for name, line in lines.items()}
    arrows = {}
    for name, line in lines.items():
        others = MultiLineString([one for other, one in drawn.items() if other != name])
        normal = canvas.forward(line)
        places = [
            _arrow(canvas, drawn[name].interpolate(share, normalized=True).coords[0], normal)
            for share in (0.5, 0.3, 0.7, 0.15, 0.85)
        ]
        free = (ends for ends in places if not box(*arrow_box(*ends)).intersects(others))
        arrows[name] = next(free, places[0])
    return arrows


def _arrow(canvas: Canvas, tail: Point, normal: Point) -> tuple[Point, Point]:
    """An arrow along a unit vector, shorter where the picture ends."""
    reach = _ARROW
    while reach > 16 and not canvas.inside(
        tail[0] + normal[0] * reach, tail[1] + normal[1] * reach
    ):
        reach -= 4
    return tail, (tail[0] + normal[0] * reach, tail[1] + normal[1] * reach)


def arrow_box(tail: Point, head: Point) -> Box:
    """What labels must keep off."""
    left, right = sorted((tail[0], head[0]))
    top, bottom = sorted((tail[1], head[1]))
    return left - 14, top - 14, right + 14, bottom + 14


def _line_label(
    canvas: Canvas,
    labels: Labels,
    counts: Tally,
    name: str,
    line: tuple[Point, Point],
    middle: Point,
) -> Markup:
    """The name of a line and its two counts, each beside an arrow that points its way."""
    totals = {
        way: counts.total_over_classes(Series(name, "crossings", way))
        for way in ("forward", "backward")
    }
    said = {way: "?" if total is None else rounded(total) for way, total in totals.items()}
    shown = short(name)
    widths = [text_width(shown), *(34 + text_width(text) for text in said.values())]
    width, height = sum(widths) + 2 * _PAD + 28, _TEXT + 2 * _PAD
    nx, ny = canvas.forward(line)
    away = 26 + abs(nx) * width / 2 + abs(ny) * height / 2
    # Behind the line, beyond its arrow, past its ends, then behind and before its two halves.
    beside = [(middle, -away), (middle, _ARROW + away)]
    ends = [canvas.at(end) for end in line]
    past = 26 + abs(ny) * width / 2 + abs(nx) * height / 2
    halves = [((middle[0] + x) / 2, (middle[1] + y) / 2) for x, y in ends]
    beside += [(half, side) for half in halves for side in (-away, away)]
    centres = [(x + nx * by, y + ny * by) for (x, y), by in beside]
    (ax, ay), (bx, by) = ends
    centres[2:2] = [(bx + ny * past, by - nx * past), (ax - ny * past, ay + nx * past)]
    x, y = labels.place(width, height, centres)
    left = x - width / 2 + _PAD
    base = y + _TEXT * 0.35
    parts = [_pill(x, y, width, height), element("text", shown, x=left, y=base, class_="name")]
    left += widths[0] + 14
    for sign, (way, text), wide in zip((1, -1), said.items(), widths[1:], strict=True):
        cx = left + 11
        tip = cx + sign * nx * 11, y + sign * ny * 11
        tail = cx - sign * nx * 11, y - sign * ny * 11
        parts.append(arrow(tail, tip, 11, "glyph"))
        parts.append(element("text", text, x=left + 28, y=base, class_=way))
        left += wide + 7
    known = [f"{way} {NOT_KNOWN if totals[way] is None else said[way]}" for way in said]
    return element(
        "g",
        element("title", f"line {name}: {', '.join(known)}"),
        *parts,
        class_="label",
        data_place=name,
        data_forward=exact(totals["forward"]),
        data_backward=exact(totals["backward"]),
    )


def _pill(x: float, y: float, width: float, height: float) -> Markup:
    return element(
        "rect", x=x - width / 2, y=y - height / 2, width=width, height=height, rx=8, class_="pill"
    )


def _points(canvas: Canvas, polygon: Sequence[Point]) -> str:
    return " ".join(path(*canvas.at(point)) for point in polygon)


def _zone_shape(canvas: Canvas, name: str, polygon: Sequence[Point]) -> Markup:
    points = _points(canvas, polygon)
    return element(
        "g",
        element("title", f"zone {name}"),
        element("polygon", points=points, class_="area"),
        element("polygon", points=points, class_="casing"),
        element("polygon", points=points, class_="stroke"),
        class_="zone",
        data_zone=name,
    )


def _mask(canvas: Canvas, name: str, polygon: Sequence[Point]) -> Markup:
    return element(
        "polygon",
        element("title", f"mask {name}: not looked at"),
        points=_points(canvas, polygon),
        class_="mask",
    )


def _zone_label(
    canvas: Canvas, labels: Labels, counts: Tally, name: str, polygon: Sequence[Point]
) -> Markup:
    mean = mean_over_classes(counts, name)
    text = f"{short(name)}  mean {'?' if mean is None else rounded(round(mean, 2))}"
    width, height = text_width(text) + 2 * _PAD, _TEXT + 2 * _PAD
    shape = Polygon([canvas.at(point) for point in polygon])
    inner = shape.representative_point()
    low, high = shape.bounds[1], shape.bounds[3]
    centres = [(inner.x, y) for y in (low + height, high - height, inner.y)]
    x, y = labels.place(width, height, centres)
    return element(
        "g",
        element("title", f"zone {name}: mean number of road users"),
        _pill(x, y, width, height),
        element("text", text, x=x, y=y + _TEXT * 0.35, class_="name middle"),
        class_="label zone-label",
        data_place=name,
        data_mean=exact(mean),
    )


def mean_over_classes(counts: Tally, zone: str) -> float | None:
    """Mean number of road users in a zone over the whole recording, all classes together."""
    return counts.total_over_classes(Series(zone, "occupancy_mean"))
