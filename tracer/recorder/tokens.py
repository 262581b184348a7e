"""Notes as they were taken, told apart: which ints are tokens, which are operands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from vmtrace.tracer.notes import CREATE, ENTER, RAISE, RESUME, RETURN, SUSPEND, UNWIND
from vmtrace.tracer.recorder.arrays import Flags, Ints, Notes

_TWO_32 = 1 << 32


def _kind(token: int) -> int:
    """1 to 7."""
    return -token % _TWO_32


KIND_ENTER, KIND_CREATE, KIND_RESUME = _kind(ENTER), _kind(CREATE), _kind(RESUME)
KIND_SUSPEND, KIND_RETURN, KIND_RAISE, KIND_UNWIND = (
    _kind(SUSPEND),
    _kind(RETURN),
    _kind(RAISE),
    _kind(UNWIND),
)


WIDTH = np.ones(8, np.int64)
"""By kind: how many ints the token is."""
WIDTH[[KIND_ENTER, KIND_CREATE, KIND_RESUME, KIND_RAISE, KIND_UNWIND]] = 3, 4, 3, 2, 2
_POSITION, _GENERATOR = np.zeros((2, 8), np.int64)
"""By kind: which int of the token it is."""
_POSITION[[KIND_ENTER, KIND_CREATE, KIND_RESUME, KIND_RAISE, KIND_UNWIND]] = 2, 2, 2, 1, 1
_GENERATOR[[KIND_CREATE, KIND_RESUME]] = 3, 1
_LOWEST = _TWO_32 - 7


@dataclass(frozen=True, slots=True)
class Tokens:
    """A stretch of notes. `at`, `kind`, … describe the tokens that are no blocks, in order."""

    block: Ints
    """By token: the block that begins, or 0. With one that is entered or made, its first may."""
    at: Ints
    """Index into `block`."""
    kind: Ints
    head: Ints
    """Index of the token's first int in the notes."""
    notes: Notes
    used: int
    """How many of the notes make whole tokens; an incomplete one at the end is left."""

    # Operands of some of the tokens that are no blocks, which must have such an operand.

    def code(self, of: Ints) -> Ints:
        """The id of the code that is entered."""
        return self._operand(of, 1)

    def position(self, of: Ints) -> Ints:
        return self._operand(of, _POSITION.take(self.kind.take(of)))

    def generator(self, of: Ints) -> Ints:
        return self._operand(of, _GENERATOR.take(self.kind.take(of)))

    def _operand(self, of: Ints, which: int | Ints) -> Ints:
        found: Ints = self.notes.take(self.head.take(of) + which).astype(np.int64)
        return found


def tell_apart(notes: Notes) -> Tokens:
    """Notes are ints modulo 2**32, and the highest are tokens of a kind: -1 and 2**32 - 1 are both ENTER."""
    head = np.flatnonzero(notes >= _LOWEST)
    kind = (np.uint32(0) - notes[head]).astype(np.int64)
    width = WIDTH[kind]
    covered = np.diff(head, prepend=-4) < np.append(0, width[:-1])
    if covered.any():
        genuine = _genuine(covered)
        head, kind, width = head[genuine], kind[genuine], width[genuine]
    used = len(notes)
    if len(head) and head[-1] + width[-1] > used:
        used = int(head[-1])
        head, kind, width = head[:-1], kind[:-1], width[:-1]
    if not len(head):
        return Tokens(notes[:used].astype(np.int64), head, kind, head, notes, used)
    operands = width - 1
    before = np.cumsum(operands) - operands
    is_token = np.ones(used, np.bool_)
    is_token[np.repeat(head + 1 - before, operands) + np.arange(operands.sum())] = False
    block = notes.take(np.flatnonzero(is_token)).astype(np.int64)
    at = head - before
    block[at] = 0
    return Tokens(block, at, kind, head, notes, used)


def _genuine(covered: Flags) -> Flags:
    """Which of the ints that look like tokens are; `covered`: those within the reach of the one before.

    A position of -1 looks like ENTER and reaches further than the token that it belongs to, so what follows
    closely seems covered too: in a run of covered ones, every other is a position.
    """
    index = np.arange(len(covered))
    begin = np.maximum.accumulate(np.where(covered, 0, index))
    found: Flags = (index - begin) % 2 == 0
    return found
