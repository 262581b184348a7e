"""Exception groups and except*: splitting, nesting, re-raising, and what is left over."""

import traceback


def group(*errors, message="several"):
    return ExceptionGroup(message, errors)


def attempt(errors):
    trail = []
    try:
        try:
            trail.append("body")
            if errors:
                raise group(*errors)
        except* ValueError as caught:
            trail.append(("values", [str(e) for e in caught.exceptions]))
        except* (KeyError, IndexError) as caught:
            trail.append(("lookups", [type(e).__name__ for e in caught.exceptions]))
            if any("again" in e.args for e in caught.exceptions):
                raise
        except* OSError as caught:
            trail.append(("os", len(caught.exceptions)))
            raise RuntimeError("converted") from caught.exceptions[0]
        else:
            trail.append("else")
        finally:
            trail.append("finally")
    except BaseException as rest:
        trail.append(shape(rest))
    return trail


def shape(error):
    if isinstance(error, BaseExceptionGroup):
        return [error.message, *map(shape, error.exceptions)]
    return f"{type(error).__name__}({', '.join(map(str, error.args))})"


print(attempt([]))
print(attempt([ValueError(1), ValueError(2)]))
print(attempt([ValueError(1), KeyError("k"), IndexError("i")]))
print(attempt([KeyError("again"), ValueError(3)]))
print(attempt([OSError(2, "gone"), TypeError("t")]))
print(
    attempt([ValueError(1), group(ValueError(2), TypeError(3), group(KeyError("deep"), ZeroDivisionError()))])
)


def naked(error):
    """except* wraps an exception that is no group."""
    try:
        raise error
    except* ValueError as caught:
        result = type(caught).__name__, shape(caught)
    return result


print(naked(ValueError("alone")))
try:
    naked(KeyError("not matched"))
except KeyError as error:
    print(repr(error), type(error).__name__)


class Custom(ExceptionGroup):
    def __new__(cls, message, errors, code=0):
        self = super().__new__(cls, message, errors)
        self.code = code
        return self

    def derive(self, errors):
        return Custom(self.message, errors, self.code)


custom = Custom("custom", [ValueError(1), TypeError(2), group(ValueError(3))], 7)
matched, rest = custom.split(ValueError)
print(shape(matched), shape(rest), type(matched).__name__, matched.code, rest.code)
print(shape(custom.subgroup(lambda e: isinstance(e, TypeError))), custom.split(OSError)[0])
try:
    try:
        raise custom
    except* TypeError:
        pass
except Custom as error:
    assert error.code == 7 and shape(error) == ["custom", "ValueError(1)", ["several", "ValueError(3)"]]


def loops():
    """break and continue around except*, return behind it."""
    seen = []
    for kind in (ValueError, KeyError, TypeError):
        try:
            try:
                raise group(kind("x"))
            except* ValueError:
                seen.append("v")
            except* KeyError:
                seen.append("k")
        except ExceptionGroup as left:
            seen.append(shape(left))
            break
        finally:
            seen.append("f")
    return seen


print(loops())
for wrong in (
    lambda: ExceptionGroup("none", []),
    lambda: ExceptionGroup("m", [KeyboardInterrupt()]),
    lambda: ExceptionGroup("m", ["no"]),
):
    try:
        wrong()
    except (ValueError, TypeError) as error:
        print(type(error).__name__, error)


def naked_group_type():
    try:
        raise ValueError
    except* ExceptionGroup:
        pass


try:
    naked_group_type()
except TypeError as error:
    print(error)
base = BaseExceptionGroup("base", [KeyboardInterrupt(), ValueError()])
assert type(base) is BaseExceptionGroup and type(BaseExceptionGroup("e", [ValueError()])) is ExceptionGroup
try:
    try:
        raise ValueError("context")
    except ValueError:
        raise group(TypeError("one"), group(OSError("two"), message="inner"), message="outer")
except* TypeError as caught:
    caught.add_note("a note on the part")
    print("".join(traceback.format_exception(caught)))
except* OSError as caught:
    print("".join(traceback.format_exception(caught)))
