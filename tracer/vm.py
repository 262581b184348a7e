"""The virtual machine: runs a code object and whatever functions it makes.

`VirtualMachine().run_code(code)` works on its own. A code object is decoded once (`code`), and once made into host
code: fused for speed (`fuse`), or stepped instruction by instruction (`step`) when a subclass overrides an opcode
or the machine is to check itself. Either way a function of the program is a real function whose code is the host
code, and a frame of the program is a frame of the host's.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, Protocol

from vmtrace.tracer.code import Code, decode, with_distinct_cells
from vmtrace.tracer.errors import VMError, refusing
from vmtrace.tracer.fused.fuse import Fuser
from vmtrace.tracer.fused.support import support
from vmtrace.tracer.host.audits import UNHEARD
from vmtrace.tracer.host.hide import hide
from vmtrace.tracer.host.stub import stub
from vmtrace.tracer.host.templates import Source
from vmtrace.tracer.host.untold import work
from vmtrace.tracer.opcodes.opset import OpcodeSet, Operation, operation
from vmtrace.tracer.opcodes.semantics import ANNOTATIONS, CLOSURE, DEFAULTS, KEYWORD_DEFAULTS, set_function_attribute


class Recorder(Protocol):
    """What the machine tells of its run (see `recorder`)."""

    def add(self, code: Code, module: str | None = None) -> tuple[int, int]: ...
    def locate(self, code_id: int, positions: Any) -> None: ...
    def notes(self) -> list[int]: ...


DEEPEST_FUSED = 1000
"""Code with a deeper stack is stepped: fusing looks through what is on the stack at each instruction."""


def opcodes(python: tuple[int, int] = sys.version_info[:2]) -> OpcodeSet:
    """The opcode set of a Python version. Raises VMError for one that is not known."""
    try:
        module = importlib.import_module(f"vmtrace.tracer.opcodes.py{python[0]}{python[1]}")
    except ModuleNotFoundError:
        raise VMError(f"Python {python[0]}.{python[1]} is not supported by this version of vmtrace") from None
    found: OpcodeSet = module.ops
    return found


@dataclass(slots=True)
class Function:
    """What the machine keeps of a function of the program: its decoded code, and the host code that runs it.

    `make` is what MAKE_FUNCTION does: the function object is a real one.
    """

    code: Code
    host: CodeType

    def make(self, globals: dict[str, Any], flags: int, *parts: Any) -> FunctionType:
        """A function object; `parts` are those of defaults, keyword defaults, annotations and closure that the bits of
        `flags` announce, in this order."""
        attributes = [flag for flag in (DEFAULTS, KEYWORD_DEFAULTS, ANNOTATIONS, CLOSURE) if flags & flag]
        given = dict(zip(attributes, parts, strict=True))
        empty = tuple(CellType() for _ in self.host.co_freevars)  # from 3.13 on the closure is set afterwards
        function = FunctionType(self.host, globals, None, None, given.pop(CLOSURE, empty or None))
        for attribute, value in given.items():
            set_function_attribute(value, function, attribute)
        return function


class VirtualMachine:
    """Interprets bytecode of the Python version it runs on."""

    def __init__(self, recorder: Recorder | None = None, *, check: bool = False) -> None:
        """With `check`, the machine steps, and holds the stack against the depth that decoding found."""
        self.recorder = recorder
        self.check = check
        overrides = self._overrides()
        self.operations: Mapping[str, Operation] = {**opcodes(), **overrides}
        self.stepping = check or bool(overrides)
        self._functions: dict[tuple[int, bool], tuple[CodeType, Function]] = {}
        self._originals: dict[int, CodeType] = {}
        """By id of a host code object."""
        self._source = Source()
        if not self.stepping:
            self._source.read(self.operations.values())
        notes: Callable[[], list[int]] | None = recorder.notes if recorder is not None else None
        self.support: ModuleType = support(self, self.operations, notes)

    def _overrides(self) -> dict[str, Operation]:
        """The opcodes that a subclass defines."""
        found: dict[str, Operation] = {}
        for base in reversed(type(self).__mro__[: -len(VirtualMachine.__mro__)]):
            for name, handler in vars(base).items():
                if name.startswith("byte_"):
                    known = opcodes().get(name.removeprefix("byte_"))
                    effect: dict[str, Any] = {}
                    if known is not None:
                        effect = {"pushes": known.pushed, "on_jump": known.pushed_on_jump, "flow": known.flow}
                    new = operation(handler, **effect)
                    found[new.name] = new
        return found

    def function(self, code: CodeType, namespace_is_globals: bool = True, module: str | None = None) -> Function:
        """A code object made ready to run, once. Raises CodeError for bytecode that cannot be run.

        `module` is the name of the module it is of, for the trace.
        """
        with UNHEARD:
            key = (id(code), namespace_is_globals)
            known = self._functions.get(key)
            if known is None:
                known = self._functions[key] = code, work(self._ready, code, namespace_is_globals, module)
                self._originals[id(known[1].host)] = code
        return known[1]

    def original(self, host: CodeType) -> CodeType:
        """The program's code that a host code object was made of; any other as it is."""
        return self._originals.get(id(host), host)

    def _ready(self, code: CodeType, namespace_is_globals: bool, module: str | None) -> Function:
        decoded = decode(code, self.operations)
        recorded = self.recorder.add(decoded, module) if self.recorder is not None else None
        if (distinct := with_distinct_cells(decoded)) is not code:
            decoded = decode(distinct, self.operations)
        with refusing(code):
            if self.stepping or code.co_stacksize > DEEPEST_FUSED:
                host = stub(self, decoded, recorded)
            else:
                in_globals = namespace_is_globals and decoded.kind != "class"
                host = Fuser(decoded, self.support, self._source, in_globals, recorded).fuse()
        if self.recorder is not None and recorded is not None:
            self.recorder.locate(recorded[0], host.located)
        return Function(decoded, host.code)

    def make_function(self, globals: dict[str, Any], flags: int, *parts: Any) -> FunctionType:
        """MAKE_FUNCTION: `parts` end with the code object."""
        *attributes, code = parts
        return self.function(code, module=globals.get("__name__")).make(globals, flags, *attributes)

    def run_code(self, code: CodeType, globals: dict[str, Any] | None = None, locals: Any = None) -> Any:
        """Runs a code object without arguments, as `exec` and `eval` do, and returns what it returns.

        Without `globals`, the code runs in a namespace of its own, as `__main__`.
        """
        if globals is None:
            globals = {"__name__": "__main__", "__builtins__": builtins}
        host = self.function(code, locals is None or locals is globals).host
        return eval(host, globals, locals)


for _name in ("run_code", "make_function", "function", "_ready"):
    setattr(VirtualMachine, _name, hide(getattr(VirtualMachine, _name)))
Function.make = hide(Function.make)  # type: ignore[method-assign]


def _add_handlers() -> None:
    """The running version's handlers are methods, so that a subclass can call the one it overrides."""
    for name, defined in opcodes().items():
        setattr(VirtualMachine, f"byte_{name}", defined.handler)


_add_handlers()
