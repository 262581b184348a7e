"""Ctrl-C at moments when vmtrace itself is at work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from vmtrace.tracer.recorder.scribe_launch import launch_scribe

from tests.command_line import ENVIRONMENT, PATIENCE

# Run as the interpreter starts: a function of ours interrupts its process when it is called.
INTERRUPTING = """
import importlib.util, os, signal, sys

module, name = os.environ["INTERRUPTED"].split(":")

class Finder:
    def find_spec(self, wanted, *_):
        if wanted != module:
            return None
        if not name:
            raise KeyboardInterrupt
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(wanted)
        run = spec.loader.exec_module
        def exec_module(made):
            run(made)
            function = getattr(made, name)
            def interrupted(code, *given):
                if os.environ["AT"] in str(code):
                    signal.raise_signal(signal.SIGINT)
                return function(code, *given)
            setattr(made, name, interrupted)
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Finder())
"""
PROGRAM = """\
def outer():
    def inner():
        return exec("1")
    return inner()

try:
    outer()
except KeyboardInterrupt as error:
    traceback = error.__traceback__
    while traceback is not None:
        print(traceback.tb_frame.f_code.co_name, traceback.tb_lineno)
        traceback = traceback.tb_next
    print(error.__context__, error.__suppress_context__)
"""


def record(folder: Path, engine: str, interrupted: str, at: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(INTERRUPTING)
    (folder / "program.py").write_text(PROGRAM)
    path = os.pathsep.join((str(folder), ENVIRONMENT["PYTHONPATH"]))
    command = [sys.executable, "-m", "vmtrace.cli", "record", "-q", "--engine", engine, "program.py"]
    environment = {**ENVIRONMENT, "PYTHONPATH": path, "INTERRUPTED": interrupted, "AT": at}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize("interrupted", ["click:", "vmtrace.tracer.recording:", "vmtrace.cli.recorded:record"])
def test_before_the_program_begins(interrupted: str, tmp_path: Path) -> None:
    done = record(tmp_path, "vm", interrupted)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "vmtrace: interrupted\n")


def test_the_process_that_writes_is_not_in_the_group_that_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python, told = tmp_path / "python", tmp_path / "told"
    python.write_text(f"#!/bin/sh\ncut -d ' ' -f 1,5 /proc/$$/stat > {told}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    scribe = launch_scribe([])
    os.waitpid(scribe.starter, 0)
    for descriptor in (scribe.memory, scribe.held):
        os.close(descriptor)
    process, group = told.read_text().split()
    assert process == group == str(scribe.starter)


@pytest.mark.parametrize(
    "engine, interrupted, at, frames",
    [
        ("vm", "vmtrace.tracer.vm:decode", "inner", ["<module> 7", "outer 2"]),
        ("vm", "vmtrace.tracer.vm:decode", '"<string>"', ["<module> 7", "outer 4", "inner 3"]),
        ("check", "vmtrace.tracer.vm:decode", '"<string>"', ["<module> 7", "outer 4", "inner 3"]),
        ("native", "vmtrace.tracer.rewritten.native_engine:decode", '"<string>"', ["<module> 7", "outer 4", "inner 3"]),
    ],
)
def test_while_code_is_made_ready_it_comes_to_the_program(
    engine: str, interrupted: str, at: str, frames: list[str], tmp_path: Path
) -> None:
    done = record(tmp_path, engine, interrupted, at)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [*frames, "None False"]
