"""`vmtrace branches`: how predictable conditional jumps are."""

from __future__ import annotations

from pathlib import Path

import click
from vmtrace.analysis import Branches
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, place
from vmtrace.cli.options import format_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer

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


@click.command()
@trace_argument
@top_option()
@format_option
@selection_options
def branches(trace_path: Path, wanted: Wanted, top: int | None, format_name: str) -> None:
    """Show the conditional jumps, the least predictable first.

    "mispredicted" counts what the best fixed prediction of a jump gets wrong: the rarer of taken and not
    taken. "entropy" is that of the outcomes, from 0 (always the same) to 1 bit. FOR_ITER and SEND are
    conditional jumps too.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace branches --top 10
      vmtrace branches --format csv > branches.csv
    """
    study = Study(trace_path, wanted)
    [result] = study.analyse(Branches(study.program))
    answer(study.origin(), (table(result, rows_to_show(top, format_name)),), format_name)
