"""`vmtrace opcodes`: how often each opcode was executed."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import pandas as pd
from vmtrace.analysis import Opcodes, Program
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, cell
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.session import analyse, answer, draw, open_for_reading, program_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    Column("count", "count", Kind.COUNT),
    Column("self_percent", "self %", Kind.PERCENT),
    Column("cumulative_percent", "cum. %", Kind.PERCENT),
    Column("opcode", "opcode"),
)


def table(result: pd.DataFrame, top: int) -> Table:
    """The answer to `opcodes`."""
    return Table.top("opcodes", "Opcodes by executed instructions", result, COLUMNS, top)


def figure(result: pd.DataFrame, program: str) -> "Figure":
    """A bar for each opcode in the order of the result."""
    from vmtrace.cli.bars import Bar, ranked_bars

    columns = (result[key].tolist() for key in ("opcode", "self_percent", "count"))
    bars = [
        Bar(opcode, share, f"{cell(share, Kind.PERCENT)} %  ({count:,})")
        for opcode, share, count in zip(*columns, strict=True)
    ]
    return ranked_bars(bars, title=f"Executed opcodes of {program}", x_label="share of executed instructions (%)")


@click.command()
@trace_argument
@top_option()
@format_option
@plot_option("the opcodes as bars")
def opcodes(trace_path: Path, top: int | None, format_name: str, plot_path: Path | None) -> None:
    """Count the executed opcodes.

    "self %" is the share of all executed instructions; "cum. %" adds up the shares from the top.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace opcodes --top 10
      vmtrace opcodes trace.arrow --format csv > opcodes.csv
      vmtrace opcodes --plot opcodes.pdf
    """
    trace = open_for_reading(trace_path)
    [result] = analyse(trace, Opcodes(Program(trace)))
    part = table(result, rows_to_show(top, format_name))
    if plot_path:
        draw(lambda: figure(part.frame, program_name(trace)), plot_path)
    answer(trace, (part,), format_name)
