"""Hiding our own frames from the program.

CPython treats a frame that has not passed its code's first RESUME as incomplete, and leaves it out of
`f_back`, tracebacks, `inspect.stack` and the stack levels of warnings. A function without RESUME never gets
that far, so none of its frames is ever seen. (Seen on 3.11 to 3.15, where RESUME has an inline cache entry.)

What is called from a hidden frame still finds it when it looks at its caller: `locals()`, `eval()`, `super()`
on 3.11, `sys._getframe()` on all versions. So engines make the program's calls from the frame that stands for
the program's own.
"""

from __future__ import annotations

import builtins
import dis
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from types import CodeType, FunctionType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

BUILTINS = dict(vars(builtins))


def keep_builtins(namespace: MutableMapping[str, Any]) -> None:
    """Lets the functions that a module goes on to define have the builtins as they are now.

    The program may replace and delete those that it shares with everyone.
    """
    namespace["__builtins__"] = BUILTINS


keep_builtins(globals())

RESUME = dis.opmap["RESUME"]


def _units_of_resume() -> int:
    """RESUME and its inline cache, seen on this function."""
    offsets = [i.offset // 2 for i in dis.get_instructions(_units_of_resume)]
    return offsets[1] - offsets[0]


NOPS = bytes((dis.opmap["NOP"], 0)) * _units_of_resume()
EXCEPTIONS_BY_CODE = sys.version_info >= (3, 15)
"""Whether the interpreter looks into a table of the code object's for who is to be told that an exception is raised or
handled there. It is made when the code passes RESUME; where it is missing while the program traces, profiles or
monitors, the process crashes."""
UNREACHED = bytes((RESUME,)) + bytes(len(NOPS) - 1) if EXCEPTIONS_BY_CODE else b""
"""What is put behind all instructions of hidden code: the table is made for no code that has no RESUME."""


def hide(function: Function) -> Function:
    """A copy of a Python function whose frames the program does not see; anything else as it is.

    So is a function with `super()` in it, which from 3.12 on looks for its class in a frame that shows.
    """
    if not isinstance(function, FunctionType) or "__class__" in function.__code__.co_freevars:
        return function
    hidden = FunctionType(
        hide_code(function.__code__),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    hidden.__kwdefaults__ = function.__kwdefaults__
    hidden.__dict__.update(function.__dict__)
    hidden.__module__, hidden.__qualname__ = function.__module__, function.__qualname__
    return hidden  # type: ignore[return-value]


def hide_functions(namespace: Mapping[str, Any]) -> None:
    """Hides what a module (its `globals()`) defines, in place: functions, methods, and functions in lists."""
    hidden: list[CodeType] = []
    _hide_members(namespace.values(), namespace["__name__"], hidden)
    tell_nobody(hidden)


def _hide_members(members: Iterable[Any], module: str, hidden: list[CodeType]) -> None:
    for value in members:
        value = value.fget if isinstance(value, property) else value
        value = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if isinstance(value, list):
            _hide_members(value, module, hidden)
        elif getattr(value, "__module__", None) != module:
            continue
        elif isinstance(value, FunctionType):
            value.__code__ = _hidden(value.__code__, hidden)
        elif isinstance(value, type):
            _hide_members(vars(value).values(), module, hidden)


def hide_code(code: CodeType) -> CodeType:
    """The code, and the code nested in it, without RESUME."""
    hidden: list[CodeType] = []
    made = _hidden(code, hidden)
    tell_nobody(hidden)
    return made


def _hidden(code: CodeType, hidden: list[CodeType]) -> CodeType:
    """Appends what it makes to `hidden`."""
    made = code.replace(
        co_code=_without_resume(code) + UNREACHED,
        co_consts=tuple(_hidden(c, hidden) if isinstance(c, CodeType) else c for c in code.co_consts),
    )
    hidden.append(made)
    return made


def tell_nobody(codes: Iterable[CodeType]) -> None:
    """Makes the tables of EXCEPTIONS_BY_CODE, with nobody in them, by asking to be told of nothing.

    That takes a number of a tool, for the moment; a program may have all six, which leaves the code as it is.
    """
    if sys.version_info < (3, 12) or not EXCEPTIONS_BY_CODE:
        return
    monitoring = sys.monitoring
    tool = free_tool()
    if tool is not None:
        monitoring.use_tool_id(tool, "vmtrace")
        for code in codes:
            monitoring.set_local_events(tool, code, monitoring.events.NO_EVENTS)
        monitoring.free_tool_id(tool)


def free_tool() -> int | None:
    """The number of a tool for `sys.monitoring` that nobody has; from 3.12 on."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    for number in range(6):
        if monitoring.get_tool(number) is None:
            return number
    return None


def _without_resume(code: CodeType) -> bytes:
    """Inline cache entries are zero in co_code, so a unit that begins with RESUME's number is a RESUME."""
    units = bytearray(code.co_code)
    for at in range(0, len(units), 2):
        if units[at] == RESUME:
            units[at : at + len(NOPS)] = NOPS
    return bytes(units)


free_tool = hide(free_tool)
