"""The recording side of a run: takes the engine's notes, and has a process of its own write them down.

In the program's process, numpy and Arrow would have to ask for the interpreter hundreds of times a second,
each time wait until the program's turn is over (5 ms), and then cut into the next. What is left to do there
is to copy 4 bytes per note. And when the program is killed, whatever had left it is in the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vmtrace.tracer.code import Code
from vmtrace.tracer.recorder.drain import Drain
from vmtrace.tracer.recorder.facts import Span, describe
from vmtrace.tracer.recorder.ring import Sender
from vmtrace.tracer.recorder.scribe_launch import LaunchedScribe, launch_scribe

_IMPORTED_FROM = [*sys.path]
"""As it is before a program has its own."""


@dataclass(frozen=True)
class Summary:
    """What became of a recording: rows and frames that were written, and why not all of them, in one line."""

    path: Path
    rows: int
    frames: int
    bytes: int
    problem: str | None


class Recorder:
    """Records one run into one file.

    What cannot be written, because the disk is full, say, is no matter of the program's: it goes on,
    unrecorded, and `close` tells. A child that the program forks is not recorded.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        run: Mapping[str, Any],
        *,
        sources: bool = True,
        compression: str = "auto",
        scribe: LaunchedScribe | None = None,
    ) -> None:
        """`run`: facts known at the start, for JSON; `sources`: whether source files are put into the trace; `scribe`:
        the process that is to write it, if it has been started.

        An existing file is overwritten. OSError if it cannot be.
        """
        self.path = Path(path).absolute()
        self.path.write_bytes(b"")
        self._process = os.getpid()
        self._codes, self._blocks = 0, 1
        self._quoted: set[str] = set()
        self._quotes = sources
        self._summary: Summary | None = None
        scribe = scribe or launch_scribe(_IMPORTED_FROM)
        self._starter = scribe.starter
        self._sender = Sender(scribe.memory, scribe.held)
        self._drain = Drain(self._sender)
        self._sender.send_message({"path": str(self.path), "run": dict(run), "compression": compression})

    def add(self, code: Code, module: str | None = None, spans: Sequence[Span] | None = None) -> tuple[int, int]:
        """Takes a code object in. Returns its id, and the id of its first block.

        `module`: the name of the module that it is of; by default that of its file. `spans`: what the notes of its
        blocks stand for; by default the blocks.
        """
        with self._drain.guard:
            code_id, first_block = self._codes, self._blocks
            self._codes += 1
            self._blocks += len(code.blocks)
            self._drain.news.codes.append(describe(code, code_id, module, spans))
            self._quote(code.code.co_filename)
        return code_id, first_block

    def locate(self, code_id: int, positions: Iterable[int]) -> None:
        """By code unit of a code's host code (f_lasti // 2), the index of the instruction of the code; -1:
        none.

        To be called before notes with such positions are made. Without it, the host's are the code's own.
        """
        with self._drain.guard:
            self._drain.news.located.append((code_id, [int(index) for index in positions]))

    def take_marks(self) -> None:
        """The notes are marks (see `marks`). To be called before there are any."""
        with self._drain.guard:
            self._drain.news.marks = True

    def notes(self) -> list[int]:
        """The calling thread's notes, for an engine to append to (see `notes`)."""
        return self._drain.notes()

    @property
    def recording(self) -> bool:
        """Whether notes are being written: not in a forked child, nor after a failure, nor after the end."""
        return self._summary is None and not self._drain.discards and self._process == os.getpid()

    def start(self) -> None:
        """From now on notes are written while they are made."""
        self._await_starter()
        self._drain.start()

    def close(self, end: Mapping[str, Any]) -> Summary | None:
        """Ends the recording, with the facts known at the end, for JSON. In a forked child nothing, and
        None.
        """
        if self._process != os.getpid():
            self._drain.stop()
            return None
        if self._summary is None:
            self._await_starter()
            self._drain.end(dict(end))
            self._sender.let_go()
            report = self._sender.last_report()
            size = self.path.stat().st_size if self.path.exists() else 0
            problem = self._drain.problem or report["problem"]
            self._summary = Summary(self.path, report["rows"], report["frames"], size, problem)
        return self._summary

    def _quote(self, filename: str) -> None:
        if not self._quotes or filename in self._quoted:
            return
        self._quoted.add(filename)
        try:
            self._drain.news.sources.append((filename, Path(filename).read_bytes()))
        except (OSError, ValueError):  # no such file, or no name of one
            return

    def _await_starter(self) -> None:
        """The writing process has left its parent, and our process tree, when that is gone."""
        if self._starter:
            os.waitpid(self._starter, 0)
            self._starter = 0
