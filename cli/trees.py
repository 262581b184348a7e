"""Results that are trees: which rows to show, and in which order."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from vmtrace.analysis.dataframes import pd


def top_of_tree(frame: pd.DataFrame, key: str, parent: str, size: str, top: int) -> pd.DataFrame:
    """The `top` largest rows of a tree (0: all), each before those below it, the larger first.

    `key` and `parent` number the rows and those above them (-1: none). A row's `size` is at least that of any
    row below it, so that what is above a row that is shown is shown too.
    """
    keys, parents = frame[key].tolist(), frame[parent].tolist()
    sizes = dict(zip(keys, frame[size].tolist(), strict=True))
    below: dict[int, list[int]] = defaultdict(list)
    for one, above in zip(keys, parents, strict=True):
        below[above if above in sizes else -1].append(one)
    order: list[int] = []
    waiting = _last_first(below[-1], sizes)
    while waiting:
        one = waiting.pop()
        order.append(one)
        waiting += _last_first(below[one], sizes)
    row_of = {one: row for row, one in enumerate(keys)}
    rows = np.array([row_of[one] for one in order], dtype=np.int64)
    if top:
        largest = np.argsort(-frame[size].to_numpy()[rows], kind="stable")[:top]
        rows = rows[np.sort(largest)]
    return frame.iloc[rows]


def _last_first(rows: list[int], sizes: dict[int, int]) -> list[int]:
    """The rows with the largest at the end, and of equals the first."""
    return sorted(rows, key=sizes.__getitem__, reverse=True)[::-1]
