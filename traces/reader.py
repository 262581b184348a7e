"""Reading a trace: a whole one, or the part of it that was written."""

from __future__ import annotations

import json
import os
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vmtrace.traces import blocks, seal
from vmtrace.traces.schema import EVENTS, EXITS, FORMAT_VERSION, FRAMES, PLACED, TABLES
from vmtrace.traces.seal import TraceError

if TYPE_CHECKING:
    import pandas as pd

_FIRST_BYTES = 512  # of a message: as a rule enough to know its extent


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of a trace, as numpy columns (None: not asked for), with the frames and exits that lie in them."""

    first_row: int
    rows: int
    opcode: npt.NDArray[np.uint8] | None = None
    offset: npt.NDArray[np.uint32] | None = None
    stack_depth: npt.NDArray[np.uint16] | None = None
    frame_id: npt.NDArray[np.uint32] | None = None
    code_id: npt.NDArray[np.uint32] | None = None
    frames: pa.Table = field(default_factory=FRAMES.empty_table)
    exits: pa.Table = field(default_factory=EXITS.empty_table)


class _Head(NamedTuple):
    """What a batch says of itself."""

    first_row: int
    rows: int
    metadata: dict[bytes, bytes]


def open_trace(path: str | os.PathLike[str]) -> Trace:
    """The trace in a file. TraceError, in one line, where it is none or cannot be read at all."""
    return Trace(path)


class Trace:
    """One trace file, opened for reading. Rows are read and decompressed as they are asked for.

    `complete` says whether the recording was finished; if not, `problem` says in one line what is missing.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self._file = pa.OSFile(str(self.path), "r")
            self._size = self._file.size()
        except OSError as error:
            raise TraceError(f"{self.path}: cannot be read: {_reason(error)}") from error
        self._ends, self.problem = self._walk()
        if not self._ends:
            raise TraceError(f"{self.path}: {self.problem}")
        run = self._read_preface()
        last = self._head(len(self._ends) - 1)
        self._rows = last.first_row + last.rows
        end = last.metadata.get(seal.END)
        self.complete = end is not None
        self.info: dict[str, Any] = {"format_version": FORMAT_VERSION, **run}
        if end is not None:
            self.info.update(json.loads(end))
            self.problem = None
        else:
            self.problem = f"incomplete trace: {self.problem}; {self._rows:,} rows were read"

    def __len__(self) -> int:
        return self._rows

    @property
    def opcode_names(self) -> list[str]:
        """The 256 names, by opcode number."""
        names: list[str] = self._names.to_pylist()
        return names

    @cached_property
    def codes(self) -> pa.Table:
        return self._table("codes")

    @cached_property
    def instructions(self) -> pa.Table:
        return self._table("instructions")

    @cached_property
    def frames(self) -> pa.Table:
        return self._table("frames")

    @cached_property
    def exits(self) -> pa.Table:
        return self._table("exits")

    @cached_property
    def sources(self) -> pa.Table:
        return self._table("sources")

    def batches(
        self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows [start, stop) as record batches of these columns; TraceError at a damaged batch."""
        for _, batch, _ in self._pieces(columns, start, stop):
            if batch.num_rows:
                yield batch

    def chunks(self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        """The rows [start, stop) as chunks of these columns; TraceError at a damaged batch.

        Consecutive slices share out the frames and exits: each goes with the chunk that holds its row, and one at the
        very end of the trace with the last chunk. A chunk without rows comes only where there are tables but no rows.
        """
        stop = self._rows if stop is None else min(stop, self._rows)
        waiting: tuple[int, pa.RecordBatch, dict[str, pa.Table]] | None = None
        for first_row, batch, tables in self._pieces(columns, start, stop):
            if waiting is None:
                waiting = first_row, batch, tables
            elif batch.num_rows:
                yield _chunk(*waiting)
                waiting = first_row, batch, tables
            else:
                joined = {name: pa.concat_tables([waiting[2][name], tables[name]]) for name in PLACED}
                waiting = *waiting[:2], joined
        if waiting is not None:
            yield _chunk(*waiting)

    def to_pandas(self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None) -> pd.DataFrame:
        """The rows [start, stop) as a DataFrame, opcode as a categorical."""
        names = list(EVENTS.names if columns is None else columns)
        schema = pa.schema([EVENTS.field(name) for name in names])
        return pa.Table.from_batches(self.batches(names, start, stop), schema=schema).to_pandas()

    def _walk(self) -> tuple[list[int], str]:
        """Where each whole block ends, and why there is no further one."""
        ends: list[int] = []
        if self._size == 0:
            return ends, "the file is empty: nothing was recorded"
        if self._file.read_at(len(blocks.MAGIC), 0) != blocks.MAGIC:
            return ends, "not a trace file (it does not begin as an Arrow file does)"
        position = len(blocks.MAGIC)
        try:
            while True:
                head = self._file.read_at(_FIRST_BYTES, position)
                length = blocks.head_length(head)
                if not length:
                    return ends, "the recording was not finished"
                if len(head) < length and position + length <= self._size:
                    try:
                        framing = blocks.read_framing(head)
                    except blocks.Damaged:
                        framing = blocks.read_framing(self._file.read_at(length, position))
                else:
                    framing = blocks.read_framing(head)
                position += framing.head + framing.body
                if position > self._size:
                    raise blocks.Damaged
                if framing.is_batch:
                    ends.append(position)
        except blocks.Damaged:
            return ends, f"the file is cut off or damaged at byte {ends[-1] if ends else position:,}"

    def _block(self, index: int) -> bytes:
        start = self._ends[index - 1] if index else 0
        data: bytes = self._file.read_at(self._ends[index] - start, start)
        return data

    def _head(self, index: int, block: bytes | None = None) -> _Head:
        """A batch's head, checked against its seal."""
        block = self._block(index) if block is None else block
        position = 0 if index else len(blocks.MAGIC)
        try:
            while not (framing := blocks.read_framing(block[position:])).is_batch:
                position += framing.head + framing.body
            rows, sealed = blocks.read_batch_head(block[position : position + framing.head])
            metadata = seal.unseal(sealed)
            if metadata is not None:
                return _Head(int(metadata[seal.FIRST_ROW]), rows, metadata)
        except (blocks.Damaged, KeyError, ValueError):
            pass
        raise TraceError(f"{self.path}: batch {index} is damaged; record again, or read the rows before it")

    def _read_preface(self) -> dict[str, Any]:
        try:
            self._preface = self._block(0)[len(blocks.MAGIC) :]
            reader = pa.ipc.open_stream(self._preface)
            facts = reader.schema.metadata or {}
            if seal.SCHEMA_FORMAT not in facts:
                raise TraceError(f"{self.path}: an Arrow file, but not a trace: record one with `vmtrace record`")
            version = int(facts[seal.SCHEMA_FORMAT])
            if version > FORMAT_VERSION:
                raise TraceError(f"{self.path}: trace format {version} is newer than this vmtrace reads; upgrade vmtrace")
            self._names = reader.read_next_batch().column(0).dictionary
            run: dict[str, Any] = json.loads(facts[seal.SCHEMA_RUN])
            return run
        except (pa.ArrowException, KeyError, OSError, AttributeError) as error:
            raise TraceError(f"{self.path}: the header is damaged: {_reason(error)}") from error

    def _table(self, name: str) -> pa.Table:
        key = b"vmtrace." + name.encode()
        heads = (self._head(index).metadata for index in range(len(self._ends)))
        parts = [seal.unpack_table(name, metadata[key]) for metadata in heads if key in metadata]
        return pa.concat_tables([TABLES[name].empty_table(), *parts]).combine_chunks()

    def _pieces(
        self, columns: Sequence[str] | None, start: int, stop: int | None
    ) -> Iterator[tuple[int, pa.RecordBatch, dict[str, pa.Table]]]:
        """First row, rows and placed tables of each batch, cut to [start, stop)."""
        start = max(start, 0)
        stop = self._rows if stop is None else min(stop, self._rows)
        names = list(EVENTS.names if columns is None else columns)
        unknown = set(names) - set(EVENTS.names)
        if unknown:
            raise ValueError(f"no such column in a trace: {', '.join(sorted(unknown))}")
        included = sorted(EVENTS.get_field_index(name) for name in names)
        feed = _Feed(self._preface)
        # An empty list of fields means all of them to Arrow.
        stream = pa.ipc.open_stream(feed, options=pa.ipc.IpcReadOptions(included_fields=included or [0]))
        stream.read_next_batch()
        index = self._index_of(start)
        block = self._block(index) if index < len(self._ends) else b""
        while index < len(self._ends):
            head = self._head(index, block)
            if head.first_row > stop or (head.first_row == stop and stop < self._rows):
                return
            following = self._block(index + 1) if index + 1 < len(self._ends) else b""
            if following:
                expected = self._head(index + 1, following).metadata.get(seal.PREVIOUS)
                if expected != b"%08x" % zlib.crc32(block):
                    last = head.first_row + head.rows
                    raise TraceError(
                        f"{self.path}: rows {head.first_row:,} to {last:,} (batch {index}) are damaged; "
                        f"record again, or read only the rows before them"
                    )
            if index:
                feed.push(block)
                batch = stream.read_next_batch().select(names)
            else:
                batch = pa.RecordBatch.from_pylist([], schema=pa.schema([EVENTS.field(name) for name in names]))
            low = max(start - head.first_row, 0)
            high = min(stop - head.first_row, head.rows)
            tables = {}
            for name, column in PLACED.items():
                text = head.metadata.get(b"vmtrace." + name.encode())
                table = TABLES[name].empty_table() if text is None else seal.unpack_table(name, text)
                if table.num_rows and (low or stop < self._rows):
                    due = pa.compute.greater_equal(table[column], start)
                    if stop < self._rows:
                        due = pa.compute.and_(due, pa.compute.less(table[column], stop))
                    table = table.filter(due)
                tables[name] = table
            if high > low or any(table.num_rows for table in tables.values()):
                yield head.first_row + low, batch.slice(low, max(high - low, 0)), tables
            index, block = index + 1, following

    def _index_of(self, row: int) -> int:
        """The last batch that begins at or before a row, or the first of those that begin there."""
        found = bisect_right(range(len(self._ends)), row - 1, key=lambda index: self._head(index).first_row) - 1
        return max(found, 0)


class _Feed:
    """Hands the stream reader the blocks it is to read next."""

    closed = False

    def __init__(self, data: bytes) -> None:
        self.push(data)

    def push(self, data: bytes) -> None:
        self._data = memoryview(data)

    def read(self, size: int) -> bytes:
        taken, self._data = self._data[:size], self._data[size:]
        return bytes(taken)

    def close(self) -> None:
        pass


def _chunk(first_row: int, batch: pa.RecordBatch, tables: dict[str, pa.Table]) -> Chunk:
    arrays = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        arrays[name] = (column.indices if name == "opcode" else column).to_numpy(zero_copy_only=True)
    return Chunk(first_row, batch.num_rows, frames=tables["frames"], exits=tables["exits"], **arrays)


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
