"""Puts a code object's instructions together again after others were added between them.

Instructions are `Op`s with `Label`s between them; jumps name labels, and what an instruction raises goes to its
`guard`. `assemble` lays them out and writes the tables that belong to the layout: exceptions, positions.
(The `bytecode` package does more than that, several times slower: it takes apart what is here left alone.)
"""

from __future__ import annotations

import dis
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from vmtrace.tracer.host.locations import Position, location_table
from vmtrace.tracer.units import CACHE_ENTRIES

EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
BACKWARD = {number for name, number in dis.opmap.items() if "JUMP_BACKWARD" in name}
if "POP_JUMP_BACKWARD_IF_TRUE" in dis.opmap:
    BACKWARD |= {number for name, number in dis.opmap.items() if name.startswith("POP_JUMP_BACKWARD")}


class Label:
    """A place between two instructions."""

    __slots__ = ("unit",)

    def __init__(self) -> None:
        self.unit = -1


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """Where an exception goes: the stack is cut to `depth`, then lasti (if asked for) and the exception are pushed."""

    handler: Label
    depth: int
    lasti: bool = True


@dataclass(slots=True, eq=False)
class Op:
    """One instruction of the layout; EXTENDED_ARGs and inline caches come by themselves."""

    opcode: int
    arg: int
    target: Label | None
    position: Position
    guard: Guard | None
    place: int
    """What `Assembled.places` says of its code units."""
    start: int = 0
    """Its first code unit, EXTENDED_ARG included."""
    extended: int = 0
    """How many EXTENDED_ARGs it needs."""

    @property
    def stop(self) -> int:
        return self.start + self.extended + 1 + CACHE_ENTRIES[self.opcode]


@dataclass(frozen=True, slots=True)
class Assembled:
    code: bytes
    exceptions: bytes
    lines: bytes
    places: tuple[int, ...]
    """`Op.place` by code unit."""


def assemble(items: Sequence[Op | Label], firstlineno: int, reach: int = 7) -> Assembled:
    """Lays instructions out one after the other.

    `reach`: how many code units an entry of the location table covers at most, up to 8. The compiler's always reach as
    far as they can: so by a lower number its tables can be told from ours, and ours from each other.
    """
    while not _settle(items):
        pass
    ops = [item for item in items if isinstance(item, Op)]
    return Assembled(
        code=b"".join(encoded(op.opcode, op.arg, op.extended) for op in ops),
        exceptions=exception_table(_guarded(ops)),
        lines=location_table((op.position for op in ops for _ in range(op.start, op.stop)), firstlineno, reach),
        places=tuple(op.place for op in ops for _ in range(op.start, op.stop)),
    )


def _settle(items: Sequence[Op | Label]) -> bool:
    """Gives every instruction its place and every jump its distance; False if one outgrew its EXTENDED_ARGs."""
    unit = 0
    for item in items:
        if isinstance(item, Label):
            item.unit = unit
        else:
            item.start = unit
            unit = item.stop
    settled = True
    for item in items:
        if isinstance(item, Label):
            continue
        if item.target is not None:
            distance = item.target.unit - item.stop
            item.arg = -distance if item.opcode in BACKWARD else distance
            assert item.arg >= 0, "a jump changed its direction"
        needed = max(0, (item.arg.bit_length() - 1) // 8)
        if needed > item.extended:
            item.extended = needed
            settled = False
    return settled


def encoded(opcode: int, arg: int, extended: int) -> bytes:
    """The code units of an instruction with so many EXTENDED_ARGs."""
    units = bytearray()
    for shift in range(8 * extended, 0, -8):
        units += bytes((EXTENDED_ARG, arg >> shift & 0xFF))
    units += bytes((opcode, arg & 0xFF))
    return bytes(units + bytes(2 * CACHE_ENTRIES[opcode]))


def instructions(units: bytes | bytearray, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, ...]]:
    """Of each between two code units: its first code unit, EXTENDED_ARGs included, its opcode and oparg, the code unit
    behind it."""
    first, unit, arg = start, start, 0
    stop = len(units) // 2 if stop is None else stop
    while unit < stop:
        opcode, arg = units[2 * unit], arg << 8 | units[2 * unit + 1]
        unit += 1 + CACHE_ENTRIES[opcode]
        if opcode != EXTENDED_ARG:
            yield first, opcode, arg, unit
            first, arg = unit, 0


def _guarded(ops: Iterable[Op]) -> Iterator[tuple[int, ...]]:
    """The entries of the exception table."""
    for guard, run in groupby(ops, lambda op: op.guard):
        if guard is not None:
            covered = list(run)
            start, stop = covered[0].start, covered[-1].stop
            yield start, stop - start, guard.handler.unit, guard.depth << 1 | guard.lasti


def exception_table(entries: Iterable[tuple[int, ...]]) -> bytes:
    """A co_exceptiontable of entries of start, length, handler (in code units), depth << 1 | lasti; a start has bit 7
    set."""
    table = bytearray()
    for entry in entries:
        begin = len(table)
        for number in entry:
            table += bytes(_big_varint(number))
        table[begin] |= 0x80
    return bytes(table)


def _big_varint(number: int) -> list[int]:
    """Six bits a byte, highest first; bit 6 says that more follow."""
    digits = [number & 63]
    while number := number >> 6:
        digits.append(number & 63 | 64)
    return digits[::-1]
