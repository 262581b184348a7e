"""Host forms of the opcodes that a handler alone can't say: variables, calls, and whatever moves the stack.

Their handlers work on a `Frame`; in host code the frame is the host's own, so a local is a local, a call is a call, and
what the stack holds is known while writing.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vmtrace.tracer.code import Instruction
from vmtrace.tracer.fused.entries import CALLABLE_FIRST, ITERATOR_IN_TWO
from vmtrace.tracer.fused.functions import Functions
from vmtrace.tracer.fused.straight import NULL_ENTRY, Entry
from vmtrace.tracer.host.own import own, own_name
from vmtrace.tracer.opcodes.intrinsics import NAMES
from vmtrace.tracer.opcodes.lazy import EAGER, LAZY
from vmtrace.tracer.opcodes.semantics import COMMON_CONSTANTS

IMPORTS_LAZILY = LAZY is not None
IN_PLACE, SUBSCRIPT = 13, 26
"""BINARY_OP's opargs from 13 on are the in-place operators, except that for subscripting."""
OPERATORS: tuple[type[ast.operator], ...] = (
    ast.Add,
    ast.BitAnd,
    ast.FloorDiv,
    ast.LShift,
    ast.MatMult,
    ast.Mult,
    ast.Mod,
    ast.BitOr,
    ast.Pow,
    ast.RShift,
    ast.Sub,
    ast.Div,
    ast.BitXor,
)
FRAME_READERS = frozenset({"locals", "vars", "dir", "eval", "exec"})
"""Builtins that look at the frame that calls them."""


@dataclass(slots=True)
class Forms(Functions):
    """Writes instructions, by `form_<OPNAME>` where there is one and by pasting the handler otherwise."""

    # --- constants and the stack --------------------------------------------------------------------------------

    def form_LOAD_CONST(self, i: Instruction) -> None:
        self.stack.append(Entry(self.constant(i.value)))

    def form_LOAD_COMMON_CONSTANT(self, i: Instruction) -> None:
        self.stack.append(Entry(self.constant(COMMON_CONSTANTS[i.arg])))

    def form_LOAD_SMALL_INT(self, i: Instruction) -> None:
        self.form_LOAD_CONST(i)

    def form_NOP(self, i: Instruction) -> None:
        """Stands for a line of source; a trace function is told of it."""
        self.out.append(ast.Pass(lineno=self.line))

    def form_POP_TOP(self, i: Instruction) -> None:
        if self.stack[-1].atom:
            self.form_NOP(i)
            self.forget(self.pop()[0].reads)
        else:
            (entry,) = self.take()
            self.statement(ast.Expr(self.value(entry), lineno=self.line), [entry])

    def form_PUSH_NULL(self, i: Instruction) -> None:
        self.stack.append(NULL_ENTRY)

    def form_COPY(self, i: Instruction) -> None:
        if not self.stack[-i.arg].atom:
            self.spill()
        self.stack.append(self.stack[-i.arg])

    def form_SWAP(self, i: Instruction) -> None:
        if sum(not e.atom for e in self.stack[-i.arg :]) > 1:
            self.spill()
        self.stack[-i.arg], self.stack[-1] = self.stack[-1], self.stack[-i.arg]

    def _assigned(self, target: ast.expr, entry: Entry) -> ast.stmt:
        return ast.Assign([target], self.value(entry), lineno=self.line)

    def _store(self, target: ast.expr) -> None:
        (entry,) = self.take()
        self.statement(self._assigned(target, entry), [entry])

    # --- globals and namespaces ---------------------------------------------------------------------------------

    def _global(self, name: str, context: ast.expr_context) -> ast.Name:
        self.global_names.add(name)
        return ast.Name(name, context, lineno=self.line)

    def _item(self, name: str, context: ast.expr_context) -> ast.expr:
        return ast.Subscript(self._space(), self.constant(name), context, lineno=self.line)

    def form_LOAD_GLOBAL(self, i: Instruction) -> None:
        self._push_called(self._global(i.value, ast.Load()), i.arg & 1)

    def _push_called(self, node: ast.expr, called: int, consumed: Sequence[Entry] = ()) -> None:
        """Pushes an expression, with NULL below or above it if it is `called`."""
        if called and not CALLABLE_FIRST:
            self.stack.append(NULL_ENTRY)
        self.push(node, consumed)
        if called and CALLABLE_FIRST:
            self.stack.append(NULL_ENTRY)

    def form_STORE_GLOBAL(self, i: Instruction) -> None:
        self._store(self._global(i.value, ast.Store()))

    def form_DELETE_GLOBAL(self, i: Instruction) -> None:
        self.spill()
        self.out.append(ast.Delete([self._global(i.value, ast.Del())], lineno=self.line))

    def form_LOAD_NAME(self, i: Instruction) -> None:
        code = self.code.code
        if self.namespace is None:
            self.push(self._global(i.value, ast.Load()))
        elif i.value not in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
            self.global_names.add(i.value)
            self.push(own_name(i))
        else:
            self.push(self.expression("M.load_name(SPACE, NAME)", SPACE=self._space(), NAME=self.constant(i.value)))

    def form_STORE_NAME(self, i: Instruction) -> None:
        if self.namespace is None:
            self._store(self._global(i.value, ast.Store()))
        else:
            self._store(self._item(i.value, ast.Store()))

    def form_DELETE_NAME(self, i: Instruction) -> None:
        self.spill()
        if self.namespace is None:
            self.out.append(ast.Delete([self._global(i.value, ast.Del())], lineno=self.line))
        else:
            self.write("M.delete_name(SPACE, NAME)", SPACE=self._space(), NAME=self.constant(i.value))

    def form_SETUP_ANNOTATIONS(self, i: Instruction) -> None:
        self.spill()
        self.write("M.setup_annotations(SPACE)", SPACE=self._space())

    def form_IMPORT_NAME(self, i: Instruction) -> None:
        self.spill()
        operands = self.pop(2)
        level, fromlist = map(self.value, operands)
        source = "M.importer()(NAME, M.globals(), SPACE, FROMLIST, LEVEL)"
        if IMPORTS_LAZILY and i.arg & 3 != EAGER:
            source = f"M.import_lazily(SPACE, LEVEL, FROMLIST, NAME, {i.arg & 3})"
        in_body = self.code.kind in ("module", "class")
        space = self._space() if in_body else ast.Constant(None, lineno=self.line)
        name = self.constant(i.value)
        self.push(self.expression(source, SPACE=space, LEVEL=level, FROMLIST=fromlist, NAME=name), operands)

    def form_IMPORT_STAR(self, i: Instruction) -> None:
        (module,) = self.take()
        self.write("M.import_star(MODULE, SPACE)", MODULE=self.value(module), SPACE=self._space())
        self.forget(module.reads)

    def form_LOAD_LOCALS(self, i: Instruction) -> None:
        self.push(self._space())

    def form_LOAD_FROM_DICT_OR_GLOBALS(self, i: Instruction) -> None:
        operands = self.pop()
        source = "M.load_from_dict_or_globals(MAPPING, NAME)"
        mapping = self.value(operands[0])
        self.push(self.expression(source, MAPPING=mapping, NAME=self.constant(i.value)), operands)

    # --- operators ----------------------------------------------------------------------------------------------

    def form_BINARY_OP(self, i: Instruction) -> None:
        if i.arg == SUBSCRIPT:
            self.form_BINARY_SUBSCR(i)
            return
        if i.arg < IN_PLACE:
            if isinstance(self.stack[-1].node, ast.Constant):
                self.no_literal(-2)  # or the compiler works it out, with a placeholder perhaps
            self.paste(i, None)
            return
        left, right = self.stack[-2:]
        operator = OPERATORS[i.arg - IN_PLACE]()
        following = self.code.instructions[i.index + 1]
        if not (following.name == "STORE_FAST" and left.atom and left.reads == {following.value}):
            self.spill(range(len(self.stack) - 2, len(self.stack) - 1))
            left, right = self.stack[-2:]
        assert isinstance(left.node, ast.Name)
        self.take(2, changing=left.node.id)
        target = ast.Name(left.node.id, ast.Store(), lineno=self.line)
        self.out.append(ast.AugAssign(target, operator, self.value(right), lineno=self.line))
        self.stack.append(left)
        self.forget(right.reads)

    def form_IS_OP(self, i: Instruction) -> None:
        for place in (-2, -1):
            node = self.stack[place].node
            if not (isinstance(node, ast.Constant) and any(node.value is each for each in (None, True, False, ...))):
                self.no_literal(place)
        self.paste(i, None)

    def form_BINARY_SUBSCR(self, i: Instruction) -> None:
        self.no_literal(-2)
        self.paste(i, None)

    def form_BINARY_SLICE(self, i: Instruction) -> None:
        self.no_literal(-3)
        self.paste(i, None)

    def form_GET_ITER(self, i: Instruction) -> None:
        if not ITERATOR_IN_TWO:
            self.paste(i, None)
            return
        if i.arg:
            self._delegate()
            return
        operands = self.pop()
        self.push(self.expression("M.iter(ITERABLE)", ITERABLE=self.value(operands[0])), operands)
        self.stack.append(NULL_ENTRY)

    def _delegate(self) -> None:
        """For `yield from`: the delegate, and what `gi_yieldfrom` is to show in its place."""
        (iterable,) = self.take()
        delegate = self.fresh_besides([iterable])
        shown = self.fresh_besides([iterable, self.variable(delegate)])
        self.write(
            "DELEGATE, SHOWN = M.get_delegate(ITERABLE)",
            DELEGATE=delegate, SHOWN=shown, ITERABLE=self.value(iterable),
        )  # fmt: skip
        self.stack += [self.variable(delegate), self.variable(shown)]
        self.forget(iterable.reads)

    def form_UNPACK_SEQUENCE(self, i: Instruction) -> None:
        self._unpack(i, None)

    def form_UNPACK_EX(self, i: Instruction) -> None:
        self._unpack(i, i.arg & 0xFF)

    def _unpack(self, i: Instruction, star: int | None) -> None:
        count = i.operation.pushes(i.arg)
        (sequence,) = self.take()
        variables: list[str] = []
        for _ in range(count):
            variables.append(self.fresh_besides([sequence, *map(self.variable, variables)]))
        targets: list[ast.expr] = [ast.Name(v, ast.Store(), lineno=self.line) for v in variables]
        if star is not None:
            targets[star] = ast.Starred(targets[star], ast.Store(), lineno=self.line)
        target = ast.List(targets, ast.Store(), lineno=self.line)
        self.out.append(self._assigned(target, sequence))
        self.stack += map(self.variable, reversed(variables))
        self.forget(sequence.reads)

    # --- calls --------------------------------------------------------------------------------------------------

    def form_CALL(self, i: Instruction) -> None:
        self.no_literal(-i.arg - 1 if self.stack[-i.arg - 2].null else -i.arg - 2)
        operands = self.pop(i.arg + 2)
        function, *positional = self.last(e for e in operands if not e.null)
        named = len(i.kwnames)
        arguments = [self.value(e) for e in positional]
        keywords = [
            ast.keyword(name, value, lineno=self.line)
            for name, value in zip(i.kwnames, arguments[len(arguments) - named :], strict=True)
        ]
        called = self._frame_reader(function, arguments, named) or self.value(function)
        call = ast.Call(called, arguments[: len(arguments) - named], keywords, lineno=self.line)
        self.push(call, operands)

    def form_CALL_KW(self, i: Instruction) -> None:
        self.pop()  # the names
        self.form_CALL(i)

    def _frame_reader(self, function: Entry, arguments: list[ast.expr], named: int) -> ast.expr | None:
        """`locals()` and its kin see the namespace of a class body, and in a comprehension there its variables: neither
        is the host frame's."""
        node = function.node
        hidden = self.hidden()
        if (self.namespace is None and hidden is None) or named or not _names_a_frame_reader(node):
            return None
        nothing = ast.Constant(None)
        names = {
            "FUNCTION": node,
            "SPACE": self._space() if self.namespace is not None else nothing,
            "HIDDEN": hidden or nothing,
        }
        return self.expression("M.frame_reader(FUNCTION, SPACE, HIDDEN)", **names)

    def form_LOAD_ATTR(self, i: Instruction) -> None:
        hidden = self.hidden()
        if i.value != "f_locals" or hidden is None or i.operation.pushes(i.arg) > 1:
            self.paste(i, None)
            return
        operands = self.pop()
        source = "M.f_locals(FRAME, SPACE, HIDDEN)"
        names = {"FRAME": self.value(operands[0]), "SPACE": self._space(), "HIDDEN": hidden}
        self.push(self.expression(source, **names), operands)

    def form_CALL_FUNCTION_EX(self, i: Instruction) -> None:
        count = i.operation.pops(i.arg)
        self.no_literal(-count if CALLABLE_FIRST else 1 - count)
        operands = self.pop(count)
        function, arguments, *keywords = [self.value(e) for e in self.last(e for e in operands if not e.null)]
        call = ast.Call(
            function,
            [ast.Starred(arguments, ast.Load(), lineno=self.line)],
            [ast.keyword(None, k, lineno=self.line) for k in keywords],
            lineno=self.line,
        )
        self.push(call, operands)

    def form_TO_BOOL(self, i: Instruction) -> None:
        """The compiler gives the operand's position to what asks for its truth (see `host.CONSUMERS`), so a variable
        is read here."""
        self.no_literal(-1)  # the compiler would decide here, perhaps on a placeholder
        if self.stack[-1].atom:
            self.stack[-1] = replace(self.stack[-1], node=self.value(self.stack[-1]))
        self.paste(i, None)

    def form_LOAD_BUILD_CLASS(self, i: Instruction) -> None:
        self.push(own(i, []))

    def form_LOAD_SUPER_ATTR(self, i: Instruction) -> None:
        self.spill()
        operands = self.pop(3)
        given = [self.value(e) for e in operands]
        call = ast.Call(given[0], given[1:] if i.arg & 2 else [], [], lineno=self.line)
        self._push_called(ast.Attribute(call, i.value, ast.Load(), lineno=self.line), i.arg & 1, operands)

    def form_CALL_INTRINSIC_1(self, i: Instruction) -> None:
        name = NAMES[1][i.arg]
        if name == "IMPORT_STAR":
            self.form_IMPORT_STAR(i)
            self.stack.append(Entry(self.constant(None)))
            return
        self.spill()
        special = {"UNARY_POSITIVE": "+VALUE", "LIST_TO_TUPLE": "M.tuple(VALUE)"}
        if name not in {*special, "STOPITERATION_ERROR"}:
            self.by_own(i)
            return
        operands = self.pop()
        if name == "STOPITERATION_ERROR":
            # As a rule it is another exception, perhaps of the recursion limit, at which none of our functions can run.
            source = "M.stop_iteration_error(VALUE, FLAGS) if M.isinstance(VALUE, M.STOPS) else VALUE"
            names = {"VALUE": self.value(operands[0]), "FLAGS": self.constant(self.code.flags)}
            self.push(self.expression(source, **names), operands)
            return
        (value,) = map(self.value, self.last(operands))
        self.push(self.expression(special[name], VALUE=value), operands)


def _names_a_frame_reader(node: ast.expr | None) -> bool:
    """Whether an expression of `_namespace_load`'s or a global's is one of FRAME_READERS by name."""
    if isinstance(node, ast.Call) and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
        return node.args[1].value in FRAME_READERS
    return isinstance(node, ast.Name) and node.id in FRAME_READERS
