"""What Python 3.15 changed of 3.14's opcodes.

An iterator takes two entries of the stack: itself and NULL, or a list or tuple and the index of its next item. Here the
first is always the iterator; the second is NULL or, for `yield from`, what `gi_yieldfrom` shows in its place. Imports
may be lazy, and more constants are common.
"""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import coroutines, py314, semantics
from vmtrace.tracer.opcodes.opset import Jump, OpcodeSet, Value
from vmtrace.tracer.opcodes.semantics import ENDS, NULL

keep_builtins(globals())

ops = OpcodeSet((3, 15), py314.ops)

# --- no more --------------------------------------------------------------------------------------------------------

ops.removed("GET_YIELD_FROM_ITER")  # GET_ITER 3

# --- never in a program's code --------------------------------------------------------------------------------------


@ops.added
def byte_TRACE_RECORD(vm) -> None:
    """Where the optimizer watches what is executed."""


# --- iteration ------------------------------------------------------------------------------------------------------


@ops.changed(pushes=2)
def byte_GET_ITER(vm, iterable, *, frame, arg):
    """With oparg 3, for `yield from`."""
    if arg:
        return coroutines.get_delegate(iterable, frame.flags)
    return iter(iterable), NULL


@ops.changed(pushes=3, on_jump=2, flow="branch", skips=("END_FOR",))
def byte_FOR_ITER(vm, iterator, null):
    """Pushes the next item, or leaves the loop, past the END_FOR."""
    item = next(iterator, ENDS.exhausted)
    if item is ENDS.exhausted:
        return Jump(iterator, NULL)
    return iterator, NULL, item


@ops.changed
def byte_POP_ITER(vm, iterator, null) -> None:
    """Drops the iterator of a loop that has ended."""


# --- generators and coroutines --------------------------------------------------------------------------------------


@ops.changed(pushes=3, on_jump=3, flow="branch")
def byte_SEND(vm, receiver, shown, value):
    """Sends a value on to the delegate; jumps with its result when it has ended. A list takes nothing but None."""
    ended, value = coroutines.send(receiver if value is None or shown is NULL else shown, value)
    if ended:
        return Jump(receiver, shown, value)
    return receiver, shown, value


@ops.changed
def byte_END_SEND(vm, receiver, shown, value) -> Value:
    """Drops the delegate, keeps its result."""
    return value


# --- imports --------------------------------------------------------------------------------------------------------


@ops.changed
def byte_IMPORT_NAME(vm, level, fromlist, *, frame, name, arg) -> Value:
    """The oparg's lowest bits say that the import is lazy (1), that it cannot be (2), or that it depends (0)."""
    return semantics.import_name_lazily(frame, name, fromlist, level, arg & 3)


hide_functions(globals())
