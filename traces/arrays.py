"""numpy arrays of Arrow's columns, and the other way round, without pandas.

Arrow's own `to_numpy` and `array` import pandas if it is there, to be ready for its types; `cast`, `take`, `is_null`
and the like import Arrow's functions, and wrap each. Either takes longer than reading a million rows, and a process
that only reads or writes events never needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def numbers(column: pa.Array | pa.ChunkedArray, absent: int | None = None) -> npt.NDArray[Any]:
    """The values of a column of numbers without nulls, not copied if they lie in one piece.

    With `absent` nulls may be among them: all as int64, and in place of each null that number. TypeError where
    the column holds no integers.
    """
    if isinstance(column, pa.ChunkedArray):
        if not column.num_chunks:
            return np.zeros(0, np.int64 if absent is not None else column.type.to_pandas_dtype())
        column = column.combine_chunks()
    if absent is None:
        return np.from_dlpack(column)
    if not pa.types.is_integer(column.type):
        raise TypeError(f"a column of {column.type} in place of integers")
    if not column.null_count:
        return np.from_dlpack(column).astype(np.int64, copy=False)
    kind = column.type.to_pandas_dtype()
    values = np.frombuffer(column.buffers()[1], kind, len(column), column.offset * np.dtype(kind).itemsize)
    return np.where(missing(column), absent, values.astype(np.int64))


def truths(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """The values of a column of booleans without nulls. TypeError where the column holds none."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_boolean(column.type) or column.null_count:
        raise TypeError(f"a column of {column.type}, perhaps with nulls, in place of truth values")
    return _bits(column.buffers()[1], column)


def missing(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Where the nulls are."""
    valid = column.buffers()[0]
    return np.zeros(len(column), np.bool_) if valid is None else ~_bits(valid, column)


def _bits(buffer: pa.Buffer, column: pa.Array) -> npt.NDArray[np.bool_]:
    """One bit for each value of a column."""
    end = column.offset + len(column)
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), count=end, bitorder="little")
    return bits[column.offset :].view(np.bool_)


def column(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Numbers as an Arrow array, not copied; null where they are missing."""
    values = np.ascontiguousarray(values)
    valid = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(values)])
