"""Programs that trace, profile or monitor themselves, to their very end, end as they do without vmtrace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import witness
from tests.command_line import SOURCES

WATCHERS = {
    "settrace": "sys.settrace(lambda *told: None)",
    "setprofile": "sys.setprofile(lambda *told: None)",
    "monitoring": """
events = sys.monitoring.events
kinds = events.RAISE, events.RERAISE, events.EXCEPTION_HANDLED, events.PY_UNWIND, events.PY_THROW, events.STOP_ITERATION
sys.monitoring.use_tool_id(3, "watcher")
for kind in kinds:
    sys.monitoring.register_callback(3, kind, lambda *told: None)
sys.monitoring.set_events(3, sum(kinds))
""",
}
PROGRAM = """
def finds():
    class Class:
        length = len  # is not where it is looked up first
    return Class.length([1, 2])

def iterates_what_cannot_be():
    async def asynchronously():
        return [x async for x in 1]
    for begin in lambda: (x for x in 1), lambda: asynchronously().send(None):
        try:
            begin()
        except TypeError as error:
            print(error)

def generates():
    try:
        yield 1
    finally:
        print("closed")

print(finds(), iterates_what_cannot_be(), next(generates()))
"""


@pytest.mark.parametrize("engine", ["vm", "check", "native"])
@pytest.mark.parametrize("watcher", WATCHERS)
def test_a_program_that_watches_itself_ends_as_without_vmtrace(watcher: str, engine: str, tmp_path: Path) -> None:
    if watcher == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring is there from 3.12 on")
    program = tmp_path / "program.py"
    program.write_text(f"import sys\n{WATCHERS[watcher]}\n{PROGRAM}")
    expected = witness.plain([program])
    command = ["-m", "vmtrace.cli", "record", "-q", "--engine", engine, "-o", tmp_path / "trace.arrow", program]
    run = witness.plain(command, environment={"PYTHONPATH": str(SOURCES)})
    assert expected.status == 0 and expected.stdout.endswith(b"2 None 1\n")
    assert (run.stderr, run.stdout, run.status) == (expected.stderr, expected.stdout, expected.status)
