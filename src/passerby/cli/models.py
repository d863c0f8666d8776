"""``passerby models``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.cli import consoles
from passerby.errors import ModelError

if TYPE_CHECKING:
    from passerby.models import Model

app = typer.Typer(help="List detectors, get one, add your own.")


@app.callback(invoke_without_command=True)
def list_models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON, for scripts.")] = False,
) -> None:
    """List detectors (models): what each is good and bad at, how to get it, how to add your own."""
    if context.invoked_subcommand is not None:
        return
    from passerby.models import available, installed

    models = available()
    if as_json:
        told = [asdict(model) | {"installed": installed(model)} for model in models]
        typer.echo(json.dumps(told, indent=2))
        return
    for model in models:
        _show(model, installed(model))


@app.command("get")
def get_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name that passerby models lists.")],
) -> None:
    """Download a detector, check it and keep it in the cache.

    Set PASSERBY_MODELS_URL to fetch from a mirror of the Open Model Zoo.
    """
    from passerby.models import find, get

    with consoles.downloading() as progress:
        path = get(name, progress)
    typer.echo(f"{name} is at {path}")
    try:
        find(name)
    except ModelError as error:
        consoles.say(str(error))  # what it needs besides its files


@app.command("add")
def add_model(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="An .onnx file, or an .xml file (OpenVINO) with its .bin beside it. Families "
            "understood: NanoDet, YOLOX, and Open Model Zoo with boxes and labels.",
        ),
    ],
) -> None:
    """Keep a detector of your own among the others, under the name of its file."""
    from passerby.models import add
    from passerby.pixels.detector import Detector

    Detector.load(file)  # says what does not fit before anything is kept
    model = add(file)
    typer.echo(f"Added. Use it with: passerby count VIDEO --model {model.name}")


def _show(model: Model, installed: bool) -> None:
    from rich.table import Table

    from passerby.models import DEFAULT

    states = [("state", "installed" if installed else "not installed")]
    if model.name == DEFAULT:
        states = [("state", "shipped with passerby, the default")]
    elif not installed:
        states.append(("get it with", f"passerby models get {model.name}"))
    screen = consoles.console()
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column()
    for about, text in (
        *states,
        ("good at", model.good_at),
        ("bad at", model.bad_at),
        (
            "under-counts",
            f"above about {model.density_limit:g} road users in the picture at once, or "
            f"{model.saturation:g} people per m²",
        ),
        ("classes", ", ".join(model.classes) or "known once it is loaded"),
        ("accuracy", model.accuracy),
        ("speed", model.speed),
        ("licence", model.licence),
        ("source", model.source),
        ("runs on", model.runtime),
    ):
        facts.add_row(f"  {about}", text)
    screen.print(model.name, style="bold")
    screen.print(facts)
    screen.print()
