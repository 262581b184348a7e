"""What kinds of entries the evaluation stack holds at each instruction, whichever way control gets there."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from itertools import repeat
from typing import Literal, NamedTuple

from vmtrace.tracer.code import ENTERS_HANDLER, Code, Instruction

CLEARS = "LOAD_FAST_AND_CLEAR"


class Cleared(NamedTuple):
    """What a comprehension's variable held before it."""

    name: str
    by: int
    """The LOAD_FAST_AND_CLEAR that put it there."""


Kind = Cleared | Literal["value", "iterator", "null", "void"]
"""An iterator surely is one; void is what only the interpreter reads: the exception that was handled before."""
Stack = tuple[Kind, ...]

CALLABLE_FIRST = "CALL_KW" in dis.opmap
"""Whether the NULL that stands for no self lies on the callable, not under it."""
ITERATOR_IN_TWO = dis.opmap["GET_ITER"] in getattr(dis, "hasarg", ())
"""Whether an iterator has NULL (or an index, in its stead) above it (3.15). Here, the delegate of `yield from` has what
is shown in its place."""
LOADS_CALLABLE = frozenset({"LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "LOAD_SPECIAL"})
"""If these push two, what is about to be called, and NULL."""
LEAVES_OPERANDS = frozenset({"WITH_EXCEPT_START", "DICT_MERGE", "FOR_ITER", "SEND"})
"""These leave operands in their places."""


def entries(code: Code) -> Iterator[tuple[Instruction, Stack]]:
    """Every instruction that can be reached, with what it finds on the stack."""
    pending: list[tuple[int, Stack]] = [(0, ())]
    found: dict[int, Stack] = {}
    while pending:
        index, stack = pending.pop()
        if index in found:
            stack = tuple(map(_either, found[index], stack))
            if stack == found[index]:
                continue
        found[index] = stack
        i = code.instructions[index]
        if i.falls_through:
            pending.append((index + 1, _after(i, stack)))
        if i.target is not None:
            pending.append((i.target, _left(i, stack, jump=True)))
        handler = code.handler_for(index)
        if i.handler is not None and handler is not None:
            pending.append((handler.target, (*stack[: handler.depth], *_values(handler.lasti), "value")))
    for index, stack in found.items():
        yield code.instructions[index], stack


def _either(known: Kind, other: Kind) -> Kind:
    """What an entry is that is one or the other, by the way that control takes; only iterators are ever mixed up."""
    return "value" if known == "iterator" != other else known


def _after(i: Instruction, stack: Stack) -> Stack:
    """What is on the stack when control goes on to the next instruction."""
    if i.name == "SWAP":
        changed = list(stack)
        changed[-i.arg], changed[-1] = changed[-1], changed[-i.arg]
        return tuple(changed)
    if i.name == "COPY":
        return (*stack, stack[-i.arg])
    kept = stack[: len(stack) - i.operation.pops(i.arg)]
    if i.name == CLEARS:
        return (*kept, Cleared(i.value, i.index))
    if i.name == ENTERS_HANDLER:
        return (*kept, "void", "value")
    return _left(i, stack)


def _left(i: Instruction, stack: Stack, jump: bool = False) -> Stack:
    """What was there before, but for what the instruction has popped, and what it has pushed."""
    count = len(stack) - i.operation.pops(i.arg)
    pushed = _pushed(i, i.operation.pushes(i.arg, jump))
    if i.name in LEAVES_OPERANDS:
        operands = stack[count:][: len(pushed)]
        pushed = operands + pushed[len(operands) :]
    return stack[:count] + pushed


def _pushed(i: Instruction, count: int) -> Stack:
    if i.name == "PUSH_NULL":
        return ("null",)
    if i.name == "RETURN_GENERATOR":
        return ("void",)
    if i.name in LOADS_CALLABLE and count == 2:
        return ("value", "null") if CALLABLE_FIRST else ("null", "value")
    if i.name == "GET_ITER":
        if ITERATOR_IN_TWO:
            return ("value", "value") if i.arg else ("iterator", "null")
        return ("iterator",)
    return _values(count)


def _values(count: int) -> Stack:
    return tuple(repeat("value", count))
