"""How deep the evaluation stack was: by function, and over the course of the run."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Tally
from vmtrace.analysis.buckets import LEAST, MOST, SUM, Buckets
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.view import View


class _Depths(Tally):
    """`counts[group, depth]`: rows at each depth of the evaluation stack, by group."""

    def __init__(self, program: Program, groups: int) -> None:
        super().__init__(program)
        self.counts: Ints = np.zeros((groups, 1), dtype=np.int64)

    def merge(self, later: Self) -> None:
        depths = later.counts.shape[1]
        self._widen(depths)
        self.counts[:, :depths] += later.counts

    def _widen(self, depths: int) -> None:
        missing = depths - self.counts.shape[1]
        if missing > 0:
            self.counts = np.pad(self.counts, ((0, 0), (0, missing)))


class DepthCounts(_Depths):
    """By code object."""

    columns = ("code_id", "stack_depth")

    def __init__(self, program: Program) -> None:
        super().__init__(program, program.codes)

    def update(self, view: View) -> None:
        code, depth, counts = view.code_depths
        self._widen(int(depth.max(initial=0)) + 1)
        self.counts[code, depth] += counts


class OpcodeDepths(_Depths):
    """By opcode number, before the instruction."""

    columns = ("opcode", "stack_depth")

    def __init__(self, program: Program) -> None:
        super().__init__(program, 256)

    def update(self, view: View) -> None:
        if not view.rows:
            return
        depths = int(view.stack_depth.max()) + 1
        self._widen(depths)
        cell: npt.NDArray[Any] = view.opcode.astype(np.uint16 if depths <= 256 else np.int64)
        cell *= depths
        cell += view.stack_depth
        self.counts[:, :depths] += np.bincount(cell, minlength=256 * depths).reshape(256, depths)


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
