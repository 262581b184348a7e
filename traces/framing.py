"""Makes Arrow's IPC messages: the record batches of events, and what a file ends with.

Arrow makes them, too, but twice as slowly as it compresses what is in them: a batch of a trace has always the same
columns, so that all but a few numbers of its flatbuffer is known beforehand. `message` reads what is made here.

A flatbuffer is made of tables. A table begins with the distance back to its vtable, which says where in the table
each field lies; a field that is no number is the distance to where it lies. All numbers are aligned to their size.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

MAGIC = b"ARROW1"
_CONTINUATION = 0xFFFFFFFF
_VERSION = 4  # in the enum MetadataVersion: V5
_RECORD_BATCH = 3  # in the union MessageHeader
CODECS = {"lz4": 0, "zstd": 1}
"""In the enum CompressionType."""

_COUNT = struct.Struct("<I")
_PREFIX = struct.Struct("<Ii")
# A vtable, as all of them here right before its table (polars wants it behind what refers to the table), holds its own
# size, the table's, and where in the table the fields lie.
_TABLES = struct.Struct("<4s14s6x iIqIhBx 12s4x iIqII 8s iBB2x")
_MESSAGE, _BATCH, _CODEC, _NODES = 24, 64, 96, 108
_MESSAGE_VTABLE = struct.pack("<7H", 14, 24, 20, 22, 16, 8, 4)  # version, header type, header, body length, metadata
_BATCH_VTABLE = struct.pack("<6H", 12, 24, 8, 4, 16, 20)  # length, nodes, buffers, compression
_CODEC_VTABLE = struct.pack("<4H", 8, 8, 4, 5)  # codec, method
_PAIR_VTABLE = struct.pack("<4H", 8, 12, 4, 8)  # key, value
_PAIR = struct.Struct("<iII")


class Block(NamedTuple):
    """Where a message lies in the file, as the footer tells: in bytes."""

    at: int
    head: int
    body: int


def batch(
    rows: int, buffers: Sequence[bytes], codec: int, metadata: Mapping[bytes, bytes]
) -> tuple[bytes, list[bytes]]:
    """A record batch of columns without nulls, from the values of each: its head, and its body in parts.

    The values are compressed, by one of CODECS.
    """
    places, body, end = [], [], 0
    for values in buffers:
        # Before the values of a column would be the bits that say which are null.
        places += [end, 0, end, len(values)]
        padding = bytes(-len(values) % 8)
        body += [values, padding]
        end += len(values) + len(padding)
    return _head(rows, places, end, codec, metadata), body


def _head(rows: int, places: Sequence[int], body: int, codec: int, metadata: Mapping[bytes, bytes]) -> bytes:
    """`places`: where in the body each buffer begins, and its bytes, in turn; two buffers a column."""
    columns = len(places) // 4
    buffers_at = _NODES + 8 + 16 * columns
    metadata_at = buffers_at + 4 + 32 * columns
    tables = _TABLES.pack(
        _COUNT.pack(_MESSAGE), _MESSAGE_VTABLE,
        _MESSAGE - 4, metadata_at - (_MESSAGE + 4), body, _BATCH - (_MESSAGE + 16), _VERSION, _RECORD_BATCH,
        _BATCH_VTABLE, 16, _NODES - (_BATCH + 4), rows, buffers_at - (_BATCH + 16), _CODEC - (_BATCH + 20),
        _CODEC_VTABLE, 8, codec, 0,
    )  # fmt: skip
    nodes = struct.pack(f"<4xI{2 * columns}q", columns, *(rows, 0) * columns)
    buffers = struct.pack(f"<4xI{4 * columns}q", 2 * columns, *places)
    return _framed(b"".join((tables, nodes, buffers, _pairs(metadata_at, metadata))))


def _pairs(at: int, metadata: Mapping[bytes, bytes]) -> bytes:
    """A vector of KeyValue tables that lies there, with the tables and the strings."""
    vtable = at + 4 + 4 * len(metadata)
    first = vtable + len(_PAIR_VTABLE)
    text_at = first + _PAIR.size * len(metadata)
    vector, tables, texts = [_COUNT.pack(len(metadata))], [], []
    for index, pair in enumerate(metadata.items()):
        table = first + _PAIR.size * index
        vector.append(_COUNT.pack(table - (at + 4 + 4 * index)))
        places = []
        for field, text in enumerate(pair):
            places.append(text_at - (table + 4 + 4 * field))
            texts += [_COUNT.pack(len(text)), text, bytes(4 - len(text) % 4)]
            text_at += 4 + len(text) + 4 - len(text) % 4
        tables.append(_PAIR.pack(table - vtable, *places))
    return b"".join((*vector, _PAIR_VTABLE, *tables, *texts))


def _framed(flatbuffer: bytes) -> bytes:
    padding = -len(flatbuffer) % 8
    return _PREFIX.pack(_CONTINUATION, len(flatbuffer) + padding) + flatbuffer + bytes(padding)


def file_end(schema: bytes, schema_at: int, dictionaries: Sequence[Block], batches: Sequence[Block]) -> bytes:
    """What follows the last batch: the end of the stream, the footer, Arrow's magic.

    `schema`: the flatbuffer of the message that brought the schema, whose table lies at `schema_at` in it. It becomes
    part of the footer as it is: all within it is told by distances.
    """
    vectors, places, at = [], [], 40
    for blocks in (dictionaries, batches):
        places.append(at + 4)
        vectors.append(struct.pack("<4xI", len(blocks)))
        vectors += [struct.pack("<qi4xq", *block) for block in blocks]
        at += 8 + 24 * len(blocks)
    vtable = struct.pack("<6H", 12, 20, 16, 4, 8, 12)  # version, schema, dictionaries, batches
    table = struct.pack("<iIIIh6x", 12, at + schema_at - 20, places[0] - 24, places[1] - 28, _VERSION)
    footer = b"".join((_COUNT.pack(16), vtable, table, *vectors, schema))
    return _PREFIX.pack(_CONTINUATION, 0) + footer + struct.pack("<i", len(footer)) + MAGIC
