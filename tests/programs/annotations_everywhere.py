"""Annotations in modules, classes, functions and odd places; __annotations__ read and changed; with and without values."""

import inspect
from typing import get_type_hints

trail = []


def note(value):
    trail.append(value)
    return value


x: int = 1
y: note("annotation of y")
z: "forward" = note("value of z")
(w): int = 2
holder = {}
holder["key"]: note("subscript annotation") = note("subscript value")
if x:
    conditional: str = "yes"
for loop_variable in range(1):
    in_loop: float
try:
    in_try: bytes = b""
except ValueError:
    in_except: int = 0


class Node:
    value: int
    children: "list[Node]" = []
    count: note("class annotation") = note("class value")
    __private: int = 3
    attribute: dict = {}
    attribute["k"]: int = 4

    def __init__(self, value: int, *children: "Node", deep: bool = False, **rest: "Node") -> None:
        self.value: note("never evaluated") = value
        self.children: list = list(children)
        local: note("never evaluated either") = 5
        unset: int

    @property
    def size(self) -> int:
        return 1 + sum(child.size for child in self.children)

    @staticmethod
    def parse(text: str, /, base: int = note("default") and 10) -> "Node":
        return Node(int(text, base))


class Leaf(Node):
    weight: float


def outer(a: note("argument") = note("argument default"), *, b: "str" = "x") -> note("return"):
    def inner(c: a, d: type(a) = a) -> a:
        return c

    return inner


async def coroutine(c: int) -> str:
    value: int = c
    return str(value)


def generator(n: int) -> "Iterator[int]":
    total: int = 0
    for i in range(n):
        total += i
        yield total


lambda_ = lambda p: p
tree = Node(1, Node(2), Node(3, Node(4)))
print(tree.size, Node.parse("ff", 16).value, list(generator(4)), holder, outer()("c"))
try:
    coroutine(5).send(None)
except StopIteration as stop:
    print(stop.value)
# Before 3.14 annotations were evaluated at the definition, from then on when they are asked for.
names = (
    sorted(__annotations__)
    if "__annotations__" in globals()
    else sorted(inspect.get_annotations(inspect.getmodule(note)))
)
print(names)
print(
    sorted(Node.__annotations__),
    sorted(Leaf.__annotations__),
    Node.__init__.__annotations__,
    sorted(outer.__annotations__),
)
print(
    outer.__annotations__["a"],
    outer.__annotations__["return"],
    outer().__annotations__["c"],
    lambda_.__annotations__,
    inspect.get_annotations(Leaf),
)
print(inspect.signature(Node.__init__), inspect.signature(Node.parse), inspect.signature(coroutine))
hints = get_type_hints(Node.__init__)
print(hints["children"] is Node, hints["return"], hints["deep"])
outer.__annotations__["b"] = "changed"
outer.__annotations__["new"] = 1
print(outer.__annotations__["b"], sorted(outer.__annotations__))
outer.__annotations__ = {}
print(outer.__annotations__, tree.__class__.__annotations__ is Node.__annotations__)
for wrong in (
    lambda: setattr(outer, "__annotations__", 5),
    lambda: get_type_hints(generator),
    lambda: (lambda: unset_name)(),
):
    try:
        wrong()
    except (TypeError, NameError) as error:
        print(type(error).__name__, error)
print(sorted(map(str, trail)))
assert "never evaluated" not in trail


def scope():
    unassigned: int
    try:
        unassigned
    except UnboundLocalError as error:
        return str(error)


print(scope())
