"""Parts of a trace that are not slices of rows: some functions, some modules, some threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from vmtrace.analysis.base import Source, pieces
from vmtrace.analysis.events import codes_named
from vmtrace.analysis.program import Bools, Described, Ints, Program
from vmtrace.analysis.view import NEVER, View
from vmtrace.traces import Chunk
from vmtrace.traces.schema import FRAMES

_COLUMNS = ("opcode", "offset", "stack_depth", "frame_id", "code_id")


class Recording(Source, Described, Protocol):
    """What a Selection is made from: a vmtrace.traces.Trace."""


class _Caller(NamedTuple):
    """The nearest selected frame, and where it made the call; -1 for none."""

    frame: int
    offset: int


_NONE = _Caller(-1, -1)


class Selection:
    """The rows of a trace that belong to some functions or threads, as a trace of its own to `run` analyses on.

    Rows are counted anew from `start`, without the others. Frames that are not selected are passed over: one that they
    created has for its parent the nearest selected frame among their creators, or none if that one has ended.

    functions     glob patterns of qualified names, or of module and name ("json.decoder.JSONDecoder.*")
    modules       glob patterns
    threads       ids; of functions, modules and threads, what is not given selects all
    start, stop   rows of the trace itself: `run` reads a selection as a whole, ValueError if it is given rows

    program    what the trace says of the selected functions alone: what to make analyses with
    selected   rows that were selected, as far as the selection was read
    """

    def __init__(
        self,
        trace: Recording,
        program: Program,
        *,
        functions: Sequence[str] = (),
        modules: Sequence[str] = (),
        threads: Sequence[int] = (),
        start: int = 0,
        stop: int | None = None,
    ) -> None:
        self._trace, self._program = trace, program
        self._start, self._stop = start, stop
        self._threads = np.array(threads, dtype=np.int64)
        self.codes: Bools = codes_named(program, functions, modules)
        self.program = program if self.codes.all() else Program(trace, self.codes)
        self.selected = 0

    def __len__(self) -> int:
        """Rows of the trace that are looked at, the ones passed over too."""
        return len(range(len(self._trace))[self._start : self._stop])

    def chunks(self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        if start or stop is not None:
            raise ValueError("a selection is read as a whole: give it the rows itself")
        wanted = _COLUMNS if columns is None else tuple(columns)
        row = self._start
        self.selected = 0
        selected: set[int] = set()  # live frames
        callers: dict[int, _Caller] = {}  # for what live frames create
        for chunk in pieces(self._trace, tuple({*wanted, "frame_id"}), self._start, self._stop):
            view = View(self._program, chunk)
            begun = self._begin(view, selected, callers)
            known = np.array([frame in selected for frame in view.frames.tolist()], dtype=bool)
            keeps = np.repeat(known[view.stretch_frame], np.diff(view.stretch_start, append=view.rows))
            yield self._cut(view, row, wanted, keeps, known, begun)
            self.selected += int(np.count_nonzero(keeps))
            row = self._start + self.selected
            for frame in view.frames[view.exit_row != NEVER].tolist():
                selected.discard(frame)
                callers.pop(frame, None)

    def _begin(self, view: View, selected: set[int], callers: dict[int, _Caller]) -> list[_Caller]:
        """Takes note of the frames that begin. Returns the callers of those that are selected."""
        new = view.new
        keeps = self.codes[new.code]
        if len(self._threads):
            keeps &= np.isin(new.thread, self._threads)
        begun = []
        ended = dict(zip(*(column.tolist() for column in view.exits), strict=True))
        columns = (new.frame, new.parent, new.call_offset, new.first_row, keeps)
        for frame, parent, offset, row, keep in zip(*(column.tolist() for column in columns), strict=True):
            caller = _Caller(parent, offset) if parent in selected else callers.get(parent, _NONE)
            if caller.frame != parent and (caller.frame not in selected or ended.get(caller.frame, NEVER) < row):
                caller = _NONE
            if keep:
                selected.add(frame)
                begun.append(caller)
            else:
                callers[frame] = caller
        return begun

    def _cut(
        self, view: View, row: int, columns: Sequence[str], keeps: Bools, known: Bools, begun: list[_Caller]
    ) -> Chunk:
        """The chunk without what is not selected, from a row number on."""
        before = np.append(0, np.cumsum(keeps))  # of each row of the chunk: rows that are kept
        chunk, new = view.chunk, view.new
        arrays: dict[str, Any] = {name: getattr(chunk, name)[keeps] for name in columns if view.rows}
        keep = known[len(view.older) :]
        first = np.where(
            new.first_row < view.first_row, new.first_row, row + before[np.maximum(new.first_row - view.first_row, 0)]
        )
        callers = np.array(begun, dtype=np.int64).reshape(-1, 2)
        frames = {
            "frame_id": pa.array(new.frame[keep], pa.uint32()),
            "code_id": pa.array(new.code[keep], pa.uint32()),
            "parent_id": _or_null(callers[:, 0]),
            "call_offset": _or_null(callers[:, 1]),
            "thread_id": pa.array(new.thread[keep].view(np.uint64), pa.uint64()),
            "first_row": pa.array(first[keep], pa.uint64()),
        }
        frame, at = view.exits
        ends = known[view.index_of(frame)]
        exits = chunk.exits.filter(pa.array(ends))
        rows = pa.array(row + before[at[ends] - view.first_row], pa.uint64())
        exits = exits.set_column(1, chunk.exits.schema.field("row"), rows)
        return Chunk(row, int(before[-1]), **arrays, frames=pa.table(frames, FRAMES), exits=exits)


def _or_null(values: Ints) -> pa.Array:
    return pa.array(values, pa.uint32(), mask=values < 0)
