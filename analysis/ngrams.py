"""Sequences of opcodes within frames."""

from __future__ import annotations

from collections import Counter
from typing import Self

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Tally
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.view import NEVER, View


class NGrams(Tally):
    """How often each sequence of n opcodes (2 to 8) was executed one after the other in one frame.

    A sequence is kept as one number, eight bits an opcode, the first one highest. What other frames do in
    between does not matter: a call is followed by what its caller does next. No sequence reaches from one frame
    into another, and a generator goes on where it was suspended.
    """

    columns = ("code_id", "frame_id", "offset", "opcode")

    def __init__(self, program: Program, n: int = 2) -> None:
        if not 2 <= n <= 8:
            raise ValueError(f"sequences have 2 to 8 opcodes, not {n}")
        super().__init__(program)
        self.n = n
        self.options = (n,)
        self._counts: Counter[int] = Counter()
        self._tails: dict[int, bytes] = {}  # of live frames: the last n - 1 opcodes
        self._heads: dict[int, bytes] = {}  # of frames older than the piece: the first n - 1 opcodes
        self._gone: set[int] = set()  # frames older than the piece that ended

    def counts(self) -> tuple[npt.NDArray[np.uint64], Ints]:
        """The sequences that occurred, in order, and how often each did."""
        keys = sorted(self._counts)
        return np.array(keys, dtype=np.uint64), np.array([self._counts[key] for key in keys], dtype=np.int64)

    def update(self, view: View) -> None:
        opcodes, groups = _in_frame_order(view)
        self._count(opcodes, groups)
        frame = view.stretch_frame[view.by_frame[view.leads_frame]]
        bounds = np.append(groups, len(opcodes))
        known = np.flatnonzero((frame < len(view.older)) | (view.exit_row[frame] == NEVER))
        text, index = opcodes.tobytes(), frame.tolist()
        for group in known.tolist():
            self._go_on(view, index[group], text[bounds[group] : bounds[group + 1]])
        self._close(view)

    def _count(self, opcodes: npt.NDArray[np.uint8], groups: Ints) -> None:
        """Counts the sequences that lie in the chunk."""
        size = len(opcodes) - self.n + 1
        if size <= 0:
            return
        complete = np.ones(len(opcodes), dtype=bool)  # whether a sequence of one frame ends at an opcode
        for place in range(self.n - 1):
            starts = groups + place
            complete[starts[starts < len(opcodes)]] = False
        # A sequence is the bytes from its first opcode on, read as one number.
        padded = np.append(opcodes, np.zeros(8, dtype=np.uint8))
        keys = np.ndarray((size,), dtype=">u8", buffer=padded.data, strides=(1,))
        keys = keys[complete[self.n - 1 :]].astype("=u8")
        counts = pd.Series(keys >> np.uint64(8 * (8 - self.n))).value_counts(sort=False)
        self._counts.update(dict(zip(counts.index.tolist(), counts.tolist(), strict=True)))

    def _go_on(self, view: View, index: int, part: bytes) -> None:
        """Notes what a frame does that lives on, or was there before: its part of the chunk."""
        frame = int(view.frames[index])
        begins_here = index >= len(view.older) and view.new.first_row[index - len(view.older)] >= view.first_row
        before = b"" if begins_here else self._tails.get(frame)
        if before is None:
            self._heads[frame] = part[: self.n - 1]
            before = b""
        else:
            self._join(before, part)
            head = self._heads.get(frame)
            if head is not None and len(head) < self.n - 1:
                self._heads[frame] = (head + part)[: self.n - 1]
        self._tails[frame] = (before + part)[1 - self.n :]

    def _join(self, before: bytes, after: bytes) -> None:
        """Counts the sequences across a border: some opcodes before it, some after."""
        text = before + after[: self.n - 1]
        for end in range(max(len(before) + 1, self.n), len(text) + 1):
            self._counts[int.from_bytes(text[end - self.n : end])] += 1

    def _close(self, view: View) -> None:
        begun = view.new.frame[(view.exit_row[len(view.older) :] == NEVER) & (view.new.first_row >= view.first_row)]
        for frame in begun.tolist():
            self._tails.setdefault(frame, b"")
        known = np.append(np.ones(len(view.older), dtype=bool), view.new.first_row < view.first_row)
        for frame in view.frames[known & (view.exit_row != NEVER)].tolist():
            self._end(frame)

    def _end(self, frame: int) -> None:
        if frame not in self._tails or frame in self._heads:
            self._gone.add(frame)
        self._tails.pop(frame, None)

    def merge(self, later: Self) -> None:
        self._counts.update(later._counts)
        tails = dict(later._tails)
        for frame, head in later._heads.items():
            before = self._tails.get(frame)
            if before is None:
                self._heads[frame] = head
                continue
            self._join(before, head)
            mine = self._heads.get(frame)
            if mine is not None and len(mine) < self.n - 1:
                self._heads[frame] = (mine + head)[: self.n - 1]
            if frame in tails:
                tails[frame] = (before + tails[frame])[1 - self.n :]
        for frame in later._gone:
            self._end(frame)
        self._tails.update(tails)


def _in_frame_order(view: View) -> tuple[npt.NDArray[np.uint8], Ints]:
    """The opcodes of each frame together, in its order; and where each frame's begin."""
    order = view.by_frame
    starts = view.stretch_start[order]
    rows = np.diff(view.stretch_start, append=view.rows)[order]
    ends = np.cumsum(rows)
    groups = (ends - rows)[view.leads_frame]
    if len(order) == len(groups) and (np.diff(starts) > 0).all():
        return view.opcode, groups
    place = np.arange(view.rows) + np.repeat(starts - (ends - rows), rows)
    return view.opcode.take(place), groups
