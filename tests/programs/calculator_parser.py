"""A calculator: tokenizer, Pratt parser, tree of nodes, visitors, a compiler to stack code and its interpreter."""

import math
import operator
import re
from dataclasses import dataclass

TOKENS = re.compile(r"\s*(?:(\d+\.?\d*)|([A-Za-z_]\w*)|(\*\*|//|[<>=!]=|.))")
BINDING = {
    "=": 1,
    "?": 2,
    "or": 3,
    "and": 4,
    "==": 5,
    "!=": 5,
    "<": 5,
    ">": 5,
    "<=": 5,
    ">=": 5,
    "+": 10,
    "-": 10,
    "*": 20,
    "/": 20,
    "//": 20,
    "%": 20,
    "**": 30,
    "(": 40,
}
OPERATE = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class CalcError(Exception):
    pass


@dataclass
class Number:
    value: float


@dataclass
class Name:
    name: str


@dataclass
class Unary:
    operator: str
    operand: object


@dataclass
class Binary:
    operator: str
    left: object
    right: object


@dataclass
class Call:
    function: str
    arguments: list


@dataclass
class Choice:
    test: object
    yes: object
    no: object


def tokenize(text):
    for number, name, symbol in TOKENS.findall(text.rstrip()):
        if number:
            yield "number", float(number) if "." in number else int(number)
        elif name:
            yield ("symbol", name) if name in ("and", "or", "not") else ("name", name)
        else:
            yield "symbol", symbol
    yield "end", None


class Parser:
    def __init__(self, text):
        self.tokens = tokenize(text)
        self.kind, self.value = next(self.tokens)

    def advance(self):
        token = self.kind, self.value
        self.kind, self.value = next(self.tokens, ("end", None))
        return token

    def expect(self, symbol):
        if (self.kind, self.value) != ("symbol", symbol):
            raise CalcError(f"expected {symbol!r}, found {self.value!r}")
        self.advance()

    def prefix(self):
        match self.advance():
            case ("number", value):
                return Number(value)
            case ("name", name):
                return Name(name)
            case ("symbol", "-" | "+" | "not" as sign):
                return Unary(sign, self.expression(25 if sign != "not" else 4))
            case ("symbol", "("):
                inner = self.expression()
                self.expect(")")
                return inner
            case (_, value):
                raise CalcError(f"unexpected {'end' if value is None else repr(value)}")

    def expression(self, minimum=0):
        left = self.prefix()
        while self.kind == "symbol" and (power := BINDING.get(self.value, 0)) > minimum:
            _, symbol = self.advance()
            if symbol == "(":
                left = Call(left.name, list(self.arguments()))
            elif symbol == "?":
                yes = self.expression()
                self.expect(":")
                left = Choice(left, yes, self.expression(power - 1))
            else:
                left = Binary(symbol, left, self.expression(power - (symbol in ("**", "="))))
        return left

    def arguments(self):
        while self.value != ")":
            yield self.expression()
            if self.value != ")":
                self.expect(",")
        self.expect(")")

    @classmethod
    def parse(cls, text):
        parser = cls(text)
        tree = parser.expression()
        if parser.kind != "end":
            raise CalcError(f"left over: {parser.value!r}")
        return tree


class Visitor:
    def visit(self, node):
        return getattr(self, f"visit_{type(node).__name__.lower()}")(node)


class Evaluator(Visitor):
    functions = {"sqrt": math.sqrt, "max": max, "min": min, "abs": abs, "hypot": math.hypot}

    def __init__(self):
        self.names = {"pi": 3}

    def visit_number(self, node):
        return node.value

    def visit_name(self, node):
        try:
            return self.names[node.name]
        except KeyError:
            raise CalcError(f"{node.name} has no value") from None

    def visit_unary(self, node):
        value = self.visit(node.operand)
        return {"-": operator.neg, "+": operator.pos, "not": operator.not_}[node.operator](value)

    def visit_binary(self, node):
        if node.operator == "=":
            self.names[node.left.name] = value = self.visit(node.right)
            return value
        if node.operator in ("and", "or"):
            left = self.visit(node.left)
            return self.visit(node.right) if bool(left) == (node.operator == "and") else left
        return OPERATE[node.operator](self.visit(node.left), self.visit(node.right))

    def visit_call(self, node):
        return self.functions[node.function](*map(self.visit, node.arguments))

    def visit_choice(self, node):
        return self.visit(node.yes if self.visit(node.test) else node.no)


class Printer(Visitor):
    visit_number = staticmethod(lambda node: f"{node.value}")
    visit_name = staticmethod(lambda node: node.name)

    def visit_unary(self, node):
        return f"({node.operator} {self.visit(node.operand)})"

    def visit_binary(self, node):
        return f"({self.visit(node.left)} {node.operator} {self.visit(node.right)})"

    def visit_call(self, node):
        return f"{node.function}({', '.join(map(self.visit, node.arguments))})"

    def visit_choice(self, node):
        return f"({self.visit(node.test)} ? {self.visit(node.yes)} : {self.visit(node.no)})"


evaluator = Evaluator()
for line in (
    "1 + 2 * 3",
    "2 ** 3 ** 2",
    "-2 ** 2",
    "(1 + 2) * 3 - 4 / 2",
    "x = y = 7 // 2",
    "x + y % 2",
    "max(1, x * 2, sqrt(16)) + hypot(3, 4)",
    "1 < 2 and 3 or 4",
    "not 1 == 2",
    "x > 2 ? 10 : x < 0 ? 20 : 30",
    "0 and missing",
    "10 - 3 - 2",
    "+-+5",
    "min(4) + abs(-3)",
    "",
    "1 +",
    "(1",
    "1 2",
    "missing",
    "f(1)",
    "1 / 0",
    "sqrt(0 - 1)",
    "$",
):
    try:
        tree = Parser.parse(line)
        print(f"{line!r}: {Printer().visit(tree)} = {evaluator.visit(tree)}")
    except CalcError as error:
        print(f"{line!r}: error: {error}")
    except (ArithmeticError, ValueError, KeyError, TypeError) as error:
        print(f"{line!r}: {type(error).__name__}")
print(evaluator.names)
