"""The process that puts in order what the program notes, while it runs.

It stands outside of the program's process tree and terminal, so that the program neither waits for it nor
kills it by accident, and it outlives a program that is killed. So does the one that it starts, to write the file.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vmtrace.tracer.recorder.report import Report, reported
from vmtrace.tracer.recorder.ring import Receiver
from vmtrace.tracer.recorder.row_process import RemoteRowWriter

if TYPE_CHECKING:  # imported by each process for itself
    from vmtrace.tracer.recorder.scribe import Scribe

_AT_ONCE = 1 << 20
"""Bytes of notes taken from the ring at a time."""


def follow(memory: int, lifeline: int) -> None:
    """Writes what is sent, until the end, and reports; the arguments are those of `Receiver`."""
    import numpy  # noqa: F401 (once for both processes)

    rows = RemoteRowWriter()
    reported(Receiver(memory, lifeline), lambda receiver, report: _write(receiver, report, rows))


def _write(receiver: Receiver, report: Report, rows: RemoteRowWriter) -> None:
    from vmtrace.tracer.recorder.memory import keep_freed_memory
    from vmtrace.tracer.recorder.scribe import Scribe

    keep_freed_memory()
    start = receiver.receive_message()
    scribe = Scribe(rows)
    try:
        with suppress(BrokenPipeError):  # its report tells why
            rows.begin(start["path"], start["run"], start["compression"])
            try:
                end = _listen(receiver, scribe)
            except EOFError:
                end = None
            if end is None:
                scribe.break_off()
            else:
                scribe.finish(end)
    except BaseException:
        with suppress(BrokenPipeError):
            scribe.break_off()
        raise
    finally:
        report.update(rows.last_report())
        report["frames"] = scribe.frames


def _listen(receiver: Receiver, scribe: Scribe) -> dict[str, Any] | None:
    """Hands on messages until the one that ends the recording; returns the facts that it brings, if any.

    EOFError if there is none, for the program is no more.
    """
    while True:
        message = receiver.receive_message()
        scribe.learn(message["codes"])
        if message["marks"]:
            scribe.take_marks()
        for code_id, instructions in message["located"]:
            scribe.locate(code_id, instructions)
        for filename, content in message["sources"]:
            scribe.quote(filename, content)
        scribe.meet(message["threads"])
        while part := receiver.receive_message():
            _tell(receiver, scribe, *part)
        scribe.settle()
        if message["last"]:
            end: dict[str, Any] | None = message["end"]
            return end


def _tell(receiver: Receiver, scribe: Scribe, thread: int, typecode: str, count: int) -> None:
    import numpy as np

    kind = np.dtype(typecode)
    while count:
        part = min(count, _AT_ONCE // kind.itemsize)
        notes = np.frombuffer(receiver.receive(part * kind.itemsize), kind)
        scribe.tell(thread, notes.astype(np.uint32, copy=False))
        count -= part
