"""Instructions of another line than the one executed before, at which CPython tells a trace function of no line.

It tells of a line where the line table begins another one. POP_ITER (from 3.14 on), like END_SEND, does not count
there: where a line goes on behind it that came before it in the code, and no jump leads, that line is not told again.
Probes do count. So where they stand in between, END_SEND has to: what follows it is of the same line.
"""

from __future__ import annotations

import dis

from vmtrace.tracer.code import Code

END_SEND = dis.opmap.get("END_SEND")
POPS = 0 if END_SEND is None else 1 - dis.stack_effect(END_SEND)
"""How many values END_SEND takes; it leaves the uppermost."""


def told_already(decoded: Code) -> set[int]:
    """The indices of such instructions."""
    instructions = decoded.instructions
    targets = {index for i in instructions for index in (i.target, i.handler)}
    found = set()
    line: int | None = None
    interrupted = False
    for i in instructions:
        if i.name in ("POP_ITER", "END_FOR"):
            interrupted |= i.name == "POP_ITER"
            continue
        if interrupted and i.index not in targets and i.position[0] == line is not None:
            found.add(i.index)
        line, interrupted = i.position[0], False
    return found
