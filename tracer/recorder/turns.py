"""When the thread that takes the notes gets its turn beside the program's.

A thread that wants the interpreter asks for it when it has waited for the switch interval, 5 ms, and nobody has let go
of it meanwhile. A program that lets go of it every few milliseconds, for a moment, to write to a file or to look for
events, is never asked, and the waiting thread, too late each time to take it, may wait for seconds. So the interval is
made short; the program sees the one that it has set.
"""

from __future__ import annotations

import _thread
import operator
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from vmtrace.tracer.host.hide import hide_functions

_T = TypeVar("_T")
_SHORT, _LONG = 1e-4, 5e-3
"""Seconds. The short one would cost threads that compute much time, so it is not for a program that has several."""
_MANY = 2_000_000
"""Notes that have not been taken for too long. They take 8 bytes each."""


class Turns:
    """The switch interval, while there are notes to be taken."""

    def __init__(self) -> None:
        self._get, self._set = sys.getswitchinterval, sys.setswitchinterval
        self._wanted = self._get()
        """The interval that the program knows of."""
        self._chosen = self._wanted
        self._count_alone = 0
        """Python's count of threads when the program has one."""
        self._late = False
        """Whether it ever had too many notes waiting."""

    def begin(self) -> None:
        """To be called when the thread that takes the notes is running, and the program has not begun."""
        self._count_alone = _thread._count()  # not 1 in a forked child: threads that it has not taken along still count
        sys.getswitchinterval, sys.setswitchinterval = lambda: self._wanted, self._want
        self._choose()

    def alone(self, step: Callable[[], _T]) -> _T:
        """Calls a function that is written in C, during which no other thread gets the interpreter.

        Those that wait for it wake up after each interval, so it is long meanwhile. It is short again before anybody
        else runs: all three calls are made by one of a function in C.
        """
        steps: tuple[Callable[[], Any], ...] = (partial(self._set, _LONG), step, partial(self._set, self._chosen))
        try:
            answer: _T = tuple(map(operator.call, steps))[1]
        except BaseException:
            self._set(self._chosen)
            raise
        return answer

    def after_look(self, notes: int) -> None:
        """To be called when so many notes have been taken."""
        self._late |= notes > _MANY
        self._choose()

    def end(self) -> None:
        """The interval is the program's again."""
        sys.getswitchinterval, sys.setswitchinterval = self._get, self._set
        self._chosen = self._wanted
        self._set(self._chosen)

    def program_has_one_thread(self) -> bool:
        return _thread._count() == self._count_alone

    def _want(self, interval: float) -> None:
        self._set(interval)
        self._wanted = self._get()
        self._choose()

    def _choose(self) -> None:
        self._chosen = _SHORT if self._late or self.program_has_one_thread() else self._wanted
        self._set(self._chosen)


# A profiler of the program is told of nothing in hidden code.
hide_functions(globals())
