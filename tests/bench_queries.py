"""What `bench_analysis` asks DuckDB and polars, each in the best form that was found, and how answers are compared.

All work on one thread. Both read the file as it is: DuckDB through a pyarrow dataset, of which it reads the columns
that it needs (twice as fast as a table read beforehand), polars by `scan_ipc`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset
from vmtrace.traces import open_trace

Answer = dict[Any, int]
Query = Callable[[Path], Answer]


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


def _answer(rows: list[tuple[Any, ...]]) -> Answer:
    return {key[0] if len(key) == 1 else tuple(key): count for *key, count in rows}


_Keys = tuple[str, ...]


def _columns(*names: str) -> Callable[[pd.DataFrame], Answer]:
    """Some columns of a result, the last one counts, as an answer; without zeros, which a query does not see."""
    return lambda table: _answer([row for row in table[list(names)].itertuples(index=False, name=None) if row[-1]])


def _pairs(table: pd.DataFrame) -> Answer:
    return {tuple(names.split()): count for names, count in zip(table["sequence"], table["count"], strict=True)}


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


#: By question: the analysis that answers it, what of its result is the answer, and the rivals' queries.
QUESTIONS: Mapping[str, tuple[str, Callable[[pd.DataFrame], Answer], Mapping[str, Query]]] = {
    "count opcodes": (
        "Opcodes",
        _columns("opcode", "count"),
        {
            "DuckDB": _duckdb("select opcode, count(*) from trace group by all"),
            "polars": _polars(lambda rows, _: rows.group_by("opcode").len()),
        },
    ),
    "pairs of opcodes": (
        "Pairs",
        _pairs,
        {
            "DuckDB": _duckdb(
                "select before, opcode, count(*) from (select opcode,"
                " lag(opcode) over (partition by frame_id order by row) as before"
                " from (select opcode, frame_id, row_number() over () as row from trace))"
                " where before is not null group by all"
            ),
            "polars": _polars(_lagged),
        },
    ),
    "opcodes by function": (
        "OpcodesBy",
        _columns("function", "module", "filename", "line", "opcode", "count"),
        {
            "DuckDB": _duckdb(
                "select qualname, module, filename, firstlineno, opcode, rows from (select code_id, opcode,"
                " count(*) as rows from trace group by all) join codes using (code_id)"
            ),
            "polars": _polars(_by_function),
        },
    ),
    "instructions by line": (
        "Lines",
        _columns("filename", "line", "instructions"),
        {
            "DuckDB": _duckdb(
                'select filename, line, sum(rows)::bigint from (select code_id, "offset", count(*) as rows from trace'
                ' group by all) join instructions using (code_id, "offset") join codes using (code_id) where line > 0'
                " group by all"
            ),
            "polars": _polars(_by_line),
        },
    ),
}
