"""`vmtrace report`: the run at a glance."""

from __future__ import annotations

from pathlib import Path

import click
from vmtrace.analysis import (
    Analysis,
    Blocks,
    Branches,
    Calls,
    CallSites,
    Functions,
    Lines,
    Loops,
    Neighbours,
    Opcodes,
    Pairs,
    Phases,
    Stack,
    Summary,
    Super,
)
from vmtrace.analysis.dataframes import pd
from vmtrace.cli import blocks, branches, calls, lines, loops, opcodes, pairs, phases, stack, superinstructions
from vmtrace.cli.answer import Fact, Facts, Table
from vmtrace.cli.columns import Kind
from vmtrace.cli.info import run_facts
from vmtrace.cli.options import format_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, program_name

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
@selection_options
def report(trace_path: Path, wanted: Wanted, top: int | None, format_name: str) -> None:
    """Show the run at a glance: the top of every analysis.

    Each part is the answer of a command of its own, which can say more.
    CSV holds all parts in one table with the columns part, row, column, value.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace report
      vmtrace report trace.arrow --top 5 --format markdown > report.md
    """
    study = Study(trace_path, wanted)
    rows = rows_to_show(top, format_name, ROWS)
    answered = parts(study, rows)
    answer(study.origin(), answered, format_name)


def parts(study: Study, rows: int) -> list[Table | Facts]:
    """The top `rows` of every analysis (0: all), from one pass over the trace."""
    program = study.program
    totals, mix, depths, course = Summary(program), Opcodes(program), Stack(program), Phases(program)
    after, chosen, profile, tree = Pairs(program), Super(program), Functions(program), Calls(program)
    looping, straight, jumps = Loops(program), Blocks(program), Branches(program)
    source, beside, calling = Lines(program, study.trace.sources), Neighbours(program), CallSites(program)
    asked: tuple[Analysis, ...] = (totals, mix, after, beside, chosen, profile, tree, calling)
    asked += (looping, straight, jumps, source, depths, course)
    result = dict(zip(asked, study.analyse(*asked), strict=True))
    return [
        run_facts(study.trace, f"Run of {program_name(study.trace)}", _RUN),
        summary(result[totals]),
        opcodes.table(result[mix], rows),
        pairs.table(result[after], 2, rows),
        pairs.neighbour_table(result[beside], rows),
        superinstructions.table(result[chosen], rows),
        calls.flat_table(result[profile], rows),
        calls.tree_table(result[tree], rows),
        calls.sites_table(result[calling], rows),
        loops.table(result[looping], rows),
        blocks.table(result[straight], rows),
        branches.table(result[jumps], rows),
        lines.hottest_table(result[source], rows),
        stack.table(result[depths], rows),
        *stack.deepest_tables(depths, rows)[:1],
        phases.table(course, rows),
    ]
