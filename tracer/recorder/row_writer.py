"""Writes the file: what is known of the code goes into its tables, and pieces become rows."""

from __future__ import annotations

import dis
import hashlib
import importlib.util
import os
from collections.abc import Mapping, Sequence
from typing import Any

from vmtrace.tracer.recorder.arrays import Ints, Pieces
from vmtrace.tracer.recorder.expand import Expander
from vmtrace.tracer.recorder.facts import CodeFacts
from vmtrace.tracer.recorder.tables import Tables, transpose
from vmtrace.traces.schema import BATCH_ROWS
from vmtrace.traces.writer import TraceWriter


class RowWriter:
    """One trace file. What rows refer to must be told before them."""

    def __init__(self, path: str | os.PathLike[str], run: Mapping[str, Any], compression: str) -> None:
        """OSError if the file cannot be written."""
        self._writer = TraceWriter(path, opcode_names=dis.opname[:256], run=run, compression=compression, threaded=True)
        self._tables = Tables()
        self._expander = Expander(self._tables, BATCH_ROWS)

    @property
    def rows(self) -> int:
        """In the file."""
        return self._writer.written

    def learn(self, codes: Sequence[CodeFacts]) -> None:
        """New code objects, in the order of their ids; at least one."""
        for facts in codes:
            self._tables.add(facts)
        self._writer.add("codes", transpose(facts["code"] for facts in codes))
        columns = [facts["instructions"] for facts in codes]
        self._writer.add("instructions", {name: [v for column in columns for v in column[name]] for name in columns[0]})

    def quote(self, filename: str, content: bytes) -> None:
        """A source file. One that is no Python source in a known encoding is left out."""
        try:
            text = importlib.util.decode_source(content)
        except (SyntaxError, UnicodeDecodeError, LookupError):
            return
        row = {"filename": [filename], "sha256": [hashlib.sha256(content).hexdigest()], "text": [text]}
        self._writer.add("sources", row)

    def write(self, frames: dict[str, Ints], exits: dict[str, Ints], pieces: Pieces) -> None:
        """The next rows, and the frames that begin and end there: what a `Stretch` holds."""
        self._writer.add_integers("frames", frames)
        self.end_frames(exits)
        for columns in self._expander.batches(pieces):
            self._writer.write(*columns)

    def end_frames(self, exits: dict[str, Ints]) -> None:
        """Exits at, or behind, the rows that come next."""
        self._writer.add_integers("exits", exits)

    def finish(self, end: Mapping[str, Any]) -> None:
        """The last rows, and the facts known at the end."""
        self._writer.write(*self._expander.rest())
        self._writer.close(end)

    def break_off(self) -> None:
        """The last rows of a recording whose end is not known: the trace is incomplete."""
        self._writer.write(*self._expander.rest())
        self._writer.flush()
        self._writer.abandon()

    def abandon(self) -> None:
        """Leaves the file as it is. May be called at any time."""
        self._writer.abandon()
