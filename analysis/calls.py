"""Which function called which, and what each call cost."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.callstack import CallStack
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tables import by_function, percent, ratio, sorted_by

Path = tuple[int, ...]


class Calls(Analysis):
    """The call tree, recursion folded, each function before those it called, the most expensive first.

    A function that is on the stack already takes the path back to where it stands there: `f` calling `g`
    calling `f` is `f` again. One row per path:

    node, parent                       numbers of the row and of the one it was called from (-1: from none)
    level                              0 for a root
    function, module, filename, line   see vmtrace.analysis.program.Function
    calls                              frames created
    resumed                            resumptions of suspended generators and coroutines
    own                                instructions executed in the function itself
    inclusive                          those, and the ones of all rows below
    own_percent, inclusive_percent     of all instructions of the run

    Generators and coroutines stand, with their instructions, where they were resumed from; where they were
    created, there is a row that counts the call.
    """

    name = "calls"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.calls = CallStack(program)

    def finish(self) -> pd.DataFrame:
        sums = self._by_path()
        order, parents = _preorder(sums)
        figures = np.array([sums[path] for path in order], dtype=np.int64).reshape(-1, 4)
        table = by_function(self.program, np.array([path[-1] for path in order], dtype=np.int64))
        table.insert(0, "node", np.arange(len(order)))
        table.insert(1, "parent", parents)
        table.insert(2, "level", [len(path) - 1 for path in order])
        for column, name in enumerate(("calls", "resumed", "own", "inclusive")):
            table[name] = figures[:, column]
        table["own_percent"] = percent(table["own"], self.calls.rows)
        table["inclusive_percent"] = percent(table["inclusive"], self.calls.rows)
        return table

    def _by_path(self) -> dict[Path, list[int]]:
        """Calls, resumptions, own and inclusive instructions of each path and of the ways to it."""
        sums: dict[Path, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        calls, rows = self.calls, rows_by_context(self.calls)
        for number, context in enumerate(calls.contexts()):
            figures = int(calls.calls[number]), int(calls.resumed[number]), int(rows[number])
            if not any(figures):
                continue
            for length in range(1, len(context.path) + 1):
                sums[context.path[:length]][3] += figures[2]
            own = sums[context.path]
            for column, figure in enumerate(figures):
                own[column] += figure
        return sums


class Functions(Analysis):
    """The flat profile, the most expensive function first. One row per function that was called or ran:

    function, module, filename, line   see vmtrace.analysis.program.Function
    calls                              frames created
    resumed                            resumptions of suspended generators and coroutines
    own                                instructions executed in the function itself
    inclusive                          instructions executed while it was on the stack, each counted once
                                       however often it was there
    own_per_call, inclusive_per_call   instructions, NaN without a call
    own_percent, inclusive_percent     of all instructions of the run
    """

    name = "functions"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.calls = CallStack(program)

    def finish(self) -> pd.DataFrame:
        figures = np.zeros((self.program.codes, 4), dtype=np.int64)
        rows = rows_by_context(self.calls)
        for number, context in enumerate(self.calls.contexts()):
            if context.code < 0:
                continue
            figures[context.code, :3] += (self.calls.calls[number], self.calls.resumed[number], rows[number])
            figures[[region for region in context.active if region >= 0], 3] += rows[number]
        codes = np.flatnonzero(figures[:, :3].any(axis=1))
        table = by_function(self.program, codes)
        for column, name in enumerate(("calls", "resumed", "own", "inclusive")):
            table[name] = figures[codes, column]
        for name in ("own", "inclusive"):
            table[f"{name}_per_call"] = ratio(table[name], table["calls"])
            table[f"{name}_percent"] = percent(table[name], self.calls.rows)
        return sorted_by(table, "own", ("module", "function", "line"))


def rows_by_context(calls: CallStack) -> Ints:
    """The rows of each context."""
    sums = np.concatenate([[0], np.cumsum(calls.own)])
    return np.diff(sums[calls.first_cell])


def _preorder(sums: dict[Path, list[int]]) -> tuple[list[Path], list[int]]:
    """The paths, each before those it leads to, by inclusive instructions; and the place of its parent."""
    below: dict[Path, list[Path]] = defaultdict(list)
    for path in sums:
        below[path[:-1]].append(path)
    order: list[Path] = []
    parents: list[int] = []
    waiting = [(path, -1) for path in _dearest_last(below[()], sums)]
    while waiting:
        path, parent = waiting.pop()
        order.append(path)
        parents.append(parent)
        waiting += [(after, len(order) - 1) for after in _dearest_last(below[path], sums)]
    return order, parents


def _dearest_last(paths: list[Path], sums: dict[Path, list[int]]) -> list[Path]:
    return sorted(paths, key=lambda path: (sums[path][3], [-code for code in path]))
