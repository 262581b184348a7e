"""Loops of every kind, one a function, that count their own trips and print them: what analyses of loops must find."""

import asyncio
import json

TRIPS = {}


def tick(name):
    TRIPS[name][-1] += 1


def enter(name):
    TRIPS.setdefault(name, []).append(0)


def plain_for(items):
    enter("plain_for")
    for item in items:
        tick("plain_for")


def left_early(items):
    enter("left_early")
    for item in items:
        tick("left_early")
        if item == 3:
            break
    else:
        assert 3 not in items


def tested(n):
    enter("tested")
    while n > 0:
        tick("tested")
        n -= 1


def tested_twice(n, m):
    enter("tested_twice")
    while n > 0 and m > 0:
        tick("tested_twice")
        if n == 2:
            break
        n -= 1


def test_first_in_body(n):
    enter("test_first_in_body")
    while n >= 0:
        if tick("test_first_in_body") or n == 4:
            break
        n -= 1


def forever(n):
    enter("forever")
    while True:
        if tick("forever") or n < 0:
            return n
        n -= 1


def goes_on(n):
    enter("goes_on")
    while True:
        tick("goes_on")
        n -= 1
        if n % 2:
            continue
        if n < 0:
            break


def assigned(items):
    items = iter(items)
    enter("assigned")
    while (item := next(items, None)) is not None:
        tick("assigned")


def tries(n):
    enter("tries")
    while True:
        try:
            tick("tries")
            n -= 1
            if n < 0:
                raise ValueError(n)
        except ValueError:
            break


def retries(n):
    enter("retries")
    while n:
        try:
            tick("retries")
            n -= 1
            raise KeyError(n)
        except KeyError:
            continue


def generated(n):
    enter("generated")
    for i in range(n):
        tick("generated")
        yield i


def awaited_items(n):
    async def items():
        for i in range(n):
            yield i

    async def consumer():
        enter("awaited_items.<locals>.consumer")
        async for item in items():
            tick("awaited_items.<locals>.consumer")

    asyncio.run(consumer())


def recursive(n):
    enter("recursive")
    trips = TRIPS["recursive"]
    mine = len(trips) - 1
    for i in range(n):
        trips[mine] += 1
        recursive(i)


for size in (0, 1, 2, 5, 9):
    plain_for(range(size))
    left_early(list(range(size)))
    tested(size)
    tested_twice(size, 1)
    test_first_in_body(size)
    forever(size)
    goes_on(size)
    assigned(range(1, size + 1))
    tries(size)
    retries(size)
    assert sum(generated(size)) == size * (size - 1) // 2
    awaited_items(size)
recursive(4)
next(suspended := generated(3))
print(json.dumps(TRIPS))
