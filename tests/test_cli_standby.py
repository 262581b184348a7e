"""Processes that stand by for a long trace: who gets some, that they change no answer, and that none is left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vmtrace.analysis import parallel
from vmtrace.cli import standby
from vmtrace.cli.main import run

TRACE = Path(__file__).parents[1] / "traces" / "samples" / "words.arrow"
SHARES = parallel.shares


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started; there is one other core, and any trace is long enough."""
    processes: list[subprocess.Popen[bytes]] = []
    start = standby.start

    def watched() -> subprocess.Popen[bytes]:
        processes.append(start())
        return processes[-1]

    monkeypatch.setattr(standby, "start", watched)
    monkeypatch.setattr(standby, "_cores", lambda: 2)
    monkeypatch.setattr(standby, "LONG", 1)
    monkeypatch.setattr(parallel, "shares", halves)
    return processes


def halves(rows: int, processes: int) -> list[range]:
    return [range(rows)] if processes == 1 else [range(rows // 2), range(rows // 2, rows)]


@pytest.mark.parametrize("command", [["opcodes"], ["report", "--format", "json"], ["calls", "--top", "3"]])
def test_an_answer_is_the_same_with_help(
    started: list[Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert run([*command, str(TRACE)]) == 0
    helped = capfd.readouterr()
    assert [process.returncode for process in started] == [0]
    monkeypatch.setattr(standby, "_cores", lambda: 1)
    assert run([*command, str(TRACE)]) == 0
    assert capfd.readouterr() == helped
    assert len(started) == 1


def test_two_traces_get_a_process_each(started: list[Any], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", str(TRACE), str(TRACE)]) == 0
    assert [process.returncode for process in started] == [0, 0]


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["opcodes", "--rows", "0:10"], 0),  # read by one process
        (["opcodes", "--no-such-option"], 2),
        (["opcodes", "--help"], 0),
    ],
)
def test_a_process_that_is_not_needed_ends(
    started: list[Any], capfd: pytest.CaptureFixture[str], command: list[str], status: int
) -> None:
    assert run([*command, str(TRACE)]) == status
    assert all(process.returncode is not None for process in started)


def test_short_files_and_other_commands_get_none(
    started: list[Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["info", str(TRACE)]) == 0
    monkeypatch.setattr(parallel, "shares", SHARES)
    monkeypatch.setattr(standby, "LONG", 1 << 40)
    assert run(["opcodes", str(TRACE)]) == 0
    assert run(["opcodes", "no-such.arrow"]) == 1
    assert not started


def test_the_default_trace_is_looked_at_too(
    started: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    os.symlink(TRACE, tmp_path / "trace.arrow")
    monkeypatch.chdir(tmp_path)
    assert run(["opcodes"]) == 0
    assert [process.returncode for process in started] == [0]


def test_where_no_process_starts_the_answer_comes_all_the_same(
    started: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    assert run(["opcodes", str(TRACE)]) == 0
    assert not started
