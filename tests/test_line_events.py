"""A trace function that the program itself sets is told of the lines that CPython tells of, in that order.

The functions in `line_events.txt` run under `sys.settrace`, and under `sys.monitoring` where there is that.
"""

from __future__ import annotations

import ast
import functools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import witness
from tests.command_line import SOURCES

FUNCTIONS = Path(__file__).with_name("line_events.txt")
RUN_BY_OTHERS = ("called", "generator", "delegating", "matched")
NAMES = [
    part.name
    for part in ast.parse(FUNCTIONS.read_text(encoding="utf-8")).body
    if isinstance(part, ast.FunctionDef) and not part.decorator_list and part.name not in RUN_BY_OTHERS
]
PROGRAM = """
import json, sys
import functions

def by_tracing(function, told):
    def tell(frame, event, argument):
        if frame.f_code.co_filename == functions.__file__:
            told.append((frame.f_code.co_name, event, frame.f_lineno))
            return tell
    sys.settrace(tell)
    try:
        function()
    except Exception as error:
        told.append((type(error).__name__, "raised", 0))
    finally:
        sys.settrace(None)

def by_monitoring(function, told):
    monitoring = sys.monitoring
    def tell(code, line):
        if code.co_filename == functions.__file__:
            told.append((code.co_name, "line", line))
    begins = monitoring.events.PY_START | monitoring.events.PY_RESUME
    monitoring.use_tool_id(3, "lines")
    monitoring.register_callback(3, monitoring.events.LINE, tell)
    monitoring.set_events(3, monitoring.events.LINE | begins)
    try:
        function()
    except Exception as error:
        told.append((type(error).__name__, "raised", 0))
    finally:
        monitoring.set_events(3, 0)
        monitoring.free_tool_id(3)

ways = {"settrace": by_tracing}
if hasattr(sys, "monitoring"):
    ways["monitoring"] = by_monitoring
everything = {}
for name in json.loads(sys.argv[1]):
    for way, tells in ways.items():
        tells(getattr(functions, name), everything.setdefault(way + " " + name, []))
print(json.dumps(everything))
"""
WAYS = ["settrace", "monitoring"] if sys.version_info >= (3, 12) else ["settrace"]
ENDED = "not told of the exception with which a generator that returns a value ends a comprehension"
PROBED = "told of an exception by which the host finds out what is unbound"
DECORATED = "decorators are told of again where they are called"
LONG = "told again of lines at which a long coroutine awaits"
DIFFERING = [
    ("settrace", (3, 11), (3, 11), ENDED, ["loops_over_generators"]),
    ("settrace", (3, 12), (3, 15), PROBED, ["comprehensions_over_lines"]),
    ("settrace", (3, 11), (3, 13), DECORATED, ["definitions"]),
    ("monitoring", (3, 12), (3, 13), DECORATED, ["definitions"]),
    ("settrace", (3, 13), (3, 13), LONG, ["awaiting"]),
    ("monitoring", (3, 13), (3, 13), LONG, ["awaiting"]),
]
"""What is known to differ on the VM: how it is watched, the first and the last version, why, in which functions."""


@functools.cache
def told(engine: str, folder: Path) -> dict[str, list[tuple[str, str, int]]]:
    """By way and function: the name of the code, the event, the line."""
    (folder / "functions.py").write_bytes(FUNCTIONS.read_bytes())
    program = folder / "program.py"
    program.write_text(PROGRAM)
    command: list[str | Path] = [program, json.dumps(NAMES)]
    if engine != "CPython":
        options = ["record", "-q", "--force", "--engine", engine, "-o", folder / f"{engine}.arrow"]
        command = ["-m", "vmtrace.cli", *options, *command]
    run = witness.plain(command, environment={"PYTHONPATH": str(SOURCES)})
    assert (run.stderr, run.status) == (b"", 0)
    everything: dict[str, list[tuple[str, str, int]]] = json.loads(run.stdout)
    return everything


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched")


def cases() -> Iterator[Any]:
    """Each function, way and engine; those that are known to differ must do so."""
    for name in NAMES:
        for way in WAYS:
            yield pytest.param(name, way, "native")
            reasons = [
                reason
                for how, first, last, reason, names in DIFFERING
                if how == way and first <= sys.version_info[:2] <= last and name in names
            ]
            marks = [pytest.mark.xfail(strict=True, reason=reason) for reason in reasons]
            yield pytest.param(name, way, "vm", marks=marks)


@pytest.mark.parametrize(("name", "way", "engine"), list(cases()))
def test_the_lines_told_are_those_of_cpython(name: str, way: str, engine: str, folder: Path) -> None:
    expected = told("CPython", folder)[f"{way} {name}"]
    assert expected
    assert told(engine, folder)[f"{way} {name}"] == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_left_out_or_told_that_cpython_does_not_tell(name: str, way: str, folder: Path) -> None:
    expected, found = (
        {tuple(event) for event in told(engine, folder)[f"{way} {name}"] if event[1] != "exception"}
        for engine in ("CPython", "vm")
    )
    assert found == expected
