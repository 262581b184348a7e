"""Host code changed in place, unit by unit, so that it goes from block to block as the program does (see `lines`).

Jumps lead to their blocks instead of to the loop that finds a block by its number, and where a line has been told of
already stands an instruction at which CPython tells of none.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from itertools import groupby
from types import CodeType

from vmtrace.tracer.assembly import encoded, instructions
from vmtrace.tracer.host.lines import END_SEND, HEADS, JUMPS, LOADED, QUIETLY, SILENT, Chain, kind_of

NOP, JUMP_FORWARD, JUMP_BACKWARD = (dis.opmap[name] for name in ("NOP", "JUMP_FORWARD", "JUMP_BACKWARD"))
STORE = dis.opmap["STORE_FAST"]
LOADS_NUMBER = {"LOAD_CONST", "LOAD_SMALL_INT"}


def lead_directly(made: CodeType, places: Sequence[int], chains: Sequence[Chain]) -> CodeType:
    """Lets jumps to a chain (see JUMPS) lead there, instead of to the search for the chain by its number.

    There is room for that: `.at = number` and the jump are three code units or more.
    """
    heads: dict[int, int] = {}
    for run in _runs(places, HEADS):
        heads.setdefault(places[run[0]] % SILENT, run[0])
    units = bytearray(made.co_code)
    for run in _runs(places, JUMPS):
        for first, stop, number in _jumps(made, units, run):
            head = heads.get(chains[number][0])
            if head is not None:
                units[2 * first : 2 * stop] = _jump(first, head, stop - first)
    return made.replace(co_code=bytes(units))


def _jumps(made: CodeType, units: bytearray, run: range) -> Iterator[tuple[int, int, int]]:
    """The first code unit of a jump to a chain, the one behind its last, the number of the chain."""
    begin = number = -1
    for first, opcode, arg, stop in instructions(units, run.start, run.stop):
        if dis.opname[opcode] in LOADS_NUMBER:
            constant = made.co_consts[arg] if dis.opname[opcode] == "LOAD_CONST" else arg
            begin, number = first, constant if isinstance(constant, int) else -1
        elif opcode == JUMP_BACKWARD and number >= 0:
            yield begin, stop, number
            number = -1
        elif opcode not in (STORE, NOP):
            number = -1


def _jump(at: int, to: int, room: int) -> bytes:
    """A jump from one code unit to another, filled up with NOPs."""
    opcode = JUMP_FORWARD if to > at else JUMP_BACKWARD
    for extended in range(4):
        distance = abs(to - at - len(encoded(opcode, 0, extended)) // 2)
        if distance < 256 ** (extended + 1):
            break
    jump = encoded(opcode, distance, extended)
    assert len(jump) <= 2 * room, "no room for a jump"
    return jump + bytes((NOP, 0)) * (room - len(jump) // 2)


def tell_not(made: CodeType, places: list[int]) -> CodeType:
    """Makes of TELLS_NOT what CPython takes for an instruction of its line that it has told of.

    Up to 3.11 that is one behind EXTENDED_ARG, which it does not trace; from 3.12 on END_SEND, at which it tells of no
    line (of two values or three, it leaves the uppermost).
    """
    units = bytearray(made.co_code)
    for own in list(_runs(places, QUIETLY)):
        size = len(own) // sum(units[2 * unit] != dis.EXTENDED_ARG for unit in own)
        for begin in range(own[0], own[-1] + 1, size * 2 * LOADED):
            load = bytes(units[2 * begin : 2 * (begin + size)])
            store = bytes(units[2 * (begin + size) : 2 * (begin + 2 * size)])
            if END_SEND is None:
                quiet, silent = bytes((dis.EXTENDED_ARG, 1, NOP, 0)) * size, 1
            else:
                quiet = load * LOADED + bytes((NOP, 0)) * (size - 1) + bytes((END_SEND, 0)) + store
                silent = size * LOADED + size - 1
                quiet += bytes((NOP, 0)) * (2 * size * LOADED - len(quiet) // 2)
            units[2 * begin : 2 * begin + len(quiet)] = quiet
            places[begin : begin + silent] = [SILENT + places[begin] % SILENT] * silent
    return made.replace(co_code=bytes(units))


def _runs(places: Sequence[int], kind: int) -> Iterator[range]:
    """Code units in a row that are of a kind."""
    end = 0
    for place, units in groupby(places):
        start, end = end, end + sum(1 for _ in units)
        if kind_of(place) == kind:
            yield range(start, end)
