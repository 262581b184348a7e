"""Starts the process that writes a trace.

It takes a quarter of a second to be ready. So the one that is to become the program's, by an `exec`, can start it
before.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vmtrace.tracer.recorder.ring import READER, open_ring

_NOTES_UNDERWAY = 8 << 20
"""Bytes: two million notes."""


class LaunchedScribe(NamedTuple):
    """What its parent knows of it."""

    memory: int
    held: int
    """Descriptors, for a `Sender`."""
    starter: int
    """The child that starts it, and then ends, to be waited for."""


def launch_scribe(path: Iterable[str]) -> LaunchedScribe:
    """`path`: where it imports from."""
    ends = open_ring(_NOTES_UNDERWAY)
    script = Path(__file__).with_name("scribe_start.py")
    places = [str(Path(place).absolute()) if Path(place).exists() else place for place in path]
    words = ["-I", "-S", script, ends.memory, ends.lifeline, 8 * READER, *places]
    for descriptor in (ends.memory, ends.lifeline):
        os.set_inheritable(descriptor, True)
    silence = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
    arguments = [sys.executable, *map(str, words)]
    # In a process group of its own: the terminal's Ctrl-C is not for it.
    starter = os.posix_spawn(sys.executable, arguments, os.environ, file_actions=silence, setpgroup=0)
    os.set_inheritable(ends.memory, False)
    os.close(ends.lifeline)
    return LaunchedScribe(ends.memory, ends.held, starter)
