"""Notes to pieces: what the frames of a thread executed, in order, for a stretch of notes at once.

Between two tokens the frame on top executes one piece, maybe empty, of the block that it is in. The piece
begins at the block's first instruction, or, when a call has just come back, behind the instruction that made
the call. It ends with the block, or with the instruction at which the next token says that the frame stands.
So all there is to find is, for each exit, the enter that it ends (`nesting`): that call's frame and block go
on.

A frame that is open where a stretch begins is put before it as an enter of its own, so the carried state
needs no second treatment.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from vmtrace.tracer.recorder.arrays import Flags, Ints, Pieces
from vmtrace.tracer.recorder.generators import NO_GENERATOR, Generators
from vmtrace.tracer.recorder.nesting import latest, nest, running_maximum
from vmtrace.tracer.recorder.tables import Tables
from vmtrace.tracer.recorder.tokens import (
    KIND_CREATE,
    KIND_ENTER,
    KIND_RAISE,
    KIND_RESUME,
    KIND_RETURN,
    KIND_SUSPEND,
    KIND_UNWIND,
    Tokens,
)

NO_FRAME = -1
_FRAME, _CODE, _GENERATOR, _NEXT, _STOP = range(5)
_HEIGHT = np.zeros(8, np.int64)
_HEIGHT[[KIND_ENTER, KIND_CREATE, KIND_RESUME]] = 1
_HEIGHT[[KIND_SUSPEND, KIND_RETURN, KIND_UNWIND]] = -1


class NotesError(Exception):
    """Notes that no engine should take."""


class Thread:
    """The open frames of a thread, carried from one stretch of notes to the next."""

    def __init__(self, ident: int) -> None:
        self.ident = ident
        self.height = 1
        self._room = np.zeros((5, 64), np.int64)
        self._room[[_FRAME, _GENERATOR], 0] = NO_FRAME, NO_GENERATOR

    def open(self, bottom: int) -> Ints:
        """Columns: the frames from height `bottom` up; rows: frame, code, generator, and the instructions
        (first, stop) that are left of its block. At the very bottom is the ground, a frame that is none.
        """
        return self._room[:, bottom : self.height]

    def replace(self, bottom: int, frames: Ints) -> None:
        self.height = bottom + frames.shape[1]
        if self.height > self._room.shape[1]:
            bigger = np.zeros((5, 2 * self.height), np.int64)
            bigger[:, :bottom] = self._room[:, :bottom]
            self._room = bigger
        self._room[:, bottom : self.height] = frames


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a stretch of notes amounts to. Row numbers count from the first row of the trace."""

    pieces: Pieces
    """Columns: the pieces, none empty; rows: first instruction, length, frame."""
    frames: dict[str, Ints]
    """Columns of `frames`, where NO_FRAME and -1 stand for null."""
    exits: dict[str, Ints]
    """Columns of `exits`; `reason` is 0 for return, 1 for raise."""
    shared: Flags
    """By exit: whether it is a generator's, which other threads may have run before."""


@dataclass(slots=True)
class Assembler:
    """Turns the notes of all threads to pieces. Frames are numbered in the order in which it meets them."""

    tables: Tables
    rows: int = 0
    frames: int = 0
    generators: Generators = field(default_factory=Generators)

    def ready(self, tokens: Tokens) -> int:
        """How many of the notes can be assembled now: up to where a generator goes on that is made in another thread,
        whose notes are still to come.
        """
        resumes = np.flatnonzero(tokens.kind == KIND_RESUME)
        if not len(resumes):
            return tokens.used
        numbers = tokens.generator(resumes)
        made = tokens.generator(np.flatnonzero(tokens.kind == KIND_CREATE))
        strange = ~(self.generators.knows(numbers) | np.isin(numbers, made))
        return int(tokens.head[resumes[strange.argmax()]]) if strange.any() else tokens.used

    def assemble(self, thread: Thread, tokens: Tokens) -> Stretch:
        """Raises NotesError where more frames end than are open, or a generator goes on that is none."""
        return _Stretch(self, thread, tokens).assembled()


class _Stretch:
    """One run of `Assembler.assemble`. Tokens and calls are counted with the carried frames before them."""

    def __init__(self, assembler: Assembler, thread: Thread, tokens: Tokens) -> None:
        self.assembler = assembler
        self.tables = assembler.tables
        self.thread = thread
        self.tokens = tokens
        step = _HEIGHT.take(tokens.kind)
        self.calls = np.flatnonzero(step)
        """Which of the tokens that are no blocks are calls."""
        step = step.take(self.calls)
        after = thread.height + np.cumsum(step)
        lowest = min(thread.height, int(after.min(initial=thread.height)))
        if lowest < 1:
            raise NotesError("a frame ended that was not open")
        self.bottom = lowest - 1
        self.carried = thread.open(self.bottom).copy()
        self.count = self.carried.shape[1]
        enters = step > 0
        self.made = np.flatnonzero(enters) + self.count
        """Which of the calls are enters, but for the carried frames."""
        levels = np.append(np.arange(self.bottom, thread.height), after - enters)
        self.nesting = nest(np.append(np.ones(self.count, np.bool_), enters), levels)
        self.token_of = np.append(np.arange(self.count), tokens.at.take(self.calls) + self.count)
        """By call."""
        self.kind = np.append(np.zeros(self.count, np.int64), tokens.kind.take(self.calls))
        """By call; 0 for the carried frames."""

    def assembled(self) -> Stretch:
        new = self._name_frames()
        self._cut()
        start = self.next[self.count - 1 : -1]
        length = self.stop[self.count - 1 : -1] - start
        self.row = self.assembler.rows + np.cumsum(length, dtype=np.int64)
        """By token, from the last carried frame on: the rows of the trace before the one after it."""
        per_call = np.diff(self.token_of[self.count - 1 :], append=len(self.next) - 1)
        frame = self.frame.take(self.nesting.top[self.count - 1 :]).astype(np.uint32).repeat(per_call)
        kept = np.flatnonzero(length)
        pieces = np.empty((3, len(kept)), np.uint32)
        for row, values in enumerate((start.view(np.uint32), length.view(np.uint32), frame)):
            values.take(kept, out=pieces[row], mode="clip")
        frames = self._frames_made(new)
        exits, shared = self._exits_made()
        self._carry_on()
        if len(self.row):
            self.assembler.rows = int(self.row[-1])
        return Stretch(pieces, frames, exits, shared)

    def _name_frames(self) -> Ints:
        """Sets frame, code and generator by call, where it is an enter. Returns the calls that make a
        frame.
        """
        assembler, kind = self.assembler, self.kind
        self.frame, self.code, self.generator = (np.full(len(kind), -1, np.int64) for _ in range(3))
        for row, values in enumerate((self.frame, self.code, self.generator)):
            values[: self.count] = self.carried[row]
        created, resumed = np.flatnonzero(kind == KIND_CREATE), np.flatnonzero(kind == KIND_RESUME)
        new = np.flatnonzero((kind == KIND_ENTER) | (kind == KIND_CREATE))
        self.frame[new] = assembler.frames + np.arange(len(new))
        self.code[new] = self.tokens.code(self._tokens(new))
        assembler.frames += len(new)
        if len(created):
            self.generator[created] = self.tokens.generator(self._tokens(created))
            assembler.generators.add(self.generator[created], self.frame[created], self.code[created])
        if len(resumed):
            self.generator[resumed] = self.tokens.generator(self._tokens(resumed))
            try:
                self.frame[resumed], self.code[resumed] = assembler.generators.find(self.generator[resumed])
            except KeyError:
                raise NotesError("a generator goes on that was never made") from None
        return new

    def _tokens(self, calls: Ints) -> Ints:
        """The tokens of calls that are none of the carried ones, among those that are no blocks."""
        tokens: Ints = self.calls.take(calls - self.count)
        return tokens

    def _cut(self) -> None:
        """Sets, by token, the first instruction and the end of the piece after it: `next`, `stop`."""
        tables, nesting, block = self.tables, self.nesting, self.tokens.block
        self.next = np.concatenate([self.carried[_NEXT].astype(np.int32), tables.start.values.take(block)])
        self.limit = np.concatenate([self.carried[_STOP].astype(np.int32), tables.stop.values.take(block)])
        """By token: the end of the block that the frame on top is in."""
        self._call_positions()
        # Each enter leaves the frame beneath behind its call, but not before its piece begins nor beyond its
        # block's end. The block and the begin are what the token before says, unless that is an exit: then
        # the frame goes on as the enter left it that the exit has ended.
        before = self.token_of.take(nesting.enter) - 1
        told = nesting.anew | (self.token_of.take(nesting.enter - 1) != before)
        source = before.take(latest(told))
        left = self.behind.take(nesting.enter)
        first = np.flatnonzero(told)
        left[first] = np.maximum(left.take(first), self.next.take(before.take(first)))
        self.left_limit = self.limit.take(source)
        self.left = np.minimum(running_maximum(left, told), self.left_limit)
        exits = self.token_of.take(nesting.exit)
        self.next[exits] = self.left.take(nesting.ended)
        self.limit[exits] = self.left_limit.take(nesting.ended)
        self.stop = self.limit.copy()
        self.stop[before] = self.left
        self._cut_by_jumps()
        self._cut_by_exceptions()

    def _call_positions(self) -> None:
        self.behind = np.zeros(len(self.kind), np.int32)
        """By call: for an enter but the carried ones, the instruction behind the one that makes the call."""
        made = self.made
        beneath = np.empty(len(self.kind), np.int64)
        beneath[self.nesting.enter] = self.nesting.beneath
        self.parent = beneath
        """By call, for enters: the enter that brought the frame beneath."""
        code = np.maximum(self.code.take(beneath.take(made)), 0)  # of the ground, any will do
        self.behind[made] = self.tables.ends(code, self.tokens.position(self._tokens(made)))

    def _cut_by_jumps(self) -> None:
        """A jump was the last of its piece, where the block that it leads to says so."""
        if self.tables.cuts:
            cut = self.tables.cut.values.take(self.tokens.block)
            before = slice(self.count - 1, -1)
            np.maximum(cut, self.next[before], out=cut)
            np.minimum(self.stop[before], cut, out=self.stop[before])

    def _cut_by_exceptions(self) -> None:
        """The instruction that raised is the last of its piece."""
        kind = self.tokens.kind
        raised = np.flatnonzero((kind == KIND_RAISE) | (kind == KIND_UNWIND))
        if not len(raised):
            return
        token = self.tokens.at[raised] + self.count
        code = self.code[self.nesting.top[np.searchsorted(self.token_of, token) - 1]]
        behind = self.tables.ends(np.maximum(code, 0), self.tokens.position(raised))
        self.stop[token - 1] = np.minimum(np.maximum(behind, self.next[token - 1]), self.limit[token - 1])

    def _rows_before(self, calls: Ints) -> Ints:
        """Rows of the trace before the tokens of calls."""
        rows: Ints = self.row.take(self.token_of.take(calls) - self.count)
        return rows

    def _frames_made(self, new: Ints) -> dict[str, Ints]:
        parent = self.frame.take(self.parent.take(new))
        behind = self.behind.take(new)
        known = (behind > 0) & (parent != NO_FRAME)
        offset = self.tables.offset.values.take(np.maximum(behind - 1, 0)).astype(np.int64)
        return {
            "frame_id": self.frame.take(new),
            "code_id": self.code.take(new),
            "parent_id": parent,
            "call_offset": np.where(known, offset, -1),
            "thread_id": np.full(len(new), self.thread.ident, np.uint64).astype(np.int64),
            "first_row": self._rows_before(new),
        }

    def _exits_made(self) -> tuple[dict[str, Ints], Flags]:
        raised = self.kind == KIND_UNWIND
        ended = np.flatnonzero((self.kind == KIND_RETURN) | raised)
        top = self.nesting.top.take(ended - 1)
        generators = self.generator.take(top)
        shared = generators != NO_GENERATOR
        self.assembler.generators.end(generators[shared])
        exits = {
            "frame_id": self.frame.take(top),
            "row": self._rows_before(ended),
            "reason": raised.take(ended).astype(np.int64),
        }
        return exits, shared

    def _carry_on(self) -> None:
        """Hands the open frames, and what is left of their blocks, to the next stretch."""
        places = self.nesting.open
        calls = self.nesting.enter[places]
        # A frame stands where the enter above it left it; the one on top is in the piece that is not
        # finished.
        left = np.append(self.left[places[1:]], self.next[-1])
        limit = np.append(self.left_limit[places[1:]], self.limit[-1])
        frames = np.stack([self.frame[calls], self.code[calls], self.generator[calls], left, limit])
        self.thread.replace(self.bottom, frames)
