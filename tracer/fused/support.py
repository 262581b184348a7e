"""What host code calls: the handlers' world, and what a frame asks of the VM, in one module object per machine.

Everything here runs between two instructions of the program, so none of it may be seen: functions are hidden, and what
the program's frame is, is asked of CPython (`sys._getframe(1)` is the next frame that is not hidden).
"""

from __future__ import annotations

import _thread
import builtins
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from types import CellType, GeneratorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from vmtrace.tracer.host.hide import hide, hide_functions
from vmtrace.tracer.host.host import Table
from vmtrace.tracer.notes import CREATE, SUSPEND, UNWIND
from vmtrace.tracer.opcodes import coroutines, intrinsics, lazy, semantics
from vmtrace.tracer.opcodes.opset import Operation

if TYPE_CHECKING:
    from vmtrace.tracer.vm import VirtualMachine

_MADE = [0]
"""How many generators have been made. No call comes between reading and setting it: no other thread has its turn."""
MISSING = object()
SHOWN_ALONE = sys.version_info >= (3, 13)
"""Whether `locals()` in a comprehension of a module's or class's body shows nothing but local variables."""


class Bottom:
    """Stands below a thread's first traced frame."""

    f_lasti = 0


class Standing:
    """In place of a frame that does not show: where it stands."""

    def __init__(self, position: int) -> None:
        self.f_lasti = position


class Notes(_thread._local):
    """`__dict__["state"]`: the calling thread's notes, and the host frames that are running, outermost first.

    It is asked for so because no other attribute of a thread's is found without a comparison, which on 3.11 and 3.12
    counts towards the recursion limit.
    """

    def __init__(self, notes_of_thread: Callable[[], list[int]]) -> None:
        self.__dict__["state"] = notes_of_thread(), [Bottom]

    __init__ = hide(__init__)


_OF_THREAD = "_notes, _frames = M.thread.__dict__['state']"
ENTERED = f"""
{_OF_THREAD}
_notes += (ENTER, CODE, _frames[-1].f_lasti)
_frames += (M.getframe(),)
"""
"""Notes a call. A template, as are the next ones: no function of ours is called for it, which would take one level
more of the recursion limit than the program's call does."""
CREATED = f"""
_generator = M.made[0]
M.made[0] = _generator + 1
{_OF_THREAD}
_notes += (CREATE, CODE, _frames[-1].f_lasti, _generator, BLOCK, SUSPEND)
"""
"""Notes that a generator-like frame is made and suspended, and keeps the number that it goes by. Nothing at all is
called: 3.11 would tell a profile function of it, with a frame that cannot become a generator's any more."""
RESUMED = f"""
{_OF_THREAD}
_notes += (RESUME, _generator, _frames[-1].f_lasti)
_frames += (M.getframe(),)
"""
"""Notes that it goes on, perhaps on another thread."""


def support(
    vm: VirtualMachine, operations: Mapping[str, Operation], notes_of_thread: Callable[[], list[int]] | None
) -> ModuleType:
    """The module that stands in host code under the name `M`."""
    module = ModuleType("vmtrace.support")
    names = vars(module)
    names.update(vars(builtins))
    for operation in operations.values():
        names.update(operation.handler.__globals__)
        names[f"byte_{operation.name}"] = hide(operation.handler)
    names.update(_FUNCTIONS)
    names.update(vm=vm, make_function=vm.make_function, getframe=sys._getframe)
    names["setup_annotations"], names["delete_name"] = semantics.setup_annotations, semantics.delete_name
    names["set_function_attribute"] = semantics.set_function_attribute
    names.update(import_star=semantics.import_star, NULL=semantics.NULL, CellType=CellType, MethodType=MethodType)
    names["stop_iteration_error"] = intrinsics.stop_iteration_error
    names["STOPS"] = StopIteration, StopAsyncIteration
    names["locals"], names["globals"] = builtins.locals, builtins.globals
    names["get_aiter"] = coroutines.get_aiter
    if notes_of_thread is not None:
        thread = Notes(notes_of_thread)
        names.update(thread=thread, made=_MADE, **_beginners(thread))
    return module


def _beginners(thread: Notes) -> dict[str, Callable[..., Any]]:
    """For generator expressions, whose frame asks for an iterator before the generator is made (3.15)."""

    def open_generator(code_id: int, block: int, position: int) -> int:
        """Notes that its frame begins to run as a call, and stands at `position`; the generator's number."""
        generator = _MADE[0]
        _MADE[0] = generator + 1
        notes, frames = thread.__dict__["state"]
        notes.extend((CREATE, code_id, frames[-1].f_lasti, generator, block))
        frames.append(Standing(position))
        return generator

    def begin_iterating(
        code_id: int, block: int, offsets: Table, last: int, begin: Any, iterable: Any
    ) -> tuple[int, Any]:
        """The number, and what `begin` makes of the iterable; the frame stands at the offset of instruction `last`."""
        position = offsets.rows[last]
        generator = open_generator(code_id, block, position)
        notes, frames = thread.__dict__["state"]
        try:
            iterator = begin(iterable)
        except BaseException:
            notes.extend((UNWIND, position))
            del frames[-1]
            raise
        notes.append(SUSPEND)
        del frames[-1]
        return generator, iterator

    open_generator = hide(open_generator)
    return {"open_generator": open_generator, "begin_iterating": hide(begin_iterating)}


def _named(namespace: Mapping[str, Any], name: str) -> Any:
    """What a namespace has under a name, or MISSING: that a dictionary has not is no exception, which a trace function
    of the program's would be told of."""
    if type(namespace) is dict:
        return namespace.get(name, MISSING)
    try:
        return namespace[name]
    except KeyError:
        return MISSING


def load_name(namespace: Mapping[str, Any], name: str) -> Any:
    """A name of a class body, or of code that was given a namespace."""
    value = _named(namespace, name)
    if value is not MISSING:
        return value
    frame = sys._getframe(1)
    value = frame.f_globals.get(name, MISSING)
    if value is not MISSING:
        return lazy.loaded(value, name, frame.f_globals)
    value = frame.f_builtins.get(name, MISSING)
    if value is not MISSING:
        return value
    raise semantics.name_error(name)


def load_from_dict_or_globals(mapping: Mapping[str, Any], name: str) -> Any:
    """A name in an annotation, whose globals may be of any class of mappings."""
    frame = sys._getframe(1)
    for names in (mapping, frame.f_globals, frame.f_builtins):
        value = _named(names, name)
        if value is not MISSING:
            return lazy.loaded(value, name, frame.f_globals)
    raise semantics.name_error(name)


def class_deref(namespace: Mapping[str, Any], name: str, cell: CellType) -> Any:
    """A free variable of a class body, unless the body's namespace has the name."""
    value = _named(namespace, name)
    if value is not MISSING:
        return value
    try:
        return cell.cell_contents
    except ValueError:
        pass
    raise semantics.unbound_free(name)


def load_cell(cell: CellType, name: str) -> Any:
    """What is in a cell that a comprehension is given for its variable."""
    try:
        return cell.cell_contents
    except ValueError:
        pass
    raise semantics.unbound_local(name)


def content(cell: Any) -> Any:
    """What is in a cell that a comprehension is given, or NULL."""
    try:
        return cell if cell is semantics.NULL else cell.cell_contents
    except ValueError:
        return semantics.NULL


def bound(value: Any, name: str) -> Any:
    """A variable that may hold nothing."""
    if value is semantics.NULL:
        raise semantics.unbound_local(name)
    return value


def importer() -> Any:
    """What IMPORT_NAME calls in the running frame."""
    found = sys._getframe(1).f_builtins.get("__import__", MISSING)
    if found is MISSING:
        raise ImportError("__import__ not found")
    return found


def import_lazily(namespace: Mapping[str, Any] | None, level: int, fromlist: Any, name: str, how: int) -> Any:
    """IMPORT_NAME of 3.15, unless it is that of a function (see `lazy`)."""
    return lazy.import_name(name, fromlist, level, how, sys._getframe(1).f_globals, namespace)


def no_exception() -> NoReturn:
    raise TypeError("exceptions must derive from BaseException")


def get_delegate(iterable: Any) -> tuple[Any, Any]:
    """What `yield from` delegates to on 3.15, and what is shown in its place; the program may have changed the running
    code's flags (`types.coroutine`).

    A generator is known at once, without a further call: it may be as deep as the recursion limit lets it.
    """
    if type(iterable) is GeneratorType:
        return iterable, iterable
    return coroutines.get_delegate(iterable, sys._getframe(1).f_code.co_flags)


def frame_reader(function: Any, namespace: Any, hidden: dict[str, Any] | None) -> Any:
    """What to call in place of `locals`, `vars`, `dir`, `eval` or `exec` in a class body, or in a module's (whose
    `namespace` is None) that has the variables of comprehensions `hidden` in it."""
    namespace = _with_hidden(namespace, hidden) if hidden else namespace
    if namespace is None:
        return function
    if function is builtins.locals:
        return lambda: namespace
    if function in (builtins.vars, builtins.dir):
        return lambda *of: function(*of) if of else _of_namespace(function, namespace)
    if function in (builtins.eval, builtins.exec):
        frame = sys._getframe(1)
        return lambda source, *given: function(source, *(given or (frame.f_globals, namespace)))
    return function


def f_locals(owner: Any, namespace: Any, hidden: dict[str, Any]) -> Any:
    """The attribute of that name, in which the running frame's `hidden` variables show."""
    found = owner.f_locals
    return _with_hidden(namespace, hidden, found) if owner is sys._getframe(1) else found


def _with_hidden(namespace: Any, hidden: dict[str, Any], otherwise: Any = None) -> Any:
    """What `locals()` is where variables of comprehensions hold something; else the namespace, or what it is
    `otherwise`."""
    held = {name: value for name, value in hidden.items() if value is not semantics.NULL}
    if not held:
        return namespace if otherwise is None else otherwise
    if SHOWN_ALONE:
        return held
    return {**(sys._getframe(1).f_globals if namespace is None else namespace), **held}


def _of_namespace(function: Any, namespace: MutableMapping[str, Any]) -> Any:
    return namespace if function is builtins.vars else sorted(namespace)


def _functions(names: Iterable[str]) -> dict[str, Any]:
    return {name: globals()[name] for name in names}


hide_functions(globals())
_FUNCTIONS = _functions(
    (
        "load_name",
        "load_from_dict_or_globals",
        "class_deref",
        "load_cell",
        "content",
        "bound",
        "importer",
        "import_lazily",
        "no_exception",
        "get_delegate",
        "frame_reader",
        "f_locals",
    )
)
