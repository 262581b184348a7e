"""Which instructions may well enter a frame of the program: a guess, made before the program runs.

A right guess saves time, a wrong one costs some; neither changes what is noted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice
from types import CodeType

from vmtrace.tracer.code import Code, Instruction

CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})
ALWAYS = frozenset(
    {"BEFORE_ASYNC_WITH", "BEFORE_WITH", "IMPORT_NAME", "LIST_EXTEND", "SET_UPDATE", "WITH_EXCEPT_START"}
)
"""They do something that takes its time anyway."""

QUIET_FUNCTIONS = frozenset({
    "abs", "bin", "bool", "bytearray", "bytes", "callable", "chr", "complex", "divmod", "enumerate", "filter", "float",
    "frozenset", "getattr", "hasattr", "hex", "id", "int", "isinstance", "issubclass", "len", "map", "memoryview",
    "object", "oct", "open", "ord", "pow", "print", "range", "reversed", "round", "slice", "super", "type", "zip",
    "AttributeError", "Exception", "IndexError", "KeyError", "RuntimeError", "StopIteration", "TypeError", "ValueError",
})  # fmt: skip
"""Builtin functions and types that call nothing of the program's, as a rule."""
VALUE_FUNCTIONS = frozenset({
    "bytearray", "bytes", "dict", "dir", "frozenset", "list", "range", "reversed", "set", "sorted", "str", "tuple",
})  # fmt: skip
"""Those that return what does not call anything when it is iterated over, as a rule."""
MAKES_VALUES = frozenset({"BUILD_LIST", "BUILD_MAP", "BUILD_SET", "BUILD_TUPLE", "LIST_EXTEND", "LOAD_CONST"})
QUIET_METHODS = frozenset(
    name
    for owner in (bytearray, bytes, dict, float, frozenset, int, list, math, re.Match, set, str, tuple)
    for name in dir(owner)
) - {"sort"}

_OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "lshift",
    ">>": "rshift",
}
_BINARY = {sign: {f"__{name}__", f"__r{name}__"} for sign, name in _OPERATORS.items()}
_IN_PLACE = {f"{sign}=": {f"__i{name}__", *_BINARY[sign]} for sign, name in _OPERATORS.items()}
_ITEM = {"[]": {"__getitem__", "__missing__"}}
_EQUAL, _LESS = {"__eq__", "__ne__"}, {"__lt__", "__gt__", "__le__", "__ge__"}
BY_SIGN = {
    "BINARY_OP": _BINARY | _IN_PLACE | _ITEM,
    "COMPARE_OP": {"==": _EQUAL, "!=": _EQUAL, "<": _LESS, ">": _LESS, "<=": _LESS, ">=": _LESS},
}
"""By instruction and operator: the methods that it calls."""
BY_NAME = {
    "CONTAINS_OP": {"__contains__"},
    "BINARY_SUBSCR": _ITEM["[]"],
    "STORE_SUBSCR": {"__setitem__"},
    "DELETE_SUBSCR": {"__delitem__"},
    "GET_ITER": {"__iter__"},
    "UNARY_NEGATIVE": {"__neg__"},
    "UNARY_INVERT": {"__invert__"},
    "FORMAT_VALUE": {"__format__", "__str__", "__repr__"},
    "FORMAT_SIMPLE": {"__format__", "__str__"},
    "FORMAT_WITH_SPEC": {"__format__"},
    "CONVERT_VALUE": {"__str__", "__repr__"},
    "GET_AWAITABLE": {"__await__"},
    "GET_AITER": {"__aiter__"},
    "GET_ANEXT": {"__anext__"},
}


def methods(code: CodeType) -> Iterator[str]:
    """The names of the functions that the classes in a code object define."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            if not code.co_flags & 1 and code.co_name != "<module>":
                yield const.co_name
            yield from methods(const)


class Guess:
    """Knows the names of all methods that the program is known to define."""

    def __init__(self) -> None:
        self.methods: set[str] = set()

    def learn(self, code: CodeType) -> None:
        """To be told of a module before its code is guessed about."""
        self.methods.update(methods(code))

    def __call__(self, decoded: Code, index: int) -> bool:
        """Whether an instruction may well enter a frame of the program."""
        instruction = decoded.instructions[index]
        name = instruction.name
        if instruction.depth is None:
            return False
        if name in CALLS:
            return name == "CALL_FUNCTION_EX" or self._calls(decoded, instruction, QUIET_FUNCTIONS)
        if name == "LOAD_ATTR":
            return instruction.value in self.methods and not self._loads_method(decoded, index)
        if name in ("STORE_ATTR", "DELETE_ATTR"):
            return instruction.value in self.methods
        if name in BY_SIGN:
            called = BY_SIGN[name].get(instruction.repr.removeprefix("bool(").removesuffix(")"), set())
            constant = decoded.instructions[index - 1].name in ("LOAD_CONST", "LOAD_SMALL_INT")
            return not constant and not called.isdisjoint(self.methods)
        return name in ALWAYS or not self.methods.isdisjoint(BY_NAME.get(name, ()))

    def iterates_values(self, decoded: Code, loop: Instruction) -> bool:
        """Whether a FOR_ITER will hardly ever enter a generator: what it goes through is made in place, of values."""
        before = map(decoded.instructions.__getitem__, range(loop.index - 1, -1, -1))
        get_iter, source = islice((i for i in before if i.name != "EXTENDED_ARG"), 2)
        if get_iter.name != "GET_ITER":
            return False
        if source.name == "CALL":
            return not self._calls(decoded, source, VALUE_FUNCTIONS)
        return source.name in MAKES_VALUES

    def _calls(self, decoded: Code, call: Instruction, quiet: frozenset[str]) -> bool:
        """Whether anything but the quiet functions, by the name of what is called, as far as it has one."""
        after = decoded.instructions[call.index + 1].depth
        if after is None:
            return True
        bottom = after - 1
        for before in reversed(decoded.instructions[: call.index]):
            if before.depth is None:
                return True
            if before.depth <= bottom + 1 and before.name not in ("PUSH_NULL", "EXTENDED_ARG"):
                if before.name in ("LOAD_GLOBAL", "LOAD_NAME"):
                    return before.value not in quiet
                if before.name in ("LOAD_METHOD", "LOAD_ATTR"):
                    return before.value not in QUIET_METHODS or before.value in self.methods
                return True
        return True

    def _loads_method(self, decoded: Code, index: int) -> bool:
        """Whether what is loaded is called at once, LOAD_ATTR being LOAD_METHOD, too (3.12)."""
        return "NULL|self" in decoded.instructions[index].repr
