"""What a process leaves behind: its output, its exit status. Several can be given the same input."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PIECE = 1 << 16
LINGER = 1.0
"""Seconds that are waited for output after the process has ended: a child that it left may have its output open."""


class Output:
    """What was written to a stream: all of it when it comes to equality, of which the beginning is kept."""

    KEPT = 1 << 24
    """Bytes."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.length = 0
        self._hash = hashlib.blake2b()

    def read(self, stream: IO[bytes]) -> None:
        """To its end."""
        while piece := os.read(stream.fileno(), PIECE):
            self._hash.update(piece)
            self.kept += piece[: max(0, self.KEPT - self.length)]
            self.length += len(piece)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Output) and self._hash.digest() == other._hash.digest()


@dataclass(frozen=True)
class Outcome:
    """A negative status is a signal's number."""

    status: int
    stdout: Output = field(default_factory=Output)
    stderr: Output = field(default_factory=Output)


class Input:
    """What stands on a stream, to be read from its beginning as often as needed, and no further than needed."""

    def __init__(self, source: int | None, copy: int) -> None:
        """File descriptors: of the stream, if there is one, and of an empty file to keep in what was read."""
        self._source = source
        self._copy = copy
        self._length = 0
        self._reading = threading.Lock()

    def feed(self, pipe: IO[bytes]) -> None:
        """Writes it all to a pipe and closes that; until nobody reads from it any more."""
        at = 0
        with suppress(BrokenPipeError), pipe:
            while piece := self._from(at):
                pipe.write(piece)
                pipe.flush()
                at += len(piece)

    def _from(self, at: int) -> bytes:
        with self._reading:
            if at == self._length and self._source is not None:
                piece = os.read(self._source, PIECE)
                self._length += os.write(self._copy, piece)
                return piece
            return os.pread(self._copy, PIECE, at)


def run(
    command: Sequence[str | os.PathLike[str]],
    environment: Mapping[str, str],
    given: Input | None = None,
    cwd: Path | None = None,
    inherited: Sequence[int] = (),
    timeout: float | None = None,
) -> Outcome:
    """Runs a command to its end; `inherited`: file descriptors that it has besides.

    OSError if it cannot be started, TimeoutExpired after so many seconds. The process is gone whatever happens.
    """
    pipe = subprocess.PIPE
    stdin = subprocess.DEVNULL if given is None else pipe
    process = subprocess.Popen(
        command, stdin=stdin, stdout=pipe, stderr=pipe, env=environment, cwd=cwd, pass_fds=inherited
    )
    assert process.stdout and process.stderr
    outcome = Outcome(0)
    readers = [
        threading.Thread(target=output.read, args=[stream], daemon=True)
        for output, stream in ((outcome.stdout, process.stdout), (outcome.stderr, process.stderr))
    ]
    try:
        if given is not None:
            threading.Thread(target=given.feed, args=[process.stdin], daemon=True).start()
        for reader in readers:
            reader.start()
        process.wait(timeout)
    finally:
        process.kill()
        process.wait()
    for reader in readers:
        reader.join(LINGER)
    return Outcome(process.returncode, outcome.stdout, outcome.stderr)
