"""The file as it is written: one Arrow file, in blocks that each end with a batch of compressed columns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.traces import framing, message, metadata
from vmtrace.traces.framing import MAGIC, Block

_CODECS = {"lz4": pa.Codec("lz4"), "zstd": pa.Codec("zstd", compression_level=1)}
LITTLE = 0.6
"""Bytes a row: lz4 is taken for as long as all columns so far are no more. From zstd they would have a third of the
size, and take twice the time: with 0.45 here recording took 5 % longer. Programs of many calls come near to it; of
most, lz4 makes a quarter or less.
"""


class Compressor:
    """Makes the buffers of record batches of columns, each batch with one codec."""

    def __init__(self, compression: str) -> None:
        """`compression`: a codec, or `auto`: lz4 while it makes little of the columns, or else zstd."""
        self._codec = None if compression == "auto" else compression
        self._rows = self._bytes = 0
        """Of all batches so far."""
        self._repeated: dict[tuple[int, str, int], tuple[Any, bytes]] = {}
        """A column's last values, where they were all the same: by column, codec and length, the value and what became
        of it.
        """

    def __call__(self, columns: Sequence[npt.NDArray[Any]]) -> tuple[int, list[bytes]]:
        """The number of the codec, as framing.CODECS has it. By column: how many bytes the values are, in 8 bytes, and
        they themselves, compressed.
        """
        codec = self._codec or ("lz4" if self._bytes <= LITTLE * self._rows else "zstd")
        buffers = [self._buffer(codec, column, values) for column, values in enumerate(columns)]
        self._rows += len(columns[0])
        self._bytes += sum(map(len, buffers))
        return framing.CODECS[codec], buffers

    def _buffer(self, codec: str, column: int, values: npt.NDArray[Any]) -> bytes:
        if not len(values):
            return b""
        if values.strides != (0,):
            return _compressed(codec, values)
        key = column, codec, len(values)
        value, made = self._repeated.get(key, (None, b""))
        if value != values[0]:
            value, made = self._repeated[key] = values[0], _compressed(codec, np.ascontiguousarray(values))
        return made


def _compressed(codec: str, values: npt.NDArray[Any]) -> bytes:
    content: bytes = _CODECS[codec].compress(values, asbytes=True)
    return values.nbytes.to_bytes(8, "little") + content


class BlockSink:
    """The file: an Arrow file in blocks, one after the other, each with one batch at its end."""

    closed = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._file = self._path.open("wb", buffering=0)
        self._position = 0
        self._schema, self._schema_at = b"", 0
        self._dictionaries: list[Block] = []
        self._batches: list[Block] = []
        self._preface = b""
        self._checksum = b""  # of the last block
        self.rows = 0  # in the blocks written

    def begin(self, schema: pa.Schema, opcode_names: Sequence[str]) -> None:
        """What comes before the first batch."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema) as stream:
            names = pa.DictionaryArray.from_arrays(pa.array([], pa.uint8()), pa.array(opcode_names, pa.string()))
            empty = [pa.array([], field.type) for field in list(schema)[1:]]
            stream.write_batch(pa.RecordBatch.from_arrays([names, *empty], schema=schema))
        made = sink.getvalue().to_pybytes()
        first = message.head_length(made)
        self._schema, self._schema_at = made[8:first], message.header_at(made)
        second = message.extent(made[first:])
        end = first + second.head + second.body
        self._preface = MAGIC + b"\0\0" + made[:end]
        self._dictionaries.append(Block(8 + first, second.head, second.body))

    def write(self, compress: Compressor, columns: Sequence[npt.NDArray[Any]], content: Mapping[bytes, bytes]) -> None:
        """Writes a batch, and with the first what comes before."""
        rows = len(columns[0])
        codec, buffers = compress(columns)
        if self._checksum:
            content = {**content, metadata.PREVIOUS: self._checksum}
        head, body = framing.batch(rows, buffers, codec, metadata.seal(content))
        preface, self._preface = self._preface, b""
        self._batches.append(Block(self._position + len(preface), len(head), sum(map(len, body))))
        self.commit(b"".join((preface, head, *body)))
        self.rows += rows

    def end(self) -> None:
        """Writes what comes after the last batch."""
        self.commit(framing.file_end(self._schema, self._schema_at, self._dictionaries, self._batches))

    def commit(self, block: bytes) -> None:
        """OSError where the file takes only a part of it."""
        self._checksum = metadata.checksum(block)
        self._position += len(block)
        try:
            left = memoryview(block)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            error.filename = os.fspath(self._path)
            raise

    def close(self) -> None:
        self.closed = True
        self._file.close()
