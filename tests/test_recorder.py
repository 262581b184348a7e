"""The recorder: from notes to the file."""

from __future__ import annotations

import dis
import threading
import tracemalloc
import types
from itertools import repeat
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from vmtrace.tracer.code import Code, decode
from vmtrace.tracer.notes import CREATE, ENTER, RESUME, RETURN, SUSPEND
from vmtrace.tracer.recorder.drain import Drain
from vmtrace.tracer.recorder.recorder import Recorder, Summary
from vmtrace.tracer.recorder.ring import Sender
from vmtrace.tracer.vm import opcodes
from vmtrace.traces import Trace, open_trace

SOURCE = """\
def first(n):
    for i in range(n):
        pass

def second():
    return [1, 2.5]
"""


@pytest.fixture
def codes(tmp_path: Path) -> list[Code]:
    """`first` and `second`, of a file that exists."""
    program = tmp_path / "program.py"
    program.write_text(SOURCE)
    module = compile(SOURCE, str(program), "exec")
    return [decode(code, opcodes()) for code in module.co_consts if isinstance(code, types.CodeType)]


def read(path: Path) -> list[tuple[int, int, int]]:
    """frame, code and offset of each row"""
    columns = [open_trace(path).to_pandas()[name].tolist() for name in ("frame_id", "code_id", "offset")]
    return list(zip(*columns, strict=True))


def offsets(code: Code, *blocks: int) -> list[int]:
    return [i.offset for b in blocks for i in code.instructions[code.blocks[b].start : code.blocks[b].stop]]


def closed(recorder: Recorder, **end: Any) -> Summary:
    summary = recorder.close(end)
    assert summary is not None
    return summary


def test_a_recording_from_beginning_to_end(codes: list[Code], path: Path) -> None:
    recorder = Recorder(path, {"argv": ["program.py"]})
    assert path.exists()
    (first, block), (second, other) = recorder.add(codes[0]), recorder.add(codes[1], "package.program")
    recorder.start()
    assert recorder.recording
    notes = recorder.notes()
    assert recorder.notes() is notes
    call = codes[0].instructions[1].offset
    notes += (ENTER, first, 0, block, ENTER, second, call)
    notes += (other, RETURN, RETURN)
    summary = closed(recorder, exit_status=0)
    assert not recorder.recording
    assert recorder.close({}) is summary

    in_first, in_second = offsets(codes[0], 0), offsets(codes[1], 0)
    rows = [(0, 0, in_first[0]), (0, 0, call), *((1, 1, offset) for offset in in_second)]
    assert read(path) == rows + [(0, 0, offset) for offset in in_first[2:]]
    trace = open_trace(path)
    assert trace.complete
    assert trace.info["argv"] == ["program.py"]
    assert trace.info["exit_status"] == 0
    assert summary == Summary(path, len(trace), 2, path.stat().st_size, None)
    check_tables(trace, codes, call)


def check_tables(trace: Trace, codes: list[Code], call: int) -> None:
    frames, exits = trace.frames.to_pylist(), trace.exits.to_pylist()
    assert [(f["frame_id"], f["parent_id"], f["call_offset"], f["first_row"]) for f in frames] == [
        (0, None, None, 0),
        (1, 0, call, 2),
    ]
    assert {f["thread_id"] for f in frames} == {threading.get_ident()}
    assert [(e["frame_id"], e["reason"]) for e in exits] == [(1, "return"), (0, "return")]
    named = [(c["name"], c["module"], c["kind"], c["firstlineno"]) for c in trace.codes.to_pylist()]
    assert named == [("first", "program", "function", 1), ("second", "package.program", "function", 5)]
    table = trace.instructions.to_pylist()
    assert [i["offset"] for i in table] == [i.offset for code in codes for i in code.instructions]
    assert [i["stack_depth"] for i in table] == [i.depth for code in codes for i in code.instructions]
    (loop,) = (i for i in table if i["opcode"] == "FOR_ITER")
    end = next(i for i in codes[0].instructions if i.name == "FOR_ITER")
    assert end.target is not None
    assert loop["jump_target"] == codes[0].instructions[end.target].offset
    shown = [i for code in codes for i in dis.get_instructions(code.code)]
    assert [(i["arg"], i["argrepr"]) for i in table] == [(i.arg, i.argrepr) for i in shown]
    assert [i["opcode"] for i in table if not i["falls_through"]] == [
        i.opname for i in shown if i.opname.startswith(("RETURN", "JUMP"))
    ]
    assert [s["text"] for s in trace.sources.to_pylist()] == [SOURCE]


def test_sources_can_be_left_out(codes: list[Code], path: Path) -> None:
    recorder = Recorder(path, {}, sources=False)
    recorder.add(codes[0])
    recorder.start()
    closed(recorder)
    assert open_trace(path).sources.num_rows == 0


def test_a_source_that_cannot_be_read_is_left_out(path: Path) -> None:
    recorder = Recorder(path, {})
    for name in ("<string>", "no\0file", "/no/such/file.py", "\udcff.py"):
        recorder.add(decode(compile("pass", "x", "exec").replace(co_filename=name), opcodes()))
    assert closed(recorder).problem is None
    trace = open_trace(path)
    assert trace.sources.num_rows == 0
    assert trace.codes["filename"].to_pylist()[0] == "<string>"
    assert trace.codes["filename"].to_pylist()[3] == "\\udcff.py"


def test_positions_are_those_of_the_host_code(codes: list[Code], path: Path) -> None:
    recorder = Recorder(path, {})
    code, block = recorder.add(codes[0])
    recorder.locate(code, np.array([-1, -1, 0], np.int32))
    recorder.start()
    recorder.notes().extend((ENTER, code, 0, block, ENTER, code, 4, RETURN, RETURN))
    closed(recorder)
    assert open_trace(path).frames["call_offset"].to_pylist() == [None, codes[0].instructions[0].offset]
    assert open_trace(path).frames["first_row"].to_pylist() == [0, 1]


def test_notes_may_be_taken_modulo_two_to_the_32(codes: list[Code], path: Path) -> None:
    recorder = Recorder(path, {})
    code, block = recorder.add(codes[1])
    recorder.start()
    recorder.notes().extend(n % 2**32 for n in (ENTER, code, -1, block, RETURN))
    assert closed(recorder).rows == len(codes[1].instructions)


def test_threads_note_in_lists_of_their_own(codes: list[Code], path: Path) -> None:
    recorder = Recorder(path, {})
    code, block = recorder.add(codes[1])
    recorder.start()

    def call(times: int) -> None:
        for _ in range(times):
            recorder.notes().extend((ENTER, code, 0, block, RETURN))

    threads = [threading.Thread(target=call, args=(1000,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    summary = closed(recorder)
    assert summary.frames == 4000
    assert summary.rows == 4000 * len(codes[1].instructions)
    assert set(np.bincount([frame for frame, _, _ in read(path)])) == {len(codes[1].instructions)}


def test_a_coroutine_goes_on_in_another_thread(codes: list[Code], path: Path) -> None:
    recorder = Recorder(path, {})
    code, block = recorder.add(codes[0])

    def go_on() -> None:
        recorder.notes().extend((RESUME, 5, 0, block + 1, RETURN))

    recorder.notes()  # this thread's come last
    other = threading.Thread(target=lambda: [recorder.notes(), turn.wait(), go_on()])
    turn = threading.Event()
    other.start()
    recorder.notes().extend((CREATE, code, 0, 5, block, SUSPEND))
    turn.set()
    other.join()
    recorder.start()
    assert closed(recorder).problem is None
    assert [offset for _, _, offset in read(path)] == offsets(codes[0], 0, 1)
    assert {frame for frame, _, _ in read(path)} == {0}


def test_a_generator_ends_in_another_thread_than_it_went_on_in_before(codes: list[Code], path: Path) -> None:
    recorder = Recorder(path, {})
    code, block = recorder.add(codes[0])
    recorder.notes().extend((CREATE, code, 0, 5, block, SUSPEND))
    other = threading.Thread(target=lambda: recorder.notes().extend((RESUME, 5, 0, block + 1, SUSPEND)))
    other.start()
    other.join()
    recorder.notes().extend((RESUME, 5, 0, block + 2, RETURN))
    recorder.start()
    summary = closed(recorder)
    assert summary.problem is None
    assert [offset for _, _, offset in read(path)] == offsets(codes[0], 0, 2, 1)
    assert open_trace(path).exits["row"].to_pylist() == [summary.rows]


def test_a_path_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory"):
        Recorder(tmp_path / "missing" / "trace.arrow", {})


def test_notes_that_are_none_stop_the_recording(path: Path) -> None:
    for wrong in ("text", 2**70):
        recorder = Recorder(path, {})
        recorder.start()
        recorder.notes().append(wrong)  # type: ignore[arg-type]
        assert "a note that is none" in str(closed(recorder).problem)


@pytest.mark.parametrize(
    ("notes", "problem"),
    [
        ([RETURN], "a frame ended that was not open"),
        ([RESUME, 5, 0, 1, RETURN], "a generator goes on that was never made"),
        ([CREATE, 0, 0, 5, 1, SUSPEND, RESUME, 4, 0, 1, RETURN], "a generator goes on that was never made"),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_notes_that_no_engine_takes_stop_the_recording(
    threads: int, notes: list[int], problem: str, codes: list[Code], path: Path
) -> None:
    recorder = Recorder(path, {})
    recorder.add(codes[0])
    recorder.start()
    if threads == 2:
        other = threading.Thread(target=lambda: recorder.notes().extend([ENTER, 0, 0, 1, RETURN]))
        other.start()
        other.join()
    recorder.notes().extend(notes)
    assert problem in str(closed(recorder).problem)


def test_notes_that_have_piled_up_take_little_memory_to_be_sent() -> None:
    class Nowhere:
        sent = 0

        def send_message(self, message: object) -> None:
            pass

        def send(self, content: memoryview) -> None:
            self.sent += len(content)

    nowhere = Nowhere()
    drain = Drain(cast(Sender, nowhere))
    drain.notes().extend(repeat(1, 10_000_000))
    tracemalloc.start()
    drain.end({})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert nowhere.sent == 10_000_000
    assert peak < 20_000_000
    assert not drain.notes()
