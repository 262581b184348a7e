"""Puts in order what engines note: code and notes go in, pieces come out, to be written as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from vmtrace.tracer.recorder.arrays import Ints, Notes, Pieces
from vmtrace.tracer.recorder.assemble import Assembler, NotesError, Stretch, Thread
from vmtrace.tracer.recorder.facts import CodeFacts
from vmtrace.tracer.recorder.marked import MarkReader
from vmtrace.tracer.recorder.tables import Tables
from vmtrace.tracer.recorder.tokens import Tokens, tell_apart

STRETCH = 1 << 16
"""Notes assembled at once: enough to make numpy's cost per call small, few enough for the processor's
cache.
"""
MOST_FRAMES = 1 << 32
_NO_NOTES = np.empty(0, np.uint32)


class Rows(Protocol):
    """What becomes of it: a `RowWriter`, in this process or in another."""

    def learn(self, codes: Sequence[CodeFacts]) -> None: ...
    def quote(self, filename: str, content: bytes) -> None: ...
    def write(self, frames: dict[str, Ints], exits: dict[str, Ints], pieces: Pieces) -> None: ...
    def end_frames(self, exits: dict[str, Ints]) -> None: ...
    def finish(self, end: Mapping[str, Any]) -> None: ...
    def break_off(self) -> None: ...


class Scribe:
    """One trace being made.

    Notes of different threads are written one stretch after the other, each thread's in its own order. They
    must be told up to a moment at a time: between two `settle`s, a generator that goes on in one thread may
    be made by notes of another that are told later.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._tables = Tables()
        self._assembler = Assembler(self._tables)
        self._threads: dict[int, Thread] = {}
        self._left: dict[int, Notes] = {}
        """By thread: notes that are no whole token yet, or that wait for another thread's."""
        self._late: list[dict[str, Ints]] = []
        """Exits that are written when all threads have been told of: of generators, that may have gone on in
        another thread before, whose rows come later in the file."""
        self._marks: MarkReader | None = None
        """If notes are marks."""
        self._last: dict[int, int] = {}
        """By thread: the last note that was assembled."""

    @property
    def frames(self) -> int:
        return self._assembler.frames

    def learn(self, codes: Sequence[CodeFacts]) -> None:
        """New code objects, in the order of their ids."""
        for facts in codes:
            self._tables.add(facts)
        if codes:
            self._rows.learn(codes)

    def locate(self, code_id: int, instructions: Sequence[int]) -> None:
        """By code unit of a code's host, the index of its instruction; see `Tables`."""
        self._tables.locate(code_id, instructions)

    def quote(self, filename: str, content: bytes) -> None:
        """A source file."""
        self._rows.quote(filename, content)

    def take_marks(self) -> None:
        """The notes told from now on are marks (see `marks`)."""
        self._marks = MarkReader(self._tables.code_of_block, self._tables.end_of_block)

    def meet(self, threads: Iterable[int]) -> None:
        """The threads whose notes are told of until all is settled."""
        for ident in threads:
            self._threads.setdefault(ident, Thread(ident))

    def tell(self, thread: int, notes: Notes) -> None:
        """More notes of a thread that was met. Raises NotesError for what no engine should note."""
        if self._marks is not None:
            notes = self._marks.whole(thread, notes)
        left = self._left.pop(thread, _NO_NOTES)
        rest = self._assemble(thread, np.concatenate([left, notes]) if len(left) else notes)
        if len(rest):
            self._left[thread] = rest

    def settle(self) -> None:
        """Writes what has waited for notes of another thread. NotesError if something still waits."""
        while self._left:
            before = sum(map(len, self._left.values()))
            for thread, left in list(self._left.items()):
                rest = self._assemble(thread, left)
                self._left[thread] = rest
                if not len(rest):
                    del self._left[thread]
            if sum(map(len, self._left.values())) == before:
                raise NotesError("a generator goes on that was never made")
        for exits in self._late:
            exits["row"] = np.full(len(exits["row"]), self._assembler.rows)
            self._rows.end_frames(exits)
        self._late = []
        self._assembler.generators.forget()

    def finish(self, end: Mapping[str, Any]) -> None:
        """All is told, and these are the facts known at the end."""
        self._rows.finish(end)

    def break_off(self) -> None:
        """The end of the recording is not known: the trace is incomplete."""
        self._rows.break_off()

    def _assemble(self, ident: int, notes: Notes) -> Notes:
        """Returns the notes that must wait."""
        thread, last = self._threads[ident], self._last.get(ident, 0)
        begin = 0
        while begin < len(notes):
            part = notes[begin : begin + STRETCH]
            tokens = self._tokens(part, last)
            ready = self._assembler.ready(tokens) if len(self._threads) > 1 else tokens.used
            if ready < tokens.used:
                tokens = self._tokens(part[:ready], last)
            if not tokens.used:
                break
            begin += tokens.used
            last = self._last[ident] = int(notes[begin - 1])
            self._write(self._assembler.assemble(thread, tokens))
        return notes[begin:]

    def _tokens(self, notes: Notes, last: int) -> Tokens:
        """`last`: the note before the first."""
        return tell_apart(notes) if self._marks is None else self._marks(notes, last)

    def _write(self, stretch: Stretch) -> None:
        if self._assembler.frames > MOST_FRAMES:
            raise NotesError(f"a trace has room for {MOST_FRAMES:,} frames")
        exits, shared = stretch.exits, stretch.shared
        if len(self._threads) > 1 and shared.any():
            self._late.append({name: column[shared] for name, column in exits.items()})
            exits = {name: column[~shared] for name, column in exits.items()}
        self._rows.write(stretch.frames, exits, stretch.pieces)
