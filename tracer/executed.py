"""`exec()` and `eval()`: code that appears while the program runs is made ready by the engine, as its modules are.

Builtins of our own stand for the two from before the program begins. They look at the frame that calls them as the
builtins do, and run the engine's code in place of the program's where that is in scope:

- code that has a file (what `import`, `runpy`, test runners and plugin loaders run), if its file or module is in scope;
- code from text, and any other without a file, if code that is traced runs it, or if its module (`__name__` of the
  namespace it runs in) is traced by name.

So text that a library runs for itself stays untraced: `namedtuple`, `dataclass`, templates. Code that comes to run in
other ways does, too, until it runs something itself: a function that the program puts together from a code object
(`types.FunctionType`, `__code__ = …`), what `code.InteractiveInterpreter` and `timeit` run for it.

The same text is traced as the same code object each time; a program that runs ever new text has the tracer keep ever
more code. A program can tell that `type(exec)` is a class of ours; `inspect`, `isinstance`, `pickle`, `repr` and
`help` show the builtin.
"""

from __future__ import annotations
import __future__

import builtins
import sys
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, CodeType, FrameType
from typing import Any, Protocol, TypeAlias

from vmtrace.tracer import scope as scopes
from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.host.room import Room, taken
from vmtrace.tracer.host.untold import ROOM_TO_WORK, work
from vmtrace.tracer.scope import Scope

keep_builtins(globals())

COMPILED = frozenset(map(type, (None, True, 0, 0.0, 0j, "", b"", (), frozenset(), ...))) | {CodeType, slice}
"""What a compiler puts among a code object's constants; an engine puts more there."""
FUTURE = 0
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag
"""Flags of a code object that text which it runs inherits."""
PROXY = type((lambda: sys._getframe().f_locals)())
"""What `f_locals` of a function's frame is: from 3.13 on no dict, but the builtins take a snapshot of it."""
NAMED = sys.version_info >= (3, 13)
"""Whether globals and locals may be given by name."""


class Engine(Protocol):
    """What makes code ready to run."""

    def code(self, code: CodeType, module: str | None = None, namespace_is_globals: bool = True) -> CodeType: ...


def is_made(code: CodeType) -> bool:
    """Whether a code object is an engine's: such a one has constants that no compiler makes."""
    return not COMPILED.issuperset(map(type, code.co_consts))


Prepared: TypeAlias = tuple[Any, Any, Any, dict[str, Any]]
"""What to give a builtin: source, globals, locals, and the closure as it is named."""
COUNTED_APART = sys.version_info >= (3, 12)
"""Whether calls from C count by themselves, or C's stack is looked at."""
ROOM_TO_RUN = Room(1 if COUNTED_APART else 3)
"""For the frame of ours below what a builtin runs; on 3.11 the two calls between them count, too: of the frame from C,
and of the builtin, which is not specialized there, for hidden code never is."""
NO_ROOM = Room(0)
MOST_ROOM = 3600
"""What takes as much room, text that runs itself 1,200 times, is given no more: on 3.11 nothing else keeps it from the
end of C's stack, if the limit is set so high."""


class Builtin:
    """Stands for a builtin function, and passes for it."""

    def __init__(self, function: Any, prepare: Callable[..., Prepared | None]) -> None:
        self.__wraps = function
        self.__prepare = prepare
        self.__doc__, self.__module__ = function.__doc__, function.__module__

    def __call__(self, *given: Any, **named: Any) -> Any:
        with ROOM_TO_WORK:
            prepared = self.__prepare(sys._getframe(1), given, named)
        with ROOM_TO_RUN if taken() < MOST_ROOM or COUNTED_APART else NO_ROOM:
            if prepared is None:
                return self.__wraps(*given, **named)
            code, space, names, closure = prepared
            if closure:
                return self.__wraps(code, space, names, **closure)
            return self.__wraps(code, space, names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wraps, name)

    def __repr__(self) -> str:
        return repr(self.__wraps)

    def __reduce__(self) -> str:
        return str(self.__wraps.__name__)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return BuiltinFunctionType


class Executed:
    """Makes code ready that `exec` and `eval` are given."""

    def __init__(self, engine: Engine, scope: Scope) -> None:
        self._engine = engine
        self._scope = scope
        self._of_text: dict[tuple[object, ...], CodeType] = {}
        self._ready: dict[tuple[int, bool], tuple[CodeType, CodeType]] = {}
        """By the code's id and whether it runs in globals only: the code (which keeps the id), and the engine's."""

    def prepares(self, mode: str) -> Callable[..., Prepared | None]:
        """What to do when the builtin is called, given the frame that calls it and the arguments."""

        def prepare(frame: FrameType, given: tuple[Any, ...], named: dict[str, Any]) -> Prepared | None:
            closure = {"closure": named["closure"]} if "closure" in named and mode == "exec" else {}
            bound = _bound(given, {name: value for name, value in named.items() if name not in closure})
            if bound is None:  # an error, which the builtin words
                return None
            source, space, names = bound
            if space is None:
                space, names = frame.f_globals, _names_of(frame) if names is None else names
            wanted = CodeType if closure else CodeType | str | bytes | bytearray | memoryview
            if not isinstance(space, dict) or not isinstance(source, wanted):
                return source, space, names, closure  # an error, too
            names = space if names is None else names
            if not dict.__contains__(space, "__builtins__"):
                dict.__setitem__(space, "__builtins__", frame.f_builtins)
            in_globals = names is space and type(space) is dict  # a subclass is asked for names by its methods
            code = work(self._made_ready, self._code(source, mode, frame), frame, space, in_globals)
            return code, space, names, closure

        return prepare

    def _code(self, source: Any, mode: str, frame: FrameType) -> CodeType:
        """The text compiled, as the builtins do it; the same object each time."""
        if isinstance(source, CodeType):
            return source
        if not isinstance(source, str):
            source = bytes(source)
        if mode == "eval":
            source = source.lstrip(" \t" if isinstance(source, str) else b" \t")
        flags = frame.f_code.co_flags & FUTURE
        code = compile(source, "<string>", mode, flags, dont_inherit=True)  # each time: it may warn
        return self._of_text.setdefault((mode, flags, source), code) if is_made(frame.f_code) else code

    def _made_ready(self, code: CodeType, frame: FrameType, space: Mapping[str, Any], in_globals: bool) -> CodeType:
        module = self._scope.module_run(space, frame)
        if is_made(code) or not self._scope.covers_executed(code, module, is_made(frame.f_code)):
            return code
        known = self._ready.get((id(code), in_globals))
        if known is None:
            known = code, self._engine.code(code, module, in_globals)
            self._ready[id(code), in_globals] = known
        return known[1]


def _bound(given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any, Any] | None:
    """Source, globals and locals; None if the builtin would not take the arguments."""
    if not given or len(given) > 3:
        return None
    space, names = (*given[1:], None, None)[:2]
    if named:
        if not NAMED or not named.keys() <= {"globals", "locals"} or len(given) + len(named) > 3:
            return None
        if len(given) == 2 and "globals" in named:
            return None
        space, names = named.get("globals", space), named.get("locals", names)
    return given[0], space, names


def _names_of(frame: FrameType) -> Any:
    """What `locals()` would be in the frame."""
    names = frame.f_locals
    return dict(names) if PROXY is not dict and type(names) is PROXY else names


def hook_exec(engine: Engine, scope: Scope) -> None:
    """From now on, `exec` and `eval` run code in scope as the engine's."""
    executed = Executed(engine, scope)
    for name in ("exec", "eval"):
        builtin = getattr(builtins, name)
        setattr(builtins, name, Builtin(builtin, executed.prepares(name)))


hide_functions(globals())
hide_functions(vars(scopes))  # not done there: the witness loads that module by itself
