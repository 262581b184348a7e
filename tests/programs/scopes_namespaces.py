"""locals, globals, vars, dir, eval, exec, compile: which names each sees and changes, at module, class and function level."""

import builtins
import types

level = "module"
__private = "module private"


def function_locals(a, b=2, *rest, key=3, **more):
    c = a + b
    seen = dict(locals())
    d = 4
    del c
    later = sorted(locals())
    return seen, later


def snapshot():
    x = 1
    names = locals()
    names["x"] = 100
    names["invented"] = 5
    return x, "invented" in locals()


def closures(a):
    def inner():
        a
        local = 1
        return sorted(locals())

    return inner(), sorted(locals())


def globals_change():
    globals()["made"] = "through globals()"
    return made, "level" in globals(), globals() is vars(__import__("sys").modules[__name__])


def evaluating():
    x, results = 10, []
    results.append(eval("x + 1"))
    results.append(eval("x + y", {"x": 1, "y": 2}))
    results.append(eval("x + y", {"x": 1}, {"y": 5}))
    results.append(eval("[x for _ in range(2)]", {"x": 3}))
    results.append(eval(compile("x * 2", "<made>", "eval")))
    results.append(eval("(lambda z: z + level.count('m'))(1)"))
    for text in ("missing", "1 +", "x = 1", "[y for y in x]", "__private"):
        try:
            results.append(eval(text))
        except (NameError, SyntaxError, TypeError) as error:
            results.append(f"{type(error).__name__}")
    return results


def executing():
    space = {"n": 3}
    exec("def f(k):\n    return k * n\nresult = [f(i) for i in range(n)]\nclass K:\n    v = n\n", space)
    own = {}
    exec("a = 1\nb = a + 1\ndel a\nfor i in range(2): pass", {}, own)
    code = compile("total = 0\nfor x in data:\n    total += x\nif total > 5: big = True\n", "<sum>", "exec")
    sums = []
    for data in ([1, 2], [5, 6]):
        scope = {"data": data}
        exec(code, scope)
        sums.append((scope["total"], scope.get("big")))
    function = types.FunctionType(compile("lambda q: q + w", "<l>", "eval").co_consts[0], {"w": 10})
    return space["result"], space["K"].v, own, sums, function(5), "__builtins__" in space


def restricted():
    results = []
    for scope in ({"__builtins__": {}}, {"__builtins__": {"len": len}}, {"__builtins__": builtins}):
        for text in ("len('abc')", "print", "__import__('os').sep and 1"):
            try:
                results.append(type(eval(text, scope)).__name__)
            except NameError as error:
                results.append(str(error))
    return results


class Watching(dict):
    """A mapping for locals that answers for names it does not hold."""

    def __missing__(self, key):
        if key.startswith("auto"):
            return key.upper()
        raise KeyError(key)


def custom_mapping():
    names = Watching(x=1)
    exec("y = auto_value + str(x)\nz = len(y)", {}, names)
    return dict(names), eval("auto1 + auto2", {}, names)


class Level:
    level = level + "/class"
    own = level
    before = sorted(k for k in locals() if not k.startswith("__"))
    for i in range(2):
        locals()[f"made{i}"] = i
    total = made0 + made1
    exec("from_exec = own + '!'")
    evaluated = eval("level.upper()")

    def method(self):
        return level, self.level

    class Inner:
        try:
            own
        except NameError as error:
            message = str(error)
        level = level + "/inner"


def shadowed():
    results = [len("abc")]
    globals()["len"] = lambda value: "shadow"
    try:
        results.append(len("abc"))
    finally:
        del globals()["len"]
    results.append(len("abc"))
    builtins.added_builtin = "everywhere"
    results.append(added_builtin)
    del builtins.added_builtin
    try:
        added_builtin
    except NameError as error:
        results.append(str(error))
    return results


class Slots:
    kind = "class attribute"

    def __init__(self):
        self.a, self.b = 1, 2


print(function_locals(1, 2, 3, z=4), snapshot(), closures(1), globals_change(), sep="\n")
print(evaluating(), executing(), restricted(), custom_mapping(), sep="\n")
print(
    {k: v for k, v in vars(Level).items() if not k.startswith("__") and isinstance(v, (str, int, list))},
    Level().method(),
    Level.Inner.message,
    Level.Inner.level,
)
print(
    shadowed(),
    vars(Slots()),
    [n for n in dir(Slots()) if not n.startswith("__")],
    sorted(set(dir()) & {"level", "Slots", "print"}),
)
x = 5
exec("x += 1; y = x")
print(
    x,
    y,
    eval("x + y"),
    locals() is globals(),
    vars() is globals(),
    __name__,
    __doc__[:6],
    __builtins__ is builtins,
)
exec(
    compile(
        "import math as m, os.path as p\nfrom math import *\nglobal g\ng = floor(pi)", "<imports>", "exec"
    )
)
print(g, m.__name__, p.__name__ in ("posixpath", "ntpath"), "__annotations__" in globals())


def default_scope(value=level, factory=lambda: level):
    level = "local"
    return value, factory(), level


print(default_scope())
