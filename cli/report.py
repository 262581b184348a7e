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
    StackByOpcode,
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

#: All of them, in the order in which they are shown.
ANALYSES: tuple[type[Analysis], ...] = (
    Summary,
    Opcodes,
    Pairs,
    Neighbours,
    Super,
    Functions,
    Calls,
    CallSites,
    Loops,
    Blocks,
    Branches,
    Lines,
    Stack,
    StackByOpcode,
    Phases,
)

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
    depths, course = Stack(program), Phases(program)
    made: dict[type[Analysis], Analysis] = {Stack: depths, Phases: course, Lines: Lines(program, study.trace.sources)}
    made |= {kind: kind(program) for kind in ANALYSES if kind not in made}
    study.run(*made.values())
    return [
        run_facts(study.trace, f"Run of {program_name(study.trace)}", _RUN),
        summary(made[Summary].finish()),
        opcodes.table(made[Opcodes].finish(), rows),
        pairs.table(made[Pairs].finish(), 2, rows),
        pairs.neighbour_table(made[Neighbours].finish(), rows),
        superinstructions.table(made[Super].finish(), rows),
        calls.flat_table(made[Functions].finish(), rows),
        calls.tree_table(made[Calls].finish(), rows),
        calls.sites_table(made[CallSites].finish(), rows),
        loops.table(made[Loops].finish(), rows),
        blocks.table(made[Blocks].finish(), rows),
        branches.table(made[Branches].finish(), rows),
        lines.hottest_table(made[Lines].finish(), rows),
        stack.table(made[Stack].finish(), rows),
        *stack.deepest_tables(depths, rows)[:1],
        stack.opcode_table(made[StackByOpcode].finish(), rows),
        phases.table(course, rows),
    ]
