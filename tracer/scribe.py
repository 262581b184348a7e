"""Writes down what engines note: code and notes go in, the trace file comes out."""

from __future__ import annotations

import dis
import hashlib
import importlib.util
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.tracer.assemble import Assembler, NotesError, Stretch, Thread
from vmtrace.tracer.expand import Columns, Expander
from vmtrace.tracer.facts import CodeFacts
from vmtrace.tracer.marks import Speller
from vmtrace.tracer.tables import Tables, transpose
from vmtrace.tracer.tokens import Notes, tell_apart
from vmtrace.traces.schema import BATCH_ROWS
from vmtrace.traces.writer import TraceWriter

STRETCH = 1 << 16
"""Notes assembled at once: enough to make numpy's cost per call small, few enough for the processor's
cache.
"""
MOST_FRAMES = 1 << 32
_NO_NOTES = np.empty(0, np.uint32)
_REASONS = pa.array(["return", "raise"])
_T = TypeVar("_T")


class Scribe:
    """One trace being written.

    Notes of different threads are written one stretch after the other, each thread's in its own order. They
    must be told up to a moment at a time: between two `settle`s, a generator that goes on in one thread may
    be made by notes of another that are told later.
    """

    def __init__(self, path: str | os.PathLike[str], run: Mapping[str, Any], compression: str) -> None:
        """OSError if the file cannot be written."""
        self._writer = TraceWriter(path, opcode_names=dis.opname[:256], run=run, compression=compression)
        self._tables = Tables()
        self._assembler = Assembler(self._tables)
        self._expander = Expander(self._tables, BATCH_ROWS)
        self._threads: dict[int, Thread] = {}
        self._left: dict[int, Notes] = {}
        """By thread: notes that are no whole token yet, or that wait for another thread's."""
        self._late: list[dict[str, npt.NDArray[Any]]] = []
        """Exits that are written when all threads have been told of: of generators, that may have gone on in
        another thread before, whose rows come later in the file."""
        self._spell: Speller | None = None
        """If notes are marks."""
        self.rows = 0
        """Written so far."""

    @property
    def frames(self) -> int:
        return self._assembler.frames

    def learn(self, codes: Sequence[CodeFacts]) -> None:
        """New code objects, in the order of their ids."""
        for facts in codes:
            self._tables.add(facts)
        if codes:
            self._writer.add("codes", _readable(transpose(facts["code"] for facts in codes)))
            columns = [facts["instructions"] for facts in codes]
            merged = {name: [value for column in columns for value in column[name]] for name in columns[0]}
            self._writer.add("instructions", _readable(merged))

    def locate(self, code_id: int, instructions: Sequence[int]) -> None:
        """By code unit of a code's host, the index of its instruction; see `Tables`."""
        self._tables.locate(code_id, instructions)

    def quote(self, filename: str, content: bytes) -> None:
        """A source file. One that is no Python source in a known encoding is left out."""
        try:
            text = importlib.util.decode_source(content)
        except (SyntaxError, UnicodeDecodeError, LookupError):
            return
        row = {"filename": [filename], "sha256": [hashlib.sha256(content).hexdigest()], "text": [text]}
        self._writer.add("sources", _readable(row))

    def take_marks(self) -> None:
        """The notes told from now on are marks (see `marks`)."""
        self._spell = Speller(self._tables.code_of_block, self._tables.end_of_block)

    def meet(self, threads: Iterable[int]) -> None:
        """The threads whose notes are told of until all is settled."""
        for ident in threads:
            self._threads.setdefault(ident, Thread(ident))

    def tell(self, thread: int, notes: Notes) -> None:
        """More notes of a thread that was met. Raises NotesError for what no engine should note."""
        if self._spell is not None:
            notes = self._spell(thread, notes)
        left = self._left.pop(thread, _NO_NOTES)
        rest = self._write(thread, np.concatenate([left, notes]) if len(left) else notes)
        if len(rest):
            self._left[thread] = rest

    def settle(self) -> None:
        """Writes what has waited for notes of another thread. NotesError if something still waits."""
        while self._left:
            before = sum(map(len, self._left.values()))
            for thread, left in list(self._left.items()):
                rest = self._write(thread, left)
                self._left[thread] = rest
                if not len(rest):
                    del self._left[thread]
            if sum(map(len, self._left.values())) == before:
                raise NotesError("a generator goes on that was never made")
        for exits in self._late:
            exits["row"] = np.full(len(exits["row"]), self._assembler.rows, exits["row"].dtype)
            self._writer.add("exits", _exits(exits))
        self._late = []
        self._assembler.generators.forget()

    def finish(self, end: Mapping[str, Any]) -> None:
        """The last rows, and the facts known at the end."""
        self._write_rows(self._expander.rest())
        self._writer.close(end)

    def break_off(self) -> None:
        """The last rows of a recording whose end is not known: the trace is incomplete."""
        self._write_rows(self._expander.rest())
        self._writer.flush()
        self._writer.abandon()

    def abandon(self) -> None:
        """Leaves the file as it is. May be called at any time."""
        self._writer.abandon()

    def _write(self, ident: int, notes: Notes) -> Notes:
        """Returns the notes that must wait."""
        thread = self._threads[ident]
        begin = 0
        while begin < len(notes):
            part = notes[begin : begin + STRETCH]
            tokens = tell_apart(part)
            ready = self._assembler.ready(tokens)
            if ready < tokens.used:
                tokens = tell_apart(part[:ready])
            if not tokens.used:
                break
            begin += tokens.used
            self._write_stretch(self._assembler.assemble(thread, tokens))
        return notes[begin:]

    def _write_stretch(self, stretch: Stretch) -> None:
        if self._assembler.frames > MOST_FRAMES:
            raise NotesError(f"a trace has room for {MOST_FRAMES:,} frames")
        if len(stretch.frames["frame_id"]):
            self._writer.add("frames", _frames(stretch.frames))
        exits = stretch.exits
        if len(self._threads) > 1 and stretch.shared.any():
            self._late.append({name: column[stretch.shared] for name, column in exits.items()})
            exits = {name: column[~stretch.shared] for name, column in exits.items()}
        if len(exits["frame_id"]):
            self._writer.add("exits", _exits(exits))
        for columns in self._expander.batches(stretch.pieces):
            self._write_rows(columns)

    def _write_rows(self, columns: Columns) -> None:
        self._writer.write(*columns)
        self.rows += len(columns[0])


def _frames(columns: Mapping[str, npt.NDArray[Any]]) -> pa.RecordBatch:
    types = {
        "frame_id": pa.uint32(),
        "code_id": pa.uint32(),
        "parent_id": pa.uint32(),
        "call_offset": pa.uint32(),
        "thread_id": pa.uint64(),
        "first_row": pa.uint64(),
    }
    arrays = [_column(columns[name], kind) for name, kind in types.items()]
    return pa.RecordBatch.from_arrays(arrays, names=list(types))


def _column(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Below zero is null."""
    return pa.array(values.astype(kind.to_pandas_dtype()), mask=values < 0 if values.dtype.kind == "i" else None)


def _exits(columns: Mapping[str, npt.NDArray[Any]]) -> pa.RecordBatch:
    reason = pa.DictionaryArray.from_arrays(columns["raised"].astype(np.int8), _REASONS)
    arrays = [_column(columns["frame_id"], pa.uint32()), _column(columns["row"], pa.uint64()), reason]
    return pa.RecordBatch.from_arrays(arrays, names=["frame_id", "row", "reason"])


def _readable(columns: dict[str, list[_T]]) -> dict[str, list[_T]]:
    """A name or path that is no valid Unicode is written with escapes."""
    return {name: [_escaped(value) for value in values] for name, values in columns.items()}


def _escaped(value: _T) -> _T:
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value  # type: ignore[return-value]
