"""Makes host code tell the lines of the program: those that CPython tells a trace function of, in that order.

CPython tells of a line where an instruction is of another line than the one executed before it, and where a jump leads
back within a line (3.11), or where such an instruction begins a line in the table or is jumped to (from 3.12 on). So

- what the host does between two instructions is of the line of either,
- a jump from a block to another leads there directly, from the instruction that jumps to the first of the other block,
  and back where it does so in the program,
- where the host has nothing to do for a line, as it reads a variable or a constant only when it is used, stands a NOP.
"""

from __future__ import annotations

import dis
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import CodeType

from vmtrace.tracer.assembly import BACKWARD, CACHES, Guard, Label, Op, assemble
from vmtrace.tracer.code import Instruction, varints
from vmtrace.tracer.host.locations import NOWHERE

SILENT = 1_000_000
"""From here on lines stand for the same instructions as those from 0 on, but the program is told of no line there:
for what the host does besides, in which a trace function is not to see the frame."""
RERAISES = 2 * SILENT
"""The line of statements that raise an exception as it is; further on, those that stand for an instruction, too."""
HEADS = 3 * SILENT
"""Lines of the NOPs at which chains of blocks begin: they stand for the first instruction."""
NOTES = 4 * SILENT
"""Lines of what notes that a block begins: it stands for its first instruction, too."""
JUMPS = 5 * SILENT
"""Lines of jumps to a chain by its number, that are to lead there directly."""

QUIETLY = 6 * SILENT
"""Lines of statements, TELLS_NOT, after which the line of the instruction that they stand for is not told of."""
END_SEND = dis.opmap.get("END_SEND")
LOADED = 1 if END_SEND is None else 1 - dis.stack_effect(END_SEND)
"""How many values are loaded by TELLS_NOT."""
TELLS_NOT = "_quiet = _quiet\n" * LOADED

NOP, JUMP_FORWARD, JUMP_BACKWARD = (dis.opmap[name] for name in ("NOP", "JUMP_FORWARD", "JUMP_BACKWARD"))
STORE = dis.opmap["STORE_FAST"]
LOADS_NUMBER = {"LOAD_CONST", "LOAD_SMALL_INT"}


def _numbers(pattern: str) -> frozenset[int]:
    return frozenset(number for name, number in dis.opmap.items() if number < 256 and re.fullmatch(pattern, name))


ONLY_LOADS = _numbers(
    "LOAD_(FAST(?!_CHECK)|CONST|SMALL_INT|COMMON_CONSTANT).*|PUSH_NULL|COPY|SWAP|NOT_TAKEN|KW_NAMES|BUILD_(LIST|TUPLE)"
)
BUILDS = _numbers("BUILD_(MAP|SET)")
PREPARES = _numbers("LOAD_(ATTR|METHOD)|LIST_EXTEND|LIST_TO_TUPLE|CALL_INTRINSIC_1|DICT_MERGE")
"""Parts of a call that is made of several instructions, which surround its operands."""
ENDS = {
    dis.opmap[name]
    for name in ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD")
    if name in dis.opmap
}
"""Control does not fall through these."""
NEVER_TELLS = frozenset(
    {"RESUME"} | ({"END_FOR", "END_SEND", "END_ASYNC_FOR", "POP_ITER"} if END_SEND is not None else set())
)
"""CPython tells of no line at these, some of which it jumps over itself."""

ENTERED_QUIETLY = NEVER_TELLS - {"RESUME"} | {"SEND"}
"""Nor where it jumps to these; it tells of the jump back to SEND at no time."""


def untold(instructions: Sequence[Instruction]) -> set[int]:
    """Instructions at which no line is told of, though it is another than that of the one executed before: no jump
    leads there, and they go on with a line that some of NEVER_TELLS have interrupted."""
    if END_SEND is None:
        return set()
    targets = {n for i in instructions for n in (i.target, i.handler) if n is not None}
    found: set[int] = set()
    line, interrupted = None, False
    for i in instructions:
        if begins_frame(i):
            line = None
        if i.name in NEVER_TELLS:
            interrupted = True
            continue
        if interrupted and i.index not in targets and i.position[0] == line is not None:
            found.add(i.index)
        line, interrupted = i.position[0], False
    return found


Chain = tuple[int, int]
"""Its first instruction, and the one behind its last."""


def begins_frame(i: Instruction) -> bool:
    """Whether it is the RESUME behind which the first line is told of, whichever that is."""
    return i.name == "RESUME" and not i.arg & 3


def kind_of(place: int) -> int:
    """0 for what stands for an instruction, else SILENT, HEADS, NOTES, JUMPS or QUIETLY."""
    return place // SILENT * SILENT if place >= SILENT else 0


def lead_directly(made: CodeType, places: Sequence[int], chains: Sequence[Chain]) -> CodeType:
    """Lets jumps to a chain (see JUMPS) lead there, instead of to the search for the chain by its number.

    There is room for that: `.at = number` and the jump are three code units or more.
    """
    heads: dict[int, int] = {}
    for unit, place in enumerate(places):
        if kind_of(place) == HEADS:
            heads.setdefault(place % SILENT, unit)
    units = bytearray(made.co_code)
    for kind, run in groupby(range(len(places)), lambda unit: kind_of(places[unit])):
        if kind == JUMPS:
            for first, stop, number in _jumps(made, units, list(run)):
                head = heads.get(chains[number][0])
                if head is not None:
                    units[2 * first : 2 * stop] = _jump(first, head, stop - first)
    return made.replace(co_code=bytes(units))


def _jumps(made: CodeType, units: bytearray, run: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """The first code unit of a jump to a chain, the one behind its last, the number of the chain."""
    first, number, extended = run[0], -1, 0
    unit = run[0]
    while unit <= run[-1]:
        opcode, arg = units[2 * unit], units[2 * unit + 1] | extended << 8
        stop = unit + 1 + CACHES.get(opcode, 0)
        extended = arg if opcode == dis.EXTENDED_ARG else 0
        if dis.opname[opcode] in LOADS_NUMBER:
            first = _with_extensions(units, unit)
            constant = made.co_consts[arg] if dis.opname[opcode] == "LOAD_CONST" else arg
            number = constant if isinstance(constant, int) else -1
        elif opcode == JUMP_BACKWARD and number >= 0:
            yield first, stop, number
            number = -1
        elif opcode not in (STORE, NOP, dis.EXTENDED_ARG):
            number = -1
        unit = stop


def _with_extensions(units: bytearray, unit: int) -> int:
    while unit and units[2 * unit - 2] == dis.EXTENDED_ARG:
        unit -= 1
    return unit


def _jump(at: int, to: int, room: int) -> bytes:
    """A jump from one code unit to another, filled up with NOPs."""
    opcode = JUMP_FORWARD if to > at else JUMP_BACKWARD
    for extended in range(4):
        stop = at + extended + 1 + CACHES[opcode]
        distance = abs(to - stop)
        if distance < 256 ** (extended + 1):
            break
    jump = b"".join(bytes((dis.EXTENDED_ARG, distance >> 8 * n & 0xFF)) for n in range(extended, 0, -1))
    jump += bytes((opcode, distance & 0xFF)) + bytes(2 * CACHES[opcode])
    assert len(jump) <= 2 * room, "no room for a jump"
    return jump + bytes((NOP, 0)) * (room - len(jump) // 2)


def tell_not(made: CodeType, places: list[int]) -> CodeType:
    """Makes of TELLS_NOT what CPython takes for an instruction of its line that it has told of.

    Up to 3.11 that is one behind EXTENDED_ARG, which it does not trace; from 3.12 on END_SEND, at which it tells of no
    line (of two values or three, it leaves the uppermost).
    """
    units = bytearray(made.co_code)
    for kind, run in groupby(range(len(places)), lambda unit: kind_of(places[unit])):
        if kind != QUIETLY:
            continue
        own = list(run)
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


def tell_in_order(
    made: CodeType, places: list[int], chains: Sequence[Chain], instructions: Sequence[Instruction]
) -> tuple[CodeType, list[int]]:
    """Has every line told of where the program has it. Returns the code, and its places."""
    ranges = dict(chains)
    listed = [
        _Placed(first, stop, opcode, arg, places[first], arg >= made.co_nlocals)
        for first, opcode, arg, stop in _instructions(made.co_code)
    ]
    heads = [n for n, i in enumerate(listed) if kind_of(i.place) == HEADS]
    missing: dict[int, list[int]] = {}
    for begin, end in zip(heads, [*heads[1:], len(listed)], strict=True):
        first = listed[begin].place % SILENT
        own = [i for i in listed[begin:end] if first <= i.told < ranges.get(first, 0)]
        own = own[: _length(own)]
        _put_in_order(own)
        for i in own:
            places[i.first : i.stop] = [i.place] * (i.stop - i.first)
        missing |= _missing(own, first, instructions)
    return _with_nops(made, places, missing) if missing else (made, places)


@dataclass(slots=True)
class _Placed:
    """An instruction of host code: its first code unit, the one behind it, its place."""

    first: int
    stop: int
    opcode: int
    arg: int
    place: int
    ours: bool
    """Whether a variable with this oparg as its index is one of ours."""

    @property
    def told(self) -> int:
        """The instruction whose line is told of there; -1 for none."""
        return -1 if kind_of(self.place) == SILENT else self.place % SILENT

    @property
    def only_makes(self) -> bool:
        """Whether it does no more than to put a value on the stack, or into a variable of ours, unseen by anyone."""
        return (
            self.opcode in ONLY_LOADS
            or (self.opcode in BUILDS and not self.arg)
            or (self.opcode == STORE and self.ours)
        )

    @property
    def prepares(self) -> bool:
        """Whether it may be a part of something larger that comes before its operands."""
        return self.only_makes or self.opcode in PREPARES


def _length(own: Sequence[_Placed]) -> int:
    """How many of a chain's instructions are straight: the compiler puts handlers of exceptions at the end."""
    last = max((i.told for i in own), default=0)
    for count, i in enumerate(own, 1):
        if i.told == last and i.opcode in ENDS:
            return count
    return len(own)


def _put_in_order(own: Sequence[_Placed]) -> None:
    """Has what only puts a value on the stack be part of the instruction before or behind it: it may come from an
    earlier one, and be read only now, or be what a later one calls."""
    _lower(own, [i for i in own if not i.only_makes])
    most = 0
    for i in own:
        if i.only_makes:
            i.place += max(0, most - i.told)
        else:
            most = max(most, i.told)
    _lower(own, own)


def _lower(own: Sequence[_Placed], before: Sequence[_Placed]) -> None:
    """Has what may come before the operands be no later than any of those that it is to be `before`."""
    limits = {id(i) for i in before}
    least = own[-1].told if own else 0
    for i in reversed(own):
        lowered = min(least, i.told)
        if i.prepares:
            i.place += lowered - i.told
        if id(i) in limits:
            least = lowered


def _missing(own: Sequence[_Placed], first: int, instructions: Sequence[Instruction]) -> dict[int, list[int]]:
    """By code unit of a chain: the instructions that stand for the lines that are to be told of before it."""
    found: dict[int, list[int]] = {}
    before = first
    for placed in own:
        place = placed.told
        if place <= before:
            continue
        line, told = instructions[before].position[0], []
        for i in instructions[before + 1 : place]:
            if begins_frame(i):
                line = None
            elif i.position[0] != line and i.name not in NEVER_TELLS:
                line = i.position[0]
                told.append(i.index)
        if told and line == instructions[place].position[0]:
            told.pop()
        if told:
            found[placed.first] = told
        before = place
    return found


def _with_nops(made: CodeType, places: Sequence[int], missing: dict[int, list[int]]) -> tuple[CodeType, list[int]]:
    """The code with NOPs before some of its code units: what jumps there comes by them."""
    units = made.co_code
    labels = {target: Label() for target in _targets(made)}
    guards = list(_guards(made, labels))
    items: list[Op | Label] = []
    for unit, opcode, arg, stop in _instructions(units):
        if unit in labels:
            items.append(labels[unit])
        while guards and guards[0][1] <= unit:
            del guards[0]
        guard = guards[0][2] if guards and guards[0][0] <= unit else None
        items += [Op(NOP, 0, None, NOWHERE, guard, place) for place in missing.get(unit, ())]
        target = labels[_target(opcode, arg, stop)] if _leads_on(opcode, arg) else None
        if opcode == NOP and arg > 0xFF:  # see `tell_not`
            items.append(Op(dis.EXTENDED_ARG, arg >> 8, None, NOWHERE, guard, places[unit]))
            unit, arg = stop - 1, 0
        items.append(Op(opcode, arg, target, NOWHERE, guard, places[unit]))
    done = assemble(items, made.co_firstlineno)
    changed = made.replace(co_code=done.code, co_exceptiontable=done.exceptions)
    return changed, list(done.places)


JUMPING = frozenset(dis.hasjrel)


def _instructions(units: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Of each: its first code unit, EXTENDED_ARGs included, its opcode and oparg, the code unit behind it."""
    first = unit = arg = 0
    while 2 * unit < len(units):
        opcode, arg = units[2 * unit], arg << 8 | units[2 * unit + 1]
        unit += 1 + CACHES[opcode]
        if opcode != dis.EXTENDED_ARG:
            yield first, opcode, arg, unit
            first, arg = unit, 0


def _leads_on(opcode: int, arg: int) -> bool:
    """Whether it is a jump, or a NOP whose oparg says where the frame goes on (see `delegates.delegating`)."""
    return opcode in JUMPING or (opcode == NOP and 0 < arg <= 0xFF)


def _target(opcode: int, arg: int, stop: int) -> int:
    return stop - arg if opcode in BACKWARD else stop + arg


def _targets(made: CodeType) -> Iterator[int]:
    """The code units that jumps and exceptions lead to."""
    for _, opcode, arg, stop in _instructions(made.co_code):
        if _leads_on(opcode, arg):
            yield _target(opcode, arg, stop)
    numbers = varints(made.co_exceptiontable)
    for _, _, target, _ in zip(numbers, numbers, numbers, numbers, strict=False):
        yield target


def _guards(made: CodeType, labels: dict[int, Label]) -> Iterator[tuple[int, int, Guard]]:
    """The entries of the exception table: first code unit, the one behind the last, where exceptions go."""
    numbers = varints(made.co_exceptiontable)
    for start, length, target, depth in zip(numbers, numbers, numbers, numbers, strict=False):
        yield start, start + length, Guard(labels[target], depth >> 1, bool(depth & 1))
