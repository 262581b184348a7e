"""Coroutines without a loop: awaiting, attributes, throwing, closing, never awaited, async with, await in odd places."""

import inspect
import sys
import types
import warnings


class Request:
    def __init__(self, name):
        self.name = name

    def __await__(self):
        return (yield self.name)

    __repr__ = lambda self: f"<{self.name}>"


class Lock:
    def __init__(self, trail):
        self.trail = trail

    async def __aenter__(self):
        self.trail.append(await Request("acquire"))
        return self

    async def __aexit__(self, kind, value, tb):
        self.trail.append((await Request("release"), kind and kind.__name__))
        return kind is KeyError


def run(coroutine, answers=None, throw_at=None):
    """Answer every request; throw at one of them. The requests seen, and the outcome."""
    seen, value = [], None
    try:
        while True:
            if seen and seen[-1] == throw_at:
                seen.append(coroutine.throw(RuntimeError(f"at {throw_at}")))
                throw_at = None
            else:
                seen.append(coroutine.send(value))
            value = (answers or {}).get(seen[-1], seen[-1].upper())
    except StopIteration as stop:
        return seen, stop.value
    except Exception as error:
        return seen, repr(error)


async def child(name):
    try:
        return await Request(name)
    except RuntimeError as error:
        return f"{name} recovered from {error}"


async def parent():
    first = await child("a")
    second = [await child(name) for name in "bc"]
    third = (await child("d")).lower() + f"{await child('e')}"
    return first, second, third, await child("f") if await child("g") == "G" else None


async def locking(error=None):
    trail = []
    async with Lock(trail) as lock, Lock(trail):
        trail.append(lock is not None)
        if error:
            raise error
    return trail


async def arguments():
    async def add(a, *rest, k=0):
        return a + sum(rest) + k

    return await add(await add(1, 2), *[await add(3)], k=await add(*[4], **{"k": await add(5)}))


async def conditions():
    out = []
    if await child("x") == "X" and not await child("y") == "Z":
        out.append("and")
    while len(out) < 3:
        out.append(await child(f"loop{len(out)}"))
    assert await child("assert")
    return (
        out,
        {await child("key"): await child("value")},
        (await child("t"),) < ("U",),
        (await child("s"))[0:],
    )


async def finallys():
    trail = []
    try:
        try:
            trail.append(await child("try"))
            raise KeyError("k")
        except KeyError:
            trail.append(await child("except"))
        else:
            trail.append("never")
        finally:
            trail.append(await child("finally"))
        return trail
    finally:
        trail.append(await Request("last"))


async def bottomless(n):
    return await (bottomless(n - 1) if n else Request("bottom"))


print(run(parent()), run(parent(), throw_at="b"), run(parent(), {"g": "no"}), sep="\n")
for error in (None, KeyError("k"), ValueError("v")):
    print(run(locking(error)))
print(run(locking(), throw_at="release"), run(arguments()), run(conditions()), run(finallys()), sep="\n")
print(run(finallys(), throw_at="try"), run(bottomless(15)), run(bottomless(3), throw_at="bottom"), sep="\n")

task = parent()
print(
    inspect.getcoroutinestate(task),
    task.cr_running,
    task.cr_await,
    task.cr_code.co_name,
    task.cr_origin,
    isinstance(task, types.CoroutineType),
)
task.send(None)
print(
    inspect.getcoroutinestate(task),
    task.cr_await.cr_code.co_name,
    task.cr_frame.f_lineno - parent.__code__.co_firstlineno,
    repr(task)[:24],
)
task.close()
print(inspect.getcoroutinestate(task), task.cr_frame, task.cr_await)
for use in (
    lambda: task.send(None),
    lambda: child("z").send("early"),
    lambda: iter(task),
    lambda: next(task),
):
    try:
        use()
    except (RuntimeError, TypeError) as error:
        print(type(error).__name__, error)


async def wrong(what):
    return await what


class BadAwait:
    def __await__(self):
        return 5


class ReturnsCoroutine:
    def __await__(self):
        return child("w")


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for what in (5, None, [], BadAwait(), ReturnsCoroutine(), task, (i for i in [1]), type("Bare", (), {})):
        print(run(wrong(what)))


def warned():
    """A coroutine that nobody awaits warns when it goes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        child("lost")
        return [str(w.message) for w in caught]


print(warned())
sys.set_coroutine_origin_tracking_depth(1)
tracked = child("origin")
print([entry[2] for entry in tracked.cr_origin])
sys.set_coroutine_origin_tracking_depth(0)
tracked.close()


async def exits(code):
    await Request("before exit")
    raise SystemExit(code)


coroutine = exits(3)
coroutine.send(None)
try:
    coroutine.send(None)
except SystemExit as error:
    print("exit", error.code)
print(inspect.iscoroutinefunction(child), inspect.isawaitable(Request("r")), inspect.isawaitable(5))
