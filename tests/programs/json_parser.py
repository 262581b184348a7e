"""A recursive-descent JSON parser and writer, held against the json module."""

import json
import re

NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class ParseError(ValueError):
    def __init__(self, message, text, at):
        line = text.count("\n", 0, at) + 1
        column = at - text.rfind("\n", 0, at)
        super().__init__(f"{message}: line {line} column {column}")
        self.at = at


class Parser:
    def __init__(self, text):
        self.text, self.at = text, 0

    def fail(self, message):
        raise ParseError(message, self.text, self.at)

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    @property
    def current(self):
        self.skip()
        return self.text[self.at] if self.at < len(self.text) else ""

    def expect(self, symbol):
        if self.current != symbol:
            self.fail(f"expected {symbol!r}")
        self.at += 1

    def value(self):
        match self.current:
            case "{":
                return dict(self.members())
            case "[":
                return list(self.elements())
            case '"':
                return self.string()
            case "":
                self.fail("unexpected end")
            case symbol if symbol == "-" or symbol.isdigit():
                return self.number()
        for word, meaning in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return meaning
        self.fail(f"unexpected {self.current!r}")

    def elements(self):
        self.expect("[")
        if self.current != "]":
            while True:
                yield self.value()
                if self.current != ",":
                    break
                self.at += 1
        self.expect("]")

    def members(self):
        self.expect("{")
        more = self.current != "}"
        while more:
            if self.current != '"':
                self.fail("expected a name")
            name = self.string()
            self.expect(":")
            yield name, self.value()
            if more := self.current == ",":
                self.at += 1
        self.expect("}")

    def number(self):
        found = NUMBER.match(self.text, self.at)
        if not found:
            self.fail("bad number")
        self.at = found.end()
        return float(found[0]) if any(found.groups()) else int(found[0])

    def string(self):
        self.at += 1
        parts = []
        while True:
            plain = PLAIN.match(self.text, self.at)
            parts.append(plain[0])
            self.at = plain.end()
            try:
                symbol = self.text[self.at]
            except IndexError:
                self.fail("unclosed string")
            if symbol == '"':
                self.at += 1
                return "".join(parts)
            if symbol != "\\":
                self.fail("control character")
            escape = self.text[self.at + 1 : self.at + 2]
            if escape == "u":
                parts.append(chr(int(self.text[self.at + 2 : self.at + 6], 16)))
                self.at += 6
            else:
                try:
                    parts.append(ESCAPES[escape])
                except KeyError as error:
                    raise ParseError("bad escape", self.text, self.at) from error
                self.at += 2


def loads(text):
    parser = Parser(text)
    value = parser.value()
    if parser.current:
        parser.fail("extra data")
    return value


def dumps(value, indent=0):
    pad, step = " " * indent, " " * (indent + 2)
    if isinstance(value, dict):
        inner = [f"{step}{dumps(k)}: {dumps(v, indent + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(inner) + f"\n{pad}}}" if inner else "{}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(step + dumps(v, indent + 2) for v in value) + f"\n{pad}]" if value else "[]"
    if isinstance(value, str):
        return (
            '"'
            + re.sub(r'["\\\n\t]', lambda m: {"\n": "\\n", "\t": "\\t"}.get(m[0], "\\" + m[0]), value)
            + '"'
        )
    return (
        {True: "true", False: "false", None: "null"}[value]
        if value in (None, True, False) and not isinstance(value, (int, float)) or isinstance(value, bool)
        else repr(value)
    )


DOCUMENT = r"""
{"name": "trace", "rows": [0, -1, 2.5, 1e3, -0.125, 65536], "flags": {"complete": true, "partial": false},
 "nothing": null, "empty": [[], {}], "text": "tab\t quote\" slash\/ \u00e9 \\", "nested": {"a": [{"b": [1, [2, [3]]]}]}}
"""
value = loads(DOCUMENT)
assert value == json.loads(DOCUMENT)
printed = dumps(value)
print(printed)
assert loads(printed) == value and printed == json.dumps(value, indent=2, ensure_ascii=False)
for wrong in (
    "",
    "[1,]",
    '{"a" 1}',
    "{a: 1}",
    '"open',
    '"\\x"',
    "[1 2]",
    "nul",
    "1 2",
    "-",
    '["\n"]',
    "\n\n  [}",
):
    try:
        loads(wrong)
    except ParseError as error:
        print(repr(wrong), "->", error, type(error.__cause__).__name__)
    else:
        raise AssertionError(wrong)
