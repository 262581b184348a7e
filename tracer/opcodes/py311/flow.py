"""Opcodes of jumps and loops."""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes.opset import Jump, OpcodeSet, Value
from vmtrace.tracer.opcodes.semantics import ENDS

keep_builtins(globals())

ops = OpcodeSet((3, 11))

# --- jumps ----------------------------------------------------------------------------------------------------------


@ops.added(pushes=0, flow="jump")
def byte_JUMP_FORWARD(vm):
    return Jump()


@ops.added(pushes=0, flow="jump")
def byte_JUMP_BACKWARD(vm):
    return Jump()


@ops.added(pushes=0, flow="jump")
def byte_JUMP_BACKWARD_NO_INTERRUPT(vm):
    """A jump inside `await` and `yield from`, where a signal must not break in."""
    return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_FORWARD_IF_TRUE(vm, value):
    if value:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_FORWARD_IF_FALSE(vm, value):
    if not value:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_FORWARD_IF_NONE(vm, value):
    if value is None:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_FORWARD_IF_NOT_NONE(vm, value):
    if value is not None:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_BACKWARD_IF_TRUE(vm, value):
    if value:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_BACKWARD_IF_FALSE(vm, value):
    if not value:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_BACKWARD_IF_NONE(vm, value):
    if value is None:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_BACKWARD_IF_NOT_NONE(vm, value):
    if value is not None:
        return Jump()


@ops.added(pushes=0, on_jump=1, flow="branch")
def byte_JUMP_IF_TRUE_OR_POP(vm, value):
    if value:
        return Jump(value)


@ops.added(pushes=0, on_jump=1, flow="branch")
def byte_JUMP_IF_FALSE_OR_POP(vm, value):
    if not value:
        return Jump(value)


# --- iteration ------------------------------------------------------------------------------------------------------


@ops.added
def byte_GET_ITER(vm, iterable) -> Value:
    return iter(iterable)


@ops.added(pushes=2, flow="branch")
def byte_FOR_ITER(vm, iterator):
    """Pushes the next item, or drops the iterator and leaves the loop."""
    item = next(iterator, ENDS.exhausted)
    if item is ENDS.exhausted:
        return Jump()
    return iterator, item


hide_functions(globals())
