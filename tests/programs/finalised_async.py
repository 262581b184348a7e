"""Async generators that are left, by hooks, by aclosing, by the loop's end; and errors that nobody can be told of."""
import asyncio
import contextlib
import contextvars
import gc
import sys
import threading

gc.disable()
told = []
sys.unraisablehook = lambda u: told.append((type(u.exc_value).__name__, str(u.exc_value), getattr(u.object, "__qualname__", None), [
    t for t in frames(u.exc_traceback)]))
place = contextvars.ContextVar("place", default="outside")


def frames(traceback):
    while traceback:
        yield traceback.tb_frame.f_code.co_name, traceback.tb_lineno
        traceback = traceback.tb_next


class Loud:
    def __init__(self, name): self.name = name

    def __del__(self):
        raise ValueError(self.name)


def drops():
    Loud("dropped")
    x = Loud("rebound")
    x = None
    return [Loud("in a list").name]


def left_generator():
    try:
        yield 1
    finally:
        raise KeyError("while closing")


drops()
g = left_generator()
next(g)
del g
ignores = (lambda: (yield))()
next(ignores)
del ignores
print(*told, sep="\n")


async def ticks(name):
    try:
        for i in range(3):
            yield i
            await asyncio.sleep(0)
    finally:
        await asyncio.sleep(0)
        print("finally", name, place.get())


async def by_break():
    async for i in ticks("broken off"):
        break
    async with contextlib.aclosing(ticks("aclosing")) as closing:
        async for i in closing:
            break
    print("after aclosing")
    for _ in range(4):
        await asyncio.sleep(0)


async def in_group():
    place.set("group")
    order = []

    async def worker(n):
        token = place.set(f"worker {n}")
        try:
            await asyncio.sleep(0)
            order.append((n, place.get()))
            if n == 2:
                raise LookupError(n)
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            order.append((n, "cancelled"))
            raise
        finally:
            place.reset(token)

    try:
        async with asyncio.TaskGroup() as group:
            for n in range(3):
                group.create_task(worker(n))
    except* LookupError as errors:
        print(errors.exceptions, sorted(order, key=str), place.get())  # a group's tasks are a set
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    except TimeoutError as error:
        print("timeout", type(error.__cause__).__name__)
    print(await asyncio.gather(asyncio.sleep(0, 1), asyncio.to_thread(lambda: place.get()), return_exceptions=True))
    shielded = asyncio.ensure_future(asyncio.sleep(0, "kept"))
    outer = asyncio.shield(shielded)
    outer.cancel()
    print(await asyncio.wait_for(shielded, 5), outer.cancelled())


asyncio.run(by_break())
asyncio.run(in_group())
first, last = [], []
hooks = sys.get_asyncgen_hooks()
sys.set_asyncgen_hooks(lambda a: first.append(a.ag_code.co_name), lambda a: last.append(a.ag_frame is not None))
a = ticks("by hand")
try:
    a.asend(None).send(None)
except StopIteration:
    pass
del a
sys.set_asyncgen_hooks(*hooks)
print(first, last)
thread = threading.Thread(target=lambda: drops(), name="other")
del told[:]
thread.start()
thread.join()
print(len(told))
with asyncio.Runner() as runner:
    context = contextvars.copy_context()
    context.run(place.set, "runner")
    print(runner.run(asyncio.sleep(0, "ran")), runner.run(ticks("runner").asend(None), context=context), context[place])
sys.unraisablehook = sys.__unraisablehook__
