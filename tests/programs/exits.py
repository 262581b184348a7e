"""sys.exit and SystemExit in every form, what runs on the way out, atexit order, and a status of its own at the end."""

# exit: 7
import atexit
import contextlib
import sys


def leave(*args):
    sys.exit(*args)


def caught(action):
    try:
        action()
    except SystemExit as error:
        return error.code, error.args, isinstance(error, Exception)


trail = []


@contextlib.contextmanager
def manager():
    try:
        yield
    finally:
        trail.append("manager")


def through_everything():
    try:
        with manager():
            for _ in range(3):
                try:
                    leave("message")
                except Exception:
                    trail.append("never")
                finally:
                    trail.append("finally")
    except BaseException as error:
        trail.append(type(error).__name__)
        raise
    finally:
        trail.append("outer finally")


def generator():
    try:
        yield 1
        yield 2
    except GeneratorExit:
        trail.append("generator closed")
        raise


def exit_in_generator():
    def steps():
        yield 1
        sys.exit("from generator")

    for value in steps():
        trail.append(value)


def exit_in_callback():
    sorted([2, 1], key=lambda value: sys.exit(value))


def exit_in_exit():
    class Leaves:
        def __enter__(self):
            return self

        def __exit__(self, *details):
            sys.exit(details[0].__name__)

    with Leaves():
        raise KeyError("replaced")


def replaced():
    try:
        leave(1)
    finally:
        return "return wins"


class Custom(SystemExit):
    def __init__(self, code, reason):
        super().__init__(code)
        self.reason = reason


for action in (
    lambda: leave(),
    lambda: leave(None),
    lambda: leave(5),
    lambda: leave("text"),
    lambda: leave((1, 2)),
    lambda: leave(True),
    through_everything,
    exit_in_generator,
    exit_in_callback,
    exit_in_exit,
    lambda: exec("raise SystemExit"),
    lambda: exec("raise SystemExit(1, 2)"),
    lambda: exec("raise Custom(4, 'why')", globals()),
):
    print(caught(action), trail)
    trail.clear()
print(replaced())


def registered(*args, **kwargs):
    print("atexit", args, kwargs)


def registers_more():
    print("atexit registers another")
    atexit.register(registered, "late")


class Fails:
    def __call__(self):
        print("atexit before the failure")
        raise LookupError("at exit")

    def __repr__(self):
        return "<fails>"


class OnExit:
    def method(self):
        print("atexit method")


held = generator()
next(held)
atexit.register(registered, 1, key=2)
atexit.register(OnExit().method)
atexit.register(registers_more)
atexit.register(Fails())


@atexit.register
def decorated():
    print("atexit decorated", trail)


atexit.register(registered, "removed")
atexit.unregister(registered)
atexit.register(registered, "kept")
try:
    print("last words")
    leave(7)
finally:
    held.close()
    print("finally at module level", trail)
