"""Opcodes of exceptions and of `with`."""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import raising
from vmtrace.tracer.opcodes.opset import OpcodeSet, Value

keep_builtins(globals())

ops = OpcodeSet((3, 11))


@ops.added(pushes=2)
def byte_PUSH_EXC_INFO(vm, exception, *, frame):
    """The exception becomes the handled one; the one handled so far is kept below it."""
    return frame.handle(exception), exception


@ops.added
def byte_POP_EXCEPT(vm, previous, *, frame) -> None:
    """What was handled before is the handled exception again."""
    frame.unhandle(previous)


@ops.added(flow="end")
def byte_RERAISE(vm, exception, *, frame) -> None:
    """Raises again, with the traceback it has; the oparg names where the stack keeps the offset to report."""
    frame.reraise(exception)


@ops.added(flow="end")
def byte_RAISE_VARARGS(vm, *what) -> None:
    """`raise`, `raise exception`, `raise exception from cause`"""
    raising.do_raise(*what)


@ops.added
def byte_LOAD_ASSERTION_ERROR(vm) -> Value:
    return AssertionError


@ops.added(pushes=2)
def byte_CHECK_EXC_MATCH(vm, exception, kind):
    return exception, raising.exception_matches(exception, kind)


@ops.added(pushes=2)
def byte_CHECK_EG_MATCH(vm, exception, kind):
    """`except*`: splits the group into the rest and what matches."""
    return raising.group_matches(exception, kind)


@ops.added
def byte_PREP_RERAISE_STAR(vm, original, raised) -> Value:
    """After the last `except*`: the group to raise again, or None."""
    return raising.prepare_reraise_star(original, raised)


@ops.added(pushes=2)
def byte_BEFORE_WITH(vm, manager):
    """Pushes the bound `__exit__` and what `__enter__` returned."""
    return raising.enter_with(manager)


@ops.added(pushes=2)
def byte_BEFORE_ASYNC_WITH(vm, manager):
    return raising.enter_async_with(manager)


@ops.added(pushes=5)
def byte_WITH_EXCEPT_START(vm, exit, lasti, previous, exception):
    """Calls `__exit__` with the exception that is being handled."""
    return exit, lasti, previous, exception, exit(type(exception), exception, exception.__traceback__)


hide_functions(globals())
