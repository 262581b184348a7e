"""The moments at which the evaluation stack was deepest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from vmtrace.analysis.moment import Moment
from vmtrace.analysis.view import View

MOST = 3  # moments that are kept


class Deepest:
    """One moment of each of the MOST functions whose evaluation stack was deepest: when it first was so deep.

    moments[code]   of functions that were equally deep, those that were so first
    """

    def __init__(self, codes: int) -> None:
        self.moments: dict[int, Moment] = {}
        # By code: only what is deeper than this can change the moments.
        self._limit = np.full(codes, -1, dtype=np.int32)

    def better(self, view: View) -> list[tuple[int, int]]:
        """What `put` is to be told of a chunk: codes, and their rows in the chunk, in the order of the rows."""
        codes, depths, _ = view.code_depths
        if not (depths > self._limit[codes]).any():
            return []
        deep = np.flatnonzero(view.stack_depth > self._limit.take(view.code_id))
        code, depth = view.code_id[deep], view.stack_depth[deep].astype(np.int64)
        order = np.lexsort((deep, -depth, code))
        best = order[np.append(True, code[order[1:]] != code[order[:-1]])]
        found = {int(code[at]): (-int(depth[at]), view.first_row + int(deep[at])) for at in best}
        chosen = sorted(found, key=lambda code: found[code])[:MOST]
        return sorted(((code, found[code][1] - view.first_row) for code in chosen), key=lambda one: one[1])

    def put(self, code: int, moment: Moment) -> None:
        """Takes in a moment that is deeper than those of the same code before."""
        self.moments[code] = moment
        if len(self.moments) > MOST:
            del self.moments[self.order()[-1]]
        self._limit[:] = self.moments[self.order()[-1]].depth if len(self.moments) == MOST else -1
        for known, one in self.moments.items():
            self._limit[known] = one.depth

    def order(self) -> list[int]:
        """The codes, the deepest first."""
        return sorted(self.moments, key=lambda code: (-self.moments[code].depth, self.moments[code].row))

    def merge(self, later: Deepest, carry: Callable[[Moment], Moment]) -> None:
        """Takes in the moments of the rows that follow, once `carry` has told what lies beneath."""
        for code in later.order():
            if code not in self.moments or later.moments[code].depth > self.moments[code].depth:
                self.put(code, carry(later.moments[code]))
