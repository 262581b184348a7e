"""The notes that rewritten code takes, and how they read in the words of `notes`.

A note costs the program some 3 ns to take and 15 to copy, so one int says as much as is known beforehand. Every int
is below 2**30, where CPython computes fastest. The highest bits say what it is, the others are a block, b, or a
generator's number, n:

    b                        block b begins
    ENTER | b, pos           a frame is entered; b is its first block
    CREATE | b, pos, GOES_ON | n   a generator is made; b is its first block
    CONTROL | RESUME, pos, GOES_ON | n   a generator goes on
    CONTROL | SUSPEND, …     as in `notes`
    RETURNS | b              block b begins, and returns without entering anything
    SUSPENDS | b             block b begins, and yields without entering anything
    WAITING | b              block b begins, which is no more than an instruction that may enter a generator
    GOES_ON | n              right after it: a generator goes on there
    ENTER_WAITING | b        right after it: a frame is entered there; b is its first block

`pos` is the offset of an instruction of the program, not of the rewritten code.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from vmtrace.tracer import notes as words

SHIFT = 24
BELOW = (1 << SHIFT) - 1
"""No block is higher, and no offset."""
ENTER, CREATE, CONTROL, RETURNS, SUSPENDS, ENTER_WAITING = (kind << SHIFT for kind in range(1, 7))
SUSPEND, RETURN, RAISE, UNWIND, RESUME = (CONTROL | number for number in range(5))
GOES_ON = 1 << 28
GENERATORS = 1 << 28
"""Numbers of generators are below; after that they begin anew."""
WAITING = 3 << 28
"""No other note is as high."""

Notes = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]

BLOCK, CODE, END, POS, NUMBER = "block", "its code", "end of the block before", "position", "generator"
SPELLING: dict[int, tuple[int | str, ...]] = {
    SUSPEND: (words.SUSPEND,),
    RETURN: (words.RETURN,),
    RAISE: (words.RAISE, POS),
    UNWIND: (words.UNWIND, POS),
    RESUME: (words.RESUME, NUMBER, POS),
    ENTER: (words.ENTER, CODE, POS, BLOCK),
    CREATE: (words.CREATE, CODE, POS, NUMBER, BLOCK),
    RETURNS: (BLOCK, words.RETURN),
    SUSPENDS: (BLOCK, words.SUSPEND),
    ENTER_WAITING: (words.ENTER, CODE, END, BLOCK),
    GOES_ON: (words.RESUME, NUMBER, END),
}
_MARKS = list(SPELLING)
_OPERANDS = np.array([(POS in spelt) + (POS in spelt and NUMBER in spelt) for spelt in SPELLING.values()])
_LENGTH = np.array([len(spelt) for spelt in SPELLING.values()])
_KIND = np.array([_MARKS.index(kind) if kind in _MARKS else 0 for kind in range(0, WAITING, 1 << SHIFT)])
_KIND[GOES_ON >> SHIFT :] = _MARKS.index(GOES_ON)
"""Index into the above by the bits from SHIFT up, up to WAITING; control marks come first, by the bits below."""


class Speller:
    """Spells out the notes of threads, a stretch after the other."""

    def __init__(self, code_of: Callable[[Ints], Ints], end_of: Callable[[Ints], Ints]) -> None:
        """By block: its code's id, and the offset of its last instruction."""
        self._code_of, self._end_of = code_of, end_of
        self._left: dict[int, Notes] = {}
        """By thread: the last note told, and those after it that make no whole token yet."""

    def __call__(self, thread: int, notes: Notes) -> Notes:
        """More notes of a thread, in the words of `notes`; what is not complete at their end is kept."""
        before = self._left.get(thread, np.zeros(1, np.uint32))
        given = np.concatenate([before, notes])
        spelt, used = self._spell_out(given[1:], given)
        self._left[thread] = given[used:]
        return spelt

    def _spell_out(self, notes: Notes, before: Notes) -> tuple[Notes, int]:
        """`before`: by note, the one before it. Also returns how many were used."""
        # No operand is as high as WAITING, and at every second note of a loop it is only a block that begins.
        notes = np.where(notes >= WAITING, notes & np.uint32(BELOW), notes)
        heads = np.flatnonzero(notes > BELOW)
        if not len(heads):
            return notes, len(notes)
        kind = self._kinds(notes.take(heads))
        told = before.take(np.maximum(heads, 1) - 1)  # two before it
        operand = (told == RESUME) | (told >> SHIFT == CREATE >> SHIFT)
        if operand.any():
            heads, kind = heads[~operand], kind[~operand]
        used = len(notes)
        if len(heads) and heads[-1] + 1 + _OPERANDS[kind[-1]] > used:
            used = int(heads[-1])
            heads, kind = heads[:-1], kind[:-1]
        more = _LENGTH[kind] - _OPERANDS[kind] - 1
        count = np.ones(used, np.int64)
        count[heads] += more
        spelt = np.repeat(notes[:used], count)
        at = heads + np.cumsum(more) - more
        for number in np.flatnonzero(np.bincount(kind, minlength=len(_MARKS))):
            of = np.flatnonzero(kind == number)
            head = heads[of]
            for place, what in enumerate(SPELLING[_MARKS[number]]):
                spelt[at[of] + place] = self._meant(what, notes, before, head, int(_OPERANDS[number]))
        return spelt, used

    def _kinds(self, heads: Notes) -> Ints:
        high = heads >> SHIFT
        kinds: Ints = np.where(high == CONTROL >> SHIFT, heads & BELOW, _KIND.take(high))
        return kinds

    def _meant(self, what: int | str, notes: Notes, before: Notes, head: Ints, operands: int) -> Notes:
        if what == POS:
            return notes[head + 1]
        if what == NUMBER:
            return notes[head + operands] & np.uint32(GENERATORS - 1)
        if what == END:
            return self._end_of((before[head] & BELOW).astype(np.int64)).astype(np.uint32)
        block = notes[head] & np.uint32(BELOW)
        if what == CODE:
            return self._code_of(block.astype(np.int64)).astype(np.uint32)
        return block if what == BLOCK else np.full(len(head), what, np.int64).astype(np.uint32)
