"""Running our own functions without anybody in the program being told of it.

What the program traces, profiles or monitors with is told of all that runs, and from 3.12 to 3.14 even of an exception
in a hidden frame, as one of the next frame that shows: where there is none, the interpreter fails with a SystemError.
But while such a function itself runs, nobody is told of anything. So ours are run from one of that kind, and run the
program's by `sys.call_tracing`, which ends that state for as long as they run. (On 3.11 it leaves tracing switched off
behind it, until something is set again.)
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any, ParamSpec, TypeVar

from vmtrace.tracer.host.hide import EXCEPTIONS_BY_CODE, free_tool, hide_functions, keep_builtins

keep_builtins(globals())

Given = ParamSpec("Given")
Result = TypeVar("Result")

HAS_MONITORING = sys.version_info >= (3, 12)


def told(function: Callable[..., Result], *given: Any) -> Result:
    """Calls a function of the program's from within an untold one: of this one, everybody is told."""
    if HAS_MONITORING or not (setting := _put_back()):
        return sys.call_tracing(function, given)
    steps: list[partial[Any]] = [*setting, partial(function, *given)]
    call: Callable[..., Any] = operator.call
    result: Result = sys.call_tracing(list, (map(call, steps),))[-1]
    return result


def _put_back() -> list[partial[None]]:
    """What sets again what traces or profiles, if that is Python; what is not could not be set."""
    watching = (sys.settrace, sys.gettrace()), (sys.setprofile, sys.getprofile())
    return [partial(put, watch) for put, watch in watching if isinstance(watch, FunctionType | MethodType)]


def untold_if_watched(function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Calls a function: untold, if there is anybody who would be told."""
    if sys.gettrace() is None and sys.getprofile() is None and not (HAS_MONITORING and _monitors()):
        return function(*given, **named)
    return untold(function, *given, **named)


def untold(function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Calls a function and what it calls, with nobody being told."""
    if not HAS_MONITORING:
        return _paused(function, *given, **named)
    tool = free_tool()
    if tool is None:  # the program has them all
        return function(*given, **named)
    return _as_callback(tool, function, *given, **named)


def _monitors() -> bool:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    for number in range(6):  # noqa: SIM110  # a generator that is left early tells of its end
        if monitoring.get_tool(number) is not None and monitoring.get_events(number):
            return True
    return False


def _paused(function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """What traces or profiles is taken away meanwhile, if it can be put back."""
    put_back = _put_back()
    for setting in put_back:
        setting.func(None)
    try:
        return function(*given, **named)
    finally:
        for setting in put_back:
            setting()


def _begin() -> None:
    try:
        raise LookupError
    except LookupError:
        pass


def _as_callback(tool: int, function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Calls a function from what is told of an exception, which is raised for that purpose; `tool` is a number that is
    free, and is free again while the function runs."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    raising, beginning = monitoring.events.RAISE, _begin.__code__.replace()
    returned: list[Result] = []
    raised: list[BaseException] = []

    def listen(events: int) -> None:
        if EXCEPTIONS_BY_CODE:
            monitoring.set_local_events(tool, beginning, events)
        else:
            monitoring.set_events(tool, events)

    def called(code: CodeType, *event: Any) -> None:
        if code is beginning:  # no other thread's
            stop()
            try:
                returned.append(function(*given, **named))
            except BaseException as error:
                raised.append(error)

    def stop() -> None:
        listen(monitoring.events.NO_EVENTS)
        monitoring.register_callback(tool, raising, None)
        monitoring.free_tool_id(tool)

    monitoring.use_tool_id(tool, "vmtrace")
    monitoring.register_callback(tool, raising, called)
    listen(raising)
    FunctionType(beginning, _begin.__globals__)()
    if raised:
        raise raised.pop()
    if not returned:  # nobody is told of anything already
        stop()
        returned.append(function(*given, **named))
    return returned[0]


hide_functions(globals())
