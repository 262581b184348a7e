"""Processes that load the analyses while this one still does: they will take parts of a long trace.

Loading takes as long as counting some million rows, so they begin before anything else is known.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it is slow to load
    from vmtrace.analysis.parallel import Process

#: A file of this many bytes holds 1 to 5 million rows. Fewer are read as fast by one process.
LONG = 500_000

# A worker ignores Ctrl-C: whoever started it ends it. Its sys.path is the starter's, the task follows on stdin.
_COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); import gc, pickle, sys; gc.set_threshold(100_000); "
    "sys.path[:] = pickle.load(sys.stdin.buffer); import vmtrace.analysis.parallel as p; p.serve()"
)


class Standby:
    """Other processes, for those cores that this one leaves free."""

    def __init__(self) -> None:
        self.others = _cores() - 1
        self._waiting: list[Process] = []

    def prepare(self, paths: Sequence[str]) -> None:
        """Starts processes for those of the files that are long."""
        for path in paths:
            with suppress(OSError, ValueError):  # whoever reads it says so
                if os.stat(path).st_size >= LONG:
                    self._waiting += [start() for _ in range(self.others)]

    def take(self) -> Process:
        """A process that waits for its task, or will (`vmtrace.analysis.parallel.serve`). OSError if none starts."""
        return self._waiting.pop() if self._waiting else start()

    def close(self) -> None:
        """Ends the processes that nobody took."""
        for process in self._waiting:
            process.kill()
            process.communicate()
        self._waiting.clear()


def start() -> Process:
    """A new process. OSError if there can be none."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", _COMMAND], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    assert process.stdin
    with suppress(OSError):  # it has ended: whoever gives it a task finds out
        process.stdin.write(pickle.dumps(sys.path))
        process.stdin.flush()
    return process


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
