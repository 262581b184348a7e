"""Generators and coroutines that delegate through almost as many levels as the recursion limit allows frames."""

import asyncio
import sys

SENT_FAR = 960 if sys.version_info >= (3, 12) else 420  # under a trace function, 3.11 takes two from the limit for each


def descend(levels):
    if levels:
        return (yield from descend(levels - 1)) + 1
    received = yield "bottom"
    return received or 0


async def awaited(levels):
    if levels:
        return await awaited(levels - 1) + 1
    await asyncio.sleep(0)
    return 0


print(list(descend(960)))

deep = descend(SENT_FAR)
print(next(deep))
try:
    deep.send(80)
except StopIteration as stop:
    print(stop.value)

print(asyncio.run(awaited(SENT_FAR)))
