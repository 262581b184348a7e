"""Programs do on each engine what they do on CPython: output, exit status, and every instruction, in order.

The programs in `programs/` are plain Python; the witness is CPython's own instruction tracing (`witness`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from vmtrace.cli.verdict import Told, compare
from vmtrace.tracer.witness.account import from_trace
from vmtrace.traces import open_trace

from tests import witness
from tests.command_line import SOURCES
from tests.witness_programs import Program, programs, witnessed

ENGINES = ("vm", "check", "native")
NOT_ON = {
    ("recursion", "check"): "stepping needs some of the recursion limit for itself: RecursionError comes earlier",
    ("deep_delegation", "check"): "stepping takes some frames of its own at each level, so that they are too many",
    ("elements_wide_code", "check"): "the program measures the co_code of its own functions, which is the stub's",
}


def record(program: Program, engine: str, trace: Path) -> witness.Run:
    command = ["-m", "vmtrace.cli", "record", "-q", "--engine", engine, "-o", trace, *program.command]
    return witness.plain(command, stdin=program.stdin, environment={"PYTHONPATH": str(SOURCES)})


def test_there_are_programs() -> None:
    assert len(programs()) >= 60


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("program", programs(), ids=lambda program: program.name)
def test_a_program_runs_as_on_cpython(program: Program, engine: str, tmp_path: Path) -> None:
    if (program.name, engine) in NOT_ON:
        pytest.skip(NOT_ON[program.name, engine])
    trace = tmp_path / "trace.arrow"
    expected, run = witnessed(program), record(program, engine, trace)
    opened = open_trace(trace)
    assert opened.complete, opened.problem
    verdict = compare(
        Told("CPython", expected.outcome, expected.account, 0.0, reported=True),
        Told(engine, run.outcome, from_trace(opened), 0.0),
    )
    assert not verdict.differs, verdict.text
    assert run.status == program.status
