"""The command line: arguments in, calls out, and nothing else.

The rooms that count and draw are loaded inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, cast

import typer

from passerby import __version__
from passerby.cli import count, ground, models, site
from passerby.errors import PasserbyError

WRONG_INPUT = 2

# Typer brings its own Click or uses an installed one; both call this UsageError.
_UsageError = cast(type[Exception], typer.BadParameter.__base__)

app = typer.Typer(
    name="passerby",
    help="Counts people and vehicles in ordinary video and knows no one.",
    epilog="Begin with: [bold]passerby demo[/], then [bold]passerby count YOUR-VIDEO.mp4[/]",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    # A traceback with the values of variables would show boxes and metadata.
    pretty_exceptions_enable=False,
)
app.command("count", epilog=count.EXAMPLES, no_args_is_help=True)(count.count)
app.command("demo")(count.demo)
app.command("ground", epilog=ground.EXAMPLES, no_args_is_help=True)(ground.ground)
app.add_typer(models.app, name="models")
app.add_typer(site.app, name="site")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"passerby {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 2 wrong input, see also each command.

    Args:
        arguments: those of the process where None.
    """
    try:
        status = app(args=arguments, prog_name="passerby", standalone_mode=False)
    except _UsageError as error:
        return _usage(error)
    except PasserbyError as error:
        return _fail(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or 'cannot be read or written'}")
    return status if isinstance(status, int) else 0


def _usage(error: Exception) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message()  # type: ignore[attr-defined]
    if not message:
        return WRONG_INPUT  # no arguments at all: the help was shown
    hint = f"\nTry: {context.command_path} --help" if context else ""
    return _fail(message + hint)


def _fail(message: str) -> int:
    print(f"passerby: {message}", file=sys.stderr)
    return WRONG_INPUT
