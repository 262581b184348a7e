"""3.14's annotations, evaluated when asked for: order, scopes, formats, errors, conditional ones, __annotate__."""

import annotationlib
from annotationlib import Format, ForwardRef, get_annotations

trail = []


def note(value):
    trail.append(value)
    return value


x: note("module x") = 1
y: Undefined
if x:
    conditional: note("taken")
else:
    never: note("not taken")
for n in range(2):
    repeated: note(f"loop {n}")


class Node:
    value: note("class value")
    next: Node | None = None
    other: Later

    def method(
        self, node: Node, *more: Later, key: note("argument") = note("default")
    ) -> Undefined.attribute[int]:
        local: note("never") = key
        return local

    if trail:
        guarded: int
    for i in range(2):
        looped: note(("in class", i))


class Child(Node):
    extra: list[Child]


def outer(kind):
    level = "outer level"

    def inner(a: kind, b: level, c: [kind for _ in range(2)], d: (lambda: level)) -> type(a_default):
        return a

    class Local:
        field: kind
        both: (level, kind)
        level = "class level"

    a_default = 5
    return inner, Local


def generic[T: note("bound")](value: T, other: dict[str, T]) -> tuple[T, Missing]:
    return value


print(trail)
inner, Local = outer(int)
print(
    inner.__annotations__["a"],
    inner.__annotations__["b"],
    inner.__annotations__["c"],
    inner.__annotations__["d"](),
    inner.__annotations__["return"],
)
print(Local.__annotations__)
trail.clear()
for target in (Node, Node.method, generic, Child):
    try:
        print(sorted(target.__annotations__))
    except NameError as error:
        print(type(target).__name__, error)
print(trail)
trail.clear()
forward = get_annotations(Node, format=Format.FORWARDREF)
print(
    {k: v if isinstance(v, (str, tuple)) else type(v).__name__ for k, v in forward.items()},
    forward["other"].__forward_arg__,
)
print(get_annotations(Node.method, format=Format.STRING))
print(
    get_annotations(generic, format=Format.STRING), get_annotations(Child, format=Format.FORWARDREF)["extra"]
)
Later = str
Missing = float
print(Node.__annotations__["other"], Node.__annotations__["next"], generic.__annotations__["return"], trail)
print(
    Node.__annotations__ is Node.__annotations__,
    Node.__annotate__(Format.VALUE) is Node.__annotations__,
    Child.__annotations__,
    Child.__annotate__.__name__,
)
try:
    __annotate__(Format.VALUE)
except NameError as error:
    print(error)
Undefined = type("Undefined", (), {"attribute": dict})
print(
    sorted(__annotate__(Format.VALUE)),
    "never" in __annotate__(Format.VALUE),
    Node.method.__annotations__["return"],
)
Node.__annotations__["added"] = 5
print(Node.__annotations__["added"])
Node.__annotate__ = lambda format: {"replaced": format}
print(Node.__annotations__, get_annotations(Node))
generic.__annotations__ = {"set": 1}
print(generic.__annotations__, generic.__annotate__)


def no_annotations():
    pass


print(
    no_annotations.__annotations__, no_annotations.__annotate__, ForwardRef("x + 1").evaluate(locals={"x": 2})
)
try:
    Node.__annotate__ = 5
except TypeError as error:
    print(error)


class Property:
    @property
    def typed(self) -> Property:
        return self

    wrong: (lambda: 1 / 0)()


try:
    Property.__annotations__
except ZeroDivisionError as error:
    tb, names = error.__traceback__, []
    while tb:
        names.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    print(names, Property.typed.fget.__annotations__["return"].__name__)
print(
    annotationlib.annotations_to_string({"a": int, "b": "text"}),
    annotationlib.call_annotate_function(Property.typed.fget.__annotate__, Format.STRING),
)
