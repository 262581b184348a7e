"""Which opcodes this Python's compiler emits, and whether the VM and the tests have them.

`python -m tests.opcode_coverage` compiles the standard library and its `test` package, and prints a row for each opcode
that comes out: how often, whether the VM has it, and the piece of program (see `pieces`) that executes it, on which
`test_semantics` holds the VM against CPython. With `--fuse`, every code object is also decoded, which follows the stack
along every path, made into host code of both forms, and held against what the native engine refuses (`kinds`); what
cannot be is named. The status is 0 if nothing is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import dis
import io
import sys
import sysconfig
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType
from typing import Any

from vmtrace.tracer.code import decode
from vmtrace.tracer.errors import VMError
from vmtrace.tracer.rewritten.kinds import check
from vmtrace.tracer.vm import VirtualMachine, opcodes

from tests.engines import pieces


class Counting(VirtualMachine):
    """Steps, and counts what it executes."""

    def __init__(self) -> None:
        super().__init__(check=True)
        self.executed: Counter[str] = Counter()
        counted = {name: replace(op, handler=self._counting(name, op.handler)) for name, op in self.operations.items()}
        self.operations = counted

    def _counting(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        executed = self.executed

        def count(*operands: Any, **facts: Any) -> Any:
            executed[name] += 1
            return handler(*operands, **facts)

        return count


def executed() -> dict[str, str]:
    """By opcode, the first piece that executes it."""
    found: dict[str, str] = {}
    machine = Counting()
    for name, source in pieces():
        with warnings.catch_warnings(action="ignore"):
            code = compile(source, "<piece>", "exec")
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), contextlib.suppress(BaseException):
            machine.run_code(code, {"__name__": "piece"})
        for opname in machine.executed:
            found.setdefault(opname, name)
    return found


def library() -> Iterator[tuple[Path, CodeType]]:
    """The modules of the standard library and its `test` package, compiled; a few files are no Python, or not there."""
    folder = Path(sysconfig.get_path("stdlib"))
    for path in sorted(folder.rglob("*.py")):
        if {"site-packages", "dist-packages"}.isdisjoint(path.parts):
            with warnings.catch_warnings(action="ignore"), contextlib.suppress(OSError, SyntaxError, ValueError):
                yield path, compile(path.read_bytes(), str(path), "exec", dont_inherit=True)


def nested(code: CodeType) -> Iterator[CodeType]:
    """A code object and all those in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


def problems(code: CodeType) -> Iterator[str]:
    """What keeps the VM from running a code object, in either form, and the native engine from taking it."""
    for machine in (VirtualMachine(), VirtualMachine(check=True)):
        try:
            machine.function(code)
        except VMError as error:
            yield str(error)
        except Exception as error:
            yield f"{code.co_filename}: {code.co_qualname}: {type(error).__name__}: {error}"
    try:
        check(decode(code, opcodes()))
    except VMError as error:
        yield str(error)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.opcode_coverage", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--fuse", action="store_true", help="make host code of every code object")
    wanted = parser.parse_args(arguments)
    emitted, codes, failed, begin = Counter[str](), 0, 0, time.monotonic()
    for _, module in library():
        for code in nested(module):
            codes += 1
            emitted.update(dis.opname[number] for number in code.co_code[::2])
            for problem in problems(code) if wanted.fuse else ():
                failed += 1
                print(problem)
    del emitted["CACHE"]  # room, not an instruction
    by, handlers = executed(), opcodes()
    if "END_FOR" in emitted:
        by["END_FOR"] = "none: an exhausted FOR_ITER passes over it"
    print(f"{'opcode':36}{'emitted':>11}  handler  executed by")
    for name, count in emitted.most_common():
        print(f"{name:36}{count:11,}  {'yes' if name in handlers else 'MISSING':7}  {by.get(name, 'NOTHING')}")
    missing = [name for name in emitted if name not in handlers or name not in by]
    took = time.monotonic() - begin
    print(f"{len(emitted)} opcodes in {codes:,} code objects, {len(missing)} missing; {took:.0f} s")
    if wanted.fuse:
        print(f"{failed} code objects could not be made ready")
    return 1 if missing or failed else 0


if __name__ == "__main__":
    sys.exit(main())
