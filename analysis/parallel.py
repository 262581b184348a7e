"""One pass over a long trace by several processes, each over a part of it."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from vmtrace.analysis import dataframes
from vmtrace.analysis.base import Analysis, Tally, Together, feed
from vmtrace.analysis.joined import Joined
from vmtrace.analysis.program import Program
from vmtrace.analysis.tails import Tails
from vmtrace.traces import Trace, TraceError, open_trace

#: What it costs another process to begin, in rows that it could have looked at meanwhile: it opens the trace.
_START = 500_000
#: What the first process does while others still count, mostly importing pandas, in rows.
_FINISH = 4_000_000
#: Fewer rows than this are not worth another process.
_LEAST = 1_000_000
#: What it costs to find out which frames are alive where a part begins, for each row before it, in rows.
_SKIP = 0.1

Process: TypeAlias = "subprocess.Popen[bytes]"


def run_on_cores(
    trace: Trace,
    analyses: Sequence[Analysis],
    start: int = 0,
    stop: int | None = None,
    progress: Callable[[int], None] | None = None,
    *,
    process: Callable[[], Process] | None = None,
    others: int = 0,
) -> None:
    """What `run` does, shared with up to so many other processes if there are enough rows to gain by it.

    `process()` starts one that calls `serve`; it is ended here. The analyses must be fresh, and of one program:
    that of the whole trace. `progress` is called with the number of rows done, about.
    """
    rows = range(len(trace))[start:stop]
    first, *rest = (rows[part.start : part.stop] for part in shares(len(rows), others + 1 if process else 1))
    together = Together(analyses)
    tallies = together.tallies
    if any(tally.begun for tally in tallies):
        raise ValueError("only fresh analyses can be shared out")
    workers: list[_Worker] = []
    try:
        if process and tallies:
            for part in rest:
                workers.append(_Worker(process, trace.path, tallies, part))

        def scaled(done: int) -> None:
            if progress is not None:
                progress(done * len(rows) // max(len(first), 1))

        feed(Joined(trace), tallies, first.start, first.stop, scaled)
        together.follow_alone()
        if workers:
            dataframes.load()
        for worker in workers:
            for tally, later in zip(tallies, worker.result(trace), strict=True):
                tally.join(later)
    finally:
        for worker in workers:
            worker.close()
    together.part()


def shares(rows: int, processes: int) -> list[range]:
    """Consecutive parts of the rows, one for each process that is worth its start, that take equally long."""
    for count in range(processes, 1, -1):
        low, high = 0.0, float(rows + _FINISH)
        while high - low > 1:
            time = (low + high) / 2
            low, high = (time, high) if _reach(time, count) < rows else (low, time)
        ends = [round(_reach(high, part)) for part in range(count)] + [rows]
        if all(other - one >= _LEAST for one, other in pairwise(ends)):
            return [range(one, other) for one, other in pairwise(ends)]
    return [range(rows)]


def _reach(time: float, count: int) -> float:
    """How far as many processes get in the time that one takes for `time` rows."""
    row = 0.0
    for part in range(count):
        row += max(time - (_START + _SKIP * row if part else _FINISH), 0)
    return row


class _Worker:
    """A process of our own that looks at a part of the trace."""

    def __init__(self, start: Callable[[], Process], path: Path, tallies: Sequence[Tally], part: range) -> None:
        self._program, self._part = tallies[0].program, part
        # Fresh tallies are not sent: they may be large, and this process would wait until the other one reads.
        self._kinds = [(type(tally), tally.options) for tally in tallies]
        self._process: Process | None = None
        try:
            self._process = start()
            assert self._process.stdin
            task = pickle.dumps((os.fspath(path), self._program.sites, self._kinds, part))
            # Left open: its end tells the worker that nobody waits for it any more.
            self._process.stdin.write(task)
            self._process.stdin.flush()
        except OSError:
            pass  # `result` finds out

    def result(self, trace: Trace) -> list[Tally]:
        """The tallies after the part. TraceError if the part is damaged."""
        if self._process and self._process.stdout:
            answer = self._process.stdout.read()
            if self._process.wait() == 0:
                outcome = _unpacked(answer, self._program)
                if isinstance(outcome, str):
                    raise TraceError(outcome)
                return list(outcome)
        # It was killed, or could not begin: the part is still there to be done.
        return _counted(trace, self._program, self._kinds, self._part)

    def close(self) -> None:
        if not self._process:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):  # what it was never told
                    pipe.close()


def serve() -> None:
    """The other end: a task on stdin, its outcome on stdout."""
    path, sites, kinds, part = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_leave_when_alone, daemon=True).start()
    try:
        trace = open_trace(path)
        program = Program(trace)
        if program.sites != sites:
            os._exit(1)  # more has been recorded since: these numbers are not the starter's
        outcome = _packed(_counted(trace, program, kinds, part), program)
    except TraceError as error:
        outcome = pickle.dumps(str(error))
    sys.stdout.buffer.write(outcome)
    sys.stdout.buffer.flush()
    os._exit(0)  # the thread may be waiting for ever


def _counted(trace: Trace, program: Program, kinds: Sequence[tuple[type[Tally], Any]], part: range) -> list[Tally]:
    tallies = [kind(program, *options) for kind, options in kinds]
    tails = Tails()
    for tally in tallies:
        tally.follow(tails)
    feed(Joined(trace), tallies, part.start, part.stop)
    return tallies


def _leave_when_alone() -> None:
    """Ends the process as soon as nobody holds the other end of its stdin, however that one ended."""
    while os.read(0, 1):
        pass
    os._exit(1)


def _packed(what: object, program: Program) -> bytes:
    """Pickled, without the program and what can be derived from it: the other process has its own."""
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.known = {id(program): "program"} | {id(value): make for make, value in program.derived.items()}
    pickler.dump(what)
    return buffer.getvalue()


def _unpacked(data: bytes, program: Program) -> Any:
    unpickler = _Unpickler(io.BytesIO(data))
    unpickler.program = program
    return unpickler.load()


class _Pickler(pickle.Pickler):
    known: dict[int, object]

    def persistent_id(self, obj: object) -> object:
        return self.known.get(id(obj))


class _Unpickler(pickle.Unpickler):
    program: Program

    def persistent_load(self, pid: Any) -> object:
        return self.program if pid == "program" else self.program.once(pid)
