"""Writes down what engines note: code and notes go in, the trace file comes out."""

from __future__ import annotations

import dis
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from vmtrace.tracer.recorder.assemble import Assembler, NotesError, Stretch, Thread
from vmtrace.tracer.recorder.expand import Columns as RowColumns
from vmtrace.tracer.recorder.expand import Expander
from vmtrace.tracer.recorder.facts import CodeFacts
from vmtrace.tracer.recorder.nesting import Ints
from vmtrace.tracer.recorder.tables import Tables, transpose
from vmtrace.tracer.recorder.tokens import Notes, tell_apart
from vmtrace.tracer.recorder.worker import Worker
from vmtrace.tracer.rewritten.marks import Speller
from vmtrace.traces.schema import BATCH_ROWS
from vmtrace.traces.writer import TraceWriter

STRETCH = 1 << 16
"""Notes assembled at once: enough to make numpy's cost per call small, few enough for the processor's
cache.
"""
MOST_FRAMES = 1 << 32
_NO_NOTES = np.empty(0, np.uint32)
_T = TypeVar("_T")


class Scribe:
    """One trace being written.

    Notes of different threads are written one stretch after the other, each thread's in its own order. They
    must be told up to a moment at a time: between two `settle`s, a generator that goes on in one thread may
    be made by notes of another that are told later.

    Three threads share the work: what is noted is put in order by the caller's, then made rows, then written.
    """

    def __init__(self, path: str | os.PathLike[str], run: Mapping[str, Any], compression: str) -> None:
        """OSError if the file cannot be written."""
        self._writer = TraceWriter(path, opcode_names=dis.opname[:256], run=run, compression=compression)
        self._tables = Tables()
        self._assembler = Assembler(self._tables)
        self._expander = Expander(self._tables, BATCH_ROWS)
        self._expanding, self._writing = Worker(), Worker()
        self._threads: dict[int, Thread] = {}
        self._left: dict[int, Notes] = {}
        """By thread: notes that are no whole token yet, or that wait for another thread's."""
        self._late: list[dict[str, npt.NDArray[np.int64]]] = []
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
            self._add("codes", transpose(facts["code"] for facts in codes))
            columns = [facts["instructions"] for facts in codes]
            merged = {name: [value for column in columns for value in column[name]] for name in columns[0]}
            self._add("instructions", merged)

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
        self._add("sources", row)

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
            exits["row"] = np.full(len(exits["row"]), self._assembler.rows)
            self._later(partial(self._writer.add_integers, "exits", exits))
        self._late = []
        self._assembler.generators.forget()

    def finish(self, end: Mapping[str, Any]) -> None:
        """The last rows, and the facts known at the end."""
        self._expanding.finish()
        self._writing.finish()
        self._write_rows(self._expander.rest())
        self._writer.close(end)

    def break_off(self) -> None:
        """The last rows of a recording whose end is not known: the trace is incomplete."""
        self._expanding.finish()
        self._writing.finish()
        self._write_rows(self._expander.rest())
        self._writer.flush()
        self._writer.abandon()

    def abandon(self) -> None:
        """Leaves the file as it is. May be called at any time."""
        self._expanding.drop()
        self._writing.drop()
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
        exits = stretch.exits
        if len(self._threads) > 1 and stretch.shared.any():
            self._late.append({name: column[stretch.shared] for name, column in exits.items()})
            exits = {name: column[~stretch.shared] for name, column in exits.items()}
        self._expanding.do(partial(self._expand, stretch.pieces, {"frames": stretch.frames, "exits": exits}))

    def _expand(self, pieces: Ints, placed: dict[str, dict[str, Ints]]) -> None:
        self._writing.do(partial(self._write_placed, placed))
        for columns in self._expander.batches(pieces):
            self._writing.do(partial(self._write_rows, columns))

    def _write_placed(self, placed: dict[str, dict[str, Ints]]) -> None:
        for table, columns in placed.items():
            self._writer.add_integers(table, columns)

    def _add(self, table: str, rows: dict[str, list[Any]]) -> None:
        self._later(partial(self._writer.add, table, _readable(rows)))

    def _later(self, write: Callable[[], None]) -> None:
        """Has something written when all rows are, that are known of now."""
        self._expanding.do(partial(self._writing.do, write))

    def _write_rows(self, columns: RowColumns) -> None:
        self._writer.write(*columns)
        self.rows += len(columns[0])


def _readable(columns: dict[str, list[_T]]) -> dict[str, list[_T]]:
    """A name or path that is no valid Unicode is written with escapes."""
    return {name: [_escaped(value) for value in values] for name, values in columns.items()}


def _escaped(value: _T) -> _T:
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value  # type: ignore[return-value]
