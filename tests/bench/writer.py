"""How fast notes become rows, and rows a file, on one core: part of `python -m tests.bench`.

The notes are those of small programs, taken once from the VM and then told to the recorder's scribe over and
over. No test: figures depend on the machine and on what else it does; the best of several runs is shown.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from vmtrace.tracer.code import Code
from vmtrace.tracer.recorder.arrays import Notes
from vmtrace.tracer.recorder.assemble import Assembler, Thread
from vmtrace.tracer.recorder.expand import Expander
from vmtrace.tracer.recorder.facts import CodeFacts, Span, describe
from vmtrace.tracer.recorder.memory import keep_freed_memory
from vmtrace.tracer.recorder.row_writer import RowWriter
from vmtrace.tracer.recorder.scribe import STRETCH, Scribe
from vmtrace.tracer.recorder.tables import Tables
from vmtrace.tracer.recorder.tokens import tell_apart
from vmtrace.tracer.vm import VirtualMachine
from vmtrace.traces.schema import BATCH_ROWS

PROGRAMS = {
    "loops": """
total = 0
for i in range(700):
    for j in range(700):
        total += i * j % 7
        if total & 1:
            total ^= j
""",
    "straight": """
x = y = z = 1
for i in range(200_000):
    x, y, z = y + z & 255, z * x % 251, x - y
    a = [x, y, z]
    a[0] += a[1] * a[2]
    b = {"x": a[0], "y": a[1]}
    c = (b["x"] + b["y"], a[2] << 3, a[0] >> 1)
    d = c[0] * c[1] + c[2]
""",
    "calls": """
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
fib(25)
""",
    "objects": """
class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)
    def norm(self):
        return abs(self.x) + abs(self.y)
p, step = Point(0, 0), Point(1, -1)
for i in range(100_000):
    p = p + step
    p.norm()
""",
    "generators": """
def numbers(n):
    for i in range(n):
        yield i
def squares(source):
    for i in source:
        yield i * i
sum(squares(numbers(250_000)))
""",
    "exceptions": """
def check(i):
    if i % 3 == 0:
        raise ValueError(i)
    return i
for i in range(150_000):
    try:
        check(i)
    except ValueError:
        pass
""",
}


class Notepad:
    """Keeps what an engine tells a recorder."""

    def __init__(self) -> None:
        self.codes: list[CodeFacts] = []
        self.located: dict[int, list[int]] = {}
        self.taken: list[int] = []
        self._blocks = 1

    def add(self, code: Code, module: str | None = None, spans: Sequence[Span] | None = None) -> tuple[int, int]:
        ids = len(self.codes), self._blocks
        self.codes.append(describe(code, ids[0], module, spans))
        self._blocks += len(code.blocks)
        return ids

    def locate(self, code_id: int, positions: Iterable[int]) -> None:
        self.located[code_id] = list(positions)

    def notes(self) -> list[int]:
        return self.taken


def note(source: str) -> tuple[Notepad, Notes]:
    """Runs a program; returns all that was noted."""
    notepad = Notepad()
    VirtualMachine(notepad).run_code(compile(source, "<program>", "exec"))
    return notepad, np.array(notepad.taken, np.int64).astype(np.uint32)


def best(run: Callable[[], Any], times: int = 5) -> float:
    """Processor seconds of the fastest run."""
    durations = []
    for _ in range(times):
        begin = time.process_time()
        run()
        durations.append(time.process_time() - begin)
    return min(durations)


def assemble(notepad: Notepad, notes: Notes) -> int:
    """Rows, without a file; returns how many."""
    tables = Tables()
    for facts in notepad.codes:
        tables.add(facts)
    for code_id, instructions in notepad.located.items():
        tables.locate(code_id, instructions)
    assembler, expander, thread = Assembler(tables), Expander(tables, BATCH_ROWS), Thread(1)
    begin = 0
    while begin < len(notes):
        tokens = tell_apart(notes[begin : begin + STRETCH])
        assembler.ready(tokens)
        stretch = assembler.assemble(thread, tokens)
        for _ in expander.batches(stretch.pieces):
            pass
        begin += tokens.used
    return assembler.rows


def write(notepad: Notepad, notes: Notes, path: Path, compression: str) -> None:
    """The whole way to a file."""
    scribe = Scribe(RowWriter(path, {}, compression))
    scribe.learn(notepad.codes)
    scribe.meet([1])
    for code_id, instructions in notepad.located.items():
        scribe.locate(code_id, instructions)
    for begin in range(0, len(notes), 4 * STRETCH):
        scribe.tell(1, notes[begin : begin + 4 * STRETCH])
    scribe.settle()
    scribe.finish({})


def measure(name: str, path: Path) -> dict[str, str]:
    """One line of the table."""
    notepad, notes = note(PROGRAMS[name])
    rows = assemble(notepad, notes)
    frames = int((notes == 2**32 - 1).sum())
    figures = {
        "program": name,
        "notes": f"{len(notes):,}",
        "rows": f"{rows:,}",
        "rows/call": f"{rows / max(frames, 1):,.0f}",
    }
    figures["assemble M/s"] = f"{rows / best(partial(assemble, notepad, notes)) / 1e6:.0f}"
    for compression in ("lz4", "zstd"):
        figures[f"{compression} M/s"] = f"{rows / best(partial(write, notepad, notes, path, compression)) / 1e6:.0f}"
        figures[f"{compression} B/row"] = f"{path.stat().st_size / rows:.3f}"
    return figures


def main() -> None:
    """Prints the table as JSON."""
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps([measure(name, Path(folder) / "bench.arrow") for name in PROGRAMS]))


if __name__ == "__main__":
    main()
