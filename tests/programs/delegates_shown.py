"""What `gi_yieldfrom` and `cr_await` show, delegate by delegate."""

import asyncio
from collections import deque


class Items(list):
    pass


def through(iterable):
    yield from iterable


def refused(iterable):
    generator = through(iterable)
    next(generator)
    try:
        generator.send(1)
    except AttributeError as error:
        print(error, error.name, error.obj is iterable, generator.gi_yieldfrom)


def shown(iterable):
    generator = through(iterable)
    before, _, there = generator.gi_yieldfrom, next(generator), generator.gi_yieldfrom
    rest = list(generator)
    print(type(iterable).__name__, before, type(there).__name__, there is iterable, rest, generator.gi_yieldfrom)


for each in ([1, 2], (1, 2), Items([1]), "ab", b"ab", bytearray(b"a"), range(2), {1: 2}, {1: 2}.items(), {1}, deque([1])):
    shown(each)
    refused(each)
for each in (iter([1, 2]), enumerate("a"), zip([1], [2]), map(int, "1"), through([1])):
    shown(each)

closed = through([1, 2])
next(closed)
closed.close()
print(closed.gi_yieldfrom)

thrown = through((1, 2))
next(thrown)
try:
    thrown.throw(KeyError("thrown"))
except KeyError as error:
    print(error, thrown.gi_frame)


async def waits(future):
    return await future


async def main():
    future = asyncio.get_running_loop().create_future()
    waiting = waits(future)
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    print(type(waiting.cr_await).__name__)
    future.set_result(7)
    print(await task, waiting.cr_await)


asyncio.run(main())
