"""The recursion limit, and room on the stack for frames of ours, which count towards it as the program's do.

The limit is higher, all the time, by what lies below the program; and, for as long as they are there, by frames of ours
between some of the program's, and by what work of ours between two of its instructions may need. It is one for all
threads: while one of them has such room, the others may recurse so much deeper, too.

Between reading how much room there is to be and setting the limit to it comes no call, so no other thread has its turn.
"""

from __future__ import annotations

import operator
import re
import sys
from types import TracebackType

from vmtrace.tracer.host.hide import hide, hide_functions, keep_builtins

keep_builtins(globals())

_get, _put = sys.getrecursionlimit, sys.setrecursionlimit
_limit = [_get()]
"""Without the room that has been made for a while: the program's, and what lies below it."""
_taken = [0]
"""The room that has been made for a while."""


class Room:
    """While in it (`with`), there are so many frames more before the limit is reached.

    RecursionError if it is too near as it is: the room could not be taken back, for no limit may be set that has been
    reached.
    """

    __slots__ = ("_frames",)

    def __init__(self, frames: int) -> None:
        self._frames = frames

    def __enter__(self) -> None:
        too_near = False
        try:
            _put(_limit[0] + _taken[0])
        except RecursionError:
            too_near = True
        if too_near:  # without a context of ours
            raise RecursionError("maximum recursion depth exceeded")
        _taken[0] += self._frames
        try:
            _put(_limit[0] + _taken[0])
        except BaseException:
            _taken[0] -= self._frames
            raise

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        _taken[0] -= self._frames
        _put(_limit[0] + _taken[0])


def taken() -> int:
    """How much room has been made for a while, in frames."""
    return _taken[0]


def keep_room(below: int) -> None:
    """From now on the limit is higher by what lies below the program, which does not see it."""
    _limit[0] = _get() + below
    _put(_limit[0] + _taken[0])

    def getrecursionlimit() -> int:
        """Return the current value of the recursion limit."""
        return _limit[0] - below

    def setrecursionlimit(limit: int, /) -> None:
        """Set the maximum depth of the Python interpreter stack to n."""
        limit = operator.index(limit)
        if limit <= 0:
            return _put(limit)  # which words the error
        try:
            _put(limit + below + _taken[0])
        except RecursionError as error:
            numbers = [*map(int, re.findall(r"\d+", str(error)))]
        else:
            _limit[0] = limit + below
            return _put(_limit[0] + _taken[0])  # for another thread may have had its turn
        # It names the limit, and the depth that is reached, of which this function is a frame.
        reached = f"at the recursion depth {numbers[1] - below - 1}: the limit is too low"
        raise RecursionError(f"cannot set the recursion limit to {limit} {reached}")

    sys.getrecursionlimit, sys.setrecursionlimit = hide(getrecursionlimit), hide(setrecursionlimit)


hide_functions(globals())
