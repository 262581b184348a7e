"""Straight code: the instructions of a basic block as Python expressions and statements.

The evaluation stack is followed while writing, not kept while running: an entry is an expression that stands for the
value, pasted in where the value is consumed. So `LOAD_FAST a; LOAD_FAST b; BINARY_OP +; STORE_FAST c` is written
`c = a + b`, whose operands live and die exactly as they do on CPython's stack. An entry is evaluated into a variable of
ours ("spilled") only where that could change what the program sees: before a statement that comes after it, where it is
used twice, and where blocks meet; there entry i is in `.s<i>`.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from string import digits
from typing import Any

from vmtrace.tracer.code import Code, Instruction
from vmtrace.tracer.host.host import Constants
from vmtrace.tracer.host.lines import QUIETLY, SILENT, TELLS_NOT
from vmtrace.tracer.host.moving import moved
from vmtrace.tracer.host.templates import Body, Source, expression, fill, statements, walk
from vmtrace.tracer.host.unseen import PREFIX
from vmtrace.tracer.opcodes.opset import Operation

DEEPEST_EXPRESSION = 30
LITERALS = (
    ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.JoinedStr, ast.FormattedValue, ast.Lambda,
    ast.GeneratorExp,
)  # fmt: skip
OURS = re.compile(r"\b_[a-z]\w*")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value on the evaluation stack."""

    node: ast.expr | None
    """What stands for it; None for NULL and for the exception that was handled before."""
    reads: frozenset[str] = frozenset()
    """The local variables, the program's and ours, that the expression reads."""
    atom: bool = True
    """Whether evaluating it can't be seen, so that it may be put off, repeated or left out."""
    null: bool = False
    height: int = 1


@functools.cache
def _ours(source: str) -> dict[str, str]:
    """By the words of a template that stand for variables of ours: these variables."""
    return {word: PREFIX + word[1:] for word in OURS.findall(source)}


VOID = Entry(None)
NULL_ENTRY = Entry(None, null=True)


@dataclass(slots=True)
class Straight:
    """Writes instructions; `out` is the list of statements, `stack` what the evaluation stack holds."""

    code: Code
    constants: Constants
    source: Source
    support: ast.expr
    """Host expression for the module that holds what handlers and glue call."""
    bound: Sequence[int]
    """By instruction: bit set of the local variables (index in co_varnames) that are surely bound there."""
    out: list[ast.stmt] = field(default_factory=list)
    stack: list[Entry] = field(default_factory=list)
    line: int = 1
    temporaries: set[str] = field(default_factory=set)
    global_names: set[str] = field(default_factory=set)

    # --- writing ------------------------------------------------------------------------------------------------

    def write(self, source: str, **names: Any) -> None:
        """Appends statements from source text; `M` in it is the support module, `_x` our variable `.x`."""
        self.out += self.made(source, **names)

    def made(self, source: str, **names: Any) -> list[ast.stmt]:
        return statements(source, self.line, M=self.support, **_ours(source), **names)

    def attempt(self, i: Instruction, written: list[ast.stmt]) -> None:
        """Appends statements one of which is a `try`: no line is told of in its handlers, which the program does not
        have, nor again where control comes from there."""
        after = 1 + next(n for n, statement in enumerate(written) if isinstance(statement, ast.Try))
        handlers = written[after - 1].handlers  # type: ignore[attr-defined]
        for node in (n for handler in handlers for n in walk(handler) if "lineno" in n._attributes):
            node.lineno = SILENT + i.index + 1  # type: ignore[attr-defined]
        goes_on = not all(isinstance(handler.body[-1], ast.Raise) for handler in handlers)
        self.out += [*written[:after], *(self.quietly(i) if goes_on else ()), *written[after:]]

    def quietly(self, i: Instruction) -> list[ast.stmt]:
        """Statements after which the line of an instruction is not told of."""
        return statements(TELLS_NOT, QUIETLY + i.index + 1, **_ours(TELLS_NOT))

    def expression(self, source: str, **names: Any) -> ast.expr:
        return expression(source, self.line, M=self.support, **_ours(source), **names)

    def constant(self, value: Any) -> ast.expr:
        node = self.constants.node(value)
        node.lineno = self.line
        return node

    def supported(self, name: str) -> ast.expr:
        """What the support module has under this name."""
        return self.expression(f"M.{name}")

    def load(self, name: str) -> ast.Name:
        return ast.Name(name, ast.Load(), lineno=self.line)

    # --- the stack ----------------------------------------------------------------------------------------------

    def push(self, node: ast.expr, consumed: Iterable[Entry] = (), reads: Iterable[str] = ()) -> None:
        """Pushes an expression that is made of what was consumed."""
        consumed = list(consumed)
        height = 1 + max((e.height for e in consumed), default=0)
        entry = Entry(node, frozenset(reads).union(*(e.reads for e in consumed)), atom=False, height=height)
        self.stack.append(entry)
        if height > DEEPEST_EXPRESSION:
            self.spill()

    def push_variable(self, name: str) -> None:
        self.stack.append(self.variable(name))

    def variable(self, name: str) -> Entry:
        return Entry(self.load(name), frozenset((name,)))

    def take(self, count: int = 1, changing: str | None = None) -> list[Entry]:
        """Pops what a statement is about to consume; before it, what is below is evaluated.

        `changing` is the variable that the statement changes: entries below that read it are evaluated too.
        """
        below = len(self.stack) - count
        self.spill((i for i, e in enumerate(self.stack[:below]) if changing in e.reads), below)
        return self.pop(count)

    def pop(self, count: int = 1) -> list[Entry]:
        if not count:
            return []
        popped = self.stack[-count:]
        del self.stack[-count:]
        return popped

    def value(self, entry: Entry) -> ast.expr:
        """The expression to paste in for an entry, read at the present line."""
        node = entry.node
        assert node is not None, "a NULL is not a value"
        if entry.atom:
            node = fill(node, {}, self.line)
        return node

    def last(self, operands: Iterable[Entry]) -> list[Entry]:
        """What has been popped, to be evaluated once, here, in this order: variables of ours that nothing else reads
        let go of it, as CPython's stack does, before anything else is evaluated."""
        operands = list(operands)
        reads = Counter(name for entry in (*operands, *self.stack) for name in entry.reads)
        return [
            replace(e, node=moved(e.node.id, self.line), atom=False)
            if isinstance(e.node, ast.Name) and e.node.id in self.temporaries and reads[e.node.id] == 1
            else e
            for e in operands
        ]

    def no_literal(self, place: int) -> None:
        """Puts a constant or a display into a variable where the compiler would warn of it, as it has warned before:
        called, subscripted or compared by identity."""
        if isinstance(self.stack[place].node, LITERALS):
            self.spill()
            self._evaluate(place % len(self.stack), self.fresh())

    def fresh(self) -> str:
        """A variable of ours that no entry reads."""
        used = frozenset[str]().union(*(e.reads for e in self.stack))
        number = 0
        while f"{PREFIX}v{number}" in used:
            number += 1
        return self.temporary(f"{PREFIX}v{number}")

    def temporary(self, name: str) -> str:
        self.temporaries.add(name)
        return name

    def slot(self, index: int) -> str:
        return self.temporary(f"{PREFIX}s{index}")

    def spill(self, forced: Iterable[int] = (), below: int | None = None) -> None:
        """Evaluates, deepest first, what is not yet (among the `below` lowest entries); then entries in `forced` also
        get into the variable of their place."""
        places = [p for p in forced if self.stack[p].node is not None]
        for index in range(len(self.stack) if below is None else below):
            entry = self.stack[index]
            if entry.atom or entry.node is None:
                continue
            slot = self.slot(index)
            if any(slot in e.reads for e in self.stack if e is not entry):
                slot = self.fresh()
            self._evaluate(index, slot)
        for index in places:
            slot = self.slot(index)
            if self.stack[index].reads != {slot}:
                self._make_room(slot, index)
                self._evaluate(index, slot)

    def _evaluate(self, index: int, variable: str) -> None:
        entry = self.stack[index]
        assert entry.node is not None
        self.stack[index] = self.variable(variable)
        self.out.append(self.assignment(variable, self.value(entry)))
        self.out += self.forgetting(entry.reads - {variable})

    def _make_room(self, slot: str, index: int) -> None:
        """Entries elsewhere that stand in this place's variable move out of it."""
        others = [n for n, e in enumerate(self.stack) if n != index and e.reads == {slot}]
        if others:
            name = self.fresh()
            self.out.append(self.assignment(name, self.load(slot)))
            for other in others:
                self.stack[other] = self.variable(name)

    def assignment(self, name: str, node: ast.expr) -> ast.stmt:
        return ast.Assign([ast.Name(name, ast.Store(), lineno=self.line)], node, lineno=self.line)

    def forget(self, names: Iterable[str]) -> None:
        """Lets go of our variables among `names` that no entry reads any more; a statement, so the stack is settled."""
        names = set(names)
        if self.forgetting(names):
            self.spill()
            self.out += self.forgetting(names)

    def forgetting(self, names: Iterable[str]) -> list[ast.stmt]:
        live = frozenset[str]().union(*(e.reads for e in self.stack))
        return [
            self.assignment(name, ast.Constant(None, lineno=self.line))
            for name in sorted(set(names) - live)
            if name in self.temporaries
        ]

    def statement(self, node: ast.stmt, consumed: Iterable[Entry]) -> None:
        """Appends a statement that consumes entries (see `take`)."""
        self.out.append(node)
        self.forget(frozenset[str]().union(*(e.reads for e in consumed)))

    # --- handlers -----------------------------------------------------------------------------------------------

    def paste(self, instruction: Instruction, jump: Any) -> None:
        """Writes an instruction as its handler's body says; `jump(test, pushed)` writes a conditional jump."""
        operation, arg = instruction.operation, instruction.arg
        body = self.source.body(operation, arg, instruction.value)
        count = operation.pops(arg)
        if body is None or not body.ordered:
            self.spill()
        elif body.assigns or body.test or body.effect:
            self.spill(below=len(self.stack) - count)
        if "beneath" in operation.facts and not self.stack[-count - arg].atom:
            self.spill()
        operands = self.pop(count)
        once = body is None or (body.consumes and jump is None)
        names = self._names(instruction, self.last(operands) if once else operands)
        if body is None:
            self._call_handler(instruction, operands, names)
            return
        names |= {name: self.supported(name) for name in body.free}  # globals and builtins are found there
        for assign in body.assigns:
            local = assign.targets[0].id  # type: ignore[attr-defined]
            names[local] = variable = self.fresh_besides(operands)
            self.out.append(self.assignment(variable, self._filled(assign.value, names)))
            operands = [*operands, self.variable(variable)]
        if body.test is not None:
            pushed = [self._entry(node, operands, names) for node in body.jumped]
            jump(self._filled(body.test, names), pushed, operands)
        if body.effect is not None and body.returned is None:
            self.statement(self._filled(body.effect, names), operands)
        elif body.effect is not None:
            self.out.append(self._filled(body.effect, names))
        if body.returned is not None:
            self._push_returned(body, operation, arg, operands, names)
        elif body.effect is None:  # it only drops them
            self.forget(n for e in operands for n in e.reads)

    def fresh_besides(self, operands: Sequence[Entry]) -> str:
        self.stack += operands
        name = self.fresh()
        del self.stack[len(self.stack) - len(operands) :]
        return name

    def _push_returned(
        self, body: Body, operation: Operation, arg: int, operands: list[Entry], names: dict[str, Any]
    ) -> None:
        assert body.returned is not None
        pushes = operation.pushes(arg)
        if isinstance(body.returned, ast.Tuple) and not operation.returns_value:
            kept = [self._entry(node, operands, names) for node in body.returned.elts]
            self.stack += kept
            self.forget(n for e in operands for n in e.reads)
        elif pushes == 1:
            self.push(self._filled(body.returned, names), operands)
        else:
            self.unpack_result(self._filled(body.returned, names), pushes, operands)

    def unpack_result(self, result: ast.expr, pushes: int, operands: list[Entry]) -> None:
        variables: list[str] = []
        for _ in range(pushes):
            variables.append(self.fresh_besides([*operands, *map(self.variable, variables)]))
        targets: list[ast.expr] = [ast.Name(v, ast.Store(), lineno=self.line) for v in variables]
        target = ast.Tuple(targets, ast.Store(), lineno=self.line)
        self.out.append(ast.Assign([target], result, lineno=self.line))
        self.stack += map(self.variable, variables)
        self.forget(n for e in operands for n in e.reads)

    def _entry(self, node: ast.expr, operands: list[Entry], names: dict[str, Any]) -> Entry:
        """What a handler returns: one of its operands as it is, or an expression."""
        if isinstance(node, ast.Name):
            if node.id == "NULL":
                return NULL_ENTRY
            replacement: Any = names[node.id]
            if isinstance(replacement, str):
                return self.variable(replacement)
            if isinstance(replacement, Entry):  # VOID: the exception that was handled before
                return replacement
            for operand in operands:
                if operand.node is not None and operand.node is replacement:
                    return operand
        reads = frozenset[str]().union(*(e.reads for e in operands))
        height = 1 + max((e.height for e in operands), default=0)
        return Entry(self._filled(node, names), reads, atom=False, height=height)

    def _filled(self, node: Any, names: dict[str, Any]) -> Any:
        return fill(node, names, self.line)

    def _names(self, instruction: Instruction, operands: list[Entry]) -> dict[str, Any]:
        """What stands for a handler's parameters."""
        operation = instruction.operation
        fixed = len(operation.operands)
        names: dict[str, Any] = {
            parameter: VOID if entry.node is None else entry.node
            for parameter, entry in zip(operation.operands, operands[:fixed], strict=True)
        }
        if operation.star:
            names[operation.star] = [self.value(e) for e in operands[fixed:]]
        facts: dict[str, Any] = {"arg": instruction.arg, "name": instruction.value, "const": instruction.value}
        for fact in operation.facts:
            if fact == "beneath":
                names[fact] = self.value(self.stack[-instruction.arg])
            elif fact == "kwnames":
                names[fact] = self.constant(instruction.kwnames)
            else:
                names[fact] = self.constant(facts[fact])
        names["vm"] = self.expression("M.vm")
        return names

    def _call_handler(self, instruction: Instruction, operands: list[Entry], names: dict[str, Any]) -> None:
        operation = instruction.operation
        call = ast.Call(
            self.supported(f"byte_{operation.name}"),
            [names["vm"], *(self.value(e) for e in self.last(operands))],
            [ast.keyword(f, names[f], lineno=self.line) for f in operation.facts],
            lineno=self.line,
        )
        pushes = operation.pushes(instruction.arg)
        if pushes == 1:
            self.push(call, operands)
        elif pushes:
            self.unpack_result(call, pushes, operands)
        else:
            self.statement(ast.Expr(call, lineno=self.line), operands)


def height(name: str) -> tuple[str, int]:
    """Sorts our variables by where on the stack is what they hold: the places in which blocks meet are below."""
    kind = name.rstrip(digits)
    return kind, int(name.removeprefix(kind) or 0)
