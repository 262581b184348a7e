"""A chunk of a trace as analyses look at it: its rows as sites, in spans and stretches, and its frames."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.program import Bools, Ints, Program
from vmtrace.traces import Chunk, TraceError

T = TypeVar("T")

#: Where a frame's end is looked up and it has not ended: later than any row.
NEVER = np.iinfo(np.int64).max


def occurring(numbers: npt.NDArray[np.integer[Any]], size: int) -> tuple[Ints, Ints]:
    """The different ones among numbers below a size, in order, and how often each occurs."""
    if size > 4 * len(numbers) + 1024:  # then sorting is faster than a count of each
        different, counts = np.unique(numbers, return_counts=True)
        return different.astype(np.int64), counts
    counts = np.bincount(numbers)
    different = np.flatnonzero(counts)
    return different, counts.take(different)


class NewFrames(NamedTuple):
    """The frames announced with a chunk, in order of their ids. -1 stands for null."""

    frame: Ints
    code: Ints
    parent: Ints
    call_offset: Ints
    thread: Ints
    first_row: Ints


class View:
    """One chunk, and what several analyses want to know of it, worked out once and only if asked for.

    A *span* is a run of rows that lie side by side in one frame and one basic block.
    A *stretch* is a run of rows of one frame: other frames run before and after it.
    The frames that a chunk mentions are numbered densely from 0, first those announced before it, then its
    own: that number is a frame's *index*.
    """

    def __init__(self, program: Program, chunk: Chunk) -> None:
        self.program = program
        self.chunk = chunk
        self.first_row = chunk.first_row
        self.rows = chunk.rows
        self._worked_out: dict[object, Any] = {}

    def worked_out(self, key: object, make: Callable[[], T]) -> T:
        """What several tallies want to know that the view cannot tell alone: made by the first that asks."""
        if key not in self._worked_out:
            self._worked_out[key] = make()
        made: T = self._worked_out[key]
        return made

    @property
    def opcode(self) -> npt.NDArray[np.uint8]:
        return self._column("opcode")

    @property
    def stack_depth(self) -> npt.NDArray[np.uint16]:
        return self._column("stack_depth")

    @property
    def frame_id(self) -> npt.NDArray[np.uint32]:
        return self._column("frame_id")

    @property
    def code_id(self) -> npt.NDArray[np.uint32]:
        return self._column("code_id")

    @cached_property
    def opcode_counts(self) -> Ints:
        """Rows by opcode number."""
        return np.bincount(self.opcode, minlength=256)

    @cached_property
    def site(self) -> npt.NDArray[np.int32]:
        """Each row's site."""
        return self.program.sites_at(self.code_id, self._column("offset"))

    @cached_property
    def site_counts(self) -> tuple[npt.NDArray[np.int32], Ints]:
        """The sites that were executed and how often each was."""
        code, offset, counts = self.by_code(self._column("offset"))
        site = self.program.sites_at(code, offset)
        if (self.program.site_code.take(site) != code).any():
            wrong = self.program.site_code.take(self.site) != self.code_id
            raise self._misplaced(int(wrong.argmax()))
        return site, counts

    def by_code(self, values: npt.NDArray[np.unsignedinteger[Any]]) -> tuple[Ints, Ints, Ints]:
        """Rows by code object and the values of a column: the different pairs, and how often each occurs."""
        if not self.rows:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
        code = self.code_id
        first, last, width = int(code.min()), int(code.max()), int(values.max()) + 1
        if last >= self.program.codes:
            raise TraceError(f"rows refer to code {last}, which the trace does not describe")
        cell: npt.NDArray[Any]
        if (last - first + 1) * width <= self.rows:
            codes = np.arange(first, last + 1)
            cell = code - np.uint32(first)
            cell *= np.uint32(width)
            cell += values
        else:
            # Few of the functions occur in one chunk: counting those alone spares clearing the whole table.
            codes = self._codes_that_occur
            rank = np.zeros(self.program.codes, dtype=np.int64)
            rank[codes] = np.arange(len(codes)) * width
            cell = rank.take(code)
            cell += values
        different, counts = occurring(cell, len(codes) * width)
        place, value = np.divmod(different, width)
        return codes.take(place), value, counts

    @cached_property
    def code_depths(self) -> tuple[Ints, Ints, Ints]:
        """Rows by code object and depth of the evaluation stack: see `by_code`."""
        return self.by_code(self.stack_depth)

    @cached_property
    def _codes_that_occur(self) -> Ints:
        code = self.code_id
        occurs = np.zeros(self.program.codes, dtype=bool)
        occurs[code[:1]] = True
        occurs[code[1:][code[1:] != code[:-1]]] = True
        return np.flatnonzero(occurs)

    def _misplaced(self, row: int) -> TraceError:
        return TraceError(
            f"row {self.first_row + row:,}: code {self.code_id[row]} has no instruction at the recorded offset"
        )

    @property
    def knows_frames(self) -> bool:
        """Whether the rows' frames were read: then some tally asks for spans, of which there are fewer than rows."""
        return self.chunk.frame_id is not None

    def _column(self, name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] | None = getattr(self.chunk, name)
        if column is not None:
            return column
        if self.rows:
            raise ValueError(f"the chunk lacks the column {name}, which an analysis asked for")
        return np.zeros(0, dtype=np.uint8)

    # Spans

    @cached_property
    def _frame_changes(self) -> Bools:
        """For each row but the first: whether it belongs to another frame than the row before."""
        changes: Bools = self.frame_id[1:] != self.frame_id[:-1]
        return changes

    @cached_property
    def span_start(self) -> Ints:
        """Where in the chunk each span begins."""
        if not self.rows:
            return np.zeros(0, dtype=np.int64)
        site = self.site
        breaks = np.ones(self.rows, dtype=bool)
        np.not_equal(site[1:] - site[:-1], 1, out=breaks[1:])
        breaks[1:] |= self._frame_changes
        return np.flatnonzero(breaks)

    @cached_property
    def span_end(self) -> Ints:
        """Where in the chunk the last row of each span is."""
        return np.append(self.span_start[1:], self.rows)[: len(self.span_start)] - 1

    @cached_property
    def span_rows(self) -> Ints:
        return self.span_end - self.span_start + 1

    @cached_property
    def span_first(self) -> npt.NDArray[np.int32]:
        """The site at which each span begins."""
        starts = self.span_start
        first = self.site.take(starts)
        # Within a span, sites follow each other in one block: to look at its first row is to look at all.
        wrong = self.program.site_code.take(first) != self.code_id.take(starts)
        if wrong.any():
            raise self._misplaced(int(starts[wrong.argmax()]))
        return first

    @cached_property
    def span_last(self) -> npt.NDArray[np.int32]:
        """The site at which each span ends."""
        return self.site.take(self.span_end)

    # Stretches

    @cached_property
    def stretch_span(self) -> Ints:
        """The number of the span with which each stretch begins."""
        starts = self.span_start
        if len(self.stretch_start) > len(starts) >> 3:  # then looking at all is faster than searching for each
            return np.append(0, 1 + np.flatnonzero(self._frame_changes.take(starts[1:] - 1)))
        return np.searchsorted(starts, self.stretch_start)

    @cached_property
    def stretch_start(self) -> Ints:
        """Where in the chunk each stretch begins."""
        return np.append(0, 1 + np.flatnonzero(self._frame_changes))[: self.rows]

    @cached_property
    def stretch_first(self) -> npt.NDArray[np.int32]:
        """The site at which each stretch begins."""
        return self.span_first.take(self.stretch_span)

    @cached_property
    def stretch_last(self) -> npt.NDArray[np.int32]:
        """The site at which each stretch ends."""
        last_span = np.append(self.stretch_span, len(self.span_start))[1:] - 1
        return self.span_last.take(last_span if self.rows else self.stretch_span)

    @cached_property
    def stretch_frame(self) -> Ints:
        """The index of each stretch's frame."""
        return self.index_of(self.frame_id[self.stretch_start].astype(np.int64))

    @cached_property
    def by_frame(self) -> Ints:
        """The stretches' numbers in order of frame index, within a frame in order of time."""
        index = self.stretch_frame
        # numpy sorts 16-bit numbers by radix, many times faster than wider ones.
        small = index.astype(np.uint16) if len(self.frames) <= 1 << 16 else index
        return np.argsort(small, kind="stable")

    @cached_property
    def leads_frame(self) -> Bools:
        """For each entry of `by_frame`: whether it is its frame's first stretch in this chunk."""
        frame = self.stretch_frame[self.by_frame]
        leads = np.ones(len(frame), dtype=bool)
        leads[1:] = frame[1:] != frame[:-1]
        return leads

    def of_spans(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What holds for the stretches, for each of their spans."""
        return np.repeat(values, np.diff(self.stretch_span, append=len(self.span_start)))

    # Frames

    @cached_property
    def new(self) -> NewFrames:
        table = self.chunk.numbers("frames")
        columns = [
            table[name] for name in ("frame_id", "code_id", "parent_id", "call_offset", "thread_id", "first_row")
        ]
        if (columns[0][1:] <= columns[0][:-1]).any():
            order = np.argsort(columns[0], kind="stable")
            columns = [column[order] for column in columns]
        return NewFrames(*columns)

    @cached_property
    def exits(self) -> tuple[Ints, Ints]:
        """The frames that ended (ids) and before which row of the trace."""
        table = self.chunk.numbers("exits")
        return table["frame_id"], table["row"]

    @cached_property
    def older(self) -> Ints:
        """The ids of the frames that the chunk mentions but does not announce, in order."""
        ids = np.concatenate([self.frame_id[self.stretch_start].astype(np.int64), self.new.parent, self.exits[0]])
        ids = ids[(self._place_in_new(ids) < 0) & (ids >= 0)]
        if not len(ids):
            return ids
        # Often one frame calls many new ones, and stands here each time that it goes on.
        ids = ids[np.append(True, ids[1:] != ids[:-1])]
        first = int(ids.min())
        return occurring(ids - first, int(ids.max()) - first + 1)[0] + first

    @cached_property
    def frames(self) -> Ints:
        """The frame ids by index."""
        return np.concatenate([self.older, self.new.frame])

    def index_of(self, ids: Ints) -> Ints:
        """The indexes of frames that the chunk mentions; -1 for the id -1."""
        place = self._place_in_new(ids)
        index = np.where(place < 0, 0, place + len(self.older))
        rest = np.flatnonzero(place < 0)
        index[rest] = np.where(ids[rest] < 0, -1, np.searchsorted(self.older, ids[rest]))
        return index

    def _place_in_new(self, ids: Ints) -> Ints:
        """Where frames stand among those announced with the chunk; -1 if they do not."""
        new = self.new.frame
        if not len(new):
            return np.full(len(ids), -1)
        if new[-1] - new[0] == len(new) - 1:  # as the recorder numbers them: without gaps
            place = ids - new[0]
            return np.where((place < 0) | (place >= len(new)), -1, place)
        place = np.minimum(np.searchsorted(new, ids), len(new) - 1)
        return np.where(new[place] == ids, place, -1)

    @cached_property
    def exit_row(self) -> Ints:
        """By frame index: the row of the trace before which the frame ended, NEVER if it goes on."""
        frame, row = self.exits
        rows = np.full(len(self.frames), NEVER)
        rows[self.index_of(frame)] = row
        return rows
