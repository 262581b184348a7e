"""The witness itself: its reports against paths written down by hand from dis, and the process it makes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import witness as w

VERSION = sys.version_info[:2]
Report = Callable[..., list[str]]


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """A function that runs a source text and gives, for each frame of a function, the opcodes reported."""

    def reported(source: str, qualname: str = "<module>") -> list[str]:
        program = tmp_path / "program.py"
        program.write_text(source)
        run = w.witness([program])
        assert not run.stderr, run.stderr.decode()
        return [frame.opcodes for frame in run.frames if frame.code.qualname == qualname]

    return reported


def path(*parts: str) -> str:
    return " ".join(" ".join(parts).split())


def here(**paths: str) -> str:
    """The path for this Python: of `v311="A B"`, …, the highest that is not above it."""
    fitting = [name for name in sorted(paths) if (int(name[1]), int(name[2:])) <= VERSION]
    return paths[fitting[-1]]


FAST = here(v311="LOAD_FAST", v314="LOAD_FAST_BORROW")
CALL = here(v311="PRECALL CALL", v312="CALL")
NONE = here(v311="LOAD_CONST", v315="LOAD_COMMON_CONSTANT")
END = here(v311="LOAD_CONST RETURN_VALUE", v312="RETURN_CONST", v314=f"{NONE} RETURN_VALUE")


# --- Reports, by hand ---------------------------------------------------------------------------------------


def test_a_straight_line(report: Report) -> None:
    assert report("x = 300\n") == [path("LOAD_CONST STORE_NAME", END)]


def test_an_exhausted_loop_goes_past_end_for(report: Report) -> None:
    turn = path("FOR_ITER STORE_FAST", FAST, "POP_TOP JUMP_BACKWARD")
    start = here(v311="LOAD_FAST", v314="LOAD_FAST_BORROW", v315="LOAD_FAST")
    leave = here(v311="FOR_ITER", v314="FOR_ITER POP_ITER")
    source = "def f(items):\n    for item in items:\n        item\nf([1, 2])\n"
    assert report(source, "f") == [path(start, "GET_ITER", turn, turn, leave, END)]


def wide(prefixes: int, name: str) -> str:
    """How an instruction with so many EXTENDED_ARGs is reported."""
    return path("EXTENDED_ARG " * prefixes, name) if VERSION > (3, 11) or not prefixes else "EXTENDED_ARG"


def test_extended_arg_hides_what_follows_on_311(report: Report) -> None:
    lines = "\n".join(f"a = 'c{n}'" for n in range(65_537))
    stores = [wide((n > 255) + (n > 65_535), "LOAD_CONST") + " STORE_NAME" for n in range(65_537)]
    end = here(
        v311="EXTENDED_ARG RETURN_VALUE",
        v312=wide(2, "RETURN_CONST"),
        v314=wide(2, "LOAD_CONST RETURN_VALUE"),
        v315=END,  # None is no longer one of the constants
    )
    assert report(lines) == [path(*stores, end)]


def test_entry_of_a_closure_with_a_handler(report: Report) -> None:
    source = """\
def f(a):
    def inner():
        return a
    try:
        return inner() + None
    except TypeError:
        return 1
f(1)
"""
    closure = here(
        v311="LOAD_CLOSURE BUILD_TUPLE LOAD_CONST MAKE_FUNCTION STORE_FAST",
        v313=path(FAST, "BUILD_TUPLE LOAD_CONST MAKE_FUNCTION SET_FUNCTION_ATTRIBUTE STORE_FAST"),
    )
    call = here(v311=path("PUSH_NULL LOAD_FAST", CALL), v313=path(FAST, "PUSH_NULL CALL"))
    caught = here(
        v311="POP_JUMP_FORWARD_IF_FALSE POP_TOP POP_EXCEPT LOAD_CONST RETURN_VALUE",
        v312="POP_JUMP_IF_FALSE POP_TOP POP_EXCEPT RETURN_CONST",
        v314="POP_JUMP_IF_FALSE NOT_TAKEN POP_TOP POP_EXCEPT LOAD_SMALL_INT RETURN_VALUE",
    )
    raising = path(closure, "NOP", call, NONE, "BINARY_OP PUSH_EXC_INFO LOAD_GLOBAL CHECK_EXC_MATCH")
    assert report(source, "f") == [path(raising, caught)]
    assert report(source, "f.<locals>.inner") == ["LOAD_DEREF RETURN_VALUE"]


def test_generators_sent_to_closed_and_thrown_into(report: Report) -> None:
    source = """\
def g(n):
    got = yield n
    yield got
a = g(1)
next(a)
a.send(2)
a.close()
never_run = g(1)
unstarted = g(1)
suspended = g(1)
next(suspended)
for generator in unstarted, suspended:
    try:
        generator.throw(KeyError)
    except KeyError:
        pass
"""
    # 3.12 wraps a generator's body, from RESUME on, in a handler; close() on 3.13 does not enter it.
    handler = here(v311="", v312="CALL_INTRINSIC_1 RERAISE")
    closed = here(v311="", v312=handler, v313="")
    assert report(source, "g") == [
        path(FAST, "YIELD_VALUE STORE_FAST", FAST, "YIELD_VALUE", closed),
        path(FAST, "YIELD_VALUE", handler),
    ]


def test_throwing_through_yield_from(report: Report) -> None:
    source = """\
def inner():
    try:
        yield 1
    except KeyError:
        return 2
def outer():
    x = yield from inner()
    print(x)
for _ in 1, 2:
    o = outer()
    next(o)
    try:
        o.throw(KeyError)
    except StopIteration:
        pass
"""
    delegate = here(v311="GET_YIELD_FROM_ITER", v315="GET_ITER")
    go_on = here(
        v311="",
        v312="CLEANUP_THROW JUMP_BACKWARD END_SEND",
        v313="CLEANUP_THROW JUMP_BACKWARD_NO_INTERRUPT END_SEND",
    )
    begin = path("LOAD_GLOBAL", CALL, delegate, NONE, "SEND YIELD_VALUE", go_on)
    assert report(source, "outer") == [path(begin, "STORE_FAST LOAD_GLOBAL", FAST, CALL, "POP_TOP", END)] * 2


def test_generator_expression(report: Report) -> None:
    first = here(v311="LOAD_FAST", v315="")  # 3.15 loads the iterable before RETURN_GENERATOR
    store = here(v311="STORE_FAST LOAD_FAST", v313="STORE_FAST_LOAD_FAST")
    leave = here(v311="FOR_ITER", v314="FOR_ITER POP_ITER")
    source = "def f(rows):\n    return (row for row in rows)\nlist(f([1]))\n"
    assert report(source, "f.<locals>.<genexpr>") == [
        path(first, "FOR_ITER", store, "YIELD_VALUE POP_TOP JUMP_BACKWARD", leave, END)
    ]


def test_awaiting(report: Report) -> None:
    source = """\
async def f():
    await g()
async def g():
    return 1
try:
    f().send(None)
except StopIteration:
    pass
"""
    wait = here(
        v311="GET_AWAITABLE LOAD_CONST SEND",
        v312="GET_AWAITABLE LOAD_CONST SEND END_SEND",
        v315="GET_AWAITABLE PUSH_NULL LOAD_COMMON_CONSTANT SEND END_SEND",
    )
    assert report(source, "f") == [path("LOAD_GLOBAL", CALL, wait, "POP_TOP", END)]


def test_destructors_run_where_the_last_reference_goes(report: Report) -> None:
    """They do not if the trace function has the locals copied."""
    source = """\
class A:
    def __del__(self):
        1
def f():
    a = A()
    del a
    b = A()
    b = None
f()
"""
    assert len(report(source, "A.__del__")) == 2


def test_atexit_is_the_last_that_is_noted(report: Report) -> None:
    source = """\
import atexit
def at_exit():
    1
def generator():
    try:
        yield
    finally:
        1
suspended = generator()
next(suspended)
atexit.register(at_exit)
"""
    assert len(report(source, "at_exit")) == 1
    assert report(source, "generator") == [path("NOP", NONE, "YIELD_VALUE")]


@pytest.mark.parametrize("limit", [70, 140])
def test_recursion_goes_as_deep_as_unwatched(report: Report, limit: int) -> None:
    source = f"""\
import sys
def f(n):
    f(n + 1)
def h(n):
    try:
        h(n + 1)
    finally:
        1
sys.setrecursionlimit({limit})
assert sys.getrecursionlimit() == {limit}
for function in f, h:
    try:
        function(0)
    except RecursionError as error:
        assert str(error) == "maximum recursion depth exceeded", error
"""
    assert len(report(source, "f")) == len(report(source, "h")) == limit - 1  # and the module


# --- The process --------------------------------------------------------------------------------------------


def test_the_process_is_like_any_other(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("""\
import helper, inspect, os, sys, threading
print(sys.argv, sys.path, __name__, __file__, __builtins__, sorted(os.environ), sys.getrecursionlimit())
print(len(inspect.stack()), sys.gettrace(), sys.stdin.read(), threading.active_count(), sorted(globals()))
def locals_are_a_snapshot():
    before = locals()
    after = 1
    return before
print(locals_are_a_snapshot())
helper.fail()
""")
    (tmp_path / "helper.py").write_text("def fail():\n    raise ValueError('oh') from KeyError(1)\n")
    options: Any = {"stdin": b"input", "environment": {"PYTHONPATH": str(tmp_path / "more")}}
    plain, watched = w.plain([program, "a", "-b"], **options), w.witness([program, "a", "-b"], **options)
    assert watched.stdout == plain.stdout and b"'a', '-b'" in plain.stdout
    assert watched.stderr == plain.stderr and b"ValueError: oh" in plain.stderr
    assert watched.status == plain.status == 1
    assert {Path(frame.code.filename).name for frame in watched.frames} == {"program.py", "helper.py"}


def test_forms_of_the_command_line(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import sys\nprint(sys.argv[1:])\nsys.exit(7)\n")
    run = w.witness(["-m", "package", "x"], scope=package, cwd=tmp_path)
    assert (run.stdout.split(), run.status) == ([b"['x']"], 7)
    assert [Path(frame.code.filename).name for frame in run.frames] == ["__init__.py", "__main__.py"]


def test_only_the_programs_folder_counts(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    installed = inside / "env" / "site-packages"
    for folder in outside, installed:
        folder.mkdir(parents=True)
    (outside / "far.py").write_text("exec('def call(f): return f()')\n")
    (installed / "dependency.py").write_text("x = 1\n")
    (inside / "near.py").write_text("y = 2\n")
    (inside / "program.py").write_text(f"""\
import sys
sys.path += [{str(outside)!r}, {str(installed)!r}]
import far, dependency, near
exec("def in_text(): pass\\nin_text()")
print(far.call(lambda: 4))
""")
    run = w.witness([inside / "program.py"], cwd=inside)
    assert run.stdout == b"4\n"
    assert [(Path(frame.code.filename).name, frame.code.qualname) for frame in run.frames] == [
        ("program.py", "<module>"),
        ("near.py", "<module>"),
        ("<string>", "<module>"),
        ("<string>", "in_text"),
        ("program.py", "<lambda>"),
    ]


def test_threads_and_a_hard_exit(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("""\
import os, threading
def work(n):
    for i in range(n):
        i
for n in 1, 2:
    thread = threading.Thread(target=work, args=[n])
    thread.start()
    thread.join()
os._exit(3)
""")
    run = w.witness([program])
    assert run.status == 3
    assert [frame.thread for frame in run.frames] == [1, 2, 3]
    counts = [len(frame.offsets) for frame in run.frames[1:]]
    assert counts[1] - counts[0] == 5


def test_a_killed_process_has_said_all_that_it_did(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    run = w.witness([program])
    assert run.status == -signal.SIGKILL
    assert [frame.opcodes.rpartition(" ")[2] for frame in run.frames] == ["CALL"]


def test_an_account_grows_with_the_program(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("def f(n):\n    for i in range(n): i\nfor _ in range(3):\n    f(70_000)\n")
    lengths = [len(frame.offsets) for frame in w.witness([program]).frames]
    assert lengths[1] == lengths[2] == lengths[3] > 4 * 70_000


def test_a_forked_child_is_not_of_the_account(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("""\
import os
def child():
    os._exit(5)
def parent(child):
    return os.waitpid(child, 0)[1]
started = os.fork()
parent(started) if started else child()
""")
    run = w.witness([program])
    assert run.status == 0
    assert [frame.code.qualname for frame in run.frames] == ["<module>", "parent"]


def test_a_process_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        w.plain(["-c", "import time; time.sleep(600)"], timeout=0.2)
