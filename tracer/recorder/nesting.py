"""Which call each exit ends, and which frame is on top after it, for a stretch of calls at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from vmtrace.tracer.recorder.arrays import Flags, Ints, Numbers


@dataclass(frozen=True, slots=True)
class Nesting:
    """Enters (a frame comes on top) and exits (the top frame leaves), counted together as calls, in time
    order.

    A call's level is the height of the stack beneath the frame that comes or goes. At one level enters and
    exits alternate, and an exit ends the enter before it. So sorted by level, and by time within one, enters
    and exits find each other.
    """

    enter: Ints
    """The calls that are enters, sorted by level."""
    exit: Ints
    """The calls that are exits, sorted by level."""
    ended: Ints
    """By exit: the enter that it ends, as an index into `enter`."""
    open: Ints
    """The enters without an exit, outermost first, as indices into `enter`."""
    anew: Flags
    """By enter: whether the call before it is an enter too, not the exit of a call by the same frame."""
    beneath: Ints
    """By enter: the enter, as a call, that brought the frame beneath. Of no meaning for the first."""
    top: Ints
    """By call: the enter, as a call, that brought the frame which is on top after it."""


def nest(enters: Flags, levels: Ints) -> Nesting:
    """By call: whether it is an enter, and its level. The first is one, and the only one at the lowest
    level.
    """
    # Few levels are touched in a stretch, as a rule: a radix sort then.
    levels = levels - levels[0]
    reach = int(levels.max())
    narrow = np.uint8 if reach < 1 << 8 else np.uint16 if reach < 1 << 16 else np.int64
    order = np.argsort(levels.astype(narrow), kind="stable")
    entered = enters.take(order)
    places, exits_at = np.flatnonzero(entered), np.flatnonzero(~entered)
    enter, exit = order.take(places), order.take(exits_at)
    # As many exits come before an exit as before the enter that it ends, right before it.
    ended = exits_at - 1 - np.arange(len(exit))
    is_open = np.ones(len(enter), np.bool_)
    is_open[ended] = False
    before = enter - 1
    anew = enters.take(before)
    anew[0] = True
    beneath = before.take(latest(anew))
    top = np.arange(len(order))
    top[exit] = beneath.take(ended)
    return Nesting(enter, exit, ended, np.flatnonzero(is_open), anew, beneath, top)


def latest(flags: Flags) -> Ints:
    """By place, the last place up to it whose flag is set; the first flag must be."""
    places = np.flatnonzero(flags)
    return np.repeat(places, np.diff(places, append=len(flags)))


def running_maximum(values: Numbers, begins: Flags) -> Numbers:
    """The maximum of the values (none is negative) so far, begun afresh at each flag."""
    falls = values[1:] < values[:-1]
    falls &= ~begins[1:]
    if not falls.any():
        return values
    group = np.cumsum(begins, dtype=np.int64) << 32
    found: Numbers = (np.maximum.accumulate(group + values) - group).astype(np.int32)
    return found
