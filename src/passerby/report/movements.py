"""The turning-movement diagram: arrows from origin to destination, as wide as their counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from passerby.report.street import WIDTH, Canvas, Labels, Point, short, text_width
from passerby.report.svg import element, path
from passerby.report.tally import Series, Tally
from passerby.report.words import NOT_KNOWN, exact, rounded

if TYPE_CHECKING:
    from passerby.report import Report

_WIDEST = 34.0
_THINNEST = 3.0
_BEND = 0.22


def movement_diagram(report: Report, counts: Tally) -> Markup:
    """Every movement on a faded street; the colours repeat after six."""
    canvas = Canvas.of(report.frame_size)
    totals = {
        name: counts.total_over_classes(Series(name, "movement"))
        for name in report.shapes.movements
    }
    most = max((total or 0 for total in totals.values()), default=0) or 1
    parts = [element("rect", width=WIDTH, height=canvas.height, class_="panel")]
    if report.street is not None:
        parts.append(element("use", href="#street", class_="faded"))
    for name, line in report.shapes.lines.items():
        a, b = map(canvas.at, line)
        parts.append(
            element(
                "path",
                element("title", f"line {name}"),
                d=path("M", *a, "L", *b),
                class_="base",
            )
        )
    labels = Labels(canvas, [])
    on_top = [_line_name(canvas, labels, name, line) for name, line in report.shapes.lines.items()]
    for number, (name, (origin, destination)) in enumerate(report.shapes.movements.items()):
        start = canvas.middle(report.shapes.lines[origin])
        end = canvas.middle(report.shapes.lines[destination])
        total = totals[name]
        width = max(_THINNEST, _WIDEST * (total or 0) / most)
        bend = _bend(start, end)
        colour = f"hue-{number % 6}"
        parts.append(_ribbon(start, bend, end, width, colour, name, total))
        on_top.append(_label(labels, start, bend, end, name, total))
    return element(
        "svg",
        *parts,
        *on_top,
        viewBox=f"0 0 {WIDTH:g} {canvas.height:.1f}",
        class_="picture movements",
        role="img",
        aria_label="Movements as arrows from origin to destination line, as wide as their counts; "
        "the table has the values",
    )


def _bend(start: Point, end: Point) -> Point:
    """Control point to the right of the way, so that a way and its return do not cover."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    if not math.hypot(dx, dy):
        return start[0] + 120, start[1] - 120
    return middle[0] - dy * _BEND, middle[1] + dx * _BEND


def _ribbon(
    start: Point,
    bend: Point,
    end: Point,
    width: float,
    colour: str,
    name: str,
    total: float | None,
) -> Markup:
    """A bent arrow whose head begins where its body ends."""
    dx, dy = end[0] - bend[0], end[1] - bend[1]
    long = math.hypot(dx, dy) or 1.0
    ux, uy = dx / long, dy / long
    head = max(18.0, width * 1.2)
    neck = end[0] - ux * head, end[1] - uy * head
    half = max(10.0, width * 0.9)
    left = neck[0] + uy * half, neck[1] - ux * half
    right = neck[0] - uy * half, neck[1] + ux * half
    said = NOT_KNOWN if total is None else rounded(total)
    return element(
        "g",
        element("title", f"{name}: {said}"),
        element("path", d=path("M", *start, "Q", *bend, *neck), class_="body", stroke_width=width),
        element("path", d=path("M", *end, "L", *left, "L", *right, "Z"), class_="head"),
        class_=f"movement {colour}" if total else f"movement {colour} none",
        data_movement=name,
        data_value=exact(total),
        data_width=exact(round(width, 2)),
    )


def _line_name(canvas: Canvas, labels: Labels, name: str, line: tuple[Point, Point]) -> Markup:
    """The name of a line beside one of its ends."""
    (ax, ay), (bx, by) = map(canvas.at, line)
    text = short(name)
    ends = [(x, y + side) for side in (-26, 26) for x, y in ((ax, ay), (bx, by))]
    x, y = labels.place(text_width(text), 32, ends)
    return element("text", text, x=x, y=y + 8.4, class_="base-name middle")


def _label(
    labels: Labels, start: Point, bend: Point, end: Point, name: str, total: float | None
) -> Markup:
    text = f"{short(name)}  {'?' if total is None else rounded(total)}"
    width = text_width(text) + 20
    on = [_along(start, bend, end, share) for share in (0.5, 0.35, 0.65, 0.2, 0.8)]
    beside = [(x + side * (width / 2 + 24), y) for x, y in on[:3] for side in (-1, 1)]
    x, y = labels.place(width, 44, on + beside)
    return element(
        "g",
        element("rect", x=x - width / 2, y=y - 22, width=width, height=44, rx=8, class_="pill"),
        element("text", text, x=x, y=y + 8.4, class_="name middle"),
        class_="label",
    )


def _along(start: Point, bend: Point, end: Point, share: float) -> Point:
    """A point of the bent way, by share of it."""
    parts = (1 - share) ** 2, 2 * share * (1 - share), share**2
    (ax, ay), (bx, by), (cx, cy) = start, bend, end
    x = parts[0] * ax + parts[1] * bx + parts[2] * cx
    return x, parts[0] * ay + parts[1] * by + parts[2] * cy
