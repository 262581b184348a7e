"""A regular expression engine: parser to a tree, Thompson's automaton, backtracking by generators; held against re."""

import re
from dataclasses import dataclass
from functools import singledispatch


@dataclass(frozen=True)
class Literal:
    accepts: frozenset
    negated: bool = False

    def matches(self, symbol):
        return (symbol in self.accepts) != self.negated


@dataclass(frozen=True)
class Sequence:
    parts: tuple


@dataclass(frozen=True)
class Either:
    options: tuple


@dataclass(frozen=True)
class Repeat:
    inner: object
    low: int
    high: int | None
    greedy: bool = True


@dataclass(frozen=True)
class Group:
    inner: object
    number: int


class Parser:
    def __init__(self, pattern):
        self.pattern, self.at, self.groups = pattern, 0, 0

    @property
    def symbol(self):
        return self.pattern[self.at : self.at + 1]

    def take(self, expected=None):
        symbol = self.symbol
        if not symbol or expected and symbol != expected:
            raise ValueError(f"expected {expected or 'more'} at {self.at} of {self.pattern!r}")
        self.at += 1
        return symbol

    def either(self):
        options = [self.sequence()]
        while self.symbol == "|":
            self.take()
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def sequence(self):
        parts = []
        while self.symbol and self.symbol not in "|)":
            parts.append(self.repeat())
        return Sequence(tuple(parts))

    def repeat(self):
        atom = self.atom()
        while self.symbol and self.symbol in "*+?{":
            match self.take():
                case "*":
                    bounds = 0, None
                case "+":
                    bounds = 1, None
                case "?":
                    bounds = 0, 1
                case "{":
                    low = self.number()
                    bounds = low, low
                    if self.symbol == ",":
                        self.take()
                        bounds = low, self.number() if self.symbol.isdigit() else None
                    self.take("}")
            greedy = self.symbol != "?" or not self.take()
            atom = Repeat(atom, *bounds, greedy)
        return atom

    def number(self):
        digits = ""
        while self.symbol.isdigit():
            digits += self.take()
        return int(digits)

    def atom(self):
        match self.take():
            case "(":
                self.groups += 1
                number = self.groups
                inner = self.either()
                self.take(")")
                return Group(inner, number)
            case "[":
                return self.charset()
            case ".":
                return Literal(frozenset("\n"), True)
            case "\\":
                return self.escape()
            case "*" | "+" | "?" as symbol:
                raise ValueError(f"nothing to repeat: {symbol} at {self.at - 1}")
            case symbol:
                return Literal(frozenset(symbol))

    def escape(self):
        match self.take():
            case "d":
                return Literal(frozenset("0123456789"))
            case "w":
                return Literal(frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"))
            case symbol:
                return Literal(frozenset(symbol))

    def charset(self):
        negated = self.symbol == "^" and bool(self.take())
        chosen = set()
        while self.symbol != "]":
            low = self.take()
            if self.symbol == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.take()
                chosen.update(map(chr, range(ord(low), ord(self.take()) + 1)))
            else:
                chosen.add(low)
        self.take("]")
        return Literal(frozenset(chosen), negated)


def parse(pattern):
    parser = Parser(pattern)
    tree = parser.either()
    if parser.symbol:
        raise ValueError(f"left over at {parser.at} of {pattern!r}")
    return tree, parser.groups


@singledispatch
def walk(node, text, at, groups):
    """All ways to match, in order of preference: where each ends, and its groups."""
    raise TypeError(node)


@walk.register
def _(node: Literal, text, at, groups):
    if at < len(text) and node.matches(text[at]):
        yield at + 1, groups


@walk.register
def _(node: Sequence, text, at, groups):
    if not node.parts:
        yield at, groups
        return
    first, *rest = node.parts
    for end, inner in walk(first, text, at, groups):
        yield from walk(Sequence(tuple(rest)), text, end, inner)


@walk.register
def _(node: Either, text, at, groups):
    for option in node.options:
        yield from walk(option, text, at, groups)


@walk.register
def _(node: Group, text, at, groups):
    for end, inner in walk(node.inner, text, at, groups):
        yield end, {**inner, node.number: (at, end)}


@walk.register
def _(node: Repeat, text, at, groups):
    def more():
        if node.high is None or node.high > 0:
            rest = Repeat(node.inner, max(node.low - 1, 0), node.high and node.high - 1, node.greedy)
            for end, inner in walk(node.inner, text, at, groups):
                if end > at or node.low > 0:
                    yield from walk(rest, text, end, inner) if end > at else [(end, inner)]

    if node.greedy:
        yield from more()
    if node.low == 0:
        yield at, groups
    if not node.greedy:
        yield from more()


def search(pattern, text):
    tree, count = parse(pattern)
    for start in range(len(text) + 1):
        for end, groups in walk(tree, text, start, {}):
            spans = [groups.get(n) for n in range(1, count + 1)]
            return (start, end), tuple(None if s is None else text[slice(*s)] for s in spans)
    return None


CASES = [
    ("a*b", "caaab"),
    ("(a|ab)(c|bcd)(d*)", "abcd"),
    ("[a-c]+[^a-c]", "xxabcx"),
    (r"(\d+)-(\d+)", "tel 555-1234"),
    ("a{2,3}", "aaaa"),
    ("a{2,3}?", "aaaa"),
    ("(ab)*c", "ababc"),
    ("x?y+z*", "yyz"),
    ("(a*)(a*)", "aaa"),
    ("(a*?)(a*)", "aaa"),
    (".*b", "aabab"),
    (".*?b", "aabab"),
    ("colou?r|grey", "the grey color"),
    ("", "abc"),
    ("z", "abc"),
    ("((a)|b)+", "ab"),
    (r"\w+@\w+\.\w+", "to me@home.net."),
]
for pattern, text in CASES:
    found, expected = search(pattern, text), re.search(pattern, text)
    assert (found is None) == (expected is None), pattern
    if found:
        assert found[0] == expected.span(), (pattern, found, expected)
    print(f"{pattern!r:>24} in {text!r}: {found}")
for wrong in ("(a", "a)", "*a", "[ab", "a{2"):
    try:
        parse(wrong)
    except ValueError as error:
        print(wrong, "->", error)
