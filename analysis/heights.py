"""How many frames were open, one on top of the other, in the course of the run."""

from __future__ import annotations

import copy
from typing import NamedTuple, Self

import numpy as np
from vmtrace.analysis.base import Tally
from vmtrace.analysis.buckets import LEAST, MOST, Buckets
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.view import NEVER, View

_KNOWN = -1  # in place of a base


class _Height(NamedTuple):
    base: int  # the frame whose own height is unknown and on which this one stands, or _KNOWN
    above: int  # frames above the base, or from the outermost one on, with the frame itself


class HeightOverTime(Tally):
    """`buckets`: "lowest" and "highest" frame depth, over the run.

    The frame depth is the number of frames that created one another, from the outermost one to the running one.

    In a piece from mid-trace, the depth of a frame that outlives its creator (a generator, as a rule) and of those it
    creates is unknown until the piece before is merged: they are kept apart, by that frame.
    """

    columns = ("frame_id",)

    def __init__(self, program: Program, most: int = 2000) -> None:
        super().__init__(program)
        self.options = (most,)
        self._most = most
        self.buckets = self._blank()
        self._strange: dict[int, Buckets] = {}  # by base
        self._live: dict[int, _Height] = {}

    def update(self, view: View) -> None:
        base, above = self._heights(view)
        frame = view.stretch_frame
        if view.rows:
            self.buckets.split(view.first_row, view.first_row + view.rows)
        for one in np.unique(base[frame]).tolist():
            buckets = self.buckets if one == _KNOWN else self._strange.setdefault(one, self._blank())
            _put(buckets, view, np.flatnonzero(base[frame] == one), above[frame])
        ended = view.exit_row != NEVER
        for gone in view.frames[ended].tolist():
            self._live.pop(gone, None)
        # Of frames older than the chunk, the parents of orphans have ended already.
        stays = len(view.older) + np.flatnonzero(~ended[len(view.older) :])
        facts = (column[stays].tolist() for column in (view.frames, base, above))
        self._live.update((frame, _Height(*height)) for frame, *height in zip(*facts, strict=True))

    def merge(self, later: Self) -> None:
        self.buckets.merge(later.buckets)
        for base, buckets in later._strange.items():
            mine = self._height(base)
            lifted = copy.deepcopy(buckets)
            reached = buckets["lowest"] != LEAST.neutral
            for name in ("lowest", "highest"):
                lifted[name][reached] += mine.above
            if mine.base == _KNOWN:
                self.buckets.pour(lifted)
            else:
                self._strange.setdefault(mine.base, self._blank()).merge(lifted)
        # Whatever is alive after the later piece is known to it.
        live = {}
        for frame, height in later._live.items():
            mine = self._height(height.base) if height.base != _KNOWN else _Height(_KNOWN, 0)
            live[frame] = _Height(mine.base, mine.above + height.above)
        self._live = live

    def _height(self, frame: int) -> _Height:
        return self._live.get(frame, _Height(frame, 0))

    def _blank(self) -> Buckets:
        return Buckets(1, self._most, {"lowest": LEAST, "highest": MOST})

    def _heights(self, view: View) -> tuple[Ints, Ints]:
        """By frame index: the base and how far above it."""
        older = list(map(self._height, view.older.tolist()))
        known = np.array(older, dtype=np.int64).reshape(-1, 2)
        base = np.append(known[:, 0], np.full(len(view.new.frame), _KNOWN))
        above = np.append(known[:, 1], np.ones(len(view.new.frame), dtype=np.int64))
        # Frames stand on their parents: the way down is halved at each turn.
        below = np.append(np.full(len(older), -1), view.index_of(view.new.parent))
        late = len(older) + np.flatnonzero(view.new.first_row < view.first_row)
        orphans = late[(below[late] >= 0) & (below[late] < len(older))]
        base[orphans], above[orphans], below[orphans] = view.frames[orphans], 0, -1
        while (on := np.flatnonzero(below >= 0)).size:
            under = below[on]
            above[on] += above[under]
            base[on] = base[under]
            below[on] = below[under]
        return base, above


def _put(buckets: Buckets, view: View, stretches: Ints, height: Ints) -> None:
    """Notes the heights of some stretches of the chunk."""
    start = view.first_row + view.stretch_start[stretches]
    stop = view.first_row + np.append(view.stretch_start[1:], view.rows)[stretches]
    first, starts = buckets.split(int(start[0]), int(stop[-1]))
    # A stretch counts in each bucket that it reaches into: it is cut where buckets begin.
    edges = int(start[0]) + starts
    cut = np.searchsorted(edges, start, side="right") - 1, np.searchsorted(edges, stop, side="left")
    times = cut[1] - cut[0]
    bucket = np.repeat(cut[0], times) + np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    heights = np.repeat(height[stretches], times)
    lowest = np.full(len(starts), LEAST.neutral)
    highest = np.full(len(starts), MOST.neutral)
    np.minimum.at(lowest, bucket, heights)
    np.maximum.at(highest, bucket, heights)
    buckets.put(first, lowest=lowest, highest=highest)
