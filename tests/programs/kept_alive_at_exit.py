"""Generators, coroutines, cycles and threads' leftovers that are still alive when the program ends."""

import atexit
import gc
import sys
import weakref


class Resource:
    log = []

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.log.append(f"open {self.name}")
        return self

    def __exit__(self, kind, value, tb):
        self.log.append(f"close {self.name} {kind.__name__ if kind else None}")

    def __del__(self):
        self.log.append(f"del {self.name}")


def reader(name, limit):
    """Suspended inside two with blocks and a try."""
    try:
        with Resource(name) as outer, Resource(name + "'") as inner:
            for number in range(limit):
                yield number, outer.name, inner.name
    finally:
        Resource.log.append(f"finally {name}")


def chained(*generators):
    for generator in generators:
        yield from generator


async def waiting(name):
    with Resource(name):
        await Suspend()


class Suspend:
    def __await__(self):
        yield "suspended"


def dropped():
    """Dropping the last reference closes a suspended generator at once."""
    generator = reader("dropped", 3)
    next(generator)
    del generator
    return take_log()


def exhausted():
    return list(reader("exhausted", 2)), take_log()


def dropped_while_delegating():
    generator = chained(reader("first", 1), reader("second", 5))
    values = [next(generator) for _ in range(3)]
    generator = None
    return [v[0] for v in values], take_log()


def collected():
    """A generator in a cycle with its own frame's local is closed by the collector."""

    def loop():
        me = yield
        with Resource("cycle"):
            yield me

    generator = loop()
    next(generator)
    generator.send(generator)
    watch = weakref.ref(generator)
    del generator
    before = take_log(), watch() is not None
    gc.collect()
    return before, take_log(), watch() is None


def coroutine_dropped():
    coroutine = waiting("coroutine")
    first = coroutine.send(None)
    coroutine = None
    return first, take_log()


def resurrected():
    kept = []

    class Phoenix:
        def __del__(self):
            kept.append(self)

    Phoenix()
    risen, finalized = len(kept), gc.is_finalized(kept[0])
    kept.clear()  # __del__ is not called a second time
    return risen, finalized, len(kept)


def exception_keeps_frames():
    def fail():
        local = Resource("in failing frame")
        raise ValueError(local.name)

    try:
        fail()
    except ValueError as error:
        kept = error
    first = take_log()
    frames = []
    tb = kept.__traceback__
    while tb:
        frames.append([name for name in ("local", "first") if name in tb.tb_frame.f_locals])
        tb = tb.tb_next
    del tb
    kept.__traceback__ = None
    del kept
    return first, frames, take_log()


def take_log():
    entries, Resource.log = Resource.log[:], []
    return entries


gc.disable()
for function in (
    dropped,
    exhausted,
    dropped_while_delegating,
    collected,
    coroutine_dropped,
    resurrected,
    exception_keeps_frames,
):
    print(function.__name__, function())

# Left over on purpose: suspended at exit, some referenced by a global, some only by each other.
suspended = reader("global", 5)
print(next(suspended))
deep = chained(chained(reader("nested", 5)))
print(next(deep))
pending = waiting("pending")
print(pending.send(None))
unstarted, finished = reader("unstarted", 1), reader("finished", 0)
assert list(finished) == []
pair = [reader("in a cycle", 2)]
pair.append(pair)
next(pair[0])
print(take_log())


@atexit.register
def last():
    """The last code of the program that runs in good order; it closes what would otherwise be left to the interpreter."""
    print("at exit", next(suspended)[0], take_log())
    suspended.close()
    deep.close()
    pending.close()
    pair.clear()
    print(take_log())
    sys.stdout.flush()
