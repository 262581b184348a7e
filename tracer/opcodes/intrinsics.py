"""What the interpreter does for rare constructs: intrinsics (3.12 on), template strings (3.14).

Most of it has no words in Python, so the running interpreter's own instruction does it, in a function made of that.
"""

from __future__ import annotations

import dis
import inspect
import opcode
from collections.abc import Callable
from functools import cache
from typing import Any

from vmtrace.tracer.host.hide import hide, hide_functions, keep_builtins

keep_builtins(globals())

NAMES = {
    1: tuple(name.removeprefix("INTRINSIC_") for name in getattr(opcode, "_intrinsic_1_descs", ())),
    2: tuple(name.removeprefix("INTRINSIC_") for name in getattr(opcode, "_intrinsic_2_descs", ())),
}
"""By the number of operands: what each oparg stands for."""


@cache
def instruction(name: str, arg: int, operands: int) -> Callable[..., Any]:
    """A hidden function that does what one instruction does with up to three operands."""

    def function(first: Any, second: Any = None, third: Any = None) -> Any:
        return None

    units = [(dis.opmap["LOAD_FAST"], n) for n in range(operands)]
    units += [(dis.opmap[name], arg), (dis.opmap["RETURN_VALUE"], 0)]
    made = hide(function)
    made.__code__ = made.__code__.replace(co_code=bytes(b for unit in units for b in unit), co_stacksize=4)
    return made


def intrinsic(operands: int, number: int) -> Callable[..., Any]:
    """A hidden function that does what CALL_INTRINSIC_1 or _2 does."""
    return instruction(f"CALL_INTRINSIC_{operands}", number, operands)


def stop_iteration_error(error: BaseException, flags: int) -> BaseException:
    """What leaves a generator instead of the StopIteration that was raised in it (PEP 479)."""
    kind = "generator"
    if flags & inspect.CO_ASYNC_GENERATOR:
        kind = "async generator"
    elif flags & inspect.CO_COROUTINE:
        kind = "coroutine"
    if isinstance(error, StopIteration):
        raised = "StopIteration"
    elif flags & inspect.CO_ASYNC_GENERATOR and isinstance(error, StopAsyncIteration):
        raised = "StopAsyncIteration"
    else:
        return error
    instead = RuntimeError(f"{kind} raised {raised}")
    instead.__cause__ = instead.__context__ = error
    return instead


hide_functions(globals())
