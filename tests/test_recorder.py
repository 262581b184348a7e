"""The recorder: from notes to the file, across two processes, and what may go wrong on the way."""

from __future__ import annotations

import dis
import signal
import subprocess
import sys
import textwrap
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vmtrace.tracer.code import Code, decode
from vmtrace.tracer.notes import CREATE, ENTER, RESUME, RETURN, SUSPEND
from vmtrace.tracer.recorder.recorder import Recorder, Summary
from vmtrace.tracer.recorder.ring import lives
from vmtrace.tracer.vm import opcodes
from vmtrace.traces import Trace, open_trace

Run = Callable[..., "subprocess.CompletedProcess[str]"]

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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.arrow"


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


# --- what is recorded ---


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


# --- what may go wrong ---

PROLOGUE = """
import os, sys, threading, time
from vmtrace.tracer.code import decode
from vmtrace.tracer.notes import ENTER, RETURN
from vmtrace.tracer.recorder.recorder import Recorder
from vmtrace.tracer.recorder.ring import READER
from vmtrace.tracer.vm import opcodes

def begin(path, function):
    recorder = Recorder(path, {})
    code, block = recorder.add(decode(function.__code__, opcodes()))
    recorder.start()
    return recorder, (ENTER, code, 0, block, RETURN)

def small():
    return 1

def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script after the prologue; its arguments follow."""

    def run(script: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        program = tmp_path / "script.py"
        program.write_text(PROLOGUE + textwrap.dedent(script))
        words = [sys.executable, "-W", "error", program, *arguments]
        place = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60, env=place)
        if check:
            assert (done.returncode, done.stderr) == (0, "")
        return done

    return run


def test_a_path_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory"):
        Recorder(tmp_path / "missing" / "trace.arrow", {})


def test_a_program_that_is_killed_leaves_what_was_drained(run: Run, path: Path) -> None:
    script = """
    recorder, call = begin(sys.argv[1], small)
    recorder.notes().extend(call * 50_000)
    wait_for(lambda: not recorder.notes())
    print(recorder._sender._numbers[READER], flush=True)
    os._exit(0)
    """
    await_end(run(script, path).stdout)
    trace = open_trace(path)
    assert not trace.complete
    assert len(trace) == 50_000 * len(small_offsets())


def test_a_program_that_is_killed_while_it_notes_leaves_a_readable_trace(run: Run, path: Path) -> None:
    script = """
    import signal
    recorder, call = begin(sys.argv[1], small)
    wait_for(lambda: os.path.getsize(sys.argv[1]))
    print(recorder._sender._numbers[READER], flush=True)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
    while True:
        recorder.notes().extend(call * 100)
    """
    done = run(script, path, check=False)
    assert done.returncode == -signal.SIGKILL
    await_end(done.stdout)
    assert open_trace(path).problem
    assert len(open_trace(path)) > 100_000


def small_offsets() -> list[int]:
    return [i.offset for i in decode((lambda: 1).__code__, opcodes()).instructions]


def await_end(writer: str) -> None:
    deadline = time.monotonic() + 30
    while lives(int(writer)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_full_disk_stops_the_recording_not_the_program(run: Run) -> None:
    script = """
    recorder, call = begin("/dev/full", small)
    notes = recorder.notes()
    longest = 0
    for _ in range(400):
        notes.extend(call * 10_000)
        longest = max(longest, len(notes))
    while recorder.recording:
        notes.extend(call * 10_000)
    wait_for(lambda: not notes)
    notes.extend(call * 1000)
    wait_for(lambda: not notes)
    print(recorder.close({}).problem)
    """
    assert run(script).stdout == "No space left on device\n"


def test_a_file_that_may_not_grow_is_readable_up_to_there(run: Run, path: Path) -> None:
    script = """
    import resource
    recorder, call = begin(sys.argv[1], small)
    resource.prlimit(recorder._sender._numbers[READER], resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    while recorder.recording:
        recorder.notes().extend(call * 10_000)
    summary = recorder.close({})
    print(summary.problem, summary.rows, summary.bytes)
    """
    problem, rows, size = run(script, path).stdout.rsplit(maxsplit=2)
    assert problem == "File too large"
    assert int(size) <= 1_000_000
    trace = open_trace(path)
    assert not trace.complete
    assert 0 < len(trace) <= int(rows)


def test_a_writer_that_is_killed_stops_the_recording(run: Run, path: Path) -> None:
    script = """
    import signal
    recorder, call = begin(sys.argv[1], small)
    os.kill(recorder._sender._numbers[READER], signal.SIGKILL)
    while recorder.recording:
        recorder.notes().extend(call * 10_000)
    print(recorder.close({}).problem)
    """
    assert run(script, path).stdout == "its writer was killed\n"


def test_notes_that_are_none_stop_the_recording(codes: list[Code], path: Path) -> None:
    for wrong in ("text", 2**70):
        recorder = Recorder(path, {})
        recorder.start()
        recorder.notes().append(wrong)  # type: ignore[arg-type]
        assert "a note that is none" in str(closed(recorder).problem)


def test_notes_that_no_engine_takes_stop_the_recording(path: Path) -> None:
    recorder = Recorder(path, {})
    recorder.start()
    recorder.notes().append(RETURN)
    assert "a frame ended that was not open" in str(closed(recorder).problem)


def test_a_forked_child_is_not_recorded(run: Run, path: Path) -> None:
    script = """
    import warnings
    warnings.simplefilter("always")
    recorder, call = begin(sys.argv[1], small)
    notes = recorder.notes()
    notes.extend(call * 10)
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            for _ in range(100):
                notes.extend(call * 10_000)
                if os.fork() == 0:
                    os._exit(0)
                os.wait()
            wait_for(lambda: not notes)
            assert not recorder.recording
            assert recorder.close({}) is None
            os._exit(7)
        notes.extend(call * 10)
        children.append(child)
    assert sorted(os.wait() for _ in children) == [(child, 7 << 8) for child in sorted(children)]
    try:
        os.wait()
    except ChildProcessError:
        print("no more children")
    print(threading.active_count(), recorder.close({}))
    """
    done = run(script, path)
    assert done.stdout.startswith("no more children\n1 Summary(")
    assert "problem=None" in done.stdout
    assert open_trace(path).complete
    assert open_trace(path).frames.num_rows == 40


def test_a_program_that_closes_all_files_is_recorded_all_the_same(run: Run, path: Path) -> None:
    script = """
    recorder, call = begin(sys.argv[1], small)
    opened = os.open(os.devnull, os.O_RDONLY)
    assert opened == 3
    recorder.notes().extend(call * 10)
    wait_for(lambda: os.path.getsize(sys.argv[1]) and not recorder.notes())
    os.closerange(3, 1024)
    mine = [os.open(os.devnull, os.O_RDONLY) for _ in range(200)]
    time.sleep(0.2)
    recorder.notes().extend(call * 10)
    print(recorder.close({}).problem)
    for descriptor in mine:
        os.fstat(descriptor)
    """
    assert run(script, path).stdout == "None\n"
    assert open_trace(path).complete
    assert open_trace(path).frames.num_rows == 20


def test_memory_is_bounded_however_fast_notes_are_made(run: Run, path: Path) -> None:
    script = """
    def long():
        a = b = c = 1
        return (a + b * c) * (a - b + c) * (b + c * a) - (a * a + b * b - c * c) * (a + b + c) - a * b * c

    recorder, call = begin(sys.argv[1], long)
    notes = recorder.notes()

    def peak(process):
        with open(f"/proc/{process}/status") as status:
            return int(status.read().split("VmHWM:")[1].split()[0]) // 1024

    writer = recorder._sender._numbers[READER]
    before = peak(os.getpid())
    add = notes.append
    enter, code, position, block, leave = call
    notes += (enter, code, position)
    for _ in range(5_000_000):
        add(block)
    after, written = peak(os.getpid()), peak(writer)
    notes.append(leave)
    summary = recorder.close({})
    assert summary.problem is None
    print(summary.rows, after - before, written)
    """
    rows, more, writer = map(int, run(script, path).stdout.split())
    assert rows > 100_000_000
    assert more <= 100, "MB in the program's process"
    assert writer <= 200, "MB in the writer's"
