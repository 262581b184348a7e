"""typing, abc, namedtuple, protocols, generics, and annotations as data."""

import abc
import collections
import typing
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    NamedTuple,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    overload,
    runtime_checkable,
)

T = TypeVar("T")
K = TypeVar("K", bound="Animal")
N = TypeVar("N", int, float)


class Animal(abc.ABC):
    legs: ClassVar[int] = 4

    @abc.abstractmethod
    def sound(self) -> str:
        """What it says."""

    @property
    @abc.abstractmethod
    def name(self): ...

    @classmethod
    def __subclasshook__(cls, other):
        if cls is Animal:
            return any("bark" in vars(base) for base in other.__mro__) or NotImplemented
        return NotImplemented

    def speak(self):
        return f"{self.name}: {self.sound()} on {self.legs}"


class Dog(Animal):
    name = "dog"

    def sound(self):
        return super().sound() or "woof"


class Half(Animal):
    def sound(self):
        return "?"


class Barker:
    def bark(self):
        pass


class Registered:
    pass


Animal.register(Registered)


class Stack(Generic[T]):
    items: list[T]

    def __init__(self, *items: T) -> None:
        self.items = list(items)

    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)
        return self

    def map(self, function: typing.Callable[[T], K]) -> "Stack[K]":
        return Stack(*map(function, self.items))

    def __class_getitem__(cls, item):
        return super().__class_getitem__(item)


class Numbers(Stack[int]):
    def total(self):
        return sum(self.items)


@runtime_checkable
class Sized2(Protocol):
    size: int

    def grow(self, by: int = 1) -> int: ...


class Box:
    size = 3

    def grow(self, by=1):
        return self.size + by


class Employee(NamedTuple):
    """A person at work."""

    name: str
    id: int = 3
    tags: tuple = ()

    @property
    def label(self):
        return f"{self.name}#{self.id}"

    def __add__(self, other):
        return self._replace(id=self.id + other)


Point = collections.namedtuple("Point", "x y z", defaults=[0])


class Movie(TypedDict, total=False):
    title: typing.Required[str]
    year: int


class Annotated2:
    a: int = 1
    b: "Stack[str]"
    c: Final = 3
    d: Annotated[int, "meta", 5]
    (e): int
    a.real: float
    f: Optional["Annotated2"] = None

    def method(self, x: int, *args: str, y: "Box" = None, **kw: Any) -> "Annotated2": ...


@overload
def double(value: int) -> int: ...
@overload
def double(value: str) -> str: ...
def double(value):
    return value * 2


def local_annotations():
    x: int = 5
    y: undefined_name_is_fine
    z: print("annotations of locals are not evaluated") = 1
    try:
        return x, z, y
    except UnboundLocalError as error:
        return x, z, type(error).__name__


print(
    Dog().speak(),
    sorted(Half.__abstractmethods__),
    [issubclass(c, Animal) for c in (Dog, Barker, Registered, Box)],
    isinstance(Registered(), Animal),
)
for make in (
    Animal,
    Half,
    lambda: Employee(),
    lambda: Point(1),
    lambda: Point(1, 2, 3, 4),
    lambda: Sized2(),
    lambda: isinstance(1, Stack[int]),
    lambda: Numbers[str],
    lambda: Employee("a")._replace(nope=1),
    lambda: Literal["a"]("b"),
):
    try:
        print(make())
    except TypeError as error:
        print(
            "TypeError",
            str(error).replace("'Half' with abstract methods name", "'Half' with abstract method name"),
        )
    except ValueError as error:
        print("ValueError", error)
stack = Stack[int](1, 2).push(3)
print(
    stack.items,
    stack.map(str).items,
    Stack[int],
    Stack[T][str],
    Numbers(4, 5).total(),
    Numbers.__orig_bases__,
    stack.__orig_class__,
)
print(
    isinstance(Box(), Sized2),
    isinstance(Dog(), Sized2),
    get_origin(dict[str, int]),
    get_args(Union[int, str, None]),
    get_args(Literal["a", 1]),
    Optional[int],
    int | None,
)
ann = Employee("ann")
print(
    ann,
    ann.label,
    ann + 4,
    ann._asdict(),
    Employee._fields,
    Employee._field_defaults,
    Employee.__doc__,
    ann == ("ann", 3, ()),
    *ann,
)
p = Point(1, 2)
print(
    p,
    p._replace(y=5),
    Point._make("abc"),
    p[1:],
    sorted([Point(2, 1), p]),
    hash(p) == hash((1, 2, 0)),
    {**p._asdict()},
)
print(Movie(title="x", year=2), sorted(Movie.__required_keys__), sorted(Movie.__optional_keys__))
print(
    {k: str(v) for k, v in get_type_hints(Annotated2).items()}.keys(),
    get_type_hints(Annotated2.method)["return"] is Annotated2,
    get_type_hints(Annotated2, include_extras=True)["d"].__metadata__,
)
print(
    sorted(Annotated2.__annotations__),
    hasattr(Annotated2, "b"),
    double(2),
    double("a"),
    cast(int, "not checked"),
    local_annotations(),
)
print(
    list[int],
    tuple[int, ...],
    dict[str, list[int]],
    collections.abc.Callable[[int], str],
    type[int],
    list[T][int],
    T,
    K.__bound__,
    N.__constraints__,
)


class Descending(collections.abc.Sequence):
    """Only the two abstract methods; the mixin does the rest."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if not 0 <= index < self.n:
            raise IndexError(index)
        return self.n - index


d = Descending(4)
print(list(d), 3 in d, d.index(1), d.count(9), list(reversed(d)), isinstance(d, collections.abc.Reversible))
