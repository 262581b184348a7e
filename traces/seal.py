"""What travels beside the rows of a batch: text under `vmtrace.` keys, sealed with a CRC-32 of its own."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping

import pyarrow as pa

from vmtrace.traces.schema import TABLES

SCHEMA_FORMAT = b"vmtrace.format"  # schema metadata: the format version
SCHEMA_RUN = b"vmtrace.run"  # schema metadata: facts known at the start, as JSON

FIRST_ROW = b"vmtrace.first_row"  # each batch: the number of rows before it
PREVIOUS = b"vmtrace.previous"  # each batch but the first: CRC-32 of the block before
END = b"vmtrace.end"  # the final batch: facts known at the end, as JSON
_SEAL = b"vmtrace.seal"  # each batch: CRC-32 of the keys and values above and of the tables

_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


class TraceError(ValueError):
    """A trace that cannot be read, in one line: what is wrong and what to do."""


def _crc(metadata: Mapping[bytes, bytes]) -> bytes:
    crc = 0
    for key, value in metadata.items():
        crc = zlib.crc32(b"%d %s %d " % (len(key), key, len(value)), crc)
        crc = zlib.crc32(value, crc)
    return b"%08x" % crc


def seal(metadata: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The metadata with its own checksum as the last entry."""
    return {**metadata, _SEAL: _crc(metadata)}


def unseal(metadata: Mapping[bytes, bytes]) -> dict[bytes, bytes] | None:
    """The metadata as it was sealed, or None where it is not what was written."""
    content = dict(metadata)
    checksum = content.pop(_SEAL, None)
    return content if checksum == _crc(content) else None


def pack_table(table: pa.Table) -> bytes:
    """A table as text: an Arrow IPC stream in base64, for Arrow's metadata values are UTF-8 strings to many readers."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue())


def unpack_table(name: str, text: bytes) -> pa.Table:
    """The table that `pack_table` was given; TraceError where the text is none, or a table of another shape."""
    try:
        table = pa.ipc.open_stream(base64.b64decode(text, validate=True)).read_all()
        table.validate(full=True)
        return table.cast(TABLES[name])
    except (pa.ArrowException, ValueError, binascii.Error, OSError) as error:
        raise TraceError(f"the table of {name} cannot be read: {error}") from error
