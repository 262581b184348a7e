"""Pieces to rows: instruction by instruction, a batch at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from vmtrace.tracer.recorder.arrays import Column, Ints, Pieces
from vmtrace.tracer.recorder.tables import Tables

Columns = tuple[Column, ...]
# Where these are in a word of `Tables.facts`, in their own size.
_OPCODE, _DEPTH = (6, 2) if sys.byteorder == "little" else (1, 1)

_AT_ONCE = 1 << 16
"""Rows made at once, at most: what lies between pieces and columns stays in the processor's cache."""


class Expander:
    """Makes rows of pieces, and keeps rows until they are a batch."""

    def __init__(self, tables: Tables, batch_rows: int) -> None:
        self._tables = tables
        self._batch_rows = batch_rows
        self._batch = _Batch(batch_rows)
        self._counting = np.arange(_AT_ONCE)

    def batches(self, pieces: Pieces) -> Iterator[Columns]:
        """Takes pieces, and gives the full batches that can be made now: opcode, offset,
        stack depth, frame, code. A column of one value has it once (its stride is 0).
        """
        ends = pieces[1].cumsum(dtype=np.int64)
        rows = int(ends[-1]) if len(ends) else 0
        stop = 0
        while stop < rows:
            begin, stop = stop, min(stop + _AT_ONCE, stop + self._batch_rows - self._batch.rows, rows)
            first, last = ends.searchsorted([begin, stop - 1], "right").tolist()
            start, length = pieces[:2, first : last + 1].astype(np.int64)
            # Of the first piece and of the last, perhaps, not all.
            done = begin - (ends[first] - length[0])
            start[0] += done
            length[0] -= done
            length[-1] -= ends[last] - stop
            self._add(start, length, pieces[2, first : last + 1])
            if self._batch.rows == self._batch_rows:
                yield self.rest()

    def rest(self) -> Columns:
        """The rows that make no full batch."""
        batch, self._batch = self._batch, _Batch(self._batch_rows)
        return batch.columns()

    def _add(self, start: Ints, length: Ints, frame: Column) -> None:
        """Makes the rows of some pieces."""
        # The number of a row's instruction is the row's own plus something that is the same in all of a piece.
        ends = length.cumsum()
        shift = start - ends
        shift += length
        index = shift.repeat(length)
        index += self._counting[: len(index)]
        changes = np.empty(len(frame), np.bool_)
        np.not_equal(frame[1:], frame[:-1], out=changes[:-1])
        changes[-1] = True
        last = changes.nonzero()[0]
        ends = ends.take(last)
        in_run = ends.copy()
        in_run[1:] -= ends[:-1]
        codes = self._tables.code.values.take(start.take(last))
        self._batch.add(self._tables.facts.values.take(index), frame.take(last), codes, in_run)


class _Batch:
    """A batch that is being filled."""

    def __init__(self, room: int) -> None:
        self.rows = 0
        self._opcode, self._offset, self._depth = (np.empty(room, kind) for kind in (np.uint8, np.uint32, np.uint16))
        self._frames: list[Column] = []
        self._codes: list[Column] = []
        self._in_runs: list[Ints] = []
        """How many rows each of these frames and codes is that of."""

    def add(self, facts: npt.NDArray[np.uint64], frames: Column, codes: Column, in_runs: Ints) -> None:
        """Rows for which there is room: each one's facts; by run of rows of one frame, frame, code and length."""
        at, self.rows = self.rows, self.rows + len(facts)
        self._opcode[at : self.rows] = facts.view(np.uint8)[_OPCODE::8]
        self._offset[at : self.rows] = facts
        self._depth[at : self.rows] = facts.view(np.uint16)[_DEPTH::4]
        self._frames.append(frames)
        self._codes.append(codes)
        self._in_runs.append(in_runs)

    def columns(self) -> Columns:
        part = slice(self.rows)
        return self._opcode[part], self._offset[part], self._depth[part], *self._spelt(self._frames, self._codes)

    def _spelt(self, *columns: list[Column]) -> Iterator[Column]:
        """Columns that are known by run; not spelt out where they are of one value."""
        if not self.rows:
            yield from (np.zeros(0, np.uint32) for _ in columns)
            return
        in_runs = np.concatenate(self._in_runs)
        for parts in columns:
            values = np.concatenate(parts)
            if (values == values[0]).all():
                yield np.broadcast_to(values[0], self.rows)
            else:
                yield values.repeat(in_runs)
