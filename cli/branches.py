"""`vmtrace branches`: how predictable conditional jumps are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Branches
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, cell, each_row, place
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    Column("executed", "executed", Kind.COUNT),
    Column("taken_percent", "taken %", Kind.PERCENT),
    Column("entropy", "entropy", Kind.NUMBER),
    Column("mispredicted", "mispredicted", Kind.COUNT),
    Column("opcode", "opcode"),
    Column("offset", "offset", Kind.NAME, spare=True),
    Column("function", "function"),
    Column("place", "source", compose=place),
)


def table(result: pd.DataFrame, top: int) -> Table:
    """The answer to `branches`."""
    return Table.top("branches", "Conditional jumps, the least predictable first", result, COLUMNS, top)


def figure(result: pd.DataFrame, program: str) -> Figure:
    """A bar for each jump in the order of the result: its outcomes, the rarer ones lighter."""
    from vmtrace.cli.bars import Bar, ranked_bars

    names = ("function", "line", "offset", "taken", "fallen", "mispredicted", "taken_percent")
    bars = []
    for function, line, offset, taken, fallen, rarer, share in each_row(result, *names):
        note = f"{cell(share, Kind.PERCENT)} % taken  ({taken + fallen:,})"
        bars.append(Bar(f"{function}, line {line}, offset {offset}", taken + fallen, note, inner=rarer))
    return ranked_bars(
        bars,
        title=f"Conditional jumps of {program}",
        x_label="executions",
        legend=("the more frequent outcome", "the rarer one: mispredicted at best"),
    )


@click.command()
@trace_argument
@top_option()
@format_option
@plot_option("the outcomes as bars")
@selection_options
def branches(trace_path: Path, wanted: Wanted, top: int | None, format_name: str, plot_path: Path | None) -> None:
    """Show the conditional jumps, the least predictable first.

    "mispredicted" counts what the best fixed prediction of a jump gets wrong: the rarer of taken and not
    taken. "entropy" is that of the outcomes, from 0 (always the same) to 1 bit. FOR_ITER and SEND are
    conditional jumps too.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace branches --top 10
      vmtrace branches --format csv > branches.csv
      vmtrace branches --plot branches.pdf
    """
    study = Study(trace_path, wanted)
    [result] = study.analyse(Branches(study.program))
    part = table(result, rows_to_show(top, format_name))
    if plot_path:
        draw(lambda: figure(part.frame, study.name), plot_path)
    answer(study.origin(), (part,), format_name)
