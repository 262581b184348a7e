"""Opcodes of `match`."""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import matching
from vmtrace.tracer.opcodes.opset import OpcodeSet, Value

keep_builtins(globals())

ops = OpcodeSet((3, 11))


@ops.added(pushes=2)
def byte_MATCH_SEQUENCE(vm, subject):
    return subject, matching.is_sequence(subject)


@ops.added(pushes=2)
def byte_MATCH_MAPPING(vm, subject):
    return subject, matching.is_mapping(subject)


@ops.added(pushes=3)
def byte_MATCH_KEYS(vm, subject, keys):
    return subject, keys, matching.match_keys(subject, keys)


@ops.added
def byte_MATCH_CLASS(vm, subject, kind, names, *, arg) -> Value:
    """The attributes that the class pattern asks for (`arg` of them by position), or None."""
    return matching.match_class(subject, kind, arg, names)


@ops.added(pushes=2)
def byte_GET_LEN(vm, subject):
    return subject, len(subject)


hide_functions(globals())
