"""What can go wrong with a program's code, in words that name the place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType


class VMError(Exception):
    """Base of the errors that are the VM's, not the program's."""


class CodeError(VMError):
    """Bytecode that no compiler would emit, or that this VM cannot run; names file, function and offset."""

    def __init__(self, code: CodeType, offset: int | None, problem: str) -> None:
        at = f" at offset {offset}" if offset is not None else ""
        super().__init__(f"{code.co_filename}: {code.co_qualname}{at}: {problem}")


@contextmanager
def refusing(code: CodeType) -> Iterator[None]:
    """What fails within fails because the code is none that a compiler emits: CodeError instead."""
    try:
        yield
    except (VMError, RecursionError, MemoryError):
        raise
    except Exception as error:
        raise CodeError(code, None, f"not bytecode that a compiler emits ({type(error).__name__}: {error})") from error


class MissingOpcodeError(CodeError):
    """An opcode without a handler; names opcode, offset, function and Python version."""

    def __init__(self, code: CodeType, offset: int, opname: str) -> None:
        python = ".".join(map(str, sys.version_info[:2]))
        super().__init__(code, offset, f"no handler byte_{opname} for opcode {opname} of Python {python}")


class ProgramError(VMError):
    """The program to record cannot be loaded: one line that says what is wrong and what to do."""
