"""Traces of a made-up program, written by hand: what the command line is tested on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from vmtrace.traces import TraceWriter

OPCODES = ["RESUME", "LOAD_NAME", "GET_ITER", "FOR_ITER", "STORE_NAME", "CALL", "POP_TOP", "JUMP_BACKWARD",
           "LOAD_CONST", "RETURN_VALUE", "LOAD_FAST"]  # fmt: skip
NAMES = OPCODES + [f"<{number}>" for number in range(len(OPCODES), 256)]

SOURCE = "for item in range(n):\n    work(item)\n"
LONG_NAME = "Factory.make_a_worker.<locals>.work_on_one_item_of_the_long_list_of_items"

# code, offset, opcode, line, jump target, falls through, depth
INSTRUCTIONS: list[tuple[int, int, str, int, int | None, bool, int]] = [
    (0, 0, "RESUME", 1, None, True, 0),
    (0, 2, "LOAD_NAME", 1, None, True, 0),
    (0, 4, "GET_ITER", 1, None, True, 1),
    (0, 6, "FOR_ITER", 1, 18, True, 1),
    (0, 8, "STORE_NAME", 1, None, True, 2),
    (0, 10, "LOAD_NAME", 2, None, True, 1),
    (0, 12, "CALL", 2, None, True, 2),
    (0, 14, "POP_TOP", 2, None, True, 2),
    (0, 16, "JUMP_BACKWARD", 2, 6, False, 1),
    (0, 18, "LOAD_CONST", 1, None, True, 0),
    (0, 20, "RETURN_VALUE", 1, None, False, 1),
    (1, 0, "RESUME", 4, None, True, 0),
    (1, 2, "LOAD_FAST", 5, None, True, 0),
    (1, 4, "RETURN_VALUE", 5, None, False, 1),
]  # fmt: skip
BEFORE, ROUND, CALLEE, REST, AFTER = (0, 2, 4), (6, 8, 10, 12), (0, 2, 4), (14, 16), (6, 18, 20)
ROUND_ROWS = len(ROUND) + len(CALLEE) + len(REST)


def rows_of(trips: int) -> int:
    """Rows of the trace of a run with that many trips through the loop."""
    return len(BEFORE) + trips * ROUND_ROWS + len(AFTER)


def write_sample(path: Path, trips: int = 10, *, complete: bool = True, long_names: bool = False) -> Path:
    """A module whose one loop calls one function, each time in a frame of its own."""
    run = {"argv": ["/tmp/prog.py", "-n", str(trips)], "python": "3.11.4", "engine": "vm"}
    writer = TraceWriter(path, opcode_names=NAMES, run=run)
    _add_static(writer, LONG_NAME if long_names else "work")
    _add_frames(writer, trips)
    offset, frame = _events(trips)
    code = (frame > 0).astype(np.uint32)
    at = {(row[0], row[1]): (OPCODES.index(row[2]), row[6]) for row in INSTRUCTIONS}
    keys = list(zip(code.tolist(), offset.tolist(), strict=True))
    opcode, depth = (np.array([at[key][which] for key in keys]) for which in (0, 1))
    writer.write(opcode.astype(np.uint8), offset, depth.astype(np.uint16), frame, code)
    if complete:
        writer.close({"exit_status": 0, "elapsed": 0.5})
    else:
        writer.flush()
        writer.abandon()
    return path


def _events(trips: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Offsets and frame ids of the rows."""
    offset = [*BEFORE, *(ROUND + CALLEE + REST) * trips, *AFTER]
    frame = [0] * len(BEFORE)
    for trip in range(trips):
        frame += [0] * len(ROUND) + [trip + 1] * len(CALLEE) + [0] * len(REST)
    frame += [0] * len(AFTER)
    return np.array(offset, dtype=np.uint32), np.array(frame, dtype=np.uint32)


def _add_frames(writer: TraceWriter, trips: int) -> None:
    calls = len(BEFORE) + len(ROUND) + ROUND_ROWS * np.arange(trips)
    writer.add(
        "frames",
        {
            "frame_id": range(trips + 1),
            "code_id": [0] + [1] * trips,
            "parent_id": [None] + [0] * trips,
            "call_offset": [None] + [12] * trips,
            "thread_id": [1] * (trips + 1),
            "first_row": [0, *calls.tolist()],
        },
    )
    ends = [*(calls + len(CALLEE)).tolist(), rows_of(trips)]
    writer.add("exits", {"frame_id": [*range(1, trips + 1), 0], "row": ends, "reason": ["return"] * (trips + 1)})


def _add_static(writer: TraceWriter, callee: str) -> None:
    writer.add(
        "codes",
        {
            "code_id": [0, 1],
            "name": ["<module>", callee.rpartition(".")[2]],
            "qualname": ["<module>", callee],
            "module": ["__main__", "__main__"],
            "filename": ["/tmp/prog.py", "/tmp/prog.py"],
            "firstlineno": [1, 4],
            "kind": ["module", "function"],
        },
    )
    code, offset, opcode, line, target, falls, depth = zip(*INSTRUCTIONS, strict=True)
    nothing = [None] * len(code)
    writer.add(
        "instructions",
        {
            "code_id": code,
            "offset": offset,
            "opcode": opcode,
            "arg": nothing,
            "argrepr": [""] * len(code),
            "line": line,
            "end_line": line,
            "column": nothing,
            "end_column": nothing,
            "jump_target": target,
            "falls_through": falls,
            "handler": nothing,
            "stack_depth": depth,
        },
    )
    writer.add("sources", {"filename": ["/tmp/prog.py"], "sha256": ["0" * 64], "text": [SOURCE]})
