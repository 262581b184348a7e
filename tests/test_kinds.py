"""The native engine refuses code that CPython would crash on, and none that a compiler made."""

from __future__ import annotations

import dis
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest
from vmtrace.tracer.code import decode
from vmtrace.tracer.errors import CodeError
from vmtrace.tracer.rewritten.kinds import check
from vmtrace.tracer.rewritten.trust import CHECKS_LOCALS
from vmtrace.tracer.vm import opcodes

from tests.engines import pieces
from tests.opcode_coverage import nested
from tests.witness_programs import programs

OPERATIONS = opcodes()
LIBRARY = (
    "ast.py", "asyncio", "collections", "concurrent", "contextlib.py", "dataclasses.py", "enum.py", "functools.py",
    "inspect.py", "json", "test/test_coroutines.py", "test/test_except_star.py", "test/test_patma.py",
    "test/test_type_params.py", "tarfile.py", "typing.py",
)  # fmt: skip
"""Of the standard library; all of it is gone through by `python -m tests.opcode_coverage --fuse`."""


def function(source: str) -> CodeType:
    """The code of the first function in a source."""
    return next(const for const in compile(source, "<kinds>", "exec").co_consts if isinstance(const, CodeType))


def with_opcode(code: CodeType, old: str, new: str, arg: int | None = None) -> CodeType:
    """The code with its first instruction of a name made another."""
    at = next(i.offset for i in dis.get_instructions(code) if i.opname == old)
    units = bytearray(code.co_code)
    units[at] = dis.opmap[new]
    units[at + 1] = units[at + 1] if arg is None else arg
    return code.replace(co_code=bytes(units))


CASES = [
    ("def f(x):\n for y in x: pass", "GET_ITER", "NOP", None, "FOR_ITER"),
    ("def f(x):\n return [0, *x]", "BUILD_LIST", "BUILD_TUPLE", None, "LIST_EXTEND .*'tuple'"),
    ("def f(x):\n return {**x}", "BUILD_MAP", "BUILD_TUPLE", None, "DICT_UPDATE .*'tuple'"),
    ("def f(x):\n return x, 'a'", "LOAD_CONST", "PUSH_NULL", 0, "BUILD_TUPLE .*'null'"),
    ("def f(x):\n return lambda: x", "MAKE_CELL", "NOP", 0, "('object'|closure is not that)"),
    ("def f(x):\n return lambda: x", "BUILD_TUPLE", "BUILD_LIST", None, "closure is not that of the code"),
    ("def f(x):\n def g(): x\n x = x\n", "MAKE_CELL", "NOP", 0, "('object'|closure is not that)"),
    ("def f(x):\n try: x()\n finally: x", "RERAISE", "RERAISE", 1, "offset is of the kind 'handled'"),
    ("async def f(x):\n await x", "RETURN_GENERATOR", "LOAD_CONST", 0, "flags and RETURN_GENERATOR"),
    ("async def f(x):\n await x", "YIELD_VALUE", "NOP", 0, "no delegate"),
    ("def f(x):\n return lambda: x", "MAKE_CELL", "JUMP_BACKWARD_NO_INTERRUPT", 1, "no signal can break"),
    ("def f(x):\n return x[1:2:x]", "BUILD_SLICE", "BUILD_SLICE", 1, "no compiler emits it"),
]
"""A source, the instruction of its function that is made another one, what it is refused for."""


@pytest.mark.parametrize(("source", "old", "new", "arg", "problem"), CASES)
def test_what_cpython_would_crash_on_is_refused(source: str, old: str, new: str, arg: int | None, problem: str) -> None:
    code = function(source)
    check(decode(code, OPERATIONS))
    with pytest.raises(CodeError, match=rf"^<kinds>: f.*{problem}"):
        check(decode(with_opcode(code, old, new, arg), OPERATIONS))


@pytest.mark.skipif(CHECKS_LOCALS, reason="3.11 itself looks whether a variable is bound")
def test_a_variable_that_is_not_bound_is_refused() -> None:
    code = with_opcode(function("def f(x):\n y = x\n return -y"), "STORE_FAST", "POP_TOP")
    with pytest.raises(CodeError, match="variable y is of the kind 'null'"):
        check(decode(code, OPERATIONS))


@pytest.mark.skipif("LOAD_FAST_BORROW" not in dis.opmap, reason="references are borrowed since 3.14")
def test_a_borrowed_reference_is_not_stored() -> None:
    code = with_opcode(function("def f(x):\n y = x\n return -y"), "LOAD_FAST", "LOAD_FAST_BORROW")
    with pytest.raises(CodeError, match="kind 'object', and borrowed"):
        check(decode(code, OPERATIONS))


@pytest.mark.skipif("LOAD_FAST_BORROW" not in dis.opmap, reason="references are borrowed since 3.14")
def test_a_variable_is_not_bound_anew_while_borrowed() -> None:
    code = with_opcode(function("def f(x):\n return x + (x := 1)"), "LOAD_FAST", "LOAD_FAST_BORROW")
    with pytest.raises(CodeError, match="variable x has been borrowed"):
        check(decode(code, OPERATIONS))


def sources() -> Iterator[tuple[str, str | bytes]]:
    """Pieces, programs and modules, with their names."""
    yield from pieces()
    root = Path(dis.__file__).parent
    places = [root / place for place in LIBRARY if (root / place).exists()]
    library = (path for place in places for path in ([place] if place.is_file() else place.rglob("*.py")))
    for path in [program.path for program in programs()] + sorted(library):
        yield str(path), path.read_bytes()


def test_nothing_that_a_compiler_made_is_refused() -> None:
    seen = 0
    for name, source in sources():
        with warnings.catch_warnings(action="ignore"):
            module = compile(source, name, "exec")
        for code in nested(module):
            check(decode(code, OPERATIONS))
            seen += 1
    assert seen > 2000


def test_a_handler_that_ends_within_an_instruction_covers_that_and_no_more() -> None:
    code = function("def f(x):\n try: x.y\n except: x\n return x.z")
    listing = [i for i in dis.get_instructions(code) if i.opname != "CACHE"]
    attribute = next(n for n, i in enumerate(listing) if i.opname == "LOAD_ATTR")
    start, caught = listing[attribute].offset // 2, next(i for i in listing if i.opname == "PUSH_EXC_INFO")
    table = bytes((0x80 | start, 2, caught.offset // 2, 0))
    (handler,) = decode(code.replace(co_exceptiontable=table), OPERATIONS).handlers
    assert (handler.start, handler.stop) == (attribute, attribute + 1)
