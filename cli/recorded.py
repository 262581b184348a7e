"""The process that a recorded program runs in, from its first breath.

`vmtrace record` checks what it is asked for and then becomes this process: a fresh interpreter in which nothing but the
tracer has been imported, and whose main script is a few lines of ours, compiled and hidden, so that the program's
module is, to the program, the bottom of the stack.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import NoReturn

from vmtrace.tracer.errors import VMError
from vmtrace.tracer.host.hide import hide_code, hide_functions
from vmtrace.tracer.launch import leave
from vmtrace.tracer.program import Program, load, load_command, load_module
from vmtrace.tracer.recorder.recorder import Summary
from vmtrace.tracer.recording import record
from vmtrace.tracer.scope import Scope

BEGINNING = """\
import os, sys
os.unlink(__file__)
sys.path[1:] = {path!r}
from vmtrace.cli.recorded import main
main({request!r})
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be recorded, and how."""

    form: str
    """`file`, `module` or `command`."""
    program: str
    arguments: Sequence[str]
    include: Sequence[str]
    exclude: Sequence[str]
    engine: str
    sources: bool
    quiet: bool
    path: str
    """Where the trace goes."""
    shown: str
    """The same as the user would write it."""
    next: str
    """The command that reads it."""

    def load(self) -> Program:
        """Raises ProgramError."""
        loaders = {"file": load, "module": load_module, "command": load_command}
        return loaders[self.form](self.program, self.arguments)

    def scope(self, program: Program) -> Scope:
        """What of the program is traced."""
        return Scope(program.file, program.folder, self.include, self.exclude)


def become(request: Request) -> NoReturn:
    """Replaces this process by the one that runs the program."""
    command = command_line(request)
    if os.name == "posix":
        os.execv(sys.executable, command)
    sys.exit(subprocess.call(command))


def command_line(request: Request) -> list[str]:
    """The command that runs and records the program; to be run once."""
    source = BEGINNING.format(path=sys.path[1:], request=asdict(request))
    code = hide_code(compile(source, "<vmtrace>", "exec"))
    handle, script = tempfile.mkstemp(suffix=".pyc", prefix="vmtrace-")
    with os.fdopen(handle, "wb") as file:
        file.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
    return [*python(), script]


def python() -> list[str]:
    """This python, with the flags that it was started with."""
    return [sys.executable, *subprocess._args_from_interpreter_flags()]  # type: ignore[attr-defined]


def main(fields: dict[str, object]) -> None:
    """Runs and records; ends the process with the program's status."""
    request = Request(**fields)  # type: ignore[arg-type]
    try:
        program = request.load()
        status, summary = record(program, request.scope(program), request.path, request.engine, request.sources)
    except OSError as error:
        _tell(f"vmtrace: error: cannot write {request.shown}: {error.strerror}")
        status, summary = 1, None
    except VMError as error:
        _tell(f"vmtrace: error: {error}")
        status, summary = 1, None
    if summary is not None:
        _sum_up(summary, request)
    leave(status)


def _sum_up(summary: Summary, request: Request) -> None:
    """One line: what was written, and the exact next command."""
    if summary.problem is not None:
        _tell(f"vmtrace: warning: {summary.problem}; the trace is incomplete")
    elif not request.quiet:
        frames = "1 frame" if summary.frames == 1 else f"{summary.frames:,} frames"
        what = f"{summary.rows:,} events in {frames}, {_size(summary.bytes)} in {request.shown}"
        _tell(f"vmtrace: {what}; next: {request.next}")


def _tell(line: str) -> None:
    # The program may have closed either, as `python -m json.tool` closes stdout: nobody is listening there any more.
    with suppress(OSError, ValueError, AttributeError):
        sys.__stdout__.flush()  # type: ignore[union-attr]
    with suppress(OSError, ValueError, AttributeError):
        print(line, file=sys.__stderr__, flush=True)


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


hide_functions(globals())
