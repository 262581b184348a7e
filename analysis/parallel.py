"""One pass over a long trace by several processes, each over a part of it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from vmtrace.analysis.base import Analysis, run
from vmtrace.traces import Trace, TraceError, open_trace

#: What it costs another process to begin, in rows that it could have looked at meanwhile: starting an
#: interpreter and importing pandas take about as long as this many rows.
_START = 8_000_000
#: What it costs to find out which frames are alive where a part begins, for each row before it, in rows.
_SKIP = 0.2

_CHILD = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); import vmtrace.analysis.parallel as p; p.serve()"
)


def run_on_cores(
    trace: Trace,
    analyses: Sequence[Analysis],
    cores: int,
    progress: Callable[[int], None] | None = None,
) -> None:
    """What `run` does for all rows, on several cores if the trace is long enough to gain by it.

    The analyses must be fresh. `progress` is called with the number of rows done, about.
    """
    first, *others = shares(len(trace), cores)
    workers = [_Worker(trace.path, analyses, part) for part in others]
    try:

        def scaled(rows: int) -> None:
            if progress is not None:
                progress(rows * len(trace) // max(len(first), 1))

        run(trace, analyses, first.start, first.stop, scaled)
        for worker in workers:
            for analysis, later in zip(analyses, worker.result(trace), strict=True):
                analysis.merge(later)
    finally:
        for worker in workers:
            worker.close()


def shares(rows: int, cores: int) -> list[range]:
    """Consecutive parts of the rows, one for each core that is worth its start, that take equally long."""
    for count in range(cores, 1, -1):
        low, high = 0.0, float(rows)
        while high - low > 1:
            time = (low + high) / 2
            low, high = (time, high) if _reach(time, count) < rows else (low, time)
        ends = [round(_reach(high, part)) for part in range(count)] + [rows]
        if all(one < other for one, other in pairwise(ends)):
            return [range(one, other) for one, other in pairwise(ends)]
    return [range(rows)]


def _reach(time: float, count: int) -> float:
    """How far as many processes get in the time that one takes for `time` rows."""
    row = 0.0
    for part in range(count):
        row += max(time - (_START + _SKIP * row if part else 0), 0)
    return row


class _Worker:
    """A process of our own that looks at a part of the trace."""

    def __init__(self, path: Path, analyses: Sequence[Analysis], part: range) -> None:
        self._part = part
        self._task = pickle.dumps((path, list(analyses), part.start, part.stop))
        command = [sys.executable, "-c", _CHILD]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin
        self._process.stdin.write(pickle.dumps(sys.path) + self._task)
        self._process.stdin.close()

    def result(self, trace: Trace) -> list[Analysis]:
        """The analyses after the part. TraceError if the part is damaged."""
        assert self._process.stdout
        answer = self._process.stdout.read()
        if self._process.wait() == 0:
            done, outcome = pickle.loads(answer)
            if not done:
                raise TraceError(outcome)
            analyses: list[Analysis] = outcome
            return analyses
        # It was killed, or could not begin: the part is still there to be done.
        _, analyses, start, stop = pickle.loads(self._task)
        run(trace, analyses, start, stop)
        return analyses

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def serve() -> None:
    """The other end: a task on stdin, its outcome on stdout."""
    path, analyses, start, stop = pickle.load(sys.stdin.buffer)
    try:
        run(open_trace(path), analyses, start, stop)
        outcome: tuple[bool, object] = True, analyses
    except TraceError as error:
        outcome = False, str(error)
    pickle.dump(outcome, sys.stdout.buffer)
