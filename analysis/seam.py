"""Joins two pieces of a trace: what was unknown at the start of the later one, the earlier one tells."""

from __future__ import annotations

from vmtrace.analysis.contexts import Context, Origin, beyond
from vmtrace.analysis.program import Program
from vmtrace.analysis.stacks import Call, Live, Seen, Stacks, Unknown
from vmtrace.analysis.tails import BEGINS, UNKNOWN
from vmtrace.analysis.view import NEVER


class Seam:
    """The later piece's contexts and places on the stack in terms of the earlier piece.

    numbers[context number in the later piece]  the number in the earlier one
    """

    def __init__(self, program: Program, earlier: Stacks, later: Stacks) -> None:
        self._suspends = program.site_suspends
        self._earlier, self._later = earlier, later
        self._bases: dict[Origin, int] = {}
        self._next: dict[int, Origin] = {}
        self._status: dict[int, bool | None] = {}
        for frame, seen in later.seen.items():
            self._status[frame] = self._find_status(frame, seen)
        self.numbers: list[int] = []
        known = earlier.contexts
        for context in later.contexts.all:
            if context.origin is not None:
                base = self._bases.get(context.origin)
                if base is None:
                    base = self._bases[context.origin] = self._base(context.origin)
                context = beyond(known.all[base], context)
            self.numbers.append(known.number(context))

    def was_suspended(self, frame: int) -> bool | None:
        """Whether a generator was suspended at the seam; None if the earlier piece does not know either."""
        if frame in self._status:
            return self._status[frame]
        site = self._earlier.tails.last.get(frame, UNKNOWN)
        if site == UNKNOWN:
            return None
        return site != BEGINS and bool(self._suspends[site])

    def _find_status(self, frame: int, seen: Seen) -> bool | None:
        suspended = self.was_suspended(frame)
        if suspended is not None:
            return suspended
        # If it is known by now what was on top of the stack: this frame, or one that resumed it.
        top = self.call(Call(seen.place, 0), seen.stamp).position
        return None if isinstance(top, Unknown) else top != frame

    def below(self, place: Unknown) -> Call | None:
        """What the later piece does not know. None if the earlier one does not either, or if the place
        was below a generator that was suspended at the seam."""
        earlier = self._earlier
        if place.kind == "top":
            return None if earlier.start and place.which not in earlier.top else earlier.top_of(place.which)
        return earlier.live[place.which].below if self.was_suspended(place.which) is False else None

    def call(self, call: Call, row: int = NEVER - 1) -> Call:
        """A place on the stack of the later piece, as things stand at a row."""
        while isinstance(place := call.position, Unknown):
            below = self.below(place)
            if below is not None:
                return self._earlier.settle(below, self._later.tails.gone, row)
            if place.kind == "top" or not self.was_suspended(place.which):
                return call
            call = Call(self._later.seen[place.which].place, 0)
        return call

    def join(self) -> None:
        """Moves the earlier piece's stacks on to the end of the later piece."""
        earlier, later = self._earlier, self._later
        live = {frame: self._live(frame, frame_later) for frame, frame_later in later.live.items()}
        tops = {thread: self.call(call) for thread, call in later.top.items()}
        seen = {f: self._seen(one) for f, one in later.seen.items() if self.was_suspended(f) is None}
        earlier.forget(later.tails.gone)
        earlier.live.update(live)
        earlier.top.update(tops)
        earlier.seen.update(seen)
        earlier.tails.merge(later.tails)

    def _seen(self, seen: Seen) -> Seen:
        place = self.call(Call(seen.place, 0), seen.stamp).position
        assert isinstance(place, Unknown)
        return Seen(place, seen.stamp, self.numbers[seen.number], self.numbers[seen.context])

    def _live(self, frame: int, later: Live) -> Live:
        earlier = self._earlier.live.get(frame)
        if later.context < 0 and earlier:
            return earlier
        context = self.numbers[later.context] if later.context >= 0 else -1
        return Live(later.code, later.thread, self.call(later.below), context)

    def _base(self, origin: Origin) -> int:
        """The number, in the earlier piece, of what an origin stands for."""
        if origin.kind != "at":
            return self._place(origin)
        known, frame = self._earlier.contexts, origin.which
        code = self._earlier.live[frame].code
        suspended = self.was_suspended(frame)
        otherwise = self.numbers[origin.otherwise] if origin.otherwise >= 0 else -1
        if suspended is None:
            return known.number(Context(Origin("at", frame, 0, otherwise), (), frozenset(), code))
        if suspended and otherwise >= 0:
            return known.callees[otherwise][code]
        return self._earlier.context_of(frame)

    def _place(self, origin: Origin) -> int:
        earlier, stamp = self._earlier, origin.stamp
        origin = self._skip_suspended(origin)
        call = self.below(Unknown(origin.kind, origin.which))
        if call is not None:
            return earlier.place(earlier.settle(call, self._later.tails.gone, stamp), stamp)
        otherwise = self.numbers[origin.otherwise] if origin.otherwise >= 0 else -1
        if origin.kind == "under" and self.was_suspended(origin.which):
            return max(otherwise, 0)
        still = Origin(origin.kind, origin.which, stamp, otherwise)
        return earlier.contexts.number(Context(still, (), frozenset(), -1))

    def _skip_suspended(self, origin: Origin) -> Origin:
        """What stood below a generator that was suspended at the seam, is what it was resumed from."""
        passed = []
        while origin.kind == "under" and self.was_suspended(origin.which) and origin.otherwise >= 0:
            behind = self._later.contexts.all[origin.otherwise]
            if behind.origin is None or behind.origin.kind == "at" or behind.code >= 0 or behind.path or behind.active:
                break  # not one of the unknown places
            passed.append(origin.which)
            origin = self._next.get(origin.which, behind.origin)
        for frame in passed:
            self._next[frame] = origin
        return origin
