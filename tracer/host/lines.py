"""Makes host code tell the lines of the program: those that CPython tells a trace function of, in that order.

CPython tells of a line where an instruction is of another line than the one executed before it, and where a jump leads
back within a line (3.11), or where such an instruction begins a line in the table or is jumped to (from 3.12 on). So

- what the host does between two instructions is of the line of either,
- a jump from a block to another leads there directly, from the instruction that jumps to the first of the other block,
  and back where it does so in the program,
- where the host has nothing to do for a line, as it reads a variable or a constant only when it is used, stands a NOP.

Here is what the lines of host code stand for; `directly` and `in_order` change it so.
"""

from __future__ import annotations

import dis
from collections.abc import Sequence

from vmtrace.tracer.code import Instruction

SILENT = 1_000_000
"""From here on lines stand for the same instructions as those from 0 on, but the program is told of no line there:
for what the host does besides, in which a trace function is not to see the frame."""
RERAISES = 2 * SILENT
"""The line of statements that raise an exception as it is; further on, those that stand for an instruction, too."""
HEADS = 3 * SILENT
"""Lines of the NOPs at which chains of blocks begin: they stand for the first instruction."""
NOTES = 4 * SILENT
"""Lines of what notes that a block begins: it stands for its first instruction, too."""
JUMPS = 5 * SILENT
"""Lines of jumps to a chain by its number, that are to lead there directly."""

QUIETLY = 6 * SILENT
"""Lines of statements, TELLS_NOT, after which the line of the instruction that they stand for is not told of."""
OWN = 7 * SILENT
"""Lines of expressions that are the host's own instruction, the one that they stand for (see `own`)."""
END_SEND = dis.opmap.get("END_SEND")
LOADED = 1 if END_SEND is None else 1 - dis.stack_effect(END_SEND)
"""How many values are loaded by TELLS_NOT."""
TELLS_NOT = "_quiet = _quiet\n" * LOADED

NEVER_TELLS = frozenset(
    {"RESUME"} | ({"END_FOR", "END_SEND", "END_ASYNC_FOR", "POP_ITER"} if END_SEND is not None else set())
)
"""CPython tells of no line at these, some of which it jumps over itself."""

ENTERED_QUIETLY = NEVER_TELLS - {"RESUME"} | {"SEND"}
"""Nor where it jumps to these; it tells of the jump back to SEND at no time."""


def untold(instructions: Sequence[Instruction]) -> set[int]:
    """Instructions at which no line is told of, though it is another than that of the one executed before: no jump
    leads there, and they go on with a line that some of NEVER_TELLS have interrupted."""
    if END_SEND is None:
        return set()
    targets = {n for i in instructions for n in (i.target, i.handler) if n is not None}
    found: set[int] = set()
    line, interrupted = None, False
    for i in instructions:
        if begins_frame(i):
            line = None
        if i.name in NEVER_TELLS:
            interrupted = True
            continue
        if interrupted and i.index not in targets and i.position[0] == line is not None:
            found.add(i.index)
        line, interrupted = i.position[0], False
    return found


Chain = tuple[int, int]
"""Its first instruction, and the one behind its last."""


def begins_frame(i: Instruction) -> bool:
    """Whether it is the RESUME behind which the first line is told of, whichever that is."""
    return i.name == "RESUME" and not i.arg & 3


def kind_of(place: int) -> int:
    """0 for what stands for an instruction, else SILENT, HEADS, NOTES, JUMPS, QUIETLY or OWN."""
    return place // SILENT * SILENT if place >= SILENT else 0
