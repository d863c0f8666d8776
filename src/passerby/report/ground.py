"""ground.html: the metric grid on the empty street, and the plan beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from markupsafe import Markup

from passerby.ground import Ground
from passerby.moment import Floats
from passerby.redacted import RedactedImage
from passerby.report.page import page_of
from passerby.report.plan import Plan, grid_lines, metric_grid, plan_picture
from passerby.report.street import NOTHING, WIDTH, Canvas, Point, arrow, background, text_width
from passerby.report.svg import element, path
from passerby.site import Camera

_MARGIN = 24.0  # of the middle of a label from the picture's edge
_APART = 62.0  # between the middles of two labels
_NEAR = 40.0  # of a label's middle to where it should be
_ARROW = 52.0
_TEXT = 26.0
_SAMPLES = 600  # of a line of the grid, in which the place of its label is looked for


def ground_page(
    title: str,
    ground: Ground,
    size: tuple[int, int],
    camera: Camera,
    street: RedactedImage | None,
    facts: Sequence[tuple[str, str]],
) -> bytes:
    """The page, in UTF-8.

    Args:
        title: site and camera.
        ground: the map to metres.
        size: width and height of the pictures in pixels.
        camera: whose lines and zones are shown.
        street: the empty street.
        facts: label and text of each line of the table.
    """
    plan = Plan.of(ground, size, camera)
    canvas = Canvas.of(size)
    grid, step = (NOTHING, None) if plan is None else metric_grid(plan, canvas)
    horizon = _horizon(ground, size, canvas)
    picture = element(
        "svg",
        background(street, canvas),
        grid,
        horizon,
        *_shapes(camera, canvas),
        *([] if plan is None or step is None else _metres(plan, canvas, step)),
        viewBox=f"0 0 {WIDTH:g} {canvas.height:g}",
        role="img",
        aria_label=f"The {'empty street' if street else 'picture left blank'} with a grid in "
        "metres, and with lines and zones",
        class_="picture",
    )
    return page_of(
        "ground.html.j2",
        title=title,
        picture=picture,
        plan=None if plan is None else plan_picture(camera, plan),
        step=step,
        horizon=bool(horizon),
        shapes=bool(camera.lines or camera.zones),
        street=street is not None,
        facts=facts,
    )


def _horizon(ground: Ground, size: tuple[int, int], canvas: Canvas) -> Markup:
    """The horizon, where it is in the picture."""
    if ground.horizon is None:
        return NOTHING
    a, b, c = ground.horizon
    foot = -c * np.array([a, b])  # of the perpendicular from the picture's corner
    along = np.linspace(-1.2, 1.2, 121)[:, None] * math.hypot(*size) * np.array([-b, a])
    points = foot + along
    if ground.lens is not None:
        points = ground.lens.bent(points)
    drawn = points * [WIDTH / size[0], canvas.height / size[1]]
    line = shapely.LineString(drawn).intersection(shapely.box(0, 0, WIDTH, canvas.height))
    parts = [
        part for part in shapely.get_parts(line) if part.geom_type == "LineString" and part.length
    ]
    if not parts:
        return NOTHING
    d = " ".join(
        "M " + " L ".join(path(*point) for point in np.asarray(part.coords).tolist())
        for part in parts
    )
    x, y = min(np.asarray(parts[0].coords).tolist())
    low = y + 32 if y < 40 else y - 12
    word = element("text", "horizon", x=x + 14, y=low, class_="base-name")
    return element("path", d=d, class_="base", stroke_dasharray="14 12") + word


def _shapes(camera: Camera, canvas: Canvas) -> Iterator[Markup]:
    """Zones, and lines with their forward arrows."""
    for name, zone in camera.zones.items():
        points = " ".join(path(*canvas.at(point)) for point in zone)
        looks = [element("polygon", points=points, class_=look) for look in ("area", "stroke")]
        yield element("g", element("title", f"zone {name}"), *looks, class_="zone")
    for name, line in camera.lines.items():
        (ax, ay), (bx, by) = map(canvas.at, line)
        drawn = path("M", ax, ay, "L", bx, by)
        looks = [element("path", d=drawn, class_=look) for look in ("casing", "stroke")]
        (x, y), (nx, ny) = canvas.middle(line), canvas.forward(line)
        ahead = arrow((x, y), (x + nx * _ARROW, y + ny * _ARROW), 20, "arrow")
        yield element("g", element("title", f"line {name}"), *looks, ahead, class_="line")


def _metres(plan: Plan, canvas: Canvas, step: float) -> Iterator[Markup]:
    """What the lines of the grid are in metres: those that run away from the camera say it at the
    picture's foot, the others at its left edge."""
    unit = np.array([WIDTH, canvas.height]) / plan.size
    world = shapely.Polygon(np.asarray(plan.footprint.exterior.coords) @ plan.axes)
    away = int(abs(plan.axes[1, 1]) < abs(plan.axes[1, 0]))  # the axis whose lines run away
    taken: list[Point] = []
    for across, (a, b) in grid_lines(world.bounds, step):
        axis = 0 if across[0] else 1
        name = f"{'xy'[axis]} {a[axis]:g}".replace("-", "−")
        drawn = plan.ground.to_picture(np.linspace(a, b, _SAMPLES)) * unit
        drawn = drawn[np.isfinite(plan.ground.to_metres(drawn / unit)).all(axis=1)]
        place = _label_place(canvas, drawn, text_width(name), foot=axis == away)
        if place is None or any(math.dist(place, other) < _APART for other in taken):
            continue
        taken.append(place)
        x, y = place
        yield element("text", name, x=x, y=y + _TEXT * 0.35, class_="middle base-name")


def _label_place(canvas: Canvas, drawn: Floats, width: float, *, foot: bool) -> Point | None:
    """The middle of a label on a line drawn through points: at the picture's foot, or its left
    edge; None where the line does not come there."""
    half, low = _MARGIN / 2 + width / 2, canvas.height - _MARGIN
    x, y = drawn.T
    inside = (x >= half) & (x <= WIDTH - half) & (y >= _MARGIN) & (y <= low)
    off = np.where(inside, low - y if foot else x - half, np.inf)
    best = int(off.argmin()) if len(off) else 0
    return (float(x[best]), float(y[best])) if len(off) and off[best] <= _NEAR else None
