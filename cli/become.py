"""How `vmtrace record` becomes the process that the program runs in.

That is a fresh interpreter in which nothing but the tracer has been imported, and whose main script is a few lines of
ours, compiled and hidden, so that the program's module is, to the program, the bottom of the stack.
"""

from __future__ import annotations

import datetime
import importlib.util
import marshal
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from vmtrace.cli import interrupted
from vmtrace.cli.request import Request
from vmtrace.tracer.errors import ProgramError
from vmtrace.tracer.host.hide import hide_code
from vmtrace.tracer.program import Program
from vmtrace.tracer.recorder.scribe_launch import LaunchedScribe, launch_scribe

BEGINNING = """\
import os, sys
os.unlink(__file__)
sys.path[:] = __file__, *{path!r}  # not the file's folder, which anybody may write to
try:
    from vmtrace.cli.recorded import main
except KeyboardInterrupt:
    print({interrupted!r}, file=sys.stderr)
    sys.exit({status})
main({request!r}, {scribe!r})
"""


def check(request: Request) -> Program:
    """The program. Raises ProgramError where there is nothing to run.

    A compiled file is loaded by a child first, where there is fork: of some damaged ones CPython itself crashes.
    """
    if request.form == "file" and request.program.endswith((".pyc", ".pyo")) and hasattr(os, "fork"):
        child = os.fork()
        if not child:
            try:
                request.load()
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            raise ProgramError(f"{request.program} is damaged: CPython crashes as it loads it; compile it again")
    return request.load()


def facts() -> dict[str, object]:
    """What goes into the trace of the machine, and of us. Found out here, for it takes modules that the program would
    see.
    """
    try:
        vmtrace = version("vmtrace")
    except PackageNotFoundError:
        vmtrace = "unknown"
    return {
        "vmtrace": vmtrace,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": f"{platform.system()} {platform.machine()}",
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def become(request: Request) -> NoReturn:
    """Replaces this process by the one that runs the program."""
    scribe = launch_scribe(_path())
    for descriptor in (scribe.memory, scribe.held):
        os.set_inheritable(descriptor, True)
    os.execv(sys.executable, command_line(request, scribe))


def command_line(request: Request, scribe: LaunchedScribe | None = None) -> list[str]:
    """The command that runs and records the program; to be run once. `scribe`: see `record`."""
    source = BEGINNING.format(
        path=_path(),
        request=asdict(request),
        scribe=scribe and tuple(scribe),
        interrupted=interrupted.LINE,
        status=interrupted.STATUS,
    )
    code = hide_code(compile(source, "<vmtrace>", "exec"))
    handle, script = tempfile.mkstemp(suffix=".pyc", prefix="vmtrace-")
    with os.fdopen(handle, "wb") as file:
        file.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
    return [*python(), script]


def _path() -> list[str]:
    """sys.path without what python has put there for its own program."""
    return sys.path[not sys.flags.safe_path :]


def python() -> list[str]:
    """This python, with the flags that it was started with."""
    return [sys.executable, *subprocess._args_from_interpreter_flags()]  # type: ignore[attr-defined]
