"""Runs a program as python would, with its code made ready by an engine.

Nothing here may be seen by the program: the functions between it and the bottom of the stack are hidden, what it finds
in `sys` and `__main__` is what python would have put there, and it ends as python ends a program.
"""

from __future__ import annotations

import atexit
import builtins
import dis
import functools
import importlib
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import CodeType, ModuleType
from typing import Any, Protocol

from vmtrace.tracer.errors import VMError
from vmtrace.tracer.executed import hook_exec
from vmtrace.tracer.host.audits import UNHEARD, hook_audits
from vmtrace.tracer.host.hide import hide, hide_functions, keep_builtins
from vmtrace.tracer.host.room import keep_room
from vmtrace.tracer.host.untold import told, untold, untold_if_watched, work
from vmtrace.tracer.program import Program
from vmtrace.tracer.scope import Scope

keep_builtins(globals())

INTERRUPTED = -signal.SIGINT
"""As `subprocess` has it: no exit code is below 0."""
OUR_MAIN = sys.modules["__main__"]
"""Kept, for python looks into its namespace once more after an exception has left the main script, and does not keep
it itself (pythonrun.c: _PyRun_SimpleFile)."""
LONG = -(1 << 63), (1 << 63) - 1
"""The exit codes that a C long holds; python takes any other for -1."""


class Engine(Protocol):
    """What makes code ready to run."""

    def code(self, code: CodeType, module: str | None = None, namespace_is_globals: bool = True) -> CodeType:
        """The code to run in place of a module's, or of what `exec` is given, perhaps with a namespace besides the
        globals."""
        ...

    def original(self, code: CodeType) -> CodeType:
        """The program's code that the engine's was made of; any other as it is."""
        ...


def run(program: Program, engine: Engine, scope: Scope) -> int:
    """Runs the program to its very end (threads joined, atexit callbacks called). Returns its exit status, which for a
    KeyboardInterrupt that nobody caught is INTERRUPTED."""
    main = ModuleType("__main__")
    namespace = vars(main)
    namespace.update(__annotations__={}, __builtins__=builtins, **program.main)
    if sys.version_info >= (3, 14):
        del namespace["__annotations__"]
    sys.modules["__main__"] = main
    sys.argv = list(program.argv)
    if by_name := program.module not in ("", "__main__"):
        sys.argv[0] = "-m"  # until runpy has found the file
    sys.path[:1] = [] if program.path0 is None else [program.path0]
    hook_exec(engine, scope)
    hook_audits()
    hook_dis(engine)
    scope.forget_modules(itertools.dropwhile(lambda name: name != "vmtrace", [*sys.modules]))
    status = untold(_run_to_the_end, engine, program, by_name, namespace)
    with UNHEARD:
        _stop_watching()
    return status


def _run_to_the_end(engine: Engine, program: Program, by_name: bool, namespace: dict[str, Any]) -> int:
    """Returns the exit status. What traces or profiles is told of the program's own frames only, to its very end."""
    status = _ended(lambda: _run_main(engine, program, by_name, namespace))
    _forget_file(namespace)
    threads = _ended(_join_threads)
    told(atexit._run_exitfuncs)
    return status or threads


def _join_threads() -> None:
    """The interpreter does it if anybody has imported `threading`, which here we have: it passes for that if there is
    anything to do."""
    module: Any = threading
    if len(module._active) > 1 or module._threading_atexits:
        told(module._shutdown)
    else:
        untold_if_watched(module._shutdown)


def _stop_watching() -> None:
    """Nothing of the program's runs any more that it could trace, profile or monitor; and of an exception of ours,
    which is in no frame that shows, the interpreter could not tell it."""
    sys.setprofile(None)
    sys.settrace(None)
    if sys.version_info >= (3, 12):
        for tool in range(6):
            if sys.monitoring.get_tool(tool) is not None:
                sys.monitoring.set_events(tool, sys.monitoring.events.NO_EVENTS)


def _run_main(engine: Engine, program: Program, by_name: bool, namespace: dict[str, Any]) -> None:
    found: dict[str, Any] = {}
    told(exec, DEPTH_REACHED, found)
    keep_room(sys.getrecursionlimit() - 2 - found["reached"])
    try:
        if program.code is None:
            told(importlib.import_module("runpy")._run_module_as_main, program.module, by_name)
        else:
            told(exec, work(engine.code, program.code, "__main__"), namespace)
    finally:
        if FORGETS_FILE_FIRST:
            _forget_file(namespace)


FORGETS_FILE_FIRST = sys.version_info >= (3, 14)
"""Whether `__file__` is gone from a script's namespace before its last exception is shown (else, after that)."""


def _forget_file(namespace: dict[str, Any]) -> None:
    if namespace.get("__spec__") is None:
        namespace.pop("__file__", None)
        namespace.pop("__cached__", None)


DEPTH_REACHED = compile(
    """
def dive(depth):
    global reached
    reached = depth
    dive(depth + 1)
try:
    dive(0)
except RecursionError:
    pass
""",
    "<vmtrace>",
    "exec",
)
"""Finds out how many frames there is room for."""


def _ended(run: Callable[[], object]) -> int:
    """Runs, and does what python does with the exception that ends a program (pythonrun.c: handle_system_exit).

    What is the engine's own is passed on.
    """
    try:
        run()
    except SystemExit as error:
        return _status(error.code)
    except VMError:
        raise
    except BaseException as error:
        raised = error  # it is not being handled when it is shown
    else:
        return 0
    raised.__traceback__ = traceback = _of_program(raised.__traceback__)
    try:
        _print(raised, traceback)
    except SystemExit as error:  # of sys.excepthook
        return _status(error.code)
    return INTERRUPTED if isinstance(raised, KeyboardInterrupt) else 1


def _of_program(traceback: Any) -> Any:
    """The traceback without frames of ours at its top."""
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__") == __name__:
        traceback = traceback.tb_next
    return traceback


def _print(error: BaseException, traceback: Any) -> None:
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, traceback
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    if not hasattr(sys, "excepthook"):
        told(_say, "sys.excepthook is missing")
        told(sys.__excepthook__, type(error), error, traceback)
        return
    try:
        told(sys.excepthook, type(error), error, traceback)
    except SystemExit:
        raise
    except BaseException as second:
        told(_say, "Error in sys.excepthook:")
        told(sys.__excepthook__, type(second), second, _of_program(second.__traceback__))
        told(_say, "\nOriginal exception was:")
        told(sys.__excepthook__, type(error), error, traceback)


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if LONG[0] <= code <= LONG[1] else 0xFF
    with suppress(OSError, ValueError, AttributeError):
        told(sys.stdout.flush)
    with suppress(OSError, ValueError, AttributeError):
        told(_say, code)
    return 1


def _say(text: object) -> None:
    if getattr(sys, "stderr", None) is not None:
        print(text, file=sys.stderr)
        return
    with suppress(OSError):  # python, too, then writes to the descriptor
        os.write(2, f"{text}\n".encode(errors="backslashreplace"))


def hook_dis(engine: Engine) -> None:
    """From now on, `dis` shows the program's own code of its functions."""
    for name in ("_get_code_object", "_disassemble_recursive", "disassemble", "findlinestarts"):
        setattr(dis, name, hide(_of_original(engine, getattr(dis, name), name == "_get_code_object")))


def _of_original(engine: Engine, function: Any, finds: bool) -> Any:
    """The function, given the original of a code object; or giving it, if it `finds` code objects."""

    @functools.wraps(function)
    def of_original(code: Any, *given: Any, **named: Any) -> Any:
        if finds:
            return engine.original(function(code))
        return function(engine.original(code), *given, **named)

    return of_original


def leave(status: int) -> None:
    """Ends the process with the program's status. An interrupted program is torn down as any other, and then ends as by
    its signal: python does both for a KeyboardInterrupt that leaves the main script, and ours has been shown already.
    """
    if status == INTERRUPTED:
        sys.excepthook = "".format
        raise KeyboardInterrupt
    sys.exit(status)


hide_functions(globals())
