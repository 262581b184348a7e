"""Reading a trace: the whole of it, or the part that was written."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.traces import arrays, metadata, packing
from vmtrace.traces.blocks import BlockFile, Head
from vmtrace.traces.schema import EMPTY, EVENTS, FORMAT_VERSION, PLACED, TABLES

if TYPE_CHECKING:
    import pandas as pd


T = TypeVar("T")
Integers = npt.NDArray[np.int64]


class Chunk:
    """Consecutive rows of a trace, as numpy columns (None: not asked for), and what began and ended in them.

    `frames` are those whose first row, `exits` those whose row lies in [first_row, first_row + rows); the
    trace's last chunk also has those that lie at its very end. They are given as tables, or as what makes the
    table when it is first asked for: many a reader never does.
    """

    def __init__(
        self,
        first_row: int,
        rows: int,
        opcode: npt.NDArray[np.uint8] | None = None,
        offset: npt.NDArray[np.uint32] | None = None,
        stack_depth: npt.NDArray[np.uint16] | None = None,
        frame_id: npt.NDArray[np.uint32] | None = None,
        code_id: npt.NDArray[np.uint32] | None = None,
        frames: pa.Table | Callable[[], pa.Table] = EMPTY["frames"],
        exits: pa.Table | Callable[[], pa.Table] = EMPTY["exits"],
        numbers: Callable[[str], dict[str, Integers]] | None = None,
    ) -> None:
        self.first_row = first_row
        self.rows = rows
        self.opcode = opcode
        self.offset = offset
        self.stack_depth = stack_depth
        self.frame_id = frame_id
        self.code_id = code_id
        self._frames = frames
        self._exits = exits
        self._numbers = numbers

    @cached_property
    def frames(self) -> pa.Table:
        """The frames that began, as in `schema.FRAMES`, in order of their first rows."""
        return self._frames() if callable(self._frames) else self._frames

    @cached_property
    def exits(self) -> pa.Table:
        """The ends of frames, as in `schema.EXITS`, in order of their rows."""
        return self._exits() if callable(self._exits) else self._exits

    def numbers(self, name: str) -> dict[str, Integers]:
        """The columns of integers of "frames" or "exits" as int64, -1 for null: in a third of the table's time."""
        if self._numbers:
            return self._numbers(name)
        table: pa.Table = getattr(self, name)
        integers = [field.name for field in table.schema if pa.types.is_integer(field.type)]
        return {column: arrays.numbers(table[column], -1) for column in integers}


class _Piece(NamedTuple):
    """A batch, or the part of it that was asked for; `heads` carry the tables, `last` ends the trace."""

    first_row: int
    rows: int
    batch: pa.RecordBatch
    heads: list[Head]
    last: bool


def open_trace(path: str | os.PathLike[str]) -> Trace:
    """The trace in a file; no rows are read yet. TraceError where there is none, or nothing is left of it."""
    return Trace(path)


class Trace:
    """A trace file, opened for reading. Everything is read as it is asked for, in memory of a few batches.

    A TraceError from any method or property says that the file is damaged, and where.
    """

    path: Path
    #: The facts known at the start of the run and, if the trace is complete, those known at its end.
    info: dict[str, Any]
    #: Whether the recording was finished; if not, `problem` says in one line why, and after how many rows.
    complete: bool
    problem: str | None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._blocks = BlockFile(path)
        self.path = self._blocks.path
        self._preface = self._blocks.preface()
        # The version comes before the checksum: a newer format may have another.
        run, self._names = _read_preface(self._blocks, self._preface)
        self._blocks.check_preface()
        self._last = self._blocks.head(len(self._blocks) - 1)
        self._rows = self._last.first_row + self._last.rows
        end = self._last.metadata.get(metadata.END)
        self.complete = end is not None and not self._last.rows
        facts = _facts(self._blocks, end) if end is not None else {}
        self.info = {"format_version": FORMAT_VERSION, **run, **facts}
        self.problem = None
        if not self.complete:
            self.problem = f"incomplete trace: {self._blocks.stopped}; {self._rows:,} rows were read"

    def __len__(self) -> int:
        """The number of rows: of executed instructions."""
        return self._rows

    @property
    def opcode_names(self) -> list[str]:
        """The 256 names, by opcode number."""
        return list(self._names)

    @cached_property
    def codes(self) -> pa.Table:
        """The code objects, as in `schema.CODES`."""
        return self._static["codes"]

    @cached_property
    def instructions(self) -> pa.Table:
        """The instructions of the code objects, as in `schema.INSTRUCTIONS`."""
        return self._static["instructions"]

    @cached_property
    def frames(self) -> pa.Table:
        """All frames at once, as in `schema.FRAMES`; `chunks` hands them out piecewise."""
        return self._tables(["frames"])["frames"]

    @cached_property
    def exits(self) -> pa.Table:
        """All ends of frames at once, as in `schema.EXITS`; `chunks` hands them out piecewise."""
        return self._tables(["exits"])["exits"]

    @cached_property
    def sources(self) -> pa.Table:
        """The source files, as in `schema.SOURCES`; none if they were not recorded."""
        return self._static["sources"]

    def batches(
        self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows [start, stop), as record batches of these columns (None: all)."""
        for piece in self._pieces(columns, start, stop):
            yield piece.batch

    def chunks(self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        """The rows [start, stop), as chunks of these columns (None: all).

        Consecutive slices share out the frames and exits as they share out the rows, none twice.
        """
        for piece in self._pieces(columns, start, stop):
            values = {
                name: arrays.numbers(column.indices if name == "opcode" else column)
                for name, column in zip(piece.batch.schema.names, piece.batch.columns, strict=True)
            }
            frames, exits = (partial(self._placed, name, piece) for name in ("frames", "exits"))
            numbers = partial(self._placed_numbers, piece)
            yield Chunk(piece.first_row, piece.rows, **values, frames=frames, exits=exits, numbers=numbers)

    def to_pandas(self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None) -> pd.DataFrame:
        """The rows [start, stop), as a DataFrame of these columns (None: all); opcode is a categorical."""
        schema = pa.schema([EVENTS.field(name) for name in _known(columns)])
        frame: pd.DataFrame = pa.Table.from_batches(self.batches(columns, start, stop), schema).to_pandas()
        return frame

    @cached_property
    def _static(self) -> dict[str, pa.Table]:
        return self._tables([name for name in TABLES if name not in PLACED])

    def _tables(self, names: Sequence[str]) -> dict[str, pa.Table]:
        """All rows of these tables, in one pass over the heads of the batches."""
        parts: dict[str, list[pa.Table]] = {name: [EMPTY[name]] for name in names}
        for index in range(len(self._blocks)):
            head = self._blocks.head(index)
            for name in names:
                parts[name] += self._unpacked(name, [head], packing.unpack)
        return {name: pa.concat_tables(tables).combine_chunks() for name, tables in parts.items()}

    def _unpacked(self, name: str, heads: Sequence[Head], unpack: Callable[[str, bytes], T]) -> list[T]:
        """The rows of a table that these batches carry."""
        texts = [head.metadata.get(metadata.table_key(name)) for head in heads]
        try:
            return [unpack(name, text) for text in texts if text is not None]
        except packing.UnpackError as error:
            raise self._blocks.error(f"its {name} cannot be read; record again") from error

    def _placed(self, name: str, piece: _Piece) -> pa.Table:
        """The frames or exits that lie in a piece."""
        parts = self._unpacked(name, piece.heads, packing.unpack)
        if not parts:
            return EMPTY[name]
        table = pa.concat_tables(parts)
        rows = arrays.numbers(table[PLACED[name]])
        low = np.searchsorted(rows, piece.first_row)
        high = len(rows) if piece.last else np.searchsorted(rows, piece.first_row + piece.rows)
        return table.slice(low, high - low)

    def _placed_numbers(self, piece: _Piece, name: str) -> dict[str, Integers]:
        """Their columns of integers."""
        parts = self._unpacked(name, piece.heads, packing.unpack_integers)
        if not parts:
            return {field.name: np.zeros(0, np.int64) for field in TABLES[name] if pa.types.is_integer(field.type)}
        # As a rule there is one; what carries the end of the trace may add another.
        columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if parts[1:] else parts[0]
        rows = columns[PLACED[name]]
        low = np.searchsorted(rows, piece.first_row)
        high = len(rows) if piece.last else np.searchsorted(rows, piece.first_row + piece.rows)
        return {key: values[low:high] for key, values in columns.items()}

    def _pieces(self, columns: Sequence[str] | None, start: int, stop: int | None) -> Iterator[_Piece]:
        """The batches that hold rows of [start, stop), cut to it."""
        names = _known(columns)
        start = max(start, 0)
        stop = self._rows if stop is None else min(stop, self._rows)
        if start >= stop:
            return
        decoder = _Decoder(self._preface, names)
        for index, head, block in self._blocks.read(self._index_of(start)):
            if not head.rows:
                continue
            end = head.first_row + head.rows
            try:
                batch = decoder.decode(block)
            except (pa.ArrowException, OSError) as error:
                raise self._blocks.damaged(index, head) from error
            first, last = max(start, head.first_row), min(stop, end)
            if batch.num_rows != head.rows or first >= last:
                raise self._blocks.damaged(index, head)
            closing = [self._last] if end == self._rows and not self._last.rows else []
            cut = batch.slice(first - head.first_row, last - first)
            yield _Piece(first, last - first, cut, [head, *closing], last == self._rows)
            if end >= stop:
                return

    def _index_of(self, row: int) -> int:
        """The number of the batch that holds a row."""
        numbers = range(len(self._blocks))
        return bisect_right(numbers, row, key=lambda index: self._blocks.head(index).first_row) - 1


class _Decoder:
    """Decodes blocks, in any order, as if each were the next of the stream that begins with the preface.

    As a source of bytes it has of a file what Arrow asks for.
    """

    closed = False

    def __init__(self, preface: bytes, columns: Sequence[str]) -> None:
        self._data = memoryview(preface)
        self._columns = columns
        # To Arrow no field at all means every field. One thread: batches are so small that handing their
        # columns round takes twice as long as it saves.
        fields = sorted(EVENTS.get_field_index(name) for name in columns) or [0]
        options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        self._stream = pa.ipc.open_stream(self, options=options)
        self._stream.read_next_batch()

    def decode(self, block: bytes) -> pa.RecordBatch:
        """The columns of the block's batch; ArrowException where it does not hold them."""
        self._data = memoryview(block)
        batch = self._stream.read_next_batch().select(self._columns)
        batch.validate()
        if any(column.null_count for column in batch.columns):
            raise pa.ArrowInvalid("an event with a null")
        return batch

    def read(self, size: int) -> bytes:
        """The next bytes, for Arrow."""
        taken, self._data = self._data[:size], self._data[size:]
        return bytes(taken)


def _read_preface(blocks: BlockFile, preface: bytes) -> tuple[dict[str, Any], list[str]]:
    """The facts known at the start, and the opcode names."""
    damaged = blocks.error("the header is damaged; record again")
    try:
        stream = pa.ipc.open_stream(preface)
        found = stream.schema.metadata or {}
        version = int(found.get(metadata.FORMAT, 0))
        batch = stream.read_next_batch()
        batch.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged from error
    if not version:
        raise blocks.error("an Arrow file, but not a trace; `vmtrace record` writes one")
    if version > FORMAT_VERSION:
        raise blocks.error(f"its format, {version}, is newer than this vmtrace can read; upgrade vmtrace")
    if not stream.schema.equals(EVENTS) or len(batch.column("opcode").dictionary) != 256:
        raise damaged
    return _facts(blocks, found.get(metadata.RUN, b"")), batch.column("opcode").dictionary.to_pylist()


def _facts(blocks: BlockFile, text: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise blocks.error("the facts of the run cannot be read; record again")
    return facts


def _known(columns: Sequence[str] | None) -> list[str]:
    """The columns asked for; ValueError where a trace has no such column."""
    names = list(EVENTS.names if columns is None else columns)
    if unknown := [name for name in names if name not in EVENTS.names]:
        raise ValueError(f"a trace has no column {', '.join(unknown)}; it has {', '.join(EVENTS.names)}")
    return names
