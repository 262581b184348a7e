"""What dies as an exception handler is left: called at the line of what leaves it, and after that instruction."""

import sys


class Held:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        frame = sys._getframe(1)
        print(self.name, frame.f_code.co_name, frame.f_lineno)


def fails(name):
    held = Held(name)
    raise ValueError(name)


def falls_out():
    try:
        fails("passed")
    except ValueError: pass
    try:
        raise ValueError(Held("argument"))
    except ValueError:
        x = 1
    try:
        fails("named")
    except ValueError as error:
        x = 2
    try:
        fails("else where")
    except TypeError:
        x = 3
    except ValueError:
        if x:
            x = 4
        else:
            x = 5
    return x


def jumps_out():
    for n in range(3):
        try:
            fails(n)
        except ValueError:
            if n == 1:
                continue
            if n == 2:
                break
            n += 1
    while True:
        try:
            try:
                fails("inner")
            except ValueError:
                fails("outer")
        except ValueError:
            break
    try:
        fails("returned")
    except ValueError:
        return 1


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *of):
        return True


def suppressed():
    with Manager():
        fails("suppressed")
    with Manager(), Manager():
        fails("suppressed inside")
    try:
        try:
            fails("finally")
        finally:
            x = 1
    except ValueError:
        x = 2


def generator():
    for n in range(2):
        try:
            yield fails(f"generator {n}")
        except ValueError:
            yield n
    try:
        try:
            fails("group")
        except* ValueError:
            x = 1
    finally:
        yield 3


falls_out()
jumps_out()
suppressed()
print(list(generator()))
try:
    fails("module")
except ValueError:
    pass
