"""A stream of bytes from one process to another, through memory that both have.

The sender may be slowed down by its reader, never stopped by it: there is no file descriptor that it writes
to, which a program that closes all of them could make ours in name only.
"""

from __future__ import annotations

import ctypes
import itertools
import marshal
import mmap
import os
import select
from typing import Any

SIZE = 16 << 20
"""Bytes on their way at most: the backlog of notes is 4 million."""
_REPORT = 8192
_HEAD = 4096 + _REPORT
# The numbers at the begin of the memory, 8 bytes each. That there is room again is the one the sender waits
# for.
ROOM, SENT, READ, WANTED, READER, REPORTED = range(6)

_NAP = 200e-6


def make_memory() -> int:
    """Memory to share, as a file descriptor without a name."""
    descriptor = os.memfd_create("vmtrace")
    os.ftruncate(descriptor, _HEAD + SIZE)
    return descriptor


class _Ring:
    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _HEAD + SIZE)
        self._numbers = memoryview(self._memory)[:4096].cast("Q")
        self._data = memoryview(self._memory)[_HEAD:]


class Sender(_Ring):
    """The end that bytes go in at."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._sent = 0
        # Of a library loaded so, a function is called without letting go of the interpreter.
        self._sleep = ctypes.PyDLL(None).usleep
        self._has_room = self._numbers.__getitem__

    def send(self, content: bytes | memoryview) -> None:
        """Waits where the reader is behind by more than the ring holds. BrokenPipeError if it is gone."""
        rest = memoryview(content).cast("B")
        while len(rest):
            room = SIZE - (self._sent - self._numbers[READ])
            if not room:
                self._wait(self._sent - SIZE + min(len(rest), SIZE // 4))
                continue
            place = self._sent % SIZE
            part = rest[: min(room, SIZE - place)]
            self._data[place : place + len(part)] = part
            self._sent += len(part)
            self._numbers[SENT] = self._sent
            rest = rest[len(part) :]

    def _wait(self, read: int) -> None:
        """Until the reader has read so far.

        All of the program stands still meanwhile, or else its notes would pile up: naps and looks are one
        chain of calls of C functions, in which the interpreter is never given away, for up to 50 ms at a
        time.
        """
        self._numbers[ROOM] = 0
        self._numbers[WANTED] = read
        while self._numbers[READ] < read:
            naps = map(self._sleep, itertools.repeat(int(_NAP * 1e6), 250))  # each yields 0, which is ROOM
            if not any(map(self._has_room, naps)) and not self.reader_lives():
                raise BrokenPipeError("the process that writes the trace is gone")

    def reader_lives(self) -> bool:
        """False once the reader has made its report, too."""
        return not self._numbers[REPORTED] and _lives(self._numbers[READER])

    def report(self) -> dict[str, Any] | None:
        """What the reader had to say at its end, if it came to that."""
        length = self._numbers[REPORTED]
        return marshal.loads(self._memory[4096 : 4096 + length]) if length else None

    def let_go(self) -> None:
        self._numbers.release()
        self._data.release()
        self._memory.close()


class Receiver(_Ring):
    """The end that bytes come out at."""

    def __init__(self, descriptor: int, lifeline: int) -> None:
        """`lifeline`: the reading end of a pipe whose other end closes when the sender is no more."""
        super().__init__(descriptor)
        self._read = 0
        self._lifeline = select.poll()
        self._lifeline.register(lifeline, select.POLLHUP)

    def receive(self, count: int) -> bytearray:
        """So many bytes, when they are there. EOFError if the sender will send no more."""
        content = bytearray(count)
        rest = memoryview(content)
        while len(rest):
            ready = self._numbers[SENT] - self._read
            if not ready:
                if self._lifeline.poll(2) and self._numbers[SENT] == self._read:
                    raise EOFError
                continue
            place = self._read % SIZE
            part = self._data[place : place + min(ready, len(rest), SIZE - place)]
            rest[: len(part)] = part
            rest = rest[len(part) :]
            self._read += len(part)
            self._numbers[READ] = self._read
            if self._read >= self._numbers[WANTED]:
                self._numbers[ROOM] = 1
        return content

    def report(self, facts: dict[str, Any]) -> None:
        """The last words, for the sender; at most 8 KiB of them."""
        content = marshal.dumps(facts)
        self._memory[4096 : 4096 + len(content)] = content
        self._numbers[REPORTED] = len(content)


def _lives(process: int) -> bool:
    """Of process 0, that there is none."""
    if not process:
        return False
    try:
        os.kill(process, 0)
        with open(f"/proc/{process}/stat", "rb") as status:  # noqa: PTH123 - pathlib is not imported for this
            return b") Z " not in status.read()  # one that has ended and that nobody has asked about
    except ProcessLookupError:
        return False
    except OSError:
        return True
