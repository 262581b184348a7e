"""Whether the code units of a code object can be looked at."""

from __future__ import annotations

import dis
import opcode
import sys
from types import CodeType
from typing import Any

from vmtrace.tracer.errors import CodeError

STAND_IN = "an opcode that CPython puts in place of another, while it runs"


NUMBERS: dict[str, int] = {**dis.opmap, **getattr(dis, "_all_opmap", {})}


def _cache_entries() -> dict[int, int]:
    """By opcode, also a specialised one, how many inline cache entries follow it."""
    lengths: Any = getattr(opcode, "_inline_cache_entries")  # noqa: B009  # not in the stubs
    bases: dict[str, str] = getattr(dis, "deoptmap", {})
    entries = {}
    for name, number in NUMBERS.items():
        base = bases.get(name, name)
        if number < 256:
            by_number = isinstance(lengths, list)
            entries[number] = lengths[NUMBERS.get(base, number)] if by_number else lengths.get(base, 0)
    return entries


_STAND_INS = {
    number for name, number in NUMBERS.items() if name.startswith("INSTRUMENTED_") or name == "ENTER_EXECUTOR"
}
CACHE_ENTRIES = _cache_entries()


def check_units(code: CodeType) -> None:
    """CodeError where CPython itself could not look at a code object: where `fault` finds something."""
    units: bytes = getattr(code, "_co_code_adaptive")  # noqa: B009  # not in the stubs
    found = fault(units)
    if found is not None and not (found[1] == STAND_IN and _is_watched()):
        raise CodeError(code, *found)


def fault(units: bytes) -> tuple[int, str] | None:
    """Offset and kind of what makes CPython write or read beyond a code object; None if there is no such thing.

    CPython believes that an inline cache never lies beyond the end: to make `co_code`, which `dis` goes by too, it
    blanks the caches (on 3.12 and later it fills them as it makes a code object), and with them whatever lies behind.
    """
    if not units:
        return 0, "there is no code"
    at = 0
    while at < len(units):
        if units[at] in _STAND_INS:
            return at, STAND_IN
        after = at + 2 + 2 * CACHE_ENTRIES.get(units[at], 0)
        if after > len(units):
            return at, "the code ends within an instruction"
        at = after
    return None


def _is_watched() -> bool:
    """Whether somebody has CPython put such opcodes in: a debugger, a profiler, coverage."""
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and any(monitoring.get_tool(tool) for tool in range(6))
