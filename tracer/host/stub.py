"""The host function of the stepping interpreter: what CPython runs in place of a function of the program.

For

    def total(n):
        s = 0
        for i in range(n):
            s += i
        return s

it reads (`.frame` is a variable that the program cannot name; instructions in comments)

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

A line per instruction, at the instruction's own place in the source: so CPython itself keeps right what
tracebacks, `f_lineno` and warnings tell of the program's frames. And what others look at in a frame is done
in it: its variables are stored there, and the program's calls are made from there.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from vmtrace.tracer.code import Block, Code, Instruction
from vmtrace.tracer.frame import Activity, Recorded
from vmtrace.tracer.fused.inlined import accesses, argument_count, inlined
from vmtrace.tracer.fused.support import CREATED
from vmtrace.tracer.host.delegates import ABOVE_DELEGATE, LANDED, PAD
from vmtrace.tracer.host.hide import hide
from vmtrace.tracer.host.host import Constants, Host, _no_arguments, finish
from vmtrace.tracer.host.lines import SILENT
from vmtrace.tracer.host.templates import expression, statements
from vmtrace.tracer.host.unseen import PREFIX
from vmtrace.tracer.notes import CREATE, SUSPEND
from vmtrace.tracer.step import begin_generator, enter, enter_generator, go_on_generator, step

if TYPE_CHECKING:
    from vmtrace.tracer.vm import VirtualMachine

WRITES_THROUGH = not isinstance((lambda: sys._getframe().f_locals)(), dict)
"""Whether a frame's `f_locals` are its variables themselves (PEP 667, from 3.13 on)."""
CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})


def stub(vm: VirtualMachine, code: Code, recorded: tuple[int, int] | None = None) -> Host:
    """The host function of a code object. `recorded`: its code id and first block id, if it is recorded."""
    return _Writer(vm, code, recorded).written()


class _Writer:
    """Writes the host function of one code object."""

    def __init__(self, vm: VirtualMachine, code: Code, recorded: tuple[int, int] | None) -> None:
        self.code = code
        self.inlined = inlined(code)
        self.constants = Constants()
        block_of = [block.index for block in code.blocks for _ in range(len(block))]
        handlers = [hide(i.operation.handler) for i in code.instructions]
        self.recorded = Recorded(*recorded) if recorded is not None else None
        self.activity = Activity(vm, code, handlers, block_of, vm.check, self.recorded)
        support = ModuleType("vmtrace.support")
        vars(support).update(
            step=step,
            enter=partial(enter, self.activity),
            enter_generator=partial(enter_generator, self.activity),
            begin_generator=partial(begin_generator, self.activity),
            go_on_generator=go_on_generator,
            locals=builtins.locals,
            BaseException=BaseException,
            **{name: getattr(vm.support, name, None) for name in ("thread", "made")},
        )
        self.names: dict[str, Any] = {"FRAME": f"{PREFIX}frame", "M": self.constants.node(support)}

    def written(self) -> Host:
        places = {block.index: self._block(block) for block in self.code.blocks}
        (loop,) = self._made(LOOP)
        attempt = loop.body[0]  # type: ignore[attr-defined]
        attempt.body[1:] = self._tree("FRAME.at", places)
        attempt.handlers[0].body[0].body = self._tree("FRAME.raised", self._raises())
        host = finish(self.code, [*self._entry(), loop], self.constants, self._prologue())
        if self.recorded is not None:
            self.recorded.units += [2 * unit for unit in host.unit_of]
        return host

    def _made(self, source: str, line: int = SILENT + 1, **names: Any) -> list[ast.stmt]:
        return statements(source, line, **self.names, **names)

    def _prologue(self) -> int | None:
        """The line of what a generator function does when it is called."""
        begins = self.code.iterates_first or (self.code.suspends and self.recorded is not None)
        return len(self.code.instructions) + 2 if begins else None

    def _entry(self) -> list[ast.stmt]:
        """Makes the frame out of the arguments and cells, or the namespace."""
        original = self.code.code
        shared = sorted({*original.co_cellvars} - self.inlined.absent | {*original.co_freevars})
        given = [n for n in original.co_varnames[: argument_count(original)] if n not in shared]
        space = "None" if self.code.flags & inspect.CO_OPTIMIZED else "M.locals()"
        names: dict[str, Any] = {
            "GENERATOR": self.constants.node(-1),
            "CELLS": ast.Lambda(_no_arguments(), ast.Tuple([_load(n) for n in shared], ast.Load())),
            "GIVEN": ast.Dict([self.constants.node(n) for n in given], [_load(n) for n in given]),
            "SPACE": expression(space, 1, **self.names),
        }
        if not self.code.suspends:
            return self._made("FRAME = M.enter(GIVEN, CELLS, SPACE)", **names)
        created = []
        prologue = self._prologue()
        if self.code.iterates_first and prologue is not None:
            begun = self._made("FRAME = M.begin_generator(GIVEN, CELLS, SPACE)", prologue, **names)
            return [*begun, *self._made("M.go_on_generator(FRAME)")]
        if self.recorded is not None and prologue is not None:
            names["GENERATOR"] = f"{PREFIX}generator"
            facts = {"CREATE": CREATE, "SUSPEND": SUSPEND}
            facts |= {"CODE": self.recorded.code_id, "BLOCK": self.recorded.first_block}
            ours = {f"_{name}": f"{PREFIX}{name}" for name in ("generator", "notes", "frames")}
            nodes = {name: self.constants.node(fact) for name, fact in facts.items()}
            created = self._made(CREATED, prologue, **ours, **nodes)
        return [*created, *self._made("FRAME = M.enter_generator(GENERATOR, GIVEN, CELLS, SPACE)", **names)]

    def _tree(self, decided: str, places: Mapping[int, list[ast.stmt]]) -> list[ast.stmt]:
        """Finds the last place whose number is not above what is `decided` upon, by halves."""
        numbers = sorted(places)
        if len(numbers) == 1:
            return places[numbers[0]]
        middle = len(numbers) // 2
        left = self._tree(decided, {n: places[n] for n in numbers[:middle]})
        right = self._tree(decided, {n: places[n] for n in numbers[middle:]})
        test = expression(f"{decided} < MIDDLE", SILENT + 1, MIDDLE=self.constants.node(numbers[middle]), **self.names)
        return [ast.If(test, left, right, lineno=SILENT + 1)]

    def _raises(self) -> dict[int, list[ast.stmt]]:
        """A `raise` for each line of the source: the line at which the frame is seen to be left."""
        line = {i.index: i.position[0] for i in self.code.instructions}
        return {i: self._made("raise", i + 1) for i in line if i == 0 or line[i] != line[i - 1]}

    def _block(self, block: Block) -> list[ast.stmt]:
        return [line for i in self.code.instructions[block.start : block.stop] for line in self._line(i)]

    def _line(self, i: Instruction) -> list[ast.stmt]:
        """What stands in the host function for an instruction."""
        line = i.index + 1
        if self.activity.is_delegating(i.index):
            return self._delegating_yield(line)
        if i.name == "YIELD_VALUE":
            return self._made("FRAME.resume((yield M.step(FRAME)))", line)
        if i.operation.flow == "end":
            return self._made("return M.step(FRAME)", line)
        if i.name in CALLS:
            return self._call(i, line)
        return [*self._refreshed(i, line), *self._made("M.step(FRAME)", line), *self._variables(i, line)]

    def _refreshed(self, i: Instruction, line: int) -> list[ast.stmt]:
        """Before an instruction reads variables, has the frame know what others have written into the host's."""
        if not WRITES_THROUGH:
            return []
        read = [name for kind, name, _ in accesses(i) if kind != "STORE_FAST" and name not in self.inlined.unseen]
        constant = self.constants.node
        return [s for name in read for s in self._made("FRAME.refresh(NAME, M.locals())", line, NAME=constant(name))]

    def _variables(self, i: Instruction, line: int) -> list[ast.stmt]:
        """Changes the host's variables as the instruction has changed the frame's."""
        changed: list[ast.stmt] = []
        for kind, name, _ in accesses(i):
            if name in self.inlined.unseen:
                continue
            source = MIRRORED.get(kind, "")
            if (i.index, name) in self.inlined.restores:
                source = f"if NAME in FRAME.locals: {source}\nelse: VARIABLE = None; del VARIABLE"
            changed += self._made(source, line, VARIABLE=name, NAME=self.constants.node(name))
        return changed

    def _delegating_yield(self, line: int) -> list[ast.stmt]:
        """A yield that CPython knows for a delegate's (see `delegates.delegating`)."""
        source = f"""
            LANDED = FRAME.delegate, {ABOVE_DELEGATE}(yield (PADDED := M.step(FRAME))), FRAME.note_sent()
            FRAME.resume_delegating(LANDED)
            LANDED = None
        """
        return self._made(source, line, LANDED=LANDED, PADDED=PAD)

    def _call(self, i: Instruction, line: int) -> list[ast.stmt]:
        """Makes the call that the handler has prepared; arguments are passed one by one if they can be."""

        def taken() -> ast.expr:
            return expression("FRAME.take()", line, **self.names)

        positional = i.arg - len(i.kwnames) if i.name != "CALL_FUNCTION_EX" else 0
        keywords = [ast.keyword(name, taken()) for name in i.kwnames]
        source = """
            M.step(FRAME)
            if FRAME.call is not None:
                FRAME.result(PLAIN if FRAME.passes(COUNT, NAMED) else TAKE(*TAKE, **TAKE))
        """
        return self._made(
            source,
            line,
            PLAIN=ast.Call(taken(), [taken() for _ in range(positional)], keywords, lineno=line),
            COUNT=self.constants.node(positional),
            NAMED=self.constants.node(i.kwnames),
            TAKE=taken(),
        )


MIRRORED = {
    "STORE_FAST": "VARIABLE = FRAME.locals[NAME]",
    "DELETE_FAST": "del VARIABLE",
    "LOAD_FAST_AND_CLEAR": "VARIABLE = None; del VARIABLE",
}
"""What is done to a variable of the host function for what has been done to the frame's."""

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
