"""The `vmtrace` command: finds the subcommand, and turns every failure into one line and a status.

A subcommand's module is imported only when that subcommand runs, so that `vmtrace --help` and
`vmtrace record` never wait for pandas or matplotlib.
"""

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import click
from vmtrace.cli import interrupted
from vmtrace.cli.layout import printable
from vmtrace.cli.options import DEFAULT_TRACE
from vmtrace.cli.standby import Standby


class Entry(NamedTuple):
    """Where a command is (`module:attribute` in vmtrace.cli), and its line in the overview."""

    target: str
    summary: str
    counts: bool = True  # reads all rows, which other processes can help with


SECTIONS: dict[str, dict[str, Entry]] = {
    "Record": {
        "record": Entry("record:record", "Run a program and write down what it executes.", counts=False),
        "verify": Entry(
            "verify:verify", "Hold what is recorded of a program against CPython's own account.", counts=False
        ),
    },
    "Report": {
        "report": Entry("report:report", "Show the run at a glance: the top of every analysis."),
        "info": Entry("info:info", "Say what a trace is: program, Python, engine, size.", counts=False),
        "opcodes": Entry("opcodes:opcodes", "Count the executed opcodes."),
        "loops": Entry("loops:loops", "Show the loops, their trips and their share of the run."),
        "calls": Entry("calls:calls", "Show the call tree, with inclusive and own instructions."),
        "stack": Entry("stack:stack", "Show how deep the evaluation stack gets, by function."),
        "lines": Entry("lines:lines", "Show the source, with how often each line was executed."),
        "pairs": Entry("pairs:pairs", "Count which opcodes follow which."),
        "super": Entry("superinstructions:superinstructions", "Choose superinstructions: what saves most dispatches."),
        "blocks": Entry("blocks:blocks", "Show the basic blocks that the run consists of."),
        "branches": Entry("branches:branches", "Show the conditional jumps, the least predictable first."),
        "phases": Entry("phases:phases", "Show how the mix of opcodes changes in the course of the run."),
    },
    "Compare": {
        "diff": Entry("diff:diff", "Compare two traces: opcodes, pairs, functions and loops by change."),
    },
}
COMMANDS: dict[str, Entry] = {name: entry for rows in SECTIONS.values() for name, entry in rows.items()}


class CommandTable(click.Group):
    """A click group whose commands are the table above, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].target.split(":")
        command = getattr(importlib.import_module(f"vmtrace.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in SECTIONS["Record"]:
            # numpy's threads for matrices, of which there are none here, would begin with a tenth of a second at full
            # speed. A program that is recorded keeps the environment that it is given.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        # Before the command is imported: that takes as long as it takes the others to be ready.
        if (entry := COMMANDS.get(args[0])) and entry.counts:
            standby = ctx.ensure_object(Standby)
            ctx.call_on_close(standby.close)
            standby.prepare([arg for arg in args[1:] if os.path.isfile(arg)] or [str(DEFAULT_TRACE)])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, rows in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in rows.items()])

    def invoke(self, ctx: click.Context) -> Any:
        # click itself answers Ctrl-C with an empty line; ours has words in it.
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(interrupted.LINE, err=True)
            raise SystemExit(interrupted.STATUS) from None


def _version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"vmtrace {version('vmtrace')}")
        except PackageNotFoundError:
            click.echo("vmtrace (not installed)")
        ctx.exit()


@click.group(cls=CommandTable, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def vmtrace(ctx: click.Context) -> None:
    """Record what a Python program executes, instruction by instruction, and ask questions about it.

    \b
    Example:
      vmtrace record prog.py          writes trace.arrow
      vmtrace report                  reads it
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


def main() -> NoReturn:
    """The entry point of the `vmtrace` command."""
    # What is loaded stays: looking for garbage among it, as often as by default, takes a quarter of the time it loads.
    gc.set_threshold(100_000)
    status = run(sys.argv[1:])
    gc.freeze()  # nor is it looked through once more at the end
    sys.exit(status)


def run(args: Sequence[str]) -> int:
    """Run one command line; return its exit status: 0, 1 (bad data, failed write), 2 (usage)."""
    try:
        status = vmtrace.main(list(args), prog_name="vmtrace", standalone_mode=False)
    except click.UsageError as error:
        return _fail(_with_hint(error), error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror), 1)
    except Exception as error:
        from vmtrace.tracer.errors import VMError
        from vmtrace.traces import TraceError  # here, because it brings pyarrow with it

        if isinstance(error, TraceError | VMError):
            return _fail(str(error), 1)
        raise
    return status if isinstance(status, int) else 0


def _with_hint(error: click.UsageError) -> str:
    message = error.format_message().rstrip(".")
    if error.ctx is None:
        return message
    return f"{message} (see '{error.ctx.command_path} --help')"


def _fail(message: str, status: int) -> int:
    """Say what is wrong on one line of stderr."""
    line = printable(" ".join(message.split()))
    try:
        click.echo(f"vmtrace: error: {line}", err=True)
    except OSError:  # stderr is closed or full too: the status is all that is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return status
