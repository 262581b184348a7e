"""A pass by several processes is one pass: whatever the pieces, and whatever becomes of the processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
import vmtrace.traces.writer
from vmtrace.analysis import Analysis, Opcodes, Program, parallel, run
from vmtrace.cli import standby
from vmtrace.traces import Trace, TraceError, TraceWriter, open_trace

from tests.all_analyses import MAKERS, results
from tests.analysis_traces import OPCODE_NAMES, random_machine
from tests.command_line import PATIENCE

ROWS = 3000


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """A file of some batches: calls, generators, exceptions, three threads."""
    path = tmp_path_factory.mktemp("parallel") / "trace.arrow"
    made = random_machine(7, ROWS, threads=3).trace()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vmtrace.traces.writer, "BATCH_ROWS", 256)
        writer = TraceWriter(path, opcode_names=OPCODE_NAMES, run={})
        for name in ("codes", "instructions", "frames", "exits"):
            writer.add(name, getattr(made, name))
        writer.write(*made.rows.T)
        writer.close({})
    return open_trace(path)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started."""
    processes: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        processes.append(popen(*args, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def cut(monkeypatch: pytest.MonkeyPatch, *rows: int) -> None:
    """Lets the next passes be shared out at these rows."""
    parts = [range(low, high) for low, high in pairwise([0, *rows, ROWS])]
    monkeypatch.setattr(parallel, "shares", lambda count, processes: parts)


def run_shared(trace: Trace, analyses: Sequence[Analysis], *rows: int, others: int = 1, **options: Any) -> None:
    parallel.run_on_cores(trace, analyses, *rows, process=standby.start, others=others, **options)


def everything(trace: Trace) -> list[Analysis]:
    program = Program(trace)
    return [make(program) for make in MAKERS.values()]


Tables = dict[str, pd.DataFrame]


def tables_of(analyses: Sequence[Analysis]) -> list[Tables]:
    return [results(analysis) for analysis in analyses]


def same(found: Sequence[Analysis], expected: Sequence[Tables]) -> None:
    for one, tables in zip(found, expected, strict=True):
        for name, table in results(one).items():
            pd.testing.assert_frame_equal(table, tables[name], check_exact=True)


@pytest.fixture(scope="module")
def expected(trace: Trace) -> list[Tables]:
    """What each analysis says after one pass."""
    analyses = everything(trace)
    run(trace, analyses)
    return tables_of(analyses)


@pytest.mark.parametrize("seed", range(4))
def test_any_pieces_give_the_answer_of_one_pass(
    trace: Trace, expected: list[Tables], started: list[Any], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    cuts = sorted(Random(seed).sample(range(1, ROWS), seed + 1))
    cut(monkeypatch, *cuts)
    analyses = everything(trace)
    run_shared(trace, analyses)
    assert len(started) == len(cuts)
    assert [process.returncode for process in started] == [0] * len(cuts)
    same(analyses, expected)


def test_a_part_of_the_rows_is_shared_out_too(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "shares", lambda rows, processes: [range(rows // 3), range(rows // 3, rows)])
    analyses, alone = everything(trace), everything(trace)
    run_shared(trace, analyses, 500, 2500)
    run(trace, alone, 500, 2500)
    same(analyses, tables_of(alone))


@pytest.mark.parametrize(
    "child",
    ["raise SystemExit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "import no_such_module"],
    ids=["exits", "killed", "cannot begin"],
)
def test_what_a_process_leaves_undone_is_done_without_it(
    trace: Trace, expected: list[Tables], monkeypatch: pytest.MonkeyPatch, child: str
) -> None:
    cut(monkeypatch, 1000, 2000)
    monkeypatch.setattr(standby, "_COMMAND", child)
    analyses = everything(trace)
    run_shared(trace, analyses)
    same(analyses, expected)


def test_without_an_interpreter_to_start_one_process_does_it_all(
    trace: Trace, expected: list[Tables], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cut(monkeypatch, 1000)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    analyses = everything(trace)
    run_shared(trace, analyses)
    same(analyses, expected)


def test_damage_in_another_process_part_is_told(
    trace: Trace, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    cut(monkeypatch, 1000)
    data = bytearray(trace.path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    path.write_bytes(data)
    again = open_trace(path)
    with pytest.raises(TraceError, match=r"damaged \(batch \d+ of \d+\)"):
        run_shared(again, [Opcodes(Program(again))])
    assert [process.returncode for process in started] == [0]


def test_an_interrupt_leaves_no_process(
    trace: Trace, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    cut(monkeypatch, 1000, 2000)
    monkeypatch.setattr(standby, "_COMMAND", "import time; time.sleep(60)")
    with pytest.raises(KeyboardInterrupt):
        run_shared(trace, everything(trace), progress=interrupt)
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


def test_processes_end_with_the_one_that_started_them(trace: Trace) -> None:
    code = f"""
import os, signal, subprocess, sys
from vmtrace.analysis import Opcodes, Program, parallel
from vmtrace.cli import standby
from vmtrace.traces import open_trace
popen = subprocess.Popen
def start(*args, **options):
    process = popen(*args, **options)
    print(process.pid, flush=True)
    return process
subprocess.Popen = start
parallel.shares = lambda rows, processes: [range(1000), range(1000, rows)]
idle = "p.feed = lambda *args: __import__('time').sleep(60); p.serve()"
standby._COMMAND = standby._COMMAND.replace("p.serve()", idle)
trace = open_trace({str(trace.path)!r})
def stop(done):
    os.kill(os.getpid(), signal.SIGKILL)
parallel.run_on_cores(trace, [Opcodes(Program(trace))], progress=stop, process=standby.start, others=1)
"""
    path = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == -signal.SIGKILL
    worker = int(done.stdout)
    deadline = time.monotonic() + PATIENCE
    while _runs(worker):
        assert time.monotonic() < deadline, "the worker goes on"
        time.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_progress_rises_to_all_rows(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, 1500)
    monkeypatch.setattr("vmtrace.analysis.joined.ROWS", 256)
    told: list[int] = []
    run_shared(trace, everything(trace), progress=told.append)
    assert len(told) > 3
    assert told == sorted(told)
    assert told[-1] == ROWS


def test_one_core_and_short_traces_need_no_other_process(
    trace: Trace, expected: list[Tables], started: list[subprocess.Popen[bytes]]
) -> None:
    for others in (0, 3):
        analyses = everything(trace)
        run_shared(trace, analyses, others=others)
        same(analyses, expected)
    assert not started


@pytest.mark.parametrize("processes", [1, 2, 3, 8, 64])
@pytest.mark.parametrize("rows", [0, 1, 10**5, 10**7, 10**8, 10**10])
def test_shares_are_consecutive_and_cover_all_rows(rows: int, processes: int) -> None:
    parts = parallel.shares(rows, processes)
    assert [row for part in parts for row in (part.start, part.stop)][1:-1] == [
        row for part in parts[1:] for row in (part.start, part.start)
    ]
    assert (parts[0].start, parts[-1].stop) == (0, rows)
    assert 1 <= len(parts) <= processes
    assert len(parts) == 1 or all(parts)


def test_long_traces_are_shared_out() -> None:
    first, second = parallel.shares(10**8, 2)
    assert 0.4 < len(first) / len(second) < 2.5


def test_counting_needs_no_pandas(trace: Trace) -> None:
    code = f"""
import sys
from vmtrace.analysis import Loops, Pairs, Phases, Program, Stack, parallel
from vmtrace.traces import open_trace
trace = open_trace({str(trace.path)!r})
program = Program(trace)
parallel.run_on_cores(trace, [Loops(program), Pairs(program), Phases(program), Stack(program)], 500)
assert "pandas" not in sys.modules
"""
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})
