"""The stepping interpreter: the VM as one would explain it, an instruction at a time.

`step` executes one instruction: it fetches the operands from the frame's stack, calls the opcode's handler, pushes
what that returns, and moves on. The loop around it is written out per code object, as the *host function* that CPython
runs in place of the program's own. For

    def total(n):
        s = 0
        for i in range(n):
            s += i
        return s

it reads (instructions in comments; `.frame` is a variable that the program cannot name)

    def total(n):
        .frame = enter({"n": n}, lambda: ())
        while True:
            try:
                .frame.begin_block()                          # where to go on
                if .frame.at < 1:
                    step(.frame)                              # RESUME
                    step(.frame)                              # LOAD_CONST 0
                    step(.frame); s = .frame.locals["s"]      # STORE_FAST s
                    step(.frame)                              # LOAD_GLOBAL range
                    ...
                elif .frame.at < 2:
                    step(.frame)                              # FOR_ITER
                ...
                else:
                    return step(.frame)                       # RETURN_VALUE
            except BaseException:
                if not .frame.catches():
                    raise

A line per instruction, at the instruction's own place in the source: so CPython itself keeps right what tracebacks,
`f_lineno` and warnings tell of the program's frames. And what a frame's neighbours look at is done in it: its variables
are stored there, and the program's calls are made from there.
"""

from __future__ import annotations

import _thread
import ast
import builtins
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from vmtrace.tracer.code import Block, Code, Instruction
from vmtrace.tracer.errors import CodeError
from vmtrace.tracer.frame import Activity, Frame
from vmtrace.tracer.hide import hide, hide_functions
from vmtrace.tracer.host import LANDED, PAD, PREFIX, Constants, Host, _argument_count, _no_arguments, finish
from vmtrace.tracer.opset import Call, Jump
from vmtrace.tracer.templates import expression, statements

if TYPE_CHECKING:
    from vmtrace.tracer.vm import VirtualMachine

STORES = frozenset({"STORE_FAST"})
DELETES = frozenset({"DELETE_FAST"})
CALLS = frozenset({"CALL", "CALL_FUNCTION_EX"})


# --- executing an instruction -----------------------------------------------------------------------------------------


def step(frame: Frame) -> Any:
    """Executes the frame's next instruction. What a `return` or `yield` hands out is returned.

    A call is left for the host function to make: `frame.call`.
    """
    instruction, stack = frame.instruction, frame.stack
    operation, arg = instruction.operation, instruction.arg
    activity = frame.activity
    if activity.check and len(stack) != instruction.depth:
        raise CodeError(
            frame.code.code, instruction.offset, f"{len(stack)} entries on the stack, not {instruction.depth}"
        )
    bottom = len(stack) - operation.pops(arg)
    facts = {fact: FACTS[fact](frame, instruction, bottom) for fact in operation.facts}
    result = activity.handlers[instruction.index](activity.vm, *stack[bottom:], **facts)
    del stack[bottom:], facts  # only now: an exception's handler may count on the operands
    if type(result) is Jump:
        stack.extend(result)
        assert instruction.target is not None
        frame.index = instruction.target
        return None
    if instruction.name == "YIELD_VALUE":
        frame.suspended = True
        return result
    if operation.flow == "end":
        frame.leave()
        return result
    if type(result) is Call:
        frame.call = result
        return None
    if operation.returns_value:
        stack.append(result)
    elif result is not None:
        stack.extend(result)
    frame.index += 1
    return None


FACTS: dict[str, Callable[[Frame, Instruction, int], Any]] = {
    "arg": lambda frame, instruction, bottom: instruction.arg,
    "const": lambda frame, instruction, bottom: instruction.value,
    "name": lambda frame, instruction, bottom: instruction.value,
    "beneath": lambda frame, instruction, bottom: frame.stack[bottom - instruction.arg],
    "kwnames": lambda frame, instruction, bottom: instruction.kwnames,
    "frame": lambda frame, instruction, bottom: frame,
}
"""What a handler may ask for besides operands (see `opset`)."""


# --- the host function --------------------------------------------------------------------------------------------


def stub(vm: VirtualMachine, code: Code) -> Host:
    """The host function of a code object."""
    return _Writer(vm, code).written()


class Bodies(_thread._local):
    """The frames of a module's or class's body, by thread: its host function has no variables but the program's."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    @property
    def frame(self) -> Frame:
        return self.frames[-1]


def enter(activity: Activity, given: dict[str, Any], cells: Any, namespace: Any = None) -> Frame:
    """Makes the frame for the host frame that calls this.

    `given`: the arguments. `cells`: a function that closes over all cells and free variables.
    """
    _make_room(ROOM)
    by_name = dict(zip(cells.__code__.co_freevars, cells.__closure__ or (), strict=True))
    return Frame(activity, sys._getframe(1), given, by_name, namespace)


def enter_body(activity: Activity, bodies: Bodies, cells: Any, namespace: Any) -> None:
    bodies.frames.append(enter(activity, {}, cells, namespace))


def enter_generator(activity: Activity, given: dict[str, Any], cells: Any, namespace: Any = None) -> Frame:
    """Makes the frame of a generator that runs for the first time: the host's has its RETURN_GENERATOR behind it."""
    frame = enter(activity, given, cells, namespace)
    while frame.instruction.name != "RETURN_GENERATOR":
        step(frame)
    step(frame)
    return frame


ROOM = 6
"""Calls that the interpreter must be able to make to handle a RecursionError of the program's."""


def _make_room(levels: int) -> None:
    """Raises RecursionError here and now, where it looks as if the call of the program's function had done it."""
    if levels:
        _make_room(levels - 1)


class _Writer:
    """Writes the host function of one code object."""

    def __init__(self, vm: VirtualMachine, code: Code) -> None:
        self.code = code
        self.constants = Constants()
        block_of = [block.index for block in code.blocks for _ in range(len(block))]
        handlers = [hide(i.operation.handler) for i in code.instructions]
        self.activity = Activity(vm, code, handlers, block_of, vm.check)
        self.in_body = not code.suspends and not code.flags & inspect.CO_OPTIMIZED
        self.bodies = Bodies()
        own: ast.expr = ast.Name(f"{PREFIX}frame", ast.Load())
        if self.in_body:
            own = ast.Attribute(self.constants.node(self.bodies), "frame", ast.Load())
        support = SimpleNamespace(
            step=step,
            make=partial(enter_generator if code.suspends else enter, self.activity),
            begin=partial(enter_body, self.activity, self.bodies),
            locals=builtins.locals,
            BaseException=BaseException,
        )
        self.names = {
            "FRAME": own,
            "M": self.constants.node(support),
        }

    def written(self) -> Host:
        places = {block.index: self._block(block) for block in self.code.blocks}
        (loop,) = self._made(LOOP)
        loop.body[0].body[1:] = self._tree(sorted(places), places)  # type: ignore[attr-defined]
        return finish(self.code, [*self._entry(), loop], self.constants)

    def _made(self, source: str, line: int = 1, **names: Any) -> list[ast.stmt]:
        return statements(source, line, **self.names, **names)

    def _entry(self) -> list[ast.stmt]:
        """Makes the frame out of the arguments and cells, or the namespace."""
        original = self.code.code
        shared = sorted({*original.co_cellvars, *original.co_freevars})
        given = [n for n in original.co_varnames[: _argument_count(original)] if n not in shared]
        names: dict[str, Any] = {
            "CELLS": ast.Lambda(_no_arguments(), ast.Tuple([_load(n) for n in shared], ast.Load())),
            "GIVEN": ast.Dict([self.constants.node(n) for n in given], [_load(n) for n in given]),
        }
        if self.in_body:
            return self._made("M.begin(CELLS, M.locals())", **names)
        namespace = "" if self.code.flags & inspect.CO_OPTIMIZED else ", M.locals()"
        return self._made(f"OWN = M.make(GIVEN, CELLS{namespace})", OWN=f"{PREFIX}frame", **names)

    def _tree(self, numbers: list[int], places: Mapping[int, list[ast.stmt]]) -> list[ast.stmt]:
        """Finds the place to go to by halves."""
        if len(numbers) == 1:
            return places[numbers[0]]
        middle = len(numbers) // 2
        left, right = self._tree(numbers[:middle], places), self._tree(numbers[middle:], places)
        test = expression("FRAME.at < MIDDLE", 1, MIDDLE=self.constants.node(numbers[middle]), **self.names)
        return [ast.If(test, left, right, lineno=1)]

    def _block(self, block: Block) -> list[ast.stmt]:
        return [line for i in self.code.instructions[block.start : block.stop] for line in self._line(i)]

    def _line(self, i: Instruction) -> list[ast.stmt]:
        """What stands in the host function for an instruction."""
        line, variable = i.index + 1, {"VARIABLE": i.value, "NAME": self.constants.node(i.value)}
        if self.activity.is_delegating(i.index):
            return self._delegating_yield(line)
        if i.name == "YIELD_VALUE":
            return self._made("FRAME.resume((yield M.step(FRAME)))", line)
        if i.operation.flow == "end":
            return self._made("return M.step(FRAME)", line)
        if i.name in STORES:
            return self._made("M.step(FRAME)\nVARIABLE = FRAME.locals[NAME]", line, **variable)
        if i.name in DELETES:
            return self._made("M.step(FRAME)\ndel VARIABLE", line, **variable)
        if i.name in CALLS:
            return self._call(i, line)
        return self._made("M.step(FRAME)", line)

    def _delegating_yield(self, line: int) -> list[ast.stmt]:
        """A yield that CPython knows for a delegate's (see `host.delegating`)."""
        source = """
            LANDED = FRAME.delegate, (yield (PADDED := M.step(FRAME))), FRAME.note_sent()
            FRAME.resume_delegating(LANDED)
            LANDED = None
        """
        return self._made(source, line, LANDED=LANDED, PADDED=PAD)

    def _call(self, i: Instruction, line: int) -> list[ast.stmt]:
        """Makes the call that the handler has prepared; arguments are passed one by one where they are so many."""

        def taken() -> ast.expr:
            return expression("FRAME.take()", line, **self.names)

        named = i.kwnames
        positional = i.arg - len(named) if i.name == "CALL" else 0
        keywords = [ast.keyword(name, taken()) for name in named]
        call = ast.Call(taken(), [taken() for _ in range(positional)], keywords, lineno=line)
        source = """
            M.step(FRAME)
            if FRAME.call is not None:
                FRAME.result(CALL if FRAME.passes(COUNT, NAMED) else FRAME.take()(*FRAME.take(), **FRAME.take()))
        """
        names = {"CALL": call, "COUNT": self.constants.node(positional), "NAMED": self.constants.node(named)}
        return self._made(source, line, **names)


LOOP = """
while True:
    try:
        FRAME.begin_block()
    except M.BaseException:
        if not FRAME.catches():
            raise
"""


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


hide_functions(globals())
