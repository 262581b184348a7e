"""The plainest tallies: how often each opcode, and each instruction, was executed."""

from __future__ import annotations

from typing import Self

import numpy as np
from vmtrace.analysis.base import Tally
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.view import View


class OpcodeCounts(Tally):
    """`counts[opcode number]`: rows of each opcode."""

    columns = ("opcode",)

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.counts: Ints = np.zeros(256, dtype=np.int64)

    def update(self, view: View) -> None:
        self.counts += view.opcode_counts

    def merge(self, later: Self) -> None:
        self.counts += later.counts


class OpcodesByCode(Tally):
    """`counts[code, opcode number]`: rows of each code object and opcode."""

    columns = ("code_id", "opcode")

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.counts: Ints = np.zeros((program.codes, 256), dtype=np.int64)

    def update(self, view: View) -> None:
        code, opcode, counts = view.by_code(view.opcode)
        self.counts[code, opcode] += counts

    def merge(self, later: Self) -> None:
        self.counts += later.counts


class SiteCounts(Tally):
    """Executions of each instruction.

    Where other tallies of the pass ask for frames, they are kept as how often a span begins, and how often one
    `ends`, at each site.
    """

    columns = ("code_id", "offset")

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._counted, self._begins, self.ends = (np.zeros(program.sites, dtype=np.int64) for _ in range(3))

    def update(self, view: View) -> None:
        if view.knows_frames:
            self._begins += np.bincount(view.span_first, minlength=len(self.ends))
            self.ends += np.bincount(view.span_last, minlength=len(self.ends))
        else:
            site, counts = view.site_counts
            self._counted[site] += counts

    def merge(self, later: Self) -> None:
        self._counted += later._counted
        self._begins += later._begins
        self.ends += later.ends

    def counts(self) -> Ints:
        """Executions by site."""
        return self._counted + np.cumsum(self._begins) - np.cumsum(self.ends) + self.ends
