"""Who calls whom, and from where."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.callstack import CallStack
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Function, Program
from vmtrace.analysis.tables import by_function, percent, sorted_by

_POLY = 4  # targets: an inline cache of usual size holds them


class CallSites(Analysis):
    """The instructions that called recorded functions, with the most calls first. One row per instruction:

    function, module, filename   of the caller, see vmtrace.analysis.program.Function
    line, offset, opcode         of the instruction (line 0: unknown)
    calls                        frames created from it
    targets                      how many different functions
    shape                        "mono" (1 target), "poly" (2 to 4) or "mega" (5 or more)
    first                        the target called most often
    first_percent                of the calls: those of that target

    A call through native code (`map`, `sorted`, an operator) counts for the instruction that was executing.
    """

    name = "callsites"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.calls = CallStack(program)

    def finish(self) -> pd.DataFrame:
        program = self.program
        targets: dict[int, list[tuple[int, int]]] = defaultdict(list)  # by site: calls (negative), code
        for (site, code), count in self.calls.sites.items():
            if site >= 0:
                targets[site].append((-count, code))
        sites = np.array(sorted(targets), dtype=np.int64)
        most = [min(targets[one]) for one in sites.tolist()]
        table = by_function(program, program.site_code[sites])
        table["line"] = np.maximum(program.site_line[sites], 0)
        table["offset"] = program.site_offset[sites]
        table["opcode"] = [program.opcode_names[n] for n in program.site_opcode[sites].tolist()]
        table["calls"] = [-sum(count for count, _ in targets[one]) for one in sites.tolist()]
        table["targets"] = [len(targets[one]) for one in sites.tolist()]
        table["shape"] = np.where(table["targets"] == 1, "mono", np.where(table["targets"] <= _POLY, "poly", "mega"))
        table["first"] = [program.functions[code].function for _, code in most]
        table["first_percent"] = percent([-count for count, _ in most], table["calls"])
        return sorted_by(table, "calls", ("module", "function", "offset"))

    def edges(self) -> pd.DataFrame:
        """The call graph, the most frequent calls first. One row per pair of caller and callee:

        caller, caller_module, caller_line   name, module and first line; "" and 0 where no recorded function
                                             called
        callee, callee_module, callee_line   the same
        calls                                frames created
        caller_percent                       of all calls that the caller made
        callee_percent                       of all calls of the callee
        """
        counts: dict[tuple[int, int], int] = defaultdict(int)
        for (site, code), count in self.calls.sites.items():
            counts[int(self.program.site_code[site]) if site >= 0 else -1, code] += count
        pairs = sorted(counts)
        functions = [*self.program.functions, Function("", "", "", 0)]  # the last one for -1
        calls = np.array([counts[pair] for pair in pairs], dtype=np.int64)
        table = pd.DataFrame()
        for side, name in enumerate(("caller", "callee")):
            table[name] = [functions[pair[side]].function for pair in pairs]
            table[f"{name}_module"] = [functions[pair[side]].module for pair in pairs]
            table[f"{name}_line"] = [functions[pair[side]].line for pair in pairs]
        table["calls"] = calls
        for side, name in enumerate(("caller", "callee")):
            codes = np.array([pair[side] + 1 for pair in pairs], dtype=np.int64)
            sums = np.bincount(codes, calls, minlength=1)
            table[f"{name}_percent"] = percent(calls, sums[codes])
        return sorted_by(table, "calls", ("caller_module", "caller", "callee_module", "callee"))
