"""`vmtrace loops`: where the program loops, how often, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Loops
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, each_row, lines, source_lines
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw
from vmtrace.cli.trees import top_of_tree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMES = "\N{MULTIPLICATION SIGN}"

COLUMNS = (
    Column("inclusive_percent", "incl. %", Kind.PERCENT),
    Column("own_percent", "own %", Kind.PERCENT),
    Column("inclusive", "inclusive", Kind.COUNT, spare=True),
    Column("own", "own", Kind.COUNT, spare=True),
    Column("entries", "entries", Kind.COUNT),
    Column("iterations", "iterations", Kind.COUNT, spare=True),
    Column("mean_trips", "mean trips", Kind.NUMBER),
    Column("median_trips", "median", Kind.COUNT, spare=True),
    Column("p90_trips", "p90", Kind.COUNT, spare=True),
    Column("max_trips", "max", Kind.COUNT),
    Column("kind", "loop", indent="level"),
    Column("function", "function"),
    Column("source", "source", compose=source_lines),
)


def table(result: pd.DataFrame, top: int) -> Table:
    """The answer to `loops`: the most expensive ones, inner loops below the ones around them."""
    shown = top_of_tree(result, "loop", "parent", "inclusive", top)
    title = "Loops, instructions with and without the functions they call"
    return Table("loops", title, shown, COLUMNS, len(result) - len(shown))


def figure(result: pd.DataFrame, program: str) -> Figure:
    """A bar for each loop in the order of the result."""
    from vmtrace.cli.bars import Bar, ranked_bars

    names = ("function", "line", "end_line", "inclusive_percent", "own_percent", "entries", "mean_trips")
    bars = []
    for function, first, last, share, own, entries, trips in each_row(result, *names):
        label = f"{function}, line {lines(first, last)}"
        bars.append(Bar(label, share, f"{entries:,} {TIMES} {trips:,.1f}", inner=share - own))
    return ranked_bars(
        bars,
        title=f"Loops of {program}, with entries {TIMES} mean trips",
        x_label="share of executed instructions (%)",
        legend=("in the loop", "in functions called from it"),
    )


@click.command()
@trace_argument
@top_option()
@format_option
@plot_option("the loops as bars")
@selection_options
def loops(trace_path: Path, wanted: Wanted, top: int | None, format_name: str, plot_path: Path | None) -> None:
    """Show the loops, their trips and their share of the run.

    Loops are found in the control-flow graph of the bytecode; an inner loop stands indented below the one
    around it. "own" counts the instructions of the loop's code, "incl." also those of the functions that it
    called. The trips are iterations per entry: mean, median, 90th percentile and maximum over the entries.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace loops
      vmtrace loops --top 0 --format json
      vmtrace loops --plot loops.pdf
    """
    study = Study(trace_path, wanted)
    [result] = study.analyse(Loops(study.program))
    rows = rows_to_show(top, format_name)
    part = table(result, rows)
    if plot_path:
        draw(lambda: figure(result.head(rows) if rows else result, study.name), plot_path)
    answer(study.origin(), (part,), format_name)
