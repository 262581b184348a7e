"""match: every kind of pattern, alone and combined, with guards, captures and the order of evaluation."""
from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass
from enum import Enum


class Colour(Enum):
    RED = 1
    BLUE = 2


class Codes:
    OK = 200
    GONE = 410


@dataclass
class Point:
    x: int
    y: int = 0


class Shape:
    __match_args__ = ("name", "size")

    def __init__(self, name, size):
        self.name, self.size = name, size


class Box(Shape):
    @property
    def area(self):
        return self.size ** 2


Pair = namedtuple("Pair", "left right")


def literals(value):
    match value:
        case 0:
            return "zero"
        case -1 | -1.5:
            return "minus"
        case 2 + 3j:
            return "complex"
        case "text" "ual":
            return "joined string"
        case b"bytes":
            return "bytes"
        case None:
            return "None"
        case True:
            return "True"
        case False:
            return "never: 0 came first"
        case Codes.OK | Codes.GONE as code:
            return f"code {code}"
        case Colour.RED:
            return "red"
        case _:
            return "?"


def sequences(value):
    match value:
        case []:
            return "empty"
        case [x]:
            return f"one {x}"
        case [1, *rest]:
            return f"one then {rest}"
        case (*start, "end"):
            return f"{start} then end"
        case [[a, b], [c, *_], *_] if a == c:
            return f"nested {a} {b}"
        case [first, *_, last] if len(value) > 3:
            return f"{first}..{last}"
        case "abc", (int() | float() as number):
            return f"abc and {number}"
        case [_, _]:
            return "two"
        case _:
            return "?"


def mappings(value):
    match value:
        case {"type": "circle", "radius": float(r) | int(r)}:
            return f"circle {r}"
        case {"type": "poly", "points": [(x, y), *more]}:
            return f"poly {x} {y} and {len(more)}"
        case {Codes.OK: body, **rest} if rest:
            return f"{body} with {sorted(rest)}"
        case {"nested": {"deep": {"er": value}}}:
            return f"deep {value}"
        case {"missing": None}:
            return "explicit None"
        case {}:
            return f"mapping of {len(value)}"
        case _:
            return "?"


def classes(value):
    match value:
        case Point(0, 0):
            return "origin"
        case Point(x=0, y=y) | Point(x=y, y=0):
            return f"axis {y}"
        case Point(x, y) if x == y:
            return f"diagonal {x}"
        case Point():
            return "point"
        case Box("big", size=s, area=a):
            return f"big box {s} {a}"
        case Shape(name, 1 | 2 as size):
            return f"small {name} {size}"
        case Pair(left=Pair(l, _), right=[*r]):
            return f"pair {l} {r}"
        case str(text) if text.isdigit():
            return f"digits {text}"
        case int() | bool() as number if number > 100:
            return f"large {number}"
        case list((first, *_)):
            return f"list from {first}"
        case dict() | set():
            return type(value).__name__
        case _:
            return "?"


def order():
    """The subject is evaluated once, patterns from the top, values each time."""
    trail = []

    class Names:
        def __getattr__(self, name):
            trail.append(name)
            return name

    names = Names()

    def subject():
        trail.append("subject")
        return "three"

    match subject():
        case names.one:
            pass
        case names.two if trail.append("never"):
            pass
        case names.three if trail.append("guard"):
            pass
        case names.three:
            trail.append("matched")
    return trail


def captured_even_so(value):
    """Names bound by a pattern whose guard fails stay bound; those of a failed pattern do not."""
    match value:
        case [a, b] if a > b:
            pass
        case [c, 5]:
            pass
    return sorted(k for k in locals() if k != "value")


class OddSequence:
    """Neither a registered sequence nor a mapping."""
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return index


for value in (0, -1, -1.5, 2 + 3j, "textual", b"bytes", None, True, False, 200, 410, Colour.RED, Colour.BLUE, 1.0):
    print("literals", repr(value), literals(value))
for value in ([], (1,), [1, 2], range(1, 4), ("a", "b", "end"), [[1, 2], [1]], [1.5, 2, 3, 4], ("abc", 2.5), deque([0, 0]),
              "ab", b"ab", {1: 2}, OddSequence(), iter([1])):
    print("sequences", type(value).__name__, sequences(value))
for value in ({"type": "circle", "radius": 2}, {"type": "poly", "points": [(1, 2), (3, 4)]}, {200: "b", "x": 1, "a": 2}, {200: "b"},
              {"nested": {"deep": {"er": 1, "also": 2}}}, {"missing": None}, OrderedDict(), [], "x"):
    print("mappings", mappings(value))
for value in (Point(0, 0), Point(0, 5), Point(5, 0), Point(3, 3), Point(1, 2), Box("big", 3), Box("b", 2), Shape("s", 1),
              Shape("s", 3), Pair(Pair(1, 2), (3, 4)), Pair(1, 2), "42", "x", 1000, True, [7, 8], [], {1}, {}):
    print("classes", classes(value))
print(order(), captured_even_so([1, 5]), captured_even_so([2, 1]), captured_even_so("ab"))
for action in (lambda: exec("match Point(1, 2):\n case Point(1, 2, 3): pass", {"Point": Point}),
               lambda: exec("match 1:\n case int(real=1, imag=0): print('attributes of int')"),
               lambda: exec("c = 3\nmatch 5:\n case c(): pass"),
               lambda: exec("match Box('a', 1):\n case Shape('a', name='a'): pass", {"Box": Box, "Shape": Shape}),
               lambda: exec("match {}:\n case {'a': 1, 'a': 2}: pass"),
               lambda: exec("match 1:\n case x: pass\n case y: pass")):
    try:
        action()
    except (TypeError, SyntaxError) as error:
        print(type(error).__name__, error)
