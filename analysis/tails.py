"""Where each live frame stands, so that what a frame does next is seen to follow what it did last."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.program import Ints
from vmtrace.analysis.view import NEVER, View

#: In place of a site: the frame has begun and executed nothing yet.
BEGINS = -1
#: In place of a site: the frame is older than the rows seen so far.
UNKNOWN = -2


class Moves(NamedTuple):
    """From where to where control moved within frames, as sites: each different move once, with its number.

    before    where the frame stood, perhaps BEGINS or UNKNOWN
    after     where it went on
    times     how often
    of_span   for each span of the chunk: the number of the move that led to it
    """

    before: Ints
    after: Ints
    times: Ints
    of_span: Ints


class Steps(NamedTuple):
    """Where frames stood before what they do in a chunk, as sites: BEGINS where a frame had executed nothing, UNKNOWN
    where that lies before the first chunk seen.

    came    by stretch, its frame before it
    stood   by frame index, the frame before the chunk
    """

    came: Ints
    stood: Ints


def _moves(view: View, came: Ints) -> Moves:
    after = view.span_first
    before = np.empty(len(after), dtype=np.int32)
    before[1:] = view.span_last[:-1]
    before[view.stretch_span] = came
    before -= UNKNOWN
    sites = view.program.sites
    few = (sites - UNKNOWN) * sites <= len(after)  # then they need not be made fewer
    from_rank, froms = (before, np.arange(sites - UNKNOWN)) if few else _ranked(before, sites - UNKNOWN)
    to_rank, tos = (after, np.arange(sites)) if few else _ranked(after, sites)
    key = from_rank * len(tos)
    key += to_rank
    cells = len(froms) * len(tos)
    if cells <= 4 * len(key) + 1024:
        in_cell = np.bincount(key, minlength=cells)
        different = np.flatnonzero(in_cell)
        times = in_cell[different]
        number = np.zeros(cells, dtype=np.int64)
        number[different] = np.arange(len(different))
        of_span = number.take(key)
    else:
        different, of_span, times = np.unique(key, return_inverse=True, return_counts=True)
    before_rank, after_rank = np.divmod(different, max(len(tos), 1))
    return Moves(froms[before_rank] + UNKNOWN, tos[after_rank], times, of_span)


def _ranked(values: npt.NDArray[np.int32], size: int) -> tuple[Ints, Ints]:
    """For numbers below a size: which of the different ones each is, and these in order."""
    there = np.zeros(size, dtype=bool)
    there[values] = True
    different = np.flatnonzero(there)
    rank = np.zeros(size, dtype=np.int64)
    rank[different] = np.arange(len(different))
    return rank.take(values), different


class Tails:
    """The last site of each live frame, carried from chunk to chunk and from piece to piece of a trace."""

    def __init__(self) -> None:
        self.last: dict[int, int] = {}  # of the live frames that are known
        self.first: dict[int, int] = {}  # of frames older than the piece: the first site seen
        self.gone: dict[int, int] = {}  # frames older than the piece that ended, and before which row

    def advance(self, view: View) -> Steps:
        """Follows the frames through a chunk; for all that ask with the same view, once."""
        return view.worked_out((self, "steps"), lambda: self._advance(view))

    def moves(self, view: View) -> Moves:
        """The moves to the spans of the chunk. There are many spans, but few different moves: what is static about
        a move is looked up for these."""
        came = self.advance(view).came
        return view.worked_out((self, "moves"), lambda: _moves(view, came))

    def _advance(self, view: View) -> Steps:
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
        return Steps(came, stood)

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
