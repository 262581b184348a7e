"""Where each live frame stands, so that what a frame does next is seen to follow what it did last."""

from __future__ import annotations

import numpy as np
from vmtrace.analysis.program import Ints
from vmtrace.analysis.view import NEVER, View

#: In place of a site: the frame has begun and executed nothing yet.
BEGINS = -1
#: In place of a site: the frame is older than the rows seen so far.
UNKNOWN = -2


class Tails:
    """The last site of each live frame, carried from chunk to chunk and from piece to piece of a trace."""

    def __init__(self) -> None:
        self.last: dict[int, int] = {}  # of the live frames that are known
        self.first: dict[int, int] = {}  # of frames older than the piece: the first site seen
        self.gone: dict[int, int] = {}  # frames older than the piece that ended, and before which row

    def advance(self, view: View) -> tuple[Ints, Ints]:
        """Follows the frames through a chunk. Returns where they stood before, as sites:

        by stretch, its frame before it; by frame index, the frame before the chunk. BEGINS where it had
        executed nothing, UNKNOWN where that lies before the first chunk seen.
        """
        if self not in view.followed:
            view.followed[self] = self._advance(view)
        return view.followed[self]

    def _advance(self, view: View) -> tuple[Ints, Ints]:
        frame = view.stretch_frame
        older = view.older.tolist()
        stood = np.full(len(view.frames), BEGINS)
        stood[: len(older)] = [self.last.get(f, UNKNOWN) for f in older]
        # Frames that are announced after they began were alive when the piece was cut off.
        stood[len(older) :][view.new.first_row < view.first_row] = UNKNOWN

        by_frame = view.by_frame
        before = np.empty(len(by_frame), dtype=np.int64)
        before[1:] = view.stretch_last[by_frame[:-1]]
        leads = view.leads_frame
        before[leads] = stood[frame[by_frame[leads]]]
        came = np.empty_like(before)
        came[by_frame] = before

        for stretch in np.flatnonzero(came == UNKNOWN).tolist():
            self.first[int(view.frames[frame[stretch]])] = int(view.stretch_first[stretch])
        self._move(view, stood.copy())
        return came, stood

    def _move(self, view: View, stood: Ints) -> None:
        """Notes where the chunk leaves each frame."""
        # Where an index is repeated, the last assignment holds: the frame's last stretch.
        stood[view.stretch_frame] = view.stretch_last
        frames, exit_row = view.frames, view.exit_row
        known_before = np.arange(len(frames)) < len(view.older)
        known_before[len(view.older) :] = view.new.first_row < view.first_row
        ended = np.flatnonzero((exit_row != NEVER) & known_before)
        self._end(frames[ended].tolist(), exit_row[ended].tolist())
        stays = np.flatnonzero((exit_row == NEVER) & (stood != UNKNOWN))
        self.last.update(zip(frames[stays].tolist(), stood[stays].tolist(), strict=True))

    def _end(self, frames: list[int], rows: list[int]) -> None:
        for frame, row in zip(frames, rows, strict=True):
            began_here = frame in self.last and frame not in self.first
            self.last.pop(frame, None)
            if not began_here:
                self.gone[frame] = row

    def seam(self, later: Tails) -> list[tuple[int, int, int]]:
        """How frames go on across a seam: (frame, site before, site after), of those that are known."""
        moves = ((frame, self.last.get(frame, UNKNOWN), site) for frame, site in later.first.items())
        return [move for move in moves if move[1] != UNKNOWN]

    def merge(self, later: Tails) -> None:
        """Takes in the rows that follow."""
        for frame, site in later.first.items():
            if frame not in self.last:
                self.first.setdefault(frame, site)
        self._end(list(later.gone), list(later.gone.values()))
        self.last.update(later.last)
