"""Context, cause, suppression, notes, and tracebacks as the traceback module and format_exception print them."""
import sys
import traceback


class Trouble(Exception):
    def __init__(self, what, level=1):
        super().__init__(what, level)
        self.what, self.level = what, level

    def __str__(self):
        return f"{self.what}!" * self.level


def parse(text):
    return int(text)


def read(text):
    try:
        return parse(text)
    except ValueError as error:
        raise Trouble(f"cannot read {text!r}", 2) from error


def implicit(text):
    try:
        parse(text)
    except ValueError:
        {}["missing"]


def suppressed(text):
    try:
        parse(text)
    except ValueError:
        raise Trouble("quiet") from None


def in_finally(text):
    try:
        parse(text)
    finally:
        undefined_name


def noted():
    try:
        read("x1")
    except Trouble as error:
        error.add_note("first note")
        error.add_note("second note\non two lines")
        raise


def chain(error):
    """The links of an exception, each with how it hangs on the next."""
    while error is not None:
        yield type(error).__name__, str(error), error.__suppress_context__
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def names(tb):
    while tb is not None:
        yield tb.tb_frame.f_code.co_name, tb.tb_lineno
        tb = tb.tb_next


def long_expression(table):
    return (table["a"]["b"]
            + table["a"]["c"]
            + len(table["missing"]["d"]))


def operators(left, right):
    return left.value + right.values[1](2)[0]


for function, argument in ((read, "one"), (implicit, "two"), (suppressed, "three"), (in_finally, "four"),
                           (long_expression, {"a": {"b": 1, "c": 2}}), (lambda x: operators(x, x), 5)):
    try:
        function(argument)
    except Exception as error:
        print(list(chain(error)))
        print(list(names(error.__traceback__)))
        print(traceback.format_exc())
try:
    noted()
except Trouble as error:
    print(error.__notes__)
    print("".join(traceback.format_exception(error, limit=1)))
    print("".join(traceback.format_exception_only(error)))
    summary = traceback.TracebackException.from_exception(error, capture_locals=True)
    print("".join(line for line in summary.format() if "text =" in line or "Error" in line))
    assert [frame.name for frame in summary.stack] == ["<module>", "noted", "read"]

# A cause given by hand, a context replaced by hand, a loop of causes
first, second = KeyError("first"), ValueError("second")
first.__cause__, second.__cause__ = second, first
print(traceback.format_exception_only(first), "".join(traceback.format_exception(first)))
try:
    try:
        raise first
    except KeyError:
        raise IndexError("third")
except IndexError as third:
    assert third.__context__ is first and third.__cause__ is None
    third.__context__ = None
    assert len(list(chain(third))) == 1
for bad in (lambda: exec("raise ValueError from 5"), lambda: exec("raise 5"), lambda: exec("raise ValueError(1) from TypeError")):
    try:
        bad()
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error, repr(error.__cause__))
try:
    eval("1 +")
except SyntaxError as error:
    print(error.msg, error.lineno, error.offset, error.text)


def with_traceback():
    try:
        read("five")
    except Trouble as error:
        return error


error = with_traceback()
depth = len(list(names(error.__traceback__)))
try:
    raise error.with_traceback(None)
except Trouble:
    assert len(list(names(sys.exc_info()[2]))) == 1 and depth == 2
stack = traceback.extract_stack()
print([(frame.name, frame.line) for frame in stack])
