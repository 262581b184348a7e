"""asyncio: producers and consumers over a bounded queue, an event, a lock and a semaphore."""

import asyncio


class Log:
    def __init__(self):
        self.lines = []

    def __call__(self, *words):
        self.lines.append(" ".join(map(str, words)))


log = Log()


async def producer(name, queue, count):
    for number in range(count):
        await queue.put((name, number))
        log(name, "put", number)
        await asyncio.sleep(0)
    return count


async def consumer(name, queue, seen):
    while True:
        item = await queue.get()
        try:
            if item is None:
                log(name, "stops")
                return len(seen)
            seen.append(item)
            log(name, "got", *item)
        finally:
            queue.task_done()


async def pipeline():
    queue = asyncio.Queue(maxsize=2)
    seen = []
    consumers = [asyncio.create_task(consumer(f"c{i}", queue, seen)) for i in range(2)]
    produced = await asyncio.gather(producer("a", queue, 4), producer("b", queue, 3))
    for _ in consumers:
        await queue.put(None)
    await queue.join()
    counts = await asyncio.gather(*consumers)
    assert sorted(seen) == [("a", i) for i in range(4)] + [("b", i) for i in range(3)]
    return produced, counts


async def signalling():
    event, lock, order = asyncio.Event(), asyncio.Lock(), []

    async def waiter(number):
        await event.wait()
        async with lock:
            order.append(("in", number))
            await asyncio.sleep(0)
            order.append(("out", number))

    tasks = [asyncio.create_task(waiter(n)) for n in range(3)]
    await asyncio.sleep(0)
    assert order == []
    event.set()
    await asyncio.gather(*tasks)
    assert order == [(what, n) for n in range(3) for what in ("in", "out")]
    return order


async def limited(limit, jobs):
    semaphore, running, most = asyncio.Semaphore(limit), 0, 0

    async def job():
        nonlocal running, most
        async with semaphore:
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(job() for _ in range(jobs)))
    assert running == 0
    return most


async def streams(values):
    """An async generator feeding an async comprehension."""

    async def ticker():
        for value in values:
            await asyncio.sleep(0)
            yield value

    doubled = [2 * value async for value in ticker() if value % 3]
    table = {value: str(value) async for value in ticker()}
    total = sum([value async for value in ticker()])
    return doubled, table, total


async def main():
    print(await pipeline())
    print(await signalling())
    print("at most", await limited(3, 8))
    print(await streams(range(6)))
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, "from a callback")
    print(await future)
    results = await asyncio.gather(asyncio.sleep(0, "fine"), boom(), return_exceptions=True)
    print([repr(r) for r in results])


async def boom():
    await asyncio.sleep(0)
    raise ValueError("boom")


asyncio.run(main())
print("\n".join(log.lines))
