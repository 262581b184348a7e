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
ENDS = {
    "exit with words": "sys.exit('enough')",
    "exception through exec": "exec('1 / 0')",
    "exception, and a hook": "sys.excepthook = lambda *error: print(error[1]); 1 / 0",
    "interrupt": "raise KeyboardInterrupt",
}
LAST_WORDS = """
import atexit, sys
told = []
def tell(frame, event, argument):
    if frame.f_code.co_filename == file:
        told.append((frame.f_code.co_name, event, frame.f_lineno))
    return tell
@atexit.register
def at_the_end():
    sys.settrace(None)
    sys.setprofile(None)
    print(sys.exception(), *told, sep="\\n")
file = __file__
"""
TELLING = """
import sys
told = set()
def tell(place, *what):
    if len(what) == 2 and what[0] == "c_call":
        return
    told.add(getattr(place, "f_code", place).co_filename)
    return tell
"""
MADE_READY = """
def function():
    try:
        vars(*[1])
    except (KeyError, TypeError):
        return eval("(lambda: 1)()")
function(), exec("def g(): pass\\ng()")
import imported
imported.two()
sys.settrace(None), sys.setprofile(None)
print(*told, "ended")
"""
CLOSURES = """
import sys

def function(cell):
    def inner():
        return cell
    class Class:
        value = cell
    def generator():
        yield cell
    return inner(), next(generator())

sys.settrace(lambda frame, event, _: print(frame.f_code.co_name, event, frame.f_lineno))
function(1)
sys.settrace(None)
"""
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


def run(program: Path, engine: str) -> tuple[witness.Run, witness.Run]:
    """Natively, and recorded."""
    trace = program.with_suffix(".arrow")
    command = ["-m", "vmtrace.cli", "record", "-q", "--engine", engine, "-o", trace, program]
    return witness.plain([program]), witness.plain(command, environment={"PYTHONPATH": str(SOURCES)})


@pytest.mark.parametrize("engine", ["vm", "check", "native"])
@pytest.mark.parametrize("watcher", WATCHERS)
def test_a_program_that_watches_itself_ends_as_without_vmtrace(watcher: str, engine: str, tmp_path: Path) -> None:
    if watcher == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring is there from 3.12 on")
    program = tmp_path / "program.py"
    program.write_text(f"import sys\n{WATCHERS[watcher]}\n{PROGRAM}")
    expected, recorded = run(program, engine)
    assert expected.status == 0 and expected.stdout.endswith(b"2 None 1\n")
    assert (recorded.stderr, recorded.stdout, recorded.status) == (expected.stderr, expected.stdout, expected.status)


@pytest.mark.parametrize("engine", ["vm", "native"])
@pytest.mark.parametrize("watcher", WATCHERS)
@pytest.mark.parametrize("end", ENDS)
def test_a_program_that_watches_itself_may_end_in_any_way(end: str, watcher: str, engine: str, tmp_path: Path) -> None:
    if watcher == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring is there from 3.12 on")
    program = tmp_path / "program.py"
    program.write_text(f"import sys\n{WATCHERS[watcher]}\n{ENDS[end]}\n")
    expected, recorded = run(program, engine)
    assert expected.status != 0
    assert (recorded.stderr, recorded.stdout, recorded.status) == (expected.stderr, expected.stdout, expected.status)


@pytest.mark.parametrize("engine", ["vm", "check", "native"])
@pytest.mark.parametrize("watcher", WATCHERS)
def test_nothing_of_ours_is_told(watcher: str, engine: str, tmp_path: Path) -> None:
    """While the program's code is made ready, and is run."""
    if watcher == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring is there from 3.12 on")
    if watcher == "setprofile" and sys.version_info < (3, 12):
        pytest.skip("3.11 tells a profile function of returns from hidden frames, and of calls into C from there")
    if (watcher, engine) == ("monitoring", "check") and sys.version_info < (3, 15):
        pytest.skip("up to 3.14 it is told of exceptions in hidden code, and a step may catch one")
    program = tmp_path / "program.py"
    (tmp_path / "imported.py").write_text("def two():\n    return 2\n")
    watching = WATCHERS[watcher].replace("lambda *told: None", "tell")
    program.write_text(f"{TELLING}\n{watching}\n{MADE_READY}")
    recorded = run(program, engine)[1]
    assert b"ended" in recorded.stdout and b"vmtrace" not in recorded.stdout, recorded.stdout.decode()


@pytest.mark.parametrize("engine", ["vm", "native"])
def test_a_function_is_told_of_as_called_at_its_first_line(engine: str, tmp_path: Path) -> None:
    """Also where instructions come before RESUME that are of no line: those that make and copy cells."""
    program = tmp_path / "program.py"
    program.write_text(CLOSURES)
    expected, recorded = run(program, engine)
    assert b"generator call" in expected.stdout
    assert recorded.stdout.decode() == expected.stdout.decode()


@pytest.mark.parametrize("watch", ["settrace", "setprofile"])
@pytest.mark.parametrize("end", ["exit with words", "exception, and a hook"])
def test_what_watches_is_told_to_the_end(end: str, watch: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"{LAST_WORDS}\nsys.{watch}(tell)\n{ENDS[end]}\n")
    expected, recorded = run(program, "native")
    assert expected.stdout.startswith(b"None\n") or end != "exit with words"
    assert (recorded.stderr, recorded.stdout.decode(), recorded.status) == (
        expected.stderr,
        expected.stdout.decode(),
        expected.status,
    )
