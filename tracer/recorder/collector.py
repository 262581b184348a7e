"""The garbage collector, which leaves the thread that takes the notes alone.

Python collects garbage in the thread that allocates (3.11) or runs next (from 3.12 on), and calls the program's
finalisers there, which in that thread would find one that is none of the program's. So the collector is off except
while the thread waits. The program sees it on or off as it says itself, by `gc.enable` and `gc.disable`.

It is switched at the very moments at which the thread lets go of the interpreter and gets it back: by functions in C
that a function in C calls in a row, so that no other thread comes between, nor is anything allocated meanwhile.
"""

from __future__ import annotations

import gc
import operator
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from vmtrace.tracer.host.hide import hide_functions

_Steps = list[Callable[[], Any]]
_NOW, _WANTED, _WAIT = 1, 1, 2


class Collector:
    """Whether Python looks for garbage by itself."""

    def __init__(self) -> None:
        self._originals = enable, disable, is_enabled = gc.enable, gc.disable, gc.isenabled
        # What waiting and the program's calls do. The second step of each depends on what has been called last.
        self._waiting: _Steps = []
        self._enabling: _Steps = [partial(operator.setitem, self._waiting, _WANTED, enable), enable]
        self._disabling: _Steps = [partial(operator.setitem, self._waiting, _WANTED, disable), disable]
        self._waiting += [
            partial(operator.setitem, self._enabling, _NOW, enable),
            enable if is_enabled() else disable,
            enable,  # `wait` stands here
            disable,
            partial(operator.setitem, self._enabling, _NOW, disable),
        ]

    def begin(self) -> None:
        """From now on the program's calls come here."""
        enable, disable, is_enabled = self._originals

        @wraps(enable)
        def enable_it() -> None:
            _all(self._enabling)

        @wraps(disable)
        def disable_it() -> None:
            _all(self._disabling)

        @wraps(is_enabled)
        def is_wanted() -> bool:
            return self._waiting[_WANTED] is enable

        gc.enable, gc.disable, gc.isenabled = enable_it, disable_it, is_wanted

    def off(self) -> None:
        """Until the thread that takes the notes waits. To be called before it is started."""
        _all(self._waiting[_WAIT + 1 :])

    def waited(self, wait: Callable[[], Any]) -> Any:
        """Calls, in that thread, a function in C that lets go of the interpreter, and allocates nothing."""
        self._waiting[_WAIT] = wait
        return _all(self._waiting)[_WAIT]

    def end(self) -> None:
        """That thread is no more: the collector is the program's again."""
        _all(self._waiting[:_WAIT])
        gc.enable, gc.disable, gc.isenabled = self._originals


def _all(steps: _Steps) -> list[Any]:
    """What each step returns. No other thread has its turn between two of them."""
    return [*map(operator.call, steps)]


# A profiler of the program is told of nothing in hidden code.
hide_functions(globals())
