"""How deep the evaluation stack was: by function, and over the course of the run."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Tally
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.view import View

_Depths = npt.NDArray[np.integer]


class DepthCounts(Tally):
    """`counts[code, depth]`: rows of each code object at each depth of the evaluation stack."""

    columns = ("code_id", "frame_id", "offset", "stack_depth")

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.counts: Ints = np.zeros((program.codes, 1), dtype=np.int64)

    def update(self, view: View) -> None:
        if not view.rows:
            return
        depths = int(view.stack_depth.max()) + 1
        self._widen(depths)
        # Few of the functions occur in one chunk: counting those alone spares clearing the whole table.
        codes = np.unique(view.code_id[view.stretch_start])
        rank = np.zeros(self.program.codes, dtype=np.int64)
        rank[codes] = np.arange(len(codes)) * depths
        cell = rank.take(view.code_id)
        cell += view.stack_depth
        counts = np.bincount(cell, minlength=len(codes) * depths)
        self.counts[codes, :depths] += counts.reshape(len(codes), depths)

    def merge(self, later: Self) -> None:
        depths = later.counts.shape[1]
        self._widen(depths)
        self.counts[:, :depths] += later.counts

    def _widen(self, depths: int) -> None:
        self.counts = _widened(self.counts, depths)


class OpcodeDepths(Tally):
    """`counts[opcode, depth]`: executions of each opcode at each depth of the evaluation stack before it."""

    columns = ("opcode", "stack_depth")

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.counts: Ints = np.zeros((256, 1), dtype=np.int64)

    def update(self, view: View) -> None:
        if not view.rows:
            return
        depths = int(view.stack_depth.max()) + 1
        self._widen(depths)
        cell = view.opcode.astype(np.int64)
        cell *= depths
        cell += view.stack_depth
        self.counts[:, :depths] += np.bincount(cell, minlength=256 * depths).reshape(256, depths)

    def merge(self, later: Self) -> None:
        depths = later.counts.shape[1]
        self._widen(depths)
        self.counts[:, :depths] += later.counts

    def _widen(self, depths: int) -> None:
        self.counts = _widened(self.counts, depths)


class DepthOverTime(Tally):
    """The evaluation stack in buckets of equally many rows: their `lowest`, `highest`, `total` and `rows_in`.

    Bucket i holds rows (first + i) * width up to (first + i + 1) * width of the trace. The width is the least
    power of two that makes do with `most` buckets; it grows with the trace, and no peak is lost as it does.
    """

    columns = ("stack_depth",)

    def __init__(self, program: Program, most: int = 2000) -> None:
        super().__init__(program)
        self._most = most
        self.start = self.stop = 0  # the rows seen
        self.width = 1
        self.first = 0
        self.lowest = self.highest = self.total = self.rows_in = np.zeros(0, dtype=np.int64)

    @property
    def options(self) -> tuple[object, ...]:
        return (self._most,)

    def update(self, view: View) -> None:
        if not view.rows:
            return
        self._reach(view.first_row, view.first_row + view.rows)
        first = view.first_row // self.width
        last = (view.first_row + view.rows - 1) // self.width
        starts = np.maximum(np.arange(first, last + 1) * self.width - view.first_row, 0)
        depth = view.stack_depth
        self._put(
            np.arange(first, last + 1) - self.first,
            np.minimum.reduceat(depth, starts),
            np.maximum.reduceat(depth, starts),
            np.add.reduceat(depth, starts, dtype=np.int64),
            np.diff(starts, append=view.rows),
        )

    def merge(self, later: Self) -> None:
        if len(later.rows_in):
            self._reach(later.start, later.stop)
            bucket = (later.first + np.arange(len(later.rows_in))) * later.width // self.width - self.first
            self._put(bucket, later.lowest, later.highest, later.total, later.rows_in)

    def _put(self, bucket: Ints, lowest: _Depths, highest: _Depths, total: Ints, rows_in: Ints) -> None:
        np.minimum.at(self.lowest, bucket, lowest)
        np.maximum.at(self.highest, bucket, highest)
        np.add.at(self.total, bucket, total)
        np.add.at(self.rows_in, bucket, rows_in)

    def _reach(self, start: int, stop: int) -> None:
        """Makes room for more rows."""
        if len(self.rows_in):
            start, stop = min(start, self.start), max(stop, self.stop)
        width = self.width
        while (stop - 1) // width - start // width >= self._most:
            width *= 2
        bucket = (self.first + np.arange(len(self.rows_in))) * self.width // width - start // width
        kept = (self.lowest, self.highest, self.total, self.rows_in)
        size = (stop - 1) // width - start // width + 1
        self.start, self.stop, self.width, self.first = start, stop, width, start // width
        self.lowest = np.full(size, np.iinfo(np.int64).max)
        self.highest, self.total, self.rows_in = (np.zeros(size, dtype=np.int64) for _ in range(3))
        self._put(bucket, *kept)


def _widened(counts: Ints, columns: int) -> Ints:
    missing = columns - counts.shape[1]
    return np.pad(counts, ((0, 0), (0, missing))) if missing > 0 else counts
