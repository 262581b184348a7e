"""What the opcodes of generators, coroutines and `async for` do."""

from __future__ import annotations

import inspect
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes.intrinsics import instruction
from vmtrace.tracer.opcodes.native import reraise
from vmtrace.tracer.opcodes.semantics import NULL, special, type_name

keep_builtins(globals())


def send(receiver: Any, value: Any) -> tuple[bool, Any]:
    """Sends a value into what `yield from` or `await` delegates to: whether it has ended, and its result."""
    try:
        if value is None and hasattr(type(receiver), "__next__"):
            return False, next(receiver)
        return False, receiver.send(value)
    except StopIteration as stop:
        return True, stop.value


def get_yield_from_iter(iterable: Any, flags: int) -> Any:
    """What `yield from` delegates to; `flags` are those of the code it stands in."""
    if type(iterable) is CoroutineType:
        if not flags & (inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE):
            raise TypeError("cannot 'yield from' a coroutine object in a non-coroutine generator")
        return iterable
    return iterable if type(iterable) is GeneratorType else iter(iterable)


_ITERATED_IN_PLACE = (bytes, list, str, tuple)


def get_delegate(iterable: Any, flags: int) -> tuple[Any, Any]:
    """The same on 3.15, and what `gi_yieldfrom` shows: CPython goes through some types without an iterator."""
    iterator = get_yield_from_iter(iterable, flags)
    return iterator, iterable if type(iterable) in _ITERATED_IN_PLACE else iterator


def is_coroutine(value: Any) -> bool:
    """A coroutine, or a generator that `types.coroutine` declared to be one."""
    if type(value) is GeneratorType:
        return bool(value.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE)
    return type(value) is CoroutineType


def get_awaitable(awaitable: Any, where: int) -> Any:
    """The iterator of what `await` awaits (0), or `async with` from `__aenter__` (1) or `__aexit__` (2)."""
    if type(awaitable) is CoroutineType and awaitable.cr_await is None:
        return awaitable  # without a further call: this may be as deep as the recursion limit lets it
    return instruction("GET_AWAITABLE", where, 1)(awaitable)


def await_iterator(awaitable: Any) -> Any:
    """Like `get_awaitable`, but for a coroutine that is being awaited already."""
    return awaitable if is_coroutine(awaitable) else get_awaitable(awaitable, 0)


def get_aiter(iterable: Any) -> Any:
    method = special(iterable, "__aiter__")
    if method is NULL:
        kind = type_name(iterable)
        raise TypeError(f"'async for' requires an object with __aiter__ method, got {kind:.100}")
    iterator = method()
    if special(iterator, "__anext__") is NULL:
        does_not = "'async for' received an object from __aiter__ that does not implement __anext__"
        raise TypeError(f"{does_not}: {type_name(iterator):.100}")
    return iterator


def get_anext(iterator: Any) -> Any:
    """The iterator to await for the next item of `async for`."""
    if type(iterator) is AsyncGeneratorType:
        return iterator.__anext__()
    method = special(iterator, "__anext__")
    if method is NULL:
        kind = type_name(iterator)
        raise TypeError(f"'async for' requires an iterator with __anext__ method, got {kind:.100}")
    item = method()
    try:
        return await_iterator(item)
    except BaseException as error:
        cause = error
    kind = type_name(item)
    invalid = TypeError(f"'async for' received an invalid object from __anext__: {kind:.100}")
    invalid.__cause__ = invalid.__context__ = cause
    return reraise(invalid)


def end_async_for(exception: BaseException) -> None:
    if not isinstance(exception, StopAsyncIteration):
        reraise(exception)


def result_of(exception: BaseException) -> Any:
    """What a delegate returned, out of the StopIteration that came of throwing into it; all else goes on."""
    if isinstance(exception, StopIteration):
        return exception.value
    return reraise(exception)


hide_functions(globals())
