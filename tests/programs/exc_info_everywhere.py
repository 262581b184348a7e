"""sys.exc_info() and sys.exception() at every point: handlers, finally, generators, calls, nested handlers."""

import sys


def current():
    kind, value, tb = sys.exc_info()
    assert sys.exception() is value and (kind is None) == (value is None) == (tb is None)
    return value if value is None else value.args[0]


def nested():
    seen = [current()]
    try:
        raise ValueError("outer")
    except ValueError:
        seen.append(current())
        try:
            seen.append(current())
            raise KeyError("inner")
        except KeyError:
            seen.append(current())
            called(seen)
        seen.append(current())
    finally:
        seen.append(current())
    seen.append(current())
    return seen


def called(seen):
    """A call made in a handler sees the caller's exception, and leaves it."""
    seen.append(current())
    try:
        raise TypeError("called")
    except TypeError:
        seen.append(current())
    seen.append(current())


def finally_sees():
    seen = []
    try:
        try:
            raise ValueError("in flight")
        finally:
            seen.append(current())
    except ValueError:
        seen.append(current())
    return seen


def generator():
    yield current()
    try:
        raise ValueError("own")
    except ValueError:
        yield current()
        yield current()
    yield current()


def generator_in_handler():
    seen = []
    steps = generator()
    seen.append(next(steps))
    try:
        raise KeyError("callers")
    except KeyError:
        seen.append(next(steps))
        seen.append(current())
        seen.append(next(steps))
    seen.append(current())
    seen.append(next(steps))
    return seen


def started_in_handler():
    try:
        raise KeyError("first")
    except KeyError:
        steps = generator()
        seen = [next(steps)]
    seen.append(next(steps))
    try:
        raise KeyError("second")
    except KeyError:
        seen += steps
    return seen


def thrown():
    def catcher():
        while True:
            try:
                yield current()
            except ValueError:
                yield current()

    steps = catcher()
    return [next(steps), steps.throw(ValueError("thrown")), next(steps), current()]


def with_block():
    seen = []

    class Manager:
        def __enter__(self):
            seen.append(("enter", current()))

        def __exit__(self, kind, value, tb):
            seen.append(("exit", current(), value and value.args[0]))
            return True

    with Manager():
        pass
    with Manager():
        raise ValueError("in with")
    try:
        raise KeyError("around")
    except KeyError:
        with Manager():
            raise ValueError("inside")
        seen.append(current())
    seen.append(current())
    return seen


def loop():
    seen = []
    for number in range(3):
        try:
            raise ValueError(number)
        except ValueError:
            if number == 0:
                continue
            if number == 2:
                break
        finally:
            seen.append(current())
    seen.append(current())
    return seen


def context_follows():
    """__context__ is what exc_info shows when the exception is raised."""
    try:
        try:
            raise ValueError("a")
        except ValueError:
            try:
                raise KeyError("b")
            except KeyError:
                pass
            raise TypeError("c")
    except TypeError as error:
        return error.__context__.args[0], error.__context__.__context__


async def coroutine():
    try:
        raise ValueError("in coroutine")
    except ValueError:
        return current(), await inner()


async def inner():
    return current()


for function in (
    nested,
    finally_sees,
    generator_in_handler,
    started_in_handler,
    thrown,
    with_block,
    loop,
    context_follows,
):
    print(function.__name__, function())
    assert sys.exc_info() == (None, None, None)
try:
    coroutine().send(None)
except StopIteration as stop:
    print(stop.value)
    assert current() == stop.value
try:
    raise
except RuntimeError as error:
    print(error)


def bare_raise_in_callee():
    def again():
        raise

    try:
        raise ValueError("bare")
    except ValueError:
        again()


try:
    bare_raise_in_callee()
except ValueError as error:
    tb, names = error.__traceback__, []
    while tb:
        names.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    print(names)
