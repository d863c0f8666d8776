"""``passerby ground``."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.cli import consoles
from passerby.cli.count import INTERRUPTED, beside
from passerby.errors import PasserbyError

if TYPE_CHECKING:
    from passerby.calibrate import Calibration
    from passerby.ground_fit import Fit
    from passerby.grounding import GroundFound

EXAMPLES = """[bold]Examples[/]

passerby ground north.mp4 --site site.yaml --camera north

passerby ground north.mp4 --site site.yaml --camera-height 6.2

passerby ground north.mp4 --site site.yaml --mean-height 1.65 --no-write

passerby ground north.mp4 --site site.yaml --from people --replace

[bold]How it works[/]

Where the camera has pairs, a rectangle or a calibration in the site file, these are checked and \
nothing is written. Else the people who walk in the recording tell the ground: how tall they are \
over where they stand gives horizon, tilt and scale. Take a recording in which at least 8 people \
walk near and far. Steep views (above about 55 degrees) are better given by pairs. What people \
told once, a new run finds anew and replaces; what you gave is replaced only with --replace.

[bold]Exit status[/]

0 done. 2 wrong input, or the ground cannot be known. 130 stopped with Ctrl-C."""


class From(StrEnum):
    """Who tells the ground."""

    PEOPLE = "people"
    SITE = "site"


def ground(
    video: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="VIDEO",
            help="One file or several, or a folder. Leave it out where the camera of --site has a "
            "source.",
        ),
    ] = None,
    site: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Site file (YAML) into which it is written.")
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Camera of the site file; needed where it has several."),
    ] = None,
    source: Annotated[
        From | None,
        typer.Option(
            "--from",
            help="Who tells the ground. Where not given: the site file, if you gave a ground "
            "there, else the people.",
        ),
    ] = None,
    mean_height: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            min=1.0,
            max=2.2,
            help="Mean height of the people with shoes, metres; 1.70 where not given.",
        ),
    ] = None,
    camera_height: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            min=1.0,
            max=100.0,
            help="Height of the camera above the ground, metres, where you know it: the scale "
            "then comes from it.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            min=1.0,
            help="How much of the recording to watch. Where not given: all of it, or 5 minutes "
            "where the site file tells the ground.",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Detector, as for passerby count.")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="F",
            min=0.001,
            max=1000,
            help="True frames per second, for a recording whose header lies.",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="CPU threads; all cores where not given."),
    ] = None,
    write: Annotated[
        bool, typer.Option(help="Write what was found into the site file; comments stay.")
    ] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over a ground that somebody gave, too.")
    ] = False,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for ground.html.")
    ] = Path("passerby-out"),
) -> None:
    """Find out how the picture maps to metres, and draw the grid on the empty street."""
    from passerby.calibrate import MEAN_HEIGHT
    from passerby.grounding import asks_people, find_ground
    from passerby.report.ground import ground_page
    from passerby.site import Camera, load_site
    from passerby.site_edit import check_writable, write_ground

    title, name, chosen = "Camera", None, Camera()
    sources: list[Path | str] = list(video or ())
    if site is not None:
        place = load_site(site)
        name, chosen = place.camera(camera)
        chosen = beside(site, chosen)
        title = f"{place.site}, {name}"
        if not sources and chosen.source:
            sources = [chosen.source]
    elif camera is not None:
        raise PasserbyError("--camera names a camera of a site file; give that with --site")
    if not sources:
        missing = (
            "give a VIDEO to watch" if site is None else "its camera has no source: give a VIDEO"
        )
        raise PasserbyError(f"{missing}\nTry: passerby ground --help")
    from_people = None if source is None else source is From.PEOPLE
    if asks_people(chosen, from_people):
        if site is not None and name is not None and write:
            check_writable(site, name, replace=replace)
    elif mean_height or camera_height:
        raise PasserbyError(
            "the site file tells the ground, and --mean-height and --camera-height change nothing "
            "there; add --from people to let the people tell it"
        )
    try:
        with consoles.counting("Watching") as progress:
            found = find_ground(
                sources,
                chosen,
                from_people=from_people,
                mean_height=mean_height or MEAN_HEIGHT,
                camera_height=camera_height,
                seconds=seconds,
                model=model,
                fps=fps,
                threads=threads,
                progress=progress,
            )
    except KeyboardInterrupt:
        consoles.say("Stopped. Nothing was written.")
        raise typer.Exit(INTERRUPTED) from None
    facts = _facts(found)
    out.mkdir(parents=True, exist_ok=True)
    page = out / "ground.html"
    part = page.with_suffix(".part")
    part.write_bytes(
        ground_page(title, found.ground, found.frame_size, chosen, found.street, facts)
    )
    part.replace(page)
    _show(title, found, facts)
    if site is not None and name is not None and found.calibration is not None:
        if write:
            write_ground(site, name, found.ground, found.frame_size, replace=replace)
            typer.echo(f"\nWritten into {site}, camera {name}.")
        else:
            typer.echo("\nNothing was written into the site file.")
    typer.echo(f"\nOpen {page} and lay the grid against something whose size you know.")


def _facts(found: GroundFound) -> list[tuple[str, str]]:
    """Label and text of everything that is known of the ground."""
    if found.calibration is not None:
        facts = _told(found.calibration, found.frame_size)
    else:
        facts = [("found by", found.ground.method)]
        if found.fit is not None and len(found.fit.residuals):
            facts += _fitted(found.fit)
    spread = found.ground.spread
    known = f"right within {spread:.0%} (standard error)" if spread else "error not known"
    return [*facts, ("lengths", known)]


def _told(told: Calibration, size: tuple[int, int]) -> list[tuple[str, str]]:
    """What the people told."""
    high, focal, half = told.camera_height, told.focal, size[0] / 2
    wide = 2 * math.degrees(math.atan(half / focal.value))
    # The derivative of that angle by the focal length.
    wide_error = math.degrees(2 * half / (focal.value**2 + half**2)) * focal.error
    away = abs(told.horizon.value)
    where = "above" if told.horizon.value < 0 else "below"
    way = "clockwise" if told.roll.value >= 0 else "counter-clockwise"
    return [
        ("found by", f"the heights of {told.people} people in {told.boxes} boxes"),
        (
            "camera height",
            f"{high.value:.1f} {f'± {high.error:.1f} m' if high.error else 'm, as given'}",
        ),
        ("tilt", f"{told.tilt.value:.0f} ± {told.tilt.error:.0f}° below the horizontal"),
        ("roll", f"{abs(told.roll.value):.1f} ± {told.roll.error:.1f}° {way}"),
        ("field of view", f"{wide:.0f} ± {wide_error:.0f}° across"),
        ("focal length", f"{focal.value:.0f} ± {focal.error:.0f} pixels"),
        (
            "horizon",
            f"{away:.0f} ± {told.horizon.error:.0f} pixels {where} the picture's upper edge",
        ),
    ]


def _fitted(fit: Fit) -> list[tuple[str, str]]:
    """How well pairs agree with their ground."""
    off = fit.residuals[fit.used]
    if len(off) == 4:  # any four fit
        return [("pairs used", "4, which always fit: give more, and they check each other")]
    return [
        ("pairs used", f"{len(off)} of {len(fit.used)}"),
        ("residuals", f"{off.mean():.2f} m on average, {off.max():.2f} m at most"),
    ]


def _show(title: str, found: GroundFound, facts: list[tuple[str, str]]) -> None:
    from rich.table import Table

    screen = consoles.console()
    screen.print(f"\n{title}: the ground", style="bold")
    grid = Table.grid(padding=(0, 2))
    for label, text in facts:
        grid.add_row(f"  {label}", text)
    screen.print(grid)
    if found.fit is not None and len(found.fit.residuals):
        table = Table()
        table.add_column("pair", justify="right")
        table.add_column("residual, m", justify="right")
        table.add_column("")
        pairs = zip(found.fit.residuals, found.fit.used, strict=True)
        for number, (residual, used) in enumerate(pairs, start=1):
            why = "" if used else "left out: it contradicts the others"
            table.add_row(str(number), f"{residual:.2f}", why)
        screen.print(table)
    if found.calibration is not None:
        screen.print(
            "\nDo you know better? Run it again with --camera-height or --mean-height, or write "
            "pairs of points into the site file: see docs/ground.md."
        )
