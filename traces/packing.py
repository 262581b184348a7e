"""Tables as text, to travel in a batch's metadata: base64 of zstd of an Arrow IPC stream.

Text, because Arrow's metadata are strings, and several readers refuse a file where they are not UTF-8.

A call-heavy program has a frame and an exit for every dozen rows. Their integers are therefore kept in as
few bytes as they need, and those that grow from row to row as differences: recursive Fibonacci spends 0.06
bytes a row of the trace on them so, where the same tables as they stand take 0.9. A field's metadata says
how it is kept, and a reader needs nothing else.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.traces import arrays
from vmtrace.traces.schema import TABLES

_SUM_FROM = b"sum_from"  # the field holds differences from row to row: sum them up, from this number
_BACK_FROM = b"back_from"  # the field holds how far its value lies below that of the field named here

_SUMMED = {"frames": ("frame_id", "thread_id", "first_row"), "exits": ("frame_id", "row")}
_BACK = {"frames": {"parent_id": "frame_id"}}
_WIDTHS = [(width, int(np.iinfo(width).max)) for width in (np.int8, np.int16, np.int32, np.int64)]

Integers = npt.NDArray[np.int64]


class UnpackError(Exception):
    """A text that is no rows of the table of that name."""


def pack(name: str, table: pa.Table) -> bytes:
    """Rows of the table of that name, at least one, as text."""
    (batch,) = table.combine_chunks().to_batches()
    if name in _SUMMED:
        batch = _squeeze(name, batch)
    sink = pa.BufferOutputStream()
    # Compressed as a whole, not buffer by buffer: less than half the time and two thirds of the bytes.
    with pa.CompressedOutputStream(sink, "zstd") as whole, pa.ipc.new_stream(whole, batch.schema) as stream:
        stream.write_batch(batch)
    return base64.b64encode(sink.getvalue())


def unpack(name: str, text: bytes) -> pa.Table:
    """The rows that `pack` was given; UnpackError where the text does not hold such rows."""
    try:
        compressed = pa.BufferReader(base64.b64decode(text, validate=True))
        batch = pa.ipc.open_stream(pa.CompressedInputStream(compressed, "zstd")).read_next_batch()
        batch.validate(full=True)
        if name in _SUMMED:
            return pa.Table.from_batches([_stretch(name, batch)])
        return pa.Table.from_batches([batch]).cast(TABLES[name])
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


def _squeeze(name: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with their integers in few bytes."""
    fields, columns = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        metadata = {}
        if pa.types.is_integer(field.type):
            values, missing = _integers(column)
            if field.name in _SUMMED[name]:
                metadata[_SUM_FROM] = str(values[0])
                values = _steps(values)
            elif field.name in _BACK.get(name, {}):
                metadata[_BACK_FROM] = _BACK[name][field.name]
                values = _integers(batch.column(metadata[_BACK_FROM]))[0] - values
            column = arrays.column(_narrow(values, missing), missing)
        fields.append(pa.field(field.name, column.type, metadata=metadata))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _stretch(name: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with their integers as the table has them."""
    schema = TABLES[name]
    columns: dict[str, pa.Array] = {}
    for field, kept, column in zip(schema, batch.schema, batch.columns, strict=True):
        metadata = kept.metadata or {}
        if pa.types.is_integer(field.type):
            values, missing = _integers(column)
            if _SUM_FROM in metadata:
                values = np.cumsum(values, dtype=np.int64)
                values += np.int64(metadata[_SUM_FROM])
            elif _BACK_FROM in metadata:
                values = _integers(columns[metadata[_BACK_FROM].decode()])[0] - values
            column = arrays.column(values.astype(field.type.to_pandas_dtype(), copy=False), missing)
        columns[field.name] = column
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)


def _integers(column: pa.Array) -> tuple[Integers, npt.NDArray[np.bool_] | None]:
    """The values, 0 where there is none, and where that is.

    All arithmetic on them is modulo 2**64, so that a thread id beyond 2**63 comes back as it was.
    """
    missing = None
    if column.null_count:
        missing = arrays.truths(column.is_null())
    return arrays.numbers(column, absent=0), missing


def _steps(values: Integers) -> Integers:
    """What each value adds to the one before; 0 for the first."""
    steps = np.zeros_like(values)
    np.subtract(values[1:], values[:-1], out=steps[1:])
    return steps


def _narrow(values: Integers, missing: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.signedinteger[Any]]:
    """The values in the narrowest type that holds them; those that are missing take none."""
    if missing is not None:
        values = np.where(missing, 0, values)
    extreme = max(int(values.max()), ~int(values.min()))
    return values.astype(next(width for width, largest in _WIDTHS if extreme <= largest))
