"""A small Forth: a dictionary of words made of lambdas, bound methods and compiled closures."""

import operator


class Forth:
    def __init__(self):
        self.stack, self.returns, self.out = [], [], []
        self.compiling = None
        self.words = {
            "dup": lambda: self.push(self.stack[-1]),
            "drop": lambda: self.pop() and None,
            "swap": self.swap,
            "over": lambda: self.push(self.stack[-2]),
            "rot": lambda: self.stack.append(self.stack.pop(-3)),
            ".": lambda: self.out.append(str(self.pop())),
            "emit": lambda: self.out.append(chr(self.pop())),
            "depth": lambda: self.push(len(self.stack)),
            "i": lambda: self.push(self.returns[-1]),
        }
        for name, function in {
            "+": operator.add,
            "-": operator.sub,
            "*": operator.mul,
            "/": operator.floordiv,
            "mod": operator.mod,
            "<": operator.lt,
            "=": operator.eq,
            ">": operator.gt,
        }.items():
            self.words[name] = self.binary(function)

    def push(self, *values):
        self.stack += values

    def pop(self):
        if not self.stack:
            raise IndexError("stack is empty")
        return self.stack.pop()

    def swap(self):
        b, a = self.pop(), self.pop()
        self.push(b, a)

    def binary(self, function):
        def word():
            right, left = self.pop(), self.pop()
            self.push(int(function(left, right)))

        return word

    def compile(self, tokens):
        """A list of callables for the tokens up to the end or a closing word."""
        body = []
        for token in tokens:
            if token in ("then", "else", "loop", "until", ";"):
                return body, token
            if token == "if":
                yes, end = self.compile(tokens)
                no = self.compile(tokens)[0] if end == "else" else []
                body.append(lambda yes=yes, no=no: self.run(yes if self.pop() else no))
            elif token == "do":
                inner, end = self.compile(tokens)
                assert end == "loop", end
                body.append(lambda inner=inner: self.loop(inner))
            elif token == "begin":
                inner, end = self.compile(tokens)
                assert end == "until", end
                body.append(lambda inner=inner: self.until(inner))
            elif token == ":":
                name = next(tokens)
                holder = self.words[name] = lambda: self.run(definition)
                definition, end = self.compile(tokens)
                assert end == ";" and holder is self.words[name]
            elif token.lstrip("-").isdigit():
                body.append(lambda number=int(token): self.push(number))
            else:
                try:
                    body.append(self.words[token])
                except KeyError:
                    raise NameError(f"unknown word {token!r}") from None
        return body, None

    def loop(self, inner):
        start, limit = self.pop(), self.pop()
        for index in range(start, limit):
            self.returns.append(index)
            try:
                self.run(inner)
            finally:
                self.returns.pop()

    def until(self, inner):
        while True:
            self.run(inner)
            if self.pop():
                break

    def run(self, body):
        for word in body:
            word()

    def interpret(self, text):
        self.out.clear()
        self.run(self.compile(iter(text.split()))[0])
        return " ".join(self.out)


forth = Forth()
for line in (
    "2 3 + 4 * .",
    ": square dup * ; 7 square .",
    ": cube dup square * ; 3 cube . -3 cube .",
    ": fact dup 1 > if dup 1 - fact * else drop 1 then ; 10 fact .",
    "5 0 do i square . loop",
    "10 begin dup . 3 - dup 0 < until drop depth .",
    ": gcd begin swap over mod dup 0 = until drop ; 48 36 gcd .",
    "1 2 3 rot . . .",
    "72 emit 105 emit",
):
    print(line, "->", forth.interpret(line))
for wrong in ("1 +", "nonsense", "1 0 /"):
    try:
        forth.interpret(wrong)
    except (IndexError, NameError, ZeroDivisionError) as error:
        print(wrong, "->", type(error).__name__, error, error.__suppress_context__)
assert forth.returns == []
