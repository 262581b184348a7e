"""Where the program loops, how often, and what that costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.callstack import CallStack
from vmtrace.analysis.cfg import Loop
from vmtrace.analysis.counts import SiteCounts
from vmtrace.analysis.flow import Flow
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tables import by_function, percent, ratio, sorted_by
from vmtrace.analysis.trips import TripCounter


class Loops(Analysis):
    """The natural loops that were entered, the most expensive first. One row per loop:

    loop, parent                       number of the loop; that of the loop around it in the function, or -1
    level                              1 for an outermost loop of its function
    kind                               "for", "while", "async for", or "await" (also `yield from`)
    function, module, filename         see vmtrace.analysis.program.Function
    line, end_line                     of the source, first and last (0: unknown)
    entries, iterations                see vmtrace.analysis.trips.TripCounter
    mean_trips                         iterations per entry
    own                                instructions executed in the loop's own code, inner loops included
    inclusive                          instructions executed while the loop ran: own, and those of all that it
                                       called or resumed; each counted once, also where the loop is on the
                                       stack several times
    own_percent, inclusive_percent     of all instructions of the run
    """

    name = "loops"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.calls = CallStack(program)
        self.sites = SiteCounts(program)
        self.flow = Flow(program)

    def finish(self) -> pd.DataFrame:
        loops, executed = self.calls.loops, self.sites.counts()
        own, inclusive = self._instructions()
        counter = TripCounter(self.program, loops, self.flow, executed)
        ran = [loop for loop in loops.all if executed[self.program.block_first[loop.header]]]
        number = np.array([loop.number for loop in ran], dtype=np.int64)
        trips = np.array([counter.trips(loop) for loop in ran], dtype=np.int64).reshape(-1, 2)
        where = by_function(self.program, np.array([loop.code for loop in ran], dtype=np.int64))
        lines = np.array([self._lines(loop) for loop in ran], dtype=np.int64).reshape(-1, 2)
        table = pd.DataFrame(
            {
                "loop": number,
                "parent": [loop.parent for loop in ran],
                "level": [loop.depth for loop in ran],
                "kind": [counter.kind(loop) for loop in ran],
                "function": where["function"],
                "module": where["module"],
                "filename": where["filename"],
                "line": lines[:, 0],
                "end_line": lines[:, 1],
                "entries": trips[:, 0],
                "iterations": trips[:, 1],
                "mean_trips": ratio(trips[:, 1], trips[:, 0]),
                "own": own[number],
                "inclusive": inclusive[number],
                "own_percent": percent(own[number], self.sites.rows),
                "inclusive_percent": percent(inclusive[number], self.sites.rows),
            }
        )
        return sorted_by(table, "inclusive", ("module", "function", "line", "loop"))

    def _instructions(self) -> tuple[Ints, Ints]:
        """Own and inclusive instructions by loop."""
        calls = self.calls
        own = np.zeros(len(calls.loops.all), dtype=np.int64)
        inclusive = np.zeros_like(own)
        for number, context in enumerate(calls.contexts()):
            cells = calls.own[calls.first_cell[number] : calls.first_cell[number + 1]]
            around = [-1 - region for region in context.active if region < 0]
            inclusive[around] += cells.sum()
            for loop, rows in zip(calls.loops.of_code[context.code], cells[1:].tolist(), strict=False):
                inside = calls.loops.chain[loop]
                own[list(inside)] += rows
                inclusive[list(inside.difference(around))] += rows
        return own, inclusive

    def _lines(self, loop: Loop) -> tuple[int, int]:
        program = self.program
        sites = [s for b in loop.blocks for s in range(program.block_first[b], program.block_last[b] + 1)]
        lines = program.site_line[sites]
        ends = program.site_end_line[sites]
        return max(int(lines.min(where=lines >= 0, initial=1 << 31)) % (1 << 31), 0), max(int(ends.max()), 0)
