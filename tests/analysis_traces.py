"""Traces for the tests of analyses: written by hand, or by a machine that runs random programs.

A `Trace` here is what vmtrace.traces.Trace is to an analysis, in memory and cut into batches at will.
`Machine` keeps, beside the rows, the true stack of frames at each of them, so that an analysis can be
checked by counting naively.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from vmtrace.traces import Chunk
from vmtrace.traces.schema import CODES, EXITS, FRAMES, INSTRUCTIONS

OPCODES = [
    "GET_ANEXT",
    "SEND",
    "END_ASYNC_FOR",
    "LOAD",
    "STORE",
    "POP",
    "CALL",
    "JUMP",
    "POP_JUMP",
    "FOR_ITER",
    "RETURN_VALUE",
    "YIELD_VALUE",
    "RETURN_GENERATOR",
    "RESUME",
    "RERAISE",
]
OPCODE_NAMES = OPCODES + [f"<{n}>" for n in range(len(OPCODES), 256)]
SUSPENDING = ("YIELD_VALUE", "RETURN_GENERATOR")
NO_FALL = ("JUMP", "RETURN_VALUE", "RERAISE")


@dataclass
class Code:
    """A code object, written as one instruction a line: `OPCODE [-> target] [! handler] [@ line]`, by index.

    The offset of instruction i is 2 * i.
    """

    name: str
    text: Sequence[str]
    kind: str = "function"
    module: str = "m"
    instructions: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.instructions = [self._parse(index, line) for index, line in enumerate(self.text)]

    def _parse(self, index: int, text: str) -> dict[str, Any]:
        opcode, *words = text.split()
        marks = dict(zip(words[::2], map(int, words[1::2]), strict=True))
        line = marks.get("@", index + 1)
        return {
            "offset": 2 * index,
            "opcode": opcode,
            "arg": None,
            "argrepr": "",
            "line": line,
            "end_line": line,
            "column": 0,
            "end_column": 1,
            "jump_target": 2 * marks["->"] if "->" in marks else None,
            "falls_through": opcode not in NO_FALL,
            "handler": 2 * marks["!"] if "!" in marks else None,
            "stack_depth": index % 5,
        }


class Trace:
    """Rows (opcode, offset, stack depth, frame, code), frames and exits, in batches of the given sizes."""

    complete, problem = True, None

    def __init__(
        self,
        codes: Sequence[Code],
        rows: Sequence[tuple[int, int, int, int, int]],
        frames: Sequence[tuple[int, int, int | None, int | None, int, int]],
        exits: Sequence[tuple[int, int]],
        cuts: Iterable[int] = (),
    ) -> None:
        self.opcode_names = OPCODE_NAMES
        self.info: dict[str, Any] = {}
        self.codes = _table(
            CODES, [(n, c.name, c.name, c.module, f"{c.module}.py", 1, c.kind) for n, c in enumerate(codes)]
        )
        self.instructions = pa.Table.from_pylist(
            [{"code_id": n, **i} for n, code in enumerate(codes) for i in code.instructions], INSTRUCTIONS
        )
        self.frames = _table(FRAMES, frames)
        self.exits = pa.table(
            {
                "frame_id": pa.array([f for f, _ in exits], pa.uint32()),
                "row": pa.array([r for _, r in exits], pa.uint64()),
                "reason": pa.array(["return"] * len(exits)).dictionary_encode().cast(EXITS.field("reason").type),
            },
            EXITS,
        )
        self.rows = np.array(rows, dtype=np.int64).reshape(-1, 5)
        self._cuts = sorted({0, len(self.rows), *(c for c in cuts if c < len(self.rows))})

    def __len__(self) -> int:
        return len(self.rows)

    def chunks(self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        stop = len(self) if stop is None else min(stop, len(self))
        bounds = sorted({start, stop, *(cut for cut in self._cuts if start < cut < stop)})
        for low, high in pairwise(bounds):
            last = high == len(self)
            kinds = {"opcode": "u1", "offset": "u4", "stack_depth": "u2", "frame_id": "u4", "code_id": "u4"}
            arrays = {
                name: self.rows[low:high, at].astype(kind)
                for at, (name, kind) in enumerate(kinds.items())
                if columns is None or name in columns
            }
            placed = [
                table.filter(
                    pa.array(
                        [low <= row < high or (last and row == high) for row in table[name].to_pylist()],
                        pa.bool_(),
                    )
                )
                for table, name in ((self.frames, "first_row"), (self.exits, "row"))
            ]
            yield Chunk(low, high - low, frames=placed[0], exits=placed[1], **arrays)


def _table(schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


@dataclass(eq=False)
class Frame:
    number: int
    code: int
    thread: int
    at: int | None = None  # the instruction executed last
    go: int = 0  # the instruction that is next


class Machine:
    """Runs random programs on random numbers: calls, generators resumed by anyone, exceptions, threads."""

    def __init__(self, codes: Sequence[Code], random: Random, threads: int = 1) -> None:
        self.codes, self.random = list(codes), random
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.stacks: list[list[tuple[int, int, int]]] = []  # by row: (frame, code, instruction), outermost first
        self.frames: list[tuple[int, int, int | None, int | None, int, int]] = []
        self.exits: list[tuple[int, int]] = []
        self.resumed: list[int] = []  # the rows that a resumed frame begins with
        self._threads: list[list[Frame]] = [[] for _ in range(threads)]
        self._asleep: list[list[Frame]] = [[] for _ in range(threads)]
        self._native: list[Frame | None] = [None] * threads  # whose native call may go on calling back

    def run(self, rows: int) -> Machine:
        thread = 0
        while len(self.rows) < rows:
            if self.random.random() < 0.1:
                thread = self.random.randrange(len(self._threads))
            self._step(thread)
        return self

    def trace(self, cuts: Iterable[int] = ()) -> Trace:
        return Trace(self.codes, self.rows, self.frames, self.exits, cuts)

    def _step(self, thread: int) -> None:
        stack = self._threads[thread]
        if not stack:
            self._create(thread, 0)
        elif self._native[thread] is stack[-1] and self.random.random() < 0.4:
            self._call(thread)  # a native function that calls back once more
            return
        self._native[thread] = None
        frame = stack[-1]
        if frame.at is not None and self._instruction(frame)["opcode"] in SUSPENDING:
            self.resumed.append(len(self.rows))
        frame.at = frame.go
        instruction = self._instruction(frame)
        opcode = instruction["opcode"]
        self.stacks.append([(f.number, f.code, f.at or 0) for f in stack])
        number, depth = OPCODES.index(opcode), self.random.randrange(9)
        self.rows.append((number, instruction["offset"], depth, frame.number, frame.code))
        self._act(thread, frame, instruction)

    def _instruction(self, frame: Frame) -> dict[str, Any]:
        return self.codes[frame.code].instructions[frame.at or 0]

    def _act(self, thread: int, frame: Frame, instruction: dict[str, Any]) -> None:
        opcode, random = instruction["opcode"], self.random
        target = instruction["jump_target"]
        frame.go = frame.at + 1 if frame.at is not None else 0
        if opcode == "RERAISE" or (opcode not in SUSPENDING and random.random() < 0.03):
            self._raise(thread)
        elif opcode == "RETURN_VALUE":
            self._leave(thread)
        elif opcode in SUSPENDING:
            self._threads[thread].pop()
            self._asleep[thread].append(frame)
        elif target is not None and (opcode == "JUMP" or random.random() < 0.5):
            frame.go = target // 2
        elif opcode in ("CALL", "FOR_ITER") and random.random() < 0.8:
            self._native[thread] = frame
            self._call(thread)

    def _call(self, thread: int) -> None:
        asleep = self._asleep[thread]
        kind = self.random.random()
        if kind < 0.5 and asleep:
            frame = asleep.pop(self.random.randrange(len(asleep)))
            if kind < 0.05:  # closed, without running
                self.exits.append((frame.number, len(self.rows)))
                return
            self._threads[thread].append(frame)
            if kind < 0.1:
                self._raise(thread)
        elif len(self._threads[thread]) < 12:
            self._create(thread, self.random.randrange(len(self.codes)))

    def _create(self, thread: int, code: int) -> None:
        stack = self._threads[thread]
        frame = Frame(len(self.frames), code, thread)
        parent = stack[-1] if stack else None
        where = (parent.number, 2 * (parent.at or 0)) if parent else (None, None)
        self.frames.append((frame.number, code, *where, thread + 7, len(self.rows)))
        stack.append(frame)

    def _leave(self, thread: int) -> None:
        frame = self._threads[thread].pop()
        self.exits.append((frame.number, len(self.rows)))

    def _raise(self, thread: int) -> None:
        stack = self._threads[thread]
        self._native[thread] = None
        while stack:
            frame = stack[-1]
            handler = None
            if frame.at is not None:
                handler = self._instruction(frame)["handler"]
            if handler is not None and self.random.random() < 0.8:
                frame.go = handler // 2
                return
            self._leave(thread)


def random_code(random: Random, name: str, kind: str) -> Code:
    """Some straight code with jumps, handlers and calls in it; a generator if it is of that kind."""
    size = random.randrange(6, 16)
    lines = []
    for at in range(size):
        opcode = random.choice(["LOAD", "STORE", "CALL", "CALL", "JUMP", "POP_JUMP", "FOR_ITER", "POP"])
        if kind == "generator" and random.random() < 0.3:
            opcode = "YIELD_VALUE"
        text = opcode
        if opcode in ("JUMP", "POP_JUMP", "FOR_ITER"):
            text += f" -> {random.randrange(2, size)}"
        if random.random() < 0.4:
            text += f" ! {random.randrange(2, size)}"
        lines.append(f"{text} @ {at // 2 + 1}")
    lines.append("RETURN_VALUE")
    start = ["RETURN_GENERATOR", "POP"] if kind == "generator" else ["RESUME", "LOAD"]
    return Code(name, start + lines[2:], kind)


def random_machine(seed: int, rows: int = 400, threads: int = 1) -> Machine:
    random = Random(seed)
    kinds = ["function", "function", "generator", "function", "generator"]
    codes = [random_code(random, f"f{n}", kind) for n, kind in enumerate(kinds[: random.randrange(2, 6)])]
    return Machine(codes, random, threads).run(rows)


def played(codes: Sequence[Code], text: str, cuts: Iterable[int] = ()) -> Trace:
    """A trace written by hand, a line for each stretch of rows:

        FRAME [CODE [@ THREAD]] [< PARENT] : INSTRUCTIONS

    The first line of a frame names its code, and its parent, which called it from where it then stands.
    Instructions are given by index; `$` among them is the end of the frame. The stack depth is that of the
    instructions table.
    """
    names = [code.name for code in codes]
    rows: list[tuple[int, int, int, int, int]] = []
    frames: dict[int, tuple[int, int, int | None, int | None, int, int]] = {}
    exits: list[tuple[int, int]] = []
    stands: dict[int, int] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        head, _, body = line.partition(":")
        words = head.split()
        frame = int(words[0])
        if frame not in frames:
            thread = int(words[words.index("@") + 1]) if "@" in words else 7
            parent = int(words[words.index("<") + 1]) if "<" in words else None
            offset = None if parent is None else 2 * stands[parent]
            frames[frame] = (frame, names.index(words[1]), parent, offset, thread, len(rows))
        code = frames[frame][1]
        for word in body.split():
            if word == "$":
                exits.append((frame, len(rows)))
                continue
            stands[frame] = int(word)
            instruction = codes[code].instructions[int(word)]
            number = OPCODES.index(instruction["opcode"])
            rows.append((number, instruction["offset"], instruction["stack_depth"], frame, code))
    return Trace(codes, rows, list(frames.values()), exits, cuts)
