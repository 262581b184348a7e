"""Pieces to rows: instruction by instruction, a batch at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from vmtrace.tracer.recorder.arrays import Column, Ints, Pieces
from vmtrace.tracer.recorder.tables import Tables

Columns = tuple[Column, ...]
# Where these are in a word of `Tables.facts`, in their own size.
_OPCODE, _DEPTH = (6, 2) if sys.byteorder == "little" else (1, 1)

_AT_ONCE = 1 << 16
"""Rows made at once, about: what lies between pieces and columns stays in the processor's cache."""


class Expander:
    """Makes rows of pieces, and keeps rows until they are a batch."""

    def __init__(self, tables: Tables, batch_rows: int) -> None:
        self._tables = tables
        self._batch_rows = batch_rows
        self._batch = _Batch(batch_rows)
        self._counting = np.arange(2 * _AT_ONCE)

    def batches(self, pieces: Pieces) -> Iterator[Columns]:
        """Takes pieces, and gives the full batches that can be made now: opcode, offset,
        stack depth, frame, code. A column of one value has it once (its stride is 0).
        """
        ends = pieces[1].cumsum(dtype=np.int64)
        rows = int(ends[-1]) if len(ends) else 0
        cuts = ends.searchsorted(np.arange(_AT_ONCE, rows, _AT_ONCE), "right")
        for begin, end in pairwise([0, *cuts.tolist(), len(ends)]):
            if begin == end:
                continue
            facts, frames, codes = self._rows(pieces[:, begin:end], ends[begin:end])
            done = 0
            while done < len(facts):
                part = slice(done, done + self._batch_rows - self._batch.rows)
                self._batch.add(
                    facts[part], *(values if len(values) == 1 else values[part] for values in (frames, codes))
                )
                done = part.stop
                if self._batch.rows == self._batch_rows:
                    yield self.rest()

    def rest(self) -> Columns:
        """The rows that make no full batch."""
        batch, self._batch = self._batch, _Batch(self._batch_rows)
        return batch.columns()

    def _rows(self, pieces: Pieces, ends: Ints) -> tuple[Column, Column, Column]:
        """Facts, frame and code of each row; one frame or code where it is the same in all."""
        start, length = pieces[:2].astype(np.int64)
        frame = pieces[2]
        # The number of a row's instruction is the row's own plus something that is the same in all of a piece.
        shift = start - ends
        shift += length
        shift += ends[0] - length[0]
        index = shift.repeat(length)
        if len(self._counting) < len(index):
            self._counting = np.arange(len(index))
        index += self._counting[: len(index)]
        facts = self._tables.facts.values.take(index)
        changes = (frame[1:] != frame[:-1]).nonzero()[0]
        last = np.append(changes, len(frame) - 1)
        frames, codes = frame.take(last), self._tables.code.values.take(start.take(last))
        if len(last) == 1:
            return facts, frames, codes
        in_run = ends.take(last)
        in_run[1:] -= in_run[:-1].copy()
        in_run[0] -= ends[0] - length[0]
        return facts, frames.repeat(in_run), codes[:1] if (codes == codes[0]).all() else codes.repeat(in_run)


def _part(values: Column, part: slice) -> Column:
    return values if len(values) == 1 else values[part]


class _Batch:
    """A batch that is being filled."""

    def __init__(self, room: int) -> None:
        self.rows = 0
        self._opcode, self._offset, self._depth = (np.empty(room, kind) for kind in (np.uint8, np.uint32, np.uint16))
        self._frame, self._code = _Steady(room), _Steady(room)

    def add(self, facts: npt.NDArray[np.uint64], frames: Column, codes: Column) -> None:
        """Rows for which there is room; frames and codes may be one for all."""
        at, self.rows = self.rows, self.rows + len(facts)
        self._opcode[at : self.rows] = facts.view(np.uint8)[_OPCODE::8]
        self._offset[at : self.rows] = facts
        self._depth[at : self.rows] = facts.view(np.uint16)[_DEPTH::4]
        self._frame.put(at, self.rows, frames)
        self._code.put(at, self.rows, codes)

    def columns(self) -> Columns:
        columns = self._opcode, self._offset, self._depth, self._frame.values(self.rows), self._code.values(self.rows)
        return tuple(column[: self.rows] for column in columns)


class _Steady:
    """A column that may well be of one value, and is not spelt out as long as it is."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._value = np.zeros(1, np.uint32)
        self._spelt: Column | None = None

    def put(self, at: int, end: int, new: Column) -> None:
        """`new`: the values there, or one for all."""
        if self._spelt is None:
            if len(new) == 1 and (not at or new[0] == self._value[0]):
                self._value = new
                return
            self._spelt = np.empty(self._room, np.uint32)
            self._spelt[:at] = self._value
        self._spelt[at:end] = new

    def values(self, rows: int) -> Column:
        return np.broadcast_to(self._value, rows) if self._spelt is None else self._spelt
