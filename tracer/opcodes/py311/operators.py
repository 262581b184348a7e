"""Opcodes of operators, attributes and items."""

from __future__ import annotations

import operator

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes.opset import OpcodeSet, Value
from vmtrace.tracer.opcodes.semantics import NULL

keep_builtins(globals())

ops = OpcodeSet((3, 11))

# --- operators ------------------------------------------------------------------------------------------------------

BINARY_OPERATORS = [
    lambda left, right: left + right,
    lambda left, right: left & right,
    lambda left, right: left // right,
    lambda left, right: left << right,
    lambda left, right: left @ right,
    lambda left, right: left * right,
    lambda left, right: left % right,
    lambda left, right: left | right,
    lambda left, right: left**right,
    lambda left, right: left >> right,
    lambda left, right: left - right,
    lambda left, right: left / right,
    lambda left, right: left ^ right,
    operator.iadd,
    operator.iand,
    operator.ifloordiv,
    operator.ilshift,
    operator.imatmul,
    operator.imul,
    operator.imod,
    operator.ior,
    operator.ipow,
    operator.irshift,
    operator.isub,
    operator.itruediv,
    operator.ixor,
]
"""By the oparg of BINARY_OP: the operators, then their in-place forms (`NB_ADD` … in CPython's opcode.h)."""

COMPARISONS = [
    lambda left, right: left < right,
    lambda left, right: left <= right,
    lambda left, right: left == right,
    lambda left, right: left != right,
    lambda left, right: left > right,
    lambda left, right: left >= right,
]


@ops.added
def byte_BINARY_OP(vm, left, right, *, arg) -> Value:
    return BINARY_OPERATORS[arg](left, right)


@ops.added
def byte_UNARY_POSITIVE(vm, value) -> Value:
    return +value


@ops.added
def byte_UNARY_NEGATIVE(vm, value) -> Value:
    return -value


@ops.added
def byte_UNARY_NOT(vm, value) -> Value:
    return not value


@ops.added
def byte_UNARY_INVERT(vm, value) -> Value:
    return ~value


@ops.added
def byte_COMPARE_OP(vm, left, right, *, arg) -> Value:
    return COMPARISONS[arg](left, right)


@ops.added
def byte_IS_OP(vm, left, right, *, arg) -> Value:
    return left is not right if arg else left is right


@ops.added
def byte_CONTAINS_OP(vm, item, container, *, arg) -> Value:
    return item not in container if arg else item in container


# --- attributes and items -------------------------------------------------------------------------------------------


@ops.added
def byte_LOAD_ATTR(vm, owner, *, name) -> Value:
    return getattr(owner, name)


@ops.added(pushes=2)
def byte_LOAD_METHOD(vm, owner, *, name):
    """CPython may push an unbound method and self instead of NULL and the bound one; a program can't tell."""
    return NULL, getattr(owner, name)


@ops.added
def byte_STORE_ATTR(vm, value, owner, *, name) -> None:
    setattr(owner, name, value)


@ops.added
def byte_DELETE_ATTR(vm, owner, *, name) -> None:
    delattr(owner, name)


@ops.added
def byte_BINARY_SUBSCR(vm, container, key) -> Value:
    return container[key]


@ops.added
def byte_STORE_SUBSCR(vm, value, container, key) -> None:
    container[key] = value


@ops.added
def byte_DELETE_SUBSCR(vm, container, key) -> None:
    del container[key]


hide_functions(globals())
