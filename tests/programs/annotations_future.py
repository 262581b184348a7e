"""Annotations kept as text by a __future__ import, at module level, in classes and functions; other ways of the compiler."""

from __future__ import annotations

import dataclasses
import typing

trail = []


def note(value):
    trail.append(value)
    return value


x: note("never evaluated") = 1
y: Undefined[int, "quoted"]
z: lambda: 5 = note("the value is evaluated")
if x > 5:
    unreached: int
(w): float = 2.0
holder = {}
holder["item"]: note("subscripts neither") = 5


class Node:
    value: int
    children: list[Node] = []
    table: dict[str, "Node"] | None = None
    kind: typing.ClassVar[str] = "node"
    __mangled: Node

    def __init__(self, value: int, *children: Node, **more: Undefined) -> None:
        self.value: int = value
        self.children: list[Node] = list(children)
        local: Undefined = more

    def walk(self) -> typing.Iterator[int]:
        yield self.value
        for child in self.children:
            yield from child.walk()

    for loop in range(2):
        looped: int = loop


@dataclasses.dataclass
class Record:
    name: str
    size: int = 0
    shared: typing.ClassVar[int] = 3
    _: dataclasses.KW_ONLY
    flag: bool = False
    initial: dataclasses.InitVar[int] = 5

    def __post_init__(self, initial: int) -> None:
        self.size += initial


class Movie(typing.TypedDict):
    title: str
    year: typing.NotRequired[int]


class Point(typing.NamedTuple):
    x: int
    y: Point | None = None


def function(
    a: int, b: str = "x", /, *args: Undefined.attribute[0], c: 1 + 2 = 3, **kw: (yes if no else maybe)
) -> [x for x in y]:
    def inner(d: a) -> b:
        return d

    return inner


async def coroutine(q: await_me) -> None:
    pass


print(__annotations__ if "__annotations__" in globals() else "none")
print(Node.__annotations__, Node.__init__.__annotations__, Node.walk.__annotations__)
print(function.__annotations__, function(1, "b").__annotations__, coroutine.__annotations__)
print(list(Node(1, Node(2, Node(3)), Node(4)).walk()), Node.looped, holder, trail)
print(
    Record("r", 1),
    Record("s", flag=True, initial=0),
    [f.name for f in dataclasses.fields(Record)],
    [f.type for f in dataclasses.fields(Record)],
)
print(
    sorted(typing.get_type_hints(Record)),
    sorted(Movie.__required_keys__),
    sorted(Movie.__optional_keys__),
    Point(1, Point(2)),
)
hints = typing.get_type_hints(Node.walk)
print(hints)
for target in (function, Node):
    try:
        print(sorted(typing.get_type_hints(target)))
    except (NameError, SyntaxError, TypeError) as error:
        print(type(error).__name__, error)
print(
    type(Node.__annotations__["value"]).__name__,
    typing.get_type_hints(Record)["size"],
    eval(Node.__annotations__["children"]) == list[Node],
)
__annotations__["added"] = 5
print(__annotations__["added"], function.__code__.co_flags & 0x1000000 != 0)
