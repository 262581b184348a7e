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
        self._in_order, self._last = True, -1
        self.total = 0

    def add(self, columns: Columns, rows: int) -> None:
        """Takes rows; ValueError if one belongs to the first `rows` rows of the trace, which have gone."""
        places = columns[self._place]
        if not len(places):
            return
        if (first := int(places.min())) < rows:
            raise ValueError(f"{self._name} of row {first:,} come after {rows:,} rows: add them before the rows")
        self._in_order &= int(places[0]) >= self._last and not (places[1:] < places[:-1]).any()
        self._last = int(places[-1])
        self._waiting.append(columns)
        self.total += len(places)

    def take(self, stop: int | None) -> Columns | None:
        """Those that belong before row `stop` (None: all), in order of their place; None if there are none."""
        if not self._in_order:
            self._put_in_order()
        taken: list[Columns] = []
        while self._waiting:
            first = self._waiting[0]
            places = first[self._place]
            count = len(places) if stop is None else int(np.searchsorted(places, stop))
            if count:
                taken.append({name: values[:count] for name, values in first.items()})
            if count < len(places):
                self._waiting[0] = {name: values[count:] for name, values in first.items()}
                break
            del self._waiting[0]
        return _joined(taken) if taken else None

    def _put_in_order(self) -> None:
        waiting = _joined(self._waiting)
        order = np.argsort(waiting[self._place], kind="stable")
        self._waiting = [{name: values.take(order) for name, values in waiting.items()}]
        self._in_order, self._last = True, int(self._waiting[0][self._place][-1])


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
