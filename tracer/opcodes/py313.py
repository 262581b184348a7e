"""What Python 3.13 changed of 3.12's opcodes.

A callable lies below its NULL or self; calls with keywords, functions' attributes and the truth of a value have opcodes
of their own; two local variables are loaded or stored at once.
"""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import py312, semantics
from vmtrace.tracer.opcodes.opset import Call, Jump, OpcodeSet, Value
from vmtrace.tracer.opcodes.py311.operators import COMPARISONS
from vmtrace.tracer.opcodes.semantics import ENDS, NULL

keep_builtins(globals())

ops = OpcodeSet((3, 13), py312.ops)

# --- no more --------------------------------------------------------------------------------------------------------

ops.removed("KW_NAMES")  # CALL_KW
ops.removed("LOAD_CLOSURE")  # LOAD_FAST
ops.removed("FORMAT_VALUE")  # CONVERT_VALUE, FORMAT_SIMPLE, FORMAT_WITH_SPEC

# --- never in a program's code --------------------------------------------------------------------------------------


@ops.added
def byte_ENTER_EXECUTOR(vm) -> None:
    """Where the optimizer has put machine code of its own."""


@ops.added
def byte_EXIT_INIT_CHECK(vm, value) -> None:
    """Of a frame of the interpreter's own: `__init__` has to return None."""


# --- local variables ------------------------------------------------------------------------------------------------


@ops.changed
def byte_LOAD_FAST(vm, *, frame, name) -> Value:
    """A local variable, or a cell for an inner function's closure."""
    return frame.load_fast(name)


@ops.added(pushes=2)
def byte_LOAD_FAST_LOAD_FAST(vm, *, frame, name):
    first, second = name
    return frame.load_fast(first), frame.load_fast(second)


@ops.added
def byte_STORE_FAST_LOAD_FAST(vm, value, *, frame, name) -> Value:
    stored, loaded = name
    frame.store_fast(stored, value)
    return frame.load_fast(loaded)


@ops.added
def byte_STORE_FAST_STORE_FAST(vm, second, first, *, frame, name) -> None:
    frame.store_fast(name[0], first)
    frame.store_fast(name[1], second)


# --- what is called lies below its NULL -----------------------------------------------------------------------------


@ops.changed(pushes=lambda arg: 1 + (arg & 1))
def byte_LOAD_GLOBAL(vm, *, frame, name, arg):
    value = semantics.load_global(frame, name)
    return (value, NULL) if arg & 1 else (value,)


@ops.changed(pushes=lambda arg: 1 + (arg & 1))
def byte_LOAD_ATTR(vm, owner, *, name, arg):
    return (getattr(owner, name), NULL) if arg & 1 else (getattr(owner, name),)


@ops.changed(pushes=lambda arg: 1 + (arg & 1))
def byte_LOAD_SUPER_ATTR(vm, super, kind, self, *, name, arg):
    return semantics.load_super_attr(super, (kind, self) if arg & 2 else (), name, arg & 1)[::-1]


@ops.changed
def byte_CALL(vm, function, self, *rest) -> Value:
    """`self` is NULL, or the first argument."""
    return semantics.call(function, self, rest, ())


@ops.added(star=lambda arg: arg + 1)
def byte_CALL_KW(vm, function, self, *rest, kwnames) -> Value:
    """The names of the keyword arguments are on top."""
    return semantics.call(function, self, rest[:-1], kwnames)


@ops.changed(star=lambda arg: arg & 1)
def byte_CALL_FUNCTION_EX(vm, function, null, args, *kwargs) -> Value:
    return Call(function, args, kwargs[0] if kwargs else {})


@ops.changed(pushes=4)
def byte_DICT_MERGE(vm, function, null, args, kwargs, items):
    semantics.dict_merge(kwargs, items, function)
    return function, NULL, args, kwargs


# --- functions ------------------------------------------------------------------------------------------------------


@ops.changed
def byte_MAKE_FUNCTION(vm, code, *, frame) -> Value:
    return vm.make_function(frame.globals, 0, code)


@ops.added
def byte_SET_FUNCTION_ATTRIBUTE(vm, value, function, *, arg) -> Value:
    """Gives a new function its defaults (1), keyword defaults (2), annotations (4) or closure (8)."""
    return semantics.set_function_attribute(value, function, arg)


# --- truth ----------------------------------------------------------------------------------------------------------


@ops.added
def byte_TO_BOOL(vm, value) -> Value:
    """What follows it wants a true bool: POP_JUMP_IF_TRUE, POP_JUMP_IF_FALSE, UNARY_NOT."""
    return not not value  # noqa: SIM208


@ops.changed
def byte_COMPARE_OP(vm, left, right, *, arg) -> Value:
    """The oparg's bit of 16 asks for a true bool."""
    return (bool(COMPARISONS[arg >> 5](left, right))) if arg & 16 else COMPARISONS[arg >> 5](left, right)


# --- f-strings ------------------------------------------------------------------------------------------------------


@ops.added
def byte_CONVERT_VALUE(vm, value, *, arg) -> Value:
    """`!s` (1), `!r` (2), `!a` (3)"""
    return str(value) if arg == 1 else repr(value) if arg == 2 else ascii(value)


@ops.added
def byte_FORMAT_SIMPLE(vm, value) -> Value:
    return format(value)


@ops.added
def byte_FORMAT_WITH_SPEC(vm, value, spec) -> Value:
    return format(value, spec)


# --- iteration ------------------------------------------------------------------------------------------------------


@ops.changed(pushes=2, flow="branch", skips=("END_FOR", "POP_TOP"))
def byte_FOR_ITER(vm, iterator):
    """Pushes the next item, or drops the iterator and leaves the loop, past what would drop it."""
    item = next(iterator, ENDS.exhausted)
    if item is ENDS.exhausted:
        return Jump()
    return iterator, item


@ops.changed
def byte_END_FOR(vm, item) -> None:
    """Drops what CPython's fast loop over a generator leaves; the iterator is next."""


hide_functions(globals())
