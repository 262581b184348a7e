"""What is found out before the program's process begins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from vmtrace.cli import become
from vmtrace.cli.request import ENGINES, Request
from vmtrace.tracer import recording
from vmtrace.tracer.errors import ProgramError

from tests.command_line import ENVIRONMENT

REQUEST = Request("file", "prog.pyc", (), (), (), "vm", True, True, "", "", "", {})


def test_a_file_that_crashes_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As some damaged ones do on some versions: here the loading of any does."""
    monkeypatch.setattr(Request, "load", lambda self: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(ProgramError, match=r"^prog\.pyc is damaged: CPython crashes as it loads it"):
        become.check(REQUEST)


def test_what_is_wrong_with_a_file_is_said_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "prog.pyc").write_bytes(b"")
    with pytest.raises(ProgramError, match="is empty"):
        become.check(replace(REQUEST, program=str(tmp_path / "prog.pyc")))
    assert capfd.readouterr() == ("", "")


def test_the_engines_have_the_names_that_can_be_asked_for() -> None:
    assert tuple(recording.ENGINES) == ENGINES


def test_the_first_process_loads_no_engine() -> None:
    """It takes as long as all else that it does."""
    code = "import sys, vmtrace.cli.record; print('vmtrace.tracer.vm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_folder_of_temporary_files_is_not_imported_from(tmp_path: Path) -> None:
    """Anybody may write there."""
    (tmp_path / "ast.py").write_text("raise SystemExit('imported')")
    command = [sys.executable, "-m", "vmtrace.cli", "record", "-q", "-o", os.devnull, "--force", "-c", "print(1)"]
    environment = {**ENVIRONMENT, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
