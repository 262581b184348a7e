"""A pipeline of generators over log lines: parsing, filtering, grouping, windows, and early stops."""

from collections import deque
from itertools import chain, groupby, islice, tee

LINES = """\
09:00 web GET /index 200 12
09:00 web GET /missing 404 3
09:01 db SELECT users 0 40
09:01 web POST /login 200 25
09:02 db SELECT sessions 0 35
09:02 web GET /index 500 90
broken line
09:03 web GET /about 200 8
09:04 db UPDATE users 1 120
""".splitlines()

closed = []


def source(lines):
    try:
        for line in lines:
            yield line
    finally:
        closed.append("source")


def parse(lines):
    for line in lines:
        try:
            time, service, verb, target, status, cost = line.split()
        except ValueError as error:
            yield {"service": "?", "error": str(error), "cost": 0, "time": "?"}
            continue
        yield dict(time=time, service=service, verb=verb, target=target, status=int(status), cost=int(cost))


def where(records, **conditions):
    return (r for r in records if all(r.get(k) == v for k, v in conditions.items()))


def window(values, size):
    held = deque(maxlen=size)
    for value in values:
        held.append(value)
        if len(held) == size:
            yield tuple(held)


def running_mean():
    """Send in numbers, get the mean so far."""
    total, count, mean = 0, 0, None
    while True:
        value = yield mean
        if value is None:
            return total, count
        total += value
        count += 1
        mean = total / count


def flatten(tree):
    for item in tree:
        if isinstance(item, (list, tuple)):
            yield from flatten(item)
        else:
            yield item


def primes():
    found = {}
    number = 2
    while True:
        if (factors := found.pop(number, None)) is None:
            yield number
            found[number * number] = [number]
        else:
            for factor in factors:
                found.setdefault(number + factor, []).append(factor)
        number += 1


def report():
    result = yield from drain(running_mean(), [12, 25, 90])
    yield f"total and count: {result}"


def drain(coroutine, values):
    next(coroutine)
    for value in values:
        yield f"mean {coroutine.send(value):.2f}"
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


records = list(parse(source(LINES)))
assert closed == ["source"] and len(records) == 9
print([r["target"] for r in where(records, service="web", status=200)])
print([(time, sum(r["cost"] for r in group)) for time, group in groupby(records, key=lambda r: r["time"])])
print(list(window((r["cost"] for r in records), 3)))
print(list(islice(window(primes(), 2), 8)))
print(list(flatten([1, [2, (3, [4, []])], "five"])))
print(list(report()))
first, second = tee(parse(source(LINES)), 2)
slow = [r["target"] for r in islice((r for r in first if r["cost"] > 30), 2)]
assert slow == ["users", "sessions"] and closed == ["source"]
assert next(second)["target"] == "/index"
del first, second
assert closed == ["source"] * 2, closed
print(dict(chain.from_iterable([[("a", 1)], {"b": 2}.items()])))
lazy = (1 // d for d in (1, 0, 2))
print(next(lazy))
try:
    next(lazy)
except ZeroDivisionError as error:
    print(error, list(lazy))
