"""How control moved inside frames, from one basic block to another."""

from __future__ import annotations

from collections import Counter
from typing import Self

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Tally
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tails import BEGINS, Tails
from vmtrace.analysis.view import View

_Sites = npt.NDArray[np.integer]


class Flow(Tally):
    """Moves within a frame that are not simply on to the next instruction of the same block, by kind:

    fell[site]          on to the next instruction in the code, which begins a block
    taken[site]         to the instruction's jump target
    other[site, site]   anywhere else: to an exception handler, as a rule

    What other frames do in between does not matter: a call returns to the block it was made from.
    A jump whose target is the next instruction counts as fallen through where it is conditional.
    """

    columns = ("code_id", "frame_id", "offset")

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._tails = Tails()
        self.fell: Ints = np.zeros(program.sites, dtype=np.int64)
        self.taken: Ints = np.zeros(program.sites, dtype=np.int64)
        self.other: Counter[tuple[int, int]] = Counter()

    def follow(self, tails: Tails) -> None:
        self._tails = tails

    def update(self, view: View) -> None:
        before = np.empty(len(view.span_start), dtype=np.int64)
        before[1:] = view.span_last[:-1]
        before[view.stretch_span] = self._tails.advance(view)[0]
        moved = np.flatnonzero((before >= 0) & (view.span_first - before != 1))
        self._count(before[moved], view.span_first[moved])

    def merge(self, later: Self) -> None:
        self.fell += later.fell
        self.taken += later.taken
        self.other.update(later.other)
        seam = self._tails.seam(later._tails)
        self._tails.merge(later._tails)
        moves = [(a, b) for _, a, b in seam if a != BEGINS and b - a != 1]
        if moves:
            before, after = np.array(moves).T
            self._count(before, after)

    def _count(self, before: _Sites, after: _Sites) -> None:
        program, size = self.program, self.program.sites
        fell = program.site_falls[before] & (after - before == 2) & program.site_leads[after]
        taken = ~fell & (program.site_target[before] == after)
        self.fell += np.bincount(before[fell], minlength=size)
        self.taken += np.bincount(before[taken], minlength=size)
        rest = np.flatnonzero(~(fell | taken))
        self.other.update(zip(before[rest].tolist(), after[rest].tolist(), strict=True))
