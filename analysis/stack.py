"""How deep the evaluation stack was."""

from __future__ import annotations

import numpy as np
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.callstack import CallStack
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.depths import DepthCounts, DepthOverTime, OpcodeDepths
from vmtrace.analysis.heights import HeightOverTime
from vmtrace.analysis.moment import Moment
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tables import by_function, percent, ratio, sorted_by


class Stack(Analysis):
    """Entries on the evaluation stack of the running frame, before each instruction, by function.

    One row per function that ran, the deepest first:

    function, module, filename, line   see vmtrace.analysis.program.Function
    instructions                       rows of the trace
    max, mean                          entries
    median, p90                        the least depth at which at least 50 % (90 %) of the rows are, entries
    """

    name = "stack"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.depths = DepthCounts(program)
        self.calls = CallStack(program)

    def finish(self) -> pd.DataFrame:
        codes = np.flatnonzero(self.depths.counts.any(axis=1))
        counts = self.depths.counts[codes]
        table = by_function(self.program, codes)
        _describe(table, counts)
        return sorted_by(table, "max", ("module", "function", "line"))

    def distribution(self) -> pd.DataFrame:
        """One row per depth up to the greatest: depth, count (rows), self_percent, cumulative_percent."""
        counts = self.depths.counts.sum(axis=0)
        table = pd.DataFrame({"depth": np.arange(len(counts)), "count": counts})
        table["self_percent"] = percent(counts, counts.sum())
        table["cumulative_percent"] = percent(np.cumsum(counts), counts.sum())
        return table

    def deepest(self) -> pd.DataFrame:
        """The stacks of frames at the moments when the evaluation stack was deepest, the running frame last.

        Three moments, of different functions: when each of the deepest three first was as deep as it ever was.

        moment                             0 for the deepest
        level                              0 for the outermost frame
        frame_id                           which activation
        function, module, filename, line   see vmtrace.analysis.program.Function
        at_line, offset, opcode            the instruction the frame had come to (line 0 if it has none)
        row, depth                         the same in each line of a moment: row of the trace, entries
        """
        deepest = self.calls.deepest
        moments = [deepest.moments[code] for code in deepest.order()]
        return pd.concat(
            [self._stack(number, moment) for number, moment in enumerate(moments)] or [self._stack(0, None)],
            ignore_index=True,
        )

    def _stack(self, number: int, moment: Moment | None) -> pd.DataFrame:
        entries = moment.entries()[::-1] if moment else []
        table = by_function(self.program, np.array([entry.code for entry in entries], dtype=np.int64))
        sites = np.array([entry.site for entry in entries], dtype=np.int64)
        known = sites >= 0
        table.insert(0, "moment", number)
        table.insert(1, "level", np.arange(len(entries)))
        table.insert(2, "frame_id", [entry.frame for entry in entries])
        table["at_line"] = np.where(known, np.maximum(self.program.site_line[sites], 0), 0)
        table["offset"] = np.where(known, self.program.site_offset[sites], 0)
        opcodes = np.where(known, self.program.site_opcode[sites], -1).tolist()
        table["opcode"] = [self.program.opcode_names[opcode] if opcode >= 0 else "" for opcode in opcodes]
        table["row"] = moment.row if moment else 0
        table["depth"] = moment.depth if moment else 0
        return table


class StackByOpcode(Analysis):
    """Entries on the evaluation stack of the running frame, before each instruction, by opcode.

    One row per opcode that was executed, the deepest first: `opcode`, and the columns of Stack from
    `instructions` on.
    """

    name = "stack-by-opcode"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.depths = OpcodeDepths(program)

    def finish(self) -> pd.DataFrame:
        opcodes = np.flatnonzero(self.depths.counts.any(axis=1))
        table = pd.DataFrame({"opcode": [self.program.opcode_names[n] for n in opcodes.tolist()]})
        _describe(table, self.depths.counts[opcodes])
        return sorted_by(table, "max", ("opcode",))


class StackOverTime(Analysis):
    """The evaluation stack in the course of the run, for plots: no extreme is lost.

    One row per bucket (at most `buckets` of them, all of one width, a power of two):

    first_row, last_row   of the trace
    min, max, mean        entries on the evaluation stack of the running frame
    frames_min,           the frame depth: frames that created one another, from the outermost one (1) to the
    frames_max            running one
    """

    name = "stack-over-time"

    def __init__(self, program: Program, buckets: int = 2000) -> None:
        super().__init__(program)
        self.depths = DepthOverTime(program, buckets)
        self.heights = HeightOverTime(program, buckets)

    def finish(self) -> pd.DataFrame:
        buckets, heights = self.depths.buckets, self.heights.buckets
        last = buckets.start + np.cumsum(buckets["rows"]) - 1
        return pd.DataFrame(
            {
                "first_row": last + 1 - buckets["rows"],
                "last_row": last,
                "min": buckets["lowest"],
                "max": buckets["highest"],
                "mean": ratio(buckets["total"], buckets["rows"]),
                "frames_min": heights["lowest"],
                "frames_max": heights["highest"],
            }
        )


def _describe(table: pd.DataFrame, counts: Ints) -> None:
    """Adds what is said of depths: `counts[row of the table, depth]`, executions."""
    table["instructions"] = counts.sum(axis=1)
    table["max"] = counts.shape[1] - 1 - (counts[:, ::-1] > 0).argmax(axis=1)
    table["mean"] = ratio(counts @ np.arange(counts.shape[1]), table["instructions"])
    table["median"] = _quantile(counts, 0.5)
    table["p90"] = _quantile(counts, 0.9)


def _quantile(counts: Ints, share: float) -> Ints:
    """By row of counts: the least column up to which at least that share of the row's sum lies."""
    sums = np.cumsum(counts, axis=1)
    return np.asarray(np.count_nonzero(sums < share * sums[:, -1:], axis=1), dtype=np.int64)
