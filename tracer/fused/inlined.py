"""What is to be known of comprehensions that the compiler wrote into the code around them (3.12 on, PEP 709).

LOAD_FAST_AND_CLEAR puts what the comprehension's variable held before, perhaps nothing, on the stack, and STORE_FAST
puts it back. The variable may be a cell outside and none inside, or the other way round, or, in a module's or class's
body or where it is declared to be global, no variable at all outside.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass, field
from types import CodeType
from typing import NamedTuple

from vmtrace.tracer.code import Code, Instruction
from vmtrace.tracer.fused.entries import CLEARS, Cleared, entries

DELETES_EMPTY = sys.version_info < (3, 13)
"""Whether `locals()`, by which the host gets a class's namespace, deletes the names of empty cells there: it may be of
any class, perhaps without `__delitem__`."""
ACCESS = re.compile(r"(LOAD_FAST_AND_CLEAR|LOAD_FAST_CHECK|LOAD_FAST|STORE_FAST|DELETE_FAST)(_BORROW)?_?")


class Access(NamedTuple):
    """What an instruction does to a local variable."""

    kind: str
    """LOAD_FAST, LOAD_FAST_CHECK, LOAD_FAST_AND_CLEAR, STORE_FAST or DELETE_FAST."""
    name: str
    place: int
    """Behind the last local variable, it is a cell or free variable."""


def accesses(i: Instruction) -> list[Access]:
    """The local variables of an instruction, in the order in which it gets to them: two for LOAD_FAST_LOAD_FAST and
    its kin."""
    if "_FAST" not in i.name:
        return []
    two = isinstance(i.value, tuple)
    names, places = (i.value, (i.arg >> 4, i.arg & 15)) if two else ((i.value,), (i.arg,))
    kinds = [kind for kind, _ in ACCESS.findall(i.name)]
    return [Access(*access) for access in zip(kinds, names, places, strict=True)]


@dataclass(slots=True)
class Inlined:
    """Of one code object."""

    unseen: frozenset[str] = frozenset()
    """Local variables that the host function cannot hold as CPython does: what they hold is in variables of ours.
    A free variable of that name is another one."""
    absent: frozenset[str] = frozenset()
    """Those that are no cells of the host function, either."""
    of_body: frozenset[str] = frozenset()
    """Those that are no comprehension's, but cells of a class's body."""
    empty: set[int] = field(default_factory=set)
    """LOAD_FAST_AND_CLEARs where the variable surely holds nothing."""
    restores: dict[tuple[int, str], int] = field(default_factory=dict)
    """By STORE_FAST and variable, if it puts back what the variable held: the LOAD_FAST_AND_CLEAR."""


def inlined(code: Code) -> Inlined:
    original = code.code
    cleared = {i.value for i in code.instructions if i.name == CLEARS}
    of_body = frozenset(original.co_cellvars) - cleared if DELETES_EMPTY and code.kind == "class" else frozenset[str]()
    if not cleared:
        return Inlined(of_body, of_body, of_body)
    shared = cleared & {*original.co_cellvars, *original.co_freevars}
    if original.co_flags & inspect.CO_OPTIMIZED:
        declared = {i.value for i in code.instructions if i.name.endswith("_GLOBAL")} & cleared
        found = Inlined(frozenset(shared | declared), frozenset(shared - {*original.co_cellvars} | declared))
    else:
        everything = of_body | shared | {*original.co_varnames}
        found = Inlined(everything, everything, of_body)
    outside: set[str] = {*original.co_varnames[: argument_count(original)], *found.unseen}
    clears: list[Cleared] = []
    for i, stack in entries(code):
        held = {kind.name for kind in stack if isinstance(kind, Cleared)}
        place = len(stack)
        for kind, name, _ in accesses(i):
            if kind == CLEARS and name not in held:
                clears.append(Cleared(name, i.index))
            if kind != "STORE_FAST":
                continue
            place -= 1
            value = stack[place]
            if isinstance(value, Cleared) and value.name == name:
                found.restores[i.index, name] = value.by
            elif name not in held:
                outside.add(name)
    found.empty |= {index for name, index in clears if name not in outside}
    return found


def argument_count(code: CodeType) -> int:
    """How many of the local variables are arguments."""
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + stars
