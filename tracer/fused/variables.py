"""Host forms of the opcodes for local variables and cells: they are the host function's own."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vmtrace.tracer.code import Instruction
from vmtrace.tracer.fused.inlined import Inlined, accesses
from vmtrace.tracer.fused.straight import NULL_ENTRY, Entry, Straight
from vmtrace.tracer.host.own import own, own_name
from vmtrace.tracer.host.templates import fill
from vmtrace.tracer.host.unseen import PREFIX

ENTRY = frozenset({"RESUME", "RETURN_GENERATOR"})


@dataclass(slots=True)
class Variables(Straight):
    namespace: ast.expr | None = None
    """Host expression for the mapping that a class or module body's names live in; None where they are globals."""
    inlined: Inlined = field(default_factory=Inlined)

    def _space(self) -> Any:
        return self.expression("M.globals()") if self.namespace is None else fill(self.namespace, {}, self.line)

    # --- variables that the host function does not have (see `inlined`) ---------------------------------------------

    def holder(self, name: str) -> str:
        """The variable that holds what CPython's does: the name's own, or one of ours."""
        return f"{PREFIX}h{name}" if name in self.inlined.unseen else name

    def begin(self) -> list[ast.stmt]:
        """What our own variables that stand for the program's hold when the function begins."""
        begun: list[ast.stmt] = []
        for name in sorted(self.inlined.unseen):
            absent = name in self.inlined.absent
            source = "HOLDER = M.NULL" if absent else "HOLDER = (lambda: X).__closure__[-1]"
            if name in self.inlined.of_body:
                source = "HOLDER = M.CellType()"
            begun += self.made(source, HOLDER=self.holder(name), X=name)
        return begun

    def hidden(self) -> ast.expr | None:
        """A dictionary of what the variables of comprehensions hold in a module's or class's body, of which CPython
        shows those that hold something; None if there are no such variables."""
        code = self.code.code
        if self.inlined.unseen == self.inlined.of_body or code.co_flags & inspect.CO_OPTIMIZED:
            return None
        unseen = self.inlined.unseen - self.inlined.of_body
        names = [n for n in dict.fromkeys((*code.co_varnames, *code.co_cellvars)) if n in unseen]
        held = [
            self.expression(
                "M.content(HOLDER)" if self._is_held(n) and n in code.co_cellvars else "HOLDER", HOLDER=node
            )
            for n, node in ((n, self.load(self.holder(n))) for n in names)
        ]
        return ast.Dict([self.constant(n) for n in names], held)

    # --- local variables --------------------------------------------------------------------------------------------

    def access(self, i: Instruction) -> None:
        """Any instruction for local variables."""
        for kind, name, place in accesses(i):
            if kind == "LOAD_FAST" and self._is_cell(name, place):
                self.push(self._own_cell(name))
            else:
                getattr(self, f"_{kind.lower()}")(i, name)

    def _is_cell(self, name: str, place: int) -> bool:
        """Whether a variable is a cell outside of a comprehension."""
        if place >= len(self.code.code.co_varnames):
            return True
        return name in self.code.code.co_cellvars and name not in self.inlined.unseen

    def _load_fast(self, i: Instruction, name: str) -> None:
        if name in self.inlined.unseen or self._surely_bound(i, name):
            self.push_variable(self.holder(name))
        else:
            self.push(self.load(name), reads=(name,))

    def _surely_bound(self, i: Instruction, name: str) -> bool:
        names = self.code.code.co_varnames
        return name in names and bool(self.bound[i.index] >> names.index(name) & 1)

    def _load_fast_check(self, i: Instruction, name: str) -> None:
        if name in self.inlined.unseen:
            holder = self.holder(name)
            source = "M.bound(HOLDER, NAME)"
            self.push(self.expression(source, HOLDER=holder, NAME=self.constant(name)), reads=(holder,))
        else:
            self.push(self.load(name), reads=(name,))

    def _load_fast_and_clear(self, i: Instruction, name: str) -> None:
        if i.index in self.inlined.empty:
            self.stack.append(NULL_ENTRY)
            return
        holder = self.holder(name)
        self.take(0, changing=holder)
        kept = self.fresh()
        clear = "KEPT = HOLDER\nHOLDER = M.NULL"
        if name not in self.inlined.unseen:
            clear = "try: KEPT = HOLDER; del HOLDER\nexcept M.UnboundLocalError: KEPT = M.NULL"
        written = self.made(clear, KEPT=kept, HOLDER=holder)
        if name in self.inlined.unseen:
            self.out += written
        else:
            self.attempt(i, written)
        self.push_variable(kept)

    def _store_fast(self, i: Instruction, name: str) -> None:
        holder = self.holder(name)
        (entry,) = self.take(changing=holder)
        if entry.atom and entry.reads == {holder}:
            return
        cleared = self.inlined.restores.get((i.index, name))
        if cleared is None or (name in self.inlined.unseen and not entry.null):
            target = ast.Name(holder, ast.Store(), lineno=self.line)
            self.statement(self._assigned(target, entry), [entry])
        elif name in self.inlined.unseen:
            self.write("HOLDER = M.NULL", HOLDER=holder)
        elif entry.null:
            self.write("HOLDER = None; del HOLDER", HOLDER=holder)
        else:
            restore = "if KEPT is M.NULL: HOLDER = None; del HOLDER\nelse: HOLDER = KEPT"
            self.write(restore, KEPT=self.value(entry), HOLDER=holder)
            self.forget(entry.reads)

    def _delete_fast(self, i: Instruction, name: str) -> None:
        self.take(0, changing=name)
        self.out.append(ast.Delete([ast.Name(name, ast.Del(), lineno=self.line)], lineno=self.line))

    def _assigned(self, target: ast.expr, entry: Entry) -> ast.stmt:
        return ast.Assign([target], self.value(entry), lineno=self.line)

    def _store(self, target: ast.expr) -> None:
        (entry,) = self.take()
        self.statement(self._assigned(target, entry), [entry])

    # --- cells ------------------------------------------------------------------------------------------------------

    def form_MAKE_CELL(self, i: Instruction) -> None:
        """The host function makes its own cells as it begins; one for a comprehension is made here."""
        if self._is_held(i.value) and any(e.name in ENTRY for e in self.code.instructions[: i.index]):
            self.spill()
            self.write("HOLDER = M.CellType()", HOLDER=self.holder(i.value))

    def _is_held(self, cell: str) -> bool:
        """Whether a cell is in a variable of ours."""
        return cell in self.inlined.unseen and cell not in self.code.code.co_freevars

    def form_LOAD_DEREF(self, i: Instruction) -> None:
        if self._is_held(i.value):
            source = "M.load_cell(HOLDER, NAME)"
            name, holder = self.constant(i.value), self.holder(i.value)
            self.push(self.expression(source, HOLDER=holder, NAME=name), reads=(holder,))
        else:
            self.push(self.load(i.value))

    def form_STORE_DEREF(self, i: Instruction) -> None:
        self._store(self._cell(i.value, ast.Store()))

    def form_DELETE_DEREF(self, i: Instruction) -> None:
        self.spill()
        self.out.append(ast.Delete([self._cell(i.value, ast.Del())], lineno=self.line))

    def _cell(self, name: str, context: ast.expr_context) -> ast.expr:
        if self._is_held(name):
            holder = ast.Name(self.holder(name), ast.Load(), lineno=self.line)
            return ast.Attribute(holder, "cell_contents", context, lineno=self.line)
        return ast.Name(name, context, lineno=self.line)

    def form_LOAD_CLOSURE(self, i: Instruction) -> None:
        self.push(self._own_cell(i.value))

    def form_LOAD_CLASSDEREF(self, i: Instruction) -> None:
        if self.namespace is not None and i.value in self.code.code.co_freevars:
            self.push(own_name(i))
        else:
            self._deref_besides(self._space(), (), i.value)

    def form_LOAD_FROM_DICT_OR_DEREF(self, i: Instruction) -> None:
        operands = self.pop()
        mapping = self.value(operands[0])
        if i.value in self.code.code.co_freevars:
            self.push(own(i, [mapping, own_name(i)]), operands)
        else:
            self._deref_besides(mapping, operands, i.value)

    def _deref_besides(self, mapping: ast.expr, operands: Sequence[Entry], name: str) -> None:
        cell = self._own_cell(name)
        source = "M.class_deref(SPACE, NAME, CELL)"
        self.push(self.expression(source, SPACE=mapping, NAME=self.constant(name), CELL=cell), operands)

    def _own_cell(self, name: str) -> ast.expr:
        """The cell itself; where `super` is named, the compiler puts `__class__` before it."""
        if self._is_held(name):
            return self.load(self.holder(name))
        return self.expression("(lambda: X).__closure__[-1]", X=name)


def is_own_cell(node: ast.expr) -> bool:
    """Whether an expression is a cell of the host function's."""
    return (
        isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "__closure__"
    )
