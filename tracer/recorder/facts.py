"""What the recorder is told of a code object: plain columns, that travel to the process that writes the
trace."""

from __future__ import annotations

import dis
import re
from collections.abc import Sequence
from pathlib import PurePath
from types import CodeType
from typing import Any, TypedDict

from vmtrace.tracer.code import Code, Instruction

# 3.11 has no list of them; later, WITH_EXCEPT_START lies beyond the mark and has none.
_HAS_ARGUMENT = frozenset(getattr(dis, "hasarg", range(dis.HAVE_ARGUMENT, 256)))


Span = tuple[int, int, int]
"""What a block's note stands for: instructions start … stop-1, of which not all need have been executed. Where the last
is not 0, the note says that of the span before it no more than the instructions below that were."""


class CodeFacts(TypedDict):
    """One code object: its row in `codes`, its rows in `instructions` (by column), its basic blocks."""

    code: dict[str, Any]
    instructions: dict[str, list[Any]]
    opcodes: list[int]
    blocks: list[Span]
    units: int
    """Length in code units (2 bytes), CACHE entries included."""


def describe(code: Code, code_id: int, module: str | None = None, spans: Sequence[Span] | None = None) -> CodeFacts:
    """The facts of a code object; `module` is the name of the module it is of, by default its file's; `spans` are those
    of its blocks, by default the blocks."""
    raw, instructions = code.code, code.instructions
    offsets = [i.offset for i in instructions]
    lines, end_lines, columns, end_columns = zip(*(i.position for i in instructions), strict=True)
    return {
        "code": {
            "code_id": code_id,
            "name": raw.co_name,
            "qualname": raw.co_qualname,
            "module": PurePath(raw.co_filename).stem if module is None else module,
            "filename": raw.co_filename,
            "firstlineno": raw.co_firstlineno,
            "kind": code.kind,
        },
        "instructions": {
            "code_id": [code_id] * len(instructions),
            "offset": offsets,
            "opcode": [i.name for i in instructions],
            "arg": [i.arg if i.opcode in _HAS_ARGUMENT else None for i in instructions],
            "argrepr": [_argrepr(i) for i in instructions],
            "line": list(lines),
            "end_line": list(end_lines),
            "column": list(columns),
            "end_column": list(end_columns),
            "jump_target": [None if i.target is None else offsets[i.target] for i in instructions],
            "falls_through": [i.falls_through for i in instructions],
            "handler": [None if i.handler is None else offsets[i.handler] for i in instructions],
            "stack_depth": [i.depth for i in instructions],
        },
        "opcodes": [i.opcode for i in instructions],
        "blocks": [(block.start, block.stop, 0) for block in code.blocks] if spans is None else list(spans),
        "units": len(raw.co_code) // 2,
    }


def _argrepr(instruction: Instruction) -> str:
    """The argument as `dis` shows it, less what differs from run to run: where in memory a code object lies, and in
    which order a set of strings has its elements."""
    match instruction.value:
        case CodeType():
            return re.sub(r" at 0x[0-9a-fA-F]+", "", instruction.repr, count=1)
        case frozenset() as elements if elements:
            return f"frozenset({{{', '.join(sorted(map(repr, elements)))}}})"
        case _:
            return instruction.repr
