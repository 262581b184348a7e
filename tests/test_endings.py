"""However a program ends, it ends as under python, and its trace is complete."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from vmtrace.traces import open_trace

from tests.command_line import ENVIRONMENT, PATIENCE, vm

PROGRAM = """
import atexit, sys


class Last:
    def __del__(self):
        print("torn down")


last = Last()
atexit.register(print, "at exit")
"""
ENDINGS = {
    "an exit code of more bits than a C long has": "sys.exit(1 << 70)",
    "one of less than that, whose lowest are 5": "sys.exit((1 << 33) + 5)",
    "the exit code that a shell gives for an interrupt": "sys.exit(130)",
    "an interrupt": "raise KeyboardInterrupt",
    "a message, with no stderr": "sys.stderr = None\nsys.exit('why')",
    "a message, without stderr": "del sys.stderr\nsys.exit('why')",
    "an excepthook that fails, with no stderr": "sys.stderr = None\nsys.excepthook = None\n1 / 0",
    "an excepthook that is none": "sys.excepthook = None\n1 / 0",
    "no excepthook": "del sys.excepthook\n1 / 0",
    "an excepthook that exits": "sys.excepthook = lambda *_: sys.exit(12)\n1 / 0",
    "an excepthook that exits, saying why": "sys.excepthook = lambda *_: sys.exit('why')\n1 / 0",
}


@pytest.mark.parametrize("engine", ["vm", "native"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_ends_as_under_python(ending: str, engine: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM + ENDINGS[ending])
    python = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT, check=False
    )
    recorded = vm("record", "-q", "--engine", engine, program, cwd=tmp_path)
    assert (recorded.returncode, recorded.stdout) == (python.returncode, python.stdout)
    # Of an exit code that it cannot take, python makes an error while it joins the threads, on some versions.
    assert recorded.stderr == python.stderr or "exit code" in ending
    assert open_trace(tmp_path / "trace.arrow").complete


def test_what_is_said_at_the_end_is_not_said_to_who_reads_the_output(tmp_path: Path) -> None:
    closing = {"preexec_fn": lambda: os.close(2), "capture_output": False, "stdout": subprocess.PIPE}
    recorded = vm("record", "-c", "print('answer')", cwd=tmp_path, **closing)
    assert (recorded.returncode, recorded.stdout) == (0, "answer\n")
