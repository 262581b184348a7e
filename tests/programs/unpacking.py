"""Unpacking of every kind: targets, stars, calls, displays, nested, swaps, augmented, in for and with, and failures."""


def run(text, **names):
    try:
        exec(text, names)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return sorted((k, v) for k, v in names.items() if k != "__builtins__" and len(k) == 1)


class Target:
    """Notes in which order parts of an assignment are evaluated."""

    def __init__(self, trail):
        self.__dict__["trail"] = trail

    def __getattr__(self, name):
        self.trail.append(f"get {name}")
        return self

    def __setattr__(self, name, value):
        self.trail.append(f"set {name}={value}")

    def __getitem__(self, key):
        self.trail.append(f"item {key}")
        return self

    def __setitem__(self, key, value):
        self.trail.append(f"set [{key}]={value}")


class Iterator:
    """Counts how far it was consumed."""

    def __init__(self, limit):
        self.limit, self.count = limit, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.count == self.limit:
            raise StopIteration
        self.count += 1
        return self.count


def basics():
    a, b = 1, 2
    a, b = b, a
    (c, d), [e, f] = "cd", {"e": 1, "f": 2}
    g, *h = range(4)
    *i, j = "ij"
    k, *l, m = (1, 2, 3, 4, 5)
    n, (o, *p), *q = 1, (2, 3, 4), 5, 6
    r = s = t = []
    r.append(1)
    (u,) = [9]
    [v] = {10}
    () = []
    w, x, y, z = 1, 2, 3, 4
    w, x, y, z = z, y, x, w
    w, x, y = y, w, x
    return a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, s, t, u, v, w, x, y, z


def displays():
    parts, table = [1, 2], {"a": 1}
    return (
        (
            [*parts, 0, *parts],
            (*parts, *"xy"),
            {*parts, 2, 3} == {1, 2, 3},
            {**table, "b": 2, **{"a": 3}},
            [*{}, *(), *range(0)],
            *parts,
        ),
        (*[],),
        {**{}, **table},
    )


def loops():
    collected = []
    for index, (key, [first, *rest]) in enumerate({"p": "qrs", "t": "u"}.items()):
        collected.append((index, key, first, rest))
    for (collected[0],) in [(1,), (2,)]:
        pass
    for Holder.attribute in range(3):
        pass
    return collected, Holder.attribute, [x + y for x, (y, *_) in [(1, (2, 3)), (4, (5,))]]


class Holder:
    attribute = None


def order():
    trail = []
    target = Target(trail)
    target.a, target.b.c, target[1], (target[2][3], *target.rest) = 1, 2, 3, (4, 5, 6)
    index = 0
    values = [None, None]
    index, values[index] = 1, "at one"
    return trail, values


def augmented():
    total, table, row = 1, {"k": [1]}, [1, 2, 3]
    total += 2
    table["k"] += (2, 3)
    table["k"][0] *= 5
    row[1:2] += ["x", "y"]
    row[-1] **= 2
    immutable = ([1],)
    try:
        immutable[0] += [2]
    except TypeError as error:
        return total, table, row, immutable, str(error)


def returned():
    def several(*args):
        return 0, *args

    def star_yield():
        yield 1, *"ab"
        got = yield
        yield *got, 2

    steps = star_yield()
    first = next(steps)
    next(steps)
    return several(1, 2), first, steps.send([3, 4])


def consumed():
    counts = []
    for count, text in (
        (5, "a, b, c = it"),
        (3, "a, b, c = it"),
        (2, "a, b, c = it"),
        (9, "a, b, *c = it"),
        (1, "a, b, *c = it"),
    ):
        it = Iterator(count)
        result = run(text, it=it)
        counts.append((it.count, result if isinstance(result, str) else "fits"))
    return counts


for function in (basics, displays, loops, order, augmented, returned, consumed):
    print(function.__name__, function())
for text in (
    "a, b = 1",
    "a, b = [1]",
    "a, b = 1, 2, 3",
    "a, *b, c = [1]",
    "[a, b] = {}",
    "(a, b), c = 1, 2",
    "a, b = None",
    "a, b = iter([1, 2, 3])",
    "a, b = 'xyz'",
    "*a, = 'xy'",
    "a, b = {'x': 1, 'y': 2}",
    "a = *[1], 2",
    "a = b = c = 0",
    "a = [*5]",
    "a = {**5}",
    "a = {*None}",
    "a = (*1,)",
    "a, (b, c) = 1, 2",
    "a = {**{1: 2}, **{'x': 3}}",
    "print(*None)",
    "a, b, *c = 1,",
    "for a, b in [(1, 2), (3,)]: pass",
    "(a) = 1",
    "a, b = (x for x in [1])",
):
    print(text, "->", run(text))
for wrong in (
    "*a = [1]",
    "a, *b, *c = [1]",
    "*a",
    "f() = 1",
    "a + 1 = 2",
    "(a, b) += 1",
    "None = 1",
    "[*a] += 1",
    "del *a",
    "{*a} = 1",
):
    try:
        compile(wrong, "<t>", "exec")
    except SyntaxError as error:
        print(wrong, "!", error.msg)
big = list(range(300))
a, *middle, z = big
exec(", ".join(f"v{i}" for i in range(300)) + " = big", globals())
exec("*head, " + ", ".join(f"w{i}" for i in range(260)) + " = big", globals())
print(a, z, len(middle), v0, v299, len(head), w0, w259)
