"""Host code that takes what it uses for the last time out of a variable of ours, as CPython takes it off its stack.

Else it would live on to the end of the host's statement, and its finaliser be called too late. Python has no expression
that does so: host code spells it as an assignment, whose code units are then made into the instructions for it.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterable
from types import CodeType

from vmtrace.tracer.host.delegates import argument_at, extensions

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
    for at in range(0, len(units), 2):
        if units[at] != LOAD_CONST or argument_at(units, at) != mark:
            continue
        begin, stored = at - 2 * extensions(units, at), at + 4
        store = stored
        while units[store] == dis.EXTENDED_ARG:
            store += 2
        assert units[at + 2] == COPY and units[store] == STORE
        units[begin : store + 2] = _taking(units[stored:store], units[store + 1], (store + 2 - begin) // 2)
    return bytes(units)


def _taking(extended: Iterable[int], number: int, room: int) -> bytes:
    """Loads a variable and stores NULL there, in so many code units; or only loads it, where they are too few, in code
    with hundreds of variables. `extended` and `number` are how the variable's number is written."""
    load, store = bytes((*extended, LOAD, number)), bytes((*extended, STORE, number))
    taking = load + bytes((NULL, 0))
    if len(taking + store) > 2 * room:
        taking, store = b"", load
    return taking + EXTENDED * (room - len(taking + store) // 2) + store
