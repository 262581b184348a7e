"""Which local variables are surely bound at an instruction, whichever way control got there."""

from __future__ import annotations

import dis

from vmtrace.tracer.code import Code
from vmtrace.tracer.fused.inlined import argument_count

LOADS_ARE_CHECKED = "LOAD_FAST_CHECK" in dis.opmap
"""Whether LOAD_FAST is for variables that are bound, whatever happens."""


def surely_bound(code: Code) -> list[int]:
    """By instruction: a bit set over co_varnames. Arguments are bound, STORE_FAST binds, DELETE_FAST unbinds."""
    names = {name: n for n, name in enumerate(code.code.co_varnames)}
    everything = (1 << len(names)) - 1
    bound = [everything] * len(code.instructions)
    if LOADS_ARE_CHECKED:
        return bound
    pending = [(0, (1 << argument_count(code.code)) - 1)]
    seen: set[int] = set()
    while pending:
        index, before = pending.pop()
        if index >= len(bound) or (index in seen and bound[index] & before == bound[index]):
            continue
        seen.add(index)
        bound[index] &= before
        i, after = code.instructions[index], bound[index]
        if i.name.startswith("STORE_FAST") and i.value in names:
            after |= 1 << names[i.value]
        elif i.name.startswith("DELETE_FAST") and i.value in names:
            after &= ~(1 << names[i.value])
        if i.handler is not None:
            pending.append((i.handler, bound[index] & after))
        if i.target is not None:
            pending.append((i.target, after))
        if i.falls_through:
            pending.append((index + 1, after))
    return bound
