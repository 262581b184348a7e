"""How predictable conditional jumps are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.counts import SiteCounts
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.flow import Flow
from vmtrace.analysis.program import Program
from vmtrace.analysis.tables import by_function, percent, sorted_by


class Branches(Analysis):
    """Conditional jumps that were executed (FOR_ITER and SEND are some too), the least predictable first.

    function, module, filename   see vmtrace.analysis.program.Function
    line, offset, opcode         of the jump (line 0: unknown)
    executed                     times it ran
    taken, fallen                times it went to its target; to the next instruction. What is missing to
                                 `executed` raised an exception, or was the last that its frame did
    taken_percent                of taken and fallen
    mispredicted                 the lesser of taken and fallen: what a fixed prediction gets wrong at best
    entropy                      of the outcomes, taken as independent: 0 (always the same) to 1 bit

    Of a jump to the instruction after it, taken and fallen look the same: it counts as fallen.
    """

    name = "branches"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.sites = SiteCounts(program)
        self.flow = Flow(program)

    def finish(self) -> pd.DataFrame:
        program, executed = self.program, self.sites.counts()
        site = np.flatnonzero((program.site_target >= 0) & program.site_falls & (executed > 0))
        ways = self.flow.ways()
        taken, fallen = ways.taken[site], ways.fell[site]
        table = by_function(program, program.site_code[site])
        table["line"] = np.maximum(program.site_line[site], 0)
        table["offset"] = program.site_offset[site]
        table["opcode"] = [program.opcode_names[n] for n in program.site_opcode[site].tolist()]
        table["executed"] = executed[site]
        table["taken"] = taken
        table["fallen"] = fallen
        table["taken_percent"] = percent(taken, taken + fallen)
        table["mispredicted"] = np.minimum(taken, fallen)
        table["entropy"] = _entropy(percent(taken, taken + fallen) / 100)
        table["less"] = -table["executed"]
        ties = ("less", "module", "function", "offset")
        return sorted_by(table, "mispredicted", ties).drop(columns="less")


def _entropy(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of a choice between two, in bits."""
    entropy = np.zeros(len(share))
    for part in (share, 1 - share):
        entropy -= part * np.log2(part, out=np.zeros(len(part)), where=part > 0)
    return entropy
