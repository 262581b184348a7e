"""A producer and two consumers over a queue: coroutines, an async generator, cancellation."""

import asyncio


async def numbers(count):
    for number in range(count):
        if number % 4 == 0:
            await asyncio.sleep(0)
        yield number


async def produce(queue, count):
    async for number in numbers(count):
        await queue.put(number)


async def consume(queue, results):
    while True:
        number = await queue.get()
        results.append(number * number)
        queue.task_done()


async def main():
    queue, results = asyncio.Queue(maxsize=3), []
    consumers = [asyncio.create_task(consume(queue, results)) for _ in range(2)]
    await produce(queue, 40)
    await queue.join()
    for consumer in consumers:
        consumer.cancel()
    ended = await asyncio.gather(*consumers, return_exceptions=True)
    print(len(results), sum(results), [type(e).__name__ for e in ended])


if __name__ == "__main__":
    asyncio.run(main())
