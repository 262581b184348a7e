"""itertools with Python callbacks and generators on both sides; recipes; iterators that fail half-way."""

import itertools as it
import operator


def take(n, iterable):
    return list(it.islice(iterable, n))


def primes():
    sieve = {}
    for n in it.count(2):
        if n not in sieve:
            yield n
            sieve[n * n] = [n]
        else:
            for p in sieve.pop(n):
                sieve.setdefault(n + p, []).append(p)


def collatz(n):
    while n != 1:
        yield n
        n = n // 2 if n % 2 == 0 else 3 * n + 1
    yield 1


def powerset(items):
    return it.chain.from_iterable(it.combinations(items, r) for r in range(len(items) + 1))


def grouper(iterable, n, fill=None):
    return it.zip_longest(*[iter(iterable)] * n, fillvalue=fill)


def partition(predicate, iterable):
    first, second = it.tee(iterable)
    return it.filterfalse(predicate, first), filter(predicate, second)


def roundrobin(*iterables):
    turns = it.cycle(iter(i).__next__ for i in iterables)
    active = len(iterables)
    while active:
        try:
            for step in turns:
                yield step()
        except StopIteration:
            active -= 1
            turns = it.cycle(it.islice(turns, active))


def runs(values):
    return [(key, len(list(group))) for key, group in it.groupby(values, key=lambda v: v > 2)]


def sliding(iterable, n):
    iterators = it.tee(iterable, n)
    for skip, iterator in enumerate(iterators):
        next(it.islice(iterator, skip, skip), None)
    return zip(*iterators)


class Countdown:
    """An iterable that makes a fresh iterator; the iterator can be told to fail."""

    def __init__(self, start, fail_at=None):
        self.start, self.fail_at = start, fail_at

    def __iter__(self):
        n = self.start
        while n:
            if n == self.fail_at:
                raise ArithmeticError(f"failed at {n}")
            yield n
            n -= 1

    def __length_hint__(self):
        return 5

    def __reversed__(self):
        return iter(range(1, self.start + 1))


class OldStyle:
    """Iteration by __getitem__."""

    def __getitem__(self, index):
        if index > 3:
            raise IndexError
        return index * index


def consumed_until(iterator):
    seen = []
    try:
        for value in iterator:
            seen.append(value)
    except ArithmeticError as error:
        seen.append(str(error))
    return seen


def lazily():
    trail = []

    def note(value):
        trail.append(value)
        return value

    stages = map(lambda v: v * 2, filter(lambda v: v % 2, map(note, it.count(1))))
    first = take(2, stages)
    chained = it.chain(map(note, "ab"), map(note, "cd"))
    next(chained)
    return first, trail, next(it.dropwhile(lambda v: v != "c", chained)), trail[-1]


print(
    take(8, primes()),
    list(collatz(6)),
    ["".join(s) for s in powerset("abc")],
    list(grouper("abcdefg", 3, "x")),
)
print(
    [list(part) for part in partition(lambda v: v % 2, range(6))],
    "".join(roundrobin("ABC", "D", "EF")),
    runs([1, 5, 5, 2, 3, 3]),
)
print(
    list(sliding(range(5), 3)),
    list(it.pairwise("abcd")),
    list(it.accumulate([3, 1, 4, 1], max)),
    list(it.accumulate(range(4), lambda a, b: a * 2 + b, initial=1)),
)
print(
    list(it.product("ab", range(2), repeat=1)),
    list(it.permutations("abc", 2))[:3],
    list(it.combinations_with_replacement("ab", 2)),
    list(it.compress("abcd", [1, 0, True, ""])),
)
print(
    list(it.starmap(pow, [(2, 3), (3, 2)])),
    list(it.zip_longest("ab", "c", fillvalue="-")),
    list(it.repeat("x", 2)),
    take(5, it.cycle("ab")),
    list(it.takewhile(str.islower, "abC")),
)
print(
    consumed_until(it.chain([9], Countdown(3, fail_at=1))),
    consumed_until(map(lambda n: 6 // n, Countdown(3))),
    consumed_until(zip(Countdown(2), Countdown(5, fail_at=4))),
)
print(
    list(OldStyle()),
    4 in OldStyle(),
    list(zip(OldStyle(), Countdown(9))),
    list(reversed(Countdown(3))),
    operator.length_hint(Countdown(1)),
    max(OldStyle()),
    sum(OldStyle()),
)
print(lazily())
try:
    list(zip([1, 2], "abc", strict=True))
except ValueError as error:
    print(error)
counter = it.count(10, -3)
print(next(counter), next(counter), take(3, zip(counter, it.count(0.5, 0.25))), next(iter([]), "default"))
first, second = it.tee(Countdown(3))
print(next(first), next(first), list(second), list(first))
buffered = it.groupby(sorted("mississippi"))
print({letter: len(list(group)) for letter, group in buffered})
print(
    dict(enumerate(it.islice(it.count(), 2, 10, 3), start=1)),
    [*map(lambda *a: a, "ab", (1, 2))],
    list(map(operator.mul, Countdown(3), Countdown(3))),
)


def flatten(nested):
    stack = [iter(nested)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, list):
                stack.append(iter(item))
                break
            yield item
        else:
            stack.pop()


print(list(flatten([1, [2, [3, [4]], [], 5], [[6]]])))


def unique(iterable, key=None):
    seen = set()
    for item in iterable:
        if (mark := key(item) if key else item) not in seen:
            seen.add(mark)
            yield item


print("".join(unique("AbaBcC", str.lower)), list(unique([1, 1.0, True, 2])))
