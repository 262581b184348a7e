"""A recording from beginning to end: engine, recorder and program put together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import CodeType
from typing import NoReturn

from vmtrace.tracer.host.audits import UNHEARD
from vmtrace.tracer.host.hide import hide, hide_functions
from vmtrace.tracer.launch import Engine, run
from vmtrace.tracer.notes import WHOLE
from vmtrace.tracer.program import Program
from vmtrace.tracer.recorder.recorder import Recorder, Summary
from vmtrace.tracer.recorder.scribe_launch import LaunchedScribe
from vmtrace.tracer.scope import Scope
from vmtrace.tracer.vm import VirtualMachine


class VMEngine:
    """The bytecode virtual machine, recording."""

    def __init__(self, recorder: Recorder, check: bool = False) -> None:
        self.machine = VirtualMachine(recorder, check=check)

    def code(self, code: CodeType, module: str | None = None, namespace_is_globals: bool = True) -> CodeType:
        return self.machine.function(code, namespace_is_globals, module).host

    def original(self, code: CodeType) -> CodeType:
        return self.machine.original(code)


def _native(recorder: Recorder) -> Engine:
    from vmtrace.tracer.rewritten.native_engine import NativeEngine

    return NativeEngine(recorder)


ENGINES: dict[str, Callable[[Recorder], Engine]] = {
    "vm": VMEngine,
    "native": _native,
    "check": lambda recorder: VMEngine(recorder, check=True),
}
"""By name; `check` is the VM one instruction at a time, holding its stack against what decoding found."""


def record(
    program: Program,
    scope: Scope,
    path: str,
    engine: str,
    sources: bool,
    facts: Mapping[str, object],
    scribe: LaunchedScribe | None = None,
) -> tuple[int, Summary | None]:
    """Runs the program and records it into `path`. Returns its exit status and what was written (None in a child that
    the program forked). OSError if the file cannot be written to.

    `facts` of the run that are known before it go into the trace, with those that are known here. `scribe` is the
    process that writes it, if it has been started.
    """
    known = {**facts, "engine": engine, "argv": [*program.argv], "scope": scope.described()}
    recorder = Recorder(path, known, sources=sources, scribe=scribe)
    made = ENGINES[engine](recorder)
    recorder.start()
    begin = time.perf_counter()

    def close(status: int, stopped: str) -> Summary | None:
        elapsed = time.perf_counter() - begin
        with UNHEARD:
            return recorder.close({"exit_status": status, "elapsed": round(elapsed, 6), "stopped": stopped})

    _close_at_hard_exit(close)
    status = run(program, made, scope)
    return status, close(status, WHOLE)


def _close_at_hard_exit(close: Callable[[int, str], object]) -> None:
    """The one way to end at once that can still be waited for."""
    leave = os._exit

    def _exit(status: int) -> NoReturn:
        """Exit to the system with specified status, without normal exit processing."""
        if isinstance(status, int):
            close(status & 0xFF, "the program called os._exit")
        leave(status)

    os._exit = hide(_exit)


hide_functions(globals())
