"""Generators and coroutines that delegate through hundreds of levels: each takes one from the recursion limit."""

import asyncio


def descend(levels):
    if levels:
        return (yield from descend(levels - 1)) + 1
    received = yield "bottom"
    return received


async def awaited(levels):
    if levels:
        return await awaited(levels - 1) + 1
    await asyncio.sleep(0)
    return 0


deep = descend(420)
print(next(deep))
try:
    deep.send(80)
except StopIteration as stop:
    print(stop.value)

print(asyncio.run(awaited(420)))
