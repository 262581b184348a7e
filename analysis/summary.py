"""A run in one line."""

from __future__ import annotations

import numpy as np
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.counts import OpcodeCounts, SiteCounts
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.depths import DepthCounts
from vmtrace.analysis.frames import FrameCounts
from vmtrace.analysis.program import Program


class Summary(Analysis):
    """What the run amounted to, in one row:

    instructions                             rows of the trace
    frames, threads                          that began
    functions, functions_known               code objects that ran; that the trace describes
    opcodes                                  different ones that were executed
    sites, sites_known                       instructions executed at all; that these functions consist of
    deepest_stack                            entries, the most on the evaluation stack of one frame
    """

    name = "summary"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.opcodes = OpcodeCounts(program)
        self.sites = SiteCounts(program)
        self.depths = DepthCounts(program)
        self.frames = FrameCounts(program)

    def finish(self) -> pd.DataFrame:
        program = self.program
        ran = self.depths.counts.any(axis=1)
        depths = np.flatnonzero(self.depths.counts.any(axis=0))
        sites = self.sites.counts()
        known = np.bincount(program.site_code[program.site_code >= 0], minlength=program.codes)
        figures = {
            "instructions": self.opcodes.rows,
            "frames": int(self.frames.created.sum()),
            "threads": len(self.frames.threads),
            "functions": int(ran.sum()),
            "functions_known": int(np.count_nonzero(known)),
            "opcodes": int(np.count_nonzero(self.opcodes.counts)),
            "sites": int(np.count_nonzero(sites)),
            "sites_known": int(known[ran].sum()),
            "deepest_stack": int(depths[-1]) if len(depths) else 0,
        }
        return pd.DataFrame([figures])
