"""Traces to write and compare in tests: made up, small, and with everything a trace can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.traces import BATCH_ROWS, Chunk, TraceWriter
from vmtrace.traces.schema import EXITS, FRAMES

NAMES = [f"OP_{number}" for number in range(256)]
ROWS = 5 * BATCH_ROWS // 2
COLUMNS = ["opcode", "offset", "stack_depth", "frame_id", "code_id"]

CODE = {
    "code_id": [0],
    "name": ["<module>"],
    "qualname": ["<module>"],
    "module": ["__main__"],
    "filename": ["prog.py"],
    "firstlineno": [1],
    "kind": ["module"],
}
INSTRUCTION = {
    "code_id": [0, 0],
    "offset": [0, 2],
    "opcode": ["RESUME", "RETURN_VALUE"],
    "arg": [0, None],
    "argrepr": ["", ""],
    "line": [1, None],
    "end_line": [1, None],
    "column": [0, None],
    "end_column": [5, None],
    "jump_target": [None, None],
    "falls_through": [True, False],
    "handler": [None, 0],
    "stack_depth": [0, None],
}
SOURCE = {"filename": ["prog.py"], "sha256": ["00" * 32], "text": ["print('é')\n"]}


def events(rows: int, seed: int = 0) -> list[npt.NDArray[Any]]:
    """That many rows as the five columns, each number anything that fits."""
    random = np.random.default_rng(seed)
    kinds = (np.uint8, np.uint32, np.uint16, np.uint32, np.uint32)
    return [random.integers(0, np.iinfo(kind).max, rows, kind, endpoint=True) for kind in kinds]


def frames(first_rows: list[int], first_id: int = 0) -> pa.Table:
    """Frames that begin at those rows, each called by the one before."""
    ids = [first_id + number for number in range(len(first_rows))]
    return pa.table(
        {
            "frame_id": ids,
            "code_id": [0 for _ in ids],
            "parent_id": [frame_id - 1 if frame_id else None for frame_id in ids],
            "call_offset": [2 * frame_id if frame_id else None for frame_id in ids],
            "thread_id": [2**64 - 1 - frame_id % 2 for frame_id in ids],
            "first_row": first_rows,
        },
        schema=FRAMES,
    )


def exits(rows: list[int], reason: str = "return") -> pa.Table:
    """Ends of frames 0, 1, 2, … at those rows."""
    return pa.table({"frame_id": range(len(rows)), "row": rows, "reason": [reason for _ in rows]}, schema=EXITS)


def write_trace(path: Path, rows: int = ROWS, **options: Any) -> list[npt.NDArray[Any]]:
    """A complete trace of that many rows, with every table; returns its columns."""
    columns = events(rows)
    writer = TraceWriter(path, opcode_names=NAMES, run={"argv": ["prog.py"]}, **options)
    writer.add("codes", CODE)
    writer.add("instructions", INSTRUCTION)
    writer.add("sources", SOURCE)
    writer.add("frames", frames([0, rows // 2, rows]))
    writer.add("exits", exits([rows // 2, rows, rows]))
    writer.write(*columns)
    writer.close({"exit_status": 0})
    return columns


def values(chunks: list[Chunk]) -> list[list[int]]:
    """The columns of consecutive chunks, joined."""
    return [[number for chunk in chunks for number in getattr(chunk, name).tolist()] for name in COLUMNS]
