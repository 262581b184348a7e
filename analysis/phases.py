"""How the mix of opcodes changes in the course of the run."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.base import Analysis, Tally
from vmtrace.analysis.buckets import SUM, Buckets
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tables import percent
from vmtrace.analysis.view import View

_Mixes = npt.NDArray[np.float64]  # shares of opcodes, by number, in their last axis


class OpcodesOverTime(Tally):
    """`buckets["counts"][bucket, opcode]`: rows of each opcode in the course of the run."""

    columns = ("opcode",)

    def __init__(self, program: Program, least: int, most: int) -> None:
        super().__init__(program)
        self.options = (least, most)
        self.buckets = Buckets(least, most, {"counts": SUM._replace(columns=256)})

    def update(self, view: View) -> None:
        if view.rows:
            first, starts = self.buckets.split(view.first_row, view.first_row + view.rows)
            parts = np.split(view.opcode, starts[1:])
            # The longest is what the others leave of all rows, which are counted anyway.
            longest = int(np.argmax([len(part) for part in parts]))
            counts = np.zeros((len(parts), 256), dtype=np.int64)
            for number, part in enumerate(parts):
                if number != longest:
                    counts[number] = np.bincount(part, minlength=256)
            counts[longest] = view.opcode_counts - counts.sum(axis=0)
            self.buckets.put(first, counts=counts)

    def merge(self, later: Self) -> None:
        self.buckets.merge(later.buckets)


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
    parts together; a last part of less than half the instructions never does. The phase then is of the first kind
    whose mix (of the first part of that kind) is within the threshold, or of a new one.

    ValueError for parts without instructions and for a threshold that is not between 0 and 1.
    """

    name = "phases"

    def __init__(self, program: Program, instructions: int = 10_000, threshold: float = 0.25) -> None:
        if instructions < 1 or not 0 < threshold < 1:
            raise ValueError("phases need parts of at least one instruction and a threshold between 0 and 1")
        super().__init__(program)
        self._threshold = threshold
        self.opcodes = OpcodesOverTime(program, instructions, 1000)

    def finish(self) -> pd.DataFrame:
        counts = self.opcodes.buckets["counts"]
        rows = counts.sum(axis=1)
        mixes = counts / np.maximum(rows, 1)[:, None]
        phase, kind = self._phases(counts, mixes)
        last = self.opcodes.buckets.start + np.cumsum(rows) - 1
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
        members = [self.opcodes.buckets["counts"][parts["phase"] == phase].sum(axis=0) for phase in table["phase"]]
        table["opcodes"] = [self._most_frequent(counts) for counts in members]
        return table

    def mix(self) -> pd.DataFrame:
        """The share of each opcode, in percent, in each part: a column per opcode, the most frequent first."""
        counts = self.opcodes.buckets["counts"]
        sums = counts.sum(axis=0)
        order = np.argsort(-sums, kind="stable")[: np.count_nonzero(sums)]
        shares = percent(counts[:, order], counts.sum(axis=1)[:, None])
        return pd.DataFrame(shares, columns=[self.program.opcode_names[n] for n in order.tolist()])

    def _phases(self, counts: Ints, mixes: _Mixes) -> tuple[Ints, Ints]:
        phase, kind = np.zeros(len(counts), dtype=np.int64), np.zeros(len(counts), dtype=np.int64)
        leaders: list[int] = []  # of each kind, the part that it began with
        so_far = np.zeros(counts.shape[1], dtype=np.int64)  # executions by opcode in the phase, up to the part
        for part in range(len(counts)):
            short = part == len(counts) - 1 and 2 * counts[part].sum() < self.opcodes.buckets.width
            if part and (short or _distance(mixes[part], so_far / so_far.sum()) <= self._threshold):
                phase[part], kind[part] = phase[part - 1], kind[part - 1]
                so_far += counts[part]
                continue
            phase[part], so_far = phase[part - 1] + 1 if part else 0, counts[part].copy()
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
