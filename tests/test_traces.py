"""What is written to a trace is what is read from it, whole, in slices and by column."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vmtrace.traces import BATCH_ROWS, FORMAT_VERSION, TraceWriter, arrays, open_trace, writer
from vmtrace.traces.schema import EVENTS, TABLES
from vmtrace.traces.sink import LITTLE

from tests.trace_files import (
    CODE,
    COLUMNS,
    INSTRUCTION,
    NAMES,
    ROWS,
    SOURCE,
    events,
    exits,
    frames,
    values,
    write_trace,
)


@pytest.mark.parametrize("compression", ["lz4", "zstd", "auto"])
def test_a_trace_reads_as_it_was_written(tmp_path: Path, compression: str) -> None:
    columns = write_trace(tmp_path / "trace.arrow", compression=compression)
    trace = open_trace(tmp_path / "trace.arrow")
    assert trace.complete
    assert trace.problem is None
    assert trace.info == {
        "format_version": FORMAT_VERSION,
        "argv": ["prog.py"],
        "exit_status": 0,
        "rows": ROWS,
        "frames": 3,
    }
    assert trace.opcode_names == NAMES
    assert len(trace) == ROWS
    chunks = list(trace.chunks())
    assert [chunk.rows for chunk in chunks] == [BATCH_ROWS, BATCH_ROWS, ROWS - 2 * BATCH_ROWS]
    assert values(chunks) == [column.tolist() for column in columns]
    assert trace.codes.to_pydict() == CODE
    assert trace.instructions.to_pydict() == INSTRUCTION
    assert trace.sources.to_pydict() == SOURCE
    assert trace.frames.equals(frames([0, ROWS // 2, ROWS]))
    assert trace.exits.to_pylist() == exits([ROWS // 2, ROWS, ROWS]).to_pylist()
    for name, schema in TABLES.items():
        assert getattr(trace, name).schema.equals(schema)


def test_a_column_has_its_type_and_is_not_copied(tmp_path: Path) -> None:
    write_trace(tmp_path / "trace.arrow", rows=10)
    (chunk,) = open_trace(tmp_path / "trace.arrow").chunks()
    assert [getattr(chunk, name).dtype.name for name in COLUMNS] == [
        "uint8",
        "uint32",
        "uint16",
        "uint32",
        "uint32",
    ]
    assert not chunk.opcode.flags.owndata


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    columns = write_trace(tmp_path / "trace.arrow", rows=10)
    trace = open_trace(tmp_path / "trace.arrow")
    (chunk,) = trace.chunks(["code_id", "offset"])
    assert chunk.code_id.tolist() == columns[4].tolist()
    assert chunk.offset.tolist() == columns[1].tolist()
    assert (chunk.opcode, chunk.stack_depth, chunk.frame_id) == (None, None, None)
    (batch,) = trace.batches(["code_id", "offset"])
    assert batch.schema.names == ["code_id", "offset"]
    (chunk,) = trace.chunks([])
    assert chunk.rows == 10
    assert chunk.opcode is None
    with pytest.raises(ValueError, match="no column line"):
        next(trace.chunks(["line"]))


def test_batches_name_their_opcodes(tmp_path: Path) -> None:
    columns = write_trace(tmp_path / "trace.arrow", rows=10)
    (batch,) = open_trace(tmp_path / "trace.arrow").batches()
    assert batch.schema.equals(EVENTS)
    assert batch.column("opcode").to_pylist() == [NAMES[number] for number in columns[0]]


def test_a_slice_reads_its_own_batches_and_the_one_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = write_trace(tmp_path / "trace.arrow", rows=10 * BATCH_ROWS)
    trace = open_trace(tmp_path / "trace.arrow")
    read: list[int] = []
    block = trace._blocks._block
    monkeypatch.setattr(trace._blocks, "_block", lambda index: read.append(index) or block(index))
    start = 5 * BATCH_ROWS + 7
    (chunk,) = trace.chunks(start=start, stop=start + 3)
    assert (chunk.first_row, chunk.rows) == (start, 3)
    assert values([chunk]) == [column[start : start + 3].tolist() for column in columns]
    assert read == [6, 7]


def test_frames_and_exits_come_with_the_chunk_that_holds_their_row(tmp_path: Path) -> None:
    end = 2 * BATCH_ROWS
    with_rows = [0, 1, BATCH_ROWS - 1, BATCH_ROWS, end - 1, end]
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    tracer.add("frames", frames(with_rows))
    tracer.add("exits", exits(with_rows))
    tracer.write(*events(end))
    tracer.close({})
    first, second = open_trace(tmp_path / "trace.arrow").chunks()
    assert first.frames["first_row"].to_pylist() == first.exits["row"].to_pylist() == with_rows[:3]
    assert second.frames["first_row"].to_pylist() == second.exits["row"].to_pylist() == with_rows[3:]
    assert second.frames["frame_id"].to_pylist() == [3, 4, 5]


def test_what_comes_out_of_order_is_read_in_order(tmp_path: Path) -> None:
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    tracer.add("exits", exits([7, 3, 5]))
    tracer.write(*events(9))
    tracer.close({})
    assert open_trace(tmp_path / "trace.arrow").exits["frame_id"].to_pylist() == [1, 2, 0]


def test_pandas_reads_the_events_as_they_are(tmp_path: Path) -> None:
    """As a user would, in a process that knows nothing of vmtrace."""
    columns = write_trace(tmp_path / "trace.arrow")
    program = (
        "import sys, pandas\n"
        "frame = pandas.read_feather(sys.argv[1])\n"
        "assert not any(name.startswith('vmtrace') for name in sys.modules)\n"
        "print(len(frame), *frame.columns, frame.opcode.iloc[-1], frame.offset.sum())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "trace.arrow")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert output == [str(ROWS), *COLUMNS, NAMES[columns[0][-1]], str(columns[1].sum(dtype=np.int64))]


def test_other_readers_of_arrow_files_read_the_events(tmp_path: Path) -> None:
    """Arrow checks all it reads; polars has a reader of its own, which is stricter about a flatbuffer's layout."""
    columns = write_trace(tmp_path / "trace.arrow", compression="zstd")
    with pa.ipc.open_file(tmp_path / "trace.arrow") as file:
        batches = [file.get_batch(number) for number in range(file.num_record_batches)]
    for batch in batches:
        batch.validate(full=True)
    offsets = [batch.column("offset").to_numpy() for batch in batches]
    assert np.array_equal(np.concatenate(offsets), columns[1])
    polars: Any = pytest.importorskip("polars", reason="polars is of the extra `bench`, which need not be installed")
    frame = polars.read_ipc(tmp_path / "trace.arrow")
    assert np.array_equal(frame["frame_id"].to_numpy(), columns[3])
    assert frame["opcode"][-1] == NAMES[columns[0][-1]]


def test_what_lz4_makes_little_of_is_left_to_it(tmp_path: Path) -> None:
    """Beyond so many bytes a row zstd takes over, until they are fewer; all is read alike."""
    noise, calm = events(1000), [np.zeros_like(column) for column in events(1000)]
    given = [calm, noise, *[calm] * 60]
    writer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={}, compression="auto")
    sizes = [writer._file._position]
    for columns in given:
        writer.write(*columns)
        writer.flush()
        sizes.append(writer._file._position)
    writer.close({})
    of_lz4, of_noise, *then = np.diff(sizes).tolist()
    most = sum(size < of_lz4 - 20 for size in then)
    assert of_noise > LITTLE * 2000
    assert 0 < most < len(then)
    assert max(then[:most]) < min(then[most:]) - 20
    read = values(list(open_trace(tmp_path / "trace.arrow").chunks()))
    assert read == [np.concatenate(column).tolist() for column in zip(*given, strict=True)]


def test_a_column_of_one_value_need_not_be_spelt_out(tmp_path: Path) -> None:
    columns = events(10)
    writer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    for code in (3, 4, 4):
        writer.write(*columns[:4], np.broadcast_to(np.uint32(code), 10))
        writer.flush()
    writer.close({})
    codes = [chunk.code_id.tolist() for chunk in open_trace(tmp_path / "trace.arrow").chunks()]
    assert codes == [[3] * 10, [4] * 10, [4] * 10]


def test_to_pandas_gives_a_slice_as_a_frame(tmp_path: Path) -> None:
    columns = write_trace(tmp_path / "trace.arrow", rows=100)
    trace = open_trace(tmp_path / "trace.arrow")
    frame = trace.to_pandas(["opcode", "offset"], start=10, stop=20)
    assert frame["offset"].tolist() == columns[1][10:20].tolist()
    assert frame["opcode"].tolist() == [NAMES[number] for number in columns[0][10:20]]
    assert isinstance(frame["opcode"].dtype, pd.CategoricalDtype)
    assert trace.to_pandas(start=50, stop=50).empty


def test_rows_may_be_written_by_ones(tmp_path: Path) -> None:
    columns = events(100)
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    for row in range(100):
        tracer.write(*([int(column[row])] for column in columns))
    assert tracer.rows == 100
    tracer.close({})
    assert values(list(open_trace(tmp_path / "trace.arrow").chunks())) == [column.tolist() for column in columns]


def test_the_writer_does_not_keep_the_arrays_it_was_given(tmp_path: Path) -> None:
    columns = events(10)
    given = [column.copy() for column in columns]
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    tracer.write(*given)
    for column in given:
        column[:] = 0
    tracer.close({})
    assert values(list(open_trace(tmp_path / "trace.arrow").chunks())) == [column.tolist() for column in columns]


def test_a_thread_writes_the_same_file(tmp_path: Path) -> None:
    for name, threaded in ("one", False), ("other", True):
        tracer = TraceWriter(tmp_path / name, opcode_names=NAMES, run={}, compression="auto", threaded=threaded)
        assert (tmp_path / name).stat().st_size
        for number, columns in enumerate([*[events(BATCH_ROWS // 2 + 1)] * 5, events(2 * BATCH_ROWS), events(3)]):
            tracer.add("frames", frames([tracer.rows]))
            tracer.write(*columns)
            if number == 2:
                tracer.flush()
                assert tracer.written == tracer.rows == 3 * (BATCH_ROWS // 2 + 1)
        tracer.close({})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert open_trace(tmp_path / "other").complete


def test_an_empty_trace_is_complete(tmp_path: Path) -> None:
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    tracer.close({})
    trace = open_trace(tmp_path / "trace.arrow")
    assert trace.complete
    assert len(trace) == 0
    assert list(trace.chunks()) == []
    assert trace.to_pandas().empty
    assert trace.codes.num_rows == 0


def test_a_name_that_is_not_unicode_is_kept_readable(tmp_path: Path) -> None:
    tracer = TraceWriter(tmp_path / "\udcff.arrow", opcode_names=NAMES, run={"argv": ["\udcff.py"]})
    tracer.add("codes", {**CODE, "filename": ["\udcff.py"]})
    tracer.close({})
    trace = open_trace(tmp_path / "\udcff.arrow")
    assert trace.info["argv"] == ["\udcff.py"]
    assert trace.codes["filename"].to_pylist() == ["\\udcff.py"]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("codes", {**CODE, "firstlineno": [-1]}),
        ("codes", {**CODE, "name": [None]}),
        ("codes", {**CODE, "name": ["f", "g"]}),
        ("instructions", pa.table({"code_id": [0]})),
    ],
)
def test_rows_that_do_not_fit_a_table_are_refused(tmp_path: Path, table: str, rows: Any) -> None:
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    with pytest.raises(ValueError):
        tracer.add(table, rows)
    tracer.close({})
    assert open_trace(tmp_path / "trace.arrow").complete


def test_what_explains_rows_comes_before_them(tmp_path: Path) -> None:
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    tracer.write(*events(10))
    tracer.add("exits", exits([10]))
    with pytest.raises(ValueError, match="frames of row 9 come after 10 rows"):
        tracer.add("frames", frames([9]))
    tracer.close({})
    assert open_trace(tmp_path / "trace.arrow").exits.num_rows == 1


def test_numbers_that_do_not_fit_a_column_are_refused(tmp_path: Path) -> None:
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    with pytest.raises(ValueError, match="not in range"):
        tracer.write([1], [0], [0], [0], [-1])
    with pytest.raises(ValueError, match="of one length"):
        tracer.write([1], [0], [0], [0], [1, 2])
    assert tracer.rows == 0
    tracer.abandon()


def test_opcode_names_are_256_and_different(tmp_path: Path) -> None:
    for names in (NAMES[:255], [*NAMES[:255], NAMES[0]]):
        with pytest.raises(ValueError, match="256 opcode names"):
            TraceWriter(tmp_path / "trace.arrow", opcode_names=names, run={})
    assert not (tmp_path / "trace.arrow").exists()


def test_a_closed_writer_takes_nothing(tmp_path: Path) -> None:
    tracer = TraceWriter(tmp_path / "trace.arrow", opcode_names=NAMES, run={})
    tracer.close({})
    for call in (lambda: tracer.write(*events(1)), tracer.flush, lambda: tracer.close({})):
        with pytest.raises(ValueError, match="closed"):
            call()
    tracer.abandon()


Step = tuple[str, int]
steps = st.lists(st.tuples(st.sampled_from(["write", "frames", "exits", "flush"]), st.integers(0, 25)), max_size=30)


@pytest.fixture(scope="module")
def small_batches() -> Iterator[int]:
    """Batches of 8 rows, so that few rows make many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "BATCH_ROWS", 8)
        yield 8


@given(steps=steps, cuts=st.lists(st.integers(0, 400), max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_sequence_of_calls_reads_back(
    tmp_path_factory: pytest.TempPathFactory, small_batches: int, steps: list[Step], cuts: list[int]
) -> None:
    """Rows, frames and exits come back in full, from one pass as from any consecutive slices."""
    path = tmp_path_factory.mktemp("trace") / "trace.arrow"
    tracer = TraceWriter(path, opcode_names=NAMES, run={})
    rows, began, ended = 0, 0, 0
    columns = events(25 * len(steps))
    first_rows: list[int] = []
    ends: list[tuple[int, int]] = []
    for call, number in steps:
        if call == "write":
            tracer.write(*(column[rows : rows + number] for column in columns))
            rows += number
        elif call == "frames":
            tracer.add("frames", frames([rows + number], first_id=began))
            first_rows.append(rows + number)
            began += 1
        elif call == "exits":
            reason = ("return", "raise")[number % 2]
            tracer.add("exits", {"frame_id": [ended], "row": [rows + number], "reason": [reason]})
            ends.append((rows + number, ended))
            ended += 1
        else:
            tracer.flush()
    tracer.close({})

    trace = open_trace(path)
    assert len(trace) == rows
    assert trace.info["frames"] == began
    assert sorted(trace.frames["first_row"].to_pylist()) == sorted(first_rows)
    assert trace.exits.select(["row", "frame_id"]).to_pylist() == [
        {"row": row, "frame_id": frame_id} for row, frame_id in sorted(ends)
    ]
    bounds = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    chunks = [chunk for start, stop in itertools.pairwise(bounds) for chunk in trace.chunks(start=start, stop=stop)]
    assert values(chunks) == [column[:rows].tolist() for column in columns]
    if chunks:
        assert pa.concat_tables(chunk.frames for chunk in chunks).to_pylist() == trace.frames.to_pylist()
        assert pa.concat_tables(chunk.exits for chunk in chunks).to_pylist() == trace.exits.to_pylist()
    for chunk in chunks:
        inside = range(chunk.first_row, chunk.first_row + chunk.rows)
        last = chunk.first_row + chunk.rows == rows
        assert all(row in inside or (last and row >= rows) for row in chunk.exits["row"].to_pylist())


def test_bits_are_read_from_the_middle_of_a_column() -> None:
    truths = [True, False, False, True, None, True, False, None, True, True, False]
    column = pa.array(truths)
    for start in range(len(truths)):
        part = column.slice(start, 5)
        assert arrays.missing(part).tolist() == [value is None for value in truths[start : start + 5]]
    known = pa.array([value is True for value in truths])
    for start in range(len(truths)):
        assert arrays.truths(known.slice(start)).tolist() == [value is True for value in truths[start:]]
    for wrong in (column, pa.array([1, 0])):
        with pytest.raises(TypeError):
            arrays.truths(wrong)
