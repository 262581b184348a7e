"""The host's own instructions, as expressions of host code.

What an instruction does that Python has no words for could be done by a function of ours. But its frame would count
towards the recursion limit: the program would reach it earlier, by a frame where nothing of its own runs below that,
and at half the depth where something does. So host code writes `~(operands)`, at a line by which it is known, and the
code units that make the tuple, and turn its sign, are then made into the instruction.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Sequence
from types import CodeType

from vmtrace.tracer.code import Instruction
from vmtrace.tracer.fused.entries import CALLABLE_FIRST, ITERATOR_IN_TWO
from vmtrace.tracer.host.delegates import argument_at, extensions
from vmtrace.tracer.host.lines import OWN, SILENT, kind_of
from vmtrace.tracer.units import CACHE_ENTRIES

EXTENDED_ARG, NOP, PUSH_NULL = (dis.opmap[name] for name in ("EXTENDED_ARG", "NOP", "PUSH_NULL"))
LOAD_GLOBAL, LOAD_NAME, LOAD_DEREF = (dis.opmap[name] for name in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"))
FOR_ITER, UNARY_INVERT = dis.opmap["FOR_ITER"], dis.opmap["UNARY_INVERT"]
BESIDES = "LOAD_CLASSDEREF" if "LOAD_CLASSDEREF" in dis.opmap else "LOAD_FROM_DICT_OR_DEREF"
"""Loads a free variable, if the namespace does not have it."""
ENDS_FOR_IN_TWO = "END_FOR" in dis.opmap and dis.stack_effect(dis.opmap["END_FOR"]) == -1
"""Whether END_FOR drops a generator's result only, and another instruction the iterator (from 3.13 on)."""
KEPT = {
    "CHECK_EXC_MATCH": 1,
    "GET_ANEXT": 1,
    "GET_LEN": 1,
    "MATCH_MAPPING": 1,
    "MATCH_SEQUENCE": 1,
}
"""By opcode, how many of its operands it leaves on the stack, below its result; the expression is but the result."""
ALIKE = frozenset(
    {
        "ASYNC_GEN_WRAP",
        "BEFORE_ASYNC_WITH",
        "BEFORE_WITH",
        "CALL_INTRINSIC_2",
        "CHECK_EG_MATCH",
        "FORMAT_VALUE",
        "GET_AITER",
        "GET_AWAITABLE",
        "GET_YIELD_FROM_ITER",
        *KEPT,
    }
)
"""Opcodes that are the host's own with any operands whatever, all of which are objects."""


def own(i: Instruction, operands: Sequence[ast.expr]) -> ast.expr:
    """An expression for what an instruction pushes, given its operands, if it has any, not all of which are constants;
    a tuple, if it pushes more than one object."""
    place = {"lineno": OWN + i.index + 1}
    node: ast.expr = ast.Tuple([*operands], ast.Load(), **place)
    for _ in range(max(1, len(_units(i)) - 1)):
        node = ast.UnaryOp(ast.Invert(), node, **place)
    return node


def own_name(i: Instruction) -> ast.expr:
    """LOAD_NAME, written as a global variable, as which the name is to be declared; or what loads a free variable in a
    class's body: LOAD_CLASSDEREF, or LOAD_FROM_DICT_OR_DEREF, which is `own` of the mapping and this."""
    return ast.Name(i.value, ast.Load(), lineno=OWN + i.index + 1)


def _units(i: Instruction) -> list[tuple[int, int]]:
    """The instruction, and what makes one object of what it leaves."""
    if i.name == "FOR_ITER":
        return _next_or_not()
    if i.name == "LOAD_SPECIAL":
        return _special(i.arg)
    if i.name == BESIDES:  # the variable's unit is the instruction, and leaves one object already
        return []
    units = [(dis.opmap[i.name], i.arg & 0xFF)]
    kept = KEPT.get(i.name, 0)
    pushed = i.operation.pushes(i.arg) - kept
    if kept:
        units += [(dis.opmap["SWAP"], kept + 1), *[(dis.opmap["POP_TOP"], 0)] * kept]
    if pushed > 1:
        units.append((dis.opmap["BUILD_TUPLE"], pushed))
    return units


def _special(number: int) -> list[tuple[int, int]]:
    """LOAD_SPECIAL: its operands are the owner, below it what to call with the method alone, if that is bound, or else
    with the owner and the method. (In a variable the two could not be: for the owner, there may be NULL.)"""
    call = dis.opmap["CALL"]
    caches = [(dis.opmap["CACHE"], 0)] * CACHE_ENTRIES[call]
    return [(dis.opmap["LOAD_SPECIAL"], number), (dis.opmap["SWAP"], 2), (call, 1), *caches]


def _next_or_not() -> list[tuple[int, int]]:
    """FOR_ITER: its operands are what the expression is when there is no other item, and the iterator."""
    null = [(PUSH_NULL, 0)] if ITERATOR_IN_TWO else []
    drop = [(dis.opmap["SWAP"], 3 + len(null)), *[(dis.opmap["POP_TOP"], 0)] * (2 + len(null))]
    if not CACHE_ENTRIES[FOR_ITER]:  # where it jumps, it has dropped the iterator
        return [(FOR_ITER, len(drop)), *drop]
    # It jumps behind END_FOR and POP_TOP, if that is there; or to POP_ITER.
    ended = [(dis.opmap["END_FOR"], 0)]
    if ENDS_FOR_IN_TWO:
        ended.append((dis.opmap.get("POP_ITER", dis.opmap["POP_TOP"]), 0))
    drop.append((dis.opmap["JUMP_FORWARD"], len(ended)))
    return [*null, (FOR_ITER, len(drop)), (dis.opmap["CACHE"], 0), *drop, *ended]


def owning(made: CodeType, instructions: Sequence[Instruction]) -> CodeType:
    """Makes those expressions the instructions that they stand for."""
    units = bytearray(made.co_code)
    lines = [line if line is not None and kind_of(line - 1) == OWN else None for _, line, _, _ in made.co_positions()]
    if not any(lines):
        return made
    for unit, line in enumerate(lines):
        if line is None or units[2 * unit] in (EXTENDED_ARG, UNARY_INVERT):
            continue
        if units[2 * unit] == LOAD_DEREF:
            units[2 * unit] = dis.opmap[BESIDES]
            continue
        if units[2 * unit] == LOAD_GLOBAL:
            written, behind = _name(units, unit), CACHE_ENTRIES[LOAD_GLOBAL]
        elif behind := _inverts(units, lines, unit):
            written = _units(instructions[(line - 1) % SILENT])
        else:
            continue
        first, stop = unit - extensions(units, 2 * unit), unit + 1 + behind
        written += [(NOP, 0)] * (stop - first - len(written))
        units[2 * first : 2 * stop] = bytes(byte for each in written for byte in each)
    return made.replace(co_code=bytes(units), co_stacksize=made.co_stacksize + 3)


def _name(units: bytes | bytearray, unit: int) -> list[tuple[int, int]]:
    """LOAD_NAME in place of LOAD_GLOBAL, and NULL for what is called."""
    argument = argument_at(units, 2 * unit)
    index, null = argument >> 1, [(PUSH_NULL, 0)] * (argument & 1)
    extended = [(EXTENDED_ARG, index >> 8 * n & 0xFF) for n in range(extensions(units, 2 * unit), 0, -1)]
    load = [*extended, (LOAD_NAME, index & 0xFF)]
    return load + null if CALLABLE_FIRST else null + load


def _inverts(units: bytes | bytearray, lines: Sequence[int | None], unit: int) -> int:
    """How often the sign of what a code unit makes is turned."""
    count = 0
    while lines[unit + count + 1] == lines[unit] and units[2 * (unit + count + 1)] == UNARY_INVERT:
        count += 1
    return count
