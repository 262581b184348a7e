"""Host code laid out so that the lines of a chain of blocks come in the program's order (see `lines`).

The compiler writes an operand where it is used, and what is called before its operands, while CPython has told of the
line of each where the program evaluates it: so what only puts a value on the stack is counted to the instruction before
or behind it, and NOPs stand for the lines that are left without any instruction.
"""

from __future__ import annotations

import dis
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType

from vmtrace.tracer.assembly import Label, Op
from vmtrace.tracer.assembly import instructions as listed_units
from vmtrace.tracer.code import Instruction
from vmtrace.tracer.host.layout import ENDS, put_together, taken_apart
from vmtrace.tracer.host.lines import HEADS, NEVER_TELLS, SILENT, Chain, begins_frame, kind_of
from vmtrace.tracer.host.locations import NOWHERE

NOP, STORE = dis.opmap["NOP"], dis.opmap["STORE_FAST"]


def _numbers(pattern: str) -> frozenset[int]:
    return frozenset(number for name, number in dis.opmap.items() if number < 256 and re.fullmatch(pattern, name))


ONLY_LOADS = _numbers(
    "LOAD_(FAST(?!_CHECK)|CONST|SMALL_INT|COMMON_CONSTANT).*|PUSH_NULL|COPY|SWAP|NOT_TAKEN|KW_NAMES|BUILD_(LIST|TUPLE)"
)
BUILDS = _numbers("BUILD_(MAP|SET)")
PREPARES = _numbers("LOAD_(ATTR|METHOD)|LIST_EXTEND|LIST_TO_TUPLE|CALL_INTRINSIC_1|DICT_MERGE")
"""Parts of a call that is made of several instructions, which surround its operands."""


def tell_in_order(
    made: CodeType, places: list[int], chains: Sequence[Chain], instructions: Sequence[Instruction]
) -> tuple[CodeType, list[int]]:
    """Has every line told of where the program has it. Returns the code, and its places."""
    ranges = dict(chains)
    listed = [
        _Placed(first, stop, opcode, arg, places[first], arg >= made.co_nlocals)
        for first, opcode, arg, stop in listed_units(made.co_code)
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
        if self.place < SILENT:
            return self.place
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
    items: list[Op | Label] = []
    for item in taken_apart(made, places):
        if isinstance(item, Op):
            items += [Op(NOP, 0, None, NOWHERE, item.guard, place) for place in missing.get(item.start, ())]
        items.append(item)
    return put_together(made, items)
