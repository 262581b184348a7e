"""asyncio: producers, consumers, locks, tasks that wait for each other."""

import asyncio
import sys


async def produce(queue, count, step):
    for i in range(count):
        await queue.put(i * step)
        if i % 16 == 0:
            await asyncio.sleep(0)
    await queue.put(None)


async def scaled(value, factor):
    return value * factor % 1009


async def consume(queue, seen, lock):
    total = 0
    while (value := await queue.get()) is not None:
        total += await scaled(value, 7)
        for shift in range(12):
            total = (total << 1 ^ value >> shift) & 0xFFFFFF
        async with lock:
            seen[total % 97] = seen.get(total % 97, 0) + 1
    return total


async def steps(count):
    for i in range(count):
        yield i
        await asyncio.sleep(0)


async def crowd(count):
    seen, lock, queue = {}, asyncio.Lock(), asyncio.Queue(8)
    consumer = asyncio.create_task(consume(queue, seen, lock))
    await produce(queue, count, 3)
    total = await consumer
    async for step in steps(count // 20):
        total ^= step
    return total + len(seen)


async def main(scale):
    print(sum([sum(await asyncio.gather(*(crowd(400) for _ in range(10)))) for _ in range(int(190 * scale))]))


asyncio.run(main(float(sys.argv[1])))
