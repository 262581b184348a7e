"""Multiple inheritance, zero-argument super in every place it works, __class__ cells, cooperative calls."""


class Root:
    def __init__(self, **rest):
        assert not rest, rest
        self.trail = ["Root"]

    def describe(self):
        return ["Root"]

    @classmethod
    def make(cls, *args):
        return [cls.__name__, "Root"]

    @staticmethod
    def static():
        return "static Root"

    @property
    def value(self):
        return 1


class Left(Root):
    def __init__(self, left=0, **rest):
        super().__init__(**rest)
        self.trail.append(f"Left {left}")

    def describe(self):
        return ["Left", *super().describe()]

    @classmethod
    def make(cls, *args):
        return ["Left", *super().make(*args)]

    @property
    def value(self):
        return super().value + 10


class Right(Root):
    def __init__(self, right=0, **rest):
        super().__init__(**rest)
        self.trail.append(f"Right {right}")

    def describe(self):
        return ["Right", *super().describe()]

    @classmethod
    def make(cls, *args):
        return ["Right", *super(Right, cls).make(*args)]

    @property
    def value(self):
        return super().value + 100

    def __getitem__(self, key):
        return "Right", key

    def __len__(self):
        return 7


class Bottom(Left, Right):
    def __init__(self, **rest):
        super().__init__(**rest)
        self.trail.append("Bottom")

    def describe(self):
        return ["Bottom", *super().describe()]

    def several(self):
        inner = lambda: super(Bottom, self).describe()
        nested = [super(Left, self).describe() for _ in range(1)]

        def closure():
            return super(__class__, self).describe()

        return inner(), nested, closure(), __class__.__name__

    def through_special(self, key):
        return super().__getitem__(key), super().__len__(), super().static()

    def generator(self):
        yield super().value
        yield from super().describe()

    async def coroutine(self):
        return super().describe()

    def rebound(self):
        self.describe = lambda: "instance attribute"
        found = super().describe()
        del self.describe
        return found

    def other_self(this, *args, **kwargs):
        return super().value, args, kwargs


def drain(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


bottom = Bottom(left=1, right=2)
print(bottom.trail, [c.__name__ for c in Bottom.__mro__])
print(bottom.describe(), Bottom.make(), Bottom.static(), bottom.value)
print(bottom.several(), bottom.through_special("k"))
print(list(bottom.generator()), drain(bottom.coroutine()), bottom.rebound(), bottom.other_self(1, a=2))
print(
    super(Left, bottom).value,
    super(Right, bottom).value,
    repr(super(Left, bottom))[:15],
    super(Left, Bottom).make(),
)


class Wrong:
    def no_arguments():
        return super()

    def deleted(self):
        del self
        return super()

    def not_instance(self):
        return super(Left, self)

    def absent(self):
        return super().nothing

    class Inner:
        def method(self):
            return __class__.__qualname__


def outside():
    return super()


for action in (Wrong.no_arguments, Wrong().deleted, Wrong().not_instance, Wrong().absent, outside):
    try:
        action()
    except (RuntimeError, TypeError, AttributeError) as error:
        print(type(error).__name__, error)
print(Wrong.Inner().method())


class Late:
    """__class__ is filled in only when type.__new__ has run."""

    def __init_subclass__(cls):
        cls.seen = cls.peek()

    @classmethod
    def peek(cls):
        return "base"


class Later(Late):
    @classmethod
    def peek(cls):
        return __class__.__name__, super().peek()


print(Later.seen)


class Mixin:
    def save(self):
        return f"<{super().save()}>"


class Store:
    def save(self):
        return "store"


Saved = type("Saved", (Mixin, Store), {})
print(Saved().save(), isinstance(Saved(), Store), issubclass(Saved, Mixin), Saved.__bases__ == (Mixin, Store))
try:

    class Crossed(Root, Left):
        pass
except TypeError as error:
    print(str(error).replace("\n", " "))


class Number(int):
    def __new__(cls, text, base=10):
        return super().__new__(cls, text, base)

    def __add__(self, other):
        return type(self)(str(super().__add__(other)))

    def __repr__(self):
        return f"Number({super().__repr__()})"


print(Number("ff", 16) + 1, repr(Number("7") + Number("5")), sum([Number("1")] * 3, Number("0")))
