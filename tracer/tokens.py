"""Notes as they were taken, told apart: which ints are tokens, which are operands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from vmtrace.tracer.notes import CREATE, ENTER, RAISE, RESUME, RETURN, SUSPEND, UNWIND

Ints = npt.NDArray[np.int64]
Notes = npt.NDArray[np.uint32]

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


def _by_kind(default: int, values: dict[int, int]) -> Ints:
    return np.array([values.get(kind, default) for kind in range(8)])


WIDTH = _by_kind(1, {KIND_ENTER: 3, KIND_CREATE: 4, KIND_RESUME: 3, KIND_RAISE: 2, KIND_UNWIND: 2})
"""By kind: how many ints the token is."""
_POSITION = _by_kind(0, {KIND_ENTER: 2, KIND_CREATE: 2, KIND_RESUME: 2, KIND_RAISE: 1, KIND_UNWIND: 1})
"""By kind: which of them is the position."""
_LOWEST = _TWO_32 - 7


@dataclass(frozen=True, slots=True)
class Tokens:
    """A stretch of notes. `at`, `kind`, … describe the tokens that are no blocks, in order."""

    block: Ints
    """By token: the block that begins, or 0."""
    at: Ints
    """Index into `block`."""
    kind: Ints
    head: Ints
    """Index of the token's first int in the notes."""
    notes: Notes
    used: int
    """How many of the notes make whole tokens; an incomplete one at the end is left."""

    def operand(self, which: int, of: Ints) -> Ints:
        """The operand 1, 2, … of some of the tokens that are no blocks."""
        found: Ints = self.notes[self.head[of] + which].astype(np.int64)
        return found

    def position(self, of: Ints) -> Ints:
        """The position operand of some of the tokens that are no blocks."""
        found: Ints = self.notes[self.head[of] + _POSITION[self.kind[of]]].astype(np.int64)
        return found


def tell_apart(notes: Notes) -> Tokens:
    """Notes are ints modulo 2**32, tokens of a kind the highest of them, so -1 and 2**32 - 1 are both
    ENTER."""
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
    is_token = np.ones(used, np.bool_)
    for place in range(1, int(width.max())):
        is_token[head[width > place] + place] = False
    block = notes[:used][is_token].astype(np.int64)
    at = head - (np.cumsum(width - 1) - (width - 1))
    block[at] = 0
    return Tokens(block, at, kind, head, notes, used)


def _genuine(covered: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of the ints that look like tokens are tokens, given which ones lie within the reach of the one
    before.

    A position of -1 looks like ENTER and reaches further than the token that it belongs to, so what follows
    closely seems covered too: in a run of covered ones, every other is a position."""
    index = np.arange(len(covered))
    begin = np.maximum.accumulate(np.where(covered, 0, index))
    found: npt.NDArray[np.bool_] = (index - begin) % 2 == 0
    return found
