"""How control moved inside frames, from one span to the next."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import NamedTuple, Self

import numpy as np
from vmtrace.analysis.base import Tally
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tails import BEGINS, Tails
from vmtrace.analysis.view import View


class Ways(NamedTuple):
    """Moves within a frame that are not simply on to the next instruction of the same block, by kind:

    fell[site]            on to the next instruction in the code, which begins a block
    taken[site]           to the instruction's jump target
    before, after, times  anywhere else, to an exception handler as a rule: from which site to which, how often

    A jump whose target is the next instruction counts as fallen through where it is conditional.
    """

    fell: Ints
    taken: Ints
    before: Ints
    after: Ints
    times: Ints


class Flow(Tally):
    """Moves of a frame from one span to its next: `moves[site, site]`, from the last of one to the first of the other.

    What other frames do in between does not matter: a call returns to the block it was made from, and so is a
    move to the next site.
    """

    columns = ("code_id", "frame_id", "offset")

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._tails = Tails()
        self.moves: Counter[tuple[int, int]] = Counter()

    def follow(self, tails: Tails) -> None:
        self._tails = tails

    def update(self, view: View) -> None:
        moves = self._tails.moves(view)
        known = np.flatnonzero(moves.before >= 0)
        before, after, times = (column[known].tolist() for column in (moves.before, moves.after, moves.times))
        for before_site, after_site, count in zip(before, after, times, strict=True):
            self.moves[before_site, after_site] += count

    def merge(self, later: Self) -> None:
        self.moves.update(later.moves)
        seam = self._tails.seam(later._tails)
        self._tails.merge(later._tails)
        self.moves.update((a, b) for _, a, b in seam if a != BEGINS)

    def counts(self) -> tuple[Ints, Ints, Ints]:
        """All moves: from which site, to which, how often."""
        before, after = np.array(list(self.moves), dtype=np.int64).reshape(-1, 2).T
        return before, after, np.array(list(self.moves.values()), dtype=np.int64)

    def ways(self) -> Ways:
        """The moves from block to block, by kind."""
        program = self.program
        before, after, times = self.counts()
        fell = program.site_falls[before] & (after - before == 2) & program.site_leads[after]
        taken = ~fell & (program.site_target[before] == after)
        rest = ~fell & ~taken & (after - before != 1)
        by_site = partial(np.bincount, minlength=program.sites)
        # Sums of whole numbers below 2**53, so doubles are exact.
        fallen, jumped = (by_site(before[some], times[some]).astype(np.int64) for some in (fell, taken))
        return Ways(fallen, jumped, before[rest], after[rest], times[rest])
