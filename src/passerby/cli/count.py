"""``passerby count`` and ``passerby demo``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from passerby.cli import consoles
from passerby.errors import PasserbyError

if TYPE_CHECKING:
    from passerby.site import Camera

PARTLY_UNREAD = 3
INTERRUPTED = 130

EXAMPLES = """[bold]Examples[/]

passerby count street.mp4

passerby count street.mp4 --line gate=0.1,0.6,0.9,0.6 --start 2026-05-04T07:00

passerby count recordings/ --time-pattern %Y%m%d_%H%M%S --interval 5m

passerby count --site site.yaml --camera north --out monday

[bold]Exit status[/]

0 done. 2 wrong input. 3 done, but a part of the video could not be read. 130 stopped with Ctrl-C: \
the same command goes on where it stopped."""

_INTERVAL = re.compile(r"(\d+)(s|m|h)")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_HOUR = 3600

_WHAT = "What to measure"
_RECORDING = "About the recording"
_HOW = "How to count"
_OUT = "Result"

Out = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="DIR",
        rich_help_panel=_OUT,
        help="Folder for report.html, counts.xlsx, measurements.csv, measurements.parquet and "
        "summary.json. It is made where it is missing; older results in it are replaced.",
    ),
]


def count(
    video: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="VIDEO",
            help="One file or several, a folder of videos, or a folder of numbered images: they "
            "are one recording. Leave it out where the camera of --site has a source.",
        ),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_WHAT,
            help="Site file (YAML) with cameras, lines, zones and movements. See: "
            "passerby site --help",
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_WHAT,
            help="Camera of the site file; needed where it has several.",
        ),
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=x1,y1,x2,y2",
            rich_help_panel=_WHAT,
            help="Line on which crossings are counted. Forward is from its left to its right: a "
            "line drawn from left to right counts what moves down as forward. All whole numbers "
            "with one above 1: pixels. Else: fractions of width and height from 0 to 1. "
            "May be repeated.",
        ),
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=x1,y1,x2,y2,x3,y3…",
            rich_help_panel=_WHAT,
            help="Polygon in which road users at once are counted. Coordinates as for --line. "
            "May be repeated.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            rich_help_panel=_HOW,
            help="Detector: a name that [bold]passerby models[/] lists, or the path of an ONNX or "
            "OpenVINO file. The one that is shipped with passerby where not given.",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="F",
            min=0.001,
            max=1000,
            rich_help_panel=_RECORDING,
            help="True frames per second, for a recording whose header lies or a folder of images.",
        ),
    ] = None,
    analyse_fps: Annotated[
        float | None,
        typer.Option(
            metavar="F",
            min=0.001,
            max=1000,
            rich_help_panel=_HOW,
            help="Frames to look at per second; 10 where not given. Fewer is quicker: 5 is often "
            "enough for people, fast vehicles need 10 or more.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="ISO",
            rich_help_panel=_RECORDING,
            help="Clock time of the first frame, such as 2026-05-04T07:00 (the site's time) or "
            "2026-05-04T07:00+03:00. Else it is taken from the file, from its name "
            "(--time-pattern), or times count from the start of the recording.",
        ),
    ] = None,
    time_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="P",
            rich_help_panel=_RECORDING,
            help="How the time is written in the names of the files (strptime), such as "
            "%Y%m%d_%H%M%S.",
        ),
    ] = None,
    interval: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            rich_help_panel=_HOW,
            help="Length of the intervals that are counted: 60s, 5m, 15m, 1h. At least a minute; "
            "an hour must be a multiple of it.",
        ),
    ] = "15m",
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            rich_help_panel=_HOW,
            help="CPU threads; all cores where not given.",
        ),
    ] = None,
    bridge: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=5,
            rich_help_panel=_HOW,
            help="How long a road user may be hidden and still be the same one, in seconds.",
        ),
    ] = 2.0,
    out: Out = Path("passerby-out"),
) -> None:
    """Count people and vehicles in a recording, by line, zone and class.

    Without --site, --line and --zone the whole picture is counted: road users at once, and \
those who cross its middle. Its report.html then lets you click lines and zones on the picture \
and copy them for the next run.
    """
    from datetime import UTC

    from passerby.shapes import parse_line, parse_zone

    options: dict[str, Any] = {
        "lines": [parse_line(text) for text in line or ()],
        "zones": [parse_zone(text) for text in zone or ()],
        "model": model,
        "fps": fps,
        "analyse_fps": analyse_fps,
        "time_pattern": time_pattern,
        "interval_seconds": parse_interval(interval),
        "bridge_seconds": bridge,
        "threads": threads,
        "start": None if start is None else _parse_start(start),
    }
    clock: tzinfo = UTC
    chosen: Camera | None = None
    sources: list[Path | str] = list(video or ())
    if site is not None:
        from passerby.site import load_site

        place = load_site(site)
        options["site"], clock = place.site, place.zone_info
        options["name"], chosen = place.camera(camera)
        chosen = beside(site, chosen)
        if not sources and chosen.source:
            sources = [chosen.source]
    elif camera is not None:
        raise PasserbyError("--camera names a camera of a site file; give that with --site")
    if not sources:
        missing = (
            "give a VIDEO to count" if site is None else "its camera has no source: give a VIDEO"
        )
        raise PasserbyError(f"{missing}\nTry: passerby count --help")
    _run(sources, chosen, out, zone=clock, **options)


def demo(out: Out = Path("passerby-demo")) -> None:
    """Count a real clip and show what comes out.

    The clip is OpenCV's vtest.avi: 19 people on a campus, 114 seconds. It is looked for in the \
cache and in Debian's package opencv-doc, then downloaded (8 MB; 96 MB where only Debian's \
packages can be reached).
    """
    from passerby.demo import CAMERA, find_clip

    with consoles.downloading() as progress:
        clip = find_clip(consoles.say, progress)
    consoles.say(
        "The clip's header says 10 frames per second. It was filmed at 7, so this runs as "
        "passerby count --fps 7 does."
    )
    _run([clip], CAMERA, out, site="Demo", name="vtest", interval_seconds=60)


def parse_interval(text: str) -> int:
    """``15m``, ``1h`` or ``60s`` in seconds.

    Raises:
        PasserbyError: another form, less than a minute, or an hour is no multiple of it.
    """
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        raise PasserbyError(f"--interval {text}: write a number and s, m or h, such as 15m")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds < 60:
        raise PasserbyError(f"--interval {text}: an interval has at least a minute")
    if _HOUR % seconds:
        raise PasserbyError(
            f"--interval {text}: an hour must be a multiple of it, as of 1m, 5m, 15m or 1h"
        )
    return seconds


def _parse_start(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise PasserbyError(
            f"--start {text}: write date and time as 2026-05-04T07:00, with +03:00 or the like "
            "where it is not the site's time"
        ) from None


def beside(site: Path, camera: Camera) -> Camera:
    """The camera with the paths it names taken from the folder of its site file."""
    paths: dict[str, str] = {}
    if camera.source and "://" not in camera.source:
        paths["source"] = str(site.parent / camera.source)
    if camera.model and (site.parent / camera.model).is_file():
        paths["model"] = str(site.parent / camera.model)
    return camera.model_copy(update=paths)


def _run(sources: Sequence[Path | str], camera: Camera | None, out: Path, **options: Any) -> None:
    """Count with a progress bar, write the files, show the results.

    Raises:
        typer.Exit: with :data:`INTERRUPTED` or :data:`PARTLY_UNREAD`.
    """
    from passerby.cli.results import show
    from passerby.counting import count as run
    from passerby.report.files import files_in

    try:
        with consoles.counting() as progress:
            report = run(sources, camera, out=out, progress=progress, **options)
    except KeyboardInterrupt:
        consoles.say(
            f"Stopped. What was counted so far is kept in {out}; the same command goes on there."
        )
        raise typer.Exit(INTERRUPTED) from None
    show(report, files_in(out))
    if report.unread:
        raise typer.Exit(PARTLY_UNREAD)
