"""The process that a recorded program runs in, once the tracer is loaded (see `become`): little else may be imported,
for the program sees what is.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from vmtrace.cli import interrupted
from vmtrace.cli.request import Request
from vmtrace.tracer.errors import VMError
from vmtrace.tracer.host.hide import hide_functions
from vmtrace.tracer.launch import leave
from vmtrace.tracer.recorder.recorder import Summary
from vmtrace.tracer.recorder.scribe_launch import LaunchedScribe
from vmtrace.tracer.recording import record


def main(fields: dict[str, object], scribe: tuple[int, ...] | None) -> None:
    """Runs and records; ends the process with the program's status. `scribe`: see `record`."""
    request = Request(**fields)  # type: ignore[arg-type]
    launched = LaunchedScribe(*scribe) if scribe else None
    try:
        program = request.load()
        scope = request.scope(program)
        given = request.path, request.engine, request.sources, request.facts
        status, summary = record(program, scope, *given, launched)
    except OSError as error:
        _tell(f"vmtrace: error: cannot write {request.shown}: {error.strerror}")
        status, summary = 1, None
    except VMError as error:
        _tell(f"vmtrace: error: {error}")
        status, summary = 1, None
    except KeyboardInterrupt:  # not of the program, which has not begun, or has ended
        _tell(interrupted.LINE)
        status, summary = interrupted.STATUS, None
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
    if sys.__stderr__ is not None:  # or it would be printed to the program's stdout
        with suppress(OSError, ValueError):
            print(line, file=sys.__stderr__, flush=True)


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


hide_functions(globals())
