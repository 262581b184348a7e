"""One run of a reporting command: open the trace, read it once, write the answer."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from vmtrace.analysis import Analysis, Program, run
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.parallel import run_on_cores
from vmtrace.cli.answer import Answer, Facts, Origin, Table
from vmtrace.cli.formats import FORMATS, Style
from vmtrace.cli.layout import printable
from vmtrace.cli.selecting import Wanted, select
from vmtrace.cli.standby import Standby
from vmtrace.traces import Trace, open_trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLOSED_PIPE = 141  # 128 + SIGPIPE, the status of a program that a closed pipe ends


def open_for_reading(path: Path, *, empty: bool = False) -> Trace:
    """The trace; says on stderr if a part of it is missing. TraceError where it cannot be read.

    One without rows has no answers: an error too, unless `empty` will do.
    """
    if not path.exists():
        raise click.ClickException(f"{path}: no such file; `vmtrace record PROGRAM` writes a trace")
    trace = open_trace(path)
    if not trace.complete:
        notice(f"{path}: {trace.problem}")
    if not len(trace) and not empty:
        raise click.ClickException(f"{path}: no instruction was recorded, so there is nothing to report")
    return trace


def program_name(trace: Trace) -> str:
    """What the recorded program is called in titles."""
    argv = trace.info.get("argv")
    first = argv[0] if isinstance(argv, list) and argv else trace.path
    return printable(Path(str(first)).name)


class Study:
    """A trace, and the part of it that is asked about."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        """Opens the trace. TraceError where it cannot be read, ClickException where there is no such part."""
        self.trace = open_for_reading(path)
        self._wanted = wanted
        self._rows, self.program, self._span = select(self.trace, Program(self.trace), wanted)

    @property
    def name(self) -> str:
        """What the program is called in titles of plots, and which part of its run it is."""
        return program_name(self.trace) + (f" ({self._part()})" if self._wanted else "")

    def analyse(self, *analyses: Analysis) -> list[pd.DataFrame]:
        """The results of the analyses, which are of `program`, from one pass over the part (see `run`)."""
        self.run(*analyses)
        return [analysis.finish() for analysis in analyses]

    def run(self, *analyses: Analysis) -> None:
        """Lets the analyses, which are of `program`, see the part, in one pass.

        ClickException if nothing lies in it.
        """
        with Progress(len(self._span)) as progress:
            if isinstance(self._rows, Trace):
                standby = _standby()
                run_on_cores(
                    self._rows,
                    analyses,
                    self._span.start,
                    self._span.stop,
                    progress,
                    process=standby.take,
                    others=standby.others,
                )
            else:
                run(self._rows, analyses, progress=progress)
                if not self._rows.selected:
                    raise click.ClickException(f"{self.trace.path}: nothing is selected: {self._selected()}")

    def origin(self) -> Origin:
        """What the answer is about, after the pass."""
        return origin_of(self.trace, self._selected() if self._wanted else "")

    def _selected(self) -> str:
        count = len(self._span) if isinstance(self._rows, Trace) else self._rows.selected
        return f"{self._part()}: {count:,} of {len(self.trace):,} instructions"

    def _part(self) -> str:
        rows = f"rows {self._span.start:,} to {self._span.stop - 1:,}"
        parts = [self._wanted.in_words(), rows if len(self._span) < len(self.trace) else ""]
        return printable(", ".join(filter(None, parts)) or "all rows")


def _standby() -> Standby:
    """The processes that were started for this command."""
    return click.get_current_context().ensure_object(Standby)


def origin_of(trace: Trace, selected: str = "") -> Origin:
    """What an answer about a trace is about."""
    return Origin(str(trace.path), len(trace), trace.complete, trace.problem, selected)


def notice(message: str) -> None:
    """Something to know that is not the answer: one line on stderr."""
    click.echo(f"vmtrace: {' '.join(printable(message).split())}", err=True)


def answer(origins: Origin | Mapping[str, Origin], parts: Sequence[Table | Facts], format_name: str) -> None:
    """Write the answer to stdout, in one of FORMATS: about one trace, or about several by name."""
    if isinstance(origins, Origin):
        origins = {"trace": origins}
    write_out(FORMATS[format_name](Answer(origins, tuple(parts)), _style()))


def write_out(text: str) -> None:
    """Write to stdout. A reader that has seen enough (`| head`) ends the command without a word.

    ClickException where the text cannot be written.
    """
    if sys.stdout is None:  # closed by the shell: `>&-`
        raise click.ClickException("the standard output is closed")
    data = text.encode(sys.stdout.encoding or "utf-8", errors="backslashreplace")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        _drop_stdout()
        if error.errno == errno.EPIPE:
            raise SystemExit(CLOSED_PIPE) from None
        raise click.ClickException(f"cannot write to the standard output: {error.strerror}") from None


def draw(plot: Callable[[], Figure], path: Path) -> None:
    """Write a figure to a file and say so. OSError where it cannot be written."""
    from vmtrace.cli.figure import save  # brings matplotlib, which takes longer to load than most traces

    save(plot, path)
    notice(f"wrote {path}")


def _drop_stdout() -> None:
    """Let Python's flush at exit go nowhere, which would fail once more and talk about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _style() -> Style:
    if sys.stdout is None or not sys.stdout.isatty():
        return Style()
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return Style(
        width=shutil.get_terminal_size().columns,
        bold="NO_COLOR" not in os.environ,
        ellipsis="…" if unicode else "...",
    )


class Progress:
    """How far the reading is, on one line of stderr that is gone afterwards; only on a terminal."""

    PATIENCE = 0.5  # seconds before the first word: most traces are read by then
    PAUSE = 0.1  # seconds between two words

    def __init__(self, total: int) -> None:
        self._total = total
        self._next = time.monotonic() + self.PATIENCE
        self._wanted = sys.stderr is not None and sys.stderr.isatty()
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if not self._wanted or now < self._next:
            return
        self._next = now + self.PAUSE
        self._shown = True
        percent = 100 * done // max(self._total, 1)
        click.echo(f"\r{percent:3d} % of {self._total:,} instructions read", err=True, nl=False)

    def __exit__(self, *exception: object) -> None:
        if self._shown:
            click.echo("\r\033[K", err=True, nl=False)
