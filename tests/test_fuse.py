"""What the fused engine must be able to write, beyond what the programs happen to use."""

from __future__ import annotations

import dis
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest
from vmtrace.tracer.vm import VirtualMachine

from tests.engines import fused, natively, outcome

SOURCES = sorted(Path(json.__file__).parent.parent.glob("[a-d]*.py"))


def nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 20, 300])
def test_a_function_may_have_any_number_of_arguments_and_no_other_variable(count: int) -> None:
    names = ", ".join(f"a{n}" for n in range(count))
    source = f"def f({names}): return ({names}{',' if count == 1 else ''})\nresult = f(*range({count}))\n"
    namespace: dict[str, object] = {"__name__": "t"}
    VirtualMachine().run_code(compile(source, "<t>", "exec"), namespace)
    assert namespace["result"] == tuple(range(count))


@pytest.mark.parametrize("many", ["v{0} = 1", "v{0} = {0}.5", "v1 = {0}.5; v2 = v299 = 0"])
def test_a_function_may_have_hundreds_of_variables_and_constants(many: str) -> None:
    """What is on the stack where its branches meet is in variables behind them."""
    lines = "\n    ".join(map(many.format, range(300)))
    ending = "sum([len([1] if c else []), *(x for x in ([2] if c else [3]))]) + (v1 if c else v2) + v299"
    source = f"def f(c):\n    {lines}\n    return {ending}\nresult = f(0), f(1)\n"
    assert outcome(source, fused) == outcome(source, natively)


LEFT = """
import sys
result = []
class Held:
    def __del__(self):
        frame = sys._getframe(1)
        result.append((frame.f_code.co_name, frame.f_lineno))
def left(yes):
    try:
        yes += 1
    except TypeError:
        pass
    for one in [Held(), Held()]:
        one = None
        (Held() if yes else 0), len([Held() if yes else 0, (
            int("no number")
            if yes else 0)])
try:
    left(True)
except ValueError as error:
    error = None
"""


def test_what_a_frame_holds_when_an_exception_leaves_it_goes_where_that_arose() -> None:
    assert outcome(LEFT, fused) == outcome(LEFT, natively)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_standard_library_can_be_fused(path: Path) -> None:
    machine = VirtualMachine()
    for code in nested(compile(path.read_bytes(), str(path), "exec")):
        assert machine.function(code).host.co_name == code.co_name


TRACED = """
import sys
def named(n):
    command = [0, 1, 2][n]
    if command == 1:
        return "one"
    elif command == 2:
        return "two"
    return "other"
def matches(command):
    match command.split():
        case ["go", direction] if direction in "nesw":
            return f"go {direction}"
        case ["go", _]:
            return "no go"
        case x:
            return x
def traced(function, *arguments):
    seen = []

    def trace(frame, event, argument):
        if frame.f_code.co_name == function.__name__ and frame.f_code.co_filename == function.__code__.co_filename:
            seen.append((event, frame.f_lineno - function.__code__.co_firstlineno))
            return trace

    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(None)
    return seen
for f, *arguments in ((named, 0), (named, 1), (named, 2), (matches, "go n"), (matches, "go x")):
    print(f.__name__, *arguments, traced(f, *arguments))
"""


def test_a_trace_function_is_told_of_the_programs_lines_only() -> None:
    assert outcome(TRACED, fused) == outcome(TRACED, natively)


def test_a_stack_of_thousands_of_entries_is_stepped() -> None:
    source = "f'" + "{x} " * 2_000 + "'"
    assert VirtualMachine().run_code(compile(source, "<t>", "eval"), {"x": "X"}) == "X " * 2_000


BODY = """
    a = [sorted(locals())[-2:] for x in (1, 2)]
    b = [vars()["y"] for y in "ab"]
    c = [dir()[-1] for z in (1,)]
    d = [[eval("p * q") for p in (1, 2)] for q in (3, 4)]
    e = [(sys._getframe().f_locals["w"], eval("w"), lambda: w)[:2] for w in (1, 2)]
    f = [exec("a = v") for v in (1, 2)]
    try: [1 / u for u in (0,)]
    except ZeroDivisionError: g = "u" in locals()
    h = "x" in locals(), "w" in sys._getframe().f_locals
"""


@pytest.mark.parametrize("body", [f"class Body:{BODY}", textwrap.dedent(BODY)], ids=["class", "module"])
def test_a_comprehension_sees_its_variable_by_name(body: str) -> None:
    source = f"import sys\n{body}\nnames = vars(Body) if 'Body' in globals() else globals()\n"
    source += "result = [value for name, value in sorted(names.items()) if len(name) == 1]\n"
    assert outcome(source, fused) == outcome(source, natively)


DELEGATES = """
def inner(n):
    received = []
    for i in range(n):
        received.append((yield i))
    return received
def outer(n):
    wide
    return (yield from inner(n)), (yield from iter("ab"))
generator = outer(3)
yielded = [next(generator)]
try:
    for sent in "wxyz":
        yielded.append(generator.send(None if yielded[-1] == "a" else sent))
except StopIteration as stop:
    result = yielded, stop.value
"""


def test_a_function_of_many_variables_and_constants_may_delegate() -> None:
    wide = "; ".join(f"a{n} = {n}.5" for n in range(300))
    source = DELEGATES.replace("wide", wide)
    assert outcome(source, fused) == outcome(source, natively)


def test_a_delegate_may_be_a_constant() -> None:
    code = compile("def delegating(): return (yield from ())", "<t>", "exec").co_consts[0]
    makes = next(i for i in dis.get_instructions(code) if i.opname in ("GET_YIELD_FROM_ITER", "GET_ITER"))
    units = bytearray(code.co_code)
    units[makes.offset] = dis.opmap["PUSH_NULL" if makes.opname == "GET_ITER" else "NOP"]
    units[makes.offset + 1] = 0
    if makes.opname == "GET_ITER":  # its inline cache
        units[makes.offset + 2] = dis.opmap["NOP"]
    constants = tuple(iter("ab") if c == () else c for c in code.co_consts)
    vm = VirtualMachine()
    function = vm.make_function({}, 0, code.replace(co_code=bytes(units), co_consts=constants))
    assert list(function()) == ["a", "b"]


def test_the_code_of_a_functions_functions_is_among_its_constants() -> None:
    """CPython's own tests look for it there, and so do tools."""
    code = compile("def outer():\n def inner(): pass\n return lambda: 1", "<program>", "exec").co_consts[0]
    nested = [const for const in code.co_consts if isinstance(const, CodeType)]
    host = VirtualMachine().function(code).host
    assert [const for const in host.co_consts if isinstance(const, CodeType)] == nested
