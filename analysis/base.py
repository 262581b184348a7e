"""What an analysis is, and the one pass over a trace that feeds any number of them."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar, Protocol, Self

import numpy as np
import pyarrow as pa
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Program
from vmtrace.analysis.tails import Tails
from vmtrace.analysis.view import View
from vmtrace.traces import Chunk, arrays
from vmtrace.traces.schema import EMPTY


class Source(Protocol):
    """What `run` reads from: a vmtrace.traces.Trace."""

    def __len__(self) -> int: ...

    def chunks(
        self, columns: Sequence[str] | None = None, start: int = 0, stop: int | None = None
    ) -> Iterator[Chunk]: ...


class Tally(ABC):
    """Something counted over the rows of a trace. Analyses that count the same share one tally in a pass.

    State is bounded by the size of the program and the number of live frames, never by the number of rows.
    """

    columns: ClassVar[tuple[str, ...]] = ()  # of the rows, that `update` looks at

    #: What two tallies of one class must have in common to count the same: the arguments they were made with.
    options: tuple[object, ...] = ()

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rows = 0
        self.begun = False  # whether it has counted, or been told of the frames alive at the start

    def add(self, view: View) -> None:
        """Counts the rows that follow those counted so far."""
        self.begun = True
        self.update(view)
        self.rows += view.rows

    def join(self, later: Self) -> None:
        """Takes in a tally of the rows that follow directly."""
        self.merge(later)
        self.rows += later.rows

    def follow(self, tails: Tails) -> None:  # noqa: B027  (most tallies have nothing to do)
        """Of a tally that follows the frames: where they stand is kept there from now on."""

    @abstractmethod
    def update(self, view: View) -> None: ...

    @abstractmethod
    def merge(self, later: Self) -> None:
        """Ordered and associative: any cut of a trace, merged in any bracketing, counts as one pass does."""

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        # The program, and what is derived from it, is never changed and may be large: copies go on sharing it.
        for shared in (self.program, *self.program.derived.values()):
            memo[id(shared)] = shared
        clone = object.__new__(type(self))
        clone.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return clone


class Analysis(ABC):
    """A question to a trace. Its attributes that are tallies do the counting; `finish` makes them a table.

    `finish` may be called at any time, and more than once; it changes nothing.
    """

    name: ClassVar[str]

    def __init__(self, program: Program) -> None:
        self.program = program

    @property
    def tallies(self) -> dict[str, Tally]:
        """The tallies by attribute name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Tally)}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the rows that it needs."""
        return columns_of(self.tallies.values())

    def update(self, chunk: Chunk) -> None:
        """Takes in the rows that follow those seen so far."""
        view = View(self.program, chunk)
        for tally in self.tallies.values():
            tally.add(view)

    def merge(self, later: Self) -> None:
        """Takes in an analysis of the rows that follow directly: ordered, and associative."""
        others = later.tallies
        for name, tally in self.tallies.items():
            tally.join(others[name])

    @abstractmethod
    def finish(self) -> pd.DataFrame: ...


def columns_of(tallies: Iterable[Tally]) -> tuple[str, ...]:
    return tuple(sorted({column for tally in tallies for column in tally.columns}))


def pieces(trace: Source, columns: Sequence[str], start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
    """The chunks of [start, stop), headed, in mid-trace, by one without rows: the frames alive at the start.

    Whoever feeds an analysis with a part of a trace that does not begin at row 0 must feed it that too.
    """
    if start > 0:
        alive = EMPTY["frames"]
        for chunk in trace.chunks((), 0, start):
            alive = _alive(pa.concat_tables([alive, chunk.frames]), chunk.exits)
        yield Chunk(start, 0, frames=alive)
    yield from trace.chunks(columns, start, stop)


def _alive(frames: pa.Table, exits: pa.Table) -> pa.Table:
    """The frames that have not ended."""
    if not frames.num_rows or not exits.num_rows:
        return frames
    goes_on = ~np.isin(arrays.numbers(frames["frame_id"]), arrays.numbers(exits["frame_id"]))
    return frames.take(arrays.column(np.flatnonzero(goes_on)))


def run(
    trace: Source,
    analyses: Sequence[Analysis],
    start: int = 0,
    stop: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Feeds the rows [start, stop) of a trace to all of the analyses, in one pass.

    `progress` is called with the number of rows done, now and then. TraceError if the trace is damaged.
    """
    together = Together(analyses)
    feed(trace, together.tallies, start, stop, progress)
    together.follow_alone()
    together.part()


def feed(
    trace: Source,
    tallies: Sequence[Tally],
    start: int = 0,
    stop: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """What `run` does, for tallies."""
    done = 0
    for chunk in pieces(trace, columns_of(tallies), start, stop) if tallies else ():
        view = View(tallies[0].program, chunk)
        for tally in tallies:
            tally.add(view)
        done += chunk.rows
        if progress is not None:
            progress(done)


class Together:
    """Analyses for the time of a pass: of their fresh tallies, those that would count the same are one, and where
    the frames stand is followed once for all.
    """

    def __init__(self, analyses: Sequence[Analysis]) -> None:
        self._analyses = analyses
        self._tails = Tails()
        fresh: dict[object, Tally] = {}
        used: list[Tally] = []
        for analysis in analyses:
            for name, tally in analysis.tallies.items():
                if tally.begun:
                    used.append(tally)
                else:
                    kind = (type(tally), id(tally.program), tally.options)
                    setattr(analysis, name, fresh.setdefault(kind, tally))
        self._fresh = list(fresh.values())
        self.tallies = [*used, *self._fresh]
        for tally in self._fresh:
            tally.follow(self._tails)

    def follow_alone(self) -> None:
        """Lets each tally follow the frames by itself from now on, so that merging one leaves the others alone."""
        for tally in self._fresh:
            tally.follow(copy.deepcopy(self._tails))

    def part(self) -> None:
        """Gives each analysis tallies of its own."""
        taken: set[int] = set()
        for analysis in self._analyses:
            for name, tally in analysis.tallies.items():
                if id(tally) in taken:
                    setattr(analysis, name, copy.deepcopy(tally))
                taken.add(id(tally))
