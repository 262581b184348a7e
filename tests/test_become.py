"""What is found out before the program's process begins."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from vmtrace.cli import become
from vmtrace.cli.recorded import Request
from vmtrace.tracer.errors import ProgramError

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
