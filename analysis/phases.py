"""How the mix of opcodes changes in the course of the run."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from vmtrace.analysis.base import Analysis, Tally
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tables import percent
from vmtrace.analysis.view import View

_Mixes = npt.NDArray[np.float64]  # shares of opcodes, by number, in their last axis


class OpcodesOverTime(Tally):
    """`counts[bucket, opcode]`; bucket i holds rows (first + i) * width up to (first + i + 1) * width.

    The width is the least multiple by a power of two of `least` that makes do with `most` buckets.
    """

    columns = ("opcode",)

    def __init__(self, program: Program, least: int, most: int) -> None:
        super().__init__(program)
        self._least, self._most = least, most
        self.start = self.stop = 0  # the rows seen
        self.width = least
        self.first = 0
        self.counts: Ints = np.zeros((0, 256), dtype=np.int64)

    @property
    def options(self) -> tuple[object, ...]:
        return (self._least, self._most)

    def update(self, view: View) -> None:
        if not view.rows:
            return
        self._reach(view.first_row, view.first_row + view.rows)
        first = view.first_row // self.width
        buckets = np.arange(first, (view.first_row + view.rows - 1) // self.width + 1)
        starts = np.maximum(buckets * self.width - view.first_row, 0)
        rows = np.diff(starts, append=view.rows)
        cell = np.repeat((buckets - first) * 256, rows)
        cell += view.opcode
        counts = np.bincount(cell, minlength=256 * len(buckets)).reshape(-1, 256)
        self.counts[first - self.first : first - self.first + len(buckets)] += counts

    def merge(self, later: Self) -> None:
        if len(later.counts):
            self._reach(later.start, later.stop)
            bucket = (later.first + np.arange(len(later.counts))) * later.width // self.width - self.first
            np.add.at(self.counts, bucket, later.counts)

    def _reach(self, start: int, stop: int) -> None:
        """Makes room for more rows."""
        if len(self.counts):
            start, stop = min(start, self.start), max(stop, self.stop)
        else:
            self.first = start // self.width
        width = self.width
        while (stop - 1) // width - start // width >= self._most:
            width *= 2
        first = start // width
        counts = np.zeros(((stop - 1) // width - first + 1, 256), dtype=np.int64)
        if width == self.width:
            counts[self.first - first : self.first - first + len(self.counts)] = self.counts
        else:
            np.add.at(counts, (self.first + np.arange(len(self.counts))) * self.width // width - first, self.counts)
        self.start, self.stop, self.width, self.first, self.counts = start, stop, width, first, counts


class Phases(Analysis):
    """The mix of opcodes, by equal numbers of instructions, and where it changes.

    `instructions` at least (doubled until at most 1000 parts are left) make one part of the run, one row each:

    first_row, last_row   of the trace
    instructions          rows: the first and the last part may be shorter
    change                from the part before, 0 (the same mix) to 1 (no opcode in common): the share of
                          instructions that would have to be others (total variation distance); 0 at first
    phase                 number of the phase, counted up at each change of phase
    kind                  number of the mix that the phase has; phases of one kind are alike

    A part begins another phase if its mix differs by more than `threshold` from that of the phase so far, all its
    parts together. The phase then is of the first kind whose mix (of the first part of that kind) is
    within the threshold, or of a new one.
    """

    name = "phases"

    def __init__(self, program: Program, instructions: int = 10_000, threshold: float = 0.25) -> None:
        if instructions < 1 or not 0 < threshold < 1:
            raise ValueError("phases need parts of at least one instruction and a threshold between 0 and 1")
        super().__init__(program)
        self._threshold = threshold
        self.opcodes = OpcodesOverTime(program, instructions, 1000)

    def finish(self) -> pd.DataFrame:
        counts = self.opcodes.counts
        rows = counts.sum(axis=1)
        mixes = counts / np.maximum(rows, 1)[:, None]
        phase, kind = self._phases(counts, mixes)
        last = self.opcodes.start + np.cumsum(rows) - 1
        return pd.DataFrame(
            {
                "first_row": last + 1 - rows,
                "last_row": last,
                "instructions": rows,
                "change": np.append(np.zeros(min(len(mixes), 1)), np.abs(np.diff(mixes, axis=0)).sum(axis=1) / 2),
                "phase": phase,
                "kind": kind,
            }
        )

    def phases(self) -> pd.DataFrame:
        """The phases in order. One row per phase:

        phase, kind           see finish
        first_row, last_row   of the trace
        instructions          rows
        run_percent           of the rows of the run
        opcodes               the five most frequent, with their share: "LOAD_FAST 31 %, …"
        """
        parts = self.finish()
        table = parts.groupby("phase", as_index=False).agg(
            kind=("kind", "first"),
            first_row=("first_row", "first"),
            last_row=("last_row", "last"),
            instructions=("instructions", "sum"),
        )
        table["run_percent"] = percent(table["instructions"], self.opcodes.rows)
        members = [self.opcodes.counts[parts["phase"] == phase].sum(axis=0) for phase in table["phase"]]
        table["opcodes"] = [self._most_frequent(counts) for counts in members]
        return table

    def mix(self) -> pd.DataFrame:
        """The share of each opcode, in percent, in each part: a column per opcode, the most frequent first."""
        counts = self.opcodes.counts
        sums = counts.sum(axis=0)
        order = np.argsort(-sums, kind="stable")[: np.count_nonzero(sums)]
        shares = percent(counts[:, order], counts.sum(axis=1)[:, None])
        return pd.DataFrame(shares, columns=[self.program.opcode_names[n] for n in order.tolist()])

    def _phases(self, counts: Ints, mixes: _Mixes) -> tuple[Ints, Ints]:
        phase, kind = np.zeros(len(counts), dtype=np.int64), np.zeros(len(counts), dtype=np.int64)
        leaders: list[int] = []  # of each kind, the part that it began with
        begin = 0
        for part in range(len(counts)):
            so_far = counts[begin:part].sum(axis=0)
            if part and _distance(mixes[part], so_far / so_far.sum()) <= self._threshold:
                phase[part], kind[part] = phase[part - 1], kind[part - 1]
                continue
            phase[part], begin = phase[part - 1] + 1 if part else 0, part
            away = [_distance(mixes[part], mixes[leader]) for leader in leaders]
            alike = [n for n, distance in enumerate(away) if distance <= self._threshold]
            kind[part] = alike[0] if alike else len(leaders)
            if not alike:
                leaders.append(part)
        return phase, kind

    def _most_frequent(self, counts: Ints) -> str:
        order = np.argsort(-counts, kind="stable")[:5]
        names = self.program.opcode_names
        return ", ".join(f"{names[n]} {100 * counts[n] / counts.sum():.0f} %" for n in order.tolist() if counts[n])


def _distance(one: _Mixes, other: _Mixes) -> float:
    return float(np.abs(one - other).sum() / 2)
