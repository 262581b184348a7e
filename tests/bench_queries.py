"""What `bench_analysis` asks vmtrace, DuckDB and polars: the same questions, each put in the best form that was found.

All work on one thread, on the same file, and make the same answer of their results. The rivals read the file as it is:
DuckDB through a pyarrow dataset, of which it reads the columns that it needs (twice as fast as a table read
beforehand), polars by `scan_ipc`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset
from vmtrace.analysis import Analysis, Instructions, Opcodes, OpcodesBy, Pairs, Program, StackByOpcode, parallel
from vmtrace.traces import open_trace

Answer = dict[Any, Any]  # the last column by the others
Query = Callable[[Path], Answer]
Rows = Iterable[tuple[Any, ...]]


def _ours(make: Callable[[Program], Analysis], rows: Callable[[Any], Rows]) -> Query:
    """An analysis, and what rows of its result are the answer."""

    def query(path: Path) -> Answer:
        trace = open_trace(path)
        analysis = make(Program(trace))
        parallel.run_on_cores(trace, [analysis])
        return _answer(rows(analysis))

    return query


def _duckdb(sql: str) -> Query:
    """A query whose last column is a count, as a function of the trace; `instructions` and `codes` are tables."""

    def query(path: Path) -> Answer:
        with duckdb.connect(config={"threads": 1}) as connection:
            trace = open_trace(path)
            connection.register("trace", pyarrow.dataset.dataset(path, format="arrow"))
            connection.register("instructions", trace.instructions)
            connection.register("codes", trace.codes)
            return _answer(connection.execute(sql).fetchall())

    return query


def _polars(make: Callable[[pl.LazyFrame, Path], pl.LazyFrame]) -> Query:
    def query(path: Path) -> Answer:
        return _answer(make(pl.scan_ipc(path), path).collect().rows())

    return query


def _answer(rows: Rows) -> Answer:
    return {key[0] if len(key) == 1 else tuple(key): count for *key, count in rows}


def _rows(table: pd.DataFrame, *names: str) -> Rows:
    """Some columns of a table, row by row."""
    return zip(*(table[name].tolist() for name in names), strict=True)


def _lines(analysis: Instructions) -> Rows:
    table = analysis.by_line()
    # Lines that never ran are none that a query sees.
    return _rows(table[table["instructions"] > 0], "filename", "line", "instructions")


def _pairs(analysis: Pairs) -> Rows:
    return ((*names.split(), count) for names, count in _rows(analysis.finish(), "sequence", "count"))


def _by_function(rows: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    codes = pl.from_arrow(open_trace(path).codes)
    counts = rows.group_by("code_id", "opcode").len().join(codes.lazy(), on="code_id")
    return counts.select("qualname", "module", "filename", pl.col("firstlineno").cast(pl.Int64), "opcode", "len")


def _by_line(rows: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    trace = open_trace(path)
    instructions, codes = (pl.from_arrow(table).lazy() for table in (trace.instructions, trace.codes))
    counts = rows.group_by("code_id", "offset").len()
    placed = counts.join(instructions.select("code_id", "offset", "line"), on=["code_id", "offset"])
    named = placed.filter(pl.col("line") > 0).join(codes.select("code_id", "filename"), on="code_id")
    return named.group_by("filename", "line").agg(pl.col("len").sum())


def _lagged(rows: pl.LazyFrame, _: Path) -> pl.LazyFrame:
    before = pl.col("opcode").shift().over("frame_id").alias("before")
    return rows.select(before, "opcode").drop_nulls().group_by("before", "opcode").len()


def _depths(rows: pl.LazyFrame, _: Path) -> pl.LazyFrame:
    return rows.group_by("opcode").agg(pl.len(), pl.col("stack_depth").max())


#: By question: who is asked, and how.
QUESTIONS: Mapping[str, Mapping[str, Query]] = {
    "count opcodes": {
        "vmtrace": _ours(Opcodes, lambda opcodes: _rows(opcodes.finish(), "opcode", "count")),
        "DuckDB": _duckdb("select opcode, count(*) from trace group by all"),
        "polars": _polars(lambda rows, _: rows.group_by("opcode").len()),
    },
    "pairs of opcodes": {
        "vmtrace": _ours(Pairs, _pairs),
        "DuckDB": _duckdb(
            "select before, opcode, count(*) from (select opcode,"
            " lag(opcode) over (partition by frame_id order by row) as before"
            " from (select opcode, frame_id, row_number() over () as row from trace))"
            " where before is not null group by all"
        ),
        "polars": _polars(_lagged),
    },
    "opcodes by function": {
        "vmtrace": _ours(
            OpcodesBy,
            lambda opcodes: _rows(opcodes.finish(), "function", "module", "filename", "line", "opcode", "count"),
        ),
        "DuckDB": _duckdb(
            "select qualname, module, filename, firstlineno, opcode, rows from (select code_id, opcode,"
            " count(*) as rows from trace group by all) join codes using (code_id)"
        ),
        "polars": _polars(_by_function),
    },
    "instructions by line": {
        "vmtrace": _ours(Instructions, _lines),
        "DuckDB": _duckdb(
            'select filename, line, sum(rows)::bigint from (select code_id, "offset", count(*) as rows from trace'
            ' group by all) join instructions using (code_id, "offset") join codes using (code_id) where line > 0'
            " group by all"
        ),
        "polars": _polars(_by_line),
    },
    "stack depth by opcode": {
        "vmtrace": _ours(StackByOpcode, lambda stack: _rows(stack.finish(), "opcode", "instructions", "max")),
        "DuckDB": _duckdb("select opcode, count(*), max(stack_depth) from trace group by all"),
        "polars": _polars(_depths),
    },
}
