"""Runs a piece of a program on CPython and on the VM, and says in comparable words what came of it."""

import contextlib
import io
import re
import sys
import traceback
import warnings
from pathlib import Path

from vmtrace.tracer.vm import VirtualMachine

PIECES = Path(__file__).with_name("pieces")
FILENAME = "<piece>"


def pieces(version=sys.version_info[:2]):
    """The pieces of programs in `pieces/`, each with a name, that are for a Python version.

    They are kept by theme, with a line of three dashes between two. A theme whose name ends in `_312` is for Python
    3.12 and later, and so on.
    """
    for theme in sorted(PIECES.glob("*.txt")):
        since = re.search(r"_3(\d\d)$", theme.stem)
        if since is None or (3, int(since[1])) <= version:
            for number, source in enumerate(theme.read_text(encoding="utf-8").split("\n---\n")):
                yield f"{theme.stem}-{number}", source


def natively(code, namespace):
    exec(code, namespace)


def stepping(code, namespace):
    VirtualMachine(check=True).run_code(code, namespace)


def fused(code, namespace):
    VirtualMachine().run_code(code, namespace)


def outcome(source, run, filename=FILENAME):
    """What a piece of source does: its output, its variable `result`, the exception that ends it."""
    with warnings.catch_warnings(action="ignore"):
        code = compile(source, filename, "exec")
    namespace = {"__name__": "piece", "__file__": filename}
    output, raised = io.StringIO(), None
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            run(code, namespace)
        except BaseException as error:
            raised = described(error, filename)
    assert sys.exception() is None
    return {"output": output.getvalue(), "result": repr(namespace.get("result")), "raised": raised}


def described(error, filename):
    """An exception with everything that a program can see of it, its chain and its frames in the piece."""
    if not isinstance(error, BaseException):
        return repr(error)  # a cause can be anything: `__new__` of its class may return what it likes
    return {
        "type": type(error).__name__,
        "text": str(error),
        "name": getattr(error, "name", None),
        "notes": getattr(error, "__notes__", None),
        "parts": [described(e, filename) for e in getattr(error, "exceptions", ())],
        "frames": [
            (f.name, f.lineno, f.end_lineno, f.colno, f.end_colno)
            for f in traceback.extract_tb(error.__traceback__)
            if f.filename == filename
        ],
        "ours": any("vmtrace" in f.filename for f in traceback.extract_tb(error.__traceback__)),
        "context": described(error.__context__, filename),
        "cause": described(error.__cause__, filename),
        "suppress": error.__suppress_context__,
    }
