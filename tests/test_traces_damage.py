"""What a trace says when it was cut off, changed, or is none: an error or a problem, never a lie."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from vmtrace.traces import BATCH_ROWS, Trace, TraceError, TraceWriter, metadata, open_trace, writer
from vmtrace.traces.schema import EVENTS

from tests.trace_files import CODE, COLUMNS, NAMES, events, frames, values, write_trace


def content(trace: Trace) -> dict[str, Any]:
    """Everything that a trace can be asked for."""
    chunks = list(trace.chunks())
    return {
        "info": trace.info,
        "names": trace.opcode_names,
        "columns": values(chunks),
        "frames": [chunk.frames.to_pylist() for chunk in chunks],
        "exits": [chunk.exits.to_pylist() for chunk in chunks],
        "tables": [trace.codes, trace.instructions, trace.sources, trace.frames, trace.exits],
    }


def one_line(error: pytest.ExceptionInfo[TraceError], path: Path) -> str:
    """What an error says of that path; it must do so in one line."""
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BATCH_ROWS", 100)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_no_flipped_bit_goes_unnoticed(tmp_path: Path, small_batches: None, compression: str) -> None:
    path = tmp_path / "trace.arrow"
    write_trace(path, rows=450, compression=compression)
    whole, good = path.read_bytes(), content(open_trace(path))
    chance = random.Random(compression)
    noticed = 0
    for _ in range(400):
        position, bit = chance.randrange(len(whole)), chance.randrange(8)
        changed = bytearray(whole)
        changed[position] ^= 1 << bit
        path.write_bytes(changed)
        try:
            trace = open_trace(path)
            if trace.complete:
                assert content(trace) == good, f"bit {bit} of byte {position}"
            else:
                assert trace.problem
                noticed += 1
        except TraceError as error:
            assert "\n" not in str(error)
            noticed += 1
    # The rest lies in the footer, which only other tools read, and in padding.
    assert noticed > 300


def test_a_damaged_batch_is_named_and_those_before_it_are_read(tmp_path: Path) -> None:
    path = tmp_path / "trace.arrow"
    columns = write_trace(path, rows=3 * BATCH_ROWS)
    changed = bytearray(path.read_bytes())
    # The second of three batches of noise, which are all there is to speak of.
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    trace = open_trace(path)
    assert trace.complete
    chunks = trace.chunks()
    assert values([next(chunks)]) == [column[:BATCH_ROWS].tolist() for column in columns]
    with pytest.raises(TraceError) as error:
        next(chunks)
    assert (
        one_line(error, path) == f"rows {BATCH_ROWS:,} to {2 * BATCH_ROWS:,} are damaged (batch 2 of 5); record again"
    )
    assert trace.codes.to_pydict() == CODE
    (last,) = trace.chunks(start=2 * BATCH_ROWS)
    assert last.rows == BATCH_ROWS


def test_a_cut_file_is_read_up_to_the_cut(tmp_path: Path, small_batches: None) -> None:
    path = tmp_path / "trace.arrow"
    columns = write_trace(path, rows=450)
    whole = path.read_bytes()
    ends = list(open_trace(path)._blocks._ends)
    refused = []
    for size in [*range(0, ends[-1], 41), *ends, *(end - 1 for end in ends)]:
        path.write_bytes(whole[:size])
        try:
            trace = open_trace(path)
        except TraceError:
            refused.append(size)
            continue
        assert trace.complete == (size == ends[-1])
        assert trace.info["argv"] == ["prog.py"]
        rows = sum(end <= size for end in ends[1:-1]) * 100
        assert len(trace) == min(rows, 450)
        assert values(list(trace.chunks())) == [column[: len(trace)].tolist() for column in columns]
        assert trace.exits.num_rows == (3 if trace.complete else int(rows > 225))
        if not trace.complete:
            where = "the recording was not finished" if size in ends else "the file is cut off at byte"
            assert trace.problem.startswith(f"incomplete trace: {where}")
            assert trace.problem.endswith(f"; {len(trace):,} rows were read")
    assert max(refused) == ends[0] - 1


def test_a_trace_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "trace.arrow"
    columns = events(10)
    tracer = TraceWriter(path, opcode_names=NAMES, run={})
    assert len(open_trace(path)) == 0
    tracer.add("frames", frames([0, 10]))
    tracer.write(*columns)
    assert len(open_trace(path)) == 0
    tracer.flush()
    trace = open_trace(path)
    assert trace.problem == "incomplete trace: the recording was not finished; 10 rows were read"
    (chunk,) = trace.chunks()
    assert values([chunk]) == [column.tolist() for column in columns]
    assert chunk.frames["first_row"].to_pylist() == [0]
    tracer.abandon()
    assert len(open_trace(path)) == 10


FILL_UP = """
import resource, signal, sys
sys.path[:0] = sys.argv[3:]
from tests.trace_files import NAMES, events, exits, frames
from vmtrace.traces import TraceWriter
from vmtrace.traces.schema import BATCH_ROWS

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (24_000_000, resource.RLIM_INFINITY))
writer = TraceWriter(sys.argv[1], opcode_names=NAMES, run={}, threaded=sys.argv[2] == "threaded")
writer.add("frames", frames([0]))
failures = []
for call in (lambda: writer.write(*events(3_000_000)), lambda: writer.flush(), lambda: writer.close({})):
    try:
        call()
    except OSError as error:
        failures.append(str(error))
writer.abandon()
assert writer.written == 3 * BATCH_ROWS, writer.written
assert failures == [f"[Errno 27] File too large: {sys.argv[1]!r}"] * 3, failures
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit on the size of files here")
@pytest.mark.parametrize("how", ["at once", "threaded"])
def test_a_full_disk_is_an_error_and_leaves_what_was_written(how: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.arrow"
    subprocess.run([sys.executable, "-c", FILL_UP, str(path), how, *filter(None, sys.path)], check=True)
    assert path.stat().st_size == 24_000_000
    trace = open_trace(path)
    assert trace.problem.startswith("incomplete trace: the file is cut off at byte 2")
    assert len(trace) == 3 * BATCH_ROWS
    assert values(list(trace.chunks())) == [column[: len(trace)].tolist() for column in events(3_000_000)]
    assert trace.frames.num_rows == 1


def test_an_interrupted_write_ends_the_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trace.arrow"
    tracer = TraceWriter(path, opcode_names=NAMES, run={})
    tracer.write(*events(10))
    tracer.flush()

    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tracer._file, "commit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        tracer.write(*events(BATCH_ROWS))
    with pytest.raises(OSError, match="the trace ended at an exception: KeyboardInterrupt"):
        tracer.close({})
    assert len(open_trace(path)) == 10


FORK = """
import os, sys
sys.path[:0] = sys.argv[2:]
from tests.trace_files import NAMES, events
from vmtrace.traces import TraceWriter

writer = TraceWriter(sys.argv[1], opcode_names=NAMES, run={})
writer.write(*events(10))
child = os.fork()
try:
    writer.write(*events(5))
    writer.close({})
except OSError as error:
    assert "not by a fork" in str(error)
    writer.abandon()
    os._exit(7)
assert child and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_leaves_the_trace_to_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "trace.arrow"
    subprocess.run([sys.executable, "-c", FORK, str(path), *filter(None, sys.path)], check=True)
    trace = open_trace(path)
    assert trace.complete
    assert len(trace) == 15


def test_what_is_no_trace_is_called_so(tmp_path: Path) -> None:
    def said(name: str) -> str:
        with pytest.raises(TraceError) as error:
            open_trace(tmp_path / name)
        return one_line(error, tmp_path / name)

    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("not Arrow at all\n")
    pd.DataFrame({"a": [1]}).to_feather(tmp_path / "feather")
    with pa.ipc.new_file(tmp_path / "no batch", EVENTS):
        pass
    assert said("missing") == "cannot be opened: No such file or directory"
    assert said("") == "not a file; give the path of a trace"
    assert said("empty") == "an empty file: nothing was recorded"
    assert said("text") == "not a trace; `vmtrace record` writes one"
    assert said("feather") == "an Arrow file, but not a trace; `vmtrace record` writes one"
    assert said("no batch") == "no trace, or one that ends inside its header: nothing to read"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TraceError, match="not a file"):
        open_trace(tmp_path / "pipe")


def forged(path: Path, facts: dict[bytes, Any], batches: list[tuple[pa.RecordBatch, dict[bytes, bytes]]]) -> Path:
    """A file that Arrow finds in order, its batches sealed, whatever they say."""
    with pa.ipc.new_file(path, EVENTS.with_metadata(facts)) as file:
        for batch, said in batches:
            file.write_batch(batch, custom_metadata=metadata.seal(said))
    return path


def batch(rows: int, valid: bool = True) -> pa.RecordBatch:
    columns = events(rows)
    opcode = pa.DictionaryArray.from_arrays(pa.array(columns[0]), pa.array(NAMES))
    offset = pa.array(columns[1], mask=None if valid else columns[1] > 0)
    return pa.RecordBatch.from_arrays([opcode, offset, *map(pa.array, columns[2:])], schema=EVENTS)


FACTS = {metadata.FORMAT: "1", metadata.RUN: "{}"}
FIRST = (batch(0), {metadata.FIRST_ROW: b"0"})


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (
            {**FACTS, metadata.FORMAT: "2"},
            "its format, 2, is newer than this vmtrace can read; upgrade vmtrace",
        ),
        ({**FACTS, metadata.FORMAT: "one"}, "the header is damaged; record again"),
        ({**FACTS, metadata.RUN: "[" * 100_000}, "the facts of the run cannot be read; record again"),
        ({**FACTS, metadata.RUN: "[]"}, "the facts of the run cannot be read; record again"),
        ({metadata.FORMAT: "1"}, "the facts of the run cannot be read; record again"),
    ],
)
def test_a_header_is_not_believed(tmp_path: Path, facts: dict[bytes, Any], says: str) -> None:
    path = forged(tmp_path / "trace.arrow", facts, [FIRST])
    with pytest.raises(TraceError) as error:
        open_trace(path)
    assert one_line(error, path) == says


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda trace: list(trace.chunks()), id="chunks"),
        pytest.param(lambda trace: trace.to_pandas(start=3), id="slice"),
    ],
)
@pytest.mark.parametrize(
    "second",
    [
        pytest.param((batch(9), {}), id="no first row"),
        pytest.param((batch(9), {metadata.FIRST_ROW: b"many"}), id="no number"),
        pytest.param((batch(9), {metadata.FIRST_ROW: b"4"}), id="a gap"),
        pytest.param((batch(9), {metadata.FIRST_ROW: b"-4"}), id="negative"),
        pytest.param((batch(9, valid=False), {metadata.FIRST_ROW: b"0"}), id="nulls"),
        pytest.param((batch(BATCH_ROWS + 1), {metadata.FIRST_ROW: b"0"}), id="too many rows"),
    ],
)
def test_a_batch_is_not_believed(
    tmp_path: Path, second: tuple[pa.RecordBatch, dict[bytes, bytes]], use: Callable[[Trace], object]
) -> None:
    """The checksum is in order: the file was made to deceive."""
    path = forged(tmp_path / "trace.arrow", FACTS, [FIRST])
    size = open_trace(path)._blocks._ends[0]
    previous = {metadata.PREVIOUS: metadata.checksum(path.read_bytes()[:size])}
    forged(path, FACTS, [FIRST, (second[0], {**second[1], **previous})])
    with pytest.raises(TraceError) as error:
        use(open_trace(path))
    assert "damaged" in one_line(error, path)


def packed(columns: dict[str, Any], kept: dict[str, dict[bytes, str]] | None = None) -> bytes:
    """A table as text, packed as it should be, whatever it holds; `kept` is its fields' metadata."""
    table = pa.table(columns)
    schema = pa.schema([field.with_metadata((kept or {}).get(field.name, {})) for field in table.schema])
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as whole, pa.ipc.new_stream(whole, schema) as stream:
        stream.write_table(table.cast(schema))
    return base64.b64encode(sink.getvalue())


ONE_FRAME = {**frames([0]).to_pydict(), "thread_id": [1]}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"!", id="no base64"),
        pytest.param(b"AAAA", id="no zstd"),
        pytest.param(base64.b64encode(pa.compress(b"no Arrow", "zstd", asbytes=True)), id="no Arrow"),
        pytest.param(packed({"frame_id": pa.array([], pa.int8())}), id="no rows, few columns"),
        pytest.param(packed({**ONE_FRAME, "first_row": ["0"]}), id="text for a number"),
        pytest.param(packed(ONE_FRAME, {"first_row": {b"sum_from": "9" * 30}}), id="a number too large"),
        pytest.param(packed(ONE_FRAME, {"frame_id": {b"back_from": "parent_id"}}), id="a reference forward"),
    ],
)
def test_a_table_is_not_believed(tmp_path: Path, text: bytes) -> None:
    said = {metadata.FIRST_ROW: b"0", metadata.table_key("frames"): text, metadata.table_key("codes"): text}
    path = forged(tmp_path / "trace.arrow", FACTS, [(batch(0), said)])
    trace = open_trace(path)
    with pytest.raises(TraceError) as error:
        _ = trace.frames
    assert one_line(error, path) == "its frames cannot be read; record again"
    with pytest.raises(TraceError, match="codes cannot be read"):
        _ = trace.codes


def test_a_trace_rewritten_by_another_tool_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "trace.arrow"
    write_trace(path, rows=100)
    pd.read_feather(path).to_feather(tmp_path / "again.arrow")
    with pytest.raises(TraceError, match="an Arrow file, but not a trace"):
        open_trace(tmp_path / "again.arrow")


def test_the_facts_are_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "trace.arrow"
    write_trace(path, rows=1)
    with pa.ipc.open_file(path) as file:
        assert json.loads(file.schema.metadata[metadata.RUN]) == {"argv": ["prog.py"]}
        _, said = file.get_batch_with_custom_metadata(file.num_record_batches - 1)
        assert json.loads(said[metadata.END]) == {"exit_status": 0, "rows": 1, "frames": 3}
        assert file.schema.names == COLUMNS
