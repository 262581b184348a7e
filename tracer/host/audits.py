"""Audit hooks of the program's are told of what the program does, not of what we do meanwhile.

A hook that is traced would be told of its own beginning, as that looks at the frame, and so on without end; and the
thread that takes the notes would be told of its own work, and have notes to take for as long as it works.
"""

from __future__ import annotations

import functools
import sys
from _thread import get_ident
from collections.abc import Callable
from types import TracebackType
from typing import Any

from vmtrace.tracer.host.hide import hide, hide_functions, keep_builtins

keep_builtins(globals())

LOOKS_AT_FRAME = "sys._getframe"
"""What engines do all the time, in the program's frames and below them: hooks are told of none of it."""
_unheard: dict[int, int] = {}
"""By thread: how many times over it is at work of ours."""


class Unheard:
    """While in it (`with`), no audit hook is told of what this thread does."""

    __slots__ = ()

    def __enter__(self) -> None:
        ident = get_ident()
        _unheard[ident] = _unheard.get(ident, 0) + 1

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        ident = get_ident()
        left = _unheard[ident] - 1
        if left:
            _unheard[ident] = left
        else:
            del _unheard[ident]


UNHEARD = Unheard()


def hook_audits() -> None:
    """From now on, what the program gives to `sys.addaudithook` is told of the program only."""
    add = sys.addaudithook

    @functools.wraps(add)
    def addaudithook(hook: Callable[[str, tuple[Any, ...]], object]) -> None:
        def told(event: str, given: tuple[Any, ...]) -> None:
            if event != LOOKS_AT_FRAME and get_ident() not in _unheard:
                with UNHEARD:  # what we do in its own frames would be told to it again
                    hook(event, given)

        heard: Any = hide(told)
        if hasattr(hook, "__cantrace__"):
            heard.__cantrace__ = hook.__cantrace__
        add(heard)

    sys.addaudithook = hide(addaudithook)


hide_functions(globals())
