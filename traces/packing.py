"""Tables as text, to travel in a batch's metadata: base64 of zstd of an Arrow IPC stream.

Text, because Arrow's metadata are strings, and several readers refuse a file where they are not UTF-8.

A call-heavy program has a frame and an exit for every dozen rows. Their integers are therefore kept in as
few bytes as they need, and those that grow from row to row as differences: recursive Fibonacci spends 0.06
bytes a row of the trace on them so, where the same tables as they stand take 0.9. A field's metadata says
how it is kept, and a reader needs nothing else.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.traces import arrays
from vmtrace.traces.placed import Integers
from vmtrace.traces.schema import REASONS, TABLES

_SUM_FROM = b"sum_from"  # the field holds differences from row to row: sum them up, from this number
_BACK_FROM = b"back_from"  # the field holds how far its value lies below that of the field named here

_SUMMED = {"frames": ("frame_id", "thread_id", "first_row"), "exits": ("frame_id", "row")}
_BACK: dict[str, dict[bytes | str, str]] = {"frames": {"parent_id": "frame_id"}}
_CODEC = pa.Codec("zstd", compression_level=1)
_WIDTHS = [(width, int(np.iinfo(width).max)) for width in (np.int8, np.int16, np.int32, np.int64)]


class UnpackError(Exception):
    """A text that is no rows of the table of that name."""


@cache
def _reasons() -> pa.Array:
    """Made when it is first written, for it takes pandas (see `arrays`), which readers do without."""
    return pa.array(REASONS)


def pack(table: pa.Table) -> bytes:
    """Rows of any table, at least one, as text."""
    (batch,) = table.combine_chunks().to_batches()
    return _as_text(batch)


def pack_integers(name: str, columns: Mapping[str, Integers]) -> bytes:
    """Rows of frames or exits, at least one, as text; the columns are those of `placed`."""
    fields, packed = [], []
    for field in TABLES[name]:
        values, missing, metadata = columns[field.name], None, {}
        if field.nullable and int(values.min()) < 0:
            missing = values < 0
        if field.name in _SUMMED[name]:
            metadata[_SUM_FROM] = str(values[0])
            values = _steps(values)
        elif field.name in _BACK.get(name, {}):
            metadata[_BACK_FROM] = _BACK[name][field.name]
            values = columns[metadata[_BACK_FROM]] - values
        if missing is not None:
            values = np.where(missing, 0, values)
        if pa.types.is_dictionary(field.type):
            column = pa.DictionaryArray.from_arrays(arrays.column(values.astype(np.int8)), _reasons(), safe=False)
        else:
            column = arrays.column(_narrow(values), missing)
        fields.append(pa.field(field.name, column.type, metadata=metadata))
        packed.append(column)
    return _as_text(pa.RecordBatch.from_arrays(packed, schema=pa.schema(fields)))


def _as_text(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    # Compressed as a whole, not buffer by buffer: less than half the time and two thirds of the bytes.
    return base64.b64encode(_CODEC.compress(sink.getvalue()))


def unpack(name: str, text: bytes) -> pa.Table:
    """The rows that `pack` was given; UnpackError where the text does not hold such rows."""
    with _believing_nothing(name):
        batch = _batch(text)
        if name not in _SUMMED:
            table = pa.Table.from_batches([batch])
            return table if table.schema.equals(TABLES[name]) else table.cast(TABLES[name])
        columns = dict(zip(TABLES[name].names, batch.columns, strict=True))
        for field, values, missing in _stretched(name, batch):
            columns[field.name] = arrays.column(values.astype(field.type.to_pandas_dtype(), copy=False), missing)
        return pa.Table.from_batches([pa.RecordBatch.from_arrays(list(columns.values()), schema=TABLES[name])])


def unpack_integers(name: str, text: bytes) -> dict[str, Integers]:
    """The columns of integers of frames or exits, -1 for null; UnpackError where the text does not hold such rows."""
    with _believing_nothing(name):
        return {
            field.name: values if missing is None else np.where(missing, -1, values)
            for field, values, missing in _stretched(name, _batch(text))
        }


@contextmanager
def _believing_nothing(name: str) -> Iterator[None]:
    """Whatever goes wrong, the text is to blame."""
    try:
        yield
    except (
        pa.ArrowException,
        LookupError,
        ValueError,
        TypeError,
        OverflowError,
        OSError,
        StopIteration,
    ) as error:
        raise UnpackError(name) from error


def _batch(text: bytes) -> pa.RecordBatch:
    compressed = pa.BufferReader(base64.b64decode(text, validate=True))
    batch = pa.ipc.open_stream(pa.CompressedInputStream(compressed, "zstd")).read_next_batch()
    batch.validate(full=True)
    return batch


def _stretched(name: str, batch: pa.RecordBatch) -> Iterator[tuple[pa.Field, Integers, npt.NDArray[np.bool_] | None]]:
    """The columns of integers as the table has them: the values, and where there is none."""
    columns: dict[str, Integers] = {}
    for field, kept, column in zip(TABLES[name], batch.schema, batch.columns, strict=True):
        metadata = kept.metadata or {}
        if pa.types.is_integer(field.type):
            values, missing = _integers(column)
            if _SUM_FROM in metadata:
                values = np.cumsum(values, dtype=np.int64)
                values += np.int64(metadata[_SUM_FROM])
            elif _BACK_FROM in metadata:
                values = columns[metadata[_BACK_FROM].decode()] - values
            columns[field.name] = values
            yield field, values, missing


def _integers(column: pa.Array) -> tuple[Integers, npt.NDArray[np.bool_] | None]:
    """The values, 0 where there is none, and where that is.

    All arithmetic on them is modulo 2**64, so that a thread id beyond 2**63 comes back as it was.
    """
    missing = None
    if column.null_count:
        missing = arrays.missing(column)
    return arrays.numbers(column, absent=0), missing


def _steps(values: Integers) -> Integers:
    """What each value adds to the one before; 0 for the first."""
    steps = np.zeros_like(values)
    np.subtract(values[1:], values[:-1], out=steps[1:])
    return steps


def _narrow(values: Integers) -> npt.NDArray[np.signedinteger[Any]]:
    """The values in the narrowest type that holds them."""
    extreme = max(int(values.max()), ~int(values.min()))
    return values.astype(next(width for width, largest in _WIDTHS if extreme <= largest))
