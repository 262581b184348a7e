"""`vmtrace stack`: how deep the evaluation stack gets."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import pandas as pd
from vmtrace.analysis import Stack, StackOverTime
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, place
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BUCKETS = 700  # of time: two dots each in a plot of this width

COLUMNS = (
    Column("max", "max", Kind.COUNT),
    Column("mean", "mean", Kind.NUMBER),
    Column("median", "median", Kind.COUNT),
    Column("p90", "p90", Kind.COUNT),
    Column("instructions", "instructions", Kind.COUNT),
    Column("function", "function"),
    Column("place", "source", compose=place),
)
DEPTH_COLUMNS = (
    Column("depth", "depth", Kind.COUNT),
    Column("count", "count", Kind.COUNT),
    Column("self_percent", "self %", Kind.PERCENT),
    Column("cumulative_percent", "cum. %", Kind.PERCENT),
)


def table(result: pd.DataFrame, top: int) -> Table:
    """The depths by function."""
    return Table.top("stack", "Evaluation stack by function, entries", result, COLUMNS, top)


def depth_table(analysis: Stack, top: int) -> Table:
    """How often each depth occurred."""
    title = "Evaluation stack over all instructions"
    return Table.top("depths", title, analysis.distribution(), DEPTH_COLUMNS, top)


def deepest_table(analysis: Stack, top: int) -> Table:
    """The frames at the deepest moment: the `top` innermost of them (0: all)."""
    frames = analysis.deepest()
    if frames.empty:
        return Table("deepest", "Deepest moment", frames, ())
    depth, row = int(frames["depth"].iloc[0]), int(frames["row"].iloc[0])
    title = f"Deepest moment: {depth:,} entries before instruction {row:,}, most recent call last"
    shown = frames.tail(top) if top else frames
    outer = len(frames) - len(shown)
    note = f"called by {outer:,} more frames: --top 0 shows them all" if outer else ""
    return Table("deepest", title, shown, DEEPEST_COLUMNS, note=note)


def at_line(frames: pd.DataFrame) -> list[str]:
    """Where a frame had come to, short: the file's name and the line."""
    columns = frames["filename"].tolist(), frames["at_line"].tolist()
    return [f"{Path(name).name}:{line or '?'}" for name, line in zip(*columns, strict=True)]


DEEPEST_COLUMNS = (
    Column("frame_id", "frame", Kind.NAME),
    Column("offset", "offset", Kind.NAME, spare=True),
    Column("opcode", "opcode"),
    Column("function", "function"),
    Column("at_line", "source", compose=at_line),
)


def figure(result: pd.DataFrame, program: str) -> "Figure":
    """The depth over the run, as a band from the least to the greatest in each bucket of time."""
    from vmtrace.cli.timeline import band

    edges = [*result["first_row"].tolist(), *(result["last_row"].tail(1) + 1).tolist()]
    low, mean, high = (result[name].tolist() for name in ("min", "mean", "max"))
    return band(edges, low, mean, high, title=f"Evaluation stack of {program}", y_label="stack depth (entries)")


@click.command()
@trace_argument
@top_option()
@format_option
@plot_option("the depth over the run")
@selection_options
def stack(trace_path: Path, wanted: Wanted, top: int | None, format_name: str, plot_path: Path | None) -> None:
    """Show how deep the evaluation stack gets, by function.

    The depth of an instruction is the number of entries on its frame's evaluation stack before it runs.
    Shows maximum, mean, median and 90th percentile of each function, the distribution over the whole run,
    and the frames at the deepest moment. CSV has the functions only.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace stack --top 5
      vmtrace stack --format json
      vmtrace stack --plot stack.png
    """
    study = Study(trace_path, wanted)
    program = study.program
    analysis, over_time = Stack(program), StackOverTime(program, BUCKETS)
    result, *course = study.analyse(analysis, *([over_time] if plot_path else []))
    if plot_path:
        draw(lambda: figure(course[0], study.name), plot_path)
    rows = rows_to_show(top, format_name)
    parts = (table(result, rows), depth_table(analysis, rows), deepest_table(analysis, rows))
    answer(study.origin(), parts[:1] if format_name == "csv" else parts, format_name)
