"""`vmtrace calls`: who called whom, and what that cost."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import pandas as pd
from vmtrace.analysis import Calls, Functions
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, place
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw
from vmtrace.cli.trees import top_of_tree

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from vmtrace.cli.icicle import Node

_COSTS = (
    Column("inclusive_percent", "incl. %", Kind.PERCENT),
    Column("own_percent", "own %", Kind.PERCENT),
    Column("inclusive", "inclusive", Kind.COUNT, spare=True),
    Column("own", "own", Kind.COUNT, spare=True),
    Column("calls", "calls", Kind.COUNT),
)
_RESUMED = Column("resumed", "resumed", Kind.COUNT)
_PER_CALL = Column("inclusive_per_call", "incl./call", Kind.NUMBER, spare=True)
_PLACE = Column("place", "source", compose=place)


def tree_table(result: pd.DataFrame, top: int) -> Table:
    """The call tree: the most expensive paths, callees below their callers."""
    shown = top_of_tree(result, "node", "parent", "inclusive", top)
    columns = (*_COSTS, *_resumed(shown), Column("function", "function", indent="level"), _PLACE)
    title = "Call tree, instructions with and without callees"
    return Table("calls", title, shown, columns, len(result) - len(shown))


def flat_table(result: pd.DataFrame, top: int) -> Table:
    """The flat profile: the functions by their own instructions."""
    columns = (*_COSTS, _PER_CALL, *_resumed(result), Column("function", "function"), _PLACE)
    return Table.top("functions", "Functions by their own instructions", result, columns, top)


def _resumed(result: pd.DataFrame) -> tuple[Column, ...]:
    """A column that only programs with generators or coroutines need."""
    return (_RESUMED,) if result["resumed"].any() else ()


def figure(result: pd.DataFrame, program: str) -> "Figure":
    """The whole tree as an icicle graph."""
    from vmtrace.cli.icicle import icicle

    return icicle(nodes(result), title=f"Call tree of {program}")


def nodes(result: pd.DataFrame) -> "list[Node]":
    """The boxes of the graph: callees side by side below their caller, from its left, the largest first."""
    from vmtrace.cli.icicle import Node

    free = {-1: 0.0}  # where the next callee's box begins, by caller
    boxes = []
    tree = top_of_tree(result, "node", "parent", "inclusive", 0)
    names = ("node", "parent", "level", "function", "module", "inclusive_percent", "own_percent")
    for node, parent, level, function, module, width, own in zip(*(tree[n].tolist() for n in names), strict=True):
        start = free[parent]
        free[parent] += width
        free[node] = start
        label = f"{function} {module}" if function == "<module>" and module != "__main__" else function
        boxes.append(Node(label, level, start, width, own))
    return boxes


@click.command()
@trace_argument
@click.option("--flat", is_flag=True, help="Show each function once, whoever called it.")
@top_option()
@format_option
@plot_option("the call tree as an icicle graph")
@selection_options
def calls(
    trace_path: Path, wanted: Wanted, flat: bool, top: int | None, format_name: str, plot_path: Path | None
) -> None:
    """Show the call tree, with inclusive and own instructions.

    "incl." counts the instructions of a function and of all that it called, "own" those of the function
    alone. Recursion is folded: a function that is on the stack already is the same row again. Generators
    and coroutines stand where they were resumed. Of a tree, N rows are the N most expensive.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace calls --top 40
      vmtrace calls --flat
      vmtrace calls --plot calls.svg
    """
    study = Study(trace_path, wanted)
    program = study.program
    rows = rows_to_show(top, format_name)
    tree, functions = study.analyse(Calls(program), Functions(program))
    if plot_path:
        draw(lambda: figure(tree, study.name), plot_path)
    answer(study.origin(), (flat_table(functions, rows) if flat else tree_table(tree, rows),), format_name)
