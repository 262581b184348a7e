"""`vmtrace report`: the run at a glance."""

from pathlib import Path

import click
import pandas as pd
from vmtrace.analysis import Calls, Functions, Loops, Opcodes, Program, Stack, Summary
from vmtrace.cli import calls, loops, opcodes, stack
from vmtrace.cli.answer import Fact, Facts
from vmtrace.cli.columns import Kind
from vmtrace.cli.info import run_facts
from vmtrace.cli.options import format_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.session import analyse, answer, open_for_reading, program_name

ROWS = 10

_RUN = ("argv", "exit_status", "stopped", "elapsed", "engine", "python")

_SUMMARY = (
    ("instructions", "executed instructions"),
    ("frames", "frames"),
    ("threads", "threads"),
    ("functions", "functions that ran"),
    ("functions_known", "functions in the trace"),
    ("opcodes", "different opcodes"),
    ("sites", "different instructions"),
    ("sites_known", "instructions in what ran"),
    ("deepest_stack", "deepest evaluation stack"),
)


def summary(result: pd.DataFrame) -> Facts:
    """What the run amounted to."""
    figures = result.iloc[0]
    facts = tuple(Fact(key, label, int(figures[key]), Kind.COUNT) for key, label in _SUMMARY)
    return Facts("summary", "Summary", facts)


@click.command()
@trace_argument
@top_option(ROWS)
@format_option
def report(trace_path: Path, top: int | None, format_name: str) -> None:
    """Show the run at a glance: the top of every analysis.

    Each part is the answer of a command of its own, which says more: opcodes, calls, loops, stack.
    CSV holds all parts in one table with the columns part, row, column, value.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace report
      vmtrace report trace.arrow --top 5 --format markdown > report.md
    """
    trace = open_for_reading(trace_path)
    program = Program(trace)
    depths = Stack(program)
    results = analyse(
        trace, Summary(program), Opcodes(program), Functions(program), Calls(program), Loops(program), depths
    )
    totals, mix, profile, tree, looping, by_function = results
    rows = rows_to_show(top, format_name, ROWS)
    parts = (
        run_facts(trace, f"Run of {program_name(trace)}", _RUN),
        summary(totals),
        opcodes.table(mix, rows),
        calls.flat_table(profile, rows),
        calls.tree_table(tree, rows),
        loops.table(looping, rows),
        stack.table(by_function, rows),
        stack.deepest_table(depths, rows),
    )
    answer(trace, parts, format_name)
