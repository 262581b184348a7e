"""`vmtrace diff`: two traces against each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Functions, Loops, Opcodes, Pairs, compare, differences
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Fact, Facts, Table
from vmtrace.cli.columns import Column, Kind, cells, is_missing
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw
from vmtrace.traces import Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 10

_COUNTS = (
    Column("change", "change", Kind.COUNT),
    Column("change_percent", "change %", Kind.PERCENT),
    Column("base", "base", Kind.COUNT),
    Column("head", "head", Kind.COUNT),
    Column("base_percent", "base %", Kind.PERCENT, spare=True),
    Column("head_percent", "head %", Kind.PERCENT, spare=True),
)
_LOOP = (Column("kind", "loop"), Column("ordinal", "no.", Kind.NAME), Column("function", "function"))
_PARTS = {
    "opcodes": (Opcodes, "Opcodes by change of their executions", (Column("opcode", "opcode"),)),
    "pairs": (Pairs, "Pairs of opcodes by change of their executions", (Column("sequence", "sequence"),)),
    "functions": (Functions, "Functions by change of their own instructions", (Column("function", "function"),)),
    "loops": (Loops, "Loops by change of their own instructions", _LOOP),
}


def comparability(base: Trace, head: Trace) -> tuple[Facts, Table]:
    """Whether the traces are of the same program, Python and scope, and what differs."""
    found = differences(base.info, head.info, base.sources, head.sources)
    title = f"{head.path} against {base.path}"
    facts = Facts("comparison", title, (Fact("comparable", "comparable", not found),))
    frame = pd.DataFrame({"difference": pd.Series(found, dtype=object)})
    return facts, Table("differences", "What differs between the runs", frame, (Column("difference", "difference"),))


def results(study: Study) -> list[pd.DataFrame]:
    """What is compared of a trace, in the order of the parts."""
    return study.analyse(*(analysis(study.program) for analysis, _, _ in _PARTS.values()))


def figure(tables: Mapping[str, Table], title: str) -> Figure:
    """A panel for each part that changed: a bar for each row of it that did."""
    from vmtrace.cli.changes import Change, change_bars

    panels = {}
    for name, part in tables.items():
        changed = part.frame[part.frame["change"] != 0]
        labels = (cells(changed, column) for column in _PARTS[name][2])
        figures = (changed[key].tolist() for key in ("change", "change_percent"))
        panels[part.title] = [
            Change(_label(*words), change, f"{change:+,} ({_relative(percent)})")
            for words, change, percent in zip(zip(*labels, strict=True), *figures, strict=True)
        ]
    return change_bars(panels, title=title)


def _label(*words: str) -> str:
    """ "work, for 1" of a loop, whose function stands last; else the word."""
    *which, name = words
    return f"{name}, {' '.join(which)}" if which else name


def _relative(percent: float) -> str:
    return "new" if is_missing(percent) else f"{percent:+,.1f} %"


@click.command()
@click.argument("base_path", metavar="BASE", type=click.Path(path_type=Path))
@click.argument("head_path", metavar="HEAD", type=click.Path(path_type=Path))
@top_option(ROWS)
@format_option
@plot_option("the changes as bars")
@selection_options
def diff(
    base_path: Path,
    head_path: Path,
    wanted: Wanted,
    top: int | None,
    format_name: str,
    plot_path: Path | None,
) -> None:
    """Compare two traces: opcodes, pairs, functions and loops by change.

    Says first whether the two are comparable, and what differs if they are not. "change" is head less base,
    "change %" of base. Functions are matched by module and name, loops by their number within the function,
    so that an edit that moves lines does not matter.

    \b
    Examples:
      vmtrace diff before.arrow after.arrow
      vmtrace diff before.arrow after.arrow --format json
      vmtrace diff before.arrow after.arrow --plot changes.pdf
    """
    base, head = Study(base_path, wanted), Study(head_path, wanted)
    rows = rows_to_show(top, format_name, ROWS)
    tables = {
        name: Table.top(name, title, compare(name, one, other), (*_COUNTS, *columns), rows)
        for (name, (_, title, columns)), one, other in zip(_PARTS.items(), results(base), results(head), strict=True)
    }
    if plot_path:
        draw(lambda: figure(tables, f"What changed in {head.name}: {head_path} against {base_path}"), plot_path)
    parts: list[Table | Facts] = [*comparability(base.trace, head.trace), *tables.values()]
    answer({"base": base.origin(), "head": head.origin()}, parts, format_name)
