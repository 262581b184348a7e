"""Python source as a template: parsed once, filled in with expressions at each use.

Both the handlers of the opcodes, whose bodies are pasted into host code, and the glue between them are templates.
Every node of a filled template gets the line that the instruction it stands for has in host code.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from vmtrace.tracer.opcodes.opset import Handler, Operation

Replacements = Mapping[str, ast.expr | str | list[ast.expr]]


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it. (`ast.walk` imports as it goes: the program might see that.)"""
    yield node
    for child in ast.iter_child_nodes(node):
        yield from walk(child)


def fill(node: Any, names: Replacements, line: int) -> Any:
    """A copy of a syntax tree in which the Name `n` is replaced by `names[n]`: an expression, another name, or, where a
    list is spliced (`*n` or `n` as a whole), several expressions. Expressions put in keep their own lines."""
    if isinstance(node, list):
        return [filled for item in node for filled in _filled_in(item, names, line)]
    if not isinstance(node, ast.AST) or not (node._fields or node._attributes):  # such as Load(), which is but one
        return node
    if isinstance(node, ast.Name) and node.id in names:
        replacement = names[node.id]
        if isinstance(replacement, str):
            return ast.Name(replacement, node.ctx, lineno=line)
        if isinstance(replacement, list):
            return ast.Tuple(list(replacement), ast.Load(), lineno=line)
        if isinstance(replacement, ast.Constant):
            return ast.Constant(replacement.value, lineno=line)
        return replacement
    copy = type(node).__new__(type(node))  # its __init__ would look at each field once more
    parts = vars(copy)
    for name, value in vars(node).items():
        if name in node._fields:
            parts[name] = fill(value, names, line) if isinstance(value, ast.AST | list) else value
    if "lineno" in node._attributes:
        parts["lineno"] = line
    if isinstance(copy, ast.ExceptHandler) and isinstance(names.get(copy.name or ""), str):
        copy.name = names[copy.name]  # type: ignore[index,assignment]
    return copy


def _filled_in(item: Any, names: Replacements, line: int) -> list[Any]:
    """What comes in place of an item of a list."""
    if isinstance(item, ast.Starred) and isinstance(item.value, ast.Name):
        spliced = names.get(item.value.id)
        if isinstance(spliced, list):
            return spliced
    return [fill(item, names, line)]


@functools.cache
def _parsed(source: str) -> list[ast.stmt]:
    return ast.parse(textwrap.dedent(source)).body


def statements(source: str, line: int, **names: ast.expr | str | list[ast.expr]) -> list[ast.stmt]:
    """Statements from source text, with names replaced."""
    filled: list[ast.stmt] = fill(_parsed(source), names, line)
    return filled


def expression(source: str, line: int, **names: ast.expr | str | list[ast.expr]) -> ast.expr:
    """An expression from source text, with names replaced."""
    statement = _parsed(source)[0]
    assert isinstance(statement, ast.Expr)
    filled: ast.expr = fill(statement.value, names, line)
    return filled


@dataclass(frozen=True, slots=True)
class Body:
    """A handler's body, taken apart: `local = …` lines, an optional `if test: return Jump(…)` or effect, the result.

    `ordered` says that the body's first expression evaluates each operand once, in the order of the stack, before
    anything else happens, so that operands may be pasted in as they are.
    """

    assigns: tuple[ast.Assign, ...]
    test: ast.expr | None
    jumped: tuple[ast.expr, ...]
    effect: ast.stmt | None
    returned: ast.expr | None
    free: frozenset[str]
    """What it names beside its parameters and `local`s."""
    ordered: bool
    consumes: bool
    """Whether it is ordered, and no operand is pushed as it is."""


class Source:
    """The handlers' source, read once per module."""

    def __init__(self) -> None:
        self._modules: dict[str, dict[str, ast.FunctionDef]] = {}
        self._tables: dict[str, dict[str, list[ast.expr]]] = {}
        self._bodies: dict[tuple[str, int, object], Body | None] = {}

    def read(self, operations: Iterable[Operation]) -> None:
        """Reads the source of these handlers at once: reading imports modules, which the program might see."""
        for operation in operations:
            self._function(operation.handler)

    def body(self, operation: Operation, arg: int, value: object) -> Body | None:
        """The body of a handler, its oparg (and what that stands for) known; None if it is more than can be pasted.

        It is not to be changed: instructions share it.
        """
        key = (operation.name, arg if "arg" in operation.facts else 0, value if "name" in operation.facts else None)
        if key not in self._bodies:
            self._bodies[key] = self._folded(operation, arg, value)
        return self._bodies[key]

    def _folded(self, operation: Operation, arg: int, value: object) -> Body | None:
        function = self._function(operation.handler)
        if function is None or "frame" in operation.facts:
            return None
        tables = self._tables[operation.handler.__module__]
        folded = [_Folder(arg, value, tables).visit(fill(s, {}, 0)) for s in function.body if not _is_documentation(s)]
        return _taken_apart(folded, operation)

    def _function(self, handler: Handler) -> ast.FunctionDef | None:
        module = inspect.getmodule(handler)
        if module is None:
            return None
        self._read(module)
        return self._modules[module.__name__].get(handler.__name__)

    def _read(self, module: ModuleType) -> None:
        if module.__name__ in self._modules:
            return
        tree = ast.parse(inspect.getsource(module))
        self._modules[module.__name__] = {s.name: s for s in tree.body if isinstance(s, ast.FunctionDef)}
        tables = self._tables[module.__name__] = {
            s.targets[0].id: s.value.elts
            for s in tree.body
            if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and isinstance(s.value, ast.List)
        }
        for base in tree.body:  # a later version's handlers use the tables of an earlier one's
            if isinstance(base, ast.ImportFrom) and (base.module or "").startswith(f"{module.__package__}.py3"):
                self._read(sys.modules[base.module or ""])
                for name in base.names:
                    tables |= {name.name: self._tables[base.module or ""].get(name.name, [])}


class _Folder(ast.NodeTransformer):
    """Works out what the oparg decides: `TABLE[arg](…)` becomes the body of the table's lambda, `a if arg else b` one
    of the two, `getattr(owner, name)` the attribute of that name."""

    def __init__(self, arg: int, value: object, tables: Mapping[str, Sequence[ast.expr]]) -> None:
        self.arg = arg
        self.value = value
        self.tables = tables

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        decided = self._decided(node.test)
        return self.generic_visit(node) if decided is None else self.visit(node.body if decided else node.orelse)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            owner, *value = [a for a in node.value.args if not _is_name(a, "name")]
            if node.value.func.id == "setattr":
                return ast.Assign([ast.Attribute(owner, str(self.value), ast.Store())], value[0])
            if node.value.func.id == "delattr":
                return ast.Delete([ast.Attribute(owner, str(self.value), ast.Del())])
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _is_name(node.func, "getattr") and _is_name(node.args[1], "name"):
            return ast.Attribute(node.args[0], str(self.value), ast.Load())
        table = node.func
        if not (isinstance(table, ast.Subscript) and isinstance(table.value, ast.Name)):
            return node
        number = self._decided(table.slice)
        assert number is not None
        entry = self.tables[table.value.id][number]
        if not isinstance(entry, ast.Lambda):
            return ast.Call(entry, node.args, node.keywords)
        names = {a.arg: given for a, given in zip(entry.args.args, node.args, strict=True)}
        filled: ast.AST = fill(entry.body, names, 0)
        return filled

    def _decided(self, node: ast.expr) -> int | None:
        """The value of an expression of nothing but the oparg and numbers; None for any other."""
        names = {n.id for n in walk(node) if isinstance(n, ast.Name)}
        if names != {"arg"} or any(isinstance(n, ast.Call | ast.Subscript) for n in walk(node)):
            return None
        expression = ast.fix_missing_locations(ast.Expression(fill(node, {}, 1)))
        return int(eval(compile(expression, "<opcode>", "eval"), {"arg": self.arg}))


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_documentation(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _taken_apart(body: list[ast.stmt], operation: Operation) -> Body | None:
    assigns: list[ast.Assign] = []
    while body and isinstance(body[0], ast.Assign) and isinstance(body[0].targets[0], ast.Name):
        assigns.append(body.pop(0))  # type: ignore[arg-type]
    test, jumped = None, ()
    if body and isinstance(body[0], ast.If):
        branch = body.pop(0)
        test, jumped = branch.test, tuple(branch.body[0].value.args)  # type: ignore[attr-defined]
    effect, returned = None, None
    if body and isinstance(body[0], ast.Return):
        returned = body.pop(0).value  # type: ignore[attr-defined]
    elif body and isinstance(body[0], ast.Expr | ast.Assign | ast.Delete):
        effect = body.pop(0)
        if body and isinstance(effect, ast.Expr) and isinstance(body[0], ast.Return):
            returned = body.pop(0).value  # type: ignore[attr-defined]
    if body:
        return None
    first = assigns[0].value if assigns else test or effect or returned
    order = list(_evaluated(first)) if first is not None else []
    operands = [*operation.operands, *([operation.star] if operation.star else [])]
    mentioned = [n for n in order if n in operands]
    others = [*assigns[1:], *jumped, *([test] if assigns else []), *([returned] if returned is not first else [])]
    again = {n for part in others if part is not None for n in _evaluated(part)} & set(operands)
    parts = [p for p in (*assigns, test, *jumped, effect, returned) if p is not None]
    named = {n.id for part in parts for n in walk(part) if isinstance(n, ast.Name)}
    local = {a.targets[0].id for a in assigns}  # type: ignore[attr-defined]
    free = frozenset(named - local - {"vm", *operands, *operation.facts})
    ordered = mentioned == operands and not again
    pushed = returned.elts if isinstance(returned, ast.Tuple) else [returned]
    consumes = ordered and not any(isinstance(part, ast.Name) and part.id in operands for part in pushed)
    return Body(tuple(assigns), test, jumped, effect, returned, free, ordered, consumes)


def _evaluated(node: ast.AST) -> list[str]:
    """Names in the order in which CPython evaluates them; nothing that is evaluated only sometimes is pasted into."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.IfExp | ast.BoolOp | ast.Lambda):
        return [name for child in walk(node) if isinstance(child, ast.Name) for name in (child.id, child.id)]
    if isinstance(node, ast.Assign):
        return [*_evaluated(node.value), *(n for t in node.targets for n in _evaluated(t))]
    return [name for child in ast.iter_child_nodes(node) for name in _evaluated(child)]
