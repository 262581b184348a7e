"""An Arrow file as the stream it contains: where its blocks lie, what they say, whether they are whole.

A block is every byte from the end of one record batch to the end of the next; the first one also holds
the file's magic, its schema and the opcode names. The footer is for other tools: a file cut off has none.
"""

from __future__ import annotations

import os
import threading
import weakref
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vmtrace.traces import message, metadata
from vmtrace.traces.errors import TraceError
from vmtrace.traces.message import MalformedError
from vmtrace.traces.schema import BATCH_ROWS

_MAGIC = b"ARROW1\0\0"
_FIRST_BYTES = 512  # of a message: as a rule they give its extent
_MOST_BYTES = 1 << 24  # of a batch's body: twice what it takes uncompressed


class Head(NamedTuple):
    """What a batch says of itself, its seal intact."""

    first_row: int
    rows: int
    metadata: dict[bytes, bytes]


class BlockFile:
    """A trace file opened for reading, as blocks numbered from 0. What damage it shows is a TraceError."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            # Before it is opened: a pipe would wait for someone to write.
            if self.path.exists() and not self.path.is_file():
                raise self.error("not a file; give the path of a trace")
            self._file = self.path.open("rb", buffering=0)
            self._size = self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self.error(f"cannot be opened: {error.strerror}") from error
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        if not self._size:
            raise self.error("an empty file: nothing was recorded")
        if self._read(0, len(_MAGIC)) != _MAGIC:
            raise self.error("not a trace; `vmtrace record` writes one")
        self._start = len(_MAGIC)  # of the first record batch
        self._ends = array("q")  # of each block
        self.stopped = self._walk()
        if not self._ends:
            raise self.error("no trace, or one that ends inside its header: nothing to read")

    def __len__(self) -> int:
        return len(self._ends)

    def error(self, what: str) -> TraceError:
        """The error that says this of this file."""
        return TraceError(f"{self.path}: {what}")

    def damaged(self, index: int, head: Head | None = None) -> TraceError:
        """The error for a block whose bytes are not those that were written."""
        where = f"rows {head.first_row:,} to {head.first_row + head.rows:,} are" if head else "the file is"
        return self.error(f"{where} damaged (batch {index} of {len(self)}); record again")

    def preface(self) -> bytes:
        """The first block as an Arrow stream: schema, opcode names, a batch."""
        return self._block(0)[len(_MAGIC) :]

    def check_preface(self) -> None:
        """Compare the first block with what the second says of it; TraceError where they differ."""
        if len(self) > 1 and self.head(1).metadata.get(metadata.PREVIOUS) != metadata.checksum(self._block(0)):
            raise self.error("the header is damaged; record again")

    def head(self, index: int) -> Head:
        """What a batch says of itself; its rows are not read."""
        start = self._ends[index - 1] if index else self._start
        return self._parse(index, self._read_head(start))

    def read(self, index: int) -> Iterator[tuple[int, Head, bytes]]:
        """The blocks from that one on, with number and head, each checked against what the next says of it.

        Nothing vouches for the last block's rows: in a complete trace it has none.
        """
        block = self._block(index)
        head = self._parse(index, block if index else block[self._start :])
        while index + 1 < len(self):
            following = self._block(index + 1)
            following_head = self._parse(index + 1, following)
            if following_head.metadata.get(metadata.PREVIOUS) != metadata.checksum(block):
                raise self.damaged(index, head)
            if following_head.first_row != head.first_row + head.rows:
                raise self.damaged(index + 1)
            yield index, head, block
            index, head, block = index + 1, following_head, following
        yield index, head, block

    def _walk(self) -> str:
        """Find where each block ends; returns why there is no further one."""
        position = self._start
        try:
            while head := self._read_head(position, whole=False):
                extent = message.extent(head)
                end = position + extent.head + extent.body
                # After the first block, a block is a batch of at most BATCH_ROWS rows and nothing else.
                if end > self._size or (self._ends and not (extent.is_batch and extent.body < _MOST_BYTES)):
                    raise MalformedError
                if extent.is_batch:
                    self._start = self._start if self._ends else position
                    self._ends.append(end)
                position = end
        except MalformedError:
            if position == self._size:
                return "the recording was not finished"
            # A file that was finished ends with Arrow's magic.
            finished = self._read(self._size - 6, 6) == _MAGIC[:6]
            return f"the file is {'damaged' if finished else 'cut off'} at byte {position:,}"
        return "its final batch is missing"

    def _read_head(self, position: int, whole: bool = True) -> bytes:
        """The head of the message there, or enough of it to know its extent; empty at the stream's end."""
        first = self._read(position, _FIRST_BYTES)
        if not first:
            raise MalformedError
        length = message.head_length(first)
        if position + length > self._size:
            raise MalformedError
        if length <= len(first):
            return first[:length]
        if not whole:
            try:
                message.extent(first)
                return first
            except MalformedError:
                pass
        return self._read(position, length)

    def _parse(self, index: int, batch: bytes) -> Head:
        try:
            rows, sealed = message.batch(batch[: message.head_length(batch)])
            content = metadata.unseal(sealed)
            if content is not None and rows <= BATCH_ROWS:
                first_row = int(content[metadata.FIRST_ROW])
                if first_row >= 0:
                    return Head(first_row, rows, content)
        except (MalformedError, KeyError, ValueError):
            pass
        raise self.damaged(index)

    def _block(self, index: int) -> bytes:
        start = self._ends[index - 1] if index else 0
        return self._read(start, self._ends[index] - start)

    def _read(self, position: int, size: int) -> bytes:
        """The bytes there, fewer at the end of the file. The file may be shared by several threads."""
        try:
            with self._lock:
                self._file.seek(position)
                return self._file.read(size)
        except OSError as error:
            raise self.error(f"cannot be read: {error.strerror}") from error
