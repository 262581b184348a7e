"""Writing a trace: rows and tables go in as they become known, and leave for the file batch by batch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.traces import metadata, packing
from vmtrace.traces.behind import Behind
from vmtrace.traces.placed import Columns, PlacedQueue, integers
from vmtrace.traces.schema import BATCH_ROWS, EVENTS, FORMAT_VERSION, PLACED, TABLES
from vmtrace.traces.sink import BlockSink, Compressor

Rows: TypeAlias = pa.Table | pa.RecordBatch | Mapping[str, Any]
Arrays: TypeAlias = list[npt.NDArray[Any]]

# An opcode is written as the index of its name.
_TYPES = [field.type.index_type if field.name == "opcode" else field.type for field in EVENTS]


class TraceWriter:
    """Writes one trace. The file is created at once, so that a failure shows before the program runs.

    What explains rows comes before them: `add` the codes, frames and exits of a stretch of rows, then `write`
    it.

    An exception while the file is being written (the disk is full, say) ends the trace: the file is closed,
    what is on disk can be read as an incomplete trace, and every later call raises OSError. So does any call
    in a forked child: its rows would land among the parent's.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        opcode_names: Sequence[str],
        run: Mapping[str, Any],
        compression: str = "lz4",
        threaded: bool = False,
    ) -> None:
        """`opcode_names`: 256 different names, by opcode number; `run`: facts known at the start, for JSON.

        `compression` is lz4 (fast), zstd (half the size), or auto: lz4 where the file is small even so. `threaded`: a
        thread compresses and writes each batch while the next is made; what goes wrong then shows a batch later, and
        arrays that were given must not change any more. An existing file is overwritten; OSError if it cannot be.
        """
        if len(opcode_names) != 256 or len(set(opcode_names)) != 256:
            raise ValueError("a trace needs 256 opcode names, all different")
        facts = {metadata.FORMAT: str(FORMAT_VERSION), metadata.RUN: json.dumps(dict(run))}
        self._columns = Compressor(compression)
        self._placed = {name: PlacedQueue(name) for name in PLACED}
        self._known: dict[str, list[pa.Table]] = {name: [] for name in TABLES if name not in PLACED}
        """Rows of the other tables that wait for the next batch."""
        self._buffers = _buffers()
        self._buffered = self._emitted = 0
        self._behind = Behind() if threaded else None
        self._failure: BaseException | None = None
        self._process = os.getpid()
        self._file = BlockSink(path)
        with self._writing():
            self._file.begin(EVENTS.with_metadata(facts), opcode_names)
            # A batch of no rows brings schema and opcode names to disk, should the program be killed.
            self._emit(self._head(0))
            self._settle()

    @property
    def rows(self) -> int:
        """The number of rows given so far."""
        return self._emitted + self._buffered

    @property
    def written(self) -> int:
        """The number of rows in the file."""
        return self._file.rows

    def add(self, table: str, rows: Rows) -> None:
        """Queue rows of "codes", "instructions", "frames", "exits" or "sources" for the next batch.

        Frames and exits go out with the batch that holds their row; ValueError if that row has been given
        already, or where the rows do not fit the table.
        """
        self._check_open()
        checked = _as_table(rows, TABLES[table])
        if table in self._placed:
            self._placed[table].add(integers(table, checked), self.rows)
        elif checked.num_rows:
            self._known[table].append(checked)

    def add_integers(self, table: str, columns: Columns) -> None:
        """The same for rows of "frames" and "exits" that are known to fit, as columns of int64 (see `placed`)."""
        self._check_open()
        self._placed[table].add(columns, self.rows)

    def write(
        self,
        opcode: npt.ArrayLike,
        offset: npt.ArrayLike,
        stack_depth: npt.ArrayLike,
        frame_id: npt.ArrayLike,
        code_id: npt.ArrayLike,
    ) -> None:
        """Append rows, given as columns of one length: not copied where they are arrays of the trace's types.

        Full batches leave for the file, the rest is kept for the next. ValueError where a number does not
        fit.
        """
        given = (opcode, offset, stack_depth, frame_id, code_id)
        columns = [_as_array(values, kind) for values, kind in zip(given, _TYPES, strict=True)]
        length = len(columns[0])
        if any(len(column) != length for column in columns):
            raise ValueError("the columns of a trace are of one length")
        with self._writing():
            position = 0
            while position < length:
                rest = [column[position : position + BATCH_ROWS] for column in columns]
                if len(rest[0]) == BATCH_ROWS and not self._buffered:
                    self._emit(rest)
                    position += BATCH_ROWS
                else:
                    position += self._keep(rest)

    def flush(self) -> None:
        """Send the rows that are kept to the file, as a short batch."""
        with self._writing():
            self._emit_kept()
            self._settle()

    def close(self, end: Mapping[str, Any]) -> None:
        """Finish the trace with the facts known at the end (rows and frames are added); close the file."""
        facts = {**end, "rows": self.rows, "frames": self._placed["frames"].total}
        text = json.dumps(facts).encode()
        with self._writing():
            self._emit_kept()
            self._emit(self._head(0), end=text)
            self._settle()
            self._file.end()
        self.abandon()

    def abandon(self) -> None:
        """Close the file as it is: an incomplete trace. May be called at any time, and again."""
        if self._behind and os.getpid() == self._process:
            self._behind.end()
        self._file.close()

    def _check_open(self) -> None:
        if os.getpid() != self._process:
            raise OSError("a trace is written by the process that began it, not by a fork of it")
        if isinstance(self._failure, OSError):
            raise OSError(self._failure.errno, self._failure.strerror, self._failure.filename)
        if self._failure:
            raise OSError(f"the trace ended at an exception: {self._failure!r}")
        if self._file.closed:
            raise ValueError("the trace is closed")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let an exception end the trace: what is half written cannot be carried on."""
        self._check_open()
        try:
            yield
        except BaseException as error:
            self._failure = error
            self.abandon()
            raise

    def _head(self, rows: int) -> Arrays:
        return [buffer[:rows] for buffer in self._buffers]

    def _keep(self, columns: Arrays) -> int:
        """Copy as many rows as the kept batch has room for, and send it off if full; returns how many."""
        count = min(BATCH_ROWS - self._buffered, len(columns[0]))
        for buffer, column in zip(self._buffers, columns, strict=True):
            buffer[self._buffered : self._buffered + count] = column[:count]
        self._buffered += count
        if self._buffered == BATCH_ROWS:
            self._emit_kept()
        return count

    def _emit_kept(self) -> None:
        if self._buffered:
            kept, self._buffered = self._head(self._buffered), 0
            if self._behind:  # which has these now
                self._buffers = _buffers()
            self._emit(kept)

    def _settle(self) -> None:
        """Wait until all that was emitted is in the file."""
        if self._behind:
            self._behind.wait()

    def _emit(self, columns: Arrays, end: bytes | None = None) -> None:
        """Write a batch with the tables that belong to it; with `end`, the final one and all that is left."""
        stop = self._emitted + len(columns[0])
        content = {metadata.FIRST_ROW: b"%d" % self._emitted}
        for name, waiting in self._known.items():
            if waiting:
                content[metadata.table_key(name)] = packing.pack(pa.concat_tables(waiting))
                waiting.clear()
        for name, queue in self._placed.items():
            if taken := queue.take(None if end else stop):
                content[metadata.table_key(name)] = packing.pack_integers(name, taken)
        if end:
            content[metadata.END] = end
        self._emitted = stop
        if self._behind:
            self._behind.call(self._file.write, self._columns, columns, content)
        else:
            self._file.write(self._columns, columns, content)


def _buffers() -> Arrays:
    """Room for a batch."""
    return [np.empty(BATCH_ROWS, kind.to_pandas_dtype()) for kind in _TYPES]


def _as_array(values: npt.ArrayLike, kind: pa.DataType) -> npt.NDArray[Any]:
    """The values as a contiguous array of that type; ValueError where one does not fit."""
    array = np.asarray(values)
    if array.strides != (0,):
        array = np.ascontiguousarray(array)
    if array.dtype == kind.to_pandas_dtype():
        return array
    converted: npt.NDArray[Any] = pa.array(array, kind).to_numpy()
    return converted


def _as_table(rows: Rows, schema: pa.Schema) -> pa.Table:
    """The rows as a table of that schema; ValueError where they do not fit it."""
    try:
        if isinstance(rows, pa.RecordBatch):
            rows = pa.Table.from_batches([rows])
        if not isinstance(rows, pa.Table):
            rows = pa.table({name: _as_column(rows[name], schema.field(name).type) for name in schema.names})
        return rows.select(schema.names).cast(schema)
    except (KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"the rows do not fit the table: {error}") from error


def _as_column(values: Any, kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        # The name of a file that is not UTF-8 holds lone surrogates in Python.
        return pa.array([readable(value) for value in values], kind)


def readable(text: str) -> str:
    """A name or path that is no valid Unicode, as it stands in a trace: with escapes."""
    return text.encode(errors="backslashreplace").decode()
