"""CPython's own account of what a program executes.

The reports come from a C trace function with `f_trace_opcodes` on 3.11, and from `sys.monitoring`'s INSTRUCTION
events from 3.12 on (setting `f_trace_opcodes` inside a trace function gives nothing there). What these
interfaces leave out is in `account`.
"""

from __future__ import annotations

import dis
import marshal
import os
import shutil
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType

import numpy as np
import numpy.typing as npt
from vmtrace.tracer import scope as scope_module
from vmtrace.tracer.scope import Scope
from vmtrace.tracer.witness import witness_hook
from vmtrace.tracer.witness.account import Account, Code, Part
from vmtrace.traces.writer import readable

PIECE = 1 << 18
"""Events that are looked at at a time."""
LOW = np.uint64(0xFFFF_FFFF)
HIGH = np.uint64(32)


def environment(folder: Path, scope: Scope, given: Mapping[str, str]) -> dict[str, str]:
    """The environment in which python puts an account of what it runs into an empty folder; `given` otherwise."""
    shutil.copy(witness_hook.__file__, folder / "sitecustomize.py")
    settings = {"folder": str(folder), "scope": scope.described(), "scope_file": scope_module.__file__}
    path = os.pathsep.join(filter(None, [str(folder), given.get("PYTHONPATH", "")]))
    return {**given, "PYTHONPATH": path, witness_hook.SETTINGS: marshal.dumps(settings).hex()}


def read(folder: Path) -> Account:
    """The account in such a folder. FileNotFoundError if python ended before it could begin one."""
    frames, events = _column(folder / "frames"), _column(folder / "events")

    def raw() -> Iterator[Part]:
        for start in range(0, len(events), PIECE):
            piece = events[start : start + PIECE]
            yield (piece >> HIGH).astype(np.int64) - 1, (piece & LOW).astype(np.int64)

    return Account(
        list(_codes(folder / "codes")),
        (frames & LOW).astype(np.int64),
        (frames >> HIGH).astype(np.int64),
        raw,
        "there was no room on the disk for all of CPython's account" if len(events) and _is_full(folder) else None,
    )


def _column(path: Path) -> npt.NDArray[np.uint64]:
    """The values in a file, up to the first zero."""
    words = np.memmap(path, np.uint64, "r")
    return words[: bisect_left(words, True, key=lambda word: word == 0)]


def _is_full(folder: Path) -> bool:
    return any(np.memmap(folder / name, np.uint64, "r")[-1] for name in ("frames", "events"))


def _codes(path: Path) -> Iterator[Code]:
    """The code objects, in the order of their numbers."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while file.peek(1):
            for code in witness_hook.walk(marshal.load(file)):
                yield _described(code)


def _described(code: CodeType) -> Code:
    listing = list(dis.get_instructions(code))
    return Code(
        readable(code.co_filename),
        readable(code.co_qualname),
        code.co_firstlineno,
        tuple((i.offset, i.opname) for i in listing),
        [(i.argrepr, i.positions.lineno if i.positions else None) for i in listing],
    )
