"""`vmtrace blocks`: which basic blocks the run consists of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Blocks
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, cell, each_row, lines, source_lines
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def offsets(result: pd.DataFrame) -> list[str]:
    """From which instruction to which a block reaches."""
    columns = result["offset"].tolist(), result["end_offset"].tolist()
    return [f"{first}-{last}" for first, last in zip(*columns, strict=True)]


COLUMNS = (
    Column("instructions", "instructions", Kind.COUNT),
    Column("self_percent", "self %", Kind.PERCENT),
    Column("cumulative_percent", "cum. %", Kind.PERCENT),
    Column("executions", "executions", Kind.COUNT),
    Column("length", "length", Kind.COUNT),
    Column("offsets", "offsets", compose=offsets),
    Column("function", "function"),
    Column("source", "source", compose=source_lines),
)
CONCENTRATION_COLUMNS = (
    Column("percent", "% of the run", Kind.COUNT),
    Column("blocks", "blocks", Kind.COUNT),
    Column("percent_of_all", "% of the blocks", Kind.PERCENT),
)


def table(result: pd.DataFrame, top: int) -> Table:
    """The blocks by instructions executed in them."""
    return Table.top("blocks", "Basic blocks by executed instructions", result, COLUMNS, top)


def concentration_table(analysis: Blocks) -> Table:
    """How few blocks make how much of the run."""
    title = "The fewest blocks that make up a share of the run"
    return Table("concentration", title, analysis.concentration(), CONCENTRATION_COLUMNS)


def figure(result: pd.DataFrame, program: str) -> Figure:
    """A bar for each block in the order of the result."""
    from vmtrace.cli.bars import Bar, ranked_bars

    names = ("function", "line", "end_line", "offset", "self_percent", "executions", "length")
    bars = []
    for function, first, last, offset, share, executions, length in each_row(result, *names):
        label = f"{function}, line {lines(first, last)}, offset {offset}"
        note = f"{cell(share, Kind.PERCENT)} %  ({executions:,} \N{MULTIPLICATION SIGN} {length})"
        bars.append(Bar(label, share, note))
    title = f"Basic blocks of {program}, with executions \N{MULTIPLICATION SIGN} length"
    return ranked_bars(bars, title=title, x_label="share of executed instructions (%)")


@click.command()
@trace_argument
@top_option()
@format_option
@plot_option("the blocks as bars")
@selection_options
def blocks(trace_path: Path, wanted: Wanted, top: int | None, format_name: str, plot_path: Path | None) -> None:
    """Show the basic blocks that the run consists of.

    A block's instructions are its executions times its length, less where an exception left it midway. Shows
    also how few blocks make up 50 to 100 % of the run. CSV has the blocks only.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace blocks --top 10
      vmtrace blocks --format json
    """
    study = Study(trace_path, wanted)
    analysis = Blocks(study.program)
    [result] = study.analyse(analysis)
    part = table(result, rows_to_show(top, format_name))
    if plot_path:
        draw(lambda: figure(part.frame, study.name), plot_path)
    parts = (part,) if format_name == "csv" else (part, concentration_table(analysis))
    answer(study.origin(), parts, format_name)
