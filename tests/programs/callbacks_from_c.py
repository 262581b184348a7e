"""C code that calls back: sort keys, map and filter, re.sub, reduce, __del__, weakrefs, __eq__ and __hash__ in dicts, iter with sentinel."""

import bisect
import collections
import copy
import functools
import gc
import heapq
import itertools
import json
import operator
import pickle
import re
import weakref


class Value:
    """Compares and hashes through Python, and counts it."""

    calls = collections.Counter()

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        Value.calls["eq"] += 1
        return isinstance(other, Value) and self.n == other.n

    def __hash__(self):
        Value.calls["hash"] += 1
        return self.n % 2

    def __lt__(self, other):
        Value.calls["lt"] += 1
        return self.n < other.n

    def __repr__(self):
        Value.calls["repr"] += 1
        return f"V{self.n}"

    def __bool__(self):
        Value.calls["bool"] += 1
        return self.n != 0

    def __len__(self):
        return self.n

    def __iter__(self):
        return iter(range(self.n))

    def __add__(self, other):
        return Value(self.n + other.n)

    def __radd__(self, other):
        return Value(self.n + other)

    def __reduce__(self):
        return Value, (self.n,)

    def __copy__(self):
        return Value(-self.n)


def sorting():
    words = ["pear", "fig", "apple", "kiwi"]
    values = [Value(n) for n in (3, 1, 2)]
    heap = values[:]
    heapq.heapify(heap)
    return (
        sorted(words, key=lambda w: (len(w), w)),
        sorted(values),
        min(values),
        max(words, key=lambda w: w[-1]),
        heapq.nsmallest(2, words, key=len),
        [heapq.heappop(heap) for _ in values],
        bisect.bisect([1, 5, 9], 10, key=lambda v: v * 2),
        sorted(words, key=functools.cmp_to_key(lambda a, b: -1 if a > b else 1)),
    )


def functional():
    return (
        list(map(lambda a, b: a * b, [1, 2], [3, 4])),
        list(filter(lambda v: v, [Value(0), Value(2)])),
        functools.reduce(lambda a, b: a + b, [Value(1), Value(2)]),
        sum([Value(1), Value(4)]),
        any(Value(n) for n in (0, 0)),
        all([Value(1), Value(0)]),
        list(itertools.takewhile(lambda n: n < 3, itertools.count())),
        [k for k, _ in itertools.groupby("aabc", key=str.upper)],
        list(itertools.accumulate([1, 2, 3], lambda a, b: a * 10 + b)),
        list(itertools.starmap(lambda a, b: a - b, [(5, 2)])),
    )


def containers():
    table = {Value(1): "one", Value(3): "three", Value(2): "two"}
    return (
        table[Value(3)],
        Value(4) in table,
        len({Value(1), Value(1)}),
        [Value(1), Value(2)].index(Value(2)),
        (Value(1),) == (Value(1),),
        [Value(5)].count(Value(5)),
        list(Value(3)),
        tuple(Value(2)),
        [*Value(2)],
        dict.fromkeys(Value(2)),
        str([Value(7)]),
        max(Value(3)),
    )


def regular():
    def swap(match):
        return f"<{match[2]}{match.group('first')}>"

    return (
        re.sub(r"(?P<first>\w)(\w)", swap, "abcd e"),
        re.sub("a", lambda m: str(m.start()), "banana"),
        re.compile("x").subn(lambda m: "y", "xx"),
        json.loads('{"a": [1, {"b": 2}]}', object_hook=lambda d: sorted(d.items())),
        json.dumps({"k": Value(1)}, default=repr),
    )


def sentinel():
    left = [1, 2, 3]
    return list(iter(lambda: left.pop() if left else "end", "end"))


class Mortal:
    def __init__(self, name, log):
        self.name, self.log = name, log

    def __del__(self):
        self.log.append(f"del {self.name}")


def destructors():
    log = []
    a = Mortal("a", log)
    held = [Mortal("b", log), Mortal("c", log)]
    watch = weakref.ref(a, lambda ref: log.append(f"weakref called, dead: {ref() is None}"))
    weakref.finalize(held[0], log.append, "finalize b")
    a = None
    log.append("a is gone")
    held.pop(0)
    held.clear()
    log.append("list cleared")
    Mortal("temporary", log)

    def scope():
        local = Mortal("local", log)
        log.append("in scope")

    scope()
    cycle = Mortal("cycle", log)
    cycle.self = cycle
    del cycle
    log.append("before collect")
    gc.collect()
    proxy_target = Mortal("target", log)
    proxy = weakref.proxy(proxy_target)
    log.append(proxy.name)
    del proxy_target
    try:
        proxy.name
    except ReferenceError as error:
        log.append(str(error))
    cache = weakref.WeakValueDictionary(k=Mortal("value", log))
    log.append(len(cache))
    return log, watch()


def copying():
    nested = [Value(1), [Value(2)]]
    deep = copy.deepcopy(nested)
    return copy.copy(Value(3)), deep, deep[1] is nested[1], pickle.loads(pickle.dumps(nested))


class Lazy(dict):
    def __missing__(self, key):
        self[key] = made = key * 2
        return made


def defaults():
    groups = collections.defaultdict(lambda: ["made"])
    groups["a"].append(1)
    lazy = Lazy()
    return dict(groups), lazy["x"], lazy, "%(y)s" % lazy, collections.ChainMap({}, lazy)["z"]


def failing():
    def boom(*_):
        raise LookupError("from callback")

    results = []
    for name, call in {
        "sort": lambda: sorted([1, 2], key=boom),
        "map": lambda: list(map(boom, [1])),
        "sub": lambda: re.sub("a", boom, "a"),
        "reduce": lambda: functools.reduce(boom, [1, 2]),
        "iter": lambda: list(iter(boom, None)),
        "hook": lambda: json.loads("{}", object_hook=boom),
        "missing": lambda: collections.defaultdict(boom)[1],
    }.items():
        try:
            call()
        except LookupError as error:
            tb, depth = error.__traceback__, 0
            while tb:
                depth, last, tb = depth + 1, tb.tb_frame.f_code.co_name, tb.tb_next
            results.append((name, str(error), last))
    return results


gc.disable()
for function in (sorting, functional, containers, regular, sentinel, destructors, copying, defaults, failing):
    print(function.__name__, function())
print(sorted(Value.calls.items()))
print(
    operator.itemgetter(1)("ab"),
    operator.attrgetter("n")(Value(5)),
    operator.methodcaller("__len__")(Value(6)),
    functools.partial(lambda a, b, c: (a, b, c), 1, c=3)(2),
)
