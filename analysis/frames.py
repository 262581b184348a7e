"""How many frames there were."""

from __future__ import annotations

from typing import Self

import numpy as np
from vmtrace.analysis.base import Tally
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.view import View


class FrameCounts(Tally):
    """`created[code]`: frames of each code object; `threads`: the ids of the threads they began in."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.created: Ints = np.zeros(program.codes, dtype=np.int64)
        self.threads: set[int] = set()

    def update(self, view: View) -> None:
        new = view.new
        began = new.first_row >= view.first_row  # the others were alive when the piece was cut off
        self.created += np.bincount(new.code[began], minlength=len(self.created))
        self.threads.update(np.unique(new.thread).tolist())

    def merge(self, later: Self) -> None:
        self.created += later.created
        self.threads |= later.threads
