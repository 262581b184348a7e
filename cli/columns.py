"""What a column of a result is, and how one of its values is written for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from vmtrace.analysis.dataframes import pd
from vmtrace.cli.layout import printable


class Kind(Enum):
    """What the values of a column are, which decides how they are written."""

    TEXT = "text"
    COUNT = "count"  # a whole number: instructions, calls, entries
    NUMBER = "number"  # a mean or another measure
    PERCENT = "percent"  # 0 to 100
    NAME = "number of a thing"  # a line, an offset, an id: never with thousands separators


@dataclass(frozen=True)
class Column:
    """A column of a result: its key in the DataFrame, JSON and CSV, and how people see it."""

    key: str
    header: str
    kind: Kind = Kind.TEXT
    indent: str | None = None  # the column that says how deep in a tree this text stands, from its least on
    spare: bool = False  # left out where the terminal is too narrow
    compose: Callable[[pd.DataFrame], list[str]] | None = None  # for people only: made from several columns


def cells(frame: pd.DataFrame, column: Column) -> list[str]:
    """The column's values as people read them, one string a row."""
    values = column.compose(frame) if column.compose else frame[column.key].tolist()
    if column.indent is None or frame.empty:
        return [cell(value, column.kind) for value in values]
    depths = (frame[column.indent] - frame[column.indent].min()).tolist()
    return ["  " * int(depth) + cell(value, column.kind) for depth, value in zip(depths, values, strict=True)]


def each_row(frame: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """Some columns of a result, row by row."""
    return zip(*(frame[name].tolist() for name in names), strict=True)


def place(frame: pd.DataFrame) -> list[str]:
    """Where in the source a row's function is, short: the file's name and the line."""
    return [f"{Path(name).name}:{line}" for name, line in each_row(frame, "filename", "line")]


def source_lines(frame: pd.DataFrame) -> list[str]:
    """Where in the source a row is, short: the file's name and the lines from first to last."""
    places = each_row(frame, "filename", "line", "end_line")
    return [f"{Path(name).name}:{lines(first, last)}" for name, first, last in places]


def lines(first: int, last: int) -> str:
    """A range of lines in words."""
    return str(first) if last <= first else f"{first}-{last}"


def cell(value: Any, kind: Kind) -> str:
    """One value as people read it; "-" where there is none."""
    if is_missing(value):
        return "-"
    match kind:
        case Kind.COUNT:
            return f"{int(value):,}"
        case Kind.NUMBER:
            return f"{float(value):,.2f}"
        case Kind.PERCENT:
            # A share that is there but rounds away must not read as none.
            return "<0.01" if 0 < value < 0.005 else f"{float(value):.2f}"
        case Kind.NAME:
            return str(int(value))
        case Kind.TEXT:
            return printable(str(value))


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, NaT, pandas' NA, or no finite number."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, float) and not math.isfinite(value)
