"""The static facts of all recorded code, as flat arrays: what rows are looked up in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from vmtrace.tracer.recorder.arrays import Ints, Numbers
from vmtrace.tracer.recorder.facts import CodeFacts

_NO_CUT = np.iinfo(np.int32).max


class Growing:
    """An array that grows at its end, in amortised constant time per element."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._room = np.zeros(1024, dtype)
        self.values: npt.NDArray[Any] = self._room[:0]
        """What it holds now: a view, good until it grows."""

    def __len__(self) -> int:
        return len(self.values)

    def extend(self, new: npt.ArrayLike) -> None:
        added = np.asarray(new, self._room.dtype)
        start = len(self.values)
        stop = start + len(added)
        if stop > len(self._room):
            bigger = np.zeros(2 * stop, self._room.dtype)
            bigger[:start] = self.values
            self._room = bigger
        self._room[start:stop] = added
        self.values = self._room[:stop]


class Tables:
    """Instructions are numbered through all codes, in the order in which codes become known.

    By instruction: `offset`, `code`, and `facts`, to be looked up at once: offset | stack depth << 32 | opcode << 48.
    By block: `start`, `stop`, `cut` (instruction numbers; see `Span`; no cut is one beyond all of them);
    block 0 is empty and stands for "no block".
    Codes and blocks must come in the order of their ids."""

    def __init__(self) -> None:
        self.facts = Growing(np.uint64)
        self.offset = Growing(np.uint32)
        self.code = Growing(np.uint32)
        self.start = Growing(np.int32)
        self.stop = Growing(np.int32)
        self.cut = Growing(np.int32)
        self.cuts = False
        """Whether any block has one."""
        self._first = Growing(np.int32)
        """By code: the number of its first instruction."""
        self._ends = Growing(np.int32)
        """By place: the number of the instruction there + 1, or 0 where there is none. A code has places for
        the code units of its host code; the last, for positions beyond them, holds 0."""
        self._first_place = Growing(np.int32)
        self._places = Growing(np.int32)
        self.start.extend([0])
        self.stop.extend([0])
        self.cut.extend([_NO_CUT])

    def add(self, facts: CodeFacts) -> None:
        """Take a code in. Its positions are offsets in itself until `locate` says otherwise."""
        first = len(self.offset)
        columns = facts["instructions"]
        rows = zip(columns["offset"], columns["stack_depth"], facts["opcodes"], strict=True)
        self.facts.extend([offset | (depth or 0) << 32 | opcode << 48 for offset, depth, opcode in rows])
        self.offset.extend(columns["offset"])
        self.code.extend(columns["code_id"])
        start, stop, cut = np.asarray(facts["blocks"], np.int64).reshape(-1, 3).T
        self.start.extend(start + first)
        self.stop.extend(stop + first)
        self.cut.extend(np.where(cut, cut + first, _NO_CUT))
        self.cuts |= bool(cut.any())
        self._first.extend([first])
        self._first_place.extend([0])
        self._places.extend([0])
        # A CACHE entry belongs to the instruction before it.
        units = np.searchsorted(np.asarray(columns["offset"]), 2 * np.arange(facts["units"]), "right") - 1
        self.locate(columns["code_id"][0], units)

    def locate(self, code_id: int, instructions: Sequence[int] | npt.NDArray[Any]) -> None:
        """By code unit of the host code, the index of the instruction of the code; -1 where there is none."""
        indices = np.asarray(instructions, np.int64)
        self._first_place.values[code_id] = len(self._ends)
        self._places.values[code_id] = len(indices)
        self._ends.extend(np.append(np.where(indices < 0, 0, indices + self._first.values[code_id] + 1), 0))

    def code_of_block(self, blocks: Ints) -> Ints:
        """The ids of the codes that blocks are of."""
        found: Ints = self.code.values.take(self.start.values.take(blocks)).astype(np.int64)
        return found

    def end_of_block(self, blocks: Ints) -> Ints:
        """The offsets of the last instructions of blocks."""
        found: Ints = self.offset.values.take(self.stop.values.take(blocks) - 1).astype(np.int64)
        return found

    def ends(self, code_ids: Ints, positions: Ints) -> Numbers:
        """The number of the instruction behind the one at a position (f_lasti) of a code's host; 0: there is
        none."""
        if not len(code_ids):
            return np.zeros(0, np.int32)
        units = np.minimum(positions >> 1, self._places.values.take(code_ids))
        units += self._first_place.values.take(code_ids)
        found: Numbers = self._ends.values.take(units)
        return found


def transpose(rows: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    """Rows to columns."""
    rows = list(rows)
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
