"""Runs programs with a fixed hash seed: unwatched, or with CPython's own account of what they execute."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vmtrace.tracer.scope import Scope
from vmtrace.tracer.witness import witness as product
from vmtrace.tracer.witness.account import Account, Code
from vmtrace.tracer.witness.outcome import Input, Outcome, run

from tests.command_line import PATIENCE


@dataclass(frozen=True)
class Run:
    """What a process left behind; a negative status is a signal's number."""

    outcome: Outcome

    @property
    def stdout(self) -> bytes:
        return bytes(self.outcome.stdout.kept)

    @property
    def stderr(self) -> bytes:
        return bytes(self.outcome.stderr.kept)

    @property
    def status(self) -> int:
        return self.outcome.status


@dataclass(frozen=True)
class Frame:
    """A frame with events, and their offsets."""

    code: Code
    thread: int
    offsets: list[int]

    @property
    def opcodes(self) -> str:
        names = dict(self.code.instructions)
        return " ".join(names[offset] for offset in self.offsets)


@dataclass(frozen=True)
class Witnessed(Run):
    account: Account

    @property
    def frames(self) -> list[Frame]:
        """In the order of their first events."""
        found: dict[int, Frame] = {}
        for numbers, offsets in self.account.raw():
            for number, offset in zip(numbers.tolist(), offsets.tolist(), strict=True):
                code, thread = int(self.account.frame_code[number]), int(self.account.frame_thread[number])
                found.setdefault(number, Frame(self.account.codes[code], thread, [])).offsets.append(offset)
        return list(found.values())


def plain(
    arguments: Sequence[str | Path],
    *,
    stdin: bytes = b"",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = PATIENCE,
) -> Run:
    """Run `python arguments…`; `environment` is put over our own. subprocess.TimeoutExpired after so many seconds."""
    given = {**os.environ, "PYTHONHASHSEED": "0", **(environment or {})}
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as copy:
        source.write(stdin)
        source.seek(0)
        return Run(
            run([sys.executable, *arguments], given, Input(source.fileno(), copy.fileno()), cwd, timeout=timeout)
        )


def witness(
    arguments: Sequence[str | Path],
    *,
    scope: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> Witnessed:
    """Run `python arguments…`, as `plain` does, and note what CPython executes in files below `scope`, and in
    text that code in these has `exec` and `eval` run.

    `scope` is the folder of the program, `arguments[0]`, unless given; `options` are those of `plain`.
    """
    program = Path(arguments[0]).absolute()
    folder = program.parent if scope is None else scope
    with tempfile.TemporaryDirectory(prefix="witness-") as place:
        given = {**os.environ, **(environment or {})}
        watching = product.environment(Path(place), Scope(str(program), str(folder)), given)
        done = plain(arguments, environment=watching, **options)
        return Witnessed(done.outcome, product.read(Path(place)))
