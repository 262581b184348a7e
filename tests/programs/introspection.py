"""What `inspect`, `types`, `copy` and `pickle` make of functions, generators and coroutines."""
import asyncio
import copy
import functools
import inspect
import pickle
import sys
import types


def plain(a, b=2, /, c: int = 3, *rest, key, other: "str" = "x", **more) -> list[int]:
    """Says nothing."""
    return [a, b, c, rest, key, other, more]


def generator(n):
    x = yield n
    yield x
    return "end"


async def coroutine(n):
    return await waits(n)


@types.coroutine
def waits(n):
    got = yield n
    return got


async def agen():
    yield 1
    await waits(2)


class Thing:
    """A thing."""

    def method(self, x=1): return x

    @classmethod
    def made(cls): return cls()

    @staticmethod
    def plain(): return "static"

    @property
    def value(self): return 5

    @functools.cached_property
    def cached(self): return object()

    def __eq__(self, other): return vars(self) == vars(other)


for f in (plain, Thing.method, Thing().method, Thing.made, Thing.plain, functools.partial(plain, 1, key=2), Thing, lambda q, *, w=1: q):
    print(inspect.signature(f), inspect.isfunction(f), inspect.ismethod(f))
print(inspect.getfullargspec(plain), inspect.getcallargs(plain, 1, key=5, z=6))
print(plain.__defaults__, plain.__kwdefaults__, plain.__annotations__, plain.__doc__, plain.__qualname__, plain.__module__)
code = plain.__code__
print(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_varnames, code.co_name, code.co_firstlineno)
print(code.co_flags & 0xF, inspect.isgeneratorfunction(generator), inspect.iscoroutinefunction(coroutine), inspect.isasyncgenfunction(agen))
print(inspect.getsource(generator).splitlines()[1], inspect.getsourcelines(Thing.method)[1], inspect.getmodule(plain) is sys.modules["__main__"])
print(inspect.getdoc(Thing), [n for n, _ in inspect.getmembers(Thing, inspect.isfunction)], inspect.unwrap(functools.wraps(plain)(lambda: 0)) is plain)

g = generator(1)
state = inspect.getgeneratorstate
print(state(g), g.gi_suspended, g.gi_running, g.gi_frame.f_lineno - code.co_firstlineno, inspect.getgeneratorlocals(g))
print(next(g), state(g), g.gi_suspended, g.gi_frame.f_lineno - code.co_firstlineno, g.gi_frame.f_lasti > 0, g.gi_frame.f_back)
print(g.send("sent"), inspect.getgeneratorlocals(g), list(g), state(g), g.gi_suspended, g.gi_frame, g.gi_code.co_name)
c = coroutine("asked")
state = inspect.getcoroutinestate
print(state(c), c.cr_suspended, c.cr_await, c.send(None), state(c), c.cr_suspended, c.cr_await.gi_code.co_name, inspect.getcoroutinelocals(c))
try:
    c.send("got")
except StopIteration as stop:
    print(stop.value, state(c), c.cr_frame, c.cr_await)
print(inspect.isawaitable(waits(1)), inspect.iscoroutine(waits(1)), type(waits(1)).__name__, waits.__code__.co_flags & 0x100 > 0)
a = agen()
step = a.asend(None)
try:
    step.send(None)
except StopIteration as stop:
    print(stop.value, a.ag_running, a.ag_await, a.ag_frame.f_lineno - agen.__code__.co_firstlineno)
step = a.__anext__()
print(step.send(None), a.ag_running, a.ag_await.gi_code.co_name)
step.close()

copied = types.FunctionType(plain.__code__, globals(), "copied", (7, 8), None)
print(copied(9, key=1, other=2), copied.__name__, copied.__defaults__, copy.copy(plain) is plain, copy.deepcopy([plain, Thing.made])[0] is plain)
plain.__defaults__, plain.__kwdefaults__ = (1,), {"key": "k", "other": 0}
print(plain(4, 5), inspect.signature(plain))
renamed = types.FunctionType(generator.__code__.replace(co_name="renamed"), globals())
print(renamed.__name__, next(renamed(3)), renamed(4).gi_code.co_name)


def counts():
    total = 0

    def add(n=1):
        nonlocal total
        total += n
        return total

    return add


add = counts()
shared = types.FunctionType(add.__code__, globals(), "shared", (10,), add.__closure__)
print(add(), shared(), add(), add.__closure__[0].cell_contents, add.__code__.co_freevars)
add.__closure__[0].cell_contents = 100
add.__code__ = counts().__code__
print(add(), counts.__code__ == counts.__code__)
print(pickle.loads(pickle.dumps(plain)) is plain, pickle.loads(pickle.dumps(Thing.made))() == Thing(), pickle.loads(pickle.dumps(functools.partial(plain, 1))).args)
for value in (lambda: 0, counts(), g, c, sys._getframe()):
    try:
        pickle.dumps(value)
    except Exception as error:
        print(type(error).__name__, type(value).__name__)


async def main():
    task = asyncio.current_task()
    other = asyncio.create_task(sleeps(), name="other")
    await asyncio.sleep(0)
    print([frame.f_code.co_name for frame in task.get_stack()], [f.f_code.co_name for f in other.get_stack()], task.get_coro().cr_code.co_name)
    other.cancel("enough")
    try:
        await other
    except asyncio.CancelledError as error:
        print("cancelled", error.args, other.cancelled())


async def sleeps():
    await asyncio.sleep(60)


asyncio.run(main())
