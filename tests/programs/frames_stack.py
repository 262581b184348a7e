"""The program looks at its own stack: sys._getframe, inspect.stack, f_locals, line numbers, callers, warnings, logging."""
import inspect
import io
import logging
import os
import sys
import traceback
import warnings


def names(frame=None):
    frame = frame or sys._getframe(1)
    found = []
    while frame:
        found.append(frame.f_code.co_name)
        frame = frame.f_back
    return found


def here():
    return sys._getframe().f_lineno - here.__code__.co_firstlineno


def caller():
    return sys._getframe(1).f_code.co_name


class Caller:
    def method(self):
        return caller(), names()

    @classmethod
    def of_class(cls):
        return caller()

    @property
    def attribute(self):
        return names()

    def __getitem__(self, key):
        return names()

    def __lt__(self, other):
        self.compared = names()
        return False

    body = names()


def through_c():
    return (list(map(lambda _: names(), [1])), sorted([2, 1], key=lambda v: (names() and 0) or v), max([1, 2], key=lambda v: len(names())),
            [names() for _ in range(1)], list(names() for _ in range(1)), (lambda: names())())


def generator():
    yield names()
    yield names()


def resumed_from_elsewhere(steps):
    return next(steps)


def locals_of_caller():
    frame = sys._getframe(1)
    return {k: v for k, v in frame.f_locals.items() if isinstance(v, int)}


def with_locals(a, b=2):
    c = a + b
    first = locals_of_caller()
    c = 10
    del b
    return first, locals_of_caller()


def inspected():
    stack = inspect.stack()
    return [(info.function, os.path.basename(info.filename), info.code_context[0].strip()) for info in stack]


def lines():
    """Line numbers while a statement spans several lines."""
    first = here.__code__.co_firstlineno
    values = [
        sys._getframe().f_lineno,
        (sys
         ._getframe()
         .f_lineno),
    ]
    def inner(): return sys._getframe().f_lineno
    values.append(inner())
    for _ in range(2):
        values.append(sys._getframe().f_lineno)
    return [value - lines.__code__.co_firstlineno for value in values]


def frame_facts():
    frame = sys._getframe()
    return (frame.f_code is frame_facts.__code__, frame.f_globals is globals(), frame.f_back.f_code.co_name, frame.f_builtins["len"] is len,
            frame.f_trace, frame.f_lasti > 0)


def deep(n):
    return names() if n == 0 else deep(n - 1)


def warner(level):
    warnings.warn(f"level {level}", UserWarning, stacklevel=level)


def calls_warner(level):
    warner(level)


def logged():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(funcName)s %(module)s %(levelname)s %(message)s"))
    logger = logging.getLogger("vm")
    logger.addHandler(handler)
    logger.propagate = False
    logger.warning("plain %s", 1)
    helper(logger)
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("failed")
    (lambda: logger.error("from lambda"))()
    logger.removeHandler(handler)
    return [line for line in stream.getvalue().splitlines() if not line.startswith("  ")]


def helper(logger):
    logger.warning("helper", stacklevel=2)
    logger.error("itself", extra={"x": 1})


def too_deep():
    try:
        sys._getframe(10_000)
    except ValueError as error:
        return str(error)


def current():
    frame = inspect.currentframe()
    try:
        info = inspect.getframeinfo(frame)
        return info.function, info.code_context[info.index].strip(), inspect.getargvalues(frame).args
    finally:
        del frame


print(names(), here(), caller(), Caller.body)
made = Caller()
made < made
print(made.method(), Caller.of_class(), made.attribute, made[0], made.compared)
print(through_c())
steps = generator()
print(next(steps), resumed_from_elsewhere(steps))
print(with_locals(1), lines(), frame_facts(), deep(5), too_deep(), current(), sep="\n")
print(inspected())
print([(frame.name, frame.line) for frame in traceback.extract_stack()], [f.name for f in traceback.StackSummary.extract(traceback.walk_stack(None))][-1:])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for level in (1, 2, 3):
        calls_warner(level)
    warnings.warn("direct", DeprecationWarning)
    eval("warner(1)")
base = names.__code__.co_firstlineno
print([(str(w.message), w.category.__name__, os.path.basename(w.filename), w.lineno > base) for w in caught])
print([open(w.filename).read().splitlines()[w.lineno - 1].strip() for w in caught])
print(logged(), sep="\n")
exec("print(names(), sys._getframe().f_code.co_filename)")
print(eval("names()"), (lambda: sys._getframe(1).f_code.co_name)())


def tracebacks():
    def fail():
        raise ValueError("in fail")

    try:
        fail()
    except ValueError as error:
        tb = error.__traceback__
        return [(f.f_code.co_name, n - tracebacks.__code__.co_firstlineno) for f, n in traceback.walk_tb(tb)], tb.tb_next.tb_frame.f_back.f_code.co_name


print(tracebacks())
