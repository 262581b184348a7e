"""At the recursion limit, the VM raises where CPython does, and shows the same."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from vmtrace.tracer.host.room import Room

from tests import witness
from tests.command_line import SOURCES

FROM_PYTHON = {
    "function": "def f(n):\n  reached()\n  return f(n + 1)\nf(0)",
    "expression": "def f(n):\n  reached()\n  return 1 + f(n - 1) if n else 0\nf(100_000)",
    "lambda": "f = lambda n: reached() or f(n + 1)\nf(0)",
    "finally": "def f():\n  reached()\n  try:\n    return f()\n  finally:\n    reached\nf()",
    "handled": "def f():\n  global depth\n  try: f()\n  except RecursionError:\n    depth += 1\n    raise\nf()",
    "yield from": "def f(n):\n  reached()\n  yield from f(n + 1)\nnext(f(0))",
    "await": "async def f(n):\n  reached()\n  await f(n + 1)\nf(0).send(None)",
}
FROM_C = {
    "key": "def f(x):\n  reached()\n  sorted([x], key=f)\nf(0)",
    "map": "def f(x):\n  reached()\n  list(map(f, [x]))\nf(0)",
    "__eq__": "class A:\n  def __eq__(self, other):\n    reached()\n    return self == other\nA() == 1",
    "__repr__": "class A:\n  def __repr__(self):\n    reached()\n    return repr(self)\nrepr(A())",
    "__getattr__": "class A:\n  def __getattr__(self, name):\n    reached()\n    return self.b\nA().a",
    "__call__": "class A:\n  def __call__(self):\n    reached()\n    self()\nA()()",
    "__iter__": "class A:\n  def __iter__(self):\n    reached()\n    return iter(self)\niter(A())",
    "__add__": "class A:\n  def __add__(self, other):\n    reached()\n    return self + 1\nA() + 1",
}
FROM_TEXT = {
    "eval": "def f(f):\n  reached()\n  return eval('f(f)')\nf(f)",
    "eval in globals": "def f():\n  reached()\n  return eval('f()', {'f': f})\nf()",
    "exec": "def f(f):\n  reached()\n  exec('f(f)')\nf(f)",
    "exec of code": "code = compile('f()', '', 'exec')\ndef f():\n  reached()\n  exec(code, {'f': f})\nf()",
    "exec of itself": "text = 'reached(); exec(text)'\nexec(text, {'text': text, 'reached': reached})",
}
FROM_CONSTRUCTS = {
    "generator expression": "def f():\n  reached()\n  return list(f() for _ in (1,))\nf()",
    "yield from an expression": "def f():\n  reached()\n  yield from (x for x in f())\nnext(f())",
    "comprehension": "def f():\n  reached()\n  return [f() for _ in (1,)]\nf()",
    "closure": "def f(n):\n  reached()\n  def g(m=1): return f(n + m)\n  return g()\nf(0)",
    "decorator": "def d(g): return g()\ndef f():\n  reached()\n  @d\n  def g():\n    f()\nf()",
    "class": "def f():\n  reached()\n  class A:\n    f()\nf()",
    "except": "def f():\n  reached()\n  try:\n    1 / 0\n  except ZeroDivisionError:\n    f()\nf()",
    "try": "def f():\n  reached()\n  try:\n    f()\n  except ValueError:\n    pass\nf()",
    "except*": "def f():\n  reached()\n  try:\n    1 / 0\n  except* ZeroDivisionError:\n    f()\nf()",
    "match": "def f(n):\n  reached()\n  match (n,):\n    case (int(x),):\n      f(x + 1)\nf(0)",
    "with": "import _thread\ndef f():\n  reached()\n  with _thread.allocate_lock():\n    f()\nf()",
    "__enter__": "class A:\n  def __enter__(self):\n    reached()\n    with A(): pass\n  __exit__ = 0\nwith A(): pass",
    "f(*args, **kw)": "def f(*args, **kw):\n  reached()\n  f(*args, **kw)\nf(0, a=1)",
    "__format__": "class A:\n  def __format__(self, how):\n    reached()\n    return f'{self}'\nf'{A()}'",
    "for": "def f():\n  reached()\n  for x in f(): yield x\nnext(f())",
    "async for": "async def f():\n  reached()\n  async for x in f(): yield x\nf().asend(None).send(None)",
}
CALL = "what the VM calls in the last frame is a frame more"
C = "calls from C count there, of which what is below the program, or the VM, makes some more"
EARLIER = [
    ((3, 15), (3, 15), CALL, ["generator expression"]),
    ((3, 13), (3, 15), CALL, ["yield from an expression"]),
    ((3, 11), (3, 11), C, ["yield from an expression", "except*", "f(*args, **kw)"]),
    ((3, 12), (3, 12), C, ["__enter__", "__format__", "async for"]),
]
"""Where the VM raises earlier than CPython: the first and the last version, why, in which of these."""
BEGIN = """
import json, sys, traceback, warnings

def reached():
    global depth
    depth += 1

warnings.simplefilter("ignore")  # of coroutines that were never awaited
shown = {}
"""
KIND = """
def go():
{source}
depth = 0
try:
    go()
except RecursionError as error:
    entries = traceback.extract_tb(error.__traceback__)
    last = [(entry.name, entry.lineno, entry.colno, entry.end_colno) for entry in entries[-3:]]
    shown[{name!r}] = depth, len(entries), last, str(error)
"""
EXECUTED = """
import sys

def dive():
    global depth
    depth += 1
    dive()

def deepest():
    global depth
    depth = 0
    try:
        dive()
    except RecursionError:
        return depth

print(eval("sys.getrecursionlimit()"), eval("eval('sys.getrecursionlimit()')"), deepest())
for text in "sys.setrecursionlimit(500)", "eval('sys.setrecursionlimit(400)')", "1 / 0", "(", "dive()":
    try:
        exec(text)
    except (ArithmeticError, SyntaxError, RecursionError):
        pass
    print(sys.getrecursionlimit(), eval("sys.getrecursionlimit()"), deepest())
"""
LIMITS = """
import sys

def setting(depth, limit):
    try:
        setting(depth - 1, limit) if depth else sys.setrecursionlimit(limit)
    except (RecursionError, ValueError, TypeError) as error:
        print(type(error), error, error.__context__, sys.getrecursionlimit())

for limit in 1, 2, 0, -1, "1", 100:
    for depth in 0, 10:
        setting(depth, limit)
sys.setrecursionlimit(1)
"""
DEEP = """
import sys

def dive():
    exec(code)

code = compile("dive()", "<text>", "exec")
sys.setrecursionlimit(20_000)
try:
    dive()
except (RecursionError, MemoryError):
    print("too deep")
"""
END = "print(json.dumps(shown))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recursion")


def shown(kinds: dict[str, str], folder: Path) -> list[Any]:
    """What CPython shows of each kind of recursion, and the VM."""
    parts = [KIND.format(name=name, source=indent(source, "  ")) for name, source in kinds.items()]
    program = folder / "program.py"
    program.write_text("\n".join((BEGIN, *parts, END)))
    command = ["-m", "vmtrace.cli", "record", "-q", "--force", "-o", folder / "trace.arrow", program]
    runs = witness.plain([program]), witness.plain(command, environment={"PYTHONPATH": str(SOURCES)})
    assert all(not run.stderr for run in runs), runs
    results = [json.loads(run.stdout) for run in runs]
    assert all(result.keys() == kinds.keys() for result in results)
    return results


def run_alike(source: str, engine: str, folder: Path) -> witness.Run:
    """How a program ends natively, which has to be as it does on an engine."""
    program = folder / "program.py"
    program.write_text(source)
    command = ["-m", "vmtrace.cli", "record", "-q", "--engine", engine, "-o", folder / "trace.arrow", program]
    expected, recorded = witness.plain([program]), witness.plain(command, environment={"PYTHONPATH": str(SOURCES)})
    assert (recorded.stdout, recorded.stderr, recorded.status) == (expected.stdout, expected.stderr, expected.status)
    return expected


@functools.cache
def shown_of_constructs(folder: Path) -> list[Any]:
    return shown(FROM_CONSTRUCTS, folder)


def constructs() -> Iterator[Any]:
    for name in FROM_CONSTRUCTS:
        reasons = [
            reason for first, last, reason, names in EARLIER if first <= sys.version_info[:2] <= last and name in names
        ]
        yield pytest.param(name, marks=[pytest.mark.xfail(strict=True, reason=reason) for reason in reasons])


@pytest.mark.parametrize("name", list(constructs()))
def test_of_constructs(name: str, folder: Path) -> None:
    expected, recorded = shown_of_constructs(folder)
    assert recorded[name] == expected[name]


@pytest.mark.parametrize("name", FROM_CONSTRUCTS)
def test_of_constructs_nearly(name: str, folder: Path) -> None:
    """No frame of ours stays below the program's, but for what counts apart."""
    expected, recorded = shown_of_constructs(folder)
    assert expected[name][0] - 3 <= recorded[name][0] <= expected[name][0]


def test_of_calls_in_python(tmp_path: Path) -> None:
    expected, recorded = shown(FROM_PYTHON, tmp_path)
    assert recorded == expected


def test_of_calls_from_c(tmp_path: Path) -> None:
    expected, recorded = shown(FROM_C, tmp_path)
    if sys.version_info[:2] == (3, 12):
        # It has a limit for calls from C besides, which nothing can raise: what is below the program takes some of it.
        for name, (depth, _, last, _) in expected.items():
            assert recorded[name][2] == last, name
            assert depth - 3 <= recorded[name][0] <= depth, name
    else:
        assert recorded == expected


@pytest.mark.xfail(
    sys.version_info[:2] == (3, 12), strict=True, reason="calls from C count apart there: the limit is fixed"
)
def test_of_text(tmp_path: Path) -> None:
    """The frame of ours that is called in the last frame needs one more."""
    expected, recorded = shown(FROM_TEXT, tmp_path)
    if sys.version_info[:2] == (3, 11):  # a builtin that is called for the first few times from somewhere counts, too
        del expected["exec of itself"]
    for name, (depth, *_) in expected.items():
        assert depth - 1 <= recorded[name][0] <= depth + 3 * (sys.version_info < (3, 12)), name


@pytest.mark.parametrize("engine", ["vm", "native"])
def test_the_limit_stays_the_programs_while_text_runs(engine: str, tmp_path: Path) -> None:
    expected = run_alike(EXECUTED, engine, tmp_path)
    assert b"400 400 39" in expected.stdout and expected.status == 0


@pytest.mark.parametrize("engine", ["vm", "native"])
def test_a_limit_that_is_too_low(engine: str, tmp_path: Path) -> None:
    expected = run_alike(LIMITS, engine, tmp_path)
    assert b"depth" in expected.stdout and expected.status == 1


@pytest.mark.parametrize("engine", ["vm", "native"])
def test_text_that_runs_itself_under_a_high_limit(engine: str, tmp_path: Path) -> None:
    """The frames of ours in between do not use up C's stack where CPython's suffice."""
    assert run_alike(DEEP, engine, tmp_path).status == 0


def test_room_is_taken_back_wherever_it_was_made() -> None:
    before = sys.getrecursionlimit()
    room = Room(7)
    seen = set()

    def dive(depth: int) -> None:
        with room:
            seen.add(sys.getrecursionlimit() - before)
        dive(depth + 1)

    with pytest.raises(RecursionError, match="maximum recursion depth exceeded"):
        dive(0)
    assert seen == {7}
    assert sys.getrecursionlimit() == before
    with room, room:
        assert sys.getrecursionlimit() == before + 14
    assert sys.getrecursionlimit() == before
