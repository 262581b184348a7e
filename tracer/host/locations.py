"""The table of a code object that says where in the source each of its instructions is from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

Position = tuple[int | None, int | None, int | None, int | None]
"""Line, end line, column, end column."""
NOWHERE: Position = (None, None, None, None)
NO_COLUMNS, LONG, NONE = 13, 14, 15
"""Kinds of entries (CPython: Objects/locations.md): line only, all four numbers, nothing."""
LONGEST = 8
"""Code units that an entry covers at most."""


def location_table(positions: Iterable[Position], line: int, reach: int = LONGEST) -> bytes:
    """Encodes a position per code unit as co_linetable.

    `line` is the code object's first; an entry covers no more than `reach` code units.
    """
    return bytes(_entries(positions, line, reach))


def _entries(positions: Iterable[Position], line: int, reach: int) -> Iterator[int]:
    """A head byte (kind, length), then numbers of six bits a byte, lowest first; lines relative to the one before."""
    for (here, end, column, end_column), units in groupby(positions):
        length = len(list(units))
        for start in range(0, length, reach):
            head = min(reach, length - start) - 1
            if here is None:
                yield 0x80 | NONE << 3 | head
                continue
            step, line = here - line, here
            if column is None or end_column is None or end is None:
                yield 0x80 | NO_COLUMNS << 3 | head
                yield from _signed_varint(step)
            else:
                yield 0x80 | LONG << 3 | head
                yield from _signed_varint(step)
                for number in (end - here, column + 1, end_column + 1):
                    yield from _varint(number)


def _varint(number: int) -> Iterator[int]:
    while number > 63:
        yield number & 63 | 64
        number >>= 6
    yield number


def _signed_varint(number: int) -> Iterator[int]:
    return _varint(-number << 1 | 1 if number < 0 else number << 1)
