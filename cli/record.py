"""`vmtrace record`: run a program and write down what it executes."""

from __future__ import annotations

import os
import shlex
import warnings
from pathlib import Path

import click
from vmtrace.cli.become import become, check, facts
from vmtrace.cli.options import form, program_options
from vmtrace.cli.request import ENGINES, Request
from vmtrace.tracer.errors import VMError

DEFAULT = "trace.arrow"
PREVIOUS = "trace.old.arrow"


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help=f"Where the trace goes. [default: {DEFAULT}; an older one becomes {PREVIOUS}]",
)
@click.option("--force", is_flag=True, help="Overwrite the file named with -o if it exists.")
@click.option(
    "--engine",
    type=click.Choice(list(ENGINES)),
    default="vm",
    show_default=True,
    help="vm: the bytecode virtual machine. native: CPython itself, running rewritten code. check: the virtual "
    "machine, one instruction at a time, holding its stack against the expected depth.",
)
@click.option("--sources/--no-sources", default=True, show_default=True, help="Put the source text into the trace.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing at the end.")
@program_options
def record(
    output: str | None,
    force: bool,
    module: bool,
    command: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    engine: str,
    sources: bool,
    quiet: bool,
    program: str,
    arguments: tuple[str, ...],
) -> None:
    """Run PROGRAM with ARGUMENTS and record every bytecode instruction that it executes.

    PROGRAM is a .pyc or a .py file, or a folder or zip file with a __main__.py. Traced are its own file and the modules
    in its folder; the rest runs natively. Its input, output and exit status are its own.

    \b
    Examples:
      vmtrace record prog.pyc
      vmtrace record -o run.arrow prog.py --verbose data.csv
      vmtrace record -m package.tool ARGUMENTS
      vmtrace record -c 'print(sum(range(10)))'
    """
    path = Path(output or DEFAULT)
    request = Request(
        form=form(module, command),
        program=program,
        arguments=arguments,
        include=include,
        exclude=exclude,
        engine=engine,
        sources=sources,
        quiet=quiet,
        path=str(path.absolute()),
        shown=str(path),
        next="vmtrace report" if output is None else f"vmtrace report {shlex.quote(output)}",
        facts=facts(),
    )
    try:
        with warnings.catch_warnings(action="ignore"):  # the program's process will have its say
            check(request)
    except VMError as error:
        raise click.ClickException(str(error)) from None
    _make_place(path, output is not None, force)
    become(request)


def _make_place(path: Path, named: bool, force: bool) -> None:
    """Sees to it that the trace can be written; an older default trace is put aside."""
    if path.is_dir():
        raise click.ClickException(f"{path} is a folder; name a file in it")
    if path.exists() and named and not force:
        raise click.ClickException(f"{path} exists; name another file, or use --force")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise click.ClickException(f"cannot write {path}: no permission, or no such folder")
    if path.exists() and not named:
        path.replace(path.with_name(PREVIOUS))
