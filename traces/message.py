"""The framing of Arrow's IPC messages: how long one is, and what a record batch's metadata say.

An encapsulated message is a continuation mark, the length of a flatbuffer, that flatbuffer, and a body. Only
what locates a batch and carries our text is read here, with no trust in any of it: every offset is checked.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_CONTINUATION = 0xFFFFFFFF
_RECORD_BATCH = 3  # in the union MessageHeader

# Slots of flatbuffer tables, in the order of their fields in Arrow's Message.fbs and Schema.fbs.
_MESSAGE_HEADER_TYPE, _MESSAGE_HEADER, _MESSAGE_BODY_LENGTH, _MESSAGE_METADATA = 1, 2, 3, 4
_BATCH_ROWS = 0
_PAIR_KEY, _PAIR_VALUE = 0, 1

_FRAMING = struct.Struct("<Ii")
_U8, _U16, _I32, _U32, _I64 = (struct.Struct("<" + code) for code in "BHiIq")


class MalformedError(Exception):
    """Bytes that are no Arrow message."""


class Extent(NamedTuple):
    """Bytes of a message's framing and flatbuffer, bytes of its body, and whether it is a record batch."""

    head: int
    body: int
    is_batch: bool


def head_length(data: bytes) -> int:
    """Bytes of a message up to its body, from its first 8 bytes; 0 at the end of the stream."""
    if len(data) < _FRAMING.size:
        raise MalformedError
    continuation, length = _FRAMING.unpack_from(data)
    if continuation != _CONTINUATION or length < 0:
        raise MalformedError
    return _FRAMING.size + length if length else 0


def extent(head: bytes) -> Extent:
    """The extent of a message, from its head or as much of it as tells."""
    root = _root(head)
    body = _field(head, root, _MESSAGE_BODY_LENGTH)
    kind = _field(head, root, _MESSAGE_HEADER_TYPE)
    body_length = _number(_I64, head, body) if body else 0
    if not kind or body_length < 0:
        raise MalformedError
    return Extent(head_length(head), body_length, _number(_U8, head, kind) == _RECORD_BATCH)


def header_at(head: bytes) -> int:
    """Where in a message's flatbuffer the table lies that says what it brings: a schema, a batch."""
    return _target(head, _field(head, _root(head), _MESSAGE_HEADER)) - _FRAMING.size


def batch(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    """Rows and custom metadata of a record batch, from its head."""
    root = _root(head)
    header = _target(head, _field(head, root, _MESSAGE_HEADER))
    rows = _field(head, header, _BATCH_ROWS)
    pairs = _field(head, root, _MESSAGE_METADATA)
    metadata = {}
    if pairs:
        vector = _target(head, pairs)
        for index in range(_number(_U32, head, vector)):
            pair = _target(head, vector + 4 + 4 * index)
            key = _string(head, _field(head, pair, _PAIR_KEY))
            metadata[key] = _string(head, _field(head, pair, _PAIR_VALUE))
    count = _number(_I64, head, rows) if rows else 0
    if count < 0:
        raise MalformedError
    return count, metadata


def _root(head: bytes) -> int:
    return _target(head, _FRAMING.size)


def _field(head: bytes, table: int, slot: int) -> int:
    """Where a table's field lies; 0 if the table does not have it."""
    vtable = table - _number(_I32, head, table)
    entry = 4 + 2 * slot
    if entry + 2 > _number(_U16, head, vtable):
        return 0
    offset = _number(_U16, head, vtable + entry)
    return table + offset if offset else 0


def _target(head: bytes, at: int) -> int:
    """Where the offset that lies there points to."""
    return at + _number(_U32, head, at)


def _string(head: bytes, at: int) -> bytes:
    start = _target(head, at) + 4
    end = start + _number(_U32, head, start - 4)
    if end > len(head):
        raise MalformedError
    return head[start:end]


def _number(kind: struct.Struct, head: bytes, at: int) -> int:
    if at < _FRAMING.size or at + kind.size > len(head):
        raise MalformedError
    number: int = kind.unpack_from(head, at)[0]
    return number
