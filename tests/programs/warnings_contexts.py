"""Warnings as errors, filters, stacklevels and registries; context variables across calls, generators and callbacks."""

import contextvars
import io
import sys
import warnings

depth = contextvars.ContextVar("depth", default=0)
user = contextvars.ContextVar("user")


class Careful(UserWarning):
    pass


def old(value, stacklevel=2):
    warnings.warn(f"old({value})", DeprecationWarning, stacklevel=stacklevel)
    return value


def wrapper(value):
    return old(value, 3)


def recorded(action, *filters):
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter("always")
        for filter in filters:
            warnings.filterwarnings(**filter)
        try:
            result = action()
        except Warning as error:
            result = f"raised {type(error).__name__}: {error}"
    return result, [(w.category.__name__, str(w.message), text(w)) for w in caught]


def text(warning):
    if warning.filename.startswith("<"):
        return warning.filename
    with open(warning.filename) as source:
        return source.read().splitlines()[warning.lineno - 1].strip()


def once():
    for n in range(3):
        warnings.warn("same text", Careful)
        warnings.warn(f"text {n}", Careful)


def shown():
    out = io.StringIO()
    sys.stderr, kept = out, sys.stderr
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("shown", Careful)
            warnings.warn_explicit("explicit", UserWarning, "file.py", 12, module="file")
            warnings.showwarning = lambda message, category, filename, lineno, file=None, line=None: print(
                "hook:", message, category.__name__
            )
            warnings.warn("to the hook")
    finally:
        sys.stderr = kept
    return [
        line.split(":")[-1].strip() if "Warning" in line else line.strip()
        for line in out.getvalue().splitlines()
    ]


def caused():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Careful)
            try:
                {}["k"]
            except KeyError:
                warnings.warn("while handling", Careful)
    except Careful as error:
        return str(error), type(error.__context__).__name__


def recurse(limit):
    """Each level sets the variable and puts it back."""
    token = depth.set(depth.get() + 1)
    try:
        return [depth.get()] + (recurse(limit - 1) if limit else [])
    finally:
        depth.reset(token)


def in_contexts():
    copied = contextvars.copy_context()
    seen = [copied.run(recurse, 2), depth.get()]

    def change():
        depth.set(50)
        user.set("inside")
        return depth.get()

    seen += [
        copied.run(change),
        depth.get(),
        copied[depth],
        copied.get(user),
        user in copied,
        user in contextvars.copy_context(),
        len(contextvars.Context()),
    ]
    try:
        user.get()
    except LookupError as error:
        seen.append(type(error).__name__)
    try:
        copied.run(lambda: copied.run(change))
    except RuntimeError as error:
        seen.append(str(error).split(":")[0])
    return seen


def generator():
    while True:
        depth.set(depth.get() + 10)
        yield depth.get()


def shared_with_generators():
    """A generator runs in the context of whoever resumes it."""
    steps = generator()
    context = contextvars.copy_context()
    return next(steps), context.run(next, steps), next(steps), depth.get(), context[depth]


def tokens():
    first = user.set("a")
    second = user.set("b")
    user.reset(second)
    inner = user.get()
    user.reset(first)
    results = [inner, user.get("default"), first.old_value is contextvars.Token.MISSING, second.old_value]
    for wrong in (
        lambda: user.reset(first),
        lambda: depth.reset(second),
        lambda: contextvars.Context().run(lambda: user.reset(user.set("x"))) or 1 / 0,
    ):
        try:
            wrong()
        except (RuntimeError, ValueError, ZeroDivisionError) as error:
            results.append(type(error).__name__)
    return results


for action, filters in (
    (lambda: old(1), []),
    (lambda: wrapper(2), []),
    (lambda: old(3), [dict(action="ignore", message="old")]),
    (lambda: old(4), [dict(action="error", category=DeprecationWarning)]),
    (once, []),
    (once, [dict(action="once", category=Careful)]),
    (once, [dict(action="default", message="same")]),
    (lambda: eval("old(5)"), [dict(action="ignore", module="none")]),
    (lambda: eval("1 is 1.0, 0 is not False, 1 is 1"), []),
):
    print(recorded(action, *filters))
print(shown(), caused(), in_contexts(), shared_with_generators(), tokens(), sep="\n")
for wrong in (
    lambda: warnings.warn("x", int),
    lambda: warnings.warn("x", stacklevel="a"),
    lambda: warnings.filterwarnings("nope"),
    lambda: warnings.simplefilter("error", 5),
):
    try:
        wrong()
    except (TypeError, ValueError, AssertionError) as error:
        print(type(error).__name__)
