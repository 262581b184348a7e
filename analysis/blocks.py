"""Which basic blocks the run consists of."""

from __future__ import annotations

import numpy as np
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.counts import SiteCounts
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Program
from vmtrace.analysis.tables import by_function, lines_of, percent, ranked


class Blocks(Analysis):
    """Basic blocks (see Program) by the instructions executed in them, most first. One row per block that ran:

    function, module, filename         see vmtrace.analysis.program.Function
    line, end_line                     of the source, first and last (0: unknown)
    offset, end_offset                 of the first and the last instruction
    length                             instructions in the block
    executions                         times it was begun
    instructions                       executed in it; less than executions * length where exceptions left it
    self_percent, cumulative_percent   of all instructions of the run: these; these and those above
    """

    name = "blocks"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.sites = SiteCounts(program)

    def finish(self) -> pd.DataFrame:
        program = self.program
        counts = self.sites.counts()
        first, last = program.block_first, program.block_last
        sums = np.append(0, np.cumsum(counts))
        instructions = sums[last + 1] - sums[first]
        ran = np.flatnonzero(instructions)
        first, last = first[ran], last[ran]
        table = by_function(program, program.site_code[first])
        table["line"], table["end_line"] = lines_of(program, first, last)
        table["offset"] = program.site_offset[first]
        table["end_offset"] = program.site_offset[last]
        table["length"] = last - first + 1
        table["executions"] = counts[first]
        table["instructions"] = instructions[ran]
        return ranked(table, "instructions", self.sites.rows, ("module", "function", "line", "offset"))

    def concentration(self) -> pd.DataFrame:
        """How few blocks make how much of the run. One row per share:

        percent          of all instructions of the run
        blocks           the least number of blocks that execute as much
        percent_of_all   of the blocks that the functions that ran consist of
        """
        shares = (50.0, 75.0, 90.0, 95.0, 99.0, 100.0)
        program = self.program
        sums = self.finish()["instructions"].cumsum().to_numpy()
        ran = np.unique(program.site_code[np.flatnonzero(self.sites.counts())])
        known = np.isin(program.site_code[program.block_first], ran).sum()
        needed = [int(np.searchsorted(sums, share / 100 * self.sites.rows)) + 1 for share in shares]
        blocks = np.minimum(needed, len(sums))
        return pd.DataFrame({"percent": shares, "blocks": blocks, "percent_of_all": percent(blocks, known)})
