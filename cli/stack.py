"""`vmtrace stack`: how deep the evaluation stack gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Analysis, Program, Stack, StackByOpcode, StackOverTime
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, each_row, place
from vmtrace.cli.layout import printable
from vmtrace.cli.options import FOR_PEOPLE, format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BUCKETS = 700  # of time: two dots each in a plot of this width
FEWER_BUCKETS = 20  # for people to read

_FIGURES = (
    Column("max", "max", Kind.COUNT),
    Column("mean", "mean", Kind.NUMBER),
    Column("median", "median", Kind.COUNT),
    Column("p90", "p90", Kind.COUNT),
    Column("instructions", "instructions", Kind.COUNT),
)
COLUMNS = (*_FIGURES, Column("function", "function"), Column("place", "source", compose=place))
OPCODE_COLUMNS = (*_FIGURES, Column("opcode", "opcode"))
TIME_COLUMNS = (
    Column("first_row", "first", Kind.COUNT),
    Column("last_row", "last", Kind.COUNT),
    Column("min", "min", Kind.COUNT),
    Column("mean", "mean", Kind.NUMBER),
    Column("max", "max", Kind.COUNT),
    Column("frames_min", "least frames", Kind.COUNT),
    Column("frames_max", "most frames", Kind.COUNT),
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


def opcode_table(result: pd.DataFrame, top: int) -> Table:
    """The depths by opcode."""
    return Table.top("by_opcode", "Evaluation stack before each opcode, entries", result, OPCODE_COLUMNS, top)


def time_table(result: pd.DataFrame, top: int) -> Table:
    """The depths in the course of the run."""
    return Table.top("over_time", "Evaluation stack and frame depth over the run", result, TIME_COLUMNS, top)


def depth_table(analysis: Stack, top: int) -> Table:
    """How often each depth occurred."""
    title = "Evaluation stack over all instructions"
    return Table.top("depths", title, analysis.distribution(), DEPTH_COLUMNS, top)


def deepest_tables(analysis: Stack, top: int) -> list[Table]:
    """The frames at each of the deepest moments: the `top` innermost of them (0: all)."""
    frames = analysis.deepest()
    return [_moment_table(stack, top) for _, stack in frames.groupby("moment")]


def _moment_table(frames: pd.DataFrame, top: int) -> Table:
    depth, row, function = (frames[name].iloc[-1] for name in ("depth", "row", "function"))
    title = f"Deepest moment of {function}: {depth:,} entries before instruction {row:,}, most recent call last"
    shown = frames.tail(top) if top else frames
    outer = len(frames) - len(shown)
    note = f"called by {outer:,} more frames: --top 0 shows them all" if outer else ""
    return Table("deepest", printable(title), shown, DEEPEST_COLUMNS, note=note)


def deepest_table(analysis: Stack) -> Table:
    """The frames at all of the deepest moments, for programs to read."""
    return Table("deepest", "Deepest moments", analysis.deepest(), DEEPEST_COLUMNS)


def at_line(frames: pd.DataFrame) -> list[str]:
    """Where a frame had come to, short: the file's name and the line."""
    return [f"{Path(name).name}:{line or '?'}" for name, line in each_row(frames, "filename", "at_line")]


DEEPEST_COLUMNS = (
    Column("frame_id", "frame", Kind.NAME),
    Column("offset", "offset", Kind.NAME, spare=True),
    Column("opcode", "opcode"),
    Column("function", "function"),
    Column("at_line", "source", compose=at_line),
)


def figure(result: pd.DataFrame, program: str) -> Figure:
    """The depth over the run, as a band from the least to the greatest in each bucket of time; the frames' below."""
    from vmtrace.cli.timeline import Band, bands

    edges = [*result["first_row"].tolist(), *(result["last_row"].tail(1) + 1).tolist()]
    low, high, mean, least, most = (
        result[name].tolist() for name in ("min", "max", "mean", "frames_min", "frames_max")
    )
    measures = (Band("stack depth (entries)", low, high, mean), Band("frame depth", least, most))
    return bands(edges, measures, title=f"Evaluation stack and frames of {program}")


@click.command()
@trace_argument
@top_option()
@format_option
@plot_option("the depth over the run, with the frame depth below")
@click.option(
    "--by",
    type=click.Choice(["function", "opcode", "time"]),
    default="function",
    show_default=True,
    help="Show the depths of functions, of opcodes, or in the course of the run.",
)
@selection_options
def stack(trace_path: Path, wanted: Wanted, by: str, top: int | None, format_name: str, plot_path: Path | None) -> None:
    """Show how deep the evaluation stack gets.

    The depth of an instruction is the number of entries on its frame's evaluation stack before it runs.
    Shows maximum, mean, median and 90th percentile of each function, the distribution over the whole run,
    and the frames at the deepest moments of three functions; CSV has the functions only. By time, "frames" is the
    frame depth: how many frames created one another, from the outermost one to the running one.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace stack --top 5
      vmtrace stack --by opcode
      vmtrace stack --by time --format csv
      vmtrace stack --plot stack.png
    """
    study = Study(trace_path, wanted)
    rows = rows_to_show(top, format_name)
    buckets = FEWER_BUCKETS if format_name in FOR_PEOPLE else BUCKETS
    analyses: dict[str, Callable[[Program], Analysis]] = {
        "function": Stack,
        "opcode": StackByOpcode,
        "time": lambda program: StackOverTime(program, buckets),
    }
    analysis, course = analyses[by](study.program), StackOverTime(study.program, BUCKETS)
    result, *drawn = study.analyse(analysis, *([course] if plot_path else []))
    if plot_path:
        draw(lambda: figure(drawn[0], study.name), plot_path)
    parts = [{"function": table, "opcode": opcode_table, "time": time_table}[by](result, rows)]
    if isinstance(analysis, Stack) and format_name != "csv":
        deepest = [deepest_table(analysis)] if format_name == "json" else deepest_tables(analysis, rows)
        parts += [depth_table(analysis, rows), *deepest]
    answer(study.origin(), parts, format_name)
