"""Where the program loops, how often, and what that costs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.callstack import CallStack
from vmtrace.analysis.cfg import Loop
from vmtrace.analysis.counts import SiteCounts
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tables import by_function, percent, ratio, sorted_by
from vmtrace.analysis.trips import Trips


class Loops(Analysis):
    """The natural loops that were entered, the most expensive first. One row per loop:

    loop, parent                       number of the loop; that of the loop around it in the function, or -1
    level                              1 for an outermost loop of its function
    kind                               "for", "while", "async for", or "await" (also `yield from`)
    function, module, filename         see vmtrace.analysis.program.Function
    line, end_line                     of the source, first and last (0: unknown)
    entries, iterations                see vmtrace.analysis.rounds.Rounds
    mean_trips, median_trips,          iterations per entry: mean; the least that at least 50 % (90 %) of the
    p90_trips, max_trips               entries do not exceed; the most. (Beyond 4096, median and p90 are rounded
                                       down by less than 0.05 %; in a part of a trace, NaN if no entry lies in it)
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
        self.trips = Trips(program)

    def finish(self) -> pd.DataFrame:
        loops, executed = self.calls.loops, self.sites.counts()
        own, inclusive = self._instructions()
        ran = [loop for loop in loops.all if executed[self.program.block_first[loop.header]]]
        number = np.array([loop.number for loop in ran], dtype=np.int64)
        where = by_function(self.program, np.array([loop.code for loop in ran], dtype=np.int64))
        lines = np.array([self._lines(loop) for loop in ran], dtype=np.int64).reshape(-1, 2)
        table = pd.DataFrame(
            {
                "loop": number,
                "parent": [loop.parent for loop in ran],
                "level": [loop.depth for loop in ran],
                "kind": [self.trips.rounds.kind(loop) for loop in ran],
                "function": where["function"],
                "module": where["module"],
                "filename": where["filename"],
                "line": lines[:, 0],
                "end_line": lines[:, 1],
                "entries": self.trips.entries[number],
                "iterations": self.trips.iterations[number],
                **self._distribution(number),
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

    def _distribution(self, number: Ints) -> dict[str, npt.NDArray[np.float64]]:
        """Mean, median, p90 and maximum of iterations per entry."""
        entries = self.trips.entries[number]
        by_loop: dict[int, list[tuple[int, int]]] = {loop: [] for loop in number.tolist()}
        for (loop, trips), count in sorted(self.trips.trips().items()):
            by_loop[loop].append((trips, count))
        columns = {"mean_trips": ratio(self.trips.iterations[number], entries)}
        for name, share in (("median_trips", 0.5), ("p90_trips", 0.9)):
            columns[name] = np.array([_quantile(counts, share) for counts in by_loop.values()], dtype=np.float64)
        columns["max_trips"] = np.where(entries > 0, self.trips.most()[number], np.nan)
        return columns

    def _lines(self, loop: Loop) -> tuple[int, int]:
        program = self.program
        sites = [s for b in loop.blocks for s in range(program.block_first[b], program.block_last[b] + 1)]
        lines = program.site_line[sites]
        ends = program.site_end_line[sites]
        return max(int(lines.min(where=lines >= 0, initial=1 << 31)) % (1 << 31), 0), max(int(ends.max()), 0)


def _quantile(counts: list[tuple[int, int]], share: float) -> float:
    """The least number up to which at least that share of the entries lies; NaN of none."""
    left = share * sum(count for _, count in counts)
    for trips, count in counts:
        left -= count
        if left <= 0:
            return trips
    return math.nan
