"""`vmtrace record`: run a program and write down what it executes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click
from vmtrace.tracer.errors import VMError
from vmtrace.tracer.hide import hide
from vmtrace.tracer.launch import leave
from vmtrace.tracer.program import Program, load, load_command, load_module
from vmtrace.tracer.recorder import Summary
from vmtrace.tracer.recording import record as record_program
from vmtrace.tracer.scope import Scope

DEFAULT = "trace.arrow"
PREVIOUS = "trace.old.arrow"


@click.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False})
@click.option("-o", "--output", metavar="FILE", help=f"Where the trace goes. [default: {DEFAULT}, an older one is kept as {PREVIOUS}]")
@click.option("--force", is_flag=True, help="Overwrite the file named with -o if it is there.")
@click.option("-m", "module", is_flag=True, help="PROGRAM is a module's name, as for python -m.")
@click.option("-c", "command", is_flag=True, help="PROGRAM is source text, as for python -c.")
@click.option("--include", multiple=True, metavar="GLOB", help="Trace modules of these names too ('json', 'json.*'). Can be repeated.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Do not trace modules of these names. Can be repeated.")
@click.option("--engine", type=click.Choice(["vm", "native", "check"]), default="vm", show_default=True,
              help="vm: the bytecode virtual machine. native: CPython itself, its code rewritten. check: the virtual machine, "
              "one instruction at a time, checking its stack at each.")  # fmt: skip
@click.option("--sources/--no-sources", default=True, show_default=True, help="Put the source text of what is traced into the trace.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing at the end.")
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def record(
    output: str | None, force: bool, module: bool, command: bool, include: tuple[str, ...], exclude: tuple[str, ...],
    engine: str, sources: bool, quiet: bool, program: str, arguments: tuple[str, ...],
) -> Callable[[], int]:  # fmt: skip
    """Run PROGRAM with ARGUMENTS and record every bytecode instruction that it executes.

    PROGRAM is a .pyc or a .py file. Traced are its own file and the modules in its folder; the rest runs natively. Its
    input, output and exit status are its own.

    \b
    Examples:
      vmtrace record prog.pyc
      vmtrace record -o run.arrow prog.py --verbose data.csv
      vmtrace record -m package.tool ARGUMENTS
      vmtrace record -c 'print(sum(range(10)))'
    """
    if module and command:
        raise click.UsageError("-m and -c exclude each other", click.get_current_context())
    try:
        loaded = _loaded(program, arguments, module, command)
    except VMError as error:
        raise click.ClickException(str(error)) from None
    scope = Scope(loaded.file, loaded.folder, include, exclude)
    path = _place(output, force)
    return hide(lambda: _run(loaded, scope, path, engine, sources, quiet))


def _loaded(program: str, arguments: tuple[str, ...], module: bool, command: bool) -> Program:
    if command:
        return load_command(program, arguments)
    return load_module(program, arguments) if module else load(program, arguments)


def _place(output: str | None, force: bool) -> Path:
    """Where the trace goes; decided, and an older trace put aside, before the program runs."""
    if output is not None:
        path = Path(output)
        if path.exists() and not force:
            raise click.ClickException(f"{output} exists; name another file, or use --force")
        if path.is_dir():
            raise click.ClickException(f"{output} is a folder; name a file in it")
        return path.absolute()
    path = Path(DEFAULT)
    if path.exists():
        path.replace(PREVIOUS)
    return path.absolute()


@hide
def _run(loaded: Program, scope: Scope, path: Path, engine: str, sources: bool, quiet: bool) -> int:
    try:
        status, summary = record_program(loaded, scope, path, engine, sources)
    except OSError as error:
        click.echo(f"vmtrace: error: cannot write {path}: {error.strerror}", err=True)
        return 1
    except VMError as error:
        click.echo(f"vmtrace: error: {error}", err=True)
        return 1
    if summary is not None:
        _say(summary, path, quiet)
    leave(status)
    return status


def _say(summary: Summary, path: Path, quiet: bool) -> None:
    """One line on stderr: what was written, and the exact next command."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        pass
    shown = os.path.relpath(path) if len(os.path.relpath(path)) < len(str(path)) else str(path)
    if summary.problem is not None:
        line = f"vmtrace: warning: {summary.problem}; the trace is incomplete"
    elif quiet:
        return
    else:
        read = "vmtrace report" if shown == DEFAULT else f"vmtrace report {shown}"
        size = _size(summary.bytes)
        line = f"vmtrace: {summary.rows:,} events in {summary.frames:,} frames, {size} in {shown}; next: {read}"
    try:
        print(line, file=sys.__stderr__)
    except (OSError, ValueError, AttributeError):
        pass


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
