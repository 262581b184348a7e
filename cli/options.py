"""The arguments and options that commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT_TRACE = Path("trace.arrow")
PLOT_SUFFIXES = (".png", ".svg", ".pdf")
FOR_PEOPLE = ("text", "markdown")  # formats; the others are for programs
ROWS = 20  # of one analysis, in text and Markdown

F = TypeVar("F", bound=Callable[..., Any])


def program_options(command: F) -> F:
    """The program to run, as `program` and `arguments`, `module` and `command`, `include` and `exclude`."""
    for option in (
        click.argument("arguments", nargs=-1, type=click.UNPROCESSED),
        click.argument("program"),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Do not trace such modules. Repeatable."),
        click.option("--include", multiple=True, metavar="GLOB", help="Trace such modules too: 'json.*'. Repeatable."),
        click.option("-c", "command", is_flag=True, help="PROGRAM is source text, as for python -c."),
        click.option("-m", "module", is_flag=True, help="PROGRAM is a module's name, as for python -m."),
    ):
        command = option(command)
    return command


def form(module: bool, command: bool) -> str:
    """The form that a program is given in: `module`, `command` or `file`."""
    if module and command:
        raise click.UsageError("-m and -c exclude each other", click.get_current_context())
    return "module" if module else "command" if command else "file"


def trace_argument(command: F) -> F:
    """The file to read, as `trace_path`."""
    return click.argument("trace_path", metavar="[TRACE]", default=DEFAULT_TRACE, type=click.Path(path_type=Path))(
        command
    )


def format_option(command: F) -> F:
    """How to write the answer, as `format_name`."""
    return click.option(
        "--format",
        "format_name",
        type=click.Choice(["text", "json", "csv", "markdown"]),
        default="text",
        show_default=True,
        help="How to write the answer.",
    )(command)


def top_option(rows: int = ROWS) -> Callable[[F], F]:
    """How many rows of a result to show, as `top`: None where it was not said."""
    return click.option(
        "--top",
        type=click.IntRange(min=0),
        metavar="N",
        help=f"Show the first N rows, 0 for all.  [default: {rows}; all in json and csv]",
    )


def rows_to_show(top: int | None, format_name: str, default: int = ROWS) -> int:
    """The number of rows that `--top` and `--format` ask for; 0 means all.

    People read the top; programs that read JSON or CSV want everything unless told otherwise.
    """
    if top is not None:
        return top
    return default if format_name in FOR_PEOPLE else 0


def plot_option(what: str) -> Callable[[F], F]:
    """Where to draw `what`, as `plot_path`."""
    return click.option(
        "--plot",
        "plot_path",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        callback=_check_plot_path,
        help=f"Also draw {what}; FILE ends in .png, .svg or .pdf.",
    )


def _check_plot_path(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Refuse before the trace is read what could not be written after it."""
    if path is not None and path.suffix.lower() not in PLOT_SUFFIXES:
        raise click.BadParameter(f"{path} does not end in .png, .svg or .pdf")
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}")
    return path
