"""The stepping interpreter: what its frames show, and what it notes."""

from vmtrace.tracer.notes import CREATE, ENTER, RAISE, RESUME, RETURN, SUSPEND, UNWIND
from vmtrace.tracer.vm import VirtualMachine

from tests.engines import natively, outcome, stepping


def same(source):
    ours, theirs = outcome(source, stepping), outcome(source, natively)
    assert ours == theirs
    return ours["output"]


def test_the_handled_exception_is_right_at_every_point():
    same("""
import sys
def here(): return repr(sys.exception())
class Manager:
    def __enter__(self): print("enter", here())
    def __exit__(self, *what): print("exit", here()); return True
def called():
    print("called", here())
    try: {}[1]
    except KeyError: print("inner", here())
    print("called", here())
def f():
    print(here())
    try: 1 / 0
    except ZeroDivisionError as error:
        print(here()); called(); print(here())
        try: raise ValueError
        except ValueError: print(here())
        finally: print("finally", here())
        with Manager(): raise IndexError
        print(here())
    else: print("else")
    print(here())
    for n in range(3):
        try:
            try: raise KeyError(n)
            finally: print("finally", here())
        except KeyError:
            if n == 1: continue
            if n == 2: break
            print(here())
    print(here())
    try: [].pop()
    except IndexError: return here()
print(f(), here())
try: 1 / 0
except ZeroDivisionError: print(f(), here())
""")


def test_a_generator_keeps_its_own_handled_exception():
    same("""
import sys
def here(): return repr(sys.exception())
def g(name):
    try: raise ValueError(name)
    except ValueError:
        yield here()
        try:
            received = yield here()
        except KeyError as error: print("thrown", here(), repr(error.__context__))
        yield here()
    yield here()
def take(it):
    try: return next(it)
    except StopIteration: return "end"
a, b = g("a"), g("b")
for it in a, b, a:
    try: 1 / 0
    except ZeroDivisionError: print(take(it), here())
    print(take(it), here())
try: [].pop()
except IndexError: a.throw(KeyError("k"))
print(list(a), list(b), here())
""")


def test_what_a_program_asks_of_its_frames():
    same("""
import inspect, sys, traceback, warnings
def shape(frame):
    code = frame.f_code
    return code.co_name, frame.f_lineno, frame.f_globals is globals(), sorted(frame.f_locals)
def stack():
    return [shape(record.frame) for record in inspect.stack() if record.filename == "<piece>"]
def f(a, b=2):
    here = [
        stack(),
        stack(),
    ]
    return here, (lambda x: stack())(1), [stack() for x in "ab"]
class A:
    inside = stack()
    def __add__(self, other): return stack()
    def __getattr__(self, name): return stack()
    def __iter__(self): yield stack()
print(f(1), A.inside, A() + 1, A().x, *A())
print(sys._getframe().f_lineno, sys._getframe(0).f_back is not None)
def warns(): warnings.warn("look here", stacklevel=2)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warns()
    (
        warns()
    )
print([(str(w.message), w.lineno, w.filename) for w in caught])
""")


def test_what_a_program_reads_of_its_variables():
    same("""
def f(a, *rest, key=1, **more):
    def inner(): return free, a
    print(sorted(locals()))
    free = 5
    x = y = 0
    del y
    print(locals() | {"inner": None}, eval("x + free"), sorted(vars()), dir())
    exec("x = 7; z = 8")
    print(x, sorted(locals()))
    for i in range(2): pass
    try: 1 / 0
    except ZeroDivisionError as error: print(sorted(locals()))
    print(sorted(locals()), inner())
    return [sorted(locals()) for n in "a"], list(sorted(locals()) for n in "a")
print(f(1, 2, other=3))
def g(n):
    x = n
    yield sorted(locals()), x
    del n
    yield sorted(locals())
it = g(1)
print(it.gi_frame.f_locals, next(it), it.gi_frame.f_locals, next(it), it.gi_frame.f_lineno)
""")


def test_things_die_where_they_die_on_cpython():
    same("""
import sys
class Loud:
    def __init__(self, name): self.name = name
    def __del__(self): print(self.name, "dies in", sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno)
def drops(argument):
    print("in drops")
    del argument
    print("still in drops")
def f():
    drops(Loud("argument"))
    drops(*[Loud("starred")])
    x = Loud("x")
    x = None
    Loud("expression")
    y, z = Loud("y"), Loud("z")
    print([Loud("in list").name])
    for each in Loud("first"), Loud("second"):
        del each
    try: raise ValueError(Loud("raised"))
    except ValueError: print("handling")
    print("handled")
    return Loud("returned").name
f()
def g():
    x = Loud("generator's")
    yield 1
    yield 2
it = g()
next(it)
del it
print("end")
""")


def test_tracebacks_show_the_programs_lines_and_columns():
    """`same` compares lines and columns of every frame, here on multi-line expressions and through C."""
    same("""
def f(x):
    return (1 +
            x[0]
            (3))
def g(*a, **k):
    return sorted([3, 1], key=lambda n:
        f([n]))
try:
    g(1,
      b=2)
except TypeError as error:
    raise ValueError("outer") from error
""")


def test_recursion_ends_where_it_can_be_handled():
    source = """
import sys
depth = 0
def f(n):
    global depth
    depth = n
    f(n + 1)
for i in range(2):
    try: f(0)
    except RecursionError as error: print(error, depth > 300, error.__context__)
def finally_(n):
    try: finally_(n + 1)
    finally: len("")
try: finally_(0)
except RecursionError as error: print("again")
"""
    assert outcome(source, stepping)["output"] == outcome(source, natively)["output"]


class Notebook:
    """A recorder that keeps the notes, to be read as lines."""

    def __init__(self):
        self.codes, self.first_blocks, self.located, self.tokens = [], [0], [], []

    def add(self, code, module=None):
        self.codes.append(code)
        self.located.append([])
        self.first_blocks.append(self.first_blocks[-1] + len(code.blocks))
        return len(self.codes) - 1, self.first_blocks[-2]

    def locate(self, code_id, instruction_of):
        self.located[code_id] = instruction_of

    def notes(self):
        return self.tokens

    def lines(self):
        """The tokens in words, positions in host code as instructions."""
        tokens, stack, generators = iter(self.tokens), [], {}

        def position():
            at = next(tokens)
            return self.located[stack[-1]][at // 2] if stack else at

        for token in tokens:
            if token < UNWIND:
                yield f"block {token - self.first_blocks[stack[-1]]}"
            elif token == ENTER:
                code_id = next(tokens)
                yield f"enter {self.codes[code_id].code.co_name} at {position()}"
                stack.append(code_id)
            elif token == CREATE:
                code_id = next(tokens)
                yield f"create {self.codes[code_id].code.co_name} at {position()}"
                stack.append(code_id)
                generators[next(tokens)] = code_id
            elif token == RESUME:
                code_id = generators[next(tokens)]
                yield f"resume {self.codes[code_id].code.co_name} at {position()}"
                stack.append(code_id)
            elif token == RAISE:
                yield f"raise at {position()}"
            else:
                ends = {SUSPEND: "suspend", RETURN: "return", UNWIND: "unwind"}[token]
                yield f"{ends} at {position()}" if token == UNWIND else ends
                stack.pop()


NOTED = """
import contextlib
def f(n):
    try: return 10 // n
    except ZeroDivisionError: return f(n + 1)
    finally: len("")
def g(n):
    for i in range(n):
        try: yield i
        except ValueError: yield "caught"
    return "end"
def outer():
    result = yield from g(2)
    yield result
class A:
    x = [f(y) for y in (1, 0)]
    def __add__(self, other): return other
    def __del__(self): pass
async def c(n):
    if n: await c(n - 1)
    async for x in agen(): pass
async def agen():
    yield 1
@contextlib.contextmanager
def manager(): yield A() + 1
it = outer()
print(next(it), it.throw(ValueError), list(it))
it = outer(); next(it); it.close()
it = outer(); next(it)
try: it.throw(KeyError)
except KeyError as error: kept = error
try: c(1).send(None)
except StopIteration: pass
with manager() as m: print(m)
"""


def test_both_engines_note_the_same():
    fused, stepped = Notebook(), Notebook()
    outcome(NOTED, VirtualMachine(fused).run_code)
    outcome(NOTED, VirtualMachine(stepped, check=True).run_code)
    assert [*fused.lines()] == [*stepped.lines()]
    assert len(fused.codes) >= 10


def test_a_program_may_take_builtins_away():
    """All but what CPython's own Python code, such as the import of a module, cannot do without."""
    same("""
import builtins
def f(x, *y): yield x; yield from y
taken = {name: vars(builtins).pop(name) for name in ("len", "next", "iter", "reversed", "type")}
try:
    a, *b = f(1, 2, 3)
    print(a, b, {**{"x": 1}}, f"{a:>3}")
    try: raise_
    except NameError as error: print(error)
    match [1, {"k": 2}]:
        case [x, {"k": y}]: print(x, y)
    try: len
    except NameError as error: print(error)
finally:
    vars(builtins).update(taken)
""")
