"""How often loops were entered, and how often they went round each time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Tally
from vmtrace.analysis.cfg import NaturalLoops
from vmtrace.analysis.program import Bools, Ints, Program
from vmtrace.analysis.rounds import Rounds
from vmtrace.analysis.tails import UNKNOWN, Moves, Tails
from vmtrace.analysis.view import NEVER, View

#: numpy sorts 16-bit numbers by radix, many times faster than wider ones.
_RADIX = 1 << 16

_EXACT = 12  # bits: numbers of iterations that need no more are kept as they are

_Sites = npt.NDArray[np.integer]


class _Events(NamedTuple):
    """Entries and iterations. Of one move, an entry comes before an iteration of the same loop."""

    move: Ints  # which one they are part of
    loop: Ints
    enters: Bools  # else it is an iteration


@dataclass(slots=True)
class _Open:
    """A loop of one frame, as far as its entries are not counted yet."""

    before: int = 0  # iterations of an entry from before the piece
    entered: bool = False  # in the piece
    since: int = 0  # iterations since
    closed: bool = False  # since the frame has ended


class Trips(Tally):
    """By loop number (see NaturalLoops), what Rounds calls an entry and an iteration:

    entries[loop], iterations[loop]
    most[loop]                       the greatest number of iterations that one entry led to

    For `trips` see below.
    """

    columns = ("code_id", "frame_id", "offset")

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.loops = program.once(NaturalLoops)
        self.rounds = program.once(Rounds)
        self.entries, self.iterations, self._most = (np.zeros(len(self.loops.all), dtype=np.int64) for _ in range(3))
        self._ended: Counter[tuple[int, int]] = Counter()
        self._tails = Tails()
        self._open: dict[int, dict[int, _Open]] = {}  # by frame (live, or older than the piece) and loop

    def follow(self, tails: Tails) -> None:
        self._tails = tails

    def trips(self) -> Counter[tuple[int, int]]:
        """By loop and number of iterations: how many entries led to so many.

        From 4096 on, the number is rounded down to 12 significant bits: by less than 0.05 %.
        """
        going_on = (
            (loop, int(_rounded(np.array([one.since]))[0]))
            for loops in self._open.values()
            for loop, one in loops.items()
            if one.entered and not one.closed
        )
        return self._ended + Counter(going_on)

    def most(self) -> Ints:
        most = self._most.copy()
        for loops in self._open.values():
            for loop, one in loops.items():
                most[loop] = max(most[loop], one.since)
        return most

    def update(self, view: View) -> None:
        moves = self._tails.moves(view)
        self._count(view, moves)
        known = np.append(np.ones(len(view.older), dtype=bool), view.new.first_row < view.first_row)
        for frame in view.frames[known & (view.exit_row != NEVER)].tolist():
            self._end(frame)

    def _count(self, view: View, moves: Moves) -> None:
        if not self.loops.all:
            return
        events = self._events(moves.before, moves.after, moves.times)
        if not len(events.move):
            return
        # The events of every span whose move makes some.
        many = np.bincount(events.move, minlength=len(moves.before))
        first = np.cumsum(many) - many
        spans = np.flatnonzero((many > 0).take(moves.of_span))
        move = moves.of_span.take(spans)
        many = many.take(move)
        place = np.arange(many.sum()) + np.repeat(first.take(move) - (np.cumsum(many) - many), many)
        frame = view.of_spans(view.stretch_frame).take(np.repeat(spans, many))
        self._follow(view, frame, _Events(place, events.loop.take(place), events.enters.take(place)))

    def _events(self, before: _Sites, after: _Sites, times: Ints) -> _Events:
        """What different moves from site to site amount to, in their order; `before` is BEGINS where a frame
        begins. Counts them, for as often as each move was made."""
        program, rounds = self.program, self.rounds
        headed = np.where(rounds.leads_on[before] & (before >= 0), -1, rounds.header[after])
        # Few moves matter: those to a header, and those that go on from a test.
        some = np.flatnonzero(
            (before != UNKNOWN) & (after - before != 1) & ((headed >= 0) | (rounds.tests[before] & (before >= 0)))
        )
        before, after, headed = before[some], after[some], headed[some]
        falls = program.site_falls[before] & (after - before == 2) & program.site_leads[after]
        jumps = ~falls & (program.site_target[before] == after)
        begun = np.where(falls, rounds.fall_begins[before], np.where(jumps, rounds.jump_begins[before], -1))
        kinds = np.stack(
            [
                (headed >= 0) & ~rounds.inside(before, headed),
                (headed >= 0) & rounds.each_pass[headed],
                (before >= 0) & (begun >= 0),
            ],
            axis=1,
        )
        move, kind = np.divmod(np.flatnonzero(kinds), 3)
        loop = np.where(kind == 2, begun[move], headed[move])
        move = some[move]
        np.add.at(self.entries, loop[kind == 0], times[move[kind == 0]])
        np.add.at(self.iterations, loop[kind > 0], times[move[kind > 0]])
        return _Events(move, loop, kind == 0)

    def _follow(self, view: View, frame: Ints, events: _Events) -> None:
        """Counts the entries that end in the chunk, and notes what goes on."""
        size = len(self.loops.all)
        if len(view.frames) * size <= _RADIX:
            order = _sorted(frame * size + events.loop, _RADIX)
        else:
            order = _sorted(events.loop, size)
            order = order[_sorted(frame[order], len(view.frames))]
        frame, loop, enters = frame[order], events.loop[order], events.enters[order]
        if not len(order):
            return
        sums = np.append(0, np.cumsum(~enters))  # iterations before each event
        begins = np.append(True, (frame[1:] != frame[:-1]) | (loop[1:] != loop[:-1]))
        start = np.flatnonzero(begins)
        stop = np.append(start[1:], len(order))
        entry = np.flatnonzero(enters)
        group = np.searchsorted(start, entry, side="right") - 1
        last = np.append(group[1:] != group[:-1], True)[: len(entry)]
        until = np.where(last, stop[group], np.append(entry[1:], 0)[: len(entry)])
        rounds = sums[until] - sums[entry]
        # Frames that begin and end within the chunk are done with.
        lives = (view.exit_row == NEVER) | (np.arange(len(view.frames)) < len(view.older))
        lives[len(view.older) :] |= view.new.first_row < view.first_row
        done = ~last | ~lives[frame[start[group]]]
        self._close(loop[entry[done]], rounds[done])

        first = np.searchsorted(entry, start)
        final = np.searchsorted(entry, stop) - 1
        for at in np.flatnonzero(lives[frame[start]]).tolist():
            entered = bool(final[at] >= first[at])
            led = int(sums[entry[first[at]] if entered else stop[at]] - sums[start[at]])
            since = int(rounds[final[at]]) if entered else 0
            loops = self._open.setdefault(int(view.frames[frame[start[at]]]), {})
            self._go_on(loops.setdefault(int(loop[start[at]]), _Open()), int(loop[start[at]]), led, entered, since)

    def _go_on(self, one: _Open, loop: int, before: int, entered: bool, since: int) -> None:
        """Some iterations, then perhaps entries, with iterations since the last one; earlier ones are counted."""
        if one.entered:
            one.since += before
        else:
            one.before += before
        if entered:
            if one.entered:
                self._close(np.array([loop]), np.array([one.since]))
            one.entered, one.since = True, since

    def _end(self, frame: int) -> None:
        """A frame that was there before the chunk has ended."""
        for loop, one in self._open.get(frame, {}).items():
            if one.entered and not one.closed:
                self._close(np.array([loop]), np.array([one.since]))
            one.closed = True
        if frame not in self._tails.first:
            self._open.pop(frame, None)

    def _close(self, loop: Ints, trips: Ints) -> None:
        """Counts entries that led to so many iterations."""
        np.maximum.at(self._most, loop, trips)
        keys, counts = np.unique((loop << 48) | _rounded(trips), return_counts=True)
        for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
            self._ended[key >> 48, key & ((1 << 48) - 1)] += count

    def merge(self, later: Self) -> None:
        self.entries += later.entries
        self.iterations += later.iterations
        self._most = np.maximum(self._most, later._most)
        self._ended.update(later._ended)
        for frame, before, after in self._tails.seam(later._tails):
            events = self._events(np.array([before]), np.array([after]), np.array([1]))
            loops = self._open.setdefault(frame, {})
            for loop, enters in zip(events.loop.tolist(), events.enters.tolist(), strict=True):
                self._go_on(loops.setdefault(loop, _Open()), loop, 0 if enters else 1, enters, 0)
        for frame, loops in later._open.items():
            mine = self._open.setdefault(frame, {})
            for loop, one in loops.items():
                self._go_on(mine.setdefault(loop, _Open()), loop, one.before, one.entered, one.since)
                mine[loop].closed |= one.entered and one.closed
        self._tails.merge(later._tails)
        for frame in later._tails.gone:
            self._end(frame)


def _sorted(numbers: Ints, size: int) -> Ints:
    """A stable order of numbers below a size."""
    return np.argsort(numbers.astype(np.uint16) if size <= _RADIX else numbers, kind="stable")


def _rounded(trips: Ints) -> Ints:
    """Numbers rounded down to as many significant bits as are kept."""
    bits = np.maximum(np.frexp(trips.astype(np.float64))[1] - _EXACT, 0)
    return np.asarray(trips >> bits << bits, dtype=np.int64)
