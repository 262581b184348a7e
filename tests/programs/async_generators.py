"""Async generators driven by hand and by asyncio: asend, athrow, aclose, finalisation, async comprehension, errors."""

import asyncio
import inspect

trail = []


class Pause:
    """An awaitable that suspends once, with a value both ways."""

    def __init__(self, value):
        self.value = value

    def __await__(self):
        got = yield self.value
        return got


async def source(limit):
    try:
        for number in range(limit):
            await Pause(f"pause {number}")
            got = yield number
            trail.append(("got", got))
    except ValueError as error:
        trail.append(("caught", str(error)))
        yield "recovered"
    except GeneratorExit:
        trail.append("closing")
        raise
    finally:
        await Pause("cleanup")
        trail.append("clean")


def drive(awaitable):
    """All values an awaitable suspends with, and its result."""
    suspended, reply = [], None
    while True:
        try:
            suspended.append(awaitable.send(reply))
            reply = f"reply {len(suspended)}"
        except StopIteration as stop:
            return suspended, stop.value
        except (StopAsyncIteration, ValueError, RuntimeError, TypeError, KeyError) as error:
            return suspended, repr(error)


def by_hand():
    steps = source(2)
    results = [
        drive(steps.asend(None)),
        drive(steps.asend("x")),
        drive(steps.__anext__()),
        drive(steps.__anext__()),
    ]
    return results


def thrown():
    steps = source(3)
    return (
        drive(steps.asend(None)),
        drive(steps.athrow(ValueError("oh"))),
        drive(steps.asend(None)),
        drive(steps.aclose()),
    )


def closed():
    steps = source(3)
    return drive(steps.asend(None)), drive(steps.aclose()), drive(steps.asend(None)), drive(steps.aclose())


def unstarted():
    steps, other = source(3), source(1)
    return (
        drive(steps.aclose()),
        drive(steps.asend(None)),
        drive(other.athrow(KeyError("k"))),
        drive(source(1).asend("too early")),
    )


def ignoring():
    async def stubborn():
        try:
            yield 1
        finally:
            yield 2

    steps = stubborn()
    drive(steps.asend(None))
    return drive(steps.aclose())


def stop_inside():
    async def bad(kind):
        yield 1
        raise kind("inside")

    results = []
    for kind in (StopIteration, StopAsyncIteration, KeyError):
        steps = bad(kind)
        drive(steps.asend(None))
        results.append(drive(steps.asend(None)))
    return results


def attributes():
    steps = source(1)
    before = steps.ag_running, steps.ag_frame is not None, steps.ag_await, steps.ag_code.co_name
    step = steps.asend(None)
    step.send(None)
    during = steps.ag_running, steps.ag_await is not None
    try:
        steps.asend(None).send(None)
    except RuntimeError as error:
        during += (str(error),)
    drive(step)
    drive(steps.aclose())
    return before, during, inspect.isasyncgen(steps), inspect.isasyncgenfunction(source)


def reused():
    steps = source(1)
    step = steps.asend(None)
    result = drive(step)
    try:
        step.send(None)
    except (RuntimeError, ValueError) as error:
        result += (str(error),)
    drive(steps.aclose())
    return result


async def ticks(limit):
    try:
        for n in range(limit):
            await asyncio.sleep(0)
            yield n
    finally:
        trail.append(f"ticks({limit}) ends")


async def loops():
    seen = []
    async for n in ticks(3):
        if n == 1:
            continue
        seen.append(n)
    else:
        seen.append("else")
    async for n in ticks(9):
        if n == 2:
            break
    async for a, *b in pairs():
        seen.append((a, b))
    return seen


async def pairs():
    yield 1, 2, 3
    yield "ab"


async def transformed():
    doubled = (2 * n async for n in ticks(3))
    return (
        [n async for n in doubled],
        {n: m async for n in ticks(2) async for m in ticks(n + 1)},
        [n async for n in ticks(4) if n % 2],
    )


async def delegating():
    async def outer():
        async for n in ticks(2):
            yield n
        yield await asyncio.sleep(0, "slept")

    return [n async for n in outer()]


async def builtins():
    steps = ticks(2)
    got = [await anext(steps), await anext(steps), await anext(steps, "default"), aiter(steps) is steps]
    try:
        await anext(steps)
    except StopAsyncIteration:
        got.append("exhausted")
    return got


class Countdown:
    def __init__(self, n):
        self.n = n

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.n == 0:
            raise StopAsyncIteration
        self.n -= 1
        return self.n


async def by_class():
    wrong = []
    for bad in (5, [1], Countdown):
        try:
            async for n in bad:
                pass
        except TypeError as error:
            wrong.append(str(error))
    return [n async for n in Countdown(3)], wrong


async def left_open():
    """The loop closes what is left suspended."""
    steps = ticks(7)
    await anext(steps)
    globals()["held"] = steps
    return "left open"


for function in (by_hand, thrown, closed, unstarted, ignoring, stop_inside, attributes, reused):
    trail.clear()
    print(function.__name__, function(), trail)
for function in (loops, transformed, delegating, builtins, by_class, left_open):
    trail.clear()
    print(function.__name__, asyncio.run(function()), trail)
