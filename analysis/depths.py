"""How deep the evaluation stack was: by function, and over the course of the run."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Tally
from vmtrace.analysis.buckets import LEAST, MOST, SUM, Buckets
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.view import View


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
        occurs = np.zeros(self.program.codes, dtype=bool)
        occurs[view.code_id[view.stretch_start]] = True
        codes = np.flatnonzero(occurs)
        cells = len(codes) * depths
        if len(codes) == 1:
            cell: npt.NDArray[Any] = view.stack_depth
        else:
            # Rows are counted fastest by narrow numbers.
            narrow = cells <= 1 << 16
            rank: npt.NDArray[Any] = np.zeros(self.program.codes, dtype=np.uint16 if narrow else np.int64)
            rank[codes] = np.arange(len(codes)) * depths
            cell = rank.take(view.code_id) + view.stack_depth
        counts = np.bincount(cell, minlength=cells)
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
        cell: npt.NDArray[Any] = view.opcode.astype(np.uint16 if depths <= 256 else np.int64)
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
    """`buckets`: "lowest", "highest" and "total" depth of the evaluation stack, and "rows", over the run."""

    columns = ("stack_depth",)

    def __init__(self, program: Program, most: int = 2000) -> None:
        super().__init__(program)
        self.options = (most,)
        self.buckets = Buckets(1, most, {"lowest": LEAST, "highest": MOST, "total": SUM, "rows": SUM})

    def update(self, view: View) -> None:
        if view.rows:
            first, starts = self.buckets.split(view.first_row, view.first_row + view.rows)
            depth = view.stack_depth
            self.buckets.put(
                first,
                lowest=np.minimum.reduceat(depth, starts),
                highest=np.maximum.reduceat(depth, starts),
                total=np.add.reduceat(depth, starts, dtype=np.int64),
                rows=np.diff(starts, append=view.rows),
            )

    def merge(self, later: Self) -> None:
        self.buckets.merge(later.buckets)


def _widened(counts: Ints, columns: int) -> Ints:
    missing = columns - counts.shape[1]
    return np.pad(counts, ((0, 0), (0, missing))) if missing > 0 else counts
