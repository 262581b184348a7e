"""What compilers emit rarely: DELETE_GLOBAL, DELETE_DEREF, UNARY_POSITIVE, class scopes over cells, wide arguments, long jumps."""
import sys

counter = 1


def delete_global():
    global counter
    counter += 1
    kept = counter
    del counter
    try:
        counter
    except NameError as error:
        kept = kept, str(error)
    counter = 10
    return kept, counter


def delete_deref():
    a = b = 1

    def use():
        nonlocal b
        b = 2
        del b
        return a

    first = use()
    try:
        b
    except NameError as error:
        second = str(error)
    del a
    try:
        use()
    except NameError as error:
        return first, second, str(error)


class Positive:
    def __pos__(self):
        return "positive"


def class_over_cell(x, y):
    """In a class body a free name is looked up in the class first: LOAD_CLASSDEREF, LOAD_FROM_DICT_OR_DEREF."""
    class Inner:
        before = x, y
        locals()["x"] = "of the class"
        after = x, y
        del locals()["x"]
        restored = x

        class Deeper:
            seen = x, y

        squares = [x * n for n in range(y)]

        def method(self):
            return x, y

    return Inner.before, Inner.after, Inner.restored, Inner.Deeper.seen, Inner.squares, Inner().method()


def class_over_global():
    class Inner:
        counter = counter
        global made_in_class
        made_in_class = counter + 1

    return Inner.counter, made_in_class, hasattr(Inner, "made_in_class")


def merges():
    results = []
    for text in ("dict(**{'a': 1}, **{'a': 2})", "dict(a=1, **{'a': 2})", "f(**{'x': 1}, **5)", "{**5}", "f(**{1: 2})", "[*5]", "(*None,)", "{*1}", "f(*1)", "f(*[1], *2)",
                 "dict(**{'a': 1}, b=2, **{'c': 3})", "{**{'a': 1}, 'a': 2, **{'a': 3}}", "[*'ab', *(), 1]", "(*'ab', *{1: 2})", "{*[], *'a'}", "f(*'ab', 1, *(2,), k=1, **{})"):
        try:
            results.append(eval(text, {"f": lambda *a, **k: (a, k)}))
        except TypeError as error:
            results.append(str(error))
    return results


def many_constants(n):
    """More than 256 constants, names and jumps that need EXTENDED_ARG, run with and without taking them."""
    lines = ["def wide(flag, seen):", "    total = 0", "    for step in range(3):"]
    lines += [f"        if flag > {i * 1000 + 7}: total += {i * 1000 + 11}; v{i} = {i}.5" for i in range(n)]
    lines += ["        if step == 1: continue", "        try:", "            seen.append(total)", "            if total > 10 ** 9: break",
              "            assert total >= 0", "        except ValueError:", "            return None", "        finally:", "            total += 1",
              "    else:", "        seen.append('else')", "    return total"]
    scope = {}
    exec("\n".join(lines), scope)
    return scope["wide"]


def long_branch(which):
    if which == 0:
        x = [which, 1, 2, 3, 4, 5, 6, 7, 8, 9, which + 1, which + 2, which + 3, which + 4, which + 5, which + 6, which + 7, which + 8]
        x += [which * 1, which * 2, which * 3, which * 4, which * 5, which * 6, which * 7, which * 8, which * 9, which * 10, which * 11]
        x += [which - 1, which - 2, which - 3, which - 4, which - 5, which - 6, which - 7, which - 8, which - 9, which - 10, which - 11]
        x += [which / 1, which / 2, which / 3, which / 4, which / 5, which / 6, which / 7, which / 8, which / 9, which / 10, which / 11]
        x += [which ** 1, which ** 2, which ** 3, which ** 4, which ** 5, which ** 6, which ** 7, which ** 8, which ** 9, which ** 10]
        x += [which < 1, which < 2, which < 3, which < 4, which < 5, which < 6, which < 7, which < 8, which < 9, which < 10, which < 11]
        x += [which > 1, which > 2, which > 3, which > 4, which > 5, which > 6, which > 7, which > 8, which > 9, which > 10, which > 11]
        x += [which % 1, which % 2, which % 3, which % 4, which % 5, which % 6, which % 7, which % 8, which % 9, which % 10, which % 11]
        return len(x), sum(x)
    elif which is None:
        return "none"
    while which > 0:
        which -= 1
        if which is not None and which % 50 == 49:
            continue
        x = which if which else -which
    return which, x


def tests():
    results = []
    for value in (None, 0, "", 1):
        results.append((value is None, value is not None, value in (0, 1), value not in (0, 1), not value, "a" if value is None else "b"))
        if value is not None and value or value == "":
            results.append("first")
        while value is None:
            break
        assert value is None or value is not None, value
    return results


def assertion(value):
    try:
        assert value > 1, f"{value} is too small"
        assert value < 5
        return "fits"
    except AssertionError as error:
        return repr(error)


def annotated_in_function():
    holder = type("Holder", (), {})()
    holder.attribute: int = 5
    [holder][0].other: str
    x: list = [1]
    x[0]: int = 2
    return vars(holder), x


print(delete_global(), delete_deref(), +5, +True, +Positive(), +1.5, -(+3), sep="\n")
print(class_over_cell(1, 2), class_over_global(), sep="\n")
print(*merges(), sep="\n")
for n in (30, 300):
    wide = many_constants(n)
    for flag in (0, 15_000, 10 ** 6):
        seen = []
        print(n, flag, wide(flag, seen), seen)
print(long_branch(0), long_branch(None), long_branch(120), tests(), [assertion(v) for v in (0, 3, 9)], annotated_in_function(), sep="\n")
print(..., Ellipsis is ..., __debug__, NotImplemented is type(1).__add__(1, "x"))
for text in ("1 + 2", "'text'", "None", "for i in range(2): i\n"):
    exec(compile(text, "<single>", "single"))
eval(compile("5 * 5", "<single>", "single"))
sys.displayhook = lambda value: print("displayed", value)
exec(compile("x = [1, 2]; x", "<single>", "single"))
