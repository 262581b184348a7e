"""The lines that frames tell after an exception has left them."""


def lines_left(f):
    """By frame of the traceback: its last line, from the function's first."""
    try:
        f()
    except Exception as error:
        traceback = error.__traceback__.tb_next
    lines = []
    while traceback:
        frame, code = traceback.tb_frame, traceback.tb_frame.f_code
        caller = frame.f_back and frame.f_back.f_code.co_name
        lines.append((code.co_name, *(n - code.co_firstlineno for n in (frame.f_lineno, traceback.tb_lineno)), caller))
        traceback = traceback.tb_next
    return lines


def simple():
    1 / 0
    pass


def in_except():
    try:
        1 / 0
    except ZeroDivisionError:
        1 / 0
        pass


def in_other_except():
    try:
        1 / 0
    except TypeError as error:
        pass


def in_named_except():
    try:
        1 / 0
    except Exception as error:
        1 / 0
        pass


def in_try():
    try:
        1 / 0
    finally:
        pass


def in_finally():
    try:
        pass
    finally:
        1 / 0
        pass


def in_finally_after_exception():
    try:
        1 / 0
    finally:
        1 / 0
        pass


class Manager:
    def __init__(self, fails):
        self.fails = fails

    def __enter__(self):
        return self

    def __exit__(self, *of):
        if self.fails:
            raise ValueError


def in_with():
    with Manager(False):
        1 / 0
        pass


def in_with_exit():
    with Manager(True):
        1 / 0


def raises_again():
    try:
        [][1]
    except IndexError:
        print("again")
        raise


def deeper():
    for i in range(3):
        try:
            try:
                simple()
            finally:
                i += 1
        except TypeError:
            pass
        except ZeroDivisionError as error:
            if i == 2:
                raise error


def generator():
    try:
        yield 1
        simple()
    finally:
        yield 2


def through_generator():
    for x in generator():
        x += 1


def of_one_line(x=0): return 1 / x


def begins_in_one_line(): yield 1 / 0


for f in (simple, in_except, in_other_except, in_named_except, in_try, in_finally, in_finally_after_exception, in_with,
          in_with_exit, raises_again, deeper, through_generator, of_one_line, lambda: 1 / 0, lambda: of_one_line(),
          lambda: list(begins_in_one_line())):
    print(f.__name__, lines_left(f))
