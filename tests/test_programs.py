"""Programs do on each engine what they do on CPython: output, exit status, and every instruction, in order.

The programs in `programs/` are plain Python; the witness is CPython's own instruction tracing (`witness`).
"""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from vmtrace.traces import open_trace

from tests import witness

PROGRAMS = Path(__file__).parent / "programs"
VERSION = sys.version_info[:2]
ENGINES = ("vm", "check", "native")


def names() -> list[str]:
    """Programs that this Python understands: a suffix like `_312` names the first version that does."""
    found = []
    for path in sorted(PROGRAMS.glob("*.py")):
        since = re.search(r"_3(\d\d)$", path.stem)
        if since is None or VERSION >= (3, int(since[1])):
            found.append(path.stem)
    return found


@functools.cache
def witnessed(name: str) -> witness.Witnessed:
    return witness.witness([PROGRAMS / f"{name}.py"])


def record(name: str, engine: str, trace: Path) -> witness.Run:
    command = [sys.executable, "-m", "vmtrace.cli", "record", "-q", "--engine", engine, "-o", str(trace)]
    path = os.pathsep.join([str(Path(__file__).parent.parent / ".src"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path}
    done = subprocess.run(
        [*command, str(PROGRAMS / f"{name}.py")],
        input=b"",
        capture_output=True,
        env=environment,
        timeout=120,
        check=False,
    )
    return witness.Run(done.stdout, done.stderr, done.returncode)


def test_there_are_programs() -> None:
    assert len(names()) >= 40


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", names())
def test_a_program_runs_as_on_cpython(name: str, engine: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.arrow"
    expected, run = witnessed(name), record(name, engine, trace)
    assert run.stderr.decode() == expected.stderr.decode()
    assert run.stdout.decode() == expected.stdout.decode()
    assert run.status == expected.status
    opened = open_trace(trace)
    assert opened.complete, opened.problem
    events, instructions = witness.from_trace(opened)
    seen = witness.normalise(events, instructions, VERSION)
    reported = witness.frames_by_first_report(expected.events)  # it has frames that end before they run, too
    assert (difference := witness.difference(reported, seen)) is None, difference
    if len(reported.by_thread()) == 1:
        np.testing.assert_array_equal(reported.frame, seen.frame, "order of frames")
