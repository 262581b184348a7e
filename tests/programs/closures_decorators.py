"""Closures, nonlocal and global at every depth; decorators with and without arguments, on functions and classes."""

import functools

total = 0


def counter(start=0):
    count = start

    def increase(by=1):
        nonlocal count
        count += by
        return count

    def reset():
        nonlocal count
        previous, count = count, start
        return previous

    increase.reset = reset
    return increase


def accumulate(value):
    global total
    total += value
    return total


def layers():
    x = "outer"

    def middle():
        y = x + "+middle"

        def inner():
            nonlocal x, y
            x, y = y, x
            return lambda: (x, y)

        return inner(), lambda: (x, y)

    first, second = middle()
    return first(), second(), x


def late_binding():
    late = [lambda: i for i in range(3)]
    early = [lambda i=i: i for i in range(3)]
    made = [(lambda j: lambda: j)(i) for i in range(3)]
    return [[f() for f in group] for group in (late, early, made)]


def unbound():
    def use():
        return value

    results = []
    for step in range(2):
        try:
            results.append(use())
        except NameError as error:
            results.append(str(error))
        value = step
    del value
    try:
        use()
    except NameError as error:
        results.append(type(error).__name__)
    return results


def delete_in_closure():
    cell = [1]

    def drop():
        nonlocal cell
        del cell

    def keep():
        return cell

    drop()
    try:
        return keep()
    except NameError:
        cell = "again"
        return keep(), [c.cell_contents for c in keep.__closure__]


def trace(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls.append((args, kwargs))
        return function(*args, **kwargs)

    wrapper.calls = []
    return wrapper


def repeat(times, *, join=None):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            results = [function(*args) for _ in range(times)]
            return join(results) if join else results

        return wrapper

    return decorate


class Register:
    table = {}

    def __init__(self, name=None):
        self.name = name

    def __call__(self, target):
        self.table[self.name or target.__name__] = target
        return target


class Memo:
    """A decorator that is a class, works on methods through __get__."""

    def __init__(self, function):
        self.function, self.seen = function, {}
        functools.update_wrapper(self, function)

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args):
        if args not in self.seen:
            self.seen[args] = self.function(*args)
        return self.seen[args]


def order(label):
    print("made", label)

    def decorate(target):
        print("applied", label, target.__name__)
        return target

    return decorate


@order("first")
@order("second")
@Register()
@trace
def area(width, height=2, *, scale=1):
    """The area."""
    return width * height * scale


@Register("shape")
@order("class")
class Square:
    @order("method")
    def size(self):
        return 3

    @Memo
    def slow(self, x):
        total_calls.append(x)
        return x * x

    @staticmethod
    @repeat(3, join="".join)
    def cheer(word):
        return word + "!"

    @classmethod
    @repeat(2)
    def who(cls):
        return cls.__name__


total_calls = []
first, second = counter(), counter(10)
print(first(), first(5), second(), first.reset(), first(), second.reset(), second(0))
print([accumulate(v) for v in (1, 2, 3)], total)
print(layers(), late_binding(), unbound(), delete_in_closure())
print(area(3), area(1, scale=5, height=4), area.calls, area.__name__, area.__doc__, area.__wrapped__(2))
square = Square()
print(square.slow(4), square.slow(4), total_calls, square.cheer("go"), Square.who(), sorted(Register.table))
assert Square.slow.__doc__ is None and Square.slow.__name__ == "slow"


def compose(*functions):
    return functools.reduce(lambda f, g: lambda x: f(g(x)), functions, lambda x: x)


print(compose(str, lambda x: x + 1, abs)(-4), compose()(5))
Y = lambda f: (lambda x: x(x))(lambda y: f(lambda *args: y(y)(*args)))
print(Y(lambda recur: lambda n: 1 if n == 0 else n * recur(n - 1))(6))
print(
    counter.__code__.co_cellvars,
    counter.__closure__,
    first.__code__.co_freevars,
    first.__closure__[0].cell_contents,
)
