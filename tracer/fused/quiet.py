"""Where a block is entered whose line the program has been told of already, though the host comes by code of its own.

That is where control gets to a block through the host's `except`: to a handler of exceptions, from the instruction that
raised, and out of a handler, from the instruction that left it.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence

from vmtrace.tracer.code import Block, Code, Instruction
from vmtrace.tracer.fused.chains import level_of
from vmtrace.tracer.host.lines import NEVER_TELLS


def may_be_told(code: Code, first: Instruction) -> bool | None:
    """Whether the line of a handler's first instruction is that of the one that raised: surely (True), never (False),
    or that is to be found out (None)."""
    line = first.position[0]
    raising = [i for i in code.instructions if i.handler == first.index]
    if first.name in NEVER_TELLS:
        return True
    if line is None:
        return False
    if any(i.name == "RERAISE" and i.arg for i in raising):  # the frame then stands where the exception arose
        return None
    told = {line_before(i) == line for i in raising}
    return told.pop() if len(told) == 1 else None


def line_before(i: Instruction) -> int | None:
    """The line that counts as told of where an instruction has raised."""
    return None if STANDS_BEHIND_YIELD and i.name == "YIELD_VALUE" else i.position[0]


def _suspended() -> Iterator[None]:
    yield


def _stands_behind_yield() -> bool:
    frame = (suspended := _suspended()).gi_frame  # type: ignore[attr-defined]
    next(suspended)
    return bool(frame.f_code.co_code[frame.f_lasti] == dis.opmap["RESUME"])


STANDS_BEHIND_YIELD = _stands_behind_yield()
"""Whether a frame that is thrown into stands at the RESUME behind the yield (from 3.13 on); behind RESUME, CPython
tells of any line."""


def crossings(code: Code, chains: Sequence[Sequence[Block]]) -> dict[int, set[bool]]:
    """By the first instruction of a chain that is entered from code which handles more exceptions: whether its line is
    that of the instruction that leads there."""
    level = {i: level_of(code, b) for chain in chains for b in chain for i in range(b.start, b.stop)}
    found: dict[int, set[bool]] = {}
    for index, here in level.items():
        i = code.instructions[index]
        for target in (i.target, index + 1 if i.falls_through else None):
            if target is not None and level.get(target, here) != here:
                line = code.instructions[target].position[0]
                found.setdefault(target, set()).add(line is not None and line == i.position[0])
    return found
