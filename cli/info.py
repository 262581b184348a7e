"""`vmtrace info`: what a trace is, without reading its events."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from vmtrace.cli.answer import Fact, Facts
from vmtrace.cli.columns import Kind
from vmtrace.cli.options import format_option, trace_argument
from vmtrace.cli.session import answer, open_for_reading, origin_of
from vmtrace.traces import Trace

#: The facts of the recording in reading order, and how they are called and written. What else a trace
#: says of itself comes behind them, under its own name.
_KNOWN = {
    "argv": Fact("argv", "command", None),
    "exit_status": Fact("exit_status", "exit status", None, Kind.NAME),
    "stopped": Fact("stopped", "stopped because", None),
    "started": Fact("started", "started", None),
    "elapsed": Fact("elapsed", "took", None, Kind.NUMBER, "s"),
    "engine": Fact("engine", "engine", None),
    "scope": Fact("scope", "scope", None),
    "python": Fact("python", "Python", None),
    "implementation": Fact("implementation", "implementation", None),
    "platform": Fact("platform", "platform", None),
    "vmtrace": Fact("vmtrace", "vmtrace", None),
    "format_version": Fact("format_version", "trace format", None, Kind.NAME),
    "frames": Fact("frames", "frames", None, Kind.COUNT),
}


def run_facts(trace: Trace, title: str, keys: Iterable[str]) -> Facts:
    """What the trace says of the recording: the facts with those keys, as far as it has them."""
    return Facts("run", title, tuple(_fact(key, trace.info[key]) for key in keys if key in trace.info))


def facts_of(trace: Trace) -> Facts:
    """What the trace says of itself: of the recording, then of the file."""
    keys = [*_KNOWN, *(key for key in trace.info if key not in _KNOWN and key != "rows")]
    recording = run_facts(trace, "", keys).facts
    size = trace.path.stat().st_size
    per_event = size / len(trace) if len(trace) else None
    file = [
        Fact("events", "executed instructions", len(trace), Kind.COUNT),
        Fact("code_objects", "code objects", len(trace.codes), Kind.COUNT),
        Fact("instructions", "instructions in those", len(trace.instructions), Kind.COUNT),
        Fact("source_files", "source files kept", len(trace.sources), Kind.COUNT),
        Fact("file_bytes", "file size", size, Kind.COUNT, "bytes"),
        Fact("bytes_per_event", "file size per event", per_event, Kind.NUMBER, "bytes"),
        Fact("complete", "complete", trace.complete),
        Fact("problem", "problem", trace.problem),
    ]
    return Facts("info", f"Trace {trace.path}", (*recording, *file))


def _fact(key: str, value: Any) -> Fact:
    known = _KNOWN.get(key) or Fact(key, key.replace("_", " "), None)
    return Fact(key, known.label, value, known.kind, known.unit)


@click.command()
@trace_argument
@format_option
def info(trace_path: Path, format_name: str) -> None:
    """Say what a trace is: the program, its Python, the engine, the size.

    Reads the trace's own facts, not its events, so it is quick however long the run was.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace info
      vmtrace info trace.arrow --format json
    """
    trace = open_for_reading(trace_path, empty=True)
    answer(origin_of(trace), (facts_of(trace),), format_name)
