"""try, except, else and finally in every nesting: what runs, in which order, and what wins."""

import sys

trail = []


def note(*words):
    trail.append(" ".join(map(str, words)))


def clauses(action):
    try:
        note("try")
        action()
    except ValueError as error:
        note("except", error)
    except (KeyError, IndexError) as error:
        note("except", type(error).__name__)
        raise RuntimeError("converted") from error
    else:
        note("else")
    finally:
        note("finally")
    note("after")


def fail(error):
    def action():
        raise error

    return action


def return_in_finally():
    try:
        raise ValueError("lost")
    finally:
        return "finally wins"


def return_both():
    try:
        return note("try") or "try"
    finally:
        note("finally")


def return_through_loops():
    for outer in range(3):
        try:
            for inner in range(3):
                try:
                    if inner == 1:
                        continue
                    if outer == 1:
                        break
                    if inner == 2 and outer == 2:
                        return outer, inner
                finally:
                    note("inner", outer, inner)
            else:
                note("no break", outer)
        finally:
            note("outer", outer)


def break_in_finally():
    for number in range(3):
        try:
            raise KeyError(number)
        finally:
            note("break", number)
            break
    return "the KeyError is gone"


def continue_in_finally():
    caught = 0
    for number in range(4):
        try:
            1 // (number % 2)
            caught += 1
        finally:
            continue
    return caught


def nested_finally():
    try:
        try:
            try:
                note("body")
                return note("value") or 1
            finally:
                note("first")
        finally:
            note("second")
            raise LookupError("third wins")
    except LookupError as error:
        note(error, type(error.__context__).__name__)
        return 2


def reraise():
    try:
        try:
            raise OSError(2, "no such file", "x.txt")
        except OSError as error:
            note(error.errno, error.filename)
            error.extra = "kept"
            raise
        except Exception:
            note("never")
    except FileNotFoundError as error:
        return error.extra, type(error).__name__


def name_is_deleted():
    error = "before"
    try:
        raise ValueError
    except ValueError as error:
        pass
    try:
        return error
    except UnboundLocalError as unbound:
        return type(unbound).__name__


def loop_with_else(limit):
    while limit:
        limit -= 1
        try:
            if limit == 2:
                raise StopIteration
        except StopIteration:
            note("caught in loop")
            break
    else:
        return "exhausted"
    return "broken"


def evaluated_late(*kinds):
    """The expression behind except is evaluated only when an exception gets there."""

    def kind(which):
        note("evaluated", which.__name__)
        return which

    try:
        raise IndexError
    except kind(kinds[0]):
        return 1
    except kind(kinds[1]):
        return 2
    except kind(kinds[2]):
        return 3


def main():
    for error in (None, ValueError("v"), KeyError("k"), IndexError(), TypeError("t")):
        try:
            clauses(fail(error) if error else lambda: None)
        except (RuntimeError, TypeError) as reached:
            note("reached", repr(reached), repr(reached.__cause__))
        print(trail)
        trail.clear()
    for function in (
        return_in_finally,
        return_both,
        return_through_loops,
        break_in_finally,
        continue_in_finally,
        nested_finally,
        reraise,
        name_is_deleted,
    ):
        print(function.__name__, function(), trail)
        trail.clear()
    print(loop_with_else(5), loop_with_else(2), trail)
    trail.clear()
    print(evaluated_late(KeyError, LookupError, Exception), trail)
    try:
        evaluated_late(KeyError, ValueError, (5).__class__)
    except TypeError as error:
        print(error)
    except IndexError as error:
        print("not reached", error)
    assert sys.exc_info() == (None, None, None)


main()
