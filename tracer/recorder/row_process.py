"""The process that writes the file, beside the one that puts the notes in order.

Two processes, for two threads of one take turns at the interpreter, thousands of times a second: both together took as
long as one alone, and half as much processor time again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from vmtrace.tracer.recorder.report import Report, reported
from vmtrace.tracer.recorder.ring import Receiver, Sender, open_ring

if TYPE_CHECKING:  # the two processes do not import the same
    from vmtrace.tracer.recorder.arrays import Column, Ints, Pieces
    from vmtrace.tracer.recorder.facts import CodeFacts
    from vmtrace.tracer.recorder.row_writer import RowWriter

_UNDERWAY = 4 << 20
"""Bytes: what some three stretches of notes amount to."""


class RemoteRowWriter:
    """A `RowWriter` in a process of its own; its methods raise BrokenPipeError when that has come to its end."""

    def __init__(self) -> None:
        """To be made while the process has but one thread, and before the imports that the other does without."""
        ends = open_ring(_UNDERWAY)
        process = os.fork()
        if not process:
            os.close(ends.held)
            reported(Receiver(ends.memory, ends.lifeline), _write)
            os._exit(0)
        os.close(ends.lifeline)
        self._sender = Sender(ends.memory, ends.held)
        self._sender.read_by(process)

    def begin(self, path: str, run: Mapping[str, Any], compression: str) -> None:
        """To be called first: what a `RowWriter` is made with."""
        self._sender.send_message((path, dict(run), compression))

    def learn(self, codes: Sequence[CodeFacts]) -> None:
        self._call("learn", list(codes))

    def quote(self, filename: str, content: bytes) -> None:
        self._call("quote", filename, content)

    def write(self, frames: dict[str, Ints], exits: dict[str, Ints], pieces: Pieces) -> None:
        self._call("write", list(frames), list(exits), columns=(*frames.values(), *exits.values(), pieces.ravel()))

    def end_frames(self, exits: dict[str, Ints]) -> None:
        self._call("end_frames", list(exits), columns=exits.values())

    def finish(self, end: Mapping[str, Any]) -> None:
        self._call("finish", dict(end))

    def break_off(self) -> None:
        self._call("break_off")

    def last_report(self) -> Report:
        """Waits for its end."""
        self._sender.let_go()
        return self._sender.last_report()

    def _call(self, method: str, *arguments: object, columns: Iterable[Column] = ()) -> None:
        columns = list(columns)
        self._sender.send_message((method, arguments, [(column.dtype.char, len(column)) for column in columns]))
        for column in columns:
            if len(column):
                self._sender.send(column.data)


def _write(receiver: Receiver, report: Report) -> None:
    """Does what the other process calls, until the end."""
    from vmtrace.tracer.recorder.memory import keep_freed_memory
    from vmtrace.tracer.recorder.row_writer import RowWriter

    keep_freed_memory()
    writer = RowWriter(*receiver.receive_message())
    try:
        try:
            while _do(writer, receiver) not in ("finish", "break_off"):
                pass
        except EOFError:
            writer.break_off()
    except BaseException:
        writer.abandon()
        raise
    finally:
        report["rows"] = writer.rows


def _do(writer: RowWriter, receiver: Receiver) -> str:
    """One call; returns what was called. EOFError if nothing will be, for the caller is no more."""
    import numpy as np

    method, arguments, shapes = receiver.receive_message()
    kinds = [(np.dtype(kind), length) for kind, length in shapes]
    columns = iter([np.frombuffer(receiver.receive(kind.itemsize * length), kind) for kind, length in kinds])
    if shapes:
        arguments = [dict(zip(names, islice(columns, len(names)), strict=True)) for names in arguments]
    if method == "write":
        arguments.append(next(columns).reshape(3, -1))
    getattr(writer, method)(*arguments)
    return str(method)
