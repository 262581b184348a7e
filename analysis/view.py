"""A chunk of a trace as analyses look at it: its rows as sites, and the spans and stretches they form."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.program import Ints, Program
from vmtrace.traces import Chunk, TraceError


class View:
    """One chunk, and what several analyses want to know of it, worked out once and only if asked for.

    A *span* is a run of rows that lie side by side in one frame and one basic block.
    A *stretch* is a run of rows of one frame: other frames run before and after it.
    """

    def __init__(self, program: Program, chunk: Chunk) -> None:
        self.program = program
        self.chunk = chunk
        self.first_row = chunk.first_row
        self.rows = chunk.rows

    @property
    def opcode(self) -> npt.NDArray[np.uint8]:
        return _present(self.chunk.opcode)

    @property
    def stack_depth(self) -> npt.NDArray[np.uint16]:
        return _present(self.chunk.stack_depth)

    @property
    def frame_id(self) -> npt.NDArray[np.uint32]:
        return _present(self.chunk.frame_id)

    @property
    def code_id(self) -> npt.NDArray[np.uint32]:
        return _present(self.chunk.code_id)

    @cached_property
    def site(self) -> npt.NDArray[np.int32]:
        """Each row's site."""
        return self.program.sites_at(self.code_id, _present(self.chunk.offset))

    @cached_property
    def span_start(self) -> Ints:
        """Where in the chunk each span begins."""
        if not self.rows:
            return np.zeros(0, dtype=np.int64)
        site, frame = self.site, self.frame_id
        breaks = np.ones(self.rows, dtype=bool)
        np.not_equal(site[1:] - site[:-1], 1, out=breaks[1:])
        breaks[1:] |= frame[1:] != frame[:-1]
        starts = np.flatnonzero(breaks)
        self._check(starts)
        return starts

    @cached_property
    def span_rows(self) -> Ints:
        """Rows of each span."""
        return np.diff(self.span_start, append=self.rows)

    @cached_property
    def span_first(self) -> npt.NDArray[np.int32]:
        """The site at which each span begins."""
        return self.site[self.span_start]

    @cached_property
    def span_last(self) -> npt.NDArray[np.int32]:
        """The site at which each span ends."""
        lasts: npt.NDArray[np.int32] = self.site[self.span_start + self.span_rows - 1]
        return lasts

    def _check(self, starts: Ints) -> None:
        """Within a span sites follow each other, so looking at its two ends looks at all of its rows."""
        ends = np.append(starts[1:], self.rows) - 1
        code = self.code_id[starts]
        for rows in (starts, ends):
            wrong = self.program.site_code[self.site[rows]] != code
            if wrong.any():
                row = int(rows[wrong.argmax()])
                raise TraceError(
                    f"row {self.first_row + row:,}: code {self.code_id[row]} "
                    "has no instruction at the recorded offset"
                )


def _present(column: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    if column is None:
        raise ValueError("the chunk lacks a column that the analysis asked for")
    return column
