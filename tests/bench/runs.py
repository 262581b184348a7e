"""Runs the benchmark's programs, untraced and under each recorder, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE.parent.parent / ".src"
PROGRAMS = sorted(path.stem for path in (HERE / "programs").glob("*.py"))
COUNT = "import sys; from vmtrace.traces import open_trace; print(len(open_trace(sys.argv[1])))"


@dataclass(frozen=True)
class Usage:
    """What a command took, from the start of its process to its end: seconds and bytes.

    `helper_*` are those of the processes that it left to us: vmtrace's writing processes.
    """

    wall: float
    cpu: float
    helper_cpu: float
    peak: int
    helper_peak: int

    def without(self, start: Usage) -> Usage:
        """What is over when the start-up is taken off."""
        cpu, helper_cpu = self.cpu - start.cpu, self.helper_cpu - start.helper_cpu
        return Usage(self.wall - start.wall, cpu, helper_cpu, self.peak, self.helper_peak)


class RunError(Exception):
    """A command failed, or did not print what it should have."""


def commands(others: Sequence[str]) -> dict[str, list[str]]:
    """By name, what comes before a program's file on the command line; `{trace}` stands for the trace's path.

    `others`: `NAME=COMMAND …` each.
    """
    record = [sys.executable, "-m", "vmtrace.cli", "record", "-q", "--force", "-o", "{trace}", "--engine"]
    found = {
        "untraced": [sys.executable],
        "native": [*record, "native"],
        "vm": [*record, "vm"],
        "callbacks": [sys.executable, str(HERE / "callbacks.py"), "{trace}"],
    }
    for other in others:
        name, _, command = other.partition("=")
        found[name] = command.split()
    return found


class Runner:
    """Runs commands in turn; their traces and output lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trace = folder / "bench.arrow"
        self._printed: dict[tuple[str, float], str] = {}

    def run(self, command: Sequence[str], program: str, scale: float, timeout: float = 900) -> Usage:
        """Raises RunError, also if the program prints anything else than it printed the first time."""
        self.trace.unlink(missing_ok=True)
        output = self.folder / "output"
        words = [word.replace("{trace}", str(self.trace)) for word in command]
        launcher = [sys.executable, "-I", "-S", str(HERE / "launcher.py"), str(output)]
        path = os.pathsep.join([str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
        command = [*launcher, *words, str(HERE / "programs" / f"{program}.py"), str(scale)]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise RunError(f"still running after {timeout:.0f} s") from None
        result = json.loads(done.stdout) if done.stdout else {"status": done.returncode}
        if result.pop("status"):
            raise RunError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "failed")
        printed = output.read_text()
        if printed != self._printed.setdefault((program, scale), printed):
            raise RunError("prints what the program does not print")
        return Usage(**result)

    def events(self) -> tuple[int, int]:
        """Events in the last trace, and bytes of its file."""
        # Not in this process: it must stay small, see launcher.py.
        environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
        count = subprocess.run(
            [sys.executable, "-c", COUNT, self.trace], env=environment, capture_output=True, text=True
        )
        return int(count.stdout), self.trace.stat().st_size
