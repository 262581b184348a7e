"""with: nesting, suppression, returns and loops inside, failures in enter and exit, contextlib, async with."""

import asyncio
import contextlib
import io

trail = []


class Manager:
    def __init__(self, name, swallow=(), fail_enter=None, fail_exit=None):
        self.name, self.swallow = name, swallow
        self.fail_enter, self.fail_exit = fail_enter, fail_exit

    def __enter__(self):
        trail.append(f"+{self.name}")
        if self.fail_enter:
            raise self.fail_enter
        return self.name

    def __exit__(self, kind, value, tb):
        trail.append(f"-{self.name}:{kind.__name__ if kind else None}")
        assert (kind is None) == (value is None) == (tb is None)
        if self.fail_exit:
            raise self.fail_exit
        return kind is not None and issubclass(kind, self.swallow)

    async def __aenter__(self):
        await asyncio.sleep(0)
        return self.__enter__()

    async def __aexit__(self, *details):
        await asyncio.sleep(0)
        return self.__exit__(*details)


def show(label, function, *args):
    trail.clear()
    try:
        result = function(*args)
    except Exception as error:
        result = f"{error!r} after {error.__context__!r}"
    print(f"{label}: {result} {' '.join(trail)}")


def nested(error=None):
    with Manager("a", ValueError) as a, Manager("b", KeyError) as b:
        with (
            Manager("c"),
            Manager("d") as [d],
        ):
            if error:
                raise error
        return a + b + d
    return "suppressed"


def in_loop():
    results = []
    for number in range(5):
        with Manager(str(number), ZeroDivisionError):
            if number == 1:
                continue
            if number == 3:
                break
            results.append(6 // number)
    return results


def returning():
    with Manager("r"):
        try:
            with Manager("s"):
                return "from inside"
        finally:
            trail.append("finally")


def failing(**how):
    with Manager("outer", LookupError):
        with Manager("f", **how):
            raise ValueError("body")
        return "after"
    return "outer swallowed"


def target():
    class Box:
        pass

    box, table = Box(), {}
    with Manager("x") as box.name, Manager("y") as table["key"], Manager("zw") as (z, w):
        return box.name, table, z, w


@contextlib.contextmanager
def tag(name):
    trail.append(f"<{name}>")
    try:
        yield name.upper()
    except KeyError as error:
        trail.append(f"!{error}")
    finally:
        trail.append(f"</{name}>")


def generator_based():
    with tag("p") as name:
        trail.append(name)
    with tag("q"):
        raise KeyError("swallowed")
    with tag("r"):
        raise ValueError("passes")


@tag("decorator")
def decorated(x):
    return x * 2


def stacked(count):
    with contextlib.ExitStack() as stack:
        names = [stack.enter_context(Manager(str(n))) for n in range(count)]
        stack.callback(trail.append, "callback")
        stack.push(lambda kind, value, tb: kind is KeyError)
        kept = stack.pop_all() if count > 2 else None
        if count == 2:
            raise KeyError("swallowed by the pushed function")
    if kept:
        trail.append("later")
        kept.close()
    return names


def library():
    with contextlib.suppress(KeyError, IndexError):
        [][1]
    out = io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.closing(io.StringIO("x")) as closed,
        contextlib.nullcontext(5) as five,
    ):
        print("captured", five)
    return out.getvalue(), closed.closed


async def asynchronous(error=None):
    async with Manager("a", ValueError) as a, Manager("b"):
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(Manager("c"))
            stack.enter_context(Manager("d"))
            if error:
                raise error
            return a
    return "suppressed"


@contextlib.asynccontextmanager
async def session(name):
    trail.append(f"open {name}")
    try:
        yield name
    finally:
        await asyncio.sleep(0)
        trail.append(f"close {name}")


async def sessions():
    async with session("one") as one, session("two"):
        return one


show("plain", nested)
for error in (ValueError(1), KeyError(2), TypeError(3)):
    show(f"with {error!r}", nested, error)
show("loop", in_loop)
show("return", returning)
show("enter fails", lambda: failing(fail_enter=KeyError("enter")))
show("exit fails", lambda: failing(fail_exit=IndexError("exit")))
show("exit fails otherwise", lambda: failing(fail_exit=TypeError("exit")))
show("targets", target)
show("generator", generator_based)
show("decorated", decorated, 4)
for count in (1, 2, 3):
    show(f"stack of {count}", stacked, count)
show("library", library)
for error in (None, ValueError("async"), KeyError("async")):
    show("async", lambda: asyncio.run(asynchronous(error)))
show("sessions", lambda: asyncio.run(sessions()))


class NoExit:
    def __enter__(self):
        pass


class NoEnter:
    def __exit__(self, *details):
        pass


for wrong in (5, NoExit(), NoEnter()):
    try:
        with wrong:
            print("never")
    except TypeError as error:
        print(str(error).replace("__main__.", ""))
