"""functools in all its parts: caches, dispatch, partials, ordering, wraps, reduce, and methods made of them."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


calls = []


@functools.lru_cache(maxsize=3)
def slow(x, *, y=0):
    calls.append((x, y))
    return x * 10 + y


@functools.cache
def paths(rows, columns):
    return 1 if 1 in (rows, columns) else paths(rows - 1, columns) + paths(rows, columns - 1)


@functools.singledispatch
def describe(value, depth=0):
    return f"something {value!r}"


@describe.register
def _(value: int, depth=0):
    return f"int {value}"


@describe.register(list)
@describe.register(tuple)
def _(value, depth=0):
    return f"{type(value).__name__} of [{', '.join(describe(v, depth + 1) for v in value)}] at {depth}"


@describe.register
def _(value: Mapping, depth=0):
    return "mapping of " + " ".join(sorted(map(str, value)))


@describe.register
def _(value: bool | None, depth=0):
    return f"switch {value}"


class Shape:
    def __init__(self, sides):
        self.sides = sides

    @functools.singledispatchmethod
    def scale(self, factor):
        raise NotImplementedError(f"cannot scale by {type(factor).__name__}")

    @scale.register
    def _(self, factor: int):
        return [s * factor for s in self.sides]

    @scale.register(str)
    def _(self, factor):
        return [factor * s for s in self.sides]

    @functools.singledispatchmethod
    @classmethod
    def build(cls, sides):
        return cls(list(sides))

    @build.register
    @classmethod
    def _(cls, sides: int):
        return cls([sides] * 4)

    @functools.cached_property
    def perimeter(self):
        calls.append("perimeter")
        return sum(self.sides)

    @functools.lru_cache
    def area(self, unit=1):
        calls.append("area")
        return functools.reduce(lambda a, b: a * b, self.sides) * unit

    double = functools.partialmethod(scale, 2)


@functools.total_ordering
class Version:
    def __init__(self, text):
        self.parts = tuple(int(p) for p in text.split("."))

    def __eq__(self, other):
        return self.parts == other.parts if isinstance(other, Version) else NotImplemented

    def __lt__(self, other):
        return self.parts < other.parts if isinstance(other, Version) else NotImplemented

    def __hash__(self):
        return hash(self.parts)

    __repr__ = lambda self: ".".join(map(str, self.parts))


def documented(function):
    """An outer decorator."""

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args, **kwargs):
        """hidden"""
        return function(*args, **kwargs)

    return wrapper


@documented
def example(a: int) -> str:
    """The example."""
    return str(a)


@dataclass(frozen=True)
class Key:
    name: str
    weight: int = 0


print(
    [slow(1), slow(1, y=0), slow(2), slow(3), slow(4), slow(1)],
    calls,
    slow.cache_info(),
    slow.cache_parameters(),
)
slow.cache_clear()
print(slow(y=5, x=1), slow.cache_info().misses, slow.__wrapped__(9), paths(8, 8), paths.cache_info().currsize)
for value in (1, True, None, 2.5, [1, [2, "x"], (3,)], {"b": 1, "a": 2}, range(2), "text"):
    print(describe(value))
print(
    describe.dispatch(int).__name__,
    describe.dispatch(Sequence) is describe.registry[object],
    sorted(t.__name__ for t in describe.registry),
)
calls.clear()
shape = Shape([1, 2, 3])
print(
    shape.scale(2),
    shape.scale("x"),
    shape.double(),
    Shape.build(2).sides,
    Shape.build("ab").sides,
    shape.perimeter,
    shape.perimeter,
    shape.area(),
    shape.area(unit=2),
    shape.area(),
    calls,
)
try:
    shape.scale(1.5)
except NotImplementedError as error:
    print(error)
try:
    shape.scale([])
except (NotImplementedError, TypeError) as error:
    print(type(error).__name__, error)
del shape.perimeter
shape.sides.append(4)
print(shape.perimeter, "perimeter" in vars(shape), type(Shape.perimeter).__name__)
versions = [Version(v) for v in ("3.11", "3.9", "3.11.1", "3.10")]
print(
    sorted(versions),
    max(versions),
    Version("1.0") >= Version("1"),
    Version("1") <= Version("1"),
    Version("2") > Version("1"),
)
for wrong in (
    lambda: Version("1") < 5,
    lambda: Version("1") >= "1",
    lambda: slow([]),
    lambda: describe(),
    lambda: functools.reduce(max, []),
):
    try:
        wrong()
    except TypeError as error:
        print(error)
add = functools.partial(lambda *a, **k: (a, k), 1, x=2)
more = functools.partial(add, 3, y=4)
print(
    add(),
    more(5, x=6),
    more.args,
    more.keywords,
    more.func is add.func,
    functools.partial(int, base=2)("101"),
)
print(
    example.__name__,
    example.__doc__,
    example.__annotations__,
    example.__wrapped__.__annotations__,
    example(5),
)
print(functools.reduce(lambda a, b: f"({a}+{b})", "abcd"), functools.reduce(lambda a, b: a + [b], [1, 2], []))
print(
    sorted(
        ["b", "C", "a"],
        key=functools.cmp_to_key(lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower())),
    )
)
table = {Key("a"): 1, Key("a", 0): 2, Key("b", 1): 3}
print(len(table), table[Key("a")], functools.cache(lambda key: key.name * 2)(Key("z")))


def recursive_repr():
    import reprlib

    class Tree(list):
        @reprlib.recursive_repr("<again>")
        def __repr__(self):
            return "|".join(map(repr, self))

    tree = Tree([1, 2])
    tree.append(tree)
    return repr(tree)


print(recursive_repr())
