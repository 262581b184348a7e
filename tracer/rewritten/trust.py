"""What CPython believes of the operands of an instruction, because its own compiler wrote the code.

It does not look whether LIST_APPEND finds a list or FOR_ITER an iterator, and crashes if not. Entries of the stack, and
local variables, are of these kinds:

    object              any object, of which no more is known; all but the last line are objects, too
    generator           what a call of a generator expression gives
    iterator, delegate  what GET_ITER gives; the latter for `yield from`, to which a coroutine may be given
    list, exceptions    the latter of exceptions and None only, as `except*` collects them
    dict
    tuple, names, cells tuples of a known size, or not: of anything, of strings, of cells
    cell                what variables of nested functions are kept in
    code, function      a code object with `size` free variables; a function that has its closure
    exception, handled  the latter may be None
    null, perhaps       no object; perhaps none
    unclosed            a function that needs a closure of so many cells, yet
    offset              where an exception arose
    index               what GET_ITER puts above an iterator (3.15)
    mixed               different things on different ways
"""

from __future__ import annotations

import dis
import inspect
from types import CodeType
from typing import NamedTuple

from vmtrace.tracer.fused.entries import CALLABLE_FIRST, ITERATOR_IN_TWO
from vmtrace.tracer.opcodes.intrinsics import NAMES


class Kind(NamedTuple):
    """Of an entry of the stack, or a local variable."""

    name: str
    size: int | None = None
    calls_give: str = "object"
    """The kind of what a call of it gives, if it is code or a function."""
    borrowed: int | None = None
    """The variable that keeps it alive, for lack of a reference of its own (3.14)."""


LIST, EXCEPTIONS_LIST = Kind("list"), Kind("exceptions")
OBJECT, NULL, PERHAPS, CELL, MIXED = map(Kind, ("object", "null", "perhaps", "cell", "mixed"))
TUPLE, DICT, EXCEPTION, HANDLED, OFFSET = map(Kind, ("tuple", "dict", "exception", "handled", "offset"))
ITERATOR, INDEX, FUNCTION = map(Kind, ("iterator", "index", "function"))

TUPLES = frozenset({"tuple", "names", "cells"})
LISTS = frozenset({"list", "exceptions"})
ITERATORS = frozenset({"iterator", "generator"})
EXCEPTIONS = frozenset({"exception", "handled"})
OBJECTS = (
    TUPLES | LISTS | EXCEPTIONS | {"object", "iterator", "generator", "delegate", "dict", "cell", "code", "function"}
)
PERHAPS_NULL = OBJECTS | {"null", "perhaps"}
ANYTHING = PERHAPS_NULL | {"unclosed", "offset", "index", "mixed"}

FREES_NULL = "POP_ITER" in dis.opmap
"""Whether POP_TOP may find no object (3.14)."""
CHECKS_LOCALS = "LOAD_FAST_CHECK" not in dis.opmap
"""Whether LOAD_FAST looks if the variable is bound (3.11)."""

YIELD_TELLS_DELEGATE = CALLABLE_FIRST
"""Whether YIELD_VALUE's oparg says that a delegate lies below (3.13)."""
Wanted = frozenset[str]


def ONE_OF(*names: str) -> Wanted:
    return frozenset(names)


_ITERATOR = (ITERATORS, ONE_OF("index", "null")) if ITERATOR_IN_TWO else (ITERATORS,)
_CALLEE = (OBJECTS, PERHAPS_NULL) if CALLABLE_FIRST else (PERHAPS_NULL, OBJECTS)
_SPREAD = (OBJECTS, ANYTHING, OBJECTS) if CALLABLE_FIRST else (ANYTHING, OBJECTS, OBJECTS)
_KEYWORDS = (PERHAPS_NULL,) if FREES_NULL else (OBJECTS,)
_MERGED = (OBJECTS, ANYTHING, OBJECTS) if CALLABLE_FIRST else (OBJECTS, OBJECTS)
_EXIT = (OBJECTS, PERHAPS_NULL) if FREES_NULL else (OBJECTS,)
_HANDLING = (ONE_OF("offset"), ONE_OF("handled", "exception"), ONE_OF("exception"))

WANTED: dict[str, tuple[Wanted, ...]] = {
    "POP_TOP": (PERHAPS_NULL | {"offset", "index"} if FREES_NULL else OBJECTS | {"offset"},),
    "END_FOR": (ANYTHING, ANYTHING),
    "POP_ITER": (ANYTHING, ANYTHING),
    "END_SEND": (ANYTHING, ANYTHING, OBJECTS) if ITERATOR_IN_TWO else (ANYTHING, OBJECTS),
    "FOR_ITER": _ITERATOR,
    "SEND": (OBJECTS, ONE_OF("null", "index"), OBJECTS) if ITERATOR_IN_TWO else (OBJECTS, OBJECTS),
    "CALL": _CALLEE,
    "CALL_KW": _CALLEE,
    "CALL_FUNCTION_EX": (*_SPREAD, *_KEYWORDS),
    "DICT_MERGE": (*_MERGED, ONE_OF("dict"), OBJECTS),
    "WITH_EXCEPT_START": (*_EXIT, *_HANDLING),
    "PUSH_EXC_INFO": (ONE_OF("exception"),),
    "POP_EXCEPT": (EXCEPTIONS,),
    "RERAISE": (ONE_OF("exception"),),
    "CLEANUP_THROW": (PERHAPS_NULL | {"index"} if ITERATOR_IN_TWO else OBJECTS, OBJECTS, ONE_OF("exception")),
    "END_ASYNC_FOR": (OBJECTS, ONE_OF("exception")),
    "CHECK_EXC_MATCH": (ONE_OF("exception"), OBJECTS),
    "CHECK_EG_MATCH": (EXCEPTIONS, OBJECTS),
    "PREP_RERAISE_STAR": (ONE_OF("exception"), ONE_OF("exceptions")),
    "STOPITERATION_ERROR": (ONE_OF("exception"),),
    "LIST_TO_TUPLE": (LISTS,),
    "SUBSCRIPT_GENERIC": (TUPLES,),
    "TYPEALIAS": (TUPLES,),
    "SET_FUNCTION_TYPE_PARAMS": (ONE_OF("function"), OBJECTS),
    "SET_FUNCTION_ATTRIBUTE": (OBJECTS, ONE_OF("function", "unclosed")),
    "MATCH_KEYS": (OBJECTS, TUPLES),
    "MATCH_CLASS": (OBJECTS, OBJECTS, TUPLES),
    "BUILD_TEMPLATE": (TUPLES, TUPLES),
}
"""By opcode or intrinsic, what its operands have to be, deepest first; objects, for those beyond, and by default."""

BENEATH: dict[str, Wanted] = {
    "COPY": OBJECTS,
    "LIST_APPEND": LISTS,
    "LIST_EXTEND": LISTS,
    "MAP_ADD": ONE_OF("dict"),
    "DICT_UPDATE": ONE_OF("dict"),
}
"""What the entry below the operands has to be that the oparg names."""

GIVEN: dict[str, tuple[Kind, ...]] = {
    "PUSH_NULL": (NULL,),
    "GET_YIELD_FROM_ITER": (Kind("delegate"),),
    "BUILD_MAP": (DICT,),
    "BUILD_CONST_KEY_MAP": (DICT,),
    "LIST_TO_TUPLE": (TUPLE,),
    "PUSH_EXC_INFO": (HANDLED, EXCEPTION),
    "CHECK_EG_MATCH": (HANDLED, HANDLED),
    "PREP_RERAISE_STAR": (HANDLED,),
    "STOPITERATION_ERROR": (EXCEPTION,),
    "SET_FUNCTION_TYPE_PARAMS": (FUNCTION,),
}
"""By opcode or intrinsic, what it pushes, if not just objects."""

PUSHES_ANEW = {
    "DICT_MERGE": 0,
    "FOR_ITER": 1,
    "SEND": 1,
    "WITH_EXCEPT_START": 1,
    "CHECK_EXC_MATCH": 1,
    "MATCH_KEYS": 1,
}
"""How many of those entries are new that these leave on the stack: what lies under them are the operands, as before."""

DOTTED = {".0": ITERATOR, ".defaults": TUPLE, ".kwdefaults": DICT, ".type_params": TUPLE}
"""What the compiler keeps in variables whose names no program can write."""

_NEVER_RAISE = {
    "LOAD_CONST", "LOAD_COMMON_CONSTANT", "LOAD_SMALL_INT", "POP_TOP", "END_FOR", "POP_ITER", "RETURN_VALUE",
    "STORE_FAST", "STORE_FAST_STORE_FAST", "LOAD_FAST_AND_CLEAR", "MAKE_CELL",
}  # fmt: skip
_DO_NOT_LOOK = {
    "LOAD_FAST", "LOAD_FAST_LOAD_FAST", "STORE_FAST_LOAD_FAST", "LOAD_FAST_BORROW",
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW",
}  # fmt: skip
QUIET = frozenset(_NEVER_RAISE if CHECKS_LOCALS else _NEVER_RAISE | _DO_NOT_LOOK)
"""These do not raise. The compiler may have an exception handler cover them while what that needs is not there,
as at the end of a comprehension, whose variable is put back by the last instruction."""

NEVER = frozenset({"CACHE", "ENTER_EXECUTOR", "EXIT_INIT_CHECK", "INTERPRETER_EXIT", "RESERVED", "TRACE_RECORD"})
"""Opcodes that are the interpreter's own."""

OPARGS: dict[str, range | set[int]] = {
    "SWAP": range(1, 1 << 31),
    "BUILD_SLICE": {2, 3},
    "MAKE_FUNCTION": range(16),
    "SET_FUNCTION_ATTRIBUTE": {1, 2, 4, 8, 16},
    "CONVERT_VALUE": {1, 2, 3},
    "RAISE_VARARGS": range(3),
    "RESUME": range(1 << 31) if CALLABLE_FIRST else range(4),
    "YIELD_VALUE": range(2) if CALLABLE_FIRST else range(1 << 31),
    "LOAD_SMALL_INT": range(256),
    "LOAD_SPECIAL": range(4),
    "BUILD_INTERPOLATION": range(16),
    "CALL_INTRINSIC_1": range(1, len(NAMES[1])),
    "CALL_INTRINSIC_2": range(1, len(NAMES[2])),
}
"""The opargs that stand for something, where that is not looked at when the instruction is decoded."""

PARTS_OF_FUNCTION = {1: TUPLES, 2: ONE_OF("dict"), 4: TUPLES | {"dict"}, 16: OBJECTS}
"""By the bit of an oparg: defaults, keyword defaults, annotations, what makes the annotations. (8: the closure.)"""
CLOSURE = 8


def joined(one: Kind, other: Kind) -> Kind:
    """What is known of an entry that is this or that."""
    if one == other:
        return one
    if one._replace(borrowed=None) == other._replace(borrowed=None):
        return one if other.borrowed is None else other
    names = {one.name, other.name}
    if names <= TUPLES:
        return Kind("tuple", one.size) if one.size == other.size else TUPLE
    if names <= LISTS:
        return Kind("list")
    if names <= EXCEPTIONS:
        return HANDLED
    if names <= OBJECTS:
        return OBJECT
    return PERHAPS if names <= PERHAPS_NULL else MIXED


KINDS_OF_GENERATOR = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def of_constant(value: object) -> Kind:
    """What LOAD_CONST pushes."""
    if isinstance(value, CodeType):
        makes_iterator = value.co_flags & KINDS_OF_GENERATOR == inspect.CO_GENERATOR
        return Kind("code", len(value.co_freevars), "generator" if makes_iterator else "object")
    if type(value) is tuple:
        return Kind("names" if all(type(item) is str for item in value) else "tuple", len(value))
    return OBJECT
