"""asyncio: task groups, timeouts, cancellation, shielding, and what finally blocks see of them."""

import asyncio
import contextvars

request = contextvars.ContextVar("request", default="none")


async def worker(name, trail, steps=3, fail=None):
    try:
        for step in range(steps):
            trail.append(f"{name}{step}")
            await asyncio.sleep(0)
            if step == fail:
                raise ValueError(f"{name} fails at {step}")
        return name
    except asyncio.CancelledError:
        trail.append(f"{name} cancelled")
        raise
    finally:
        trail.append(f"{name} done")


async def groups():
    trail = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(worker(name, trail)) for name in "ab"]
    print([t.result() for t in tasks], trail)
    trail.clear()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("a", trail, 5))
            group.create_task(worker("b", trail, 5, fail=1))
    except* ValueError as errors:
        print(type(errors).__name__, [str(e) for e in errors.exceptions], trail)


async def timeouts():
    trail = []
    try:
        async with asyncio.timeout(0):
            await worker("slow", trail, 1000)
    except TimeoutError as error:
        print("timeout", type(error.__cause__ or error.__context__).__name__, trail[-2:])
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.001)
    except TimeoutError:
        print("wait_for timed out")
    async with asyncio.timeout(None) as limit:
        assert limit.when() is None
        print(await worker("quick", trail, 1))


async def cancelling():
    trail = []
    task = asyncio.create_task(worker("t", trail, 100))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        print("cancelled", error.args, task.cancelled(), trail)

    async def stubborn():
        for _ in range(2):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                trail.append("ignored")
        return "stayed"

    task = asyncio.create_task(stubborn())
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    print(await task, trail[-2:])


async def shielded():
    trail = []
    inner = asyncio.create_task(worker("inner", trail, 2))

    async def outer():
        return await asyncio.shield(inner)

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    task.cancel()
    results = await asyncio.gather(task, inner, return_exceptions=True)
    print([type(r).__name__ for r in results], results[1], trail)


async def variables():
    seen = []

    async def handler(name):
        token = request.set(name)
        await asyncio.sleep(0)
        seen.append((name, request.get()))
        request.reset(token)
        seen.append((name, request.get()))

    await asyncio.gather(*(handler(n) for n in "xyz"))
    assert request.get() == "none"
    print(sorted(seen))


async def main():
    for part in groups, timeouts, cancelling, shielded, variables:
        print("--", part.__name__)
        await part()
    done, pending = await asyncio.wait([asyncio.create_task(asyncio.sleep(0, n)) for n in range(3)])
    print(sorted(t.result() for t in done), len(pending))
    for finished in asyncio.as_completed([asyncio.sleep(0, "one")]):
        print(await finished)


asyncio.run(main())
try:
    asyncio.run(worker("last", [], 1, fail=0))
except ValueError as error:
    print("out of run:", error)
