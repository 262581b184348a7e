"""Opcodes of functions, calls and classes."""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import semantics
from vmtrace.tracer.opcodes.opset import Call, OpcodeSet, Value

keep_builtins(globals())

ops = OpcodeSet((3, 11))


@ops.added(star=lambda arg: 1 + arg.bit_count())
def byte_MAKE_FUNCTION(vm, *parts, frame, arg) -> Value:
    """Takes defaults (1), keyword defaults (2), annotations (4), closure (8) as the oparg's bits say, then the code."""
    return vm.make_function(frame.globals, arg, *parts)


@ops.added
def byte_KW_NAMES(vm) -> None:
    """Names the keyword arguments of the call that follows; decoding has handed them to the CALL."""


@ops.added
def byte_PRECALL(vm) -> None:
    """Where CPython prepares a call; counts as an instruction."""


@ops.added
def byte_CALL(vm, method, self, *rest, kwnames) -> Value:
    """With NULL below, `self` is the callable; otherwise it is the first argument of `method`."""
    return semantics.call(method, self, rest, kwnames)


@ops.added
def byte_CALL_FUNCTION_EX(vm, null, function, args, *kwargs) -> Value:
    """`function(*args, **kwargs)`"""
    return Call(function, args, kwargs[0] if kwargs else {})


@ops.added
def byte_LOAD_BUILD_CLASS(vm, *, frame) -> Value:
    return semantics.load_build_class(frame)


@ops.added(flow="end")
def byte_RETURN_VALUE(vm, value) -> Value:
    return value


hide_functions(globals())
