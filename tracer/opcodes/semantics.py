"""What opcodes do where a line does not say it: names, building and taking apart, calls.

Messages are CPython's, word for word; where Python has a construct for it, the construct is used, so that the
running interpreter words its own errors. The program sees no frame of these functions (see `hide`), nor what
they catch on the way: an error that replaces another is raised outside of the `except`.
"""

from __future__ import annotations

import dis
import opcode
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import cache
from types import CellType, FunctionType
from typing import Any, Final, Protocol

from vmtrace.tracer.host.hide import hide_code, hide_functions, keep_builtins
from vmtrace.tracer.opcodes import intrinsics, lazy
from vmtrace.tracer.opcodes.opset import Call

keep_builtins(globals())


class Ends:
    """Keeps a value that the program comes by in no loop: the garbage collector does not know it, as it would one of a
    class of ours, and it is not itself a constant of host code, whose `co_consts` the program may go through."""

    __slots__ = ("exhausted",)

    def __init__(self) -> None:
        self.exhausted = object()


NULL: Final = object()
"""What CPython's stack holds where there is no object."""
COMMON_CONSTANTS: Final[list[Any]] = [*getattr(opcode, "_common_constants", ())]
"""By the oparg of LOAD_COMMON_CONSTANT."""
ENDS: Final = Ends()
"""`ENDS.exhausted` is what `next` gives at an iterator's end."""


class Scope(Protocol):
    """What is asked of a frame to look up a name."""

    flags: int
    globals: dict[str, Any]
    builtins: Mapping[str, Any]
    namespace: MutableMapping[str, Any]

    def load_cell(self, name: str) -> Any: ...


# --- names ----------------------------------------------------------------------------------------


def load_name(frame: Scope, name: str) -> Any:
    """The namespace may be any mapping; globals are read as a dict, whatever their class defines."""
    try:
        value = frame.namespace[name]
    except KeyError:
        value = NULL
    if value is not NULL:
        return lazy.loaded(value, name, frame.namespace)
    value = dict.get(frame.globals, name, NULL)
    return load_builtin(frame, name) if value is NULL else lazy.loaded(value, name, frame.globals)


def load_global(frame: Scope, name: str) -> Any:
    try:
        value = frame.globals[name]
    except KeyError:
        value = NULL
    return load_builtin(frame, name) if value is NULL else lazy.loaded(value, name, frame.globals)


def load_builtin(frame: Scope, name: str) -> Any:
    try:
        return frame.builtins[name]
    except KeyError:
        pass
    raise name_error(name)


def name_error(name: str) -> NameError:
    return NameError(f"name '{name:.200}' is not defined", name=name)


def delete_name(namespace: MutableMapping[str, Any], name: str) -> None:
    """Whatever goes wrong, the name is not defined (as CPython has it)."""
    try:
        del namespace[name]
    except Exception:
        pass
    else:
        return
    raise name_error(name)


def delete_global(globals: dict[str, Any], name: str) -> None:
    if dict.pop(globals, name, NULL) is NULL:
        raise name_error(name)


def load_class_deref(frame: Scope, name: str) -> Any:
    return load_from_dict_or_deref(frame, frame.namespace, name)


def load_from_dict_or_deref(frame: Scope, mapping: Mapping[str, Any], name: str) -> Any:
    try:
        return mapping[name]
    except KeyError:
        pass
    return frame.load_cell(name)


def load_from_dict_or_globals(frame: Scope, mapping: Mapping[str, Any], name: str) -> Any:
    try:
        return mapping[name]
    except KeyError:
        pass
    return load_global(frame, name)


def unbound_local(name: str) -> UnboundLocalError:
    message = f"cannot access local variable '{name}' where it is not associated with a value"
    return UnboundLocalError(message)


def unbound_free(name: str) -> NameError:
    unbound = f"cannot access free variable '{name}' where it is not associated with a value"
    return NameError(f"{unbound} in enclosing scope", name=name)


def setup_annotations(namespace: MutableMapping[str, Any]) -> None:
    if type(namespace) is dict:  # without an exception, which a trace function of the program's would be told of
        namespace.setdefault("__annotations__", {})
        return
    try:
        namespace["__annotations__"]
    except KeyError:
        pass
    else:
        return
    namespace["__annotations__"] = {}


# --- building and taking apart --------------------------------------------------------------------


def build_set(items: Iterable[Any]) -> set[Any]:
    return set(items)


def build_map(items: Sequence[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def format_value(value: Any, conversion: int, spec: str = "") -> str:
    if conversion:
        value = (str, repr, ascii)[conversion - 1](value)
    return format(value, spec)


def list_extend(target: list[Any], items: Iterable[Any]) -> None:
    target += [*items]


def dict_update(target: dict[Any, Any], items: Mapping[Any, Any]) -> None:
    target.update({**items})


def dict_merge(target: dict[Any, Any], items: Mapping[Any, Any], function: Any) -> None:
    """Adds keyword arguments to those that are there; `function` is for the messages, which are CPython's own."""
    _dict_merge(target, items, function)


def _made_of_dict_merge() -> Callable[..., Any]:
    """A hidden function that runs DICT_MERGE; the callable lies deeper on the stack where NULL lies on it (3.13)."""

    def function(target: Any, items: Any, called: Any) -> Any:
        return None

    between = 2 if "CALL_KW" in dis.opmap else 1
    load = dis.opmap["LOAD_FAST"]
    units = [(load, 2), *[(load, 0)] * between, (load, 0), (load, 1), (dis.opmap["DICT_MERGE"], 1)]
    units += [(dis.opmap["POP_TOP"], 0)] * (between + 1) + [(dis.opmap["RETURN_VALUE"], 0)]
    code = hide_code(function.__code__)
    function.__code__ = code.replace(co_code=bytes(b for unit in units for b in unit), co_stacksize=len(units))
    return function


_dict_merge = _made_of_dict_merge()


def type_name(value: Any) -> str:
    """How CPython's messages call a value's type (`datetime.date`, not `date`): read off one of them."""
    try:
        CellType.__repr__(value)
    except TypeError as error:
        return str(error).rpartition(" received a '")[2].removesuffix("'")
    return "cell"


Unpacker = Callable[[Iterable[Any]], tuple[Any, ...]]


def unpack(sequence: Iterable[Any], count: int) -> tuple[Any, ...]:
    """Exactly `count` items, the first one last."""
    return _unpacker(count, None)(sequence)


def unpack_starred(sequence: Iterable[Any], before: int, after: int) -> tuple[Any, ...]:
    """`before` items, a list of those between, `after` items; the first one last."""
    return _unpacker(before, after)(sequence)


@cache
def _unpacker(before: int, after: int | None) -> Unpacker:
    """A function that assigns to so many targets and returns them in reverse."""
    targets = [f"item{i}" for i in range(before)]
    if after is not None:
        targets += ["*rest", *(f"last{i}" for i in range(after))]
    names = "".join(f"{target.lstrip('*')}, " for target in reversed(targets))
    unpacker: Unpacker = made(f"def made(sequence):\n [{', '.join(targets)}] = sequence\n return ({names})")
    return unpacker


def made(source: str) -> Any:
    """The function that a piece of source defines as `made`, hidden."""
    namespace: dict[str, Any] = {}
    exec(hide_code(compile(source, __file__, "exec")), namespace)
    return namespace["made"]


# --- calls and classes ----------------------------------------------------------------------------


def call(method: Any, self: Any, rest: Sequence[Any], kwnames: Sequence[str]) -> Call:
    """A call of `method` with `self` as the first argument; if one of them is NULL, of the other."""
    function, *arguments = [part for part in (method, self) if part is not NULL]
    arguments += rest
    positional = len(arguments) - len(kwnames)
    keywords = dict(zip(kwnames, arguments[positional:], strict=True))
    return Call(function, arguments[:positional], keywords)


DEFAULTS, KEYWORD_DEFAULTS, ANNOTATIONS, CLOSURE, ANNOTATE = 1, 2, 4, 8, 16
"""What a function is given: bits of MAKE_FUNCTION's oparg, then SET_FUNCTION_ATTRIBUTE's oparg."""


def set_function_attribute(value: Any, function: FunctionType, which: int) -> FunctionType:
    """The function with an attribute set; a new one, if it is the closure."""
    if which == CLOSURE:
        return FunctionType(function.__code__, function.__globals__, None, None, value)
    if which == DEFAULTS:
        function.__defaults__ = value
    elif which == KEYWORD_DEFAULTS:
        function.__kwdefaults__ = value
    elif which == ANNOTATIONS:
        pairs = isinstance(value, tuple)
        function.__annotations__ = dict(zip(value[::2], value[1::2], strict=True)) if pairs else value
    elif which == ANNOTATE:
        function.__annotate__ = value  # type: ignore[attr-defined]  # from 3.14 on
    return function


def load_build_class(frame: Scope) -> Any:
    try:
        return frame.builtins["__build_class__"]
    except KeyError:
        pass
    raise NameError("__build_class__ not found")


def load_super_attr(kind: Any, arguments: Sequence[Any], name: str, method: int) -> tuple[Any, ...]:
    """`super().name` or `super(type, self).name`, and NULL below it if it is about to be called."""
    attribute = getattr(kind(*arguments), name)
    return (NULL, attribute) if method else (attribute,)


def call_intrinsic(frame: Scope, number: int, value: Any) -> Any:
    """CALL_INTRINSIC_1."""
    name = intrinsics.NAMES[1][number]
    if name == "IMPORT_STAR":
        return import_star(value, frame.namespace)
    if name == "STOPITERATION_ERROR":
        return intrinsics.stop_iteration_error(value, frame.flags)
    return intrinsics.intrinsic(1, number)(value)


# --- special methods ------------------------------------------------------------------------------


def special(value: Any, name: str) -> Any:
    """A method looked up as the interpreter does, on the type, past `__getattr__`; NULL if there is none."""
    kind = type(value)
    for base in kind.__mro__:
        found = base.__dict__.get(name, NULL)
        if found is not NULL:
            bind = getattr(type(found), "__get__", None)
            return found if bind is None else bind(found, value, kind)
    return NULL


# --- imports --------------------------------------------------------------------------------------


def import_name(frame: Scope, name: str, fromlist: Any, level: Any) -> Any:
    try:
        importer = frame.builtins["__import__"]
    except KeyError:
        importer = NULL
    if importer is NULL:
        raise ImportError("__import__ not found")
    return importer(name, frame.globals, frame.namespace, fromlist, level)


def import_name_lazily(frame: Scope, name: str, fromlist: Any, level: Any, how: int) -> Any:
    """IMPORT_NAME of 3.15; `how` are the lowest bits of its oparg."""
    if how == lazy.EAGER:
        return import_name(frame, name, fromlist, level)
    return lazy.import_name(name, fromlist, level, how, frame.globals, frame.namespace)


def import_from(module: Any, name: str) -> Any:
    """Done by CPython's own instruction: the `import` before it is given the module that is there already.

    Of a lazy import, what it leaves tells where it stands, should it fail.
    """
    namespace = _ready_import(module)
    statement = _import_statement(name)
    if type(module) is lazy.LAZY:
        frame = sys._getframe(1)
        statement = _import_statement(name, frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno)
    exec(statement, namespace)
    return namespace[name]


def import_star(module: Any, target: MutableMapping[str, Any]) -> None:
    exec(_import_statement("*"), _ready_import(module), target)


@cache
def _import_statement(what: str, filename: str = __file__, name: str = "<module>", line: int = 1) -> Any:
    code = compile(f"from module import {what}", filename, "exec")
    return hide_code(code.replace(co_name=name, co_firstlineno=line))


def _ready_import(module: Any) -> dict[str, Any]:
    return {"__builtins__": {"__import__": lambda *arguments: module}}


hide_functions(globals())
