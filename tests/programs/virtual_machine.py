"""A register machine with an assembler, a compiler from expressions of Python's own ast, and a debugger by hooks."""

import ast
import operator
from enum import IntEnum


class Op(IntEnum):
    PUSH, LOAD, STORE, ADD, SUB, MUL, LT, EQ, JMP, JZ, CALL, RET, PRINT, HALT, DUP, POP = range(16)


class MachineError(Exception):
    def __init__(self, text, at):
        super().__init__(text)
        self.at = at


class Machine:
    BINARY = {
        Op.ADD: operator.add,
        Op.SUB: operator.sub,
        Op.MUL: operator.mul,
        Op.LT: operator.lt,
        Op.EQ: operator.eq,
    }

    def __init__(self, code, limit=2000):
        self.code, self.limit, self.out = code, limit, []
        self.stack, self.frames, self.names, self.at, self.steps = [], [], [{}], 0, 0
        self.hooks = {}

    def pop(self):
        try:
            return self.stack.pop()
        except IndexError:
            raise MachineError("stack underflow", self.at - 1) from None

    def run(self):
        while True:
            try:
                op, argument = self.code[self.at]
            except IndexError:
                raise MachineError("ran off the end", self.at)
            if hook := self.hooks.get(self.at):
                hook(self)
            self.at += 1
            self.steps += 1
            if self.steps > self.limit:
                raise MachineError("too many steps", self.at)
            if op in self.BINARY:
                right, left = self.pop(), self.pop()
                self.stack.append(int(self.BINARY[op](left, right)))
            elif getattr(self, f"do_{op.name.lower()}")(argument) is Op.HALT:
                return self.out

    def do_push(self, value):
        self.stack.append(value)

    def do_load(self, name):
        for scope in (self.names[-1], self.names[0]):
            if name in scope:
                return self.stack.append(scope[name])
        raise MachineError(f"no name {name}", self.at - 1)

    def do_store(self, name):
        self.names[-1][name] = self.pop()

    def do_jmp(self, target):
        self.at = target

    def do_jz(self, target):
        if not self.pop():
            self.at = target

    def do_call(self, target):
        self.frames.append(self.at)
        self.names.append({})
        self.at = target

    def do_ret(self, _):
        self.at = self.frames.pop()
        self.names.pop()

    def do_print(self, _):
        self.out.append(self.pop())

    def do_dup(self, _):
        value = self.pop()
        self.stack += value, value

    def do_pop(self, _):
        self.pop()

    def do_halt(self, _):
        return Op.HALT


def assemble(text):
    """Lines of `label:` and `op argument`; labels may be used before they are set."""
    labels, lines = {}, []
    for raw in text.splitlines():
        line = raw.partition(";")[0].strip()
        if line.endswith(":"):
            labels[line[:-1]] = len(lines)
        elif line:
            op, *rest = line.split()
            lines.append((Op[op.upper()], *rest))

    def resolve(argument):
        if argument in labels:
            return labels[argument]
        return int(argument) if argument.lstrip("-").isdigit() else argument

    return [(op, resolve(rest[0]) if rest else None) for op, *rest in lines]


class Compiler(ast.NodeVisitor):
    """A sliver of Python into code of this machine."""

    OPS = {ast.Add: Op.ADD, ast.Sub: Op.SUB, ast.Mult: Op.MUL, ast.Lt: Op.LT, ast.Eq: Op.EQ}

    def __init__(self):
        self.code, self.functions, self.calls = [], {}, []

    def emit(self, op, argument=None):
        self.code.append((op, argument))
        return len(self.code) - 1

    def patch(self, at):
        self.code[at] = (self.code[at][0], len(self.code))

    def visit_Module(self, node):
        for statement in node.body:
            self.visit(statement)
        self.emit(Op.HALT)
        for at, name in self.calls:
            self.code[at] = (Op.CALL, self.functions[name][0])

    def visit_FunctionDef(self, node):
        over = self.emit(Op.JMP)
        self.functions[node.name] = len(self.code), [a.arg for a in node.args.args]
        for argument in reversed(node.args.args):
            self.emit(Op.STORE, argument.arg)
        for statement in node.body:
            self.visit(statement)
        self.emit(Op.PUSH, 0)
        self.emit(Op.RET)
        self.patch(over)

    def visit_Return(self, node):
        self.visit(node.value)
        self.emit(Op.RET)

    def visit_Assign(self, node):
        self.visit(node.value)
        for target in node.targets[1:]:
            self.emit(Op.DUP)
        for target in node.targets:
            self.emit(Op.STORE, target.id)

    def visit_Expr(self, node):
        self.visit(node.value)
        if not (isinstance(node.value, ast.Call) and node.value.func.id == "print"):
            self.emit(Op.POP)

    def visit_If(self, node):
        self.visit(node.test)
        otherwise = self.emit(Op.JZ)
        for statement in node.body:
            self.visit(statement)
        end = self.emit(Op.JMP)
        self.patch(otherwise)
        for statement in node.orelse:
            self.visit(statement)
        self.patch(end)

    def visit_While(self, node):
        top = len(self.code)
        self.visit(node.test)
        end = self.emit(Op.JZ)
        for statement in node.body:
            self.visit(statement)
        self.emit(Op.JMP, top)
        self.patch(end)

    def visit_BinOp(self, node):
        self.visit(node.left)
        self.visit(node.right)
        self.emit(self.OPS[type(node.op)])

    def visit_Compare(self, node):
        self.visit(node.left)
        self.visit(node.comparators[0])
        self.emit(self.OPS[type(node.ops[0])])

    def visit_Call(self, node):
        for argument in node.args:
            self.visit(argument)
        if node.func.id == "print":
            self.emit(Op.PRINT)
        else:
            self.calls.append((self.emit(Op.CALL), node.func.id))

    def visit_Name(self, node):
        self.emit(Op.LOAD, node.id)

    def visit_Constant(self, node):
        self.emit(Op.PUSH, node.value)

    def generic_visit(self, node):
        raise SyntaxError(f"{type(node).__name__} is not supported")


def compile_text(text):
    compiler = Compiler()
    compiler.visit(ast.parse(text))
    return compiler.code


LOOP = """
    push 5
    store n
again:
    load n
    jz end      ; until n is 0
    load n
    print
    load n
    push 1
    sub
    store n
    jmp again
end:
    halt
"""
machine = Machine(assemble(LOOP))
visits = []
machine.hooks[2] = lambda m: visits.append(m.names[0]["n"])
print(machine.run(), machine.steps, visits)
SOURCE = """
def fact(n):
    if n < 2:
        return 1
    return n * fact(n - 1)
def fib(n):
    if n < 2:
        return n
    else:
        return fib(n - 1) + fib(n - 2)
a = b = 0
while a < 6:
    print(fact(a))
    b = b + fib(a)
    a = a + 1
print(b)
fib(3)
print(a == 6)
"""
code = compile_text(SOURCE)
machine = Machine(code)
print(machine.run(), machine.steps, machine.stack, machine.frames, len(code))
for text in ("add", "jmp 0", "push 1", "load missing", "ret", "call 0"):
    try:
        Machine(assemble(text), limit=50).run()
    except (MachineError, IndexError) as error:
        print(text, "->", error, getattr(error, "at", "no place"))
for wrong in ("x = [1]", "for i in x: pass", "import os", "x = 1 / 2"):
    try:
        compile_text(wrong)
    except (SyntaxError, KeyError) as error:
        print(wrong, "->", type(error).__name__, str(error).replace("<class 'ast.Div'>", "ast.Div"))
