"""What 3.13 added: defaults of type parameters, locals() as snapshots, static attributes, replace(), docstrings stripped, deprecated."""

import copy
import sys
import warnings
from dataclasses import dataclass
from typing import NamedTuple, ReadOnly, TypedDict, TypeIs


class Box[T = int, *Ts = *tuple[str, ...]]:
    """A docstring
        whose indentation
    is stripped.
    """

    def __init__(self, value: T) -> None:
        self.value = value
        self.other: int = 1
        if value:
            self.maybe = 2

    def change(self):
        self.later = 3


def with_default[K = "later"](key: K) -> K:
    return K.__default__


type Alias[A, B = list[A]] = dict[A, B]


def snapshots():
    x = 1
    first = locals()
    x = 2
    second = locals()
    second["x"] = 100
    second["made"] = 5
    frame = sys._getframe().f_locals
    frame["x"] = 3
    return first["x"], second["x"], x, "made" in locals(), type(frame).__name__


def in_comprehension():
    outer = 1
    return [sorted(locals()) for inner in range(1)]


def through_exec():
    value = 10
    exec("value = 20")
    scope = locals()
    exec("value = 30; added = 1", globals(), scope)
    return value, scope


def write_through(limit):
    """f_locals of a frame that is still running, and of a suspended generator."""

    def steps():
        n = 0
        while n < limit:
            got = yield n
            n += 1
        return "done"

    generator = steps()
    next(generator)
    generator.gi_frame.f_locals["n"] = limit - 1
    try:
        next(generator)
    except StopIteration as stop:
        return stop.value


def closures():
    x = 1

    def inner():
        return x

    sys._getframe().f_locals["x"] = 7
    return inner(), x


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 0


class Named(NamedTuple):
    a: int
    b: int = 2


class Movie(TypedDict):
    title: ReadOnly[str]


@warnings.deprecated("use new() instead")
def old():
    return "old"


def is_text(value: object) -> TypeIs[str]:
    return isinstance(value, str)


print(
    Box.__doc__.splitlines(),
    Box.__static_attributes__ == tuple(sorted(Box.__static_attributes__))
    or sorted(Box.__static_attributes__),
    Box.__firstlineno__,
)
print(
    [p.__default__ for p in Box.__type_params__],
    Box.__type_params__[0].has_default(),
    with_default(1),
    Alias[int].__args__,
    Alias.__type_params__[1].__default__,
)
print(snapshots(), in_comprehension(), through_exec(), write_through(5), closures())
print(copy.replace(Point(1, 2), y=5), copy.replace(Named(1), b=3), is_text("a"), Movie(title="t"))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(old(), [(w.category.__name__, str(w.message)) for w in caught])
try:
    f = lambda *, key: key
    f(kye=1)
except TypeError as error:
    print(error)
try:
    "".split(maxsplits=1)
except TypeError as error:
    print(error)
print(PythonError := sys.exception(), "PythonFinalizationError" in dir(__import__("builtins")))


class Meta(type):
    def __new__(meta, name, bases, namespace):
        seen.append(sorted(k for k in namespace if k in ("__firstlineno__", "__static_attributes__")))
        return super().__new__(meta, name, bases, namespace)


seen = []


class Made(metaclass=Meta):
    def method(self):
        self.a = self.b = 1
        (self.c, self.d), self.e[0] = (1, 2), 3
        del self.f

    @classmethod
    def other(cls):
        cls.not_listed = 1


print(seen, sorted(Made.__static_attributes__))
