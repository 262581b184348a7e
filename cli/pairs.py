"""`vmtrace pairs`: which opcodes follow which."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Neighbours, Pairs
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    Column("count", "count", Kind.COUNT),
    Column("self_percent", "self %", Kind.PERCENT),
    Column("cumulative_percent", "cum. %", Kind.PERCENT),
    Column("fusable_percent", "fusable %", Kind.PERCENT),
    Column("sequence", "sequence"),
)
NEIGHBOUR_COLUMNS = (
    Column("opcode", "opcode"),
    Column("where", "where"),
    Column("count", "count", Kind.COUNT),
    Column("percent", "share %", Kind.PERCENT),
    Column("neighbour", "neighbour"),
)
NEAREST = 3  # neighbours of an opcode on each side that people are shown


def table(result: pd.DataFrame, n: int, top: int) -> Table:
    """The answer to `pairs`."""
    return Table.top("pairs", f"Sequences of {n} opcodes within a frame", result, COLUMNS, top)


def neighbour_table(result: pd.DataFrame, top: int) -> Table:
    """The most frequent neighbours of the `top` most frequent opcodes (0: all, of all)."""
    title = "What comes before and after each opcode within a frame"
    if top:
        result = result[result["opcode"].isin(result["opcode"].unique()[:top])]
        result = result.groupby(["opcode", "where"], sort=False).head(NEAREST)
    return Table("neighbours", title, result, NEIGHBOUR_COLUMNS)


def figure(result: pd.DataFrame, n: int, program: str) -> Figure:
    """A bar for each sequence in the order of the result."""
    from vmtrace.cli.bars import ranked_bars, share_bars

    bars = share_bars(result, result["sequence"].tolist())
    title = f"Sequences of {n} opcodes of {program}"
    return ranked_bars(bars, title=title, x_label=f"share of all sequences of {n} (%)")


@click.command()
@trace_argument
@click.option(
    "-n",
    "n",
    type=click.IntRange(2, 8),
    metavar="N",
    default=2,
    show_default=True,
    help="Opcodes in a sequence, 2 to 8.",
)
@click.option("--neighbours", is_flag=True, help="Show what comes before and after each opcode instead.")
@top_option()
@format_option
@plot_option("the sequences as bars")
@selection_options
def pairs(
    trace_path: Path,
    wanted: Wanted,
    n: int,
    neighbours: bool,
    top: int | None,
    format_name: str,
    plot_path: Path | None,
) -> None:
    """Count which opcodes follow which.

    Counts every sequence of n opcodes that one frame executed in a row, overlapping ones too. No sequence reaches
    from one frame into another: what a call executes does not come between the call and what its caller does
    next, and a generator goes on where it was suspended. "fusable %" is the share of its executions that lie in
    one basic block, with no jump into its midst, so that it could be one instruction there. With a call before
    its end, that instruction would have to run the callee halfway through.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace pairs
      vmtrace pairs -n 3 --top 50 --format csv
      vmtrace pairs --neighbours --top 5
    """
    if neighbours and plot_path:
        raise click.UsageError("--neighbours and --plot exclude each other", click.get_current_context())
    if neighbours and n != 2:
        raise click.UsageError("--neighbours are one opcode each: -n says nothing there", click.get_current_context())
    study = Study(trace_path, wanted)
    program = study.program
    rows = rows_to_show(top, format_name)
    [result] = study.analyse(Neighbours(program) if neighbours else Pairs(program, n))
    part = neighbour_table(result, rows) if neighbours else table(result, n, rows)
    if plot_path:
        draw(lambda: figure(part.frame, n, study.name), plot_path)
    answer(study.origin(), (part,), format_name)
