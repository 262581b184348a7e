"""What is to be known of comprehensions that the compiler wrote into the code around them (3.12 on, PEP 709).

LOAD_FAST_AND_CLEAR puts what the comprehension's variable held before, perhaps nothing, on the stack, and STORE_FAST
puts it back. The variable may be a cell outside and none inside, or the other way round, or, in a module's or class's
body, no variable at all outside.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import NamedTuple

from vmtrace.tracer.code import Code, Instruction

CLEARS = "LOAD_FAST_AND_CLEAR"
ACCESS = re.compile(r"(LOAD_FAST_AND_CLEAR|LOAD_FAST_CHECK|LOAD_FAST|STORE_FAST|DELETE_FAST)(_BORROW)?_?")


class Access(NamedTuple):
    """What an instruction does to a local variable."""

    kind: str
    """LOAD_FAST, LOAD_FAST_CHECK, LOAD_FAST_AND_CLEAR, STORE_FAST or DELETE_FAST."""
    name: str


def accesses(i: Instruction) -> list[Access]:
    """The local variables of an instruction, in the order in which it gets to them: two for LOAD_FAST_LOAD_FAST and
    its kin."""
    if "_FAST" not in i.name:
        return []
    names = i.value if isinstance(i.value, tuple) else (i.value,)
    return [Access(kind, name) for (kind, _), name in zip(ACCESS.findall(i.name), names, strict=True)]


class Cleared(NamedTuple):
    """On the stack: what a variable held."""

    name: str
    by: int
    """The LOAD_FAST_AND_CLEAR that put it there."""


Stack = tuple[Cleared | None, ...]


@dataclass(slots=True)
class Inlined:
    """Of one code object."""

    unseen: frozenset[str] = frozenset()
    """Local variables that the host function cannot hold as CPython does: what they hold is in variables of ours.
    A free variable of that name is another one."""
    absent: frozenset[str] = frozenset()
    """Those that are no cells of the host function, either."""
    empty: set[int] = field(default_factory=set)
    """LOAD_FAST_AND_CLEARs where the variable surely holds nothing."""
    restores: dict[tuple[int, str], int] = field(default_factory=dict)
    """By STORE_FAST and variable, if it puts back what the variable held: the LOAD_FAST_AND_CLEAR."""


def inlined(code: Code) -> Inlined:
    original = code.code
    cleared = {a.name for i in code.instructions for a in accesses(i) if a.kind == CLEARS}
    if not cleared:
        return Inlined()
    shared = cleared & {*original.co_cellvars, *original.co_freevars}
    if original.co_flags & inspect.CO_OPTIMIZED:
        found = Inlined(frozenset(shared), frozenset(shared - {*original.co_cellvars}))
    else:
        everything = frozenset(shared | {*original.co_varnames})
        found = Inlined(everything, everything)
    outside: set[str] = {*original.co_varnames[: argument_count(original)], *found.unseen}
    clears: list[Cleared] = []
    for i, stack in _stacks(code):
        held = {entry.name for entry in stack if entry is not None}
        place = len(stack)
        for kind, name in accesses(i):
            if kind == CLEARS and name not in held:
                clears.append(Cleared(name, i.index))
            if kind != "STORE_FAST":
                continue
            place -= 1
            value = stack[place]
            if value is not None and value.name == name:
                found.restores[i.index, name] = value.by
            elif name not in held:
                outside.add(name)
    found.empty |= {index for name, index in clears if name not in outside}
    return found


def argument_count(code: CodeType) -> int:
    """How many of the local variables are arguments."""
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + stars


def _stacks(code: Code) -> Iterator[tuple[Instruction, Stack]]:
    """Every instruction that can be reached, with what it finds on the stack."""
    pending: list[tuple[int, Stack]] = [(0, ())]
    seen: set[int] = set()
    while pending:
        index, stack = pending.pop()
        if index in seen:
            continue
        seen.add(index)
        i = code.instructions[index]
        yield i, stack
        after = _after(i, stack)
        if i.falls_through:
            pending.append((index + 1, after))
        if i.target is not None:
            kept = stack[: len(stack) - i.operation.pops(i.arg)]
            pending.append((i.target, kept + (None,) * i.operation.pushes(i.arg, jump=True)))
        handler = code.handler_for(index)
        if i.handler is not None and handler is not None:
            pending.append((handler.target, stack[: handler.depth] + (None,) * (handler.lasti + 1)))


def _after(i: Instruction, stack: Stack) -> Stack:
    if i.name == "SWAP":
        changed = list(stack)
        changed[-i.arg], changed[-1] = changed[-1], changed[-i.arg]
        return tuple(changed)
    if i.name == "COPY":
        return (*stack, stack[-i.arg])
    kept = stack[: len(stack) - i.operation.pops(i.arg)]
    if i.name == CLEARS:
        return (*kept, Cleared(i.value, i.index))
    return kept + (None,) * i.operation.pushes(i.arg)
