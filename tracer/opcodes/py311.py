"""The opcodes of Python 3.11: the baseline that later versions change.

Each handler is what the opcode does, its signature is the stack effect (see `opset`). Semantics that take more than a
line or two are functions of `semantics`.
"""

from __future__ import annotations

import operator
import sys

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import coroutines, matching, native, raising, semantics
from vmtrace.tracer.opcodes.opset import Call, Jump, OpcodeSet, Value
from vmtrace.tracer.opcodes.semantics import EXHAUSTED, NULL

keep_builtins(globals())

ops = OpcodeSet((3, 11))

# --- nothing to do --------------------------------------------------------------------------------------------------


@ops.added
def byte_NOP(vm) -> None:
    """Does nothing; a line of source that compiles to nothing still has to be reached."""


@ops.added
def byte_RESUME(vm) -> None:
    """Marks where a frame starts (0) or goes on after yield (1), yield from (2), await (3)."""


@ops.added
def byte_EXTENDED_ARG(vm) -> None:
    """Holds the higher bits of the next instruction's oparg; decoding has folded them in."""


@ops.added
def byte_CACHE(vm) -> None:
    """Room for the specialising interpreter; never executed."""


# --- the evaluation stack -------------------------------------------------------------------------------------------


@ops.added
def byte_POP_TOP(vm, value) -> None:
    """Drops a value."""


@ops.added
def byte_PUSH_NULL(vm) -> Value:
    """A NULL under a callable says that it is called without self."""
    return NULL


@ops.added
def byte_COPY(vm, *, beneath) -> Value:
    """Pushes another reference to the entry `arg` from the top."""
    return beneath


@ops.added(pushes=lambda arg: arg)
def byte_SWAP(vm, *entries):
    """Exchanges the top with the entry `arg` from the top."""
    deepest, *between, top = entries
    return top, *between, deepest


# --- names ----------------------------------------------------------------------------------------------------------


@ops.added
def byte_LOAD_CONST(vm, *, const) -> Value:
    return const


@ops.added
def byte_LOAD_FAST(vm, *, frame, name) -> Value:
    return frame.locals[name]


@ops.added
def byte_STORE_FAST(vm, value, *, frame, name) -> None:
    frame.locals[name] = value


@ops.added
def byte_DELETE_FAST(vm, *, frame, name) -> None:
    del frame.locals[name]


@ops.added
def byte_LOAD_NAME(vm, *, frame, name) -> Value:
    """A name of a module or class body: its namespace, then globals, then builtins."""
    return semantics.load_name(frame, name)


@ops.added
def byte_STORE_NAME(vm, value, *, frame, name) -> None:
    frame.namespace[name] = value


@ops.added
def byte_DELETE_NAME(vm, *, frame, name) -> None:
    semantics.delete_name(frame.namespace, name)


@ops.added(pushes=lambda arg: 1 + (arg & 1))
def byte_LOAD_GLOBAL(vm, *, frame, name, arg):
    """A global or builtin; the oparg's lowest bit asks for a NULL below it (the name is about to be called)."""
    value = semantics.load_global(frame, name)
    return (NULL, value) if arg & 1 else (value,)


@ops.added
def byte_STORE_GLOBAL(vm, value, *, frame, name) -> None:
    frame.globals[name] = value


@ops.added
def byte_DELETE_GLOBAL(vm, *, frame, name) -> None:
    semantics.delete_name(frame.globals, name)


@ops.added
def byte_MAKE_CELL(vm, *, frame, name) -> None:
    """A local that an inner function shares moves into a cell."""
    frame.make_cell(name)


@ops.added
def byte_COPY_FREE_VARS(vm) -> None:
    """The function's closure becomes the frame's free variables; the frame is made with them here."""


@ops.added
def byte_LOAD_CLOSURE(vm, *, frame, name) -> Value:
    """The cell itself, for an inner function's closure."""
    return frame.cells[name]


@ops.added
def byte_LOAD_DEREF(vm, *, frame, name) -> Value:
    return frame.load_cell(name)


@ops.added
def byte_STORE_DEREF(vm, value, *, frame, name) -> None:
    frame.cells[name].cell_contents = value


@ops.added
def byte_DELETE_DEREF(vm, *, frame, name) -> None:
    frame.delete_deref(name)


@ops.added
def byte_LOAD_CLASSDEREF(vm, *, frame, name) -> Value:
    """A free variable of a class body, which the class's namespace may hide."""
    return semantics.load_class_deref(frame, name)


@ops.added
def byte_SETUP_ANNOTATIONS(vm, *, frame) -> None:
    semantics.setup_annotations(frame.namespace)


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


# --- building and taking apart --------------------------------------------------------------------------------------


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
    item = next(iterator, EXHAUSTED)
    if item is EXHAUSTED:
        return Jump()
    return iterator, item


@ops.added(pushes=2)
def byte_GET_LEN(vm, subject):
    return subject, len(subject)


# --- functions, calls, classes --------------------------------------------------------------------------------------


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


# --- generators and coroutines --------------------------------------------------------------------------------------


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


# --- exceptions and with --------------------------------------------------------------------------------------------


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


# --- match ----------------------------------------------------------------------------------------------------------


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


# --- imports --------------------------------------------------------------------------------------------------------


@ops.added
def byte_IMPORT_NAME(vm, level, fromlist, *, frame, name) -> Value:
    return semantics.import_name(frame, name, fromlist, level)


@ops.added(pushes=2)
def byte_IMPORT_FROM(vm, module, *, name):
    return module, semantics.import_from(module, name)


@ops.added
def byte_IMPORT_STAR(vm, module, *, frame) -> None:
    semantics.import_star(module, frame.namespace)


# --- interactive ----------------------------------------------------------------------------------------------------


@ops.added
def byte_PRINT_EXPR(vm, value) -> None:
    """Shows the value of an expression statement typed at a prompt."""
    sys.displayhook(value)


hide_functions(globals())
