"""Every operator: reflected and in-place forms, NotImplemented, comparisons chained, and the protocol around them."""
import operator


class Traced:
    """Answers every binary operator with the name of the method that was asked."""

    def __init__(self, name, refuse=()):
        self.name, self.refuse = name, refuse

    def __repr__(self):
        return self.name

    def __hash__(self):
        return hash(self.name)


def binary(method):
    def operate(self, other):
        return NotImplemented if method in self.refuse else f"{self}.{method}({other})"
    return operate


BINARY = {"add": "+", "sub": "-", "mul": "*", "matmul": "@", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
          "lshift": "<<", "rshift": ">>", "and": "&", "xor": "^", "or": "|", "divmod": "divmod"}
COMPARE = {"lt": "<", "le": "<=", "eq": "==", "ne": "!=", "gt": ">", "ge": ">="}
for word in BINARY:
    for prefix in ("", "r", "i"):
        if (prefix, word) != ("i", "divmod"):
            setattr(Traced, f"__{prefix}{word}__", binary(f"__{prefix}{word}__"))
for word in COMPARE:
    setattr(Traced, f"__{word}__", binary(f"__{word}__"))
for word in ("neg", "pos", "invert", "abs"):
    setattr(Traced, f"__{word}__", lambda self, word=word: f"{word}({self})")


def in_place(symbol, left, right):
    scope = {"left": left, "right": right}
    exec(f"left {symbol}= right", scope)
    return scope["left"]


a, b = Traced("a"), Traced("b")
print(a + b, a - b, a * b, a @ b, a / b, a // b, a % b, a ** b, sep="\n")
print(a << b, a >> b, a & b, a ^ b, a | b, divmod(a, b), pow(a, b), sep="\n")
print(1 + a, 1 - a, 1 * a, 1 @ a, 1 / a, 1 // a, 1 % a, 1 ** a, 1 << a, 1 >> a, 1 & a, 1 ^ a, 1 | a, divmod(1, a), sep="\n")
print(-a, +a, ~a, abs(a), a < b, a <= b, a == b, a != b, a > b, a >= b, 1 < a, 1 == a, sep="\n")
x = a
x += 1; y = x; x = a
x -= 1; y += x; x = a
x *= 1; y += x; x = a
x @= 1; y += x; x = a
x /= 1; y += x; x = a
x //= 1; y += x; x = a
x %= 1; y += x; x = a
x **= 1; y += x; x = a
x <<= 1; y += x; x = a
x >>= 1; y += x; x = a
x &= 1; y += x; x = a
x ^= 1; y += x; x = a
x |= 1; y += x
print(y)
half = Traced("half", [f"__i{w}__" for w in BINARY])
right_only = type("Other", (Traced,), {})("right", [f"__{p}{w}__" for w in BINARY for p in "i,".split(",")])
for word, symbol in BINARY.items():
    if word != "divmod":
        print(in_place(symbol, half, 2), in_place(symbol, right_only, half), eval(f"right_only {symbol} half"))


class Sub(Traced):
    """A subclass on the right with its own reflected method is asked first."""
    def __radd__(self, other):
        return f"Sub first: {other}"


deaf = Traced("deaf", [f"__{p}{w}__" for w in [*BINARY, *COMPARE] for p in ("", "r", "i")])
print(a + Sub("s"), Sub("s") + a, Traced.__add__(a, Sub("s")))
for expression in ("deaf + 1", "1 - deaf", "deaf @ deaf", "deaf ** 2", "deaf < 1", "deaf == 1", "deaf != deaf", "divmod(deaf, 1)",
                   "-None", "~1.5", "not None", "'a' + 1", "[] * 'x'", "{} | []", "1 < 'x'", "pow(2, -1, 5)", "pow(2, deaf, 5)",
                   "[1] + (2,)", "None >= None", "2 ** -1", "(-8) ** (1/3)", "7 // -2, 7 % -2, -7 // 2", "divmod(-7, 2)", "0.1 + 0.2"):
    try:
        print(expression, "=", eval(expression))
    except (TypeError, ValueError) as error:
        print(expression, "!", error)
try:
    deaf += 1
except TypeError as error:
    print(error)


def value(n, trail):
    trail.append(n)
    return n


def chained():
    trail = []
    results = [value(1, trail) < value(2, trail) < value(3, trail), value(3, trail) < value(2, trail) < value(1, trail),
               1 < 2 > 1 != 3 == 3 >= 3 is not None, 1 in [1] == [1], value(5, trail) == value(5, trail) in [5]]
    if not value(1, trail) <= value(0, trail) <= value(9, trail):
        trail.append("short")
    while value(2, trail) > value(3, trail) > value(4, trail):
        pass
    return results, trail


print(chained())
print(1 and 2, 0 and 2, 1 or 2, 0 or "" or [], not 1, not [], 1 if [] else 2, [] or {} and 5, (0 or 3) and 4)
print(3 in range(5), 3 not in [1], None is None, [] is not [], "b" in "abc", 2 in {2: 0})


class Bag:
    def __contains__(self, item):
        return item == "yes"

    def __bool__(self):
        return False

    def __len__(self):
        return 3

    def __index__(self):
        return 2

    def __int__(self):
        return 7

    __float__ = lambda self: 1.5
    __complex__ = lambda self: 2j
    __round__ = lambda self, digits=None: ("rounded", digits)
    __call__ = lambda self, *args, **kwargs: (args, kwargs)
    __getitem__ = lambda self, key: key
    __reversed__ = lambda self: "reversed"
    __format__ = lambda self, spec: f"<{spec}>"
    __bytes__ = lambda self: b"bag"


bag = Bag()
print("yes" in bag, "no" in bag, bool(bag), len(bag), [10, 20, 30][bag], int(bag), float(bag), complex(bag), round(bag), round(bag, 2))
print(bag(1, k=2), bag[1:2, ..., "x"], reversed(bag), f"{bag:>5}", bytes(bag), hex(bag), "abc"[:bag], operator.index(bag), 2 if bag else 3)
