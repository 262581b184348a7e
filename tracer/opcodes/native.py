"""Single instructions of the running interpreter, as functions, where Python has no words for them.

The handled exception is state of the interpreter that only PUSH_EXC_INFO and POP_EXCEPT change, and only
RERAISE raises without touching an exception's context. A function made of one of them does exactly what it
does in the program's own frame, since a plain function shares the exception state of its caller.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, NoReturn

from vmtrace.tracer.host.hide import hide, hide_code, hide_functions, keep_builtins

keep_builtins(globals())


def _argument(value: Any) -> Any:
    return value


def _instructions(*names: str) -> Callable[..., Any]:
    """A hidden function of one argument: pushes it, then runs these instructions (oparg 0)."""
    function = hide(_argument)
    load, *_ = (i for i in dis.get_instructions(_argument) if i.opname.startswith("LOAD_FAST"))
    units = [(load.opcode, 0), *((dis.opmap[name], 0) for name in names)]
    function.__code__ = function.__code__.replace(
        co_code=bytes(b for unit in units for b in unit), co_stacksize=4, co_consts=(None,)
    )
    return function


_push_exc_info = _instructions("PUSH_EXC_INFO", "POP_TOP", "RETURN_VALUE")
_pop_except = _instructions("POP_EXCEPT", "LOAD_CONST", "RETURN_VALUE")
_reraise = _instructions("RERAISE")


def handle(exception: BaseException) -> BaseException | None:
    """Makes an exception the handled one; returns what to give to `unhandle`: the one handled before."""
    _check(exception)
    previous: BaseException | None = _push_exc_info(exception)
    return previous


def unhandle(previous: BaseException | None) -> None:
    """Makes what was handled before the handled exception again."""
    if previous is not None:
        _check(previous)
    _pop_except(previous)


def reraise(exception: BaseException) -> NoReturn:
    """Raises an exception with the context and traceback that it has."""
    _check(exception)
    _reraise(exception)
    raise AssertionError("RERAISE came back")


def _check(exception: object) -> None:
    """What the instructions themselves take for granted; code that no compiler emitted may not keep to it."""
    if not isinstance(exception, BaseException):
        raise TypeError("exceptions must derive from BaseException")


async def _asynchronous(value: Any) -> Any:
    yield value


_plain_flags = _asynchronous.__code__.co_flags & ~inspect.CO_ASYNC_GENERATOR | inspect.CO_GENERATOR
_wrapping = FunctionType(hide_code(_asynchronous.__code__.replace(co_flags=_plain_flags)), globals())


def wrap_yielded(value: Any) -> Any:
    """The mark that an async generator puts on what it yields (a type without a name in Python).

    The generator's code does it; run as a plain generator, it lets us have what it made.
    """
    generator: Any = _wrapping(value)
    return next(generator)


hide_functions(globals())
