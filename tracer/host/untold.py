"""Running our own functions without anybody in the program being told of it.

What the program traces, profiles or monitors with is told of all that runs, and from 3.12 to 3.14 even of an exception
in a hidden frame, as one of the next frame that shows: where there is none, the interpreter fails with a SystemError.
But while such a function itself runs, nobody is told of anything. So what is below the program on the stack is run from
one of that kind, and runs the program by `sys.call_tracing`, which ends that state for as long as it runs. (On 3.11 it
leaves tracing switched off behind it, until something is set again.)
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any, ParamSpec, TypeAlias, TypeVar

from vmtrace.tracer.host.audits import UNHEARD
from vmtrace.tracer.host.hide import EXCEPTIONS_BY_CODE, free_tool, hide_functions, keep_builtins
from vmtrace.tracer.host.room import Room

keep_builtins(globals())

Given = ParamSpec("Given")
Result = TypeVar("Result")

Watcher: TypeAlias = tuple[Callable[[Any], None], Any, Any]
"""What sets it, it, and what is set to have none."""
ROOM_TO_WORK = Room(500)
HAS_MONITORING = sys.version_info >= (3, 12)


def told(function: Callable[..., Result], *given: Any) -> Result:
    """Calls a function of the program's from within an untold one: of this one, everybody is told."""
    if HAS_MONITORING or not (watchers := _watchers()):
        return sys.call_tracing(function, given)
    steps: list[partial[Any]] = [partial(put, watcher) for put, watcher, _ in watchers]
    steps.append(partial(function, *given))
    call: Callable[..., Any] = operator.call
    result: Result = sys.call_tracing(list, (map(call, steps),))[-1]
    return result


def _watchers() -> list[Watcher]:
    """The functions that trace and profile, if they are Python; others cannot be put back."""
    watching = (sys.settrace, sys.gettrace()), (sys.setprofile, sys.getprofile())
    return [(put, watcher, None) for put, watcher in watching if isinstance(watcher, FunctionType | MethodType)]


def _monitors() -> list[Watcher]:
    """The events that tools monitor."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    numbers = [number for number in range(6) if monitoring.get_tool(number) is not None]
    events = [(number, monitoring.get_events(number)) for number in numbers]
    return [(partial(monitoring.set_events, number), wanted, 0) for number, wanted in events if wanted]


def untold_if_watched(function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Calls a function, between two instructions of the program: if there is anybody who would be told, that is taken
    away meanwhile."""
    watchers = _watchers()
    if HAS_MONITORING:
        watchers += _monitors()
    if not watchers:
        return function(*given, **named)
    for put, _, nothing in watchers:
        put(nothing)
    try:
        return function(*given, **named)
    finally:
        for put, watcher, _ in watchers:
            put(watcher)


def work(function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """The same for work of ours, with room for it: an interrupt that comes meanwhile has come to the program, where it
    stands, and so has it reached the recursion limit there, if that is too near (from C, on 3.12 and 3.13)."""
    try:
        with ROOM_TO_WORK, UNHEARD:
            return untold_if_watched(function, *given, **named)
    except KeyboardInterrupt as error:
        error.__traceback__ = None
        raise
    except (
        RecursionError
    ) as error:  # not as one of two: where C's stack is at its end, 3.14 fails to compare, and says so
        error.__traceback__ = None
        raise


def untold(function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Calls a function and what it calls, with nobody being told: neither those who watch now, nor who begin to."""
    tool = free_tool() if HAS_MONITORING else None
    if tool is None:  # on 3.11 nobody is told of exceptions in hidden frames
        return function(*given, **named)
    return _as_callback(tool, function, *given, **named)


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
    return returned[0]


hide_functions(globals())
