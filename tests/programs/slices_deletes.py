"""Slices read, written and deleted; del of every kind of target; __getitem__ with odd keys."""

import gc


class Keys:
    """Gives back what it is asked for."""

    def __init__(self):
        self.log = []

    def __getitem__(self, key):
        return key

    def __setitem__(self, key, value):
        self.log.append((key, value))

    def __delitem__(self, key):
        self.log.append(("del", key))


class Noisy:
    alive = []

    def __init__(self, name):
        self.name = name
        Noisy.alive.append(name)

    def __del__(self):
        Noisy.alive.remove(self.name)

    def __delattr__(self, name):
        Noisy.alive.append(f"-{name}")
        object.__delattr__(self, name)


class Index:
    def __index__(self):
        return 2


def reading():
    row, text, n = list(range(10)), "abcdefgh", 3
    return (
        row[2:5],
        row[:3],
        row[-3:],
        row[::3],
        row[::-2],
        row[8:2:-2],
        row[n:],
        row[:-n],
        row[n : n + 2],
        row[:],
        row[Index() :],
        row[100:],
        row[-100:2],
        text[1:n],
        text[::-1],
        text[n],
        (1, 2, 3)[1:],
        b"bytes"[1:3],
        range(10)[2:8:2],
        row[slice(1, 4)],
        memoryview(b"abcdef")[1:3].tobytes(),
        row[None:None:None],
        row[True:4],
    )


def writing():
    row = list(range(6))
    row[1:3] = "ab"
    row[4:] = []
    row[:0] = [9, 8]
    row[::2] = ["x"] * len(row[::2])
    row[len(row) :] = [7]
    row[2:2] = (n for n in range(2))
    row[-1] = "last"
    row[1:3], row[0] = [5], 6
    data = bytearray(b"hello")
    data[1:3] = b"EYE"
    data[0] = 74
    return row, data


def failing():
    row = [1, 2, 3]
    results = []
    for text in (
        "row[5]",
        "row['a']",
        "row[1.0:2]",
        "row[::0]",
        "row[0:2] = 5",
        "row[::2] = [1]",
        "del row[9]",
        "del row['x']",
        "row[9] = 1",
        "(1, 2)[0] = 1",
        "'abc'[0] = 'x'",
        "del (1, 2)[0]",
        "5[0]",
        "{}['missing']",
        "del {}['missing']",
        "None[1:2]",
        "None[1:2] = 1",
        "del None[:]",
        "del undefined",
        "del row.missing",
        "del row.append",
        "row[1, 2]",
        "{}[[]]",
        "{1:2}[1:2]",
        "range(3)[5]",
        "'abc'[3]",
        "b'ab'[1:2:0]",
        "len[0]",
        "int['x']",
    ):
        try:
            results.append(
                (
                    text,
                    eval(text, {"row": row})
                    if "=" not in text and "del" not in text
                    else exec(text, {"row": row}),
                )
            )
        except Exception as error:
            results.append((text, type(error).__name__, str(error)))
    return results


def deleting():
    a, b, c = Noisy("a"), Noisy("b"), Noisy("c")
    seen = [list(Noisy.alive)]
    del a
    seen.append(list(Noisy.alive))
    del (b, [c])
    seen.append(list(Noisy.alive))
    d = e = Noisy("d")
    del d
    seen.append(list(Noisy.alive))
    e = None
    seen.append(list(Noisy.alive))
    try:
        d
    except UnboundLocalError as error:
        seen.append(str(error))
    try:
        del d
    except NameError as error:
        seen.append(str(error))
    holder = Noisy("holder")
    holder.x = holder.y = 1
    del holder.x, holder.y
    table, row = {"k": 1, "l": {"m": 2}}, [1, 2, 3, 4, 5]
    del table["k"], table["l"]["m"], row[0], row[1:3], row[::2]
    seen += [table, row]
    for n in range(3):
        pass
    del n
    return seen


counter = Noisy("global")


def delete_global():
    global counter
    del counter
    try:
        counter
    except NameError as error:
        return str(error), list(Noisy.alive)


def delete_cell():
    value = Noisy("cell")

    def inner():
        nonlocal value
        del value
        try:
            return value
        except NameError as error:
            return type(error).__name__, str(error), list(Noisy.alive)

    return inner()


class Body:
    kept = 1
    dropped = 2
    del dropped
    try:
        del absent
    except NameError as error:
        message = str(error)


def cycle():
    a, b = Noisy("left"), Noisy("right")
    a.other, b.other = b, a
    del a, b
    before = len([n for n in Noisy.alive if not n.startswith("-")])
    gc.collect()
    return before, len([n for n in Noisy.alive if not n.startswith("-")])


gc.disable()
keys = Keys()
print(
    keys[1],
    keys[1:2],
    keys[:],
    keys[::2],
    keys[1, 2],
    keys[1:2, ...],
    keys[()],
    keys["a":"b", 3],
    keys[lambda: 0] is not None,
    keys[*[1, 2], 3],
)
keys[1:2] = 3
keys[...] = 4
keys[1, ::2] = keys[2] = 5
del keys[5:], keys["x", 1]
print(keys.log)
print(reading(), writing(), sep="\n")
for result in failing():
    print(*result)
print(deleting())
print(delete_global(), delete_cell(), hasattr(Body, "dropped"), Body.message, cycle())
x, y = slice(1, 10, 2), slice(None, -1)
print(x, y, x.indices(6), y.indices(4), x == slice(1, 10, 2), (x.start, x.stop, x.step))
