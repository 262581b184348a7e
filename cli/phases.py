"""`vmtrace phases`: how the mix of opcodes changes in the course of the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Phases
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    Column("phase", "phase", Kind.NAME),
    Column("kind", "kind", Kind.NAME),
    Column("first_row", "first", Kind.COUNT),
    Column("last_row", "last", Kind.COUNT, spare=True),
    Column("instructions", "instructions", Kind.COUNT),
    Column("run_percent", "run %", Kind.PERCENT),
    Column("opcodes", "most frequent opcodes"),
)
PART_COLUMNS = (
    Column("first_row", "first", Kind.COUNT),
    Column("instructions", "instructions", Kind.COUNT),
    Column("change", "change", Kind.NUMBER),
    Column("phase", "phase", Kind.NAME),
    Column("kind", "kind", Kind.NAME),
)
SHOWN = 7  # opcodes with a colour of their own


def table(analysis: Phases, top: int) -> Table:
    """The phases in order."""
    return Table.top("phases", "Phases of the run, by their mix of opcodes", analysis.phases(), COLUMNS, top)


def figure(result: pd.DataFrame, mix: pd.DataFrame, program: str) -> Figure:
    """The shares of the most frequent opcodes over the run, stacked, with a line where a phase begins."""
    from vmtrace.cli.timeline import stacked

    edges = [*result["first_row"].tolist(), *(result["last_row"].tail(1) + 1).tolist()]
    layers = {str(name): mix[name].tolist() for name in mix.columns[:SHOWN]}
    if len(mix.columns) > SHOWN:
        layers["others"] = mix[mix.columns[SHOWN:]].sum(axis=1).tolist()
    begins = result["first_row"][result["phase"].diff() > 0].tolist()
    return stacked(edges, layers, begins, title=f"Opcode mix of {program}", y_label="share of instructions (%)")


@click.command()
@trace_argument
@click.option(
    "--instructions",
    type=click.IntRange(min=1),
    metavar="N",
    default=10_000,
    show_default=True,
    help="Instructions in one part of the run, at least.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="X",
    default=0.25,
    show_default=True,
    help="How different the mix of another phase is, above 0 (the same), below 1 (no opcode in common).",
)
@top_option()
@format_option
@plot_option("the mix over the run")
@selection_options
def phases(
    trace_path: Path,
    wanted: Wanted,
    instructions: int,
    threshold: float,
    top: int | None,
    format_name: str,
    plot_path: Path | None,
) -> None:
    """Show how the mix of opcodes changes in the course of the run.

    Cuts the run into parts of equally many instructions. Where the mix of a part differs from that of the
    phase so far by more than the threshold, another phase begins; phases of one kind are alike. JSON has the
    parts too.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace phases
      vmtrace phases --instructions 1000 --threshold 0.1
      vmtrace phases --plot phases.pdf
    """
    study = Study(trace_path, wanted)
    analysis = Phases(study.program, instructions, threshold)
    study.run(analysis)
    rows = rows_to_show(top, format_name)
    if plot_path:
        draw(lambda: figure(analysis.finish(), analysis.mix(), study.name), plot_path)
    parts = [table(analysis, rows)]
    if format_name == "json":
        parts.append(Table("parts", "Parts of the run", analysis.finish(), PART_COLUMNS))
    answer(study.origin(), tuple(parts), format_name)
