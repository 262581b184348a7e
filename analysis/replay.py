"""Follows the stacks through one chunk: in which context each stretch of rows runs."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from vmtrace.analysis.moment import Entry, Part
from vmtrace.analysis.program import Ints
from vmtrace.analysis.stacks import OUTSIDE, Call, Live, Position, Stacks, Unknown
from vmtrace.analysis.tails import UNKNOWN
from vmtrace.analysis.view import NEVER, View
from vmtrace.traces import TraceError

_NOT_YET = -1  # of what is below a frame: not looked up yet


class _Arrivals(NamedTuple):
    """The moments at which a frame comes onto a stack, in order of time, one array entry each."""

    time: Ints  # row within the chunk
    frame: Ints  # index
    caller: Ints  # index of the frame below; -1 where it takes a search
    way: Ints  # of the call, where there is a caller
    stretch: Ints  # that begins with it; -1 where a frame is created


class Replay:
    """Works with frame indexes (see View), continued by OUTSIDE and by what else is met on the way down.

    An arrival of a frame is one step in a Python loop, as each needs the context that another one led to;
    everything else is done for all rows of the chunk at once.
    """

    def __init__(self, stacks: Stacks, view: View, site_loop: Ints) -> None:
        self._stacks, self._view, self._site_loop = stacks, view, site_loop
        program, contexts = view.program, stacks.contexts
        steps = stacks.tails.advance(view)
        came, self._stood = steps.came, steps.stood
        if stacks.start is None:
            stacks.start = view.first_row
        older = [stacks.live.get(frame) for frame in view.older.tolist()]
        self._code = _joined([live.code if live else -1 for live in older], view.new.code)
        self._thread = _joined([live.thread if live else 0 for live in older], view.new.thread)
        parent = view.index_of(view.new.parent)
        self._site_of_new = self._call_sites(parent)
        loop = np.where(self._site_of_new >= 0, site_loop[self._site_of_new], -1)
        way = self._way_of_new = contexts.ways(loop, view.new.code)
        # Frames announced after they began were alive when the piece was cut off.
        self._begins = view.new.first_row >= view.first_row
        for late in np.flatnonzero(~self._begins).tolist():
            self._admit(late, int(way[late]))

        outside = len(view.frames)
        self._ids: list[Position] = [*view.frames.tolist(), OUTSIDE]
        self._ends: list[int] = [*view.exit_row.tolist(), NEVER]
        self._way: list[int] = [live.below.way if live else 0 for live in older] + [*way.tolist(), 0]
        self._caller_of_new = np.where(parent < 0, outside, parent)
        self._below: list[int] = [_NOT_YET] * len(older) + self._caller_of_new.tolist() + [outside]
        self._context = [-1] * outside + [0]
        self._extra: dict[Position, int] = {OUTSIDE: outside}
        self._extra |= {frame: index for index, frame in enumerate(view.older.tolist())}
        self._load(parent)
        self._at_first = np.array(self._context[:outside], dtype=np.int64)
        self._resumed = (came >= 0) & program.site_suspends[came]
        self._met = came == UNKNOWN
        if self._met.any():
            self._met &= program.code_resumable[self._code[view.stretch_frame]]
        self.came = came
        self._previous = self._previous_in_thread()
        self._arrivals = self._find_arrivals()
        self._arrived: list[int] = []  # the contexts
        self.resumed_unseen: list[int] = []  # contexts of generators that were suspended before the piece

    # Before the loop

    def _call_sites(self, parent: Ints) -> Ints:
        """The site, in its parent, that each new frame was called from; -1 for none."""
        view = self._view
        sites = np.full(len(parent), -1)
        known = np.flatnonzero((parent >= 0) & (view.new.call_offset >= 0))
        known = known[self._code[parent[known]] >= 0]
        sites[known] = view.program.sites_at(self._code[parent[known]], view.new.call_offset[known])
        return sites

    def _admit(self, late: int, way: int) -> None:
        """Takes note of a frame that is older than the piece."""
        new = self._view.new
        frame, code, parent = int(new.frame[late]), int(new.code[late]), int(new.parent[late])
        resumable = self._view.program.code_resumable[code]
        below = Call(Unknown("under", frame), 0) if resumable else Call(parent, way)
        self._stacks.live[frame] = Live(code, int(new.thread[late]), below)

    def _load(self, parent: Ints) -> None:
        """Looks up the contexts of the older frames that run, or call, in the chunk."""
        view, count = self._view, len(self._view.older)
        late = np.append(np.zeros(count, dtype=bool), ~self._begins)
        needed = np.zeros(len(view.frames), dtype=bool)
        needed[view.stretch_frame] = True
        needed[parent[self._begins & (parent >= 0)]] = True
        needed[count:] &= ~self._begins
        strange = needed[view.stretch_frame] & (self._code[view.stretch_frame] < 0)
        if strange.any():
            row = int(view.stretch_start[strange.argmax()])
            frame = view.frame_id[row]
            raise TraceError(f"row {view.first_row + row:,}: frame {frame} is in no frames table before it")
        for index in np.flatnonzero(needed).tolist():
            self._context[index] = self._stacks.context_of(int(view.frames[index]))
        for index in np.flatnonzero(late).tolist():
            self._below[index] = _NOT_YET

    def _previous_in_thread(self) -> Ints:
        """For each stretch the one before it in its thread; -1 if that lies before the chunk."""
        thread = self._thread[self._view.stretch_frame]
        previous = np.arange(-1, len(thread) - 1)
        if len(thread) and (thread != thread[0]).any():
            order = np.argsort(thread, kind="stable")
            previous[order[0]] = -1
            previous[order[1:]] = np.where(thread[order[1:]] == thread[order[:-1]], order[:-1], -1)
        return previous

    def _find_arrivals(self) -> _Arrivals:
        view = self._view
        first, came = self._births(), np.flatnonzero(self._resumed | self._met)
        if not len(came):
            return first
        before = self._previous[came]
        caller, site = view.stretch_frame[before], view.stretch_last[before]
        start, frame = view.stretch_start[came], view.stretch_frame[came]
        left = view.program.site_suspends[site] | (view.exit_row[caller] <= view.first_row + start)
        caller = np.where((before < 0) | left | self._met[came], -1, caller)
        way = self._stacks.contexts.ways(self._site_loop[site], self._code[frame])
        then = _Arrivals(start, frame, caller, way, came)
        order = np.argsort(np.append(first.time, start), kind="stable")
        return _Arrivals(*(np.append(one, other)[order] for one, other in zip(first, then, strict=True)))

    def _births(self) -> _Arrivals:
        view = self._view
        born = np.flatnonzero(self._begins)
        born = born[np.argsort(view.new.first_row[born], kind="stable")]
        return _Arrivals(
            view.new.first_row[born] - view.first_row,
            len(view.older) + born,
            self._caller_of_new[born],
            self._way_of_new[born],
            np.full(len(born), -1),
        )

    # The loop

    def advance(self, until: int) -> None:
        """Lets the frames arrive that do so up to a row of the chunk."""
        done = len(self._arrived)
        stop = int(np.searchsorted(self._arrivals.time, until, side="right"))
        callees = self._stacks.contexts.callees
        contexts, below, ways, arrived = self._context, self._below, self._way, self._arrived
        columns = (column[done:stop].tolist() for column in self._arrivals[1:4])
        if (self._arrivals.stretch[done:stop] < 0).all():  # new frames alone, whose callers are known from the start
            for frame, caller, way in zip(*columns, strict=True):
                contexts[frame] = context = callees[contexts[caller]][way]
                arrived.append(context)
            return
        for frame, caller, way in zip(*columns, strict=True):
            if caller >= 0:
                contexts[frame] = context = callees[contexts[caller]][way]
                below[frame] = caller
                ways[frame] = way
            else:
                contexts[frame] = context = self._search(frame, int(self._arrivals.stretch[len(arrived)]))
            arrived.append(context)

    def _search(self, frame: int, stretch: int) -> int:
        """The context of a generator that is resumed from somewhere else than the frame that ran before."""
        view, stacks = self._view, self._stacks
        row = view.first_row + int(view.stretch_start[stretch])
        before = int(self._previous[stretch])
        if before < 0:
            top = stacks.top_of(int(self._thread[frame]))
            caller, way = self._settle(self._index(top.position), top.way, row)
        else:
            caller, way = self._top_after(before, row)
        if caller == frame:
            return self._context[frame]  # not resumed, but returned to
        contexts, position = stacks.contexts, self._ids[caller]
        if isinstance(position, Unknown):
            stamp = stacks.stamp(row)
            if self._met[stretch]:
                generator = self._frame(frame)
                self._below[frame] = self._index(Unknown("under", generator))
                return stacks.meet(generator, position, stamp)
            place = stacks.unknown(position, stamp)
        else:
            if self._context[caller] < 0:  # so far the chunk has only told that it ends
                self._context[caller] = stacks.context_of(position)
            place = contexts.number(contexts.at_call(contexts.all[self._context[caller]], way))
        self._below[frame], self._way[frame] = caller, way
        context = contexts.callees[place][int(self._code[frame])]
        if self._met[stretch]:
            # What is on top of the stack is known, and it is not this frame: it was resumed.
            self.resumed_unseen.append(context)
        return context

    def _top_after(self, stretch: int, row: int) -> tuple[int, int]:
        """What is on top of a thread's stack once a stretch is over, and the way it calls from there."""
        frame, site = int(self._view.stretch_frame[stretch]), int(self._view.stretch_last[stretch])
        if self._view.program.site_suspends[site]:
            return self._settle(self._under(frame), self._way[frame], row)
        way = (int(self._site_loop[site]) + 1) * self._stacks.contexts.codes
        return self._settle(frame, way, row)

    def _settle(self, index: int, way: int, row: int) -> tuple[int, int]:
        """Leaves out the frames that ended up to a row."""
        for _ in range(len(self._ends)):  # a forged trace might go round in circles
            if self._ends[index] > row:
                break
            index, way = self._under(index), self._way[index]
        return index, way

    def _under(self, index: int) -> int:
        """What is below a frame."""
        if self._below[index] == _NOT_YET:
            live = self._stacks.live.get(self._frame(index))
            self._below[index] = self._index(live.below.position if live else OUTSIDE)
        return self._below[index]

    def _index(self, position: Position) -> int:
        index = self._extra.get(position)
        if index is None:
            index = self._extra[position] = len(self._ids)
            live = None if isinstance(position, Unknown) else self._stacks.live.get(position)
            self._ids.append(position)
            self._ends.append(NEVER)
            self._below.append(_NOT_YET)
            self._way.append(live.below.way if live else 0)
            self._context.append(self._stacks.context_of(self._frame(index)) if live else 0)
        return index

    # At a row, and at the end

    def stack(self, row: int) -> list[Part]:
        """The stack at a row of the chunk, with the frames that have arrived up to it and none later."""
        view = self._view
        until = int(np.searchsorted(view.stretch_start, row, side="right"))
        index = int(view.stretch_frame[until - 1])
        site = self._sites_before(until)
        site[index] = view.site[row]
        parts: list[Part] = []
        while True:
            entries: list[Entry] = []
            while not isinstance(frame := self._ids[index], Unknown) and frame != OUTSIDE:
                if len(entries) == len(self._ids):
                    raise TraceError(f"row {view.first_row + row:,}: the frames call each other in a circle")
                entries.append(Entry(frame, self._code_of(index), self._site_of(index, site)))
                index = self._under(index)
            parts.append(Part(entries, frame))
            seen = self._stacks.seen_from(frame)
            if seen is None:
                return parts
            index = self._index(seen)

    def _sites_before(self, until: int) -> Ints:
        """By frame index: where the frame stands before a stretch begins."""
        site = self._stood.copy()
        # Where an index is repeated, the last assignment holds.
        site[self._view.stretch_frame[:until]] = self._view.stretch_last[:until]
        return site

    def _code_of(self, index: int) -> int:
        if index < len(self._code):
            return int(self._code[index])
        return self._stacks.live[self._frame(index)].code

    def _site_of(self, index: int, site: Ints) -> int:
        if index < len(site):
            return int(site[index])
        return self._stacks.tails.last.get(self._frame(index), UNKNOWN)

    def contexts(self) -> Ints:
        """For each stretch the number of its context."""
        view, arrivals, arrived = self._view, self._arrivals, self._all_arrived
        born = arrivals.stretch < 0
        at_first = self._at_first.copy()
        at_first[arrivals.frame[born]] = arrived[born]
        of_stretch = at_first[view.stretch_frame]
        of_stretch[arrivals.stretch[~born]] = arrived[~born]
        # What holds for a frame's first stretch in the chunk, or for one it arrives with, holds until it
        # arrives again.
        by_frame = view.by_frame
        changes = view.leads_frame | (self._resumed | self._met)[by_frame]
        of_stretch[by_frame] = of_stretch[by_frame[changes]][np.cumsum(changes) - 1]
        return of_stretch

    def births(self) -> Ints:
        """The contexts in which frames were created."""
        return self._all_arrived[self._arrivals.stretch < 0]

    @cached_property
    def _all_arrived(self) -> Ints:
        """The contexts that all arrivals led to, once the last is there."""
        return np.array(self._arrived, dtype=np.int64)

    def calls(self) -> tuple[Ints, Ints]:
        """Of the frames that were created: the site they were called from, -1 for none; and their code."""
        return self._site_of_new[self._begins], self._view.new.code[self._begins]

    def close(self) -> None:
        """Leaves the stacks as they are after the chunk."""
        view, stacks = self._view, self._stacks
        born = np.append(np.zeros(len(view.older), dtype=bool), self._begins)
        for index in np.flatnonzero(~born).tolist():
            live = stacks.live.get(self._frame(index))
            if live and self._context[index] >= 0:
                live.context = self._context[index]
                if self._below[index] != _NOT_YET:
                    live.below = self._call(self._below[index], self._way[index])
        for index in np.flatnonzero(born & (view.exit_row == NEVER)).tolist():
            below = self._call(self._below[index], self._way[index])
            live = Live(int(self._code[index]), int(self._thread[index]), below, self._context[index])
            stacks.live[self._frame(index)] = live
        # np.unique tells where a value occurs first, so the stretches are turned round.
        threads, back = np.unique(self._thread[view.stretch_frame[::-1]], return_index=True)
        for thread, stretch in zip(threads.tolist(), (len(view.stretch_frame) - 1 - back).tolist(), strict=True):
            stacks.top[thread] = self._call(*self._top_after(stretch, NEVER - 1))
        ended = np.flatnonzero(~born & (view.exit_row != NEVER))
        stacks.forget(dict(zip(view.frames[ended].tolist(), view.exit_row[ended].tolist(), strict=True)))

    def _call(self, index: int, way: int) -> Call:
        return Call(self._ids[index], way)

    def _frame(self, index: int) -> int:
        frame = self._ids[index]
        assert not isinstance(frame, Unknown)
        return frame


def _joined(older: list[int], new: Ints) -> Ints:
    return np.append(np.array(older, dtype=np.int64), new)
