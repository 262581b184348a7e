"""What each thread's stack of frames looks like between two chunks of a trace."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from vmtrace.analysis.cfg import NaturalLoops
from vmtrace.analysis.contexts import Context, Contexts, Origin
from vmtrace.analysis.program import Program
from vmtrace.analysis.tails import Tails
from vmtrace.analysis.view import NEVER


class Unknown(NamedTuple):
    """A place on the stack from before the piece of the trace began: an Origin's `kind` and `which`."""

    kind: str
    which: int


#: A frame by its id, OUTSIDE where no frame is below, or not known yet.
Position = int | Unknown
OUTSIDE = -1


class Call(NamedTuple):
    """Where on the stack something was run from, and the way it was called (see Contexts)."""

    position: Position
    way: int


class Seen(NamedTuple):
    """Where a generator older than the piece was first seen."""

    place: Unknown  # from which it was resumed, if it was
    stamp: int  # see Origin
    number: int  # of the place, as a context
    context: int  # the number of the context it was in then


@dataclass(slots=True)
class Live:
    """A frame that has begun and not ended."""

    code: int
    thread: int
    below: Call  # if it is suspended: what was below when it ran last
    context: int = -1  # -1: not known, since it began before the piece


class Stacks:
    """The live frames, and on whose behalf each one runs.

    An ordinary frame runs on behalf of the frame that created it. A generator or coroutine runs on behalf of
    whatever was on top of the thread's stack when it was resumed, which need not be its creator: the frame
    that ran last in the thread, or, where that one has ended or was suspended by then, the one below it.

    A piece that begins in mid-trace is told which frames are alive, but not which of the generators are
    suspended, nor who resumed the others: that is Unknown until the piece before it is merged.
    """

    def __init__(self, program: Program, loops: NaturalLoops) -> None:
        self._resumable = program.code_resumable.tolist()
        self.contexts = Contexts(program, loops)
        self.tails = Tails()
        self.live: dict[int, Live] = {}
        self.top: dict[int, Call] = {}  # by thread; the frame on top is neither suspended nor ended
        self.seen: dict[int, Seen] = {}
        self.start: int | None = None  # the first row of the piece
        self._ends: list[int] = []

    def top_of(self, thread: int) -> Call:
        nothing: Position = Unknown("top", thread) if self.start else OUTSIDE
        return self.top.get(thread, Call(nothing, 0))

    def settle(self, call: Call, ends: Mapping[int, int], row: int) -> Call:
        """Leaves out the frames that ended up to a row."""
        for _ in range(len(ends)):  # a forged trace might go round in circles
            if isinstance(call.position, Unknown) or ends.get(call.position, NEVER) > row:
                break
            frame = self.live.get(call.position)
            call = frame.below if frame else Call(OUTSIDE, 0)
        return call

    def context_of(self, frame: int) -> int:
        """The number of the context a live frame runs in (or, if suspended, ran in)."""
        calls = []
        context = 0
        while frame != OUTSIDE and (live := self.live.get(frame)):
            if live.context >= 0:
                context = live.context
                break
            if self._resumable[live.code] or isinstance(live.below.position, Unknown):
                at = Context(Origin("at", frame, 0, -1), (), frozenset(), live.code)
                context = self.contexts.number(at)
                break
            calls.append(live.below.way)
            frame = live.below.position
        for way in reversed(calls):
            context = self.contexts.callees[context][way]
        return context

    def place(self, call: Call, stamp: int) -> int:
        """The number of the context from which a call is made. For `stamp` see Origin."""
        if isinstance(call.position, Unknown):
            return self.unknown(call.position, stamp)
        caller = self.contexts.all[0 if call.position == OUTSIDE else self.context_of(call.position)]
        return self.contexts.number(self.contexts.at_call(caller, call.way))

    def stamp(self, row: int) -> int:
        """The last row up to `row` before which a frame ended that is older than the piece."""
        if len(self._ends) != len(self.tails.gone):
            self._ends = sorted(self.tails.gone.values())
        index = bisect_right(self._ends, row)
        return self._ends[index - 1] if index else 0

    def meet(self, frame: int, place: Unknown, stamp: int) -> int:
        """A generator older than the piece is seen first, where something unknown is below it.

        Returns the number of its context.
        """
        number = self.unknown(place, stamp)
        origin = Origin("at", frame, 0, number)
        context = self.contexts.number(Context(origin, (), frozenset(), self.live[frame].code))
        self.seen[frame] = Seen(place, stamp, number, context)
        return context

    def seen_from(self, place: Position) -> Unknown | None:
        """From what the generator was resumed that stood on an unknown place, if it was."""
        if isinstance(place, Unknown) and place.kind == "under" and place.which in self.seen:
            return self.seen[place.which].place
        return None

    def unknown(self, place: Unknown, stamp: int) -> int:
        """The number of the context that an unknown place is."""
        otherwise = self.seen[place.which].number if self.seen_from(place) else -1
        return self.contexts.number(Context(Origin(*place, stamp, otherwise), (), frozenset(), -1))

    def forget(self, ends: Mapping[int, int]) -> None:
        """Drops frames that ended, and looks below them where they stood on a stack."""
        for thread, call in self.top.items():
            if call.position in ends:
                self.top[thread] = self.settle(call, ends, NEVER - 1)
        for frame in ends:
            self.live.pop(frame, None)
