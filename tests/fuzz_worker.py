"""A process that is given mutated code, one piece a line, and says in a line what became of it.

In: JSON, an engine's name and what to do to which code object of `SOURCE`, or a mutated .pyc as hexadecimal digits.
Out: `refused …` (an error of ours), `ran` (to its end, or to an exception of its own, or for too long), or `impossible`
(CPython does not make such a code object). A traceback and the end of the process is a bug of ours.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

from vmtrace.tracer.code import Code
from vmtrace.tracer.errors import VMError
from vmtrace.tracer.program import load
from vmtrace.tracer.recorder.facts import Span
from vmtrace.tracer.rewritten.native_engine import NativeEngine
from vmtrace.tracer.units import fault
from vmtrace.tracer.vm import VirtualMachine
from vmtrace.tracer.witness.witness_hook import walk

RUN_SECONDS = 0.2
MEMORY = 4 << 30
SOURCE = """\
def calls(a, b=2, *rest, c=3, **more):
    return divmod(a, b), sum(rest), c, sorted(more)

def loops(n):
    found = []
    for i in range(n):
        if i % 2:
            continue
        while i:
            i -= 1
        found.append(i)
    else:
        found = found + [len(found)]
    return [x for x in found if x is not None]

def tries(x):
    try:
        with open_nothing() as nothing:
            return x / 0
    except (ZeroDivisionError, KeyError) as error:
        return repr(error)
    finally:
        x = None

def generates(n):
    got = yield n
    try:
        yield from (got, n)
    finally:
        print(got)

def closures(a):
    def inner(b):
        nonlocal a
        a += b
        return lambda: (a, b)
    return inner(1)()

class Thing:
    name = "thing"
    def __init__(self):
        self.items = {"k": [1, 2]}
    def get(self, key):
        match self.items:
            case {"k": [first, *others]}:
                del self.items["k"][0]
                return f"{first!r} {others:>{4}}"[1:-1]
            case _:
                return key

async def awaits():
    async for x in agen():
        pass
    async with open_nothing() as y:
        return [z async for z in agen()]
"""
CALLS = """\
print(calls(7, d=1), loops(5), list(generates(2)), closures(1), Thing().get("k"))
import contextlib
open_nothing = contextlib.nullcontext
print(tries(1))
"""


Fields = dict[str, Any]
TUPLES = ("co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars")
NUMBERS = ("co_stacksize", "co_argcount", "co_kwonlyargcount", "co_posonlyargcount", "co_nlocals", "co_flags")
FIELDS = ("co_code", "co_exceptiontable", *TUPLES, *NUMBERS)


def codes() -> list[CodeType]:
    """What is mutated: a module and everything in it."""
    return list(walk(compile(SOURCE + CALLS, "<fuzzed>", "exec")))


def mutated(code: CodeType, changes: list[list[Any]]) -> CodeType:
    """The code after some changes; an exception of CPython's if there is no such code."""
    fields: Fields = {name: getattr(code, name) for name in FIELDS}
    for kind, *operands in changes:
        MUTATIONS[kind](fields, *operands)
    if sys.version_info >= (3, 12) and fault(fields["co_code"]) is not None:
        raise ValueError("CPython writes beyond such a code object when it makes it")
    return code.replace(**fields)


def poke(fields: Fields, at: int, value: int) -> None:
    units = bytearray(fields["co_code"])
    units[at % len(units)] = value
    fields["co_code"] = bytes(units)


def opcode(fields: Fields, at: int, number: int, arg: int) -> None:
    poke(fields, 2 * at, number)
    poke(fields, 2 * at + 1, arg)


def cut(fields: Fields, at: int) -> None:
    fields["co_code"] = fields["co_code"][: 2 * at % len(fields["co_code"])] or fields["co_code"]


def drop(fields: Fields, at: int) -> None:
    at = 2 * at % len(fields["co_code"])
    fields["co_code"] = fields["co_code"][:at] + fields["co_code"][at + 2 :] or fields["co_code"]


def table(fields: Fields, at: int, value: int) -> None:
    entries = bytearray(fields["co_exceptiontable"] or b"\x80\x02\x02\x00")
    entries[at % len(entries)] = value
    fields["co_exceptiontable"] = bytes(entries)


def shorten(fields: Fields, field: str, count: int) -> None:
    fields[field] = fields[field][:count]


def number(fields: Fields, field: str, value: int) -> None:
    fields[field] = value


def flag(fields: Fields, bit: int) -> None:
    fields["co_flags"] ^= 1 << bit


MUTATIONS = {f.__name__: f for f in (poke, opcode, cut, drop, table, shorten, number, flag)}


class Unrecorded:
    """In place of a recorder."""

    def __init__(self) -> None:
        self._notes: list[int] = []

    def add(self, code: Code, module: str | None = None, spans: Sequence[Span] | None = None) -> tuple[int, int]:
        return 0, 1

    def take_marks(self) -> None:
        """There is nobody who reads them."""

    def notes(self) -> list[int]:
        return self._notes

    def forget(self) -> None:
        self._notes.clear()


UNRECORDED = Unrecorded()
NATIVE = NativeEngine(UNRECORDED)


class TooLong(BaseException):
    """The program loops, as it may."""


def ring(*_: object) -> NoReturn:
    raise TooLong


def run(module: CodeType, engine: str) -> str:
    """Runs a module with everything in it made ready before, so that only the program can take its time."""
    namespace = {"__name__": "fuzzed"}
    if engine == "native":
        UNRECORDED.forget()
        host = NATIVE.code(module)
    else:
        machine = VirtualMachine(check=engine == "check")
        host = machine.function(module).host
        for code in walk(module):
            machine.function(code)
    signal.setitimer(signal.ITIMER_REAL, RUN_SECONDS, 0.05)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(host, namespace)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "ran"


def answer(request: dict[str, Any]) -> str:
    if "pyc" in request:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "fuzzed.pyc")
            path.write_bytes(bytes.fromhex(request["pyc"]))
            module = load(str(path), []).code
    else:
        try:
            module = replaced(codes(), request["code"], request["changes"])
        except (ValueError, OverflowError, TypeError, ZeroDivisionError, SystemError):
            return "impossible"
    return run(module, request["engine"])


def replaced(found: list[CodeType], index: int, changes: list[list[Any]]) -> CodeType:
    """The module, with one of the code objects in it mutated."""
    old = found[index % len(found)]

    def within(code: CodeType) -> CodeType:
        if code is old:
            return mutated(code, changes)
        consts = tuple(within(const) if isinstance(const, CodeType) else const for const in code.co_consts)
        return code.replace(co_consts=consts)

    return within(found[0])


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, ring)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except VMError as error:
            said = f"refused {error}"
        except (TooLong, Exception, SystemExit, GeneratorExit, KeyboardInterrupt) as error:
            said = of_whom(error)
        gc.collect()  # what a mutation has damaged may show only then
        print(said.replace("\n", " "), file=out)


def of_whom(error: BaseException) -> str:
    """An exception is the program's if one of its frames raised it: ours are below those only while a handler runs."""
    names = []
    place = error.__traceback__
    while place is not None:
        names.append(place.tb_frame.f_code.co_filename)
        place = place.tb_next
    if "<fuzzed>" in names or isinstance(error, TooLong):
        return "ran"
    return "broken " + "".join(traceback.format_exception(error))[-1500:]


if __name__ == "__main__":
    main()
