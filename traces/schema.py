"""What a trace file holds: the columns of its events and of the tables that explain them."""

from __future__ import annotations

import pyarrow as pa

FORMAT_VERSION = 1

#: Rows of one full record batch, 8 MB: with an eighth of them, what has to be done for each batch, when it is written
#: and when it is read, is a third of all the time, and the file is a tenth larger. Twice as many take readers more
#: memory, and save hardly more time.
BATCH_ROWS = 524_288


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


#: One row per executed instruction, in execution order. The index of `opcode` is the opcode's number in the
#: recording Python, its dictionary the 256 names; `offset` is in bytes, as `dis` prints it; `stack_depth` is
#: the number of entries on the evaluation stack before the instruction runs.
EVENTS = pa.schema(
    [
        _required("opcode", pa.dictionary(pa.uint8(), pa.string())),
        _required("offset", pa.uint32()),
        _required("stack_depth", pa.uint16()),
        _required("frame_id", pa.uint32()),
        _required("code_id", pa.uint32()),
    ]
)

#: One row per code object. `kind` is one of module, class, function, generator, coroutine, async_generator.
CODES = pa.schema(
    [
        _required("code_id", pa.uint32()),
        _required("name", pa.string()),
        _required("qualname", pa.string()),
        _required("module", pa.string()),
        _required("filename", pa.string()),
        _required("firstlineno", pa.uint32()),
        _required("kind", pa.string()),
    ]
)

#: One row per instruction of each code object, in offset order; no CACHE entries. `jump_target` and `handler`
#: are offsets (`handler`: of the exception handler that covers the instruction); `falls_through` says whether
#: control can reach the next instruction; `stack_depth` is null where the instruction cannot be reached.
INSTRUCTIONS = pa.schema(
    [
        _required("code_id", pa.uint32()),
        _required("offset", pa.uint32()),
        _required("opcode", pa.string()),
        pa.field("arg", pa.int64()),
        _required("argrepr", pa.string()),
        pa.field("line", pa.int32()),
        pa.field("end_line", pa.int32()),
        pa.field("column", pa.int32()),
        pa.field("end_column", pa.int32()),
        pa.field("jump_target", pa.uint32()),
        _required("falls_through", pa.bool_()),
        pa.field("handler", pa.uint32()),
        pa.field("stack_depth", pa.uint16()),
    ]
)

#: One row per activation of a code object, numbered from 0 in order of creation. `parent_id` and
#: `call_offset` (of the parent's instruction that was executing) are null at a root; `first_row` is the
#: number of rows of the trace before the frame began.
FRAMES = pa.schema(
    [
        _required("frame_id", pa.uint32()),
        _required("code_id", pa.uint32()),
        pa.field("parent_id", pa.uint32()),
        pa.field("call_offset", pa.uint32()),
        _required("thread_id", pa.uint64()),
        _required("first_row", pa.uint64()),
    ]
)

#: How a frame can end.
REASONS = ("return", "raise")

#: One row per frame that ended: `row` is the number of rows of the trace written before that, `reason` is
#: one of the above. A suspended generator has not ended. It is what lets a reader forget a frame.
EXITS = pa.schema(
    [
        _required("frame_id", pa.uint32()),
        _required("row", pa.uint64()),
        _required("reason", pa.dictionary(pa.int8(), pa.string())),
    ]
)

#: One row per source file of the recorded code objects; `sha256` is the hex digest of the file's bytes.
SOURCES = pa.schema(
    [_required("filename", pa.string()), _required("sha256", pa.string()), _required("text", pa.string())]
)

#: The tables that travel beside the events, by name.
TABLES: dict[str, pa.Schema] = {
    "codes": CODES,
    "instructions": INSTRUCTIONS,
    "frames": FRAMES,
    "exits": EXITS,
    "sources": SOURCES,
}

#: Each of those tables, with no rows.
EMPTY: dict[str, pa.Table] = {name: pa.Table.from_batches([], schema) for name, schema in TABLES.items()}

#: The tables whose rows belong to a place in the events, and the column that names it: they go out with the
#: batch that holds that row, so that a reader meets them where they happened.
PLACED = {"frames": "first_row", "exits": "row"}
