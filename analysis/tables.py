"""Columns that many results have, worked out the same way in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Function, Ints, Program


def percent(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """100 * part / whole, 0 where the whole is 0."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    out = np.zeros(np.broadcast_shapes(part.shape, whole.shape))
    np.divide(100.0 * part, whole, out=out, where=whole != 0)
    return out


def ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """part / whole, NaN where the whole is 0."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=out, where=whole != 0)
    return out


def sorted_by(table: pd.DataFrame, column: str, ties: Sequence[str]) -> pd.DataFrame:
    """Largest first; equal ones in the order of `ties`, so that a result never depends on chance."""
    ascending = [False] + [True] * len(ties)
    return table.sort_values([column, *ties], ascending=ascending, kind="stable", ignore_index=True)


def ranked(table: pd.DataFrame, column: str, whole: int, ties: Sequence[str] = ("opcode",)) -> pd.DataFrame:
    """Sorted by a count, with its share of the whole and the running sum of the shares added, in percent."""
    table = sorted_by(table, column, ties)
    counts: Any = table[column].to_numpy()
    table["self_percent"] = percent(counts, whole)
    table["cumulative_percent"] = percent(np.cumsum(counts), whole)
    return table


def by_function(program: Program, codes: npt.NDArray[np.integer]) -> pd.DataFrame:
    """The columns `function`, `module`, `filename` and `line` of code objects."""
    return pd.DataFrame([program.functions[code] for code in codes.tolist()], columns=list(Function._fields))


def numbered(names: Sequence[str]) -> tuple[npt.NDArray[np.object_], Ints]:
    """The different names in order, and for each name its number among them."""
    different = sorted(set(names))
    numbers = {name: number for number, name in enumerate(different)}
    return np.array(different, dtype=object), np.array([numbers[name] for name in names], dtype=np.int64)


def lines_of(program: Program, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """The first and the last source line of runs of sites, 0 where none of them has a line."""
    if not len(first):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    # reduceat's runs are [first, last + 1), then what lies between, which is left out.
    bounds = np.stack([first, last + 1], axis=1).ravel()
    nowhere = 1 << 31  # lines are narrower
    line = np.append(program.site_line, -1)
    lines = np.minimum.reduceat(np.where(line > 0, line, nowhere), bounds)[::2] % nowhere
    ends = np.maximum.reduceat(np.append(program.site_end_line, -1), bounds)[::2]
    return lines, np.maximum(ends, 0)
