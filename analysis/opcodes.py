"""How often each opcode was executed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.counts import OpcodeCounts, OpcodesByCode, SiteCounts
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Program
from vmtrace.analysis.tables import by_function, numbered, percent, ranked, ratio, sorted_by


class Opcodes(Analysis):
    """Executed instructions by opcode, most frequent first. One row per opcode that was executed:

    opcode              name
    count               rows of the trace
    self_percent        of all rows
    cumulative_percent  of all rows: this opcode and those above
    """

    name = "opcodes"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.opcodes = OpcodeCounts(program)

    def finish(self) -> pd.DataFrame:
        number = np.flatnonzero(self.opcodes.counts)
        names = [self.program.opcode_names[n] for n in number.tolist()]
        table = pd.DataFrame({"opcode": names, "count": self.opcodes.counts[number]})
        return ranked(table, "count", self.opcodes.rows)


class OpcodesBy(Analysis):
    """Executed instructions by opcode within each function or module, most frequent first.

    One row per opcode and function (`by="function"`) or module (`by="module"`) that executed it:

    function, module, filename, line   see vmtrace.analysis.program.Function (by module: module alone)
    opcode, count                      name, rows of the trace
    group_percent                      of the rows of the function or module
    self_percent, cumulative_percent   of all rows: these; these and those above

    ValueError for any other `by`.
    """

    name = "opcodes-by"

    def __init__(self, program: Program, by: str = "function") -> None:
        if by not in ("function", "module"):
            raise ValueError(f"opcodes are counted by function or by module, not by {by}")
        super().__init__(program)
        self._by = by
        self.opcodes = OpcodesByCode(program)

    def finish(self) -> pd.DataFrame:
        counts = self.opcodes.counts
        if self._by == "module":
            modules, module = numbered([one.module for one in self.program.functions])
            counts = np.zeros((len(modules), 256), dtype=np.int64)
            np.add.at(counts, module, self.opcodes.counts)
            group, opcode = np.nonzero(counts)
            table = pd.DataFrame({"module": modules[group]})
        else:
            group, opcode = np.nonzero(counts)
            table = by_function(self.program, group)
        groups = list(table.columns)
        table["opcode"] = [self.program.opcode_names[n] for n in opcode.tolist()]
        table["count"] = counts[group, opcode]
        table["group_percent"] = percent(table["count"], counts.sum(axis=1)[group])
        return ranked(table, "count", self.opcodes.rows, [*groups, "opcode"])


class StaticOpcodes(Analysis):
    """What the code consists of, against what is executed. One row per opcode, most frequent first:

    opcode                        name
    count, self_percent           rows of the trace; of all rows
    static_count, static_percent  instructions in the code of the recorded functions; of all of these
    sites                         of these instructions, those that were executed
    per_site                      executions for each of them, NaN if there are none
    """

    name = "static-opcodes"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.sites = SiteCounts(program)

    def finish(self) -> pd.DataFrame:
        counts, opcode = self.sites.counts(), self.program.site_opcode
        real = opcode >= 0
        size = len(self.program.opcode_names)
        count = np.bincount(opcode[real], counts[real], minlength=size).astype(np.int64)
        static = np.bincount(opcode[real], minlength=size)
        sites = np.bincount(opcode[real & (counts > 0)], minlength=size)
        some = np.flatnonzero(static)
        table = pd.DataFrame(
            {
                "opcode": [self.program.opcode_names[n] for n in some.tolist()],
                "count": count[some],
                "self_percent": percent(count[some], self.sites.rows),
                "static_count": static[some],
                "static_percent": percent(static[some], static.sum()),
                "sites": sites[some],
                "per_site": ratio(count[some], sites[some]),
            }
        )
        return sorted_by(table, "count", ("opcode",))


def spread(results: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Opcode counts of several traces (results of Opcodes, by a label each) as one population.

    One row per opcode: opcode, count and self_percent of all traces together, then over the traces, each counting the
    same: mean_percent, sd_percent (of the sample, NaN for one trace), min_percent, max_percent; and
    percent_LABEL, the share in each trace. Most frequent first.
    """
    counts = pd.DataFrame({label: table.set_index("opcode")["count"] for label, table in results.items()})
    counts = counts.fillna(0).astype(np.int64)
    shares = 100 * counts / counts.sum()
    table = pd.DataFrame(
        {
            "opcode": counts.index,
            "count": counts.sum(axis=1).to_numpy(),
            "self_percent": percent(counts.sum(axis=1), counts.to_numpy().sum()),
            "mean_percent": shares.mean(axis=1).to_numpy(),
            "sd_percent": shares.std(axis=1).to_numpy(),
            "min_percent": shares.min(axis=1).to_numpy(),
            "max_percent": shares.max(axis=1).to_numpy(),
        }
    )
    for label in shares:
        table[f"percent_{label}"] = shares[label].to_numpy()
    return sorted_by(table, "count", ("opcode",))
