"""How often each opcode was executed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.counts import OpcodeCounts
from vmtrace.analysis.program import Program
from vmtrace.analysis.tables import ranked


class Opcodes(Analysis):
    """Executed instructions by opcode, most frequent first. One row per opcode that was executed:

    opcode              name
    count               rows of the trace
    self_percent        of all rows
    cumulative_percent  of all rows: this opcode and those above
    """

    name = "opcodes"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.opcodes = OpcodeCounts(program)

    def finish(self) -> pd.DataFrame:
        number = np.flatnonzero(self.opcodes.counts)
        names = [self.program.opcode_names[n] for n in number.tolist()]
        table = pd.DataFrame({"opcode": names, "count": self.opcodes.counts[number]})
        return ranked(table, "count", self.opcodes.rows)
