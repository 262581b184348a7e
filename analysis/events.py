"""Where in a trace something happens: a call of a function, a thread's first frame."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
from vmtrace.analysis.base import Source
from vmtrace.analysis.program import Bools, Program
from vmtrace.analysis.view import View


def codes_named(program: Program, functions: Sequence[str] = (), modules: Sequence[str] = ()) -> Bools:
    """By code id: whether the code belongs to the functions and to the modules; nothing given means all.

    `functions` are glob patterns of qualified names, or of module and name ("json.decoder.JSONDecoder.*"), `modules`
    patterns of modules.
    """
    return np.array(
        [
            (not modules or _matches(modules, one.module))
            and (not functions or _matches(functions, one.function, f"{one.module}.{one.function}"))
            for one in program.functions
        ],
        dtype=bool,
    )


def call_rows(trace: Source, program: Program, function: str, number: int = 1) -> range | None:
    """The rows from the first to the last one of a call, with all that runs in between: the `number`-th call (from 1)
    of the functions that a pattern names (see codes_named), in the order of their first rows.

    Reaches to the end of the trace if the call does not end before. None if there are fewer calls.
    """
    codes = codes_named(program, [function])
    missing = number
    first, frame = 0, -1
    for chunk in trace.chunks(()):
        view = View(program, chunk)
        if frame < 0:
            calls = np.flatnonzero(codes[view.new.code])
            calls = calls[np.argsort(view.new.first_row[calls], kind="stable")]
            if len(calls) < missing:
                missing -= len(calls)
                continue
            call = int(calls[missing - 1])
            first, frame = int(view.new.first_row[call]), int(view.new.frame[call])
        ended, row = view.exits
        if frame in ended:
            return range(first, int(row[ended == frame][0]))
    return range(first, len(trace)) if frame >= 0 else None


def thread_ids(trace: Source, program: Program) -> list[int]:
    """The ids of the threads that ran recorded functions, in the order in which they began to."""
    found: dict[int, None] = {}
    for chunk in trace.chunks(()):
        new = View(program, chunk).new
        ids, first = np.unique(new.thread[np.argsort(new.first_row, kind="stable")], return_index=True)
        found |= dict.fromkeys(ids[np.argsort(first)].tolist())
    return list(found)


def _matches(patterns: Sequence[str], *names: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)
