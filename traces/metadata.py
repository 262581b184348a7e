"""What a file and its batches say beside the rows: text under keys of ours, the batches' with a checksum."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

FORMAT = b"vmtrace.format"  # in the schema: the format version
RUN = b"vmtrace.run"  # in the schema: the facts known at the start, as JSON

FIRST_ROW = b"vmtrace.first_row"  # in every batch: the number of rows before it
PREVIOUS = b"vmtrace.previous"  # in every batch but the first: `checksum` of the block before
END = b"vmtrace.end"  # in the final batch alone: the facts known at the end, as JSON
_SEAL = b"vmtrace.seal"  # in every batch: CRC-32 of all of its other keys and values


def table_key(name: str) -> bytes:
    """The key under which a batch carries rows of a table."""
    return b"vmtrace." + name.encode()


def checksum(block: bytes) -> bytes:
    """CRC-32 of a block, as eight hexadecimal digits."""
    return b"%08x" % zlib.crc32(block)


def seal(metadata: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The metadata with a checksum of its own."""
    return {**metadata, _SEAL: _sum(metadata)}


def unseal(sealed: Mapping[bytes, bytes]) -> dict[bytes, bytes] | None:
    """The metadata that was sealed, or None where it has changed since (or never was)."""
    metadata = {key: value for key, value in sealed.items() if key != _SEAL}
    return metadata if sealed.get(_SEAL) == _sum(metadata) else None


def _sum(metadata: Mapping[bytes, bytes]) -> bytes:
    crc = 0
    for key, value in metadata.items():
        # With the lengths, so that no byte can move from a key to its value unnoticed.
        crc = zlib.crc32(b"%d %d " % (len(key), len(value)), crc)
        crc = zlib.crc32(value, zlib.crc32(key, crc))
    return b"%08x" % crc
