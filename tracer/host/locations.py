"""The table of a code object that says where in the source each of its instructions is from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Position = tuple[int | None, int | None, int | None, int | None]
"""Line, end line, column, end column."""
NOWHERE: Position = (None, None, None, None)


def line_table(positions: Sequence[Position], first_line: int) -> bytes:
    """Encodes a position per code unit as co_linetable (CPython: Objects/locations.md)."""
    table = bytearray()
    line = first_line
    for position, count in _runs(positions):
        for length in _lengths(count):
            start, end, column, end_column = position
            if start is None:
                table.append(0x80 | 15 << 3 | length - 1)
                continue
            if end is None or column is None or end_column is None:
                table.append(0x80 | 13 << 3 | length - 1)
                table += _varint(_signed(start - line))
            else:
                table.append(0x80 | 14 << 3 | length - 1)
                for number in (_signed(start - line), end - start, column + 1, end_column + 1):
                    table += _varint(number)
            line = start
    return bytes(table)


def _runs(positions: Sequence[Position]) -> Iterator[tuple[Position, int]]:
    count = 0
    for index, position in enumerate(positions):
        count += 1
        if index + 1 == len(positions) or positions[index + 1] != position:
            yield position, count
            count = 0


def _lengths(count: int) -> Iterator[int]:
    """An entry covers at most eight code units."""
    while count > 0:
        yield min(count, 8)
        count -= 8


def _signed(number: int) -> int:
    return -number << 1 | 1 if number < 0 else number << 1


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 64:
        encoded.append(64 | number & 63)
        number >>= 6
    encoded.append(number)
    return bytes(encoded)
