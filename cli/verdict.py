"""What `vmtrace verify` says: two runs of a program, compared and put into words."""

from __future__ import annotations

import linecache
import platform
import signal
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from vmtrace.cli.layout import display_width, pad, printable, shorten
from vmtrace.tracer.witness.account import Account, rules
from vmtrace.tracer.witness.agreement import Agreement, Difference, Event
from vmtrace.tracer.witness.agreement import compare as compare_accounts
from vmtrace.tracer.witness.outcome import Outcome, Output

VERSION = sys.version_info[:2]
LINE = 160
"""Characters of an output line that are shown."""
CELL = 100
"""Columns on the terminal that a constant, or a line of source, takes at most."""


@dataclass(frozen=True)
class Told:
    """A run: how it ended, what it executed, how long it took."""

    name: str
    outcome: Outcome
    account: Account
    seconds: float
    reported: bool = False
    """Whether it is CPython's account, which leaves out some instructions."""

    @property
    def title(self) -> str:
        return f"{self.name} {platform.python_version()}" if self.reported else self.name


@dataclass(frozen=True)
class Verdict:
    """How a comparison came out, in words that end with an empty line."""

    differs: bool
    text: str
    empty: bool = False
    """Whether there was nothing to compare, because the recording broke off before."""


def compare(expected: Told, told: Told) -> Verdict:
    """Compares events, then outputs."""
    recorded = told.account
    if expected.reported and not told.reported:
        recorded = recorded.hiding(rules(VERSION))
    found = compare_accounts(expected.account, recorded)
    outputs = _outputs(expected, told)
    if isinstance(found, Agreement) and not outputs:
        return Verdict(False, _agreement(expected, told, found), empty=bool(found.problem) and not found.events)
    lines = [f"{told.name} differs from {expected.title}"]
    if isinstance(found, Difference):
        lines += _difference(expected, told, found)
    else:
        lines += [f"  all {found.events:,} events agree, but not what the program left behind"]
    return Verdict(True, "\n".join([*lines, *outputs, ""]))


def _agreement(expected: Told, told: Told, found: Agreement) -> str:
    order = "in order" if found.threads == 1 else "each in order"
    end = f"{_size(told.outcome.stdout)} of output, {_size(told.outcome.stderr)} of errors, {_ending(told.outcome)}"
    facts = {
        "events": f"{found.events:,}, {order}",
        "frames": f"{found.frames:,} of {_count(found.codes, 'code object')} in {_count(found.threads, 'thread')}",
        "outcome": end,
        "time": f"{expected.name} {expected.seconds:.1f} s, {told.name} {told.seconds:.1f} s",
    }
    if expected.reported:
        facts["events"] += "; not compared: RESUME and the like, which CPython's tracing leaves out"
    title = f"{told.name} agrees with {expected.title}"
    if found.problem:
        title += f" as far as it was recorded ({found.problem})"
    return "\n".join([title, *(f"  {key:8} {value}" for key, value in facts.items()), ""])


def _difference(expected: Told, told: Told, found: Difference) -> list[str]:
    """The first difference between two accounts, with what came before and what came after."""
    where = f"after {found.position:,} events" if not found.in_frame else f"after {found.position:,} events of a frame"
    rows = [_row(event) for event in (*found.before, *found.left, *found.right)]
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(pad(*cell, right=False) for cell in zip(row, widths, strict=True)).rstrip() for row in rows]
    start, middle = len(found.before), len(found.before) + len(found.left)
    nothing = ["(nothing more)"]
    parts = {
        "both": lines[:start] or ["(nothing before)"],
        expected.name: lines[start:middle] or nothing,
        told.name: lines[middle:] or nothing,
    }
    said = [f"  {where}:"]
    for title, part in parts.items():
        said += [f"  {title}", *(f"    {line}" for line in part)]
    return said


def _row(event: Event) -> list[str]:
    """Place, function, frame, offset, opcode and argument, source."""
    code = event.code
    known = {offset: index for index, (offset, _) in enumerate(code.instructions)}
    index = known.get(event.offset)
    opcode = "(no instruction)" if index is None else code.instructions[index][1]
    argument, line = ("", None) if index is None else code.details[index]
    source = linecache.getline(code.filename, line).strip() if line else ""
    place = f"{Path(code.filename).name}:{line or '?'}"
    cells = place, code.qualname, f"frame {event.frame}", str(event.offset), f"{opcode} {argument}", source
    return [shorten(printable(cell), CELL, "...") for cell in cells]


def _outputs(expected: Told, told: Told) -> list[str]:
    """In what the outputs and the ends differ."""
    one, other = expected.outcome, told.outcome
    lines = []
    for name, left, right in (("output", one.stdout, other.stdout), ("errors", one.stderr, other.stderr)):
        if left != right:
            lines += _output(name, left, right, expected.name, told.name)
    if one.status != other.status:
        lines.append(f"  {expected.name}: {_ending(one)}; {told.name}: {_ending(other)}")
    return lines


def _output(name: str, left: Output, right: Output, *runs: str) -> list[str]:
    kept = [bytes(output.kept).split(b"\n") for output in (left, right)]
    pairs = enumerate(zip_longest(*kept), 1)
    number, lines = next(((n, pair) for n, pair in pairs if pair[0] != pair[1]), (0, ()))
    if not number:
        sizes = " and ".join(f"{output.length:,}" for output in (left, right))
        return [f"  the {name} differ behind the first {Output.KEPT:,} bytes, of {sizes}"]
    return [
        f"  line {number:,} of the {name}",
        *(f"    {run}: {_shown(line)}".rstrip() for run, line in zip(runs, lines, strict=True)),
    ]


def _shown(line: bytes | None) -> str:
    if line is None:
        return "(ends before)"
    text = printable(line.decode(errors="backslashreplace"))
    return text if len(text) <= LINE else f"{text[:LINE]} ... ({len(text):,} characters)"


def _ending(outcome: Outcome) -> str:
    if outcome.status >= 0:
        return f"exit status {outcome.status}"
    try:
        return f"ended by {signal.Signals(-outcome.status).name}"
    except ValueError:
        return f"ended by signal {-outcome.status}"


def _size(output: Output) -> str:
    return _count(output.length, "byte") if output.length else "nothing"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
