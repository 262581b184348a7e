"""`vmtrace opcodes`: how often each opcode was executed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Opcodes, OpcodesBy, StaticOpcodes, spread
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, place
from vmtrace.cli.options import DEFAULT_TRACE, format_option, plot_option, rows_to_show, top_option
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OPCODE = Column("opcode", "opcode")
_COUNT = Column("count", "count", Kind.COUNT)
_SELF = Column("self_percent", "self %", Kind.PERCENT)
_CUMULATIVE = Column("cumulative_percent", "cum. %", Kind.PERCENT)

COLUMNS = (_COUNT, _SELF, _CUMULATIVE, _OPCODE)
BY_COLUMNS = (_COUNT, _SELF, _CUMULATIVE, Column("group_percent", "within %", Kind.PERCENT), _OPCODE)
STATIC_COLUMNS = (
    _COUNT,
    _SELF,
    Column("static_count", "in the code", Kind.COUNT),
    Column("static_percent", "code %", Kind.PERCENT),
    Column("sites", "executed sites", Kind.COUNT),
    Column("per_site", "per site", Kind.NUMBER),
    _OPCODE,
)
SPREAD_COLUMNS = (
    _COUNT,
    _SELF,
    Column("mean_percent", "mean %", Kind.PERCENT),
    Column("sd_percent", "s.d. %", Kind.PERCENT),
    Column("min_percent", "min %", Kind.PERCENT),
    Column("max_percent", "max %", Kind.PERCENT),
    _OPCODE,
)
TITLE = "Opcodes by executed instructions"


def table(result: pd.DataFrame, top: int) -> Table:
    """The answer to `opcodes`."""
    return Table.top("opcodes", TITLE, result, COLUMNS, top)


def grouped_table(result: pd.DataFrame, by: str, top: int) -> Table:
    """The opcodes within each function or module."""
    source = (Column("place", "source", compose=place),) if by == "function" else ()
    columns = (*BY_COLUMNS, Column(by, by), *source)
    return Table.top("opcodes", f"Opcodes by {by} and executed instructions", result, columns, top)


def figure(result: pd.DataFrame, program: str, by: str | None = None) -> Figure:
    """A bar for each opcode (of each function or module, if it is `by` them) in the order of the result."""
    from vmtrace.cli.bars import ranked_bars, share_bars

    labels = result["opcode"] if by is None else result["opcode"] + ", " + result[by]
    bars = share_bars(result, labels.tolist())
    return ranked_bars(bars, title=f"Executed opcodes of {program}", x_label="share of executed instructions (%)")


@click.command()
@click.argument("trace_paths", metavar="[TRACE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["function", "module"]), help="Count within each function or module.")
@click.option("--static", is_flag=True, help="Set the counts against what the code consists of.")
@top_option()
@format_option
@plot_option("the opcodes as bars")
@selection_options
def opcodes(
    trace_paths: tuple[Path, ...],
    wanted: Wanted,
    by: str | None,
    static: bool,
    top: int | None,
    format_name: str,
    plot_path: Path | None,
) -> None:
    """Count the executed opcodes.

    "self %" is the share of all executed instructions; "cum. %" adds up the shares from the top. Several
    traces are counted as one, with mean, standard deviation and range of the shares in each of them. With
    --static, "in the code" is how often the opcode stands in the recorded functions, "executed sites" how many
    of these instructions were executed, "per site" how often each.
    TRACE is a file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace opcodes --top 10
      vmtrace opcodes --by function
      vmtrace opcodes --static
      vmtrace opcodes run1.arrow run2.arrow run3.arrow
      vmtrace opcodes trace.arrow --format csv > opcodes.csv
      vmtrace opcodes --plot opcodes.pdf
    """
    if sum((by is not None, static, len(trace_paths) > 1)) > 1:
        raise click.UsageError("--by, --static and several traces exclude each other", click.get_current_context())
    studies = [Study(path, wanted) for path in trace_paths or (DEFAULT_TRACE,)]
    rows = rows_to_show(top, format_name)
    if len(studies) > 1:
        part = _spread_table(studies, rows)
    else:
        program = studies[0].program
        analysis = OpcodesBy(program, by) if by else StaticOpcodes(program) if static else Opcodes(program)
        [result] = studies[0].analyse(analysis)
        if by:
            part = grouped_table(result, by, rows)
        else:
            part = Table.top("opcodes", TITLE, result, STATIC_COLUMNS if static else COLUMNS, rows)
    if plot_path:
        name = studies[0].name if len(studies) == 1 else f"{len(studies)} traces"
        draw(lambda: figure(part.frame, name, by), plot_path)
    origins = [study.origin() for study in studies]
    answer(origins[0] if len(origins) == 1 else dict(zip(_labels(studies), origins, strict=True)), (part,), format_name)


def _spread_table(studies: Sequence[Study], top: int) -> Table:
    """The opcodes of several traces as one population."""
    results = [study.analyse(Opcodes(study.program))[0] for study in studies]
    result = spread(dict(zip(_labels(studies), results, strict=True)))
    return Table.top("opcodes", f"{TITLE}, of {len(studies)} traces", result, SPREAD_COLUMNS, top)


def _labels(studies: Sequence[Study]) -> list[str]:
    """What the traces are called in the answer, in the order given."""
    return [f"trace{number}" for number in range(1, len(studies) + 1)]
