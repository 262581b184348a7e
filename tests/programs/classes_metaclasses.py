"""Metaclasses and the hooks around a class: __prepare__, __set_name__, __init_subclass__, __class_getitem__."""


class Recorder(dict):
    """The namespace of a class body, which notes what is stored in it and supplies what is missing."""

    def __init__(self):
        super().__init__()
        self.order = []

    def __setitem__(self, key, value):
        self.order.append(key)
        super().__setitem__(key, value)

    def __missing__(self, key):
        if key.startswith("auto_"):
            return len(self.order)
        raise KeyError(key)


class Meta(type):
    @classmethod
    def __prepare__(meta, name, bases, **options):
        return Recorder()

    def __new__(meta, name, bases, namespace, **options):
        cls = super().__new__(meta, name, bases, dict(namespace))
        cls.order = [key for key in namespace.order if not key.startswith("__")]
        cls.options = options
        return cls

    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)

    def __call__(cls, *args, **kwargs):
        instance = super().__call__(*args, **kwargs)
        instance.made_by = cls.__name__
        return instance

    def __iter__(cls):
        return iter(cls.order)

    def __len__(cls):
        return len(cls.order)

    def __contains__(cls, name):
        return name in cls.order

    def __getattr__(cls, name):
        if name.startswith("has_"):
            return name[4:] in cls
        raise AttributeError(f"no {name} on {cls.__name__}")

    def __instancecheck__(cls, instance):
        return hasattr(instance, "made_by")


class Base(metaclass=Meta, flag=True):
    z = 1
    a = auto_value
    b = [z, a]

    def method(self):
        return __class__

    for loop in range(2):
        c = loop
    del loop


class Plugin:
    registry = {}

    def __init_subclass__(cls, /, key=None, **rest):
        super().__init_subclass__(**rest)
        Plugin.registry[key or cls.__name__.lower()] = cls

    def __class_getitem__(cls, item):
        return f"{cls.__name__}[{item!r}]"


class Json(Plugin):
    pass


class Csv(Plugin, key="comma"):
    pass


class Typed:
    """A descriptor that learns its name."""

    def __init__(self, kind):
        self.kind = kind

    def __set_name__(self, owner, name):
        self.owner, self.name = owner, name

    def __get__(self, instance, owner):
        return self if instance is None else instance.__dict__[self.name]

    def __set__(self, instance, value):
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.owner.__name__}.{self.name} must be {self.kind.__name__}")
        instance.__dict__[self.name] = value

    def __delete__(self, instance):
        raise AttributeError(f"{self.name} stays")


class Record:
    count, label = Typed(int), Typed(str)

    def __init__(self, count, label):
        self.count, self.label = count, label


class Singleton(type):
    instances = {}

    def __call__(cls, *args):
        if cls not in cls.instances:
            cls.instances[cls] = super().__call__(*args)
        return cls.instances[cls]


class Config(metaclass=Singleton):
    def __init__(self, value=None):
        self.value = value


print(Base.order, Base.options, len(Base), list(Base), "method" in Base, Base.has_z, Base.has_q, Base.b)
base = Base()
print(base.made_by, base.method() is Base, isinstance(base, Base), isinstance(5, Base))
print({k: v.__name__ for k, v in Plugin.registry.items()}, Plugin[int, 5], Json["x"])
record = Record(1, "one")
for action in (
    lambda: setattr(record, "count", "two"),
    lambda: delattr(record, "label"),
    lambda: Base.missing,
    lambda: type("Bad", (Plugin,), {}, wrong=1),
    lambda: type("Mix", (Base, Config), {}),
    lambda: type("Order", (object, Plugin), {}),
    lambda: type("Twice", (Json, Json), {}),
    lambda: exec("class A(metaclass=Meta):\n  x = missing_name", {"Meta": Meta}),
    lambda: type("Flag", (bool,), {}),
):
    try:
        action()
    except (TypeError, AttributeError, NameError) as error:
        print(type(error).__name__, str(error).splitlines()[0])
assert Config(1) is Config(2) and Config().value == 1
print(Record.count.name, Record.count.owner is Record, vars(record))


def function_metaclass(name, bases, namespace):
    return name, bases, sorted(k for k in namespace if not k.startswith("__"))


class NotAClass(int, metaclass=function_metaclass):
    x = y = 1


print(NotAClass)


class Replaced:
    def __mro_entries__(self, bases):
        return (dict, Plugin) if Plugin not in bases else ()


class FromObject(Replaced()):
    pass


print([c.__name__ for c in FromObject.__mro__], [type(b).__name__ for b in FromObject.__orig_bases__])
Made = type("Made", (Json,), {"value": 3, "get": lambda self: self.value}, key="made")
print(Made().get(), Plugin.registry["made"] is Made, Made.__mro__[1].__name__)


class Meta2(Meta):
    pass


class Derived(Base, metaclass=Meta2, other=2):
    d = 4


print(type(Derived).__name__, Derived.order, Derived.options, Derived.z, Derived().made_by)
