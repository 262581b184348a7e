"""`vmtrace calls`: who called whom, and what that cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Calls, CallSites, Functions
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, place
from vmtrace.cli.layout import printable
from vmtrace.cli.options import format_option, plot_option, rows_to_show, top_option, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw, write_out
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


_GRAPH_COLUMNS = (
    Column("calls", "calls", Kind.COUNT),
    Column("caller_percent", "of caller's %", Kind.PERCENT),
    Column("callee_percent", "of callee's %", Kind.PERCENT),
    Column("caller", "caller", compose=lambda frame: [name or "(none)" for name in frame["caller"].tolist()]),
    Column("callee", "callee"),
)
_SITE_COLUMNS = (
    Column("calls", "calls", Kind.COUNT),
    Column("targets", "targets", Kind.COUNT),
    Column("shape", "shape"),
    Column("first_percent", "first %", Kind.PERCENT),
    Column("first", "first target"),
    Column("opcode", "opcode"),
    Column("offset", "offset", Kind.NAME, spare=True),
    Column("function", "function"),
    _PLACE,
)


def graph_table(result: pd.DataFrame, top: int) -> Table:
    """Who called whom."""
    return Table.top("graph", "Callers and callees", result, _GRAPH_COLUMNS, top)


def sites_table(result: pd.DataFrame, top: int) -> Table:
    """The calling instructions, and how many different functions each of them called."""
    return Table.top("sites", "Call sites by calls, with their targets", result, _SITE_COLUMNS, top)


def shapes_table(result: pd.DataFrame) -> Table:
    """How many call sites, and calls, are of which shape."""
    names = {"mono": "1 target", "poly": "2 to 4 targets", "mega": "5 or more"}
    by_shape = result.groupby("shape")["calls"].agg(["size", "sum"]).reindex(list(names), fill_value=0)
    frame = pd.DataFrame({"shape": list(names), "targets": list(names.values())})
    for name, counts in (("sites", by_shape["size"]), ("calls", by_shape["sum"])):
        frame[name] = counts.to_numpy()
        frame[f"{name}_percent"] = 100 * counts.to_numpy() / max(counts.sum(), 1)
    return Table("shapes", "Shapes of call sites", frame, _SHAPE_COLUMNS)


_SHAPE_COLUMNS = (
    Column("sites", "sites", Kind.COUNT),
    Column("sites_percent", "sites %", Kind.PERCENT),
    Column("calls", "calls", Kind.COUNT),
    Column("calls_percent", "calls %", Kind.PERCENT),
    Column("shape", "shape"),
    Column("targets", ""),
)


def folded(tree: pd.DataFrame) -> str:
    """The tree as folded stacks, what flamegraph.pl, inferno and speedscope read: on each line the functions from the
    outermost on, separated by semicolons, a space, and their own instructions."""
    stacks: dict[int, str] = {-1: ""}
    out = []
    names = ("node", "parent", "function", "filename", "line", "own")
    for node, parent, function, filename, line, own in zip(*(tree[name].tolist() for name in names), strict=True):
        frame = printable(f"{function} ({Path(filename).name}:{line})").replace(";", ":")
        stacks[node] = f"{stacks[parent]};{frame}".lstrip(";")
        if own:
            out.append(f"{stacks[node]} {own}\n")
    return "".join(out)


def figure(result: pd.DataFrame, program: str) -> Figure:
    """The whole tree as an icicle graph."""
    from vmtrace.cli.icicle import icicle

    return icicle(nodes(result), title=f"Call tree of {program}")


def nodes(result: pd.DataFrame) -> list[Node]:
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
@click.option("--flat", "what", flag_value="flat", help="Show each function once, whoever called it.")
@click.option("--graph", "what", flag_value="graph", help="Show each caller with its callees, and how often.")
@click.option(
    "--sites", "what", flag_value="sites", help="Show the calling instructions, and how many targets each has."
)
@click.option("--folded", "what", flag_value="folded", help="Write the tree as folded stacks, for flame graph tools.")
@top_option()
@format_option
@plot_option("the call tree as a flame graph, callers on top (an icicle graph)")
@selection_options
def calls(
    trace_path: Path, wanted: Wanted, what: str | None, top: int | None, format_name: str, plot_path: Path | None
) -> None:
    """Show the call tree, with inclusive and own instructions.

    "incl." counts the instructions of a function and of all that it called, "own" those of the function
    alone. Recursion is folded: a function that is on the stack already is the same row again. Generators
    and coroutines stand where they were resumed. Of a tree, N rows are the N most expensive. A call site with
    one target is "mono", with two to four "poly", with more "mega".
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace calls --top 40
      vmtrace calls --flat
      vmtrace calls --sites --top 10
      vmtrace calls --folded > stacks.txt     for speedscope, inferno, flamegraph.pl
      vmtrace calls --plot calls.svg
    """
    if what == "folded" and (format_name != "text" or top is not None):
        raise click.UsageError("--folded has a format of its own, and all rows", click.get_current_context())
    study = Study(trace_path, wanted)
    program, rows = study.program, rows_to_show(top, format_name)
    sites = CallSites(program)
    tree, functions, calling = study.analyse(Calls(program), Functions(program), sites)
    if plot_path:
        draw(lambda: figure(tree, study.name), plot_path)
    if what == "folded":
        write_out(folded(tree))
        return
    parts = {
        "flat": lambda: [flat_table(functions, rows)],
        "graph": lambda: [graph_table(sites.edges(), rows)],
        "sites": lambda: [sites_table(calling, rows), *([] if format_name == "csv" else [shapes_table(calling)])],
    }
    answer(study.origin(), parts[what]() if what else [tree_table(tree, rows)], format_name)
