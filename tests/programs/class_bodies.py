"""Class bodies with odd contents: loops, conditions, try, with, del, mangled names, nested scopes, walrus, annotations, imports."""

import contextlib


class Everything:
    """A docstring."""

    import math
    from collections import OrderedDict as Ordered, deque

    numbers = []
    for i in range(3):
        if i == 1:
            continue
        numbers.append(i)
    else:
        numbers.append("else")
    while len(numbers) < 5:
        numbers.append(math.floor(2.5))
    try:
        undefined
    except NameError as error:
        message = str(error)
    finally:
        numbers += ["finally"]
    with contextlib.suppress(KeyError):
        {}["missing"]
        numbers.append("never")
    (a, *b), c = (1, 2, 3), 4
    x = y = (z := 5)
    del i, z
    if a > 0:

        def method(self):
            return "conditional", self.a
    else:
        method = None
    lambda_ = lambda self, k=c: (self.a, k)
    table = {name: len(name) for name in ("one", "three")}
    first = [*table][0]
    match c:
        case 4 as four:
            matched = four
        case _:
            matched = None
    assert matched == 4, "in a class body"
    global from_class
    from_class = matched
    names = sorted(k for k in locals() if not k.startswith("_"))
    print("body of", __qualname__, __module__)

    def __init_subclass__(cls, **kwargs):
        cls.from_base = kwargs

    class Inner:
        outer_c = "not visible"

        def where(self):
            return __class__.__qualname__

        class Innermost:
            pass

    @staticmethod
    def made(n):
        class Local(Everything, made=n):
            level = n

            def again(self):
                return Everything.made(n - 1) if n else None

        return Local

    annotated: int
    valued: "str" = "v"


class Mangled:
    __secret = 1
    __dunder__ = 2
    _Mangled__direct = 3
    __ = 4
    ___three = 5

    def __init__(self, __parameter=6):
        self.__attribute = __parameter
        __local = 7
        self.seen = sorted(locals())
        self.closure = lambda: __local

    def __method(self):
        return self.__secret, self.__attribute, self.___three, self.__

    def call(self):
        import collections as __module

        try:
            raise KeyError("k")
        except KeyError as __error:
            text = str(__error)
        for __loop in range(2):
            pass
        return (
            self.__method(),
            __module.__name__,
            text,
            __loop,
            self.__direct if hasattr(self, "_Mangled__direct") else None,
        )

    def keyword(self, *, __only=8):
        return __only

    class __Nested:
        __deeper = 9

    @classmethod
    def nested(cls):
        return cls.__Nested.__name__, [n for n in vars(cls.__Nested) if "deeper" in n]


class _Leading:
    __x = 1


class __:
    __y = 2


def scopes(parameter):
    free = "enclosing"

    class Outer:
        free = "class"
        seen = parameter

        def method(self):
            return free, parameter

        class Inner:
            seen = parameter

            def method(self):
                return free

    return Outer.free, Outer.seen, Outer().method(), Outer.Inner.seen, Outer.Inner().method()


def returns_class(*bases, **namespace):
    class Made(*bases, **{"metaclass": type}):
        locals().update(namespace)
        size = len(namespace)

    return Made


everything = Everything()
print(
    everything.numbers,
    everything.message,
    everything.a,
    everything.b,
    everything.x,
    everything.method(),
    everything.lambda_(),
    everything.table,
    everything.first,
)
print(
    Everything.names,
    from_class,
    Everything.__doc__,
    hasattr(Everything, "z"),
    Everything.Inner().where(),
    Everything.Inner.Innermost.__qualname__,
)
local = Everything.made(2)
print(local.__qualname__, local.from_base, local().again().level, local().again()().again()().again())
print(
    sorted(k for k in vars(Mangled) if "__" not in k.strip("_") or k.startswith("_Mangled")),
    Mangled().call(),
    Mangled().seen,
    Mangled().closure(),
)
print(
    Mangled.keyword(Mangled(), _Mangled__only=10),
    Mangled.nested(),
    vars(_Leading)["_Leading__x"],
    vars(__)["__y"],
)
try:
    Mangled().__attribute
except AttributeError as error:
    print(error)
try:
    print(scopes(1))
except NameError as error:
    print(error)
made = returns_class(dict, list.__bases__[0], key=5, other="o")
print(made.__mro__[1].__name__, made.key, made.other, made.size, made(a=1))


class Properties:
    def getter(name):
        def get(self):
            return f"{name} of {type(self).__name__}"

        return property(get)

    left, right = map(getter, ("left", "right"))
    for side in ("top", "bottom"):
        locals()[side] = getter(side)
    del getter, side


print(
    Properties().left,
    Properties().right,
    Properties().top,
    Properties().bottom,
    hasattr(Properties, "getter"),
)


class Chained(Everything, flag=1):
    numbers = Everything.numbers[:1]
    numbers[0:0] = [Everything.c]

    def __set_name__(self, owner, name):
        print("set_name", owner.__name__, name)


class Uses:
    attribute = Chained()


print(Chained.numbers, Chained.from_base, Uses.attribute.a)


class Names:
    """A namespace that can do no more than a class's body must have."""

    def __init__(self):
        self.names = {}

    def __getitem__(self, name):
        return self.names[name]

    def __setitem__(self, name, value):
        self.names[name] = value


class Prepared(type):
    @classmethod
    def __prepare__(cls, name, bases):
        return Names()

    def __new__(cls, name, bases, namespace):
        return super().__new__(cls, name, bases, namespace.names)


class Closing(metaclass=Prepared):
    size = 2
    sizes = [size for size in range(size)]

    def again(self):
        return super().__repr__()[:9], __class__.sizes, [__class__ for _ in range(self.size)]

    class Inner:
        def outer(self):
            return __class__, Closing

    made = (lambda: __class__)


print(Closing().again(), Closing.Inner().outer(), Closing().made.__closure__[0].cell_contents)
