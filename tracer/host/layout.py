"""Host code taken apart into its instructions, and put together again when some were added."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from types import CodeType

from vmtrace.tracer.assembly import BACKWARD, Guard, Label, Op, assemble, instructions
from vmtrace.tracer.code import exception_entries
from vmtrace.tracer.host.locations import NOWHERE

NOP = dis.opmap["NOP"]
ENDS = {
    dis.opmap[name]
    for name in ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD")
    if name in dis.opmap
}
"""Control does not fall through these."""
JUMPING = frozenset(dis.hasjrel)


def taken_apart(made: CodeType, places: Sequence[int]) -> list[Op | Label]:
    """The instructions, each of which knows its first code unit, and the labels that they, or exceptions, lead to."""
    labels = {target: Label() for target in _targets(made)}
    guards = list(_guards(made, labels))
    items: list[Op | Label] = []
    for unit, opcode, arg, stop in instructions(made.co_code):
        if unit in labels:
            items.append(labels[unit])
        while guards and guards[0][1] <= unit:
            del guards[0]
        guard = guards[0][2] if guards and guards[0][0] <= unit else None
        target = labels[_target(opcode, arg, stop)] if _leads_on(opcode, arg) else None
        if opcode == NOP and arg > 0xFF:  # see `directly.tell_not`
            items.append(Op(dis.EXTENDED_ARG, arg >> 8, None, NOWHERE, guard, places[unit], unit))
            unit, arg = stop - 1, 0
        items.append(Op(opcode, arg, target, NOWHERE, guard, places[unit], unit))
    return items


def put_together(made: CodeType, items: Sequence[Op | Label]) -> tuple[CodeType, list[int]]:
    """The code object with these instructions, and the places of its code units."""
    done = assemble(items, made.co_firstlineno)
    return made.replace(co_code=done.code, co_exceptiontable=done.exceptions), list(done.places)


def _leads_on(opcode: int, arg: int) -> bool:
    """Whether it is a jump, or a NOP whose oparg says where the frame goes on (see `delegates.delegating`)."""
    return opcode in JUMPING or (opcode == NOP and 0 < arg <= 0xFF)


def _target(opcode: int, arg: int, stop: int) -> int:
    return stop - arg if opcode in BACKWARD else stop + arg


def _targets(made: CodeType) -> Iterator[int]:
    """The code units that jumps and exceptions lead to."""
    for _, opcode, arg, stop in instructions(made.co_code):
        if _leads_on(opcode, arg):
            yield _target(opcode, arg, stop)
    for _, _, target, _ in exception_entries(made.co_exceptiontable):
        yield target


def _guards(made: CodeType, labels: dict[int, Label]) -> Iterator[tuple[int, int, Guard]]:
    """The entries of the exception table: first code unit, the one behind the last, where exceptions go."""
    for start, length, target, depth_lasti in exception_entries(made.co_exceptiontable):
        yield start, start + length, Guard(labels[target], depth_lasti >> 1, bool(depth_lasti & 1))
