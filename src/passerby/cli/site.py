"""``passerby site``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = r"""[bold]A site file[/]; points are fractions of the picture's width and height:

site: Harbour Square
timezone: Europe/Helsinki
cameras:
  north:
    source: north.mp4
    lines:
      gate: [[0.10, 0.55], [0.80, 0.60]]
      left: [[0.05, 0.20], [0.05, 0.90]]
    zones:
      square: [[0.1, 0.2], [0.9, 0.2], [0.9, 0.9]]
    movements:
      in-left: \[gate, left]"""

app = typer.Typer(
    help="Check a site file; print its JSON Schema.", epilog=EXAMPLE, no_args_is_help=True
)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of a site file, for editors that check and complete YAML."""
    from passerby.site import site_schema

    typer.echo(json.dumps(site_schema(), indent=2))


@app.command("check")
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="Site file (YAML).")]) -> None:
    """Check a site file; say what is wrong in it, by line and field."""
    from passerby.site import load_site

    site = load_site(file)
    for name, camera in site.cameras.items():
        parts = ("lines", "zones", "movements", "masks")
        drawn = [
            f"{part}: {', '.join(names)}" for part in parts if (names := getattr(camera, part))
        ]
        typer.echo(f"{site.site}, camera {name}: {'; '.join(drawn) or 'the whole picture'}")
