"""Debuggers, profilers and tracebacks see in rewritten code what they see in the program's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from vmtrace.traces import open_trace

from tests import witness
from tests.command_line import SOURCES

FUNCTIONS = """
import asyncio

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def gen(n):
    for i in range(n):
        if i % 2:
            yield i
        else:
            continue

def delegating():
    return (yield from gen(4))

class Pair:
    def __init__(self, *both):
        self.both = both
    def __eq__(self, other):
        return all(
            a == b
            for a, b in zip(self.both, other.both)
        )
    def __enter__(self):
        return self
    def __exit__(self, *exception):
        return True
    @property
    def first(self):
        return [one for one in self.both
                if one][0]

def errors(i):
    try:
        if i:
            raise ValueError(i)
        return (
            i
        )
    except ValueError as error:
        return str(error)
    finally:
        i += 1

def nested():
    while True:
        try:
            for x in gen(5):
                if x > 2: break
            else:
                pass
            break
        finally:
            y = 1
    with Pair(1, 2) as pair:
        pair.first; 1 / 0
    return Pair(1, Pair(2)) == Pair(1, Pair(2))

async def numbers():
    yield 1
    await asyncio.sleep(0)
    yield 2

async def awaiting():
    return [x async for x in numbers()]

def matching(v):
    match v:
        case {"a": 1}:
            return 1
        case [1, *rest] if rest:
            return rest
        case str() | int():
            return 2

def closed():
    g = delegating()
    next(g)
    g.close()
    g = delegating(); next(g)
    try: g.throw(IndexError)
    except IndexError:
        pass

def main():
    fib(4); list(delegating()); errors(0); errors(1); nested(); closed()
    matching([1, 2]); matching(3); matching({"a": 1}); sorted([2, 1], key=lambda n: -n)
    asyncio.run(awaiting())
"""

LINES = """
import sys
events = []
def watch(frame, event, arg):
    if frame.f_code.co_filename != __file__:
        return None
    events.append((frame.f_code.co_name, event, frame.f_lineno))
    return watch
sys.settrace(watch)
main()
sys.settrace(None)
for event in events:
    print(*event)
"""

PROFILE = """
import cProfile, pstats
profile = cProfile.Profile()
profile.runcall(main)
for (file, line, name), (calls, total, *_, callers) in sorted(pstats.Stats(profile).stats.items()):
    if file == __file__:
        print(line, name, calls, total, sorted((n, c[0]) for (f, l, n), c in callers.items() if f == __file__))
"""

TRACEBACKS = """
import inspect, traceback
def failing(value):
    return (value +
            value.real.missing[1](2))
def through():
    yield from map(failing, [1])
for attempt in (lambda: failing(1), lambda: list(through()), lambda: closed(1), lambda: [1, 2][fib(5)]):
    try:
        attempt()
    except Exception as error:
        traceback.print_exc(file=__import__("sys").stdout)
        print([frame.f_lineno for frame, _ in traceback.walk_tb(error.__traceback__)])
print(inspect.getsource(matching), inspect.signature(Pair), nested.__code__.co_firstlineno)
print(sorted({line for _, _, line in nested.__code__.co_lines() if line}))
"""


@pytest.mark.parametrize("tool", [LINES, PROFILE, TRACEBACKS], ids=["settrace", "cprofile", "tracebacks"])
def test_a_tool_in_the_program_sees_what_it_sees_without_vmtrace(tool: str, tmp_path: Path) -> None:
    if tool is LINES and sys.version_info >= (3, 14):
        pytest.skip("a for loop over a generator tells of one StopIteration more when it ends, from 3.14 on")
    program = tmp_path / "program.py"
    program.write_text(FUNCTIONS + tool)
    expected = witness.plain([program])
    command = ["-m", "vmtrace.cli", "record", "-q", "--engine", "native", "-o", tmp_path / "trace.arrow", program]
    run = witness.plain(command, environment={"PYTHONPATH": str(SOURCES)})
    assert expected.status == 0 and len(expected.stdout) > 500
    assert run.stderr.decode() == expected.stderr.decode()
    assert run.stdout.decode().splitlines() == expected.stdout.decode().splitlines()


BRANCHES = """
def work(n):
    total = 0
    for i in range(n):
        if i % 3:
            total += i
        elif i % 2:
            total -= 1
        else:
            total ^= 5
        while total > 10:
            total -= 7
    return int("x") if total else 0
"""


def test_what_is_executed_is_the_same_while_the_program_traces_it(tmp_path: Path) -> None:
    """A trace function is entered between a jump and the mark of the block that it leads to, too."""
    program, trace = tmp_path / "program.py", tmp_path / "trace.arrow"
    executed = []
    for tool in ("", "import sys\ndef watch(*_):\n    return watch\nsys.settrace(watch)\n"):
        ending = "try: work(9)\nexcept ValueError: print('ended')\n" + ("sys.settrace(None)\n" if tool else "")
        program.write_text(BRANCHES + tool + ending)
        command = ["-m", "vmtrace.cli", "record", "-q", "--force", "--engine", "native", "-o", trace, program]
        run = witness.plain(command, environment={"PYTHONPATH": str(SOURCES)})
        assert (run.stdout, run.stderr) == (b"ended\n", b"")
        opened = open_trace(trace)
        names = opened.codes.to_pandas().set_index("code_id")["name"]
        events = opened.to_pandas()
        executed.append(events[events["code_id"].map(names) == "work"]["offset"].tolist())
    assert len(executed[0]) > 100
    assert executed[1] == executed[0]
