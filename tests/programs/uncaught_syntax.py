"""Ends with a SyntaxError from compiling text at run time, after other exceptions printed without ending the program."""

# exit: 1
import sys
import traceback

SOURCES = {
    "sum": "1 + 2 * 3",
    "call": "max([3, 1, 2], key=lambda v: -v)",
    "name": "undefined + 1",
    "zero": "[1 // n for n in (2, 1, 0)]",
    "bad": "1 + * 2",
    "open": "(1, 2",
}


def calculate(name, text):
    code = compile(text, f"<{name}>", "eval")
    return eval(code)


def report(name, text):
    try:
        return calculate(name, text)
    except SyntaxError as error:
        return error.lineno, error.offset, error.filename, error.text
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        return type(error).__name__


for name, text in SOURCES.items():
    print(name, report(name, text))
try:
    exec(
        compile(
            "def f():\n    return g()\n\ndef g():\n    raise ValueError('deep in text')\n\nf()\n",
            "<program>",
            "exec",
        )
    )
except ValueError:
    traceback.print_exc(file=sys.stdout)
    kind, value, tb = sys.exc_info()
    frames = traceback.extract_tb(tb)
    print([(f.filename, f.lineno, f.name) for f in frames][1:], frames[-1].line)


def indented():
    exec("if True:\nprint('not indented')")


try:
    indented()
except IndentationError as error:
    print(type(error).__name__, error.lineno)
sys.stdout.flush()
calculate("last", "for x in")
