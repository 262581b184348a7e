"""Comprehensions of each kind: nested, conditional, with closures, walrus, in class bodies, over failing iterables."""

import asyncio

rows = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
print([x for row in rows for x in row if x % 2], {x % 4 for row in rows for x in row} == {0, 1, 2, 3})
print({x: [y * x for y in row] for x, row in enumerate(rows)}, [[row[i] for row in rows] for i in range(3)])
print(list((x, y) for x in range(4) if x % 2 for y in range(x) if y != 1), sum(x * x for x in range(10)))
print(
    [(i, j, k) for i in range(3) for j in range(i) for k in range(j)],
    [() for _ in []],
    [*[x for x in "ab"], *{c: 1 for c in "cd"}],
)


def shadowing():
    x = "kept"
    values = [x for x in range(3)]
    i = [i for i in range(2)]
    return x, values, i


def closures():
    late = [lambda: x for x in range(3)]
    early = [lambda x=x: x for x in range(3)]
    nested = [[lambda: (x, y) for y in range(2)] for x in range(2)]
    outer = 10
    adders = {n: (lambda v: v + n + outer) for n in range(3)}
    outer = 100
    return (
        [f() for f in late],
        [f() for f in early],
        [[f() for f in row] for row in nested],
        [f(1) for f in adders.values()],
    )


def walrus(limit):
    evens = [half for n in range(limit) if (half := n // 2) * 2 == n]
    last = half
    running = [total := (total if k else 0) + k for k in range(5)]
    if any((found := w).startswith("c") for w in ["ab", "cd", "ce"]):
        return evens, last, running, total, found


class Body:
    size = 3
    squares = [n * n for n in range(size)]
    pairs = [(a, b) for a in squares for b in "xy"]
    table = {k: v for k, v in zip("abc", squares)}
    try:
        broken = [size for _ in range(1)]
    except NameError as error:
        broken = str(error)
    nested = [[inner for inner in range(outer)] for outer in range(3)]
    method = lambda self: [self.size + n for n in range(2)]


def unpacking():
    pairs = [(1, (2, [3, 4])), (5, (6, [7]))]
    return (
        [a + b + sum(rest) for a, (b, rest) in pairs],
        [first for first, *_ in ("ab", "cde")],
        {k: v for d in ({1: 2}, {3: 4}) for k, v in d.items()},
    )


def evaluation_order():
    trail = []

    def note(value):
        trail.append(value)
        return value

    [note(("value", x)) for x in note([1, 2]) if note(("if", x))]
    {note(("key", x)): note(("val", x)) for x in [3]}
    lazy = (note(("lazy", y)) for y in note([4, 5]))
    trail.append("before")
    next(lazy)
    return trail


def failing():
    results = []
    for make in (
        lambda: [1 // x for x in (1, 0)],
        lambda: {x: [] for x in ([],)},
        lambda: {[] for _ in "a"},
        lambda: [x for x in 5],
        lambda: [a for a, b in [(1, 2, 3)]],
        lambda: (x for x in 5),
        lambda: list(y for y in [1] if y.z),
    ):
        try:
            make()
            results.append("made")
        except (ZeroDivisionError, TypeError, ValueError, AttributeError) as error:
            results.append(f"{type(error).__name__}: {error}")
    return results


def deep():
    return [[[[a + b + c + d for d in range(2)] for c in range(2)] for b in range(2)] for a in range(2)]


def conditional():
    return ["fizz" * (not n % 3) + "buzz" * (not n % 5) or n for n in range(1, 16)], [
        ("even" if n % 2 == 0 else "odd") for n in range(3)
    ]


def inner_generator():
    total = 0
    for chunk in ([n for n in range(start, start + 3)] for start in (0, 3)):
        total += sum(v for v in chunk if v % 2)
    return (
        total,
        all(v for v in (1, 2, 0)),
        any(False for _ in range(3)),
        max((len(w), w) for w in ("a", "bcd", "ef")),
    )


async def numbers(limit):
    for n in range(limit):
        await asyncio.sleep(0)
        yield n


async def double(n):
    return n * 2


async def asynchronous():
    plain = [n async for n in numbers(4) if n % 2]
    awaited = [await double(n) for n in range(3)]
    mixed = {n: await double(m) async for n in numbers(3) for m in range(n)}
    nested = [[await double(n) async for n in numbers(k)] for k in range(3)]
    lazy = (n async for n in numbers(3))
    return (
        plain,
        awaited,
        mixed,
        nested,
        [n async for n in lazy],
        {await double(n) async for n in numbers(2)} == {0, 2},
    )


print(shadowing(), closures(), walrus(7), sep="\n")
print(Body.squares, Body.pairs[:3], Body.table, Body.broken, Body.nested, Body().method())
print(unpacking(), evaluation_order(), failing(), deep(), sep="\n")
print(conditional(), inner_generator(), asyncio.run(asynchronous()), sep="\n")
print([locals_ for locals_ in (sorted(k for k in locals() if k in ("rows", "locals_")) for _ in range(1))])
