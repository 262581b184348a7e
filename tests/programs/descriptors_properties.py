"""Descriptors, properties, slots, attribute hooks: who is asked first for a name, and who stores it."""

import functools


class Data:
    def __get__(self, instance, owner):
        return "data", instance is not None, owner.__name__

    def __set__(self, instance, value):
        instance.__dict__["stored"] = value


class NonData:
    def __get__(self, instance, owner):
        return "non-data"


class Bare:
    data, plain = Data(), NonData()

    def __init__(self):
        self.__dict__["data"] = "shadow"
        self.__dict__["plain"] = "instance"


class Celsius:
    def __init__(self, degrees):
        self._degrees = degrees
        self.log = []

    @property
    def degrees(self):
        """The temperature."""
        self.log.append("get")
        return self._degrees

    @degrees.setter
    def degrees(self, value):
        if value < -273.15:
            raise ValueError("too cold")
        self.log.append("set")
        self._degrees = value

    @degrees.deleter
    def degrees(self):
        self.log.append("delete")
        self._degrees = 0

    fahrenheit = property(lambda self: self._degrees * 9 / 5 + 32, doc="converted")

    @functools.cached_property
    def slow(self):
        self.log.append("computed")
        return self._degrees * 100

    @classmethod
    def freezing(cls):
        return cls(0)

    @staticmethod
    def valid(value):
        return value >= -273.15


class Kelvin(Celsius):
    @Celsius.degrees.getter
    def degrees(self):
        return super().degrees + 273.15

    @property
    def broken(self):
        return self.nothing

    def __getattr__(self, name):
        return f"fallback for {name}"


class Hooks:
    """Every attribute hook, each leaving a trace."""

    seen = []

    def __getattribute__(self, name):
        Hooks.seen.append(f"get {name}")
        return super().__getattribute__(name)

    def __getattr__(self, name):
        if name == "absent":
            raise AttributeError(f"really no {name}", name=name, obj=self)
        return name.upper()

    def __setattr__(self, name, value):
        Hooks.seen.append(f"set {name}")
        super().__setattr__(name, value)

    def __delattr__(self, name):
        Hooks.seen.append(f"del {name}")
        object.__delattr__(self, name)

    def __dir__(self):
        return ["b", "a"]


class Slotted:
    __slots__ = ("x", "__private", "__weakref__")

    def __init__(self, x):
        self.x, self.__private = x, "hidden"

    def reveal(self):
        return self.__private


class Wider(Slotted):
    __slots__ = ["y"]


class Open(Slotted):
    pass


class Validated:
    """Reusable descriptors with per-instance storage and a shared validator."""

    def __init__(self, *checks):
        self.checks = checks

    def __set_name__(self, owner, name):
        self.slot = f"_{name}"

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.slot)

    def __set__(self, instance, value):
        for check in self.checks:
            if not check(value):
                raise ValueError(f"{self.slot[1:]}={value!r} fails {check.__name__}")
        setattr(instance, self.slot, value)


def positive(value):
    return value > 0


def whole(value):
    return value == int(value)


class Order:
    amount = Validated(positive, whole)
    price = Validated(positive)

    def __init__(self, amount, price):
        self.amount, self.price = amount, price

    @property
    def total(self):
        return self.amount * self.price


bare = Bare()
print(bare.data, bare.plain, Bare.data, Bare.plain)
bare.data, bare.plain = 1, 2
print(bare.__dict__)
warm = Celsius(20)
warm.degrees += 5
print(
    warm.degrees,
    warm.fahrenheit,
    warm.slow,
    warm.slow,
    warm.log,
    Celsius.degrees.__doc__,
    Celsius.fahrenheit.__doc__,
)
del warm.degrees
print(warm.degrees, Celsius.freezing().degrees, Celsius.valid(-300), warm.log)
kelvin = Kelvin(0)
print(kelvin.degrees, kelvin.anything, kelvin.broken)
hooks = Hooks()
hooks.value = 1
hooks.value += 1
print(hooks.value, hooks.other, dir(hooks), getattr(hooks, "absent", "default"), hasattr(hooks, "absent"))
del hooks.value
print(hooks.value, Hooks.seen)
order = Order(3, 2.5)
print(order.total, vars(order))
wide, open_ = Wider(1), Open(2)
wide.y = open_.free = 3
print(
    wide.x,
    wide.y,
    open_.free,
    open_.__dict__,
    wide.reveal(),
    hasattr(wide, "__dict__"),
    Slotted.x.__get__(wide),
)


def failing():
    yield lambda: setattr(warm, "degrees", -500)
    yield lambda: setattr(warm, "fahrenheit", 1)
    yield lambda: delattr(warm, "fahrenheit")
    yield lambda: hooks.absent
    yield lambda: delattr(hooks, "missing")
    yield lambda: setattr(wide, "z", 1)
    yield lambda: Wider.__new__(Wider).x
    yield lambda: wide.__private
    yield lambda: Order(1.5, 1)
    yield lambda: Order(1, 0)
    yield lambda: type("Clash", (), {"__slots__": ("a",), "a": 1})
    yield lambda: Celsius.freezing().undefined
    yield lambda: (5).real.missing


for action in failing():
    try:
        action()
    except (AttributeError, ValueError) as error:
        print(type(error).__name__, error)
    else:
        raise AssertionError
