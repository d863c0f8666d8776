"""ground.html: the metric grid on the empty street, and the plan beside it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from passerby.ground import Ground
from passerby.redacted import RedactedImage
from passerby.report.page import page_of
from passerby.report.plan import Plan, metric_grid, plan_picture
from passerby.report.street import WIDTH, Canvas, background
from passerby.report.svg import element
from passerby.site import Camera


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
        camera: whose lines and zones the plan shows.
        street: the empty street.
        facts: label and text of each line of the table.
    """
    plan = Plan.of(ground, size, camera)
    canvas = Canvas.of(size)
    grid, step = (Markup(""), None) if plan is None else metric_grid(plan, canvas)
    picture = element(
        "svg",
        background(street, canvas),
        grid,
        viewBox=f"0 0 {WIDTH:g} {canvas.height:g}",
        role="img",
        aria_label="The empty street with a grid in metres",
        class_="picture",
    )
    return page_of(
        "ground.html.j2",
        title=title,
        picture=picture,
        plan=None if plan is None else plan_picture(camera, plan),
        step=step,
        street=street is not None,
        facts=facts,
    )
