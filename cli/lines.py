"""`vmtrace lines`: the source, the bytecode, and what never ran, with how often each was executed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Instructions, Lines
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.answer import Table
from vmtrace.cli.columns import Column, Kind, place
from vmtrace.cli.options import FOR_PEOPLE, ROWS, format_option, plot_option, rows_to_show, trace_argument
from vmtrace.cli.selecting import Wanted, selection_options
from vmtrace.cli.session import Study, answer, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SOURCE = (
    Column("executions", "executions", Kind.COUNT),
    Column("instructions", "instructions", Kind.COUNT),
    Column("self_percent", "self %", Kind.PERCENT),
)
LINE_COLUMNS = (*_SOURCE, Column("line", "line", Kind.NAME), Column("text", "source"))
HOT_COLUMNS = (
    *_SOURCE,
    Column("place", "line", compose=place),
    Column("text", "source", compose=lambda frame: [text.strip() for text in frame["text"].tolist()]),
)
INSTRUCTION_COLUMNS = (
    Column("executions", "executions", Kind.COUNT),
    Column("self_percent", "self %", Kind.PERCENT),
    Column("line", "line", Kind.NAME),
    Column("leads", "", compose=lambda frame: [">>" if leads else "" for leads in frame["leads"].tolist()]),
    Column("offset", "offset", Kind.NAME),
    Column("opcode", "opcode"),
    Column("argrepr", "argument"),
)
COVERAGE_COLUMNS = (
    Column("lines_percent", "lines %", Kind.PERCENT),
    Column("sites_percent", "instr. %", Kind.PERCENT),
    Column("lines", "lines", Kind.COUNT),
    Column("sites", "instructions", Kind.COUNT),
    Column("function", "function"),
    Column("place", "source", compose=place),
    Column("missing", "never ran"),
)


def hottest_table(result: pd.DataFrame, top: int) -> Table:
    """The lines that executed most instructions."""
    ran = result[result["instructions"] > 0]
    hottest = ran.sort_values("instructions", ascending=False, kind="stable")
    return Table.top("lines", "Source lines by executed instructions", hottest, HOT_COLUMNS, top)


def figure(result: pd.DataFrame, program: str) -> Figure:
    """A bar for each line in the order of the result."""
    from vmtrace.cli.bars import ranked_bars, share_bars

    texts = zip(place(result), result["text"].tolist(), strict=True)
    bars = share_bars(result, (f"{where}  {text.strip()}" for where, text in texts), count="executions")
    title = f"Source lines of {program}, with their executions"
    return ranked_bars(bars, title=title, x_label="share of executed instructions (%)")


def source_tables(result: pd.DataFrame, texts: Mapping[str, str], whole: bool) -> list[Table]:
    """Every file as a table for people, with the lines that have no code too if the text is there: those of the whole
    file, or from the first to the last line with code."""
    tables = []
    for filename, lines in result.groupby("filename", sort=False):
        text = [line.expandtabs() for line in texts.get(str(filename), "").splitlines()]
        numbers = lines["line"].tolist()
        if text:
            numbers = list(range(1, len(text) + 1) if whole else range(numbers[0], numbers[-1] + 1))
        shown = lines.set_index("line").reindex(numbers).rename_axis("line").reset_index()
        # A file may have become shorter than its code says.
        shown["text"] = [text[number - 1] if number <= len(text) else "" for number in numbers]
        tables.append(Table("lines", str(filename), shown, LINE_COLUMNS))
    return tables


def instruction_tables(result: pd.DataFrame) -> list[Table]:
    """Every function that ran as a table for people."""
    tables = []
    for _, rows in result.groupby((result["offset"] == 0).cumsum(), sort=False):
        first = rows.iloc[0]
        title = f"{first['function']} in {first['filename']}"
        tables.append(Table("instructions", title, rows, INSTRUCTION_COLUMNS))
    return tables


@click.command()
@trace_argument
@click.option("--disassembly", "what", flag_value="disassembly", help="Show the instructions of what ran instead.")
@click.option("--coverage", "what", flag_value="coverage", help="Show what never ran, by function, instead.")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show the N lines that execute most, or the N functions covered least, in that order, 0 for all.",
)
@format_option
@plot_option("the lines that execute most as bars")
@selection_options
def lines(
    trace_path: Path,
    wanted: Wanted,
    what: str | None,
    top: int | None,
    format_name: str,
    plot_path: Path | None,
) -> None:
    """Show the source, with how often each line was executed.

    "executions" counts the times that control came to a line, "instructions" what it executed; "-" marks a
    line without code. The source comes from the trace. With --disassembly the same for each instruction of
    the functions that ran (">>" begins a basic block); with --coverage the lines and instructions of each
    function that never ran, the least covered function first.
    TRACE is the file that `vmtrace record` wrote, trace.arrow unless named.

    \b
    Examples:
      vmtrace lines | less
      vmtrace lines --top 10
      vmtrace lines --disassembly
      vmtrace lines --coverage
      vmtrace lines --plot lines.pdf
    """
    if what == "disassembly" and top is not None:
        raise click.UsageError("--disassembly and --top exclude each other", click.get_current_context())
    if what and plot_path:
        raise click.UsageError(f"--{what} and --plot exclude each other", click.get_current_context())
    study = Study(trace_path, wanted)
    if what:
        parts = _of_instructions(study, what, top, format_name)
        answer(study.origin(), parts, format_name)
        return
    sources = study.trace.sources.to_pandas()
    [result] = study.analyse(Lines(study.program, sources))
    if plot_path:
        shown = hottest_table(result, ROWS if top is None else top).frame
        draw(lambda: figure(shown, study.name), plot_path)
    if top is not None:
        parts = [hottest_table(result, top)]
    elif format_name in FOR_PEOPLE:
        texts = dict(zip(sources["filename"].tolist(), sources["text"].tolist(), strict=True))
        parts = source_tables(result, texts, whole=not wanted.functions)
    else:
        parts = [Table("lines", "Source lines", result, LINE_COLUMNS)]
    answer(study.origin(), parts, format_name)


def _of_instructions(study: Study, what: str, top: int | None, format_name: str) -> list[Table]:
    """The disassembly or the coverage."""
    analysis = Instructions(study.program)
    study.run(analysis)
    if what == "coverage":
        title = "Functions by the share of their code that ran"
        rows = rows_to_show(top, format_name)
        return [Table.top("coverage", title, analysis.coverage(), COVERAGE_COLUMNS, rows)]
    if format_name in FOR_PEOPLE:
        return instruction_tables(analysis.finish())
    return [Table("instructions", "Instructions", analysis.finish(), INSTRUCTION_COLUMNS)]
