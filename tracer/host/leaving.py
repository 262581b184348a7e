"""Host code whose exception handlers are left where the program leaves them.

Up to 3.12, the compiler writes the end of an `except` once, at no line, and every `break` out of it jumps there. But
that is where the handled exception may die, and with it what its frames hold: what is called then is to see the frame
stand at the POP_EXCEPT that it has come to, and is called after that, not before. So each of them gets an end of its
own, as it does from 3.13 on.
"""

from __future__ import annotations

import dis
from collections.abc import Sequence
from dataclasses import replace
from types import CodeType

from vmtrace.tracer.assembly import Label, Op
from vmtrace.tracer.host.layout import ENDS, put_together, taken_apart
from vmtrace.tracer.host.lines import SILENT, kind_of
from vmtrace.tracer.host.locations import NOWHERE

POP_EXCEPT, NOP = dis.opmap["POP_EXCEPT"], dis.opmap["NOP"]
JUMP_FORWARD, JUMP_BACKWARD = dis.opmap["JUMP_FORWARD"], dis.opmap["JUMP_BACKWARD"]
LETS_GO = {dis.opmap[name] for name in ("LOAD_CONST", "STORE_FAST", "NOP")}
"""What follows a POP_EXCEPT: `except … as` lets go of its variable."""


def leave_apart(made: CodeType, places: list[int]) -> tuple[CodeType, list[int]]:
    """Has the end of a handler be of each instruction that leads there. Returns the code, and its places."""
    items = taken_apart(made, places)
    ends = {item: end for n, item in enumerate(items) if isinstance(item, Label) and (end := _end(items, n + 1))}
    if not ends:
        return made, places
    own: dict[tuple[Label, int], Label] = {}
    laid: list[Op | Label] = []
    before: Op | None = None
    for item in items:
        if isinstance(item, Op):
            if item.target in ends and item.opcode == JUMP_FORWARD and item.place < SILENT:
                item.target = own.setdefault((item.target, item.place), Label())
            before = item
        elif item in ends and before is not None and before.opcode not in ENDS and before.place < SILENT:
            to = own.setdefault((item, before.place), Label())
            laid.append(Op(JUMP_FORWARD, 0, to, NOWHERE, before.guard, before.place))
        laid.append(item)
    for (shared, place), label in own.items():
        *steps, jump = ends[shared]
        # A trace function has been told of the line: it is not where that begins.
        laid += [Op(NOP, 0, None, NOWHERE, None, place), label]
        laid += [replace(step, place=place) for step in steps]
        laid.append(replace(jump, opcode=JUMP_BACKWARD))
    return put_together(made, laid)


def _end(items: Sequence[Op | Label], start: int) -> list[Op]:
    """The end of a handler that begins there, which is of no instruction, and the jump behind it; empty if it is not
    one."""
    end: list[Op] = []
    for item in items[start:]:
        if isinstance(item, Label):
            continue
        end.append(item)
        if item.opcode in (JUMP_FORWARD, JUMP_BACKWARD):
            break
        if item.opcode not in LETS_GO and (item.opcode != POP_EXCEPT or len(end) > 1):
            return []
    return end if end and end[0].opcode == POP_EXCEPT and kind_of(end[0].place) == SILENT else []
