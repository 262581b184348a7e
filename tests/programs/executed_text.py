"""exec() and eval() of text and of code objects, from modules, functions, classes and callbacks: what they see, and what is seen of them."""
import dis
import inspect
import pickle
import sys
import traceback
import warnings

SOURCE = """
import sys
def made(n):
    return [i * factor for i in range(n)]
class Made:
    "made at run time"
    def method(self): return super().__repr__()[:5], __class__.__name__
result = made(3)
caller = sys._getframe(1).f_code.co_name
here = sys._getframe().f_code.co_filename, sys._getframe().f_code.co_name, sys._getframe().f_lineno
"""


def runs(source, **names):
    space = dict(names)
    exec(source, space)
    return space


space = runs(SOURCE, factor=2)
print(space["result"], space["caller"], space["here"], list(space))
print(space["made"](4), space["Made"]().method(), space["Made"].__doc__, space["Made"].__module__)
print(space["made"].__module__, space["__builtins__"] is vars(sys.modules["builtins"]))


def local(a, b=2):
    c = 3
    exec("c = 4; d = a + b")
    print(sorted(locals()), c, eval("a + b + c"), eval("[a for _ in range(2)]", {"a": 7}))
    exec("e = 5", globals(), found := {})
    print(found, eval("__name__"), eval("  \t1 + a"), [eval("a", {"a": x}) for x in range(3)])
    return lambda: eval("c", {"c": c})


print(local(1)())


class Body:
    x = 1
    exec("y = x + 1")
    z = eval("x + y")
    names = sorted(n for n in locals() if not n.startswith("_"))


print(Body.y, Body.z, Body.names)
exec("top = 'from exec'; import os.path as path")
print(top, path is __import__("os").path, eval("top.upper()"), eval(b"1 + 1"), eval(compile("top", "<made>", "eval")))

for bad in ("1 +", "raise KeyError('in text')", "def f():\n  return missing\nf()", "eval('1/0')"):
    try:
        exec(bad)
    except Exception as error:
        frames = [(f.filename.rpartition("/")[2], f.lineno, f.name) for f in traceback.extract_tb(error.__traceback__)]
        print(type(error).__name__, error, frames)

for call in (lambda: exec(), lambda: exec(5), lambda: eval("1", 5), lambda: exec("1", {}, 5), lambda: eval("1", {}, 5),
             lambda: eval("1", {}, {}, {}), lambda: exec("1", wrong=1), lambda: eval("x = 1"), lambda: exec("\0"),
             lambda: exec("1", closure=()), lambda: eval(1.5)):
    try:
        print(call())
    except Exception as error:
        print(type(error).__name__, error, len(traceback.extract_tb(error.__traceback__)))


def closes(n):
    def inner():
        nonlocal n
        n += 1
        return n

    return inner


inner = closes(5)
exec(inner.__code__, closure=inner.__closure__)
print(inner(), list(map(eval, ["1 + 1", "len('abc')"])), sorted(["b", "a"], key=lambda t: eval(repr(t))))


class Names(dict):
    def __missing__(self, name):
        return f"<{name}>"

    def __setitem__(self, name, value):
        print("sets", name, type(value))
        super().__setitem__(name, value)

    def __delitem__(self, name):
        print("deletes", name)
        super().__delitem__(name)


print(eval("a + b", {"__builtins__": {}}, Names(a="A")))
in_names = "a = 1\ndel a\nprint(a)\ndef f(): global g; g = 2\nf()\nclass C: b = 3\nfor i in 'xy': pass\nglobal k; k = 4"
exec(in_names, Names(print=print))
exec(in_names, Names(print=print), Names(print=print))
generated = eval("(x * y for x in range(3) for y in (1, 2))")
print(next(generated), list(generated), generated.gi_code.co_filename)
repeated = [eval("lambda v, w=n: (v, w)", {"n": n})(0) for n in range(3)]
print(repeated, eval("lambda: 0").__code__.co_name)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    exec("warnings.warn('from text', stacklevel=1)\nwarnings.warn('from its caller', stacklevel=2)")
    for i in range(2):
        exec("'a' is 'a'")
print([(str(w.message)[:15], w.filename.rpartition("/")[2], w.lineno) for w in caught])
print(repr(exec), exec.__name__, exec.__module__, inspect.isbuiltin(exec), inspect.isfunction(eval), callable(eval))
print(pickle.loads(pickle.dumps(exec)) is exec, inspect.signature(eval), eval.__doc__ == __builtins__.eval.__doc__)
print([i.opname for i in dis.get_instructions(closes)] == [i.opname for i in dis.get_instructions(compile(inspect.getsource(closes), "", "exec").co_consts[0])])
code = compile("async def c():\n    return await d()\nasync def d(): return 'awaited'\n", __file__, "exec")
exec(code)
try:
    c().send(None)
except StopIteration as stop:
    print(stop.value)
from types import FunctionType
print(FunctionType(closes.__code__, globals())(1)(), closes.__code__.co_filename == __file__)
