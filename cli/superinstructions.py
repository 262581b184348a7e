"""`vmtrace super`: which sequences of opcodes to make single instructions of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Super
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, cell, each_row
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    Column("saved", "saved", Kind.COUNT),
    Column("saved_percent", "saved %", Kind.PERCENT),
    Column("cumulative_percent", "cum. %", Kind.PERCENT),
    Column("executions", "executions", Kind.COUNT),
    Column("length", "length", Kind.COUNT),
    Column("sequence", "sequence"),
)


def table(result: pd.DataFrame, top: int) -> Table:
    """The answer to `super`."""
    title = "Superinstructions, in the order chosen, by dispatches saved"
    return Table.top("super", title, result, COLUMNS, top)


def figure(result: pd.DataFrame, program: str) -> Figure:
    """A bar for each choice, in order."""
    from vmtrace.cli.bars import Bar, ranked_bars

    bars = [
        Bar(sequence, share, f"{cell(share, Kind.PERCENT)} %  (in all {cell(total, Kind.PERCENT)} %)")
        for sequence, share, total in each_row(result, "sequence", "saved_percent", "cumulative_percent")
    ]
    return ranked_bars(bars, title=f"Superinstructions for {program}", x_label="dispatches saved (%)")


@click.command("super")
@trace_argument
@click.option(
    "--slots",
    type=click.IntRange(min=1),
    metavar="N",
    default=16,
    show_default=True,
    help="Superinstructions to choose.",
)
@click.option(
    "--longest",
    type=click.IntRange(min=2),
    metavar="N",
    default=4,
    show_default=True,
    help="Opcodes in one of them, at most.",
)
@top_option()
@format_option
@plot_option("the choices as bars")
@selection_options
def superinstructions(
    trace_path: Path,
    wanted: Wanted,
    slots: int,
    longest: int,
    top: int | None,
    format_name: str,
    plot_path: Path | None,
) -> None:
    """Choose superinstructions: the sequences that save most dispatches.

    Chooses greedily. After each choice the code is rewritten with it before the next one is looked for, so
    the figures are what the whole set saves, not what each would save alone. A sequence lies in one basic
    block, so that no jump leads into its midst; with a call in it, it would have to run the callee halfway
    through.
    "saved %" is of all executed instructions.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace super
      vmtrace super --slots 32 --longest 6
      vmtrace super --plot super.pdf
    """
    study = Study(trace_path, wanted)
    [result] = study.analyse(Super(study.program, slots, longest))
    part = table(result, rows_to_show(top, format_name))
    if plot_path:
        draw(lambda: figure(part.frame, study.name), plot_path)
    answer(study.origin(), (part,), format_name)
