"""What each opcode does, and what it says when it can't: pieces of programs run by CPython and by the VM."""

import textwrap

import pytest
from engines import natively, outcome, stepping

PIECES = {
    "names": """
        result = undefined
        ---
        del undefined
        ---
        exec("del " + "x" * 300)
        ---
        def f(): return undefined
        f()
        ---
        def f():
            global undefined
            del undefined
        f()
        ---
        def f():
            result = unbound
            unbound = 1
        f()
        ---
        def f():
            del unbound
            unbound = 1
        f()
        ---
        def f():
            def g(): return free
            g()
            free = 1
        f()
        ---
        def f():
            cell = 1
            def g(): return cell
            del cell
            return cell
        f()
        ---
        def f():
            cell = 1
            def g(): return cell
            del cell
            del cell
        f()
        ---
        def f():
            free = 1
            class A:
                result = free
                free = 2
                again = free
            return A.result, A.again
        result = f()
        ---
        def f():
            class A:
                result = free
            free = 1
        f()
        ---
        x: int = 1
        class A:
            y: str
            del __annotations__
            z: int = 2
        result = __annotations__, A.__annotations__
        ---
        class Namespace(dict):
            def __missing__(self, name): return f"<{name}>"
        class Meta(type):
            def __prepare__(name, bases): return Namespace()
            def __new__(cls, name, bases, namespace): return namespace["found"]
        class result(metaclass=Meta):
            found = print, missing
        ---
        class Namespace(dict):
            def __getitem__(self, name): raise IndexError(name)
        class Meta(type):
            def __prepare__(name, bases): return Namespace()
        class A(metaclass=Meta):
            x = y
        ---
        class Namespace(dict):
            def __delitem__(self, name): raise IndexError(name)
        class Meta(type):
            def __prepare__(name, bases): return Namespace()
        class A(metaclass=Meta):
            x = 1
            del x
        ---
        exec("result = len", {"__builtins__": {}}, {})
        ---
        exec("result = len", {"__builtins__": {"len": 3}}, result := {})
        ---
        class Globals(dict):
            def __missing__(self, name): return name
        space = Globals()
        exec("def f(): return unknown", space)
        result = space["f"]()
        exec("g = unknown", space)
        """,
    "operators": """
        result = 1 + "a"
        ---
        x = 1
        x += "a"
        ---
        result = 1 @ 2
        ---
        result = 2 ** "a"
        ---
        x = 2
        x **= "a"
        ---
        result = -"a"
        ---
        result = ~1.5
        ---
        result = 1 < "a"
        ---
        result = 1 in 2
        ---
        result = print >> 3
        ---
        x = [1]; y = x; y += (2,); x *= 2
        result = x is y, x, 7 // 2, 7 % 4, 7 & 3, 7 | 8, 7 ^ 2, 1 << 4, 256 >> 2, 7 / 2, +True, not 3
        ---
        result = [1, 2][5]
        ---
        result = 5[0]
        ---
        x = 5
        x[0] = 1
        ---
        x = (1,)
        del x[0]
        ---
        result = 5 .nothing
        ---
        x = 5
        x.y = 1
        ---
        x = object()
        del x.y
        ---
        class A:
            def __getattr__(self, name): raise AttributeError(name + "!")
        A().method()
        ---
        class A:
            def __bool__(self): raise ValueError("neither")
        if A(): pass
        ---
        class A:
            def __bool__(self): return 3
        result = not A()
        """,
    "building": """
        result = {[]}
        ---
        result = {[]: 1}
        ---
        result = {1, *[[]]}
        ---
        result = {**{1: 2}, 1: 3, **{}}, {*"ab"} == {"a", "b"}, [*"ab", *(1, 2)], (*"ab",)
        ---
        result = [*5]
        ---
        result = (*5,)
        ---
        result = {*5}
        ---
        result = {**5}
        ---
        class Mapping:
            def keys(self): return ["a", "b"]
            def __getitem__(self, key): return key * 2
        result = {**Mapping()}
        ---
        class Mapping:
            def keys(self): raise AttributeError("inside")
        result = {**Mapping()}
        ---
        class Mapping:
            def keys(self): raise TypeError("inside")
        result = {**Mapping()}
        ---
        class Iterable:
            def __iter__(self): raise TypeError("inside")
        result = [*Iterable()]
        ---
        class Iterable:
            def __iter__(self): return 5
        result = [*Iterable()]
        ---
        result = f"{3!r:>4}|{'é'!a}|{'x'!s:3}|{5}|{2.5:{6}.{2}}|{None}"
        ---
        result = f"{5:s}"
        ---
        result = f"{object:x}"
        ---
        class A:
            def __format__(self, spec): return 5
        result = f"{A()}"
        ---
        class A:
            def __repr__(self): return 5
        result = f"{A()!r}"
        ---
        result = [1, 2, 3, 4, 5][1:4:2], "abc"[1:], [1, 2][:1]
        ---
        result = {x: y for x, y in [(1, 2), ([], 3)]}
        ---
        result = {x for x in [1, []]}
        """,
    "unpacking": """
        a, b = 1, 2
        (c, d), [e, *f], g = (3, 4), [5, 6, 7], 8
        *h, = "xy"
        result = a, b, c, d, e, f, g, h
        ---
        a, b = 5
        ---
        a, b = 1,
        ---
        a, b = 1, 2, 3
        ---
        a, b = iter([1, 2, 3])
        ---
        a, b = {1, 2, 3}
        ---
        () = 1,
        ---
        a, *b = 5
        ---
        a, *b, c = 1,
        ---
        a, b, *c = []
        ---
        *a, b = iter([])
        ---
        class Iterable:
            def __iter__(self): raise TypeError("inside")
        a, b = Iterable()
        ---
        import datetime
        a, b = datetime.date(2000, 1, 1)
        ---
        def endless():
            yield 1
            raise KeyError("inside")
        a, b = endless()
        """,
    "calls": """
        def f(a, /, b, *c, d, e=5, **g): return a, b, c, d, e, g
        result = f(1, 2, 3, d=4, h=6), f(*[1, 2], **{"d": 3}), f(1, *(2,), d=1, **{"x": 2}, **{"y": 3})
        ---
        def f(a, b): pass
        f(1)
        ---
        def f(a, b): pass
        f(1, 2, 3, c=4)
        ---
        def f(*, a): pass
        f()
        ---
        5()
        ---
        len(1, 2)
        ---
        def f(**k): pass
        f(**{"a": 1}, **{"a": 2})
        ---
        def f(**k): pass
        f(a=1, **{"a": 2})
        ---
        def f(**k): pass
        f(a=1, **5)
        ---
        def f(**k): pass
        f(**5)
        ---
        def f(**k): pass
        f(**{1: 2})
        ---
        def f(**k): pass
        f(a=1, **{1: 2})
        ---
        def f(*k): pass
        f(*5)
        ---
        def f(*k): pass
        f(1, *5)
        ---
        class A:
            def m(self, **k): pass
        A().m(a=1, **{"a": 2})
        ---
        len(a=1, **{"a": 2})
        ---
        import functools
        functools.partial(print)(a=1, **{"a": 2})
        ---
        class Mapping:
            def keys(self): raise AttributeError("inside")
        print(a=1, **Mapping())
        ---
        class Mapping:
            def keys(self): raise TypeError("inside")
        print(a=1, **Mapping())
        ---
        result = (lambda *, a=1, b=2: (a, b))(b=3)
        ---
        def f(x, y=[], *, z: int = 3) -> str: return locals()
        result = f(1), f.__defaults__, f.__kwdefaults__, f.__annotations__, f.__qualname__, f.__doc__
        ---
        class A:
            def __init_subclass__(cls, **k): print(cls.__name__, k)
        class B(A, x=1): pass
        class C(*[A], **{"y": 2}): pass
        ---
        exec("class A: pass", {"__builtins__": {}})
        ---
        def f():
            x = 1
            return locals(), sorted(vars()), dir(), eval("x + 1"), globals() is not locals()
        result = f()
        ---
        import sys
        def shape(frame): return frame.f_code.co_name, frame.f_lineno
        def f(): return shape(sys._getframe()), shape(sys._getframe(1))
        result = [f() for x in range(2)], f()
        ---
        class A:
            def f(self): return "A"
        class B(A):
            def f(self): return super().f() + super(B, self).f() + __class__.__name__
        result = B().f()
        ---
        class A:
            def f(): super()
        A.f()
        ---
        class A:
            def f(self):
                del self
                super()
        A().f()
        ---
        result = type("A", (), {}).__module__
        """,
    "matching": """
        def f(subject):
            match subject:
                case {"a": [x, *y], **rest}: return "map", x, y, rest
                case [1, x] | (x, 1): return "seq", x
                case str(x) | bytes(x): return "text", x
                case complex(real=r, imag=i) if i: return "complex", r, i
                case None | True: return "constant"
                case _: return "other"
        class D(dict):
            def __missing__(self, key): return [1]
        subjects = {"a": [1, 2], "b": 3}, [1, 2], (2, 1), "x", b"y", 1j, 3 + 0j, None, True, {}, D(), []
        result = [f(x) for x in subjects]
        ---
        class Point:
            __match_args__ = ("x", "y")
            def __init__(self): self.x, self.y, self.z = 1, 2, 3
        match Point():
            case Point(a, b, z=c): result = a, b, c
        ---
        class Point:
            __match_args__ = ("x",)
        match Point():
            case Point(a): result = "found"
            case Point(): result = "bare"
        ---
        class Point:
            __match_args__ = ("x",)
        match Point():
            case Point(a, b): pass
        ---
        match 5:
            case int(a, b): pass
        ---
        match 5:
            case print(): pass
        ---
        class Point:
            __match_args__ = ["x"]
        match Point():
            case Point(a): pass
        ---
        class Point:
            __match_args__ = (1,)
        match Point():
            case Point(a): pass
        ---
        class Point:
            __match_args__ = ("x",)
            x = 1
        match Point():
            case Point(a, x=b): pass
        ---
        class Meta(type):
            def __instancecheck__(cls, instance): raise ValueError("inside")
        class A(metaclass=Meta): pass
        match 5:
            case A(): pass
        ---
        class A:
            @property
            def x(self): raise KeyError("inside")
        match A():
            case A(x=1): pass
        ---
        class k: a = b = 1
        match {1: 2, 3: 4}:
            case {k.a: x, k.b: y}: pass
        ---
        import collections.abc
        class S(collections.abc.Sequence):
            def __len__(self): return 2
            def __getitem__(self, i): return i * 2
        class M(collections.abc.Mapping):
            def __len__(self): return 1
            def __iter__(self): return iter("a")
            def __getitem__(self, i): return {"a": 5}[i]
        result = []
        for subject in S(), M(), "ab", bytearray(b"ab"), range(2):
            match subject:
                case [x, y]: result.append((x, y))
                case {"a": x}: result.append(x)
                case _: result.append(None)
        """,
    "raising": """
        raise
        ---
        raise 5
        ---
        raise ValueError("a") from 5
        ---
        raise ValueError from KeyError
        ---
        try:
            1 / 0
        except ArithmeticError as error:
            raise ValueError from error
        ---
        try:
            1 / 0
        except ArithmeticError:
            raise ValueError("x") from None
        ---
        class E(Exception):
            def __new__(cls): return 5
        raise E
        ---
        class E(Exception):
            def __new__(cls): return 5
        raise ValueError from E
        ---
        class E(Exception):
            def __init__(self): raise KeyError("inside")
        raise E
        ---
        try: 1 / 0
        except 5: pass
        ---
        try: 1 / 0
        except (ValueError, 5): pass
        ---
        try: 1 / 0
        except (ValueError, (ZeroDivisionError,)): pass
        ---
        class Meta(type):
            def __subclasscheck__(cls, other): return True
            def __instancecheck__(cls, other): return True
        class E(Exception, metaclass=Meta): pass
        try: 1 / 0
        except E: result = "caught"
        ---
        def f():
            try:
                try:
                    {}["a"]
                finally:
                    print("finally")
            except KeyError:
                try:
                    1 / 0
                except ZeroDivisionError:
                    pass
                raise
        f()
        ---
        def f():
            for i in range(3):
                try:
                    if i == 1: continue
                    if i == 2: return i
                finally:
                    print(i)
        result = f()
        ---
        def f():
            try: 1 / 0
            finally: return 5
        result = f()
        ---
        try: 1 / 0
        except ZeroDivisionError as error:
            pass
        error
        ---
        def f():
            try: raise ValueError(1)
            except ValueError as error:
                try: raise KeyError(2)
                except KeyError: raise error
        f()
        ---
        assert 1 == 2, "message"
        ---
        assert ()
        ---
        error = ValueError("noted")
        error.add_note("note")
        raise error
        ---
        def f(n):
            if n: f(n - 1)
            raise ValueError(n)
        try: f(3)
        except ValueError: f(1)
        """,
    "exception groups": """
        def f(*errors):
            try: raise ExceptionGroup("group", errors)
            except* ValueError as group: print(repr(group))
            except* (KeyError, OSError) as group: print(repr(group)); raise TypeError("new")
        f(ValueError(1))
        inner = ExceptionGroup("inner", [OSError(4), ValueError(5)])
        try: f(ValueError(1), KeyError(2), IndexError(3), inner)
        finally: result = 1
        ---
        try: raise ValueError("naked")
        except* ValueError as group: result = group.exceptions
        ---
        try: raise ValueError("naked")
        except* KeyError: pass
        ---
        try: raise ExceptionGroup("group", [ValueError(1), KeyError(2)])
        except* ValueError: raise
        ---
        try: raise ValueError("naked")
        except* ExceptionGroup: pass
        ---
        try: raise ValueError("naked")
        except* 5: pass
        ---
        try: raise BaseExceptionGroup("group", [KeyboardInterrupt(), ValueError(1)])
        except* ValueError: pass
        ---
        class G(ExceptionGroup):
            def derive(self, errors): return G(self.message + "!", errors)
        try: raise G("group", [ValueError(1), KeyError(2), G("inner", [ValueError(3)])])
        except* ValueError as group: print(repr(group))
        ---
        import sys
        try: raise ExceptionGroup("group", [ValueError(1), KeyError(2)])
        except* ValueError: print(repr(sys.exception()))
        except* KeyError: print(repr(sys.exception()))
        print(sys.exception())
        ---
        try: raise ExceptionGroup("group", [ValueError(1), KeyError(2), IndexError(3)])
        except* ValueError: raise OSError("a")
        except* KeyError: 1 / 0
        """,
    "with": """
        class Manager:
            def __init__(self, name, swallow=False): self.name, self.swallow = name, swallow
            def __enter__(self): print("enter", self.name); return self.name
            def __exit__(self, *what): print("exit", self.name, what[:2]); return self.swallow
        with Manager("a") as a, Manager("b", True): raise ValueError(a)
        def f():
            for i in range(2):
                with Manager(i):
                    if i: return i
                    continue
        result = f()
        with Manager("c"): raise KeyError
        ---
        with 5: pass
        ---
        class A:
            def __enter__(self): pass
        with A(): pass
        ---
        class A:
            def __exit__(self, *what): pass
        with A(): pass
        ---
        class A: pass
        a = A()
        a.__enter__ = a.__exit__ = print
        with a: pass
        ---
        class A:
            def __enter__(self): raise ValueError("enter")
            def __exit__(self, *what): print("not reached")
        with A(): pass
        ---
        class A:
            def __enter__(self): pass
            def __exit__(self, *what): raise ValueError("exit")
        with A(): raise KeyError("body")
        ---
        class A:
            def __enter__(self): pass
            def __exit__(self, kind, value, trace): print(trace.tb_lineno, trace.tb_next)
        with A():
            raise KeyError("body")
        """,
    "imports": """
        from os.path import join as j, sep
        import os.path as p, collections.abc
        result = j("a", "b"), sep, p.__name__, collections.abc.__name__
        ---
        from os import nothing_there
        ---
        import nothing_there
        ---
        from nothing_there import x
        ---
        from . import x
        ---
        from .. import x
        ---
        from string import *
        result = ascii_letters, [n for n in dir() if n.startswith("_")]
        ---
        import sys, types
        sys.modules["odd"] = odd = types.ModuleType("odd")
        odd._hidden, odd.shown = 1, 2
        from odd import *
        result = "_hidden" in dir(), "shown" in dir()
        odd.__all__ = ["_hidden", 5]
        from odd import *
        ---
        import sys, types
        sys.modules["odd"] = odd = types.ModuleType("odd")
        odd.__all__ = ["missing"]
        from odd import *
        ---
        import sys
        sys.modules["odd"] = 5
        from odd import *
        ---
        import sys
        sys.modules["odd"] = 5
        from odd import real
        result = real
        from odd import unreal
        ---
        import sys, types
        sys.modules["odd"] = odd = types.ModuleType("odd")
        sys.modules["odd.inner"] = "inner"
        from odd import inner
        result = inner
        ---
        exec("import os", {"__builtins__": {}})
        ---
        def importer(*what):
            print(what[0], what[2] is None, what[3:])
            return 5
        space = {"__builtins__": {"__import__": importer}}
        exec("import a.b; import a.b as c; from d import real; x = c", space)
        result = space["a"], space["real"]
        ---
        def f():
            import os.path as path
            return path.__name__, sorted(locals())
        result = f()
        """,
    "generators": """
        def g():
            received = yield 1
            print(received)
            try: yield 2
            except ValueError as error: yield repr(error)
            return 3
        it = g()
        result = [next(it), it.send("sent"), it.throw(ValueError("thrown"))]
        next(it)
        ---
        def g(): yield from 5
        next(g())
        ---
        async def c(): pass
        coroutine = c()
        def g(): yield from coroutine
        try: next(g())
        finally: coroutine.close()
        ---
        def g(): raise StopIteration(5); yield
        next(g())
        ---
        def g(): yield
        it = g(); next(it)
        it.throw(5)
        ---
        def inner():
            try: yield 1
            except KeyError: yield 2
            finally: print("closed")
            return 3
        def outer(): print((yield from inner())); yield 4
        it = outer()
        result = [next(it), it.throw(KeyError), next(it)]
        it = outer(); next(it); it.close()
        it = outer(); next(it); it.throw(ValueError("through"))
        ---
        class Delegate:
            def __iter__(self): return self
            def __next__(self): return 1
            def send(self, value): return value * 2
            def throw(self, *what): print(what); raise StopIteration("ended")
            def close(self): print("closed")
        def g(): return (yield from Delegate())
        it = g(); result = [next(it), it.send(4), it.gi_yieldfrom.__class__.__name__]; it.close()
        it = g(); next(it); it.throw(ValueError)
        ---
        def g(): return (yield from iter([1, 2]))
        it = g(); result = next(it)
        it.send(5)
        ---
        def g(): return (yield from iter([1, 2]))
        it = g(); result = next(it)
        it.throw(KeyError("no throw method"))
        ---
        import sys
        def g():
            try: 1 / 0
            except ZeroDivisionError:
                yield sys.exception()
                yield sys.exception()
            yield sys.exception()
        try: raise ValueError
        except ValueError:
            it = g()
            result = [next(it), sys.exception()]
        result += [next(it), sys.exception()]
        try: raise KeyError
        except KeyError: result.append(next(it))
        ---
        result = list(x * 2 for x in range(3) if x), [*(y for x in "ab" for y in x)]
        """,
    "coroutines": """
        import asyncio
        class Aiter:
            def __init__(self): self.n = 0
            def __aiter__(self): return self
            async def __anext__(self):
                self.n += 1
                if self.n > 3: raise StopAsyncIteration
                await asyncio.sleep(0)
                return self.n
        class Manager:
            async def __aenter__(self): await asyncio.sleep(0); return "in"
            async def __aexit__(self, *what): print(what[0]); return True
        async def agen():
            for i in range(3):
                received = yield i
                print(received)
                await asyncio.sleep(0)
        async def main():
            found = [x async for x in Aiter()]
            async with Manager() as m: found.append(m); 1 / 0
            a = agen()
            found += [await a.asend(None), await a.asend("x")]
            await a.aclose()
            async for x in agen():
                if x: break
            return found, {x async for x in agen() if x}, await asyncio.gather(asyncio.sleep(0, 1))
        result = asyncio.run(main())
        ---
        async def c(): await 5
        c().send(None)
        ---
        class A:
            def __await__(self): return 5
        async def c(): await A()
        c().send(None)
        ---
        class A:
            def __await__(self): return d()
        async def d(): pass
        async def c(): await A()
        import warnings; warnings.simplefilter("ignore")
        c().send(None)
        ---
        class A:
            def __await__(self): raise KeyError("inside")
        async def c(): await A()
        c().send(None)
        ---
        import types
        @types.coroutine
        def wait(): return (yield 1)
        async def d(): return await wait()
        inner = d()
        async def c(): return await inner
        first, second = c(), c()
        result = first.send(None), first.cr_await is inner
        second.send(None)
        ---
        async def c():
            async for x in 5: pass
        c().send(None)
        ---
        class A:
            def __aiter__(self): return 5
        async def c():
            async for x in A(): pass
        c().send(None)
        ---
        class A:
            def __aiter__(self): return self
            def __anext__(self): return 5
        async def c():
            async for x in A(): pass
        c().send(None)
        ---
        class A:
            def __aiter__(self): return self
            def __anext__(self): raise KeyError("inside")
        async def c():
            async for x in A(): pass
        c().send(None)
        ---
        async def c():
            async with 5: pass
        c().send(None)
        ---
        class A:
            async def __aenter__(self): pass
        async def c():
            async with A(): pass
        c().send(None)
        ---
        class A:
            def __aenter__(self): return 5
            def __aexit__(self, *what): return 6
        async def c():
            async with A(): pass
        c().send(None)
        ---
        class Now:
            def __await__(self):
                return 1
                yield
        class A:
            def __aenter__(self): return Now()
            def __aexit__(self, *what): return 6
        async def c():
            async with A(): pass
        c().send(None)
        ---
        async def c(): raise StopIteration
        c().send(None)
        ---
        async def c(): return 5
        coroutine = c()
        try: coroutine.send(None)
        except StopIteration as stop: result = stop.value
        coroutine.send(None)
        ---
        async def agen(): yield 1; raise StopAsyncIteration
        async def c(): return [x async for x in agen()]
        c().send(None)
        """,
}


def pieces():
    for theme, text in PIECES.items():
        for number, piece in enumerate(textwrap.dedent(text).split("\n---\n")):
            yield pytest.param(piece, id=f"{theme}-{number}")


@pytest.mark.parametrize("piece", list(pieces()))
def test_the_vm_does_what_cpython_does(piece):
    assert outcome(piece, stepping) == outcome(piece, natively)
