"""Template strings (3.14), except without parentheses, and warnings for control flow that leaves finally."""

import warnings
from string.templatelib import Interpolation, Template


def render(template, quote=str):
    """The text of a template, with values quoted and formatted."""
    parts = []
    for part in template:
        match part:
            case str():
                parts.append(part)
            case Interpolation(value, _, conversion, spec):
                value = {"r": repr, "s": str, "a": ascii, None: lambda v: v}[conversion](value)
                parts.append(quote(format(value, spec)))
    return "".join(parts)


def html(template):
    return render(template, lambda text: text.replace("&", "&amp;").replace("<", "&lt;"))


def query(template):
    """SQL text with placeholders, and the values apart."""
    return "?".join(template.strings), list(template.values)


class Lazy:
    calls = []

    def __init__(self, name):
        self.name = name

    def __format__(self, spec):
        self.calls.append((self.name, spec))
        return f"{self.name}:{spec}"


name, amount, width = "<ann>", 3.14159, 10
plain = t"hello"
full = t"Dear {name}, you owe {amount:>{width}.2f} and {name!r:_^12} or {amount + 1 = }."
print(plain.strings, plain.interpolations, list(plain), full.strings, full.values)
for part in full.interpolations:
    print(part.expression, part.conversion, part.format_spec, part.value)
print(
    render(full),
    html(t"<b>{name}</b>{'&'}"),
    query(t"select * from t where a = {name} and b > {amount}"),
    sep="\n",
)
lazy = t"{Lazy('a'):x}{Lazy('b'):{width}}"
print(Lazy.calls, render(lazy), Lazy.calls)
print(
    t"{1}{2}".strings,
    t"{{literal}} {name}".strings,
    rt"\n{name}".strings,
    t"ab{1}c" == None,
    type(t"").__name__,
)
joined = t"one {1} " + t"two {2}"
print(joined.strings, joined.values, render(joined), isinstance(joined, Template))
built = Template("start ", Interpolation(5, "five", None, "03d"), " end")
print(render(built), built.interpolations[0])


def nested(items):
    return t"<ul>{[t'<li>{item}</li>' for item in items]}</ul>"


def deep(template):
    parts = []
    for part in template:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part.value, list):
            parts += map(deep, part.value)
        else:
            parts.append(html(t"{part.value}"))
    return "".join(parts)


print(deep(nested(["a", "<b>"])))
trail = []


def note(value):
    trail.append(value)
    return value


t"{note(1)}{note(2):{note(3)}}{note(4)!r}"
print(trail)
for wrong in (
    lambda: t"a" + "b",
    lambda: "a" + t"b",
    lambda: t"{undefined}",
    lambda: Template(5),
    lambda: hash(t"{[]}") and t"" < t"",
):
    try:
        wrong()
    except (TypeError, NameError) as error:
        print(type(error).__name__, error)


def several(error):
    try:
        raise error
    except ValueError, KeyError:
        return "one of two"
    except (TypeError, OSError) as caught:
        return f"the other: {caught!r}"


def starred():
    seen = []
    try:
        raise ExceptionGroup("g", [ValueError(1), KeyError(2), TypeError(3)])
    except* ValueError, KeyError:
        seen.append("both")
    except* TypeError as caught:
        seen.append(len(caught.exceptions))
    return seen


print([several(e) for e in (ValueError(), KeyError(), TypeError("t"))], starred())
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    scope = {}
    exec("def f():\n    try:\n        return 1\n    finally:\n        return 2\n", scope)
    print(scope["f"](), [(w.category.__name__, str(w.message)) for w in caught])
