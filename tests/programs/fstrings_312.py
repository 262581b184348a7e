"""f-strings of 3.12: the same quotes inside, any expression, comments and line ends, nesting without end; 3.12's other additions."""
import itertools
import sys
from pathlib import PurePosixPath

names, table = ["ann", "bob"], {"key": {"deep": [1, 2]}}
print(f"{table["key"]["deep"][0]} {", ".join(names)} {'\n'.join(names)!r} {f"{f"{f"{1 + 1}"}"}"}")
print(f"{
    names[0]  # a comment inside
    .upper()
} {[
    name
    for name in names
    if name != "ann"
]}")
print(f'{(lambda x: f"{x!r:>{len(names) * 3}}")("a")}', f"{"nested " + f'{names[1] + f"{names[0]}"}'}", f"{'\t'!r}{"\\"}")
print(f"{names!r:{'>'}{20}}|", f"{table=}", f"{names[0]=!s:>{2 + 3}}", f"{3.14159:{10}.{"3"}}", f"""{"""triple"""}""")


def formatted(value, width):
    return f"{value:{"<" if value else ">"}{width}}|{f"{value:{width}}"!r}"


def walrus_inside():
    return f"{(x := 5)} {x + 1} {[y := f"{x}", y + "!"]}"


class Spec:
    def __format__(self, spec):
        return f"<{spec}>"


print(formatted(0, 4), formatted(12, 5), walrus_inside(), f"{Spec():%H:{names[0]}}")
print(list(itertools.batched("abcdefg", 3)), PurePosixPath("a/b/c").relative_to("a/d", walk_up=True))


def comprehension_scope():
    """Inlined comprehensions keep their names to themselves, in locals() and in tracebacks."""
    x = "outer"
    inner = [locals().get("y") for y in range(2)]
    cells = [lambda: x for x in range(2)]
    try:
        [1 // x for x in (1, 0)]
    except ZeroDivisionError as error:
        tb = error.__traceback__
        depth = 0
        while tb:
            depth, name, tb = depth + 1, tb.tb_frame.f_code.co_name, tb.tb_next
    return x, inner, [c() for c in cells], depth, name, sorted(locals())


class Body:
    values = [1, 2]
    x = "class x"
    doubled = [x * 2 for x in values]
    pairs = [(x, y) for x in values for y in "ab"]
    kept = x
    nested = [[x for x in range(n)] for n in values]


print(comprehension_scope(), Body.doubled, Body.kept, Body.nested, Body.pairs)
x = "module"
print([x for x in range(3)], x, {x: [x for x in "ab"] for x in range(2)}, x)
for text in ("f'{a!r'", "f'{'", "f\"{x:{y}\"", "f'{x!}'", "f'{*a}'", "f'{a $ b}'"):
    try:
        compile(text, "<f>", "eval")
        print(text, "compiles")
    except SyntaxError as error:
        print(text, "->", type(error).__name__)


def slices():
    row = list(range(8))
    row[1:3], row[-1] = row[5:7], [row[2:4]]
    del row[0:1]
    a, b = 2, 4
    row[a:b] = row[b:a:-1]
    row[a:b] += [0]
    return row, "abcdef"[a:b], row[a:b][0:1], row[::a], (1, 2, 3)[a:], row[None:b]


print(slices(), sys.version_info >= (3, 12))


def unbound_in_inlined():
    if names is None:
        never = 1
    try:
        return [never for _ in range(1)]
    except UnboundLocalError as error:
        return str(error)


print(unbound_in_inlined(), (lambda: [f() for f in [lambda: i for i in range(3)]])())
import calendar
from typing import override


class Base:
    def method(self):
        return calendar.Month.MARCH.value


class Derived(Base):
    @override
    def method(self):
        return super().method() + 1


print(Derived().method(), Derived.method.__override__)
