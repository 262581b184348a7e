"""The process that writes a trace while the program runs.

It stands outside of the program's process tree and terminal, so that the program neither waits for it nor
kills it by accident, and it outlives a program that is killed.
"""

from __future__ import annotations

import marshal
import traceback
from typing import Any

import numpy as np
from vmtrace.tracer.recorder.ring import Receiver
from vmtrace.tracer.recorder.scribe import Scribe

_AT_ONCE = 1 << 20
"""Bytes of notes taken from the ring at a time."""


def follow(memory: int, lifeline: int) -> None:
    """Writes what is sent, until the end, and reports; the arguments are those of `Receiver`."""
    # Once memory of this size has been freed, malloc keeps what is freed later instead of giving it back to
    # the system and fetching it anew for each array (glibc's dynamic threshold): a third of the time.
    np.empty(31 << 20, np.uint8)
    receiver = Receiver(memory, lifeline)
    report: dict[str, Any] = {"rows": 0, "frames": 0, "problem": None}
    try:
        _write(receiver, report)
    except OSError as error:
        report["problem"] = error.strerror or str(error)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"{type(error).__name__}: {error}"[:2000]
        report["problem"] = f"{problem} ({where.name}, line {where.lineno})"
    receiver.report(report)


def _write(receiver: Receiver, report: dict[str, Any]) -> None:
    start = _message(receiver)
    scribe = Scribe(start["path"], start["run"], start["compression"])
    try:
        try:
            end = _listen(receiver, scribe)
        except EOFError:
            end = None
        if end is None:
            scribe.break_off()
        else:
            scribe.finish(end)
    except BaseException:
        scribe.abandon()
        raise
    finally:
        report.update(rows=scribe.rows, frames=scribe.frames)


def _listen(receiver: Receiver, scribe: Scribe) -> dict[str, Any] | None:
    """Hands on messages until the one that ends the recording; returns the facts that it brings, if any.

    EOFError if there is none, for the program is no more.
    """
    while True:
        message = _message(receiver)
        scribe.learn(message["codes"])
        if message["marks"]:
            scribe.take_marks()
        for code_id, instructions in message["located"]:
            scribe.locate(code_id, instructions)
        for filename, content in message["sources"]:
            scribe.quote(filename, content)
        scribe.meet(thread for thread, _, _ in message["notes"])
        for thread, typecode, count in message["notes"]:
            _tell(receiver, scribe, thread, typecode, count)
        scribe.settle()
        if message["last"]:
            end: dict[str, Any] | None = message["end"]
            return end


def _message(receiver: Receiver) -> dict[str, Any]:
    length = int.from_bytes(receiver.receive(8), "little")
    message: dict[str, Any] = marshal.loads(receiver.receive(length))
    return message


def _tell(receiver: Receiver, scribe: Scribe, thread: int, typecode: str, count: int) -> None:
    kind = np.dtype(typecode)
    while count:
        part = min(count, _AT_ONCE // kind.itemsize)
        notes = np.frombuffer(receiver.receive(part * kind.itemsize), kind)
        scribe.tell(thread, notes.astype(np.uint32, copy=False))
        count -= part
