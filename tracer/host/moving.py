"""Host code that takes what it uses for the last time out of a variable of ours, as CPython takes it off its stack.

Else it would live on to the end of the host's statement, and its finaliser be called too late. Python has no expression
that does so: host code spells it as an assignment, whose code units are then made into the instructions for it.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterable
from types import CodeType

from vmtrace.tracer.assembly import instructions

COPY, LOAD, STORE, NULL, LOAD_CONST = (
    dis.opmap[name] for name in ("COPY", "LOAD_FAST", "STORE_FAST", "PUSH_NULL", "LOAD_CONST")
)
EXTENDED = bytes((dis.EXTENDED_ARG, 0))
_MARK = "\0vmtrace moves\0"


def moved(variable: str, line: int) -> ast.expr:
    """What is in a variable, which is to hold nothing from then on."""
    return ast.NamedExpr(ast.Name(variable, ast.Store(), lineno=line), ast.Constant(_MARK, lineno=line), lineno=line)


def moving(made: CodeType) -> bytes:
    """Makes each `moved`, which loads the mark, copies and stores it, what it stands for."""
    units = bytearray(made.co_code)
    if _MARK not in made.co_consts:
        return bytes(units)
    mark = made.co_consts.index(_MARK)
    walked = instructions(made.co_code)
    for first, opcode, argument, _ in walked:
        if (opcode, argument) != (LOAD_CONST, mark):
            continue
        copy, (stored, store, _, stop) = next(walked), next(walked)
        assert copy[1] == COPY and store == STORE
        extended, number = units[2 * stored : 2 * stop - 2], units[2 * stop - 1]
        units[2 * first : 2 * stop] = _taking(extended, number, stop - first)
    return bytes(units)


def _taking(extended: Iterable[int], number: int, room: int) -> bytes:
    """Loads a variable and stores NULL there, in so many code units; or only loads it, where they are too few, in code
    with hundreds of variables. `extended` and `number` are how the variable's number is written."""
    load, store = bytes((*extended, LOAD, number)), bytes((*extended, STORE, number))
    taking = load + bytes((NULL, 0))
    if len(taking + store) > 2 * room:
        taking, store = b"", load
    return taking + EXTENDED * (room - len(taking + store) // 2) + store
