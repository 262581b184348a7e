"""Marks (see `marks`) as tokens: what rewritten code notes, told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from vmtrace.tracer.recorder.arrays import Ints, Notes
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
from vmtrace.tracer.rewritten import marks

# By mark that is no block: the kind of its token, how many operands follow it, and whether a block begins with that
# token, before it, or not at all.
_WITH, _AFTER, _ALONE = range(3)
_MARKS = {
    marks.ENTER: (KIND_ENTER, 1, _WITH),
    marks.CREATE: (KIND_CREATE, 2, _WITH),
    marks.ENTER_WAITING: (KIND_ENTER, 0, _WITH),
    marks.RETURNS: (KIND_RETURN, 0, _AFTER),
    marks.SUSPENDS: (KIND_SUSPEND, 0, _AFTER),
    marks.GOES_ON: (KIND_RESUME, 0, _ALONE),
    marks.SUSPEND: (KIND_SUSPEND, 0, _ALONE),
    marks.RETURN: (KIND_RETURN, 0, _ALONE),
    marks.RAISE: (KIND_RAISE, 1, _ALONE),
    marks.UNWIND: (KIND_UNWIND, 1, _ALONE),
    marks.RESUME: (KIND_RESUME, 2, _ALONE),
}
_NAMES = list(_MARKS)
_KIND, _OPERANDS, _PLACE = np.array(list(_MARKS.values()), np.int64).T
_FIRST_MARK, _END_OF_MARKS = np.uint32(marks.BELOW + 1), np.uint32(marks.WAITING)
"""Smaller notes are blocks that begin, greater ones blocks that wait, or operands."""
_FIRST_CONTROL = _NAMES.index(marks.SUSPEND)
_BY_HIGH_BITS = np.array(
    [_NAMES.index(high) if high in _MARKS else 0 for high in range(0, marks.WAITING, 1 << marks.SHIFT)]
)
_BY_HIGH_BITS[marks.GOES_ON >> marks.SHIFT :] = _NAMES.index(marks.GOES_ON)
_WAITED_FOR = np.array([name in (marks.GOES_ON, marks.ENTER_WAITING) for name in _NAMES])
"""By mark: whether its position is that of the block before it, which is no more than an instruction."""
_MOST_OPERANDS = 2

OfBlocks = Callable[[Ints], Ints]


@dataclass(frozen=True, slots=True)
class MarkedTokens(Tokens):
    """Tokens that were marks."""

    mark: Ints
    """Index into `_NAMES`."""
    last: int
    """The note before the first."""
    code_of: OfBlocks
    end_of: OfBlocks

    def code(self, of: Ints) -> Ints:
        return self.code_of(self.block.take(self.at.take(of)))

    def position(self, of: Ints) -> Ints:
        waited = _WAITED_FOR.take(self.mark.take(of))
        positions = self.notes.take(self.head.take(of) + 1, mode="clip").astype(np.int64)
        if waited.any():
            at = self.at.take(of[waited])
            before = np.where(at, self.block.take(at - 1), self.last & marks.BELOW)
            positions[waited] = self.end_of(before)
        return positions

    def generator(self, of: Ints) -> Ints:
        numbers = self.notes.take(self.head.take(of) + _OPERANDS.take(self.mark.take(of)))
        found: Ints = (numbers & np.uint32(marks.GENERATORS - 1)).astype(np.int64)
        return found


@dataclass
class MarkReader:
    """Tells marks apart; by block, it has to know its code's id and the offset of its last instruction."""

    code_of: OfBlocks
    end_of: OfBlocks
    _cut_off: dict[int, Notes] = field(default_factory=dict)
    """By thread: the last notes, of which one misses some of its operands yet."""

    def whole(self, thread: int, notes: Notes) -> Notes:
        """The next notes of a thread, without such as are kept for the next time."""
        if thread in self._cut_off:
            notes = np.concatenate([self._cut_off.pop(thread), notes])
        for left in range(1, min(_MOST_OPERANDS, len(notes)) + 1):
            note = notes[-left:][:1]
            if marks.BELOW < note[0] < marks.WAITING and _OPERANDS[_numbers(note)[0]] >= left:
                self._cut_off[thread] = notes[-left:]
                return notes[:-left]
        return notes

    def __call__(self, notes: Notes, last: int) -> Tokens:
        """Notes, of which the first is no operand; `last` is the one before it."""
        # A block that waits is just a block here, and at every second note of a loop there is one.
        head = np.flatnonzero(notes - _FIRST_MARK < _END_OF_MARKS - _FIRST_MARK)
        mark = _numbers(notes.take(head))
        head, mark = _without_operands(head, mark)
        used = len(notes)
        while len(head) and head[-1] + _OPERANDS[mark[-1]] >= used:
            used = int(head[-1])
            head, mark = head[:-1], mark[:-1]
        operands, place = _OPERANDS.take(mark), _PLACE.take(mark)
        # What is before it is one token to a note, but for operands and for marks that are two.
        paired = place == _AFTER
        more = paired - operands
        at = head + np.cumsum(more) - more
        at += paired
        count = np.ones(used, np.int64)
        count[head] += paired
        for operand in range(1, _MOST_OPERANDS + 1):
            count[head[operands >= operand] + operand] = 0
        block = (notes[:used] & np.uint32(marks.BELOW)).repeat(count).astype(np.int64)
        block[at[place != _WITH]] = 0
        return MarkedTokens(block, at, _KIND.take(mark), head, notes, used, mark, last, self.code_of, self.end_of)


def _numbers(notes: Notes) -> Ints:
    """Marks that are no blocks, as indices into `_NAMES`."""
    high = notes >> marks.SHIFT
    control = (notes & marks.BELOW).astype(np.int64) + _FIRST_CONTROL
    numbers: Ints = np.where(high == marks.CONTROL >> marks.SHIFT, control, _BY_HIGH_BITS.take(high))
    return numbers


def _without_operands(head: Ints, mark: Ints) -> tuple[Ints, Ints]:
    """A generator's number, which looks like GOES_ON, is an operand two behind a mark that has two."""
    numbered = np.flatnonzero(_OPERANDS.take(mark) == _MOST_OPERANDS)
    if not len(numbered):
        return head, mark
    own = np.ones(len(head), np.bool_)
    own[numbered[numbered + 1 < len(head)] + 1] = False
    return head[own], mark[own]
