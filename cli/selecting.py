"""The options that pick a part of a trace: some functions, modules or threads, from here to there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

import click
from vmtrace.analysis import Program, Selection, call_rows, codes_named, thread_ids
from vmtrace.traces import Trace

F = TypeVar("F", bound=Callable[..., Any])


class Call(NamedTuple):
    """The `number`-th call (from 1) of the functions that a pattern names."""

    function: str
    number: int

    def __str__(self) -> str:
        return f"{self.function}:{self.number}"


@dataclass(frozen=True)
class Wanted:
    """What part of a trace is asked about, as the command line says it. What is not given means all."""

    functions: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()  # from 1, in the order in which they begin
    first: int | Call | None = None  # the first row, or the call that begins with it
    stop: int | Call | None = None  # the row after the last one, or the call that ends before it

    def __bool__(self) -> bool:
        return self != Wanted()

    def in_words(self) -> str:
        """As people read it, without the rows."""
        kinds = (("function", self.functions), ("module", self.modules), ("thread", self.threads))
        return ", ".join(f"{name} {' or '.join(map(str, values))}" for name, values in kinds if values)


def _rows(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int | None, int | None]:
    """A slice of rows, A:B, as of a Python list; either end may be left out."""
    if text is None:
        return None, None
    begin, colon, end = text.replace(",", "").replace("_", "").partition(":")
    if not colon or not all(number.isdecimal() for number in (begin, end) if number):
        raise click.BadParameter(f"{text} is not of the form A:B, two row numbers of which either may be left out")
    first, stop = (int(number) if number else None for number in (begin, end))
    if stop is not None and (first or 0) >= stop:
        raise click.BadParameter(f"{text} holds no row: A is the first one, B the one after the last")
    return first, stop


def _event(ctx: click.Context, param: click.Parameter, text: str | None) -> Call | None:
    """A call of a function, FUNCTION:K."""
    if text is None:
        return None
    function, colon, number = text.rpartition(":")
    if not colon:
        function, number = text, "1"
    if not function or not number.isdecimal() or int(number) < 1:
        raise click.BadParameter(f"{text} is not of the form FUNCTION:K, with K from 1")
    return Call(function, int(number))


_OPTIONS = (
    click.option("--function", "functions", multiple=True, metavar="GLOB",
                 help="Only these functions, by qualified name, or module and name: 'json.*.decode'. Repeatable."),
    click.option("--module", "modules", multiple=True, metavar="GLOB", help="Only these modules. Repeatable."),
    click.option("--thread", "threads", multiple=True, type=click.IntRange(min=1), metavar="N",
                 help="Only the N-th thread to begin, 1 is the first. Repeatable."),
    click.option("--rows", metavar="A:B", callback=_rows,
                 help="Only the rows from A to before B of the trace, counted from 0."),
    click.option("--from", "begin", metavar="FUNCTION[:K]", callback=_event,
                 help="Only from the first row of the function's K-th call on."),
    click.option("--until", "end", metavar="FUNCTION[:K]", callback=_event,
                 help="Only up to the last row of the function's K-th call. The same call for both is that call, with "
                      "all that it calls."),
)  # fmt: skip


def selection_options(command: F) -> F:
    """The options that pick a part of a trace, as `wanted`."""

    @functools.wraps(command)
    def gathered(
        *args: Any,
        functions: tuple[str, ...],
        modules: tuple[str, ...],
        threads: tuple[int, ...],
        rows: tuple[int | None, int | None],
        begin: Call | None,
        end: Call | None,
        **others: Any,
    ) -> Any:
        if rows != (None, None) and (begin or end):
            raise click.UsageError("--rows excludes --from and --until", click.get_current_context())
        first, stop = (begin, end) if begin or end else rows
        return command(*args, wanted=Wanted(functions, modules, threads, first, stop), **others)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]


def select(trace: Trace, program: Program, wanted: Wanted) -> tuple[Trace | Selection, Program, range]:
    """The part of a trace that is asked for: where to read it, the program to make analyses with, and the rows from
    first to last. ClickException where there is no such part."""
    _check_names(trace, program, wanted)
    span = range(_row(trace, program, wanted.first, 0).start, _row(trace, program, wanted.stop, len(trace)).stop)
    if span.start >= len(trace):
        raise click.ClickException(f"{trace.path}: it has no row {span.start:,}, only {len(trace):,} rows, from 0")
    if not span:
        what = f"{wanted.stop} ends before row {span.stop:,}, {wanted.first} begins with row {span.start:,}"
        raise click.ClickException(f"{trace.path}: nothing is selected: {what}")
    if not (wanted.functions or wanted.modules or wanted.threads):
        return trace, program, span
    selection = Selection(
        trace,
        program,
        functions=wanted.functions,
        modules=wanted.modules,
        threads=_threads(trace, program, wanted.threads),
        start=span.start,
        stop=span.stop,
    )
    return selection, selection.program, span


def _row(trace: Trace, program: Program, place: int | Call | None, default: int) -> range:
    """The rows of an event; of a row number, a range that begins and ends there."""
    if not isinstance(place, Call):
        row = default if place is None else place
        return range(row, min(row, len(trace)))
    rows = call_rows(trace, program, place.function, place.number)
    if rows is not None:
        return rows
    _known(trace, program, (place.function,), ())
    raise click.ClickException(f"{trace.path}: {place.function} was not called {place.number:,} times")


def _threads(trace: Trace, program: Program, numbers: Sequence[int]) -> list[int]:
    """Thread ids by number."""
    if not numbers:
        return []
    ids = thread_ids(trace, program)
    if max(numbers) > len(ids):
        there = f"there are {len(ids)}, from 1" if len(ids) > 1 else "there is one"
        raise click.ClickException(f"{trace.path}: it has no thread {max(numbers)}: {there}")
    return [ids[number - 1] for number in numbers]


def _check_names(trace: Trace, program: Program, wanted: Wanted) -> None:
    for function in wanted.functions:
        _known(trace, program, (function,), ())
    for module in wanted.modules:
        _known(trace, program, (), (module,))
    if not codes_named(program, wanted.functions, wanted.modules).any():
        raise click.ClickException(f"{trace.path}: none of the modules has such a function: {wanted.in_words()}")


def _known(trace: Trace, program: Program, functions: Sequence[str], modules: Sequence[str]) -> None:
    """Refuses a pattern that no recorded function or module matches."""
    if codes_named(program, functions, modules).any():
        return
    kind, [pattern] = ("function", functions) if functions else ("module", modules)
    names = {one.function if functions else one.module for one in program.functions}
    near = get_close_matches(pattern, sorted(names), 3)
    hint = f"; there is {', '.join(near)}" if near else ""
    raise click.ClickException(f"{trace.path}: no {kind} {pattern} was recorded{hint}")
