"""Type parameters (3.12): functions, classes, aliases; their scopes, bounds, laziness, and what introspection shows."""

import typing
from typing import TypeAliasType, get_type_hints

trail = []


def note(value):
    trail.append(value)
    return value


def first[T](items: list[T], default: T | None = None) -> T | None:
    return items[0] if items else default


def keyed[K: note((int, str)), *Ts, **P](key: K, *rest: *Ts) -> tuple[K, *Ts]:
    def inner[V](value: V) -> tuple[K, V]:
        return K.__name__, V.__name__, value

    return inner(key), len(rest)


class Stack[T]:
    kind = T.__name__

    def __init__(self, *items: T) -> None:
        self.items = list(items)

    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)
        return self

    def map[U](self, function: typing.Callable[[T], U]) -> "Stack[U]":
        return Stack[U](*map(function, self.items))

    def zip[U, V: (int, float)](self, us: list[U], vs: list[V]) -> list[tuple[T, U, V]]:
        return [(*row, U.__name__) for row in zip(self.items, us, vs)]

    class Inner[S]:
        both = (T.__name__, S.__name__)


class Numbers[N: (int, float)](Stack[N]):
    def total(self) -> N:
        return sum(self.items)


class Pair[A, B](typing.NamedTuple):
    left: A
    right: B


type Tree[T] = T | list[Tree[T]]
type Lazy = note("alias evaluated") and UndefinedYet
type Plain = int | None
type Callback[**P, R] = typing.Callable[P, R]


def flatten[T](tree: Tree[T]) -> list[T]:
    if isinstance(tree, list):
        return [leaf for branch in tree for leaf in flatten(branch)]
    return [tree]


def decorated[F](function: F) -> F:
    function.seen = function.__type_params__
    return function


@decorated
def target[X: note("bound evaluated") and str](x: X = note("default")) -> X:
    return x


class Outer:
    name = "class scope"

    def method[T: name](self, value: T) -> T:
        return value, name if "name" in globals() else "no global"

    type Alias = name


def generator[T](*values: T):
    for value in values:
        yield T, value


async def coroutine[T](value: T) -> T:
    return T.__name__, value


print(first([1, 2]), first([], "d"), keyed(5, "a", "b"), first.__type_params__, keyed.__type_params__)
print(
    Stack.__type_params__,
    Stack.kind,
    Stack(1).push(2).map(str).items,
    Stack("a").zip([1], [2.5]),
    Stack.Inner.both,
    Stack[int].__args__,
    Stack.__orig_bases__,
)
print(
    Numbers(1, 2).total(),
    Numbers.__type_params__[0].__constraints__,
    Pair(1, "x"),
    Pair.__type_params__,
    Pair[int, str].__args__,
)
print(
    Tree.__name__,
    Tree.__type_params__,
    isinstance(Tree, TypeAliasType),
    Tree[int],
    Plain.__value__,
    Callback.__type_params__,
    flatten([1, [2, [3, []]]]),
)
print(trail)
try:
    Lazy.__value__
except NameError as error:
    print(error, trail)
UndefinedYet = int
print(Lazy.__value__, trail)
print(target(), target.seen[0].__bound__, target.seen[0].__bound__, trail)
print(Outer().method(1), Outer.method.__type_params__[0].__bound__, Outer.Alias.__value__)
print([(t.__name__, v) for t, v in generator(1, "b")], get_type_hints(first)["default"])
try:
    coroutine(7).send(None)
except StopIteration as stop:
    print(stop.value)
K = keyed.__type_params__[0]
print(K.__constraints__, trail[-1], K.__infer_variance__, repr(K), keyed.__annotations__["return"])
for wrong in (
    "def f[T, T](): pass",
    "class A[T: (yield)]: pass",
    "type X[T] = (x := 5)",
    "def f[T=int, U](): pass",
):
    try:
        compile(wrong, "<t>", "exec")
    except SyntaxError as error:
        print(type(error).__name__)


def nested_scopes(a):
    def inner[T: a]():
        nonlocal a
        a += 1
        return T.__bound__, a

    return inner(), a


print(nested_scopes(1), "T" in globals(), sorted(n for n in vars(Stack) if not n.startswith("__")))
