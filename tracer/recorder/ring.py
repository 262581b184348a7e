"""A stream of bytes from one process to another, through memory that both have.

The sender is slowed down by a slow reader, and stopped by none. It writes to no file descriptor: a program
that closes all of them, and opens its own, would get to see what is written.
"""

from __future__ import annotations

import itertools
import marshal
import mmap
import operator
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from vmtrace.tracer.host.hide import hide_functions

_NUMBERS, _REPORT = 4096, 8192
# By place among the numbers, 8 bytes each, that the memory begins with: whether the sender's wish for room
# is fulfilled, bytes sent, bytes read, which number of bytes read the sender waits for, both processes, the
# length of the reader's report.
ROOM, SENT, READ, WANTED, SENDER, READER, REPORTED = range(7)

_NAP = 2000
"""Microseconds. To wake up takes some 25 of processor time; meanwhile the reader reads a tenth of what is underway."""
_NAPS = 250
"""In a row: half a second, the longest that an interrupt must wait. The program then gets its turn of 5 ms,
so a program that notes a hundred times faster than the reader reads can still be held back."""
_FIRST_DESCRIPTOR, _DESCRIPTORS = 100, 8
"""Our files have numbers from the one on, and are no more than the other."""


class Ends(NamedTuple):
    """The file descriptors of a ring that nobody reads or writes yet."""

    memory: int
    held: int
    """What the sender's process keeps open, whatever becomes of it, so that the reader sees it end."""
    lifeline: int
    """Where it sees it."""


def open_ring(size: int) -> Ends:
    """`size`: how many bytes may be on their way."""
    with _low_descriptors_kept():
        memory = os.memfd_create("vmtrace")
        os.ftruncate(memory, _NUMBERS + _REPORT + size)
        lifeline, held = os.pipe()
        return Ends(memory, held, lifeline)


class _Ring:
    def __init__(self, memory: int) -> None:
        """`memory`: a file descriptor; it may be closed."""
        self._memory = mmap.mmap(memory, os.fstat(memory).st_size)
        self._numbers = memoryview(self._memory)[:_NUMBERS].cast("Q")
        self._data = memoryview(self._memory)[_NUMBERS + _REPORT :]
        self._size = len(self._data)


class Sender(_Ring):
    """The end that bytes go in at."""

    def __init__(self, memory: int, held: int) -> None:
        """See `Ends`; the memory's is closed."""
        with _low_descriptors_kept():
            import ctypes  # some builds of libffi open a file for good when it makes its first function

            _Ring.__init__(self, memory)  # hidden functions have no super()
        os.close(memory)
        os.set_inheritable(held, False)
        self._held, self._held_file = held, _identity(held)
        self._numbers[SENDER] = os.getpid()
        self._sent = 0
        # Of a library loaded so, a function is called without letting go of the interpreter.
        self._sleep = ctypes.PyDLL(None).usleep
        self._has_room = self._numbers.__getitem__
        self.alone: Callable[[Callable[[], bool]], bool] = operator.call
        """What calls that which waits, a function in C."""

    def read_by(self, process: int) -> None:
        """Which process the reader is; for one that cannot say so itself, at the place of READER in the memory."""
        self._numbers[READER] = process

    def send(self, content: bytes | memoryview) -> None:
        """Waits while the reader is behind by more than the ring holds. BrokenPipeError if it is gone."""
        rest = memoryview(content).cast("B")
        while len(rest):
            room = self._size - (self._sent - self._numbers[READ])
            if not room:
                self._wait(self._sent - self._size + min(len(rest), self._size // 4))
                continue
            place = self._sent % self._size
            part = rest[: min(room, self._size - place)]
            self._data[place : place + len(part)] = part
            self._sent += len(part)
            self._numbers[SENT] = self._sent
            rest = rest[len(part) :]

    def send_message(self, message: Any) -> None:
        """Something that marshal knows. BrokenPipeError if the reader is gone."""
        content = marshal.dumps(message)
        self.send(len(content).to_bytes(8, "little") + content)

    def _wait(self, read: int) -> None:
        """Until the reader has read so far.

        All of the program stands still meanwhile, or else its notes would pile up: naps and looks are one
        chain of calls of C functions, and within it no other thread gets the interpreter.
        """
        self._numbers[WANTED] = read
        while True:
            self._numbers[ROOM] = 0
            if self._numbers[READ] >= read:
                return
            naps = map(self._sleep, itertools.repeat(_NAP, _NAPS))  # each yields 0, which is ROOM
            if not self.alone(partial(any, map(self._has_room, naps))) and not self.reader_lives():
                raise BrokenPipeError

    def reader_lives(self) -> bool:
        """False once the reader has made its report, too."""
        return not self._numbers[REPORTED] and lives(self._numbers[READER])

    def report(self) -> dict[str, Any] | None:
        """What the reader had to say at its end, if it came to that."""
        length = self._numbers[REPORTED]
        return marshal.loads(self._memory[_NUMBERS : _NUMBERS + length]) if length else None

    def last_report(self) -> dict[str, Any]:
        """The same, once the reader has come to its end: waits for it."""
        while self.reader_lives():
            time.sleep(0.001)
        return self.report() or {"rows": 0, "frames": 0, "problem": "its writer was killed"}

    def let_go(self) -> None:
        """Closes the lifeline."""
        with suppress(OSError):  # the program may have closed it, and have a file of its own there
            if _identity(self._held) == self._held_file:
                os.close(self._held)


class Receiver(_Ring):
    """The end that bytes come out at."""

    def __init__(self, memory: int, lifeline: int) -> None:
        """`lifeline`: the reading end of a pipe whose other end is closed when the sender is no more."""
        _Ring.__init__(self, memory)
        self._read = 0
        self._lifeline = select.poll()
        self._lifeline.register(lifeline, select.POLLHUP)

    def receive(self, count: int) -> bytearray:
        """So many bytes, once they are there. EOFError if the sender will send no more."""
        content = bytearray(count)
        rest = memoryview(content)
        while len(rest):
            ready = self._numbers[SENT] - self._read
            if not ready:
                self._await_more()
                continue
            place = self._read % self._size
            part = self._data[place : place + min(ready, len(rest), self._size - place)]
            rest[: len(part)] = part
            rest = rest[len(part) :]
            self._read += len(part)
            self._numbers[READ] = self._read
            if self._read >= self._numbers[WANTED]:
                self._numbers[ROOM] = 1
        return content

    def receive_message(self) -> Any:
        """What was sent as one. EOFError as above."""
        length = int.from_bytes(self.receive(8), "little")
        return marshal.loads(self.receive(length))

    def _await_more(self) -> None:
        """For 2 ms, the time between two looks."""
        if self._lifeline.poll(2):
            # It is not enough that it is closed: programs do close all files.
            if not lives(self._numbers[SENDER]) and self._numbers[SENT] == self._read:
                raise EOFError
            time.sleep(0.002)

    def report(self, facts: dict[str, Any]) -> None:
        """The last words, for the sender; at most 8 KiB of them."""
        content = marshal.dumps(facts)
        self._memory[_NUMBERS : _NUMBERS + len(content)] = content
        self._numbers[REPORTED] = len(content)


@contextmanager
def _low_descriptors_kept() -> Iterator[None]:
    """What is opened within gets a high number: the program's own files have the numbers they always have."""
    taken = [os.open(os.devnull, os.O_RDONLY)]
    try:
        try:
            while taken[-1] < _FIRST_DESCRIPTOR:
                taken.append(os.dup(taken[0]))
        except OSError:  # there are fewer, of which some are needed
            for descriptor in taken[-_DESCRIPTORS:]:
                os.close(descriptor)
            del taken[-_DESCRIPTORS:]
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def lives(process: int) -> bool:
    """Whether a process is running; 0 stands for none."""
    if not process:
        return False
    try:
        os.kill(process, 0)
        with open(f"/proc/{process}/stat", "rb") as status:
            return b") Z " not in status.read()  # ended, and nobody has asked about it
    except ProcessLookupError:
        return False
    except OSError:
        return True


# From 3.12 on a profiler of the program is told of what all threads do, but of nothing in hidden code.
hide_functions(globals())
