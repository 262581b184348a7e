"""Driving the assembler without a file: codes of given blocks, notes in words, rows as plain tuples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from vmtrace.tracer.notes import CREATE, ENTER, RAISE, RESUME, RETURN, SUSPEND, UNWIND
from vmtrace.tracer.recorder.arrays import Notes
from vmtrace.tracer.recorder.assemble import Assembler, Thread
from vmtrace.tracer.recorder.expand import Expander
from vmtrace.tracer.recorder.facts import CodeFacts
from vmtrace.tracer.recorder.tables import Tables
from vmtrace.tracer.recorder.tokens import tell_apart

NOWHERE = -1
MAIN = 7  # a thread


def facts(code_id: int, blocks: Sequence[int]) -> CodeFacts:
    """A code of blocks of so many instructions; offsets are twice the index."""
    count = sum(blocks)
    stops = np.cumsum(blocks).tolist()
    return {
        "code": {},
        "instructions": {
            "code_id": [code_id] * count,
            "offset": [2 * i for i in range(count)],
            "stack_depth": [(code_id + i) % 5 for i in range(count)],
        },
        "opcodes": [(50 * code_id + i) % 256 for i in range(count)],
        "blocks": [(stop - length, stop, 0) for stop, length in zip(stops, blocks, strict=True)],
        "units": count,
    }


TOKENS = {
    "ENTER": ENTER,
    "CREATE": CREATE,
    "RESUME": RESUME,
    "SUSPEND": SUSPEND,
    "RETURN": RETURN,
    "RAISE": RAISE,
    "UNWIND": UNWIND,
}


def parse(text: str) -> list[int]:
    """Notes from their names: `@3` is the position of instruction 3, `?` one that nobody knows."""
    words = (word.replace("?", str(NOWHERE)) for word in text.split())
    return [TOKENS[w] if w in TOKENS else at(int(w[1:])) if w[0] == "@" else int(w) for w in words]


def as_taken(notes: Sequence[int]) -> Notes:
    return (np.array(notes, np.int64) % 2**32).astype(np.uint32)


@dataclass
class Seen:
    """What came out, as plain tuples."""

    rows: list[tuple[int, int, int]] = field(default_factory=list)
    """frame, code, offset"""
    frames: list[tuple[Any, ...]] = field(default_factory=list)
    """frame, code, parent, call offset, thread, first row"""
    exits: list[tuple[Any, ...]] = field(default_factory=list)
    """frame, row, whether it raised"""


def assemble(
    codes: Sequence[Sequence[int]],
    stretches: Iterable[tuple[int, Sequence[int]]],
    located: dict[int, list[int]] | None = None,
    batch_rows: int = 5,
) -> Seen:
    """Assembles stretches of (thread, notes), one after the other."""
    tables = Tables()
    for code_id, blocks in enumerate(codes):
        tables.add(facts(code_id, blocks))
    for code_id, positions in (located or {}).items():
        tables.locate(code_id, positions)
    assembler, expander, seen = Assembler(tables), Expander(tables, batch_rows), Seen()
    threads: dict[int, Thread] = {}
    for ident, notes in stretches:
        thread = threads.setdefault(ident, Thread(ident))
        tokens = tell_apart(as_taken(notes))
        assert tokens.used == len(notes)
        assert assembler.ready(tokens) == len(notes)
        stretch = assembler.assemble(thread, tokens)
        for batch in expander.batches(stretch.pieces):
            assert len(batch[0]) == batch_rows
            take_rows(seen, batch)
        seen.frames += zip(*(column.tolist() for column in stretch.frames.values()), strict=True)
        seen.exits += zip(*(column.tolist() for column in stretch.exits.values()), strict=True)
    take_rows(seen, expander.rest())
    assert assembler.rows == len(seen.rows)
    assert assembler.frames == len(seen.frames)
    return seen


def take_rows(seen: Seen, columns: Sequence[np.ndarray[Any, Any]]) -> None:
    opcode, offset, depth, frame, code = columns
    assert [c.dtype.name for c in columns] == ["uint8", "uint32", "uint16", "uint32", "uint32"]
    assert (opcode == (50 * code + offset // 2) % 256).all()
    assert (depth == (code + offset // 2) % 5).all()
    seen.rows += zip(frame.tolist(), code.tolist(), offset.tolist(), strict=True)


def at(instruction: int) -> int:
    return 2 * instruction


def split(notes: Sequence[int]) -> list[list[int]]:
    """One list per token."""
    width = {ENTER: 3, CREATE: 4, RESUME: 3, RAISE: 2, UNWIND: 2}
    found = []
    place = 0
    while place < len(notes):
        stop = place + width.get(notes[place], 1)
        found.append(list(notes[place:stop]))
        place = stop
    return found


def token_edges(notes: Sequence[int]) -> list[int]:
    return np.cumsum([0, *map(len, split(notes))]).tolist()
