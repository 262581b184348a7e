"""Host forms of the opcodes that are the host's own instruction (see `own`): among them those that make functions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from vmtrace.tracer.code import Instruction
from vmtrace.tracer.fused.straight import NULL_ENTRY, Entry
from vmtrace.tracer.fused.variables import Variables, is_own_cell
from vmtrace.tracer.host.hide import hide
from vmtrace.tracer.host.own import KEPT, own
from vmtrace.tracer.opcodes.semantics import ANNOTATE, ANNOTATIONS, CLOSURE, DEFAULTS, KEYWORD_DEFAULTS


class Ready:
    """`code`: the host code of a function that host code makes, which is made when it is first asked for."""

    def __init__(self, function: Callable[..., Any], code: CodeType) -> None:
        self._function, self._of = function, code

    def __getattr__(self, name: str) -> CodeType:
        """No jump leads past it, as past a test: a trace function would be told of the line again (3.12)."""
        code: CodeType = self._function(self._of, module=sys._getframe(1).f_globals.get("__name__")).host
        self.code = code
        return code

    __getattr__ = hide(__getattr__)


@dataclass(slots=True)
class Functions(Variables):
    function: Callable[..., Any] = field(default=Ready)
    """The machine's, which makes code ready."""
    functions: dict[int, tuple[ast.expr, CodeType]] = field(default_factory=dict)
    """By id: expressions that make a function, and the code that it is made of."""

    def by_own(self, i: Instruction) -> None:
        """Writes an instruction as the host's own."""
        count, kept = i.operation.pops(i.arg), KEPT.get(i.name, 0)
        self.no_literal(-count)  # or the compiler makes a constant of the operands
        if kept and not self.stack[-count].atom:
            self.spill()
        pushed = i.operation.pushes(i.arg) - kept
        operands = self.pop(count) if pushed == 1 else self.take(count)
        node = own(i, [self.value(e) for e in (operands if kept else self.last(operands))])
        self.stack += operands[:kept]
        if pushed == 1:
            self.push(node, operands)
        else:
            self.unpack_result(node, pushed, operands)

    def form_LOAD_SPECIAL(self, i: Instruction) -> None:
        """By the host's own. What it finds are then the `args` of an exception, for neither making one nor binding a
        method is a call of Python's, and bound, in one variable."""
        operands = self.take()
        found = self.fresh_besides(operands)
        special = own(i, [self.expression("M.Exception"), *map(self.value, self.last(operands))])
        self.out.append(self.assignment(found, ast.Attribute(special, "args", ast.Load(), lineno=self.line)))
        self.write("FOUND = M.MethodType(FOUND[1], FOUND[0]) if M.len(FOUND) > 1 else FOUND[0]", FOUND=found)
        self.push_variable(found)
        self.stack.append(NULL_ENTRY)
        self.forget(operands[0].reads)

    def form_DICT_MERGE(self, i: Instruction) -> None:
        if i.arg != 1:
            self.paste(i, None)
            return
        self.spill()
        operands = self.pop(i.operation.pops(i.arg))
        function, *_, items = operands
        self.out.append(ast.Expr(own(i, [self.value(function if e.null else e) for e in operands]), lineno=self.line))
        self.stack += operands[:-1]
        self.forget(items.reads)

    def form_MATCH_CLASS(self, i: Instruction) -> None:
        """CPython takes it for granted that the names are a tuple."""
        if type(self._constant_of(self.stack[-1])) is tuple:
            self.by_own(i)
        else:
            self.paste(i, None)

    # --- functions ----------------------------------------------------------------------------------------------

    def form_MAKE_FUNCTION(self, i: Instruction) -> None:
        """The host's own instruction takes its operands on trust; where they cannot be told, it is a call."""
        operands = self.pop(i.operation.pops(i.arg))
        *attributes, entry = operands
        code = self._code_of(entry)
        flags = [flag for flag in (DEFAULTS, KEYWORD_DEFAULTS, ANNOTATIONS, CLOSURE) if i.arg & flag]
        if (
            code is None
            or not all(self._fits(*each, code) for each in zip(flags, attributes, strict=True))
            or not (CLOSURE in flags or not code.co_freevars or self._is_closed(i, code))
        ):
            given = {"FLAGS": self.constant(i.arg), "PARTS": [self.value(e) for e in operands]}
            self.push(self.expression("M.make_function(M.globals(), FLAGS, *PARTS)", **given), operands)
            return
        host = self.expression("READY.code", READY=self.constants.node(Ready(self.function, code)))
        self._push_function(i, [*map(self.value, attributes), host], operands, code)

    def form_SET_FUNCTION_ATTRIBUTE(self, i: Instruction) -> None:
        operands = self.pop(2)
        value, function = operands
        _, code = self.functions.get(id(function.node), (None, None))
        if code is not None and self._fits(i.arg, value, code):
            self._push_function(i, [*map(self.value, operands)], operands, code)
            return
        source = "M.set_function_attribute(VALUE, FUNCTION, WHICH)"
        given = {"VALUE": self.value(value), "FUNCTION": self.value(function), "WHICH": self.constant(i.arg)}
        self.push(self.expression(source, **given), operands)

    def _push_function(self, i: Instruction, given: list[ast.expr], operands: list[Entry], code: CodeType) -> None:
        node = own(i, given)
        self.functions[id(node)] = node, code
        self.push(node, operands)

    def _code_of(self, entry: Entry) -> CodeType | None:
        code = self._constant_of(entry)
        return code if isinstance(code, CodeType) else None

    def _constant_of(self, entry: Entry) -> Any:
        return self.constants.resolve(entry.node.value) if isinstance(entry.node, ast.Constant) else None

    def _is_closed(self, i: Instruction, code: CodeType) -> bool:
        """Whether a function that has no closure yet is given it by the next instruction (from 3.13 on)."""
        after = self.code.instructions[i.index + 1]
        return after.name == "SET_FUNCTION_ATTRIBUTE" and self._fits(after.arg, self.stack[-1], code, CLOSURE)

    def _fits(self, attribute: int, entry: Entry, code: CodeType, *only: int) -> bool:
        """Whether a value is surely such as an attribute of a function of `code` has."""
        node = entry.node
        if only and attribute not in only:
            return False
        if attribute == CLOSURE:
            cells = node.elts if isinstance(node, ast.Tuple) else []
            return len(cells) == len(code.co_freevars) and all(map(is_own_cell, cells))
        if attribute == ANNOTATE:
            return id(node) in self.functions
        tuples = attribute in (DEFAULTS, ANNOTATIONS)
        return tuples and (isinstance(node, ast.Tuple) or type(self._constant_of(entry)) is tuple)
