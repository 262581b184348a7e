"""`vmtrace verify`: hold what the engines record of a program against what CPython itself says that it executes."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from vmtrace.cli import verdict
from vmtrace.cli.become import check, command_line, facts, python
from vmtrace.cli.options import form, program_options
from vmtrace.cli.request import ENGINES, Request
from vmtrace.cli.session import write_out
from vmtrace.cli.verdict import Told
from vmtrace.tracer.errors import VMError
from vmtrace.tracer.witness import witness
from vmtrace.tracer.witness.account import Account, from_trace
from vmtrace.tracer.witness.outcome import Input, Outcome, run
from vmtrace.traces import TraceError, open_trace

AGREED, DIFFERED, MISUSED, UNDECIDED = range(4)
HASH_SEED = "0"
HIGH_DESCRIPTOR = 150
PATIENCE = 20.0
"""Seconds that the end of a trace is waited for after the program."""
OURS = b"vmtrace: error: "


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--engine",
    "engines",
    type=click.Choice([*ENGINES, "all"]),
    multiple=True,
    default=["vm"],
    show_default=True,
    help="Whose recording to verify, as for record. Repeatable; several are held against each other, too.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the traces in this folder, as ENGINE.arrow.",
)
@program_options
def verify(
    engines: Sequence[str],
    keep: Path | None,
    module: bool,
    command: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    program: str,
    arguments: tuple[str, ...],
) -> int:
    """Run PROGRAM with ARGUMENTS under CPython's own instruction tracing and on an engine, and compare.

    What must be equal: standard output, standard error, exit status, and every executed instruction of every frame,
    in order. The answer is either what agreed, or the first difference with what was executed before and after it.
    The program runs once for each engine and once for CPython, with the same input (none, if that is a terminal) and
    PYTHONHASHSEED=0 unless it is set. Where something differs, CPython runs it once more: a program that does not
    repeat itself cannot be compared.

    \b
    Exit status:
      0  they agree                      2  bad usage, or no such program
      1  they differ                     3  it cannot be told: the program does not
                                            repeat itself, or nothing was recorded

    \b
    Examples:
      vmtrace verify prog.py ARGUMENTS
      vmtrace verify --engine all -m package.tool < data.csv
    """
    names = list(dict.fromkeys(name for given in engines for name in (ENGINES if given == "all" else [given])))
    request = Request(
        form=form(module, command),
        program=program,
        arguments=arguments,
        include=include,
        exclude=exclude,
        engine="",
        sources=True,
        quiet=True,
        path="",
        shown="",
        next="",
        facts=facts(),
    )
    if sys.flags.ignore_environment or sys.flags.no_site:
        raise _Misuse("CPython's account is taken through the environment: run vmtrace without python's -E, -I and -S")
    with tempfile.TemporaryDirectory(prefix="vmtrace-verify-") as place:
        if keep is not None:
            _make_place(keep, names)
        return _Verification(request, Path(place), keep).decide(names)


class _Misuse(click.ClickException):
    exit_code = MISUSED


def _make_place(keep: Path, names: Sequence[str]) -> None:
    """Sees to it that the traces can be kept."""
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _Misuse(f"cannot make {keep}: {error.strerror}") from None
    for name in names:
        if (keep / f"{name}.arrow").exists():
            raise _Misuse(f"{keep / name}.arrow exists; name another folder")


class _Verification:
    """The runs of one program, and what came of them."""

    def __init__(self, request: Request, place: Path, keep: Path | None) -> None:
        """`place`: an empty folder; `keep`: where traces are to stay. _Misuse if there is no such program."""
        try:
            with warnings.catch_warnings(action="ignore"):
                self._scope = request.scope(check(request))
        except VMError as error:
            raise _Misuse(str(error)) from None
        self._request = request
        self._place = place
        self._keep = keep or place
        self._given = {"PYTHONHASHSEED": HASH_SEED, **os.environ}
        if self._given["PYTHONHASHSEED"] == "random":
            self._given["PYTHONHASHSEED"] = HASH_SEED
        self._input = Input(_standard_input(), os.open(place / "stdin", os.O_RDWR | os.O_CREAT, 0o600))

    def decide(self, names: Sequence[str]) -> int:
        """Runs, compares, writes the answer. Returns the exit status."""
        watched = self._watched("1")
        recorded: list[Told] = []
        answers: list[str] = []
        status = AGREED
        for name in names:
            told = self._recorded(name)
            for other in (watched, *recorded):
                with _saying(f"comparing {name} with {other.name}"):
                    found = verdict.compare(other, told)
                if found.differs and other is watched and (answer := self._not_repeated(watched)):
                    write_out("\n".join([*answers, answer]))
                    return UNDECIDED
                answers.append(found.text)
                status = UNDECIDED if found.empty else status
                if found.differs:
                    write_out("\n".join(answers))
                    return DIFFERED
            recorded.append(told)
        write_out("\n".join(answers))
        return status

    def _not_repeated(self, watched: Told) -> str | None:
        """In what CPython differs from itself, in words; None if it does not."""
        again = replace(self._watched("2"), name="CPython again")
        found = verdict.compare(watched, again)
        if not found.differs:
            return None
        return f"the program does not repeat itself, so that an engine's recording cannot be judged\n{found.text}"

    def _watched(self, number: str) -> Told:
        """A run under CPython's own tracing."""
        folder = self._place / f"witness-{number}"
        folder.mkdir()
        request = self._request
        words = {"file": [], "module": ["-m"], "command": ["-c"]}[request.form]
        command = [*python(), *words, request.program, *request.arguments]
        given = witness.environment(folder, self._scope, self._given)
        outcome, seconds = self._run("CPython", command, given)
        try:
            account = witness.read(folder)
        except FileNotFoundError:
            last = outcome.stderr.kept.decode(errors="replace").strip().rpartition("\n")[2]
            raise click.ClickException(f"CPython ended before the program began: {last}") from None
        return Told("CPython", outcome, account, seconds, reported=True)

    def _recorded(self, engine: str) -> Told:
        """A run on an engine."""
        path = self._keep / f"{engine}.arrow"
        request = replace(self._request, engine=engine, path=str(path.absolute()), shown=str(path))
        alive, held = _high_pipe()
        try:
            outcome, seconds = self._run(engine, command_line(request), self._given, held)
        finally:
            os.close(held)
        # A program that is killed leaves the process behind that writes down what it noted, and that has the pipe, too.
        with open(alive, "rb"):
            select.select([alive], [], [], PATIENCE)
        account = _account(path, outcome)
        if isinstance(account, str):
            raise click.ClickException(f"{engine} did not run it: {account}")
        return Told(engine, outcome, account, seconds)

    def _run(
        self, name: str, command: Sequence[str], environment: dict[str, str], *inherited: int
    ) -> tuple[Outcome, float]:
        with _saying(f"running on {name}"):
            start = time.perf_counter()
            outcome = run(command, environment, self._input, inherited=inherited)
            return outcome, time.perf_counter() - start


def _high_pipe() -> tuple[int, int]:
    """A pipe whose second end has a number that is none of those that a program gets for its own files."""
    reader, low = os.pipe()
    try:
        return reader, fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR)
    finally:
        os.close(low)


def _account(path: Path, outcome: Outcome) -> Account | str:
    """What was recorded; if nothing was, why not."""
    last = outcome.stderr.kept.rstrip().rpartition(b"\n")[2]
    if last.startswith(OURS) and outcome.status == 1:
        complaint = last.removeprefix(OURS).decode(errors="replace")
    else:
        complaint = ""
    try:
        trace = open_trace(path)
    except (TraceError, OSError) as error:
        return complaint or str(error)
    if complaint and not trace.complete:
        return complaint
    return from_trace(trace)


def _standard_input() -> int | None:
    return None if sys.stdin is None or sys.stdin.isatty() else sys.stdin.fileno()


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """Tells what takes so long, where somebody is looking."""
    looking = sys.stderr is not None and sys.stderr.isatty()
    if looking:
        click.echo(f"\r\033[Kvmtrace: {what} ...", err=True, nl=False)
    try:
        yield
    finally:
        if looking:
            click.echo("\r\033[K", err=True, nl=False)
