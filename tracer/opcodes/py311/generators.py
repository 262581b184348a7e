"""Opcodes of generators and coroutines."""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import coroutines, native
from vmtrace.tracer.opcodes.opset import Jump, OpcodeSet, Value

keep_builtins(globals())

ops = OpcodeSet((3, 11))


@ops.added
def byte_RETURN_GENERATOR(vm) -> Value:
    """The frame becomes a generator, handed to the caller; what the first `next` sends in (None) is pushed."""
    return None


@ops.added
def byte_YIELD_VALUE(vm, value) -> Value:
    """Suspends the frame; what is sent in is pushed."""
    return value


@ops.added(pushes=2, on_jump=1, flow="branch")
def byte_SEND(vm, receiver, value):
    """Sends a value on to the delegate; jumps with its result when it has ended."""
    ended, value = coroutines.send(receiver, value)
    if ended:
        return Jump(value)
    return receiver, value


@ops.added
def byte_GET_YIELD_FROM_ITER(vm, iterable, *, frame) -> Value:
    return coroutines.get_yield_from_iter(iterable, frame.flags)


@ops.added
def byte_GET_AWAITABLE(vm, awaitable, *, arg) -> Value:
    """The iterator of what `await` is given; the oparg tells an `async with` apart, for the error message."""
    return coroutines.get_awaitable(awaitable, arg)


@ops.added
def byte_GET_AITER(vm, iterable) -> Value:
    return coroutines.get_aiter(iterable)


@ops.added(pushes=2)
def byte_GET_ANEXT(vm, iterator):
    return iterator, coroutines.get_anext(iterator)


@ops.added
def byte_ASYNC_GEN_WRAP(vm, value) -> Value:
    """What an async generator yields is marked, to tell it from what it awaits."""
    return native.wrap_yielded(value)


@ops.added
def byte_END_ASYNC_FOR(vm, iterator, exception) -> None:
    """Ends the loop at StopAsyncIteration; anything else goes on."""
    coroutines.end_async_for(exception)


hide_functions(globals())
