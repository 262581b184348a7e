"""Writing a trace: rows and tables go in as they become known, and leave for the file batch by batch."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vmtrace.traces import seal as sealing
from vmtrace.traces.schema import BATCH_ROWS, EVENTS, FORMAT_VERSION, PLACED, TABLES

Rows = pa.Table | pa.RecordBatch | Mapping[str, Sequence[Any] | npt.NDArray[Any]]

_COLUMNS = {
    "opcode": np.dtype(np.uint8),
    "offset": np.dtype(np.uint32),
    "stack_depth": np.dtype(np.uint16),
    "frame_id": np.dtype(np.uint32),
    "code_id": np.dtype(np.uint32),
}


class TraceWriter:
    """Writes one trace. The file is created at once, so that a failure shows before the program runs.

    What explains a row comes before it: `add` the frames and exits of a stretch of rows, then `write` the rows.
    An OSError (disk full, say) from any call ends the trace: the file is closed, what was written stays readable
    as an incomplete trace, and every later call raises the error again.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, opcode_names: Sequence[str], run: Mapping[str, Any], compression: str = "lz4"
    ) -> None:
        """`opcode_names`: 256 different names, by opcode number; `run`: facts known now, as JSON can hold them."""
        if len(opcode_names) != 256 or len(set(opcode_names)) != 256:
            raise ValueError("a trace needs 256 opcode names, all different")
        facts = {sealing.SCHEMA_FORMAT: str(FORMAT_VERSION), sealing.SCHEMA_RUN: json.dumps(dict(run))}
        self.rows = 0
        self.frames = 0
        self._names = pa.array(opcode_names, pa.string())
        self._pending: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
        self._buffer = {name: np.empty(BATCH_ROWS, dtype) for name, dtype in _COLUMNS.items()}
        self._buffered = 0
        self._sink = _Sink(path)
        options = pa.ipc.IpcWriteOptions(compression=_codec(compression))
        self._arrow = pa.ipc.new_file(self._sink, EVENTS.with_metadata(facts), options=options)
        # A batch of no rows puts schema and opcode names on disk now: a program that is killed leaves at least these.
        self._emit(self._slice(0, 0))

    def add(self, table: str, rows: Rows) -> None:
        """Queue rows of a table ("codes", "instructions", "frames", "exits", "sources") for the next batch.

        Frames and exits go out with the batch their row lies in, which must not have been written yet (ValueError).
        """
        new = _as_table(rows, TABLES[table])
        if table in PLACED and new.num_rows:
            first = pa.compute.min(new[PLACED[table]]).as_py()
            if first < self.rows:
                raise ValueError(f"{table} of row {first} come too late, after {self.rows} rows: add them before the rows")
        if table == "frames":
            self.frames += new.num_rows
        self._pending[table].append(new)

    def write(
        self,
        opcode: npt.NDArray[np.uint8],
        offset: npt.NDArray[np.uint32],
        stack_depth: npt.NDArray[np.uint16],
        frame_id: npt.NDArray[np.uint32],
        code_id: npt.NDArray[np.uint32],
    ) -> None:
        """Append rows, given as columns of one length. Full batches leave for the file, the rest is kept (copied)."""
        given = zip(_COLUMNS.items(), (opcode, offset, stack_depth, frame_id, code_id), strict=True)
        columns = {name: _as_column(values, dtype) for (name, dtype), values in given}
        length = len(columns["opcode"])
        if any(len(column) != length for column in columns.values()):
            raise ValueError("the columns of a trace must be of one length")
        self.rows += length
        position = 0
        while position < length:
            if self._buffered == 0 and length - position >= BATCH_ROWS:
                self._emit({name: column[position : position + BATCH_ROWS] for name, column in columns.items()})
                position += BATCH_ROWS
                continue
            taken = min(BATCH_ROWS - self._buffered, length - position)
            for name, column in columns.items():
                self._buffer[name][self._buffered : self._buffered + taken] = column[position : position + taken]
            self._buffered += taken
            position += taken
            if self._buffered == BATCH_ROWS:
                self._emit(self._slice(0, BATCH_ROWS))
                self._buffered = 0

    def flush(self) -> None:
        """Send what is pending to the file as one short batch."""
        if self._buffered or any(self._pending.values()):
            self._emit(self._slice(0, self._buffered), everything=True)
            self._buffered = 0

    def close(self, end: Mapping[str, Any]) -> None:
        """Finish the trace with the facts known at the end (rows and frames are added), and close the file."""
        self.flush()
        facts = {**end, "rows": self.rows, "frames": self.frames}
        self._emit(self._slice(0, 0), extra={sealing.END: json.dumps(facts).encode()})
        self._arrow.close()
        self._sink.commit()
        self._sink.close()

    def abandon(self) -> None:
        """Close the file as it is, without the final batch: an incomplete trace. May be called at any time."""
        self._sink.close()

    def _slice(self, start: int, stop: int) -> dict[str, npt.NDArray[Any]]:
        return {name: column[start:stop] for name, column in self._buffer.items()}

    def _emit(
        self, columns: Mapping[str, npt.NDArray[Any]], everything: bool = False, extra: Mapping[bytes, bytes] | None = None
    ) -> None:
        """One record batch, with the tables that belong to it."""
        metadata = {sealing.FIRST_ROW: b"%d" % self._sink.rows}
        if self._sink.crc is not None:
            metadata[sealing.PREVIOUS] = b"%08x" % self._sink.crc
        length = len(columns["opcode"])
        limit = None if everything else self._sink.rows + length
        for name in TABLES:
            table = self._take(name, limit)
            if table.num_rows:
                metadata[b"vmtrace." + name.encode()] = sealing.pack_table(table)
        metadata.update(extra or {})
        opcodes = pa.DictionaryArray.from_arrays(pa.array(columns["opcode"]), self._names, safe=False)
        rest = [pa.array(columns[name]) for name in EVENTS.names[1:]]
        batch = pa.RecordBatch.from_arrays([opcodes, *rest], schema=EVENTS)
        self._arrow.write_batch(batch, custom_metadata=sealing.seal(metadata))
        self._sink.commit()
        self._sink.rows += length

    def _take(self, name: str, limit: int | None) -> pa.Table:
        """The pending rows of a table that go with the batch that ends before row `limit` (None: all of them)."""
        pending = pa.concat_tables([TABLES[name].empty_table(), *self._pending[name]])
        column = PLACED.get(name)
        if limit is None or column is None:
            self._pending[name] = []
            return pending
        due = pa.compute.less(pending[column], limit)
        later = pending.filter(pa.compute.invert(due))
        self._pending[name] = [later] if later.num_rows else []
        return pending.filter(due)


class _Sink:
    """The file as Arrow sees it. Bytes are gathered until a batch is whole: then one write, and its CRC-32."""

    closed = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = Path(path).open("wb", buffering=0)
        self._parts: list[Any] = []
        self._position = 0
        self.crc: int | None = None
        self.rows = 0

    def write(self, data: Any) -> None:
        self._parts.append(data)
        self._position += len(data)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        pass

    def commit(self) -> None:
        block = b"".join(self._parts)
        self._parts.clear()
        self.crc = zlib.crc32(block)
        view = memoryview(block)
        while view:
            view = view[self._file.write(view) :]

    def close(self) -> None:
        self.closed = True
        self._file.close()


def _codec(name: str) -> pa.Codec | str:
    return pa.Codec("zstd", compression_level=1) if name == "zstd" else name


def _as_column(values: npt.ArrayLike, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The values as a contiguous array of that type; ValueError (ArrowInvalid) where one does not fit."""
    array = np.ascontiguousarray(values)
    if array.dtype == dtype:
        return array
    return pa.array(array, type=pa.from_numpy_dtype(dtype)).to_numpy(zero_copy_only=False)


def _as_table(rows: Rows, schema: pa.Schema) -> pa.Table:
    if isinstance(rows, pa.RecordBatch):
        return pa.Table.from_batches([rows]).cast(schema)
    if isinstance(rows, pa.Table):
        return rows.cast(schema)
    return pa.Table.from_pydict(dict(rows), schema=schema)
