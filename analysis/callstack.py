"""Who runs on whose behalf: rows, calls and resumptions by the surroundings they happened in."""

from __future__ import annotations

from collections import Counter
from typing import Self

import numpy as np
from vmtrace.analysis.base import Tally
from vmtrace.analysis.cfg import NaturalLoops
from vmtrace.analysis.contexts import Context, settled
from vmtrace.analysis.deepest import Deepest
from vmtrace.analysis.moment import Moment, carried
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.replay import Replay
from vmtrace.analysis.seam import Seam
from vmtrace.analysis.stacks import Stacks
from vmtrace.analysis.tails import Tails
from vmtrace.analysis.view import NEVER, View, occurring


class CallStack(Tally):
    """By context (see vmtrace.analysis.contexts), numbered in the order of their first occurrence:

    calls      frames created
    resumed    resumptions of a suspended generator or coroutine
    own        rows, by the innermost loop of the function: `own[first_cell[context] + l]` for the function's
               l-th loop (from 1), and l = 0 for rows outside of loops
    sites      how often each code object was called from each site (-1: from none), by (site, code)
    deepest    when the evaluation stack of one frame held most entries (see Deepest)

    The stack is the one that the order of the rows shows: see vmtrace.analysis.stacks.
    """

    columns = ("code_id", "frame_id", "offset", "stack_depth")

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.loops = program.once(NaturalLoops)
        self._stacks = Stacks(program, self.loops)
        self.calls = self.resumed = self.own = np.zeros(0, dtype=np.int64)
        self.first_cell: Ints = np.zeros(1, dtype=np.int64)
        self.sites: Counter[tuple[int, int]] = Counter()
        self.deepest = Deepest(program.codes)
        code_loops = np.array([len(loops) for loops in self.loops.of_code], dtype=np.int64)
        self._code_cells = 1 + code_loops
        first_loop = np.cumsum(code_loops) - code_loops
        block = program.site_block
        self._suspends = bool(program.site_suspends.any())
        self._site_loop = np.append(self.loops.block_loop, -1)[block]  # a site left out is in block -1
        self._site_cell = np.where(self._site_loop >= 0, 1 + self._site_loop - first_loop[program.site_code], 0)
        self._grow()

    def follow(self, tails: Tails) -> None:
        self._stacks.tails = tails

    def update(self, view: View) -> None:
        replay = Replay(self._stacks, view, self._site_loop)
        self._watch(view, replay)
        replay.advance(NEVER)
        if view.rows:
            self._count(view, replay)
        self._grow()
        self.calls += np.bincount(replay.births(), minlength=len(self.calls))
        self.resumed += np.bincount(np.array(replay.resumed_unseen, dtype=np.int64), minlength=len(self.calls))
        self._count_calls(*replay.calls())
        replay.close()
        self._grow()

    def _count(self, view: View, replay: Replay) -> None:
        contexts = replay.contexts()
        self._grow()
        first = self.first_cell[contexts]
        if self.loops.all:
            cell = view.of_spans(first) + self._site_cell.take(view.span_first)
            counts = np.bincount(cell, view.span_rows)
        else:
            counts = np.bincount(first, np.diff(view.stretch_start, append=view.rows))
        # Sums of whole numbers below 2**53, so doubles are exact.
        self.own[: len(counts)] += counts.astype(np.int64)
        if self._suspends:
            moves = self._stacks.tails.moves(view)
            resumes = (moves.before >= 0) & self.program.site_suspends[moves.before]
            resumed = np.flatnonzero(resumes.take(moves.of_span))
            self.resumed += np.bincount(view.of_spans(contexts)[resumed], minlength=len(self.resumed))

    def _count_calls(self, site: Ints, code: Ints) -> None:
        codes = max(self.program.codes, 1)
        keys, counts = occurring((site + 1) * codes + code, (self.program.sites + 1) * codes)
        for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
            self.sites[key // codes - 1, key % codes] += count

    def _grow(self) -> None:
        """Makes room for the contexts that are new."""
        known = len(self.calls)
        codes = [context.code for context in self._stacks.contexts.all[known:]]
        if codes:
            cells = np.where(np.array(codes) >= 0, self._code_cells[codes], 0)
            self.first_cell = np.append(self.first_cell, self.first_cell[-1] + np.cumsum(cells))
            self.calls = _longer(self.calls, known + len(codes))
            self.resumed = _longer(self.resumed, known + len(codes))
            self.own = _longer(self.own, int(self.first_cell[-1]))

    def _watch(self, view: View, replay: Replay) -> None:
        if view.rows:
            for code, row in self.deepest.better(view):
                replay.advance(row)
                depth = int(view.stack_depth[row])
                self.deepest.put(code, Moment(view.first_row + row, depth, replay.stack(row)))

    def merge(self, later: Self) -> None:
        seam = Seam(self.program, self._stacks, later._stacks)
        self.deepest.merge(later.deepest, lambda moment: carried(moment, seam, self._stacks, later._stacks))
        self.sites.update(later.sites)
        self._grow()
        number = np.array(seam.numbers, dtype=np.int64)
        np.add.at(self.calls, number, later.calls)
        np.add.at(self.resumed, number, later.resumed)
        # Generators suspended at the seam, of which the later piece could not tell that they were resumed.
        for frame, seen in later._stacks.seen.items():
            self.resumed[number[seen.context]] += bool(seam.was_suspended(frame))
        cells = np.diff(later.first_cell)
        shift = np.repeat(self.first_cell[number] - later.first_cell[:-1], cells)
        np.add.at(self.own, np.arange(len(shift)) + shift, later.own)
        seam.join()
        self._grow()

    def contexts(self) -> list[Context]:
        """The contexts by number. What lies before the rows that were seen is left out of them."""
        return settled(self._stacks.contexts.all)


def _longer(values: Ints, size: int) -> Ints:
    return np.append(values, np.zeros(size - len(values), dtype=np.int64))
