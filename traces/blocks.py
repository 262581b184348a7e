"""An Arrow file as the stream of blocks it contains: where each record batch lies, and what its head says.

A block is every byte from the end of one record batch to the end of the next; the first block also holds the
file's magic, schema and dictionary. Only the framing is read here (a length, then a flatbuffer), with no
trust in it: what does not hold together ends the walk.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MAGIC = b"ARROW1\0\0"
_CONTINUATION = 0xFFFFFFFF
_RECORD_BATCH = 3  # MessageHeader.RecordBatch in Arrow's Message.fbs

# Slots of the flatbuffer tables, in the order of Arrow's Message.fbs and Schema.fbs.
_HEADER_TYPE, _HEADER, _BODY_LENGTH, _CUSTOM_METADATA = 1, 2, 3, 4
_BATCH_LENGTH = 0
_KEY, _VALUE = 0, 1

_FRAMING = struct.Struct("<Ii")
_U8, _U16, _I32, _U32, _I64 = (struct.Struct("<" + code) for code in "BHiIq")


class Framing(NamedTuple):
    """One encapsulated message: bytes of framing and flatbuffer, bytes of body, whether it is a record batch."""

    head: int
    body: int
    is_batch: bool


class Damaged(Exception):
    """Bytes that are no Arrow message."""


def _read(kind: struct.Struct, data: bytes, at: int) -> int:
    if at < 0 or at + kind.size > len(data):
        raise Damaged
    value: int = kind.unpack_from(data, at)[0]
    return value


def _slot(data: bytes, table: int, slot: int) -> int | None:
    """Where a table's field lies, or None if it is absent."""
    vtable = table - _read(_I32, data, table)
    entry = 4 + 2 * slot
    if entry + 2 > _read(_U16, data, vtable):
        return None
    offset = _read(_U16, data, vtable + entry)
    return table + offset if offset else None


def _follow(data: bytes, at: int | None) -> int:
    if at is None:
        raise Damaged
    return at + _read(_U32, data, at)


def _text(data: bytes, at: int | None) -> bytes:
    start = _follow(data, at) + 4
    length = _read(_U32, data, start - 4)
    if start + length > len(data):
        raise Damaged
    return data[start : start + length]


def head_length(framing: bytes) -> int:
    """Bytes of a message up to its body, from its first 8 bytes; 0 at the end of the stream."""
    if len(framing) < _FRAMING.size:
        raise Damaged
    continuation, length = _FRAMING.unpack_from(framing)
    if continuation != _CONTINUATION or length < 0 or length % 8:
        raise Damaged
    return _FRAMING.size + length if length else 0


def read_framing(head: bytes) -> Framing:
    """What a message's head (or the part of it given) says of its extent."""
    length = head_length(head)
    message = _FRAMING.size + _read(_U32, head, _FRAMING.size)
    kind = _slot(head, message, _HEADER_TYPE)
    body = _slot(head, message, _BODY_LENGTH)
    body_length = 0 if body is None else _read(_I64, head, body)
    if kind is None or body_length < 0:
        raise Damaged
    return Framing(length, body_length, _read(_U8, head, kind) == _RECORD_BATCH)


def read_batch_head(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    """Rows and custom metadata of a record batch, from its whole head."""
    message = _FRAMING.size + _read(_U32, head, _FRAMING.size)
    rows_at = _slot(head, _follow(head, _slot(head, message, _HEADER)), _BATCH_LENGTH)
    rows = 0 if rows_at is None else _read(_I64, head, rows_at)
    pairs = _slot(head, message, _CUSTOM_METADATA)
    if pairs is None:
        return rows, {}
    vector = _follow(head, pairs)
    metadata = {}
    for index in range(_read(_U32, head, vector)):
        pair = _follow(head, vector + 4 + 4 * index)
        metadata[_text(head, _slot(head, pair, _KEY))] = _text(head, _slot(head, pair, _VALUE))
    return rows, metadata
