"""Which opcodes follow which."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.counts import SiteCounts
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.flow import Flow
from vmtrace.analysis.ngrams import NGrams
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tables import percent, ranked, sorted_by


class Pairs(Analysis):
    """Sequences of n opcodes executed one after the other in one frame, most frequent first.

    Sequences do not end at calls, nor where a generator is suspended: see NGrams. Overlapping ones all count, so a
    frame that executes k instructions has k - n + 1 of them. One row per sequence:

    sequence            names of the opcodes, separated by spaces
    count               executions
    self_percent        of all sequences of n
    cumulative_percent  of all sequences of n: this one and those above
    fusable             whether it may be one instruction: some of its executions lie in one basic block, so
                        that no jump leads into its midst. (A call within it runs the callee in its midst.)
    fusable_percent     of its executions: those that do

    ValueError unless n is from 2 to 8.
    """

    name = "pairs"

    def __init__(self, program: Program, n: int = 2) -> None:
        super().__init__(program)
        self.n = n
        self.sites = SiteCounts(program)
        if n == 2:
            self.flow = Flow(program)
        else:
            self.sequences = NGrams(program, n)

    def finish(self) -> pd.DataFrame:
        keys, counts = _pairs(self.sites, self.flow) if self.n == 2 else self.sequences.counts()
        fusable = np.zeros(len(keys), dtype=np.int64)
        static, executed = self._in_blocks()
        place = np.minimum(np.searchsorted(keys, static), max(len(keys) - 1, 0))
        if len(keys):
            found = keys[place] == static
            np.add.at(fusable, place[found], executed[found])
        names, n = self.program.opcode_names, self.n
        shifts = np.arange(n - 1, -1, -1, dtype=np.uint64) * np.uint64(8)
        opcodes = (keys[:, None] >> shifts) & np.uint64(255)
        table = pd.DataFrame(
            {
                "sequence": [" ".join([names[opcode] for opcode in row]) for row in opcodes.tolist()],
                "count": counts,
                "fusable": fusable > 0,
                # In a part of a trace, a sequence in a block may have begun before the part.
                "fusable_percent": np.minimum(percent(fusable, counts), 100.0),
            }
        )
        table = ranked(table, "count", int(counts.sum()), ("sequence",))
        return table[["sequence", "count", "self_percent", "cumulative_percent", "fusable", "fusable_percent"]]

    def _in_blocks(self) -> tuple[npt.NDArray[np.uint64], Ints]:
        """The sequences that lie within one basic block, and how often each of these places was executed."""
        program, n = self.program, self.n
        executed = self.sites.counts()
        last = np.flatnonzero(executed > 0)
        last = last[last - n + 1 >= program.block_first[program.site_block[last]]]
        keys = np.zeros(len(last), dtype=np.uint64)
        for place in range(n):
            opcode = program.site_opcode[last - place].astype(np.uint64)
            keys |= opcode << np.uint64(8 * place)
        return keys, executed[last]


class Neighbours(Analysis):
    """What comes directly before and after each opcode in its frame, most frequent opcode and neighbour first.

    opcode     name
    where      "before" or "after"
    neighbour  name of the opcode there
    count      executions
    percent    of all neighbours of the opcode there
    """

    name = "neighbours"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.sites = SiteCounts(program)
        self.flow = Flow(program)

    def finish(self) -> pd.DataFrame:
        keys, counts = _pairs(self.sites, self.flow)
        first, second = (keys >> np.uint64(8)).astype(int), (keys & np.uint64(255)).astype(int)
        names = np.array(self.program.opcode_names, dtype=object)
        parts = [
            pd.DataFrame({"opcode": names[one], "where": where, "neighbour": names[other], "count": counts})
            for where, one, other in (("before", second, first), ("after", first, second))
        ]
        table = pd.concat(parts, ignore_index=True)
        table["percent"] = percent(table["count"], table.groupby(["opcode", "where"])["count"].transform("sum"))
        table["total"] = table.groupby("opcode")["count"].transform("sum")
        table = sorted_by(table, "count", ("neighbour",))
        keys_of = {"total": False, "opcode": True, "where": False}
        table = table.sort_values(list(keys_of), ascending=list(keys_of.values()), kind="stable", ignore_index=True)
        return table.drop(columns="total")


def _pairs(sites: SiteCounts, flow: Flow) -> tuple[npt.NDArray[np.uint64], Ints]:
    """What NGrams counts for n = 2. A pair is a step to the next site within a span or a move to another span, so
    each site and each different move is looked at once, no row."""
    opcode = sites.program.site_opcode
    steps = sites.counts() - sites.ends
    at = np.flatnonzero(steps)
    before, after, times = flow.counts()
    keys = (opcode[np.append(at, before)] << 8) | opcode[np.append(at + 1, after)]
    counts = np.zeros(1 << 16, dtype=np.int64)
    np.add.at(counts, keys, np.append(steps[at], times))
    found = np.flatnonzero(counts)
    return found.astype(np.uint64), counts[found]
