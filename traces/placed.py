"""Frames and exits on their way to the file: as columns of int64, for a call-heavy program has millions of them.

Where a table has null the columns hold -1, for a reason its index in REASONS; numbers beyond 2**63 are kept modulo
2**64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.traces import arrays
from vmtrace.traces.schema import PLACED, REASONS, TABLES

Integers = npt.NDArray[np.int64]
Columns = dict[str, Integers]


def integers(name: str, table: pa.Table) -> Columns:
    """The columns of a table of that name; ValueError for a reason that is none."""
    return {field.name: _integers(table[field.name].combine_chunks()) for field in TABLES[name]}


def _integers(column: pa.Array) -> Integers:
    if pa.types.is_dictionary(column.type):
        indices = {reason: index for index, reason in enumerate(REASONS)}
        words = column.to_pylist()
        if unknown := set(words) - indices.keys():
            raise ValueError(f"no reason for a frame to end: {unknown.pop()!r}")
        return np.array([indices[word] for word in words], np.int64)
    return arrays.numbers(column, absent=-1)


class PlacedQueue:
    """Rows of one such table that wait for their batch."""

    def __init__(self, name: str) -> None:
        self._name, self._place = name, PLACED[name]
        self._waiting: list[Columns] = []
        self.total = 0

    def add(self, columns: Columns, rows: int) -> None:
        """Takes rows; ValueError if one belongs to the first `rows` rows of the trace, which have gone."""
        places = columns[self._place]
        if not len(places):
            return
        if (first := int(places.min())) < rows:
            raise ValueError(f"{self._name} of row {first:,} come after {rows:,} rows: add them before the rows")
        self._waiting.append(columns)
        self.total += len(places)

    def take(self, stop: int | None) -> Columns | None:
        """Those that belong before row `stop` (None: all), in order of their place; None if there are none."""
        if not self._waiting:
            return None
        waiting = self._waiting[0]
        if len(self._waiting) > 1:
            waiting = {name: np.concatenate([part[name] for part in self._waiting]) for name in waiting}
        places = waiting[self._place]
        if (places[1:] < places[:-1]).any():
            order = np.argsort(places, kind="stable")
            waiting = {name: values.take(order) for name, values in waiting.items()}
            places = waiting[self._place]
        count = len(places) if stop is None else int(np.searchsorted(places, stop))
        if count < len(places):
            self._waiting = [{name: values[count:] for name, values in waiting.items()}]
        else:
            self._waiting = []
        return {name: values[:count] for name, values in waiting.items()} if count else None
