"""When the program's code may run in more threads than one.

What is asked of the running thread at each call costs several times what is asked of the only one. So an engine takes
the program for one with a single thread until this tells it otherwise.
"""

from __future__ import annotations

import _thread
import ctypes
import functools
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from vmtrace.tracer.host.audits import UNHEARD
from vmtrace.tracer.host.hide import hide

STARTS_THREAD: tuple[tuple[ModuleType, str], ...] = (
    (_thread, "start_new_thread"),
    (_thread, "start_new"),
    (_thread, "start_joinable_thread"),
    (threading, "_start_new_thread"),
    (threading, "_start_joinable_thread"),
    (ctypes, "CFUNCTYPE"),
)
"""What starts threads, if the Python has it; or lets threads into Python that C has started: as callbacks."""


def watch_for_threads(share: Callable[[], None]) -> None:
    """Has `share` called before any thread but the calling one may run the program's code. To be called in the
    program's thread, before it runs.

    Not seen are threads that an extension module starts.
    """
    kept = [(module, name, vars(module)[name]) for module, name in STARTS_THREAD if name in vars(module)]

    def watching(start: Callable[..., Any]) -> Callable[..., Any]:
        def start_thread(*args: Any, **kwargs: Any) -> Any:
            with UNHEARD:
                share()
                for module, name, function in kept:
                    setattr(module, name, function)
            return start(*args, **kwargs)

        return functools.wraps(start)(hide(start_thread))

    for module, name, function in kept:
        setattr(module, name, watching(function))
