"""The place from above: what of the ground the picture shows, to scale, away from the camera up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from markupsafe import Markup

from passerby.geometry import in_pixels
from passerby.moment import Floats
from passerby.report.street import WIDTH, Canvas, Labels, Point, arrow, arrow_box, short, text_width
from passerby.report.svg import element, path
from passerby.report.words import exact

if TYPE_CHECKING:
    from passerby.ground import Ground
    from passerby.site import Camera

_COLUMNS = 41  # of the picture in which its far end on the ground is looked for
_HALVINGS = 24
_BEYOND = 1.3  # how much farther than the farthest shape the plan reaches
_STEPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_MOST_LINES = 50  # of a grid
_LEAST_CELL = 30.0  # of a grid on the picture, where it is nearest
_LEAST_GAP = 7.0  # between two lines of it: nearer to the horizon it is left out
_TEXT = 40.0
_ARROW = 70.0
_UP_AND_DOWN = (0.0, -56.0, 56.0, -112.0, 112.0)  # of labels
_TALLEST = 1500.0


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Coordinates on the ground as the camera sees it: metres to its right, and away from it.

    Attributes:
        ground: the map to metres.
        size: width and height of the picture in pixels.
        axes: (2, 2) from the metres of the ground to those of the plan.
        shapes: corners of the lines and zones of which every corner lies on the ground.
        hidden: names of the others, which reach up to the horizon.
        footprint: what of the ground the picture shows, cut off a little beyond the shapes.
    """

    ground: Ground
    size: tuple[int, int]
    axes: Floats
    shapes: Mapping[str, Floats]
    hidden: tuple[str, ...]
    footprint: shapely.Polygon

    @classmethod
    def of(cls, ground: Ground | None, size: tuple[int, int], camera: Camera) -> Plan | None:
        """The plan of a camera; None where the ground is not known or not in the picture."""
        axes = None if ground is None else _axes(ground, size)
        if ground is None or axes is None:
            return None
        corners = {**camera.lines, **camera.zones}
        placed = {name: _placed(ground, size, axes, points) for name, points in corners.items()}
        shapes = {name: points for name, points in placed.items() if np.isfinite(points).all()}
        hidden = tuple(name for name in placed if name not in shapes)
        footprint = _footprint(ground, size, axes, list(shapes.values()))
        if footprint is None:
            return None
        return cls(ground, size, axes, shapes, hidden, footprint)

    def at(self, points: Sequence[Point]) -> Floats:
        """(N, 2) metres of the plan, from fractions of the picture; NaN up from the horizon."""
        return _placed(self.ground, self.size, self.axes, points)


def _placed(ground: Ground, size: tuple[int, int], axes: Floats, points: Sequence[Point]) -> Floats:
    return np.asarray(ground.to_metres(in_pixels(points, size)) @ axes.T)


def _axes(ground: Ground, size: tuple[int, int]) -> Floats | None:
    """To the right and away, as the lowest part of the ground in the middle of the picture has it.

    Both point as in the picture, so that a plan is never its mirror image.
    """
    for y in np.linspace(1.0, 0.1, 19):
        near, far, left, right = ground.to_metres(
            in_pixels([(0.5, y), (0.5, y - 0.02), (0.49, y), (0.51, y)], size)
        )
        away = far - near
        if not np.isfinite([near, far, left, right]).all() or not away.any():
            continue
        away /= np.hypot(*away)
        across = np.array([away[1], -away[0]])
        return np.array([across if across @ (right - left) > 0 else -across, away])
    return None


def _footprint(
    ground: Ground, size: tuple[int, int], axes: Floats, shapes: Sequence[Floats]
) -> shapely.Polygon | None:
    """What of the ground is in the picture, no farther than a little beyond the shapes."""
    columns = np.linspace(0.0, 1.0, _COLUMNS)
    low = np.ones(_COLUMNS)
    near = _placed(ground, size, axes, list(zip(columns, low, strict=True)))
    known = np.isfinite(near).all(axis=1)
    if known.sum() < 2:
        return None
    columns, low, near = columns[known], low[known], near[known]
    foot = near.mean(axis=0)
    reach = 3 * max(1.0, float(np.ptp(near[:, 0])))
    if shapes:
        reach = _BEYOND * float(np.hypot(*(np.concatenate(shapes) - foot).T).max())
    high = np.zeros(len(columns))
    for _ in range(_HALVINGS):  # the last place of each column that is not too far
        middle = (low + high) / 2
        placed = _placed(ground, size, axes, list(zip(columns, middle, strict=True)))
        distance = np.hypot(*(placed - foot).T)
        within = np.isfinite(distance) & (distance <= reach)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    far = _placed(ground, size, axes, list(zip(columns, low, strict=True)))
    outline = shapely.make_valid(shapely.Polygon(np.concatenate([near, far[::-1]])))
    parts = [part for part in shapely.get_parts(outline) if part.geom_type == "Polygon"]
    return max(parts, key=lambda part: part.area, default=None)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Maps metres of a plan to a drawing.

    Attributes:
        left, top: metres at its upper left corner.
        scale: units of the drawing per metre.
        width, height: of the drawing.
    """

    left: float
    top: float
    scale: float
    width: float
    height: float

    @classmethod
    def of(
        cls, bounds: Sequence[float], width: float, tallest: float, pad: float, below: float = 0.0
    ) -> Sheet:
        """The sheet that holds bounds (x1, y1, x2, y2), ``below`` of it left free at its foot."""
        x1, y1, x2, y2 = bounds
        wide, deep = max(x2 - x1, 0.1), max(y2 - y1, 0.1)
        scale = min((width - 2 * pad) / wide, (tallest - 2 * pad - below) / deep)
        left = (x1 + x2) / 2 - width / 2 / scale
        return cls(left, y2 + pad / scale, scale, width, deep * scale + 2 * pad + below)

    def at(self, point: Sequence[float]) -> Point:
        """Where a point of the plan is drawn."""
        return (point[0] - self.left) * self.scale, (self.top - point[1]) * self.scale

    def points(self, corners: Floats) -> str:
        """Corners of a polygon as SVG takes them."""
        return " ".join(path(*self.at(corner)) for corner in corners.tolist())

    def outline(self, polygon: shapely.Polygon, class_: str) -> Markup:
        """A polygon of the plan."""
        corners = np.asarray(polygon.exterior.coords)
        return element("polygon", points=self.points(corners), class_=class_)

    def bar(self, x: float, y: float) -> Markup:
        """A scale bar from a point of the drawing to its right, and how long it is."""
        most = self.width / self.scale / 3
        metres = max((step for step in _STEPS if step <= most), default=_STEPS[0])
        end = x + metres * self.scale
        ends = path("M", x, y - 8.0, "V", y, "H", end, "V", y - 8.0)
        words = element("text", f"{metres:g} m", x=end + 12, y=y + 4, class_="scale-word")
        return element("path", d=ends, class_="scale-bar") + words


def grid_step(extent: Sequence[float]) -> float:
    """Metres between the lines of a grid over bounds (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = extent
    return next((s for s in _STEPS if (x2 - x1 + y2 - y1) / s <= _MOST_LINES), _STEPS[-1])


def plan_picture(camera: Camera, plan: Plan) -> Markup:
    """The footprint with grid, zones and lines to scale; away from the camera is up."""
    sheet = Sheet.of(plan.footprint.bounds, WIDTH, _TALLEST, 60.0, below=70.0)
    labels = Labels(Canvas(sheet.height), [(0, sheet.height - 90, 400, sheet.height)])
    parts = [
        element("rect", width=WIDTH, height=sheet.height, class_="panel"),
        sheet.outline(plan.footprint, "footprint"),
        _plan_grid(plan, sheet),
    ]
    words: list[Markup] = []
    zones = [name for name in camera.zones if name in plan.shapes]
    parts += [_zone(sheet, name, plan.shapes[name]) for name in zones]
    lines = {name: line for name, line in camera.lines.items() if name in plan.shapes}
    arrows = {name: _forward(plan, sheet, name, line) for name, line in lines.items()}
    labels.taken += [arrow_box(*ends) for ends in arrows.values()]
    for name, (tail, head) in arrows.items():
        parts.append(_line(plan, sheet, name, tail, head))
        words.append(_word(labels, name, _around(tail)[1:]))
    for name in zones:
        inner = shapely.Polygon(plan.shapes[name]).representative_point()
        words.append(_word(labels, name, _around(sheet.at((inner.x, inner.y)))))
    y = sheet.height - 30
    parts.append(sheet.bar(40.0, y))
    parts.append(element("text", "away from the camera ↑", x=WIDTH - 30, y=y + 4, class_="end"))
    return element(
        "svg",
        *parts,
        *words,
        viewBox=f"0 0 {WIDTH:g} {sheet.height:.1f}",
        class_="picture plan",
        role="img",
        aria_label="Plan of the ground that the picture shows, with its zones and lines to scale; "
        "up is away from the camera",
    )


def _around(place: Point) -> list[Point]:
    """Where a label of a place may stand, the place itself and then the nearest first."""
    steps = [(x, y) for x in (0.0, -140.0, 140.0, -220.0, 220.0) for y in _UP_AND_DOWN]
    steps.sort(key=lambda step: math.hypot(*step))
    return [(place[0] + x, place[1] + y) for x, y in steps]


def _plan_grid(plan: Plan, sheet: Sheet) -> Markup:
    """Lines of whole metres of the ground, inside the footprint."""
    world = shapely.Polygon(np.asarray(plan.footprint.exterior.coords) @ plan.axes)
    parts = []
    for _, ends in grid_lines(world.bounds, grid_step(world.bounds)):
        line = shapely.intersection(shapely.LineString(ends @ plan.axes.T), plan.footprint)
        for piece in shapely.get_parts(line):
            if piece.geom_type == "LineString" and piece.length:
                (ax, ay), *_, (bx, by) = (sheet.at(end) for end in piece.coords)
                parts.append(path("M", ax, ay, "L", bx, by))
    return element("path", d=" ".join(parts), class_="metre")


def grid_lines(bounds: Sequence[float], step: float) -> Iterator[tuple[Floats, Floats]]:
    """(2,) across and (2, 2) ends, in metres of the ground, of each line of a grid over bounds."""
    x1, y1, x2, y2 = bounds
    for number in range(math.ceil(x1 / step), math.floor(x2 / step) + 1):
        yield np.array([step, 0.0]), np.array([(number * step, y1), (number * step, y2)])
    for number in range(math.ceil(y1 / step), math.floor(y2 / step) + 1):
        yield np.array([0.0, step]), np.array([(x1, number * step), (x2, number * step)])


def metric_grid(plan: Plan, canvas: Canvas) -> tuple[Markup, float]:
    """The grid drawn on the picture, and how many metres lie between its lines.

    Where the lines come too close to each other to be read, towards the horizon, there are none.
    """
    world = shapely.Polygon(np.asarray(plan.footprint.exterior.coords) @ plan.axes)
    unit = np.array([WIDTH, canvas.height]) / plan.size
    step = grid_step(world.bounds)
    while step < _STEPS[-1] and _cell(plan, unit, step) < _LEAST_CELL:
        step = _STEPS[_STEPS.index(step) + 1]
    parts = []
    for across, (a, b) in grid_lines(world.bounds, step):
        many = max(2, math.ceil(float(np.hypot(*(b - a))) / step * 4) + 1)
        metres = np.linspace(a, b, many)
        drawn = plan.ground.to_picture(metres) * unit
        beside = plan.ground.to_picture(metres + across) * unit
        # What lies behind the camera has a place on the picture too, beyond the horizon.
        there = np.isfinite(plan.ground.to_metres(drawn / unit)).all(axis=1)
        there &= np.isfinite(plan.ground.to_metres(beside / unit)).all(axis=1)
        there &= np.hypot(*(beside - drawn).T) >= _LEAST_GAP
        there &= (np.abs(drawn - [WIDTH / 2, canvas.height / 2]) <= WIDTH).all(axis=1)
        for piece in np.split(np.arange(many), np.flatnonzero(np.diff(there)) + 1):
            if there[piece[0]] and len(piece) > 1:
                points = [path(*point) for point in drawn[piece].tolist()]
                parts.append("M " + " L ".join(points))
    return element("path", d=" ".join(parts), class_="metre"), step


def _cell(plan: Plan, unit: Floats, step: float) -> float:
    """How wide a cell is drawn on the picture where the footprint is nearest to the camera."""
    foot = np.asarray(plan.footprint.exterior.coords)[:_COLUMNS].mean(axis=0)
    ends = np.array([foot, foot + np.array([step, 0.0])]) @ plan.axes
    a, b = plan.ground.to_picture(ends) * unit
    return float(np.hypot(*(b - a)))


def _zone(sheet: Sheet, name: str, corners: Floats) -> Markup:
    points = sheet.points(corners)
    return element(
        "g",
        element("title", f"zone {name}"),
        element("polygon", points=points, class_="area"),
        element("polygon", points=points, class_="stroke"),
        class_="zone",
        data_plan_zone=name,
        data_square_metres=exact(round(float(shapely.Polygon(corners).area), 2)),
    )


def _forward(plan: Plan, sheet: Sheet, name: str, line: tuple[Point, Point]) -> tuple[Point, Point]:
    """Tail and head of a line's forward arrow: at right angles to it on the ground."""
    (ax, ay), (bx, by) = line
    nx, ny = Canvas.of(plan.size).forward(line)
    width, height = plan.size
    middle = (ax + bx) / 2, (ay + by) / 2
    # Forward is a side of the line in the picture; it is the same side on the ground.
    ahead = middle[0] + nx * 1e-3, middle[1] + ny * 1e-3 * width / height
    behind, before = (sheet.at(point) for point in plan.at([middle, ahead]).tolist())
    a, b = (sheet.at(end) for end in plan.shapes[name].tolist())
    long = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
    ux, uy = -(b[1] - a[1]) / long, (b[0] - a[0]) / long
    side = math.copysign(1.0, ux * (before[0] - behind[0]) + uy * (before[1] - behind[1]))
    tail = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    return tail, (tail[0] + side * ux * _ARROW, tail[1] + side * uy * _ARROW)


def _line(plan: Plan, sheet: Sheet, name: str, tail: Point, head: Point) -> Markup:
    """A line and its forward arrow."""
    a, b = plan.shapes[name]
    drawn = path("M", *sheet.at(a), "L", *sheet.at(b))
    metres = math.dist(a, b)
    return element(
        "g",
        element("title", f"line {name}, {metres:.1f} m"),
        element("path", d=drawn, class_="casing"),
        element("path", d=drawn, class_="stroke"),
        arrow(tail, head, 26, "arrow"),
        class_="line",
        data_plan_line=name,
        data_metres=exact(round(metres, 2)),
    )


def _word(labels: Labels, name: str, centres: Sequence[Point]) -> Markup:
    text = short(name, 18)
    width, height = text_width(text, _TEXT) + 24, _TEXT + 16
    x, y = labels.place(width, height, centres)
    pill = element(
        "rect", x=x - width / 2, y=y - height / 2, width=width, height=height, rx=8, class_="pill"
    )
    return pill + element("text", text, x=x, y=y + _TEXT * 0.35, class_="middle")
