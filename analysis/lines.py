"""How often each line, and each instruction, was executed; and which never were."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from vmtrace.analysis.base import Analysis
from vmtrace.analysis.counts import SiteCounts
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.flow import Flow
from vmtrace.analysis.program import Ints, Program
from vmtrace.analysis.tables import by_function, numbered, percent


class Instructions(Analysis):
    """Every instruction of the functions that ran, in order. One row per instruction:

    function, module, filename         see vmtrace.analysis.program.Function
    line, offset, opcode, argrepr      as `dis` has them (line 0: none)
    leads                              whether a basic block begins here
    executions, self_percent           of the instruction; of all instructions of the run
    """

    name = "instructions"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.sites = SiteCounts(program)

    def finish(self) -> pd.DataFrame:
        program, counts = self.program, self.sites.counts()
        ran = np.unique(program.site_code[np.flatnonzero(counts)])
        site = np.flatnonzero(np.isin(program.site_code, ran) & (program.site_code >= 0))
        table = by_function(program, program.site_code[site])
        table["line"] = np.maximum(program.site_line[site], 0)
        table["offset"] = program.site_offset[site]
        table["opcode"] = [program.opcode_names[n] for n in program.site_opcode[site].tolist()]
        table["argrepr"] = program.argreprs_of(site)
        table["leads"] = program.site_leads[site]
        table["executions"] = counts[site]
        table["self_percent"] = percent(counts[site], self.sites.rows)
        return table

    def by_line(self) -> pd.DataFrame:
        """What Lines says of each line, but for its executions and text: from the rows alone, whatever their frames."""
        return _by_line(self.program, self.sites)

    def coverage(self) -> pd.DataFrame:
        """What never ran, by function, the least covered first (functions that did not run at all included).

        function, module, filename, line       see vmtrace.analysis.program.Function
        lines, lines_executed, lines_percent   source lines of the function; those with an instruction that ran
        sites, sites_executed, sites_percent   the same of instructions
        missing                                the lines that did not run, as in "4-6, 9"
        """
        program, ran = self.program, self.sites.counts() > 0
        site = np.flatnonzero(program.site_code >= 0)
        table = pd.DataFrame({"code": program.site_code[site], "line": program.site_line[site], "ran": ran[site]})
        by_code = table.groupby("code")["ran"].agg(["size", "sum"])
        lines = table[table["line"] > 0].groupby(["code", "line"], as_index=False)["ran"].max()
        by_line = lines.groupby("code")["ran"].agg(["size", "sum"]).reindex(by_code.index, fill_value=0)
        missed = lines[~lines["ran"]].groupby("code")["line"].agg(list)
        result = by_function(program, by_code.index.to_numpy())
        for name, part in (("lines", by_line), ("sites", by_code)):
            result[name] = part["size"].to_numpy()
            result[f"{name}_executed"] = part["sum"].to_numpy().astype(np.int64)
            result[f"{name}_percent"] = percent(part["sum"], part["size"])
        result["missing"] = [_ranges(missed.get(code, [])) for code in by_code.index]
        return result.sort_values(["sites_percent", "module", "line", "function"], kind="stable", ignore_index=True)


class Lines(Analysis):
    """The source lines of the recorded functions, those that never ran too, in the order of files and lines.

    filename, line          of the source
    executions              times that control came to the line: from another one or by a jump back (what sys.settrace
                            reports as "line" events), or at the start of a function (to the line of its `def`)
    instructions            executed
    self_percent            of all instructions of the run
    sites, sites_executed   instructions that the line was compiled to; those of them that ran
    text                    the line, if the trace has the source and it is given; else ""
    """

    name = "lines"

    def __init__(self, program: Program, sources: pd.DataFrame | pa.Table | None = None) -> None:
        """`sources`: columns filename and text, as trace.sources has them, as a DataFrame or as it is."""
        super().__init__(program)
        self._texts: dict[str, list[str]] = {}
        if sources is not None:
            columns = sources.to_pydict() if isinstance(sources, pa.Table) else sources
            for filename, text in zip(columns["filename"], columns["text"], strict=True):
                self._texts[filename] = text.splitlines()
        self.sites = SiteCounts(program)
        self.flow = Flow(program)

    def finish(self) -> pd.DataFrame:
        table = _by_line(self.program, self.sites, executions=self._arrivals(self.sites.counts()))
        table["text"] = [
            self._text(filename, line) for filename, line in zip(table["filename"], table["line"], strict=True)
        ]
        return table

    def _arrivals(self, counts: Ints) -> Ints:
        """By site: how often it was the first of its line that control came to."""
        program = self.program
        # An instruction without a line goes on with the one before it in its block.
        settled = (program.site_line > 0) | program.site_leads
        line = program.site_line[np.maximum.accumulate(np.where(settled, np.arange(program.sites), 0))]
        arrivals = counts.copy()
        # From the instruction before, in the same block and on the same line.
        same = (program.site_code[1:] >= 0) & (line[1:] == line[:-1]) & ~program.site_leads[1:]
        arrivals[1:][same] = 0
        # From elsewhere on the same line, but not by a jump back.
        site, ways = np.arange(program.sites), self.flow.ways()
        moves = [
            (site, np.minimum(site + 2, program.sites - 1), ways.fell),
            (site, program.site_target, ways.taken),
            (ways.before, ways.after, ways.times),
        ]
        for before, after, times in moves:
            stays = (times > 0) & (line[before] == line[after]) & (after > before)
            np.subtract.at(arrivals, after[stays], times[stays])
        return arrivals

    def _text(self, filename: str, line: int) -> str:
        text = self._texts.get(filename, [])
        return text[line - 1] if line <= len(text) else ""


def _by_line(program: Program, sites: SiteCounts, **of_site: Ints) -> pd.DataFrame:
    """The columns of Lines: the first two, sums of what is given by site, and those that follow from the counts."""
    counts = sites.counts()
    of_site |= {"instructions": counts, "sites": np.ones_like(counts), "sites_executed": (counts > 0).astype(np.int64)}
    filenames, file = numbered([one.filename for one in program.functions])
    site = np.flatnonzero(program.site_line > 0)
    site = site[np.lexsort((program.site_line[site], file[program.site_code[site]]))]
    place = np.stack([file[program.site_code[site]], program.site_line[site]])
    begins = np.flatnonzero((np.diff(place, prepend=-1) != 0).any(axis=0))
    table = pd.DataFrame({"filename": filenames[place[0, begins]], "line": place[1, begins]})
    for name, values in of_site.items():
        table[name] = np.add.reduceat(values[site], begins)
        if name == "instructions":
            table["self_percent"] = percent(table[name], sites.rows)
    return table


def _ranges(numbers: list[int]) -> str:
    """Sorted numbers as ranges: "4-6, 9"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
