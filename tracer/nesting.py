"""Which frame is on top after each call, and which call each exit ends, for a stretch of calls at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Nesting:
    """Calls in time order, and the same calls sorted by level.

    A call is an enter (a frame comes on top) or an exit (the top frame leaves). Its level is the height of
    the stack beneath the frame that comes or goes, so at one level enters and exits alternate, and an exit
    ends the enter before it. The first call must be an enter at the lowest level, and the only one there.
    """

    enters: Flags
    """By call, in time order."""
    order: Ints
    """The calls sorted by level, then by time."""
    sorted_enters: Flags
    sorted_levels: Ints
    top: Ints
    """By call: the enter that brought the frame which is on top after it."""
    beneath: Ints
    """By call: the same for the frame beneath the one that comes or goes. Of no meaning for the first
    call.
    """

    @property
    def open(self) -> Ints:
        """The enters without an exit, outermost first, as indices into `order`."""
        last = np.append(np.flatnonzero(np.diff(self.sorted_levels)), len(self.order) - 1)
        found: Ints = last[self.sorted_enters[last]]
        return found


def nest(enters: Flags, levels: Ints) -> Nesting:
    """`levels` by call, in time order."""
    # Few levels are touched in a stretch, as a rule: a radix sort then.
    reach = int(levels.max() - levels[0])
    narrow = np.uint8 if reach < 1 << 8 else np.uint16 if reach < 1 << 16 else np.int64
    order = np.argsort((levels - levels[0]).astype(narrow), kind="stable")
    sorted_enters = enters[order]
    before = order - 1
    # An enter right after an exit finds the frame on top that the exit found; any other follows the enter
    # that brought it.
    anew = sorted_enters & enters[before]
    anew[0] = True
    beneath = np.empty(len(order), np.int64)
    beneath[order] = before[latest(anew)]
    beneath[0] = 0
    top = np.where(enters, np.arange(len(order)), beneath)
    return Nesting(enters, order, sorted_enters, levels[order], top, beneath)


def latest(flags: Flags) -> Ints:
    """By place, the last place up to it whose flag is set; the first flag must be."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), 0))


def running_maximum(values: Ints, begins: Flags) -> Ints:
    """The maximum of the values (0 … 2**32 - 1) so far, begun afresh at each flag."""
    group = np.cumsum(begins) << 32
    found: Ints = np.maximum.accumulate(group + values) & (1 << 32) - 1
    return found
