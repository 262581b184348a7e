"""Code objects as keys and values: what registers functions by their code does."""

import types


def registered(kept):
    """A decorator that notes the code of what it is put on, as template engines and debuggers do."""

    def decorator(function):
        kept.add(function.__code__)
        return function

    return decorator


INTERNAL = set()


@registered(INTERNAL)
def loops(n):
    try:
        return [x for x in range(n) if x % 2]
    finally:
        n = None


@registered(INTERNAL)
def generates(n):
    for x in range(n):
        try:
            yield x
        except ValueError:
            yield -1


class Thing:
    @registered(INTERNAL)
    def method(self, a, *rest, key=None, **more):
        return lambda: (self, a, rest, key, more)


@registered(INTERNAL)
async def waits():
    async with Thing():
        return 1


def outside():
    return 1


functions = [loops, generates, Thing.method, waits, outside]
print([function.__name__ for function in functions if function.__code__ in INTERNAL])
print(len(INTERNAL), {function.__code__: function.__name__ for function in functions}[generates.__code__])
assert all(hash(function.__code__) == hash(function.__code__) for function in functions)
assert loops.__code__ == loops.__code__ != outside.__code__

generator = generates(3)
print(next(generator), generator.gi_code in INTERNAL, generator.throw(ValueError), generator.gi_frame.f_code in INTERNAL)
coroutine = waits()
print(coroutine.cr_code in INTERNAL)
coroutine.close()

renamed = types.FunctionType(outside.__code__.replace(co_name="renamed"), globals())
print(renamed.__name__, renamed(), renamed.__code__ in INTERNAL)
print(loops(6), Thing().method(1, 2, key=3, other=4)()[1:])
