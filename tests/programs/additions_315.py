"""What 3.15 added: lazy imports, unpacking in comprehensions, frozendict, sentinels."""

import sys
import traceback
import types

lazy import pkg_lazy.heavy
lazy import pkg_lazy.failing as failing
lazy from pkg_lazy.other import twice
lazy from pkg_lazy.heavy import VALUE as value, missing
lazy import absent_module
from pkg_lazy import events


def loaded():
    names = ("pkg_lazy", "pkg_lazy.failing", "pkg_lazy.heavy", "pkg_lazy.other")
    return [name for name in names if name in sys.modules]


print(loaded(), events, type(globals()["twice"]).__name__, "failing" in globals())


def uses():
    return twice(2)


print(uses(), events, loaded())
print(value, pkg_lazy.heavy.work(1), type(globals()["value"]).__name__, type(globals()["twice"]).__name__)
for name in ("failing", "missing", "absent_module"):
    for _ in range(2):
        try:
            eval(name)
        except (RuntimeError, ImportError) as error:
            print(name, type(error).__name__, str(error).split(" (")[0], type(error.__cause__).__name__)
            if error.__cause__ is not None:
                print([(at.name, at.line) for at in traceback.extract_tb(error.__cause__.__traceback__)])
print(events)


def class_scope():
    try:
        compile("class A:\n    lazy import json", "<a>", "exec")
    except SyntaxError as error:
        return error.msg


print(class_scope())
rows = [[1, 2], [], [3, [4]]]
tables = [{"a": 1}, {"b": 2, "a": 3}]
print(
    [*row for row in rows],
    {*row for row in rows[:2]},
    {**table for table in tables},
    list((*row for row in rows)),
)
print(
    [*range(n) for n in range(4) if n % 2],
    [*[*x, "|"] for x in ("ab", "cd")],
    {**{k: v + 1} for table in tables for k, v in table.items()},
)


def lazily():
    trail = []

    def note(value):
        trail.append(value)
        return value

    steps = (*note([n, -n]) for n in (1, 2, 3))
    first = [next(steps), next(steps), next(steps)]
    return first, trail, list(steps)


async def asynchronous():
    async def source():
        yield "ab"
        yield "cd"

    return [*pair async for pair in source()], {**{p: 1} async for p in source()}


def drive(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


print(lazily(), drive(asynchronous()))
for wrong in ("[*x for x in [1]]", "{**x for x in [1]}", "{*x for x in [None]}", "list((*x for x in [5]))"):
    try:
        eval(wrong)
    except TypeError as error:
        print(wrong, "!", error)
fixed = frozendict({"b": 1, "a": [2]})
print(
    fixed,
    fixed["b"],
    hash(frozendict(a=1)) == hash(frozendict({"a": 1})),
    fixed | {"c": 3},
    {**fixed},
    isinstance(fixed, dict),
    fixed == {"b": 1, "a": [2]},
)
for action in (
    lambda: fixed.__setitem__("x", 1),
    lambda: exec("fixed['x'] = 1"),
    lambda: hash(fixed),
    lambda: exec("del fixed['a']"),
):
    try:
        action()
    except (TypeError, AttributeError) as error:
        print(type(error).__name__, error)
match fixed:
    case {"b": int(b), **rest}:
        print("matched", b, rest)
MISSING = sentinel("MISSING")


def get(mapping, key, default=MISSING):
    found = mapping.get(key, MISSING)
    if found is MISSING:
        return repr(default) if default is MISSING else default
    return found


print(
    get({}, "x"),
    get({}, "x", 5),
    get({"x": 1}, "x"),
    MISSING,
    bool(MISSING),
    type(MISSING).__name__,
    isinstance(sys, types.ModuleType),
)
