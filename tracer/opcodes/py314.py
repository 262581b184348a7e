"""What Python 3.14 changed of 3.13's opcodes.

`with` looks its methods up one by one, template strings have opcodes, annotations are functions, subscripting is one of
the binary operators, and an exhausted iterator stays for POP_ITER to drop.
"""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import intrinsics, py313, raising
from vmtrace.tracer.opcodes.opset import Call, Jump, OpcodeSet, Value
from vmtrace.tracer.opcodes.py311.operators import BINARY_OPERATORS
from vmtrace.tracer.opcodes.semantics import COMMON_CONSTANTS, ENDS, NULL

keep_builtins(globals())

ops = OpcodeSet((3, 14), py313.ops)

# --- no more --------------------------------------------------------------------------------------------------------

ops.removed("BEFORE_WITH", "BEFORE_ASYNC_WITH")  # LOAD_SPECIAL
ops.removed("BINARY_SUBSCR")  # BINARY_OP
ops.removed("BUILD_CONST_KEY_MAP")  # BUILD_MAP
ops.removed("LOAD_ASSERTION_ERROR")  # LOAD_COMMON_CONSTANT
ops.removed("RETURN_CONST")  # LOAD_CONST, RETURN_VALUE

# --- nothing to do --------------------------------------------------------------------------------------------------


@ops.added
def byte_NOT_TAKEN(vm) -> None:
    """Behind a conditional jump, for `sys.monitoring` to report that it was not taken."""


# --- exceptions -----------------------------------------------------------------------------------------------------


@ops.changed(pushes=2)
def byte_CHECK_EG_MATCH(vm, exception, kind):
    """Where `except*` makes a group of one exception, that has a traceback."""
    return raising.group_matches_here(exception, kind)


# --- constants and variables ----------------------------------------------------------------------------------------


@ops.added
def byte_LOAD_SMALL_INT(vm, *, arg) -> Value:
    return arg


@ops.added
def byte_LOAD_COMMON_CONSTANT(vm, *, arg) -> Value:
    """AssertionError, NotImplementedError, tuple, all, any: whatever the program has put under its name."""
    return COMMON_CONSTANTS[arg]


@ops.added
def byte_LOAD_FAST_BORROW(vm, *, frame, name) -> Value:
    """A local variable that surely outlives its use on the stack, so that CPython need not count a reference."""
    return frame.load_fast(name)


@ops.added(pushes=2)
def byte_LOAD_FAST_BORROW_LOAD_FAST_BORROW(vm, *, frame, name):
    first, second = name
    return frame.load_fast(first), frame.load_fast(second)


# --- operators ------------------------------------------------------------------------------------------------------


@ops.changed
def byte_BINARY_OP(vm, left, right, *, arg) -> Value:
    """26 is subscripting."""
    return left[right] if arg == 26 else BINARY_OPERATORS[arg](left, right)


# --- template strings -----------------------------------------------------------------------------------------------


@ops.added(star=lambda arg: arg & 1)
def byte_BUILD_INTERPOLATION(vm, value, expression, *spec, arg) -> Value:
    """A replacement field of a template string: value, its source, perhaps a format; the oparg holds the conversion."""
    return intrinsics.instruction("BUILD_INTERPOLATION", arg, 2 + (arg & 1))(value, expression, *spec)


@ops.added
def byte_BUILD_TEMPLATE(vm, strings, interpolations) -> Value:
    return intrinsics.instruction("BUILD_TEMPLATE", 0, 2)(strings, interpolations)


# --- iteration ------------------------------------------------------------------------------------------------------


@ops.changed(pushes=2, on_jump=1, flow="branch", skips=("END_FOR",))
def byte_FOR_ITER(vm, iterator):
    """Pushes the next item, or leaves the loop, past the END_FOR."""
    item = next(iterator, ENDS.exhausted)
    if item is ENDS.exhausted:
        return Jump(iterator)
    return iterator, item


@ops.added
def byte_POP_ITER(vm, iterator) -> None:
    """Drops the iterator of a loop that has ended."""


# --- calls, with ----------------------------------------------------------------------------------------------------


@ops.changed
def byte_CALL_FUNCTION_EX(vm, function, null, args, kwargs) -> Value:
    """NULL where there are no keyword arguments."""
    return Call(function, args, {} if kwargs is NULL else kwargs)


@ops.added(pushes=2)
def byte_LOAD_SPECIAL(vm, owner, *, arg):
    """`__enter__` (0), `__exit__` (1), `__aenter__` (2), `__aexit__` (3), from the type; and NULL for self."""
    return raising.load_special(owner, arg), NULL


@ops.changed(pushes=6)
def byte_WITH_EXCEPT_START(vm, exit, null, lasti, previous, exception):
    """Calls `__exit__` with the exception that is being handled."""
    return exit, NULL, lasti, previous, exception, exit(type(exception), exception, exception.__traceback__)


hide_functions(globals())
