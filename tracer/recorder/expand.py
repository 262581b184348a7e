"""Pieces to rows: instruction by instruction, a batch at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from vmtrace.tracer.recorder.tables import Tables

Ints = npt.NDArray[np.int64]
# Where these are in a word of `Tables.facts`, in their own size.
_OPCODE, _DEPTH = (6, 2) if sys.byteorder == "little" else (1, 1)
Columns = tuple[npt.NDArray[np.generic], ...]
_NO_ROWS = tuple(np.empty(0, kind) for kind in (np.uint8, np.uint32, np.uint16, np.uint32, np.uint32))


class Expander:
    """Keeps pieces until they make a batch of rows, so that the writer need not gather rows."""

    def __init__(self, tables: Tables, batch_rows: int) -> None:
        self._tables = tables
        self._batch_rows = batch_rows
        self._pieces = np.empty((3, 0), np.int64)
        """Rows: first instruction, length, frame."""
        self._index = np.empty(batch_rows, np.int64)
        self._counting = np.arange(batch_rows)

    def batches(self, new: Ints) -> Iterator[Columns]:
        """Takes pieces, and gives the full batches that can be made now: opcode, offset, stack depth, frame,
        code."""
        pieces = np.concatenate([self._pieces, new], axis=1)
        ends = np.cumsum(pieces[1])
        whole = int(ends[-1]) // self._batch_rows if len(ends) else 0
        begin = 0
        for number in range(1, whole + 1):
            cut = number * self._batch_rows
            last = begin + int(np.searchsorted(ends[begin:], cut))
            over = int(ends[last]) - cut
            part = pieces[:, begin : last + 1].copy()
            part[1, -1] -= over
            yield self._expand(part)
            # What the batch has no room for begins the next.
            pieces[:2, last] += pieces[1, last] - over, over - pieces[1, last]
            begin = last if over else last + 1
        self._pieces = pieces[:, begin:].copy()

    def rest(self) -> Columns:
        """The rows that make no full batch."""
        pieces, self._pieces = self._pieces, self._pieces[:, :0]
        return self._expand(pieces)

    def _expand(self, pieces: Ints) -> Columns:
        tables = self._tables
        start, length, frame = pieces
        if not len(start):
            return _NO_ROWS
        ends = np.cumsum(length)
        rows = int(ends[-1])
        # The number of a row's instruction is the row's own plus something that is the same in all of a piece.
        index = self._index[:rows]
        np.add(np.repeat(start - ends + length, length), self._counting[:rows], out=index)
        facts = tables.facts.values.take(index)
        runs = np.append(np.flatnonzero(frame[1:] != frame[:-1]), len(frame) - 1)
        frames, codes = frame[runs].astype(np.uint32), tables.code.values.take(start[runs])
        in_run = np.diff(ends[runs], prepend=0)
        return (
            facts.view(np.uint8)[_OPCODE::8].copy(),
            facts.astype(np.uint32),
            facts.view(np.uint16)[_DEPTH::4].copy(),
            # One value for all rows costs the writer nothing.
            np.repeat(frames, in_run) if len(runs) > 1 else np.broadcast_to(frames, rows),
            np.repeat(codes, in_run) if (codes != codes[0]).any() else np.broadcast_to(codes[:1], rows),
        )
