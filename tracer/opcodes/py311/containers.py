"""Opcodes that build containers and strings, add to them and take them apart."""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import semantics
from vmtrace.tracer.opcodes.opset import OpcodeSet, Value

keep_builtins(globals())

ops = OpcodeSet((3, 11))


@ops.added
def byte_BUILD_TUPLE(vm, *items) -> Value:
    return (*items,)


@ops.added
def byte_BUILD_LIST(vm, *items) -> Value:
    return [*items]


@ops.added
def byte_BUILD_SET(vm, *items) -> Value:
    return semantics.build_set(items)


@ops.added(star=lambda arg: 2 * arg)
def byte_BUILD_MAP(vm, *items) -> Value:
    """Keys and values in turn."""
    return semantics.build_map(items)


@ops.added(star=lambda arg: arg + 1)
def byte_BUILD_CONST_KEY_MAP(vm, *items) -> Value:
    """Values, then the tuple of their keys."""
    *values, keys = items
    return dict(zip(keys, values, strict=True))


@ops.added
def byte_BUILD_STRING(vm, *parts) -> Value:
    return "".join(parts)


@ops.added
def byte_BUILD_SLICE(vm, *bounds) -> Value:
    return slice(*bounds)


@ops.added(star=lambda arg: (arg & 4) >> 2)
def byte_FORMAT_VALUE(vm, value, *spec, arg) -> Value:
    """One replacement field of an f-string: conversion (none, str, repr, ascii), then format."""
    return semantics.format_value(value, arg & 3, *spec)


@ops.added
def byte_LIST_TO_TUPLE(vm, items) -> Value:
    return tuple(items)


@ops.added
def byte_LIST_APPEND(vm, item, *, beneath) -> None:
    list.append(beneath, item)


@ops.added
def byte_SET_ADD(vm, item, *, beneath) -> None:
    set.add(beneath, item)


@ops.added
def byte_MAP_ADD(vm, key, value, *, beneath) -> None:
    dict.__setitem__(beneath, key, value)


@ops.added
def byte_LIST_EXTEND(vm, items, *, beneath) -> None:
    """`[*items]`"""
    semantics.list_extend(beneath, items)


@ops.added
def byte_SET_UPDATE(vm, items, *, beneath) -> None:
    set.update(beneath, items)


@ops.added
def byte_DICT_UPDATE(vm, items, *, beneath) -> None:
    """`{**items}`"""
    semantics.dict_update(beneath, items)


@ops.added(pushes=3)
def byte_DICT_MERGE(vm, function, args, kwargs, items):
    """`function(**items)`: a key that is there already is an error, which names the function."""
    semantics.dict_merge(kwargs, items, function)
    return function, args, kwargs


@ops.added(pushes=lambda arg: arg)
def byte_UNPACK_SEQUENCE(vm, sequence, *, arg):
    """The first item ends on top."""
    return semantics.unpack(sequence, arg)


@ops.added(pushes=lambda arg: (arg & 0xFF) + 1 + (arg >> 8))
def byte_UNPACK_EX(vm, sequence, *, arg):
    """`a, *b, c = sequence`: the oparg's low byte counts what comes before the star, the high bits what comes after."""
    return semantics.unpack_starred(sequence, arg & 0xFF, arg >> 8)


hide_functions(globals())
