"""f-strings and the other ways to format: conversions, nested specs, =, quotes, __format__, errors."""
import datetime
from decimal import Decimal
from string import Formatter, Template


class Money:
    def __init__(self, amount):
        self.amount = amount

    def __format__(self, spec):
        if spec == "":
            return f"{self.amount} coins"
        if spec == "long":
            return " and ".join(f"{self.amount:{width}.{digits}f}" for width, digits in ((8, 2), (5, 0)))
        return format(self.amount, spec)

    def __str__(self):
        return "as str"

    def __repr__(self):
        return "Money('é')"


class Broken:
    def __repr__(self):
        return 5

    def __format__(self, spec):
        return None


name, number, pi, width = "trace", 255, 3.14159265, 12
money, table, items = Money(7), {"key": {"inner": [1, 2, 3]}}, ["a", "b"]
print(f"{name}", f"{name!r:>{width}}|", f"{name!s:^{width}}|", f"{name:*<{width}}|", f"{'é'!a}", f"{name:.2}", f"{name[::-1]:_>{len(name) + 2}}")
print(f"{number:d} {number:b} {number:#x} {number:08o} {number:,} {number * 1000:_} {number:+} {number:e} {number:c} {number:%}")
print(f"{pi:.2f} {pi:10.3e} {pi:g} {pi:+.1f} {pi:{width}.{2}f} {pi!r} {-0.0:z.1f} {1e10:n} {Decimal('1.10'):.3f} {1 + 2j:.1f}")
print(f"{money} {money!s} {money!r} {money!a} {money:long} {money:>5}", f"{money:{'long'}}")
print(f"{{}} {{{name}}} {{{{{number}}}}} {'nested ' + f'{name + str(number)}'}", f"{'':>3}|", f"", f"{'a' 'b'}" "c" f"{1}" 'd')
print(f"{name=} {number = } {number=:x} {number = !s:>5} {name + '!'=} {table['key']['inner'][1:]=} {money=} {len(items)=}")
print(f"{table['key']['inner'][-1]} {items[0].upper()!r} {(lambda x: x * 2)(4)} {[i for i in range(3)]} { {1: 2}[1] } {name if number else pi}")
print(f"{datetime.date(2024, 2, 29):%d.%m.%Y} {datetime.time(7, 5):%H:%M}", f"{True:d} {True} {None} {...}", f"{'a':{'>'}{5}}|{3:{'0'}{'4'}}")
print(f"""multi
{name}
  {'line'}""", rf"\n{name}\t", f"\N{BULLET}\x41\u00e9{name}\\", rf'{name!r}\{name}')
print("%s %r %5d %-5s| %05.1f %x %c %% %(key)s".replace("%(key)s", "") % (name, name, 42, "ab", pi, 255, "z"))
print("%(a)s %(b)03d" % {"a": 1, "b": 2}, "%*d" % (5, 42), "%.3s" % "abcdef", "%s" % ((1, 2),), "%a" % "é", b"%b %d" % (b"x", 5))
print("{} {!r} {:>5}".format(1, "x", 2), "{0} {1} {0}".format("a", "b"), "{x[key]} {y.real} {z[0]}".format(x={"key": 1}, y=2, z=[3]))
print("{:{}.{}}".format("abcdef", 8, 3), "{:{w}}|".format("a", w=4), "{{{}}}".format(5), format(1234.5, ",.2f"), format("x"))
print(Template("$name is ${number}$$").substitute(name=name, number=number), Template("$a $b").safe_substitute(a=1))
print(list(Formatter().parse("a{b!r:c}d{{e")), str.format_map("{name}-{number}", {"name": 1, "number": 2}))


def evaluated():
    trail = []

    def note(value):
        trail.append(value)
        return value

    text = f"{note(1)}{note(2):{note(3)}}{note(4)!r:>{note(5)}}"
    return text, trail


def local_scope(x):
    values = [f"{x}{y}" for y in range(3)]
    return f"{x + sum(y for y in range(x))}", values, (lambda: f"{x!r}")(), f"{(z := x * 2)}{z}"


def generated():
    for kind in ("d", "x", ".1f"):
        got = yield f"{kind}: {17:{kind}}"
        if got:
            yield f"{got=!s}"


print(evaluated(), local_scope(3))
steps = generated()
print(next(steps), steps.send("value"), *steps)
for expression in ("f'{undefined}'", "f'{1:q}'", "f'{\"a\":d}'", "f'{broken!r}'", "f'{broken}'", "f'{table[\"no\"]}'", "'{}'.format()",
                   "'{a}'.format(1)", "'{0.x}'.format(1)", "'%d' % 'x'", "'%s %s' % (1,)", "'%s' % (1, 2)", "'%(a)s' % 5", "'%z' % 1",
                   "'{'.format(1)", "f'{items!r:d}'", "format(1.5, 'd')", "'{:>{}}'.format('a', 'x')", "f'{1:{2:{3}}}'", "'{!x}'.format(1)"):
    try:
        print(expression, "->", eval(expression, {"table": table, "broken": Broken(), "items": items}))
    except Exception as error:
        print(expression, "!", type(error).__name__, error)
for wrong in ("f'{}'", "f'{a b}'", "f'{a'", "f'}'", "f'{a!z}'", "f'{lambda x: 1}'"):
    try:
        compile(wrong, "<f>", "eval")
    except SyntaxError as error:
        print(wrong, type(error).__name__)
