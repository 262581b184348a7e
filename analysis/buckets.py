"""Figures over the course of a run of any length, in boundedly many parts of equally many rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.program import Ints


class Kind(NamedTuple):
    """How a figure of several parts is made of those of each: a ufunc, and what it leaves as it is."""

    join: np.ufunc
    neutral: int
    columns: int = 0  # of figures that are several numbers each


SUM = Kind(np.add, 0)
LEAST = Kind(np.minimum, np.iinfo(np.int64).max)
MOST = Kind(np.maximum, 0)


class Buckets:
    """Bucket i holds the rows (first + i) * width up to (first + i + 1) * width of the trace.

    The width is the least multiple by a power of two of `least` that makes do with `most` buckets for the rows
    from `start` to `stop`. It only depends on these, not on how they were seen; extremes are never lost.
    """

    def __init__(self, least: int, most: int, kinds: Mapping[str, Kind]) -> None:
        self._most, self._kinds = most, dict(kinds)
        self.start = self.stop = 0
        self.width = least
        self.first = 0
        self._figures = self._blank()

    def __len__(self) -> int:
        return (self.stop - 1) // self.width - self.first + 1 if self.stop > self.start else 0

    def __getitem__(self, name: str) -> Ints:
        """A figure by bucket."""
        return self._figures[name][: len(self)]

    def split(self, start: int, stop: int) -> tuple[int, Ints]:
        """Makes room for rows that follow. Returns the bucket they begin in and the row that each further one begins
        with: the rows from `start` on that each bucket begins with, so that the first is 0."""
        self._reach(start, stop)
        buckets = np.arange(start // self.width, (stop - 1) // self.width + 1)
        return int(buckets[0]) - self.first, np.maximum(buckets * self.width - start, 0)

    def put(self, bucket: int, **figures: npt.NDArray[Any]) -> None:
        """Joins figures of consecutive buckets."""
        for name, values in figures.items():
            at = self._figures[name][bucket : bucket + len(values)]
            self._kinds[name].join(at, values, out=at, casting="unsafe")

    def merge(self, later: Buckets) -> None:
        """Takes in the buckets of rows that follow."""
        if len(later):
            self._reach(later.start, later.stop)
            self.pour(later)

    def _blank(self) -> dict[str, Ints]:
        return {
            name: np.full((self._most, kind.columns) if kind.columns else self._most, kind.neutral, dtype=np.int64)
            for name, kind in self._kinds.items()
        }

    def _reach(self, start: int, stop: int) -> None:
        if len(self):
            start, stop = min(start, self.start), max(stop, self.stop)
        width = self.width
        while (stop - 1) // width - start // width >= self._most:
            width *= 2
        if width != self.width or start // width != self.first:
            before = Buckets.__new__(Buckets)
            before.__dict__.update(self.__dict__)
            self._figures = self._blank()
            self.start, self.stop, self.width, self.first = start, stop, width, start // width
            self.pour(before)
        self.start, self.stop = start, stop

    def pour(self, other: Buckets) -> None:
        """Joins what other buckets, of the same rows or a part of them, hold; they are no wider."""
        bucket = (other.first + np.arange(len(other))) * other.width // self.width - self.first
        for name, kind in self._kinds.items():
            kind.join.at(self._figures[name], bucket, other[name])
