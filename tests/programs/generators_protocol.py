"""Generators: send, throw, close, return values, yield from in depth, attributes, errors, finalisation."""

import gc
import inspect
import types


def echo(limit=3):
    """Gives back what is sent, counts, and says how it ended."""
    received = []
    try:
        for number in range(limit):
            got = yield number
            received.append(got)
    except ValueError as error:
        received.append(f"caught {error}")
        yield "after the error"
    except GeneratorExit:
        received.append("closed")
        raise
    finally:
        trail.append(received)
    return received


trail = []


def log(function):
    trail.clear()
    try:
        result = function()
    except BaseException as error:
        result = f"{type(error).__name__}({', '.join(map(repr, error.args))})"
    print(function.__name__, result, trail)


def sending():
    steps = echo()
    results = [next(steps), steps.send("a"), steps.send(None)]
    try:
        steps.send("last")
    except StopIteration as stop:
        return results, stop.value


def send_too_early():
    echo().send("value")


def throwing():
    steps = echo()
    next(steps)
    results = [steps.throw(ValueError("thrown"))]
    return results + list(steps)


def throwing_types():
    results = []
    for thrown in (KeyError, KeyError("instance"), StopIteration("wrapped"), GeneratorExit()):
        steps = echo()
        next(steps)
        try:
            steps.throw(thrown)
        except BaseException as error:
            results.append((type(error).__name__, error.args, type(error.__cause__).__name__))
    return results


def throw_unstarted():
    seen = []
    for thrown in (ValueError("never entered"), StopIteration("never entered")):
        steps = echo()
        try:
            steps.throw(thrown)
        except Exception as error:
            seen.append((error is thrown, error.__traceback__.tb_next.tb_lineno, list(steps)))
    return seen


def stands_unstarted():
    shared = 1

    def closed(a):
        yield lambda: (a, shared)

    async def awaits(a):
        return lambda: (a, shared)

    generator, coroutine = closed(1), awaits(1)
    of_expression = (lambda: n + shared for n in range(2))
    lines = [f.f_lineno - f.f_code.co_firstlineno for f in (generator.gi_frame, coroutine.cr_frame, of_expression.gi_frame)]
    coroutine.close()
    return lines


def closing():
    steps = echo()
    next(steps)
    return steps.close(), steps.gi_frame, list(steps), steps.close()


def ignores_exit():
    def stubborn():
        while True:
            try:
                yield 1
            except GeneratorExit:
                trail.append("ignored")
                if len(trail) > 1:
                    return

    steps = stubborn()
    next(steps)
    try:
        steps.close()
    except RuntimeError as error:
        trail.append(str(error))
    return steps.close()


def returns_in_finally():
    def steps():
        try:
            yield 1
        finally:
            return "swallowed"

    g = steps()
    next(g)
    try:
        g.throw(KeyError("lost"))
    except StopIteration as stop:
        return stop.value


def inner(name):
    got = []
    try:
        while True:
            value = yield f"{name}{len(got)}"
            if value is None:
                return got
            got.append(value)
    except KeyError as error:
        trail.append(f"{name} caught {error}")
        return "recovered"
    finally:
        trail.append(f"{name} ends")


def outer():
    first = yield from inner("x")
    trail.append(first)
    second = yield from inner("y")
    trail.append(second)
    third = yield from [1, 2]
    trail.append(third)
    return (yield from (i for i in "z"))


def delegating():
    steps = outer()
    results = [next(steps), steps.send("p"), steps.send("q"), steps.send(None), steps.throw(KeyError("k"))]
    return results + list(steps)


def delegate_close():
    steps = outer()
    next(steps)
    steps.close()


def delegate_to_iterator():
    """An iterator without send and throw."""

    class Plain:
        def __iter__(self):
            return self

        def __next__(self):
            return "plain"

    def steps():
        try:
            yield from Plain()
        except KeyError as error:
            yield f"outer caught {error}"

    g = steps()
    results = [next(g), next(g)]
    try:
        g.send(5)
    except AttributeError as error:
        results.append(str(error))
    g = steps()
    next(g)
    return results + [g.throw(KeyError("t"))]


def deep(n):
    """Each level passes on what the level below yields."""
    if n:
        result = yield from deep(n - 1)
        return result + [n]
    got = yield "bottom"
    return [got]


def depth():
    steps = deep(20)
    results = [next(steps)]
    try:
        steps.send("sent")
    except StopIteration as stop:
        return results, len(stop.value), stop.value[:3]


def stop_inside():
    def steps():
        yield next(iter([]))

    next(steps())


def running():
    def steps():
        yield next(me)

    me = steps()
    next(me)


def attributes():
    steps = outer()
    states = [inspect.getgeneratorstate(steps), steps.gi_running, steps.gi_yieldfrom]
    next(steps)
    states += [
        inspect.getgeneratorstate(steps),
        steps.gi_yieldfrom.__name__,
        steps.gi_frame.f_lineno - outer.__code__.co_firstlineno,
        inspect.getgeneratorlocals(steps.gi_yieldfrom)["name"],
        steps.gi_code is outer.__code__,
    ]
    steps.__name__ = "renamed"
    states += [steps.__name__, steps.__qualname__, isinstance(steps, types.GeneratorType), repr(steps)[:24]]
    steps.close()
    return states + [inspect.getgeneratorstate(steps)]


def finalised():
    steps = echo()
    next(steps)
    del steps
    gc.collect()
    return "finalised"


def expression_scopes():
    n = 2
    squares = (n * x for x in range(3))
    n = 10
    return list(squares), sum(x for x in range(4)), [*(a + b for a in "ab" for b in "cd" if a + b != "bc")]


@types.coroutine
def old_style():
    got = yield "from a generator"
    return got


async def awaiting():
    return await old_style()


def as_coroutine():
    task = awaiting()
    first = task.send(None)
    try:
        task.send("answer")
    except StopIteration as stop:
        return first, stop.value


for function in (
    sending,
    send_too_early,
    throwing,
    throwing_types,
    throw_unstarted,
    stands_unstarted,
    closing,
    ignores_exit,
    returns_in_finally,
    delegating,
    delegate_close,
    delegate_to_iterator,
    depth,
    stop_inside,
    running,
    attributes,
    finalised,
    expression_scopes,
    as_coroutine,
):
    log(function)
