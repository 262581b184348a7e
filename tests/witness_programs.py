"""The programs in `tests/programs/`, each with how it is to be run.

A program is plain Python that asserts and prints. It does the same on every run: no time, no addresses, no
order of a set or of threads, the garbage collector off or called by name where destructors matter. It says
in comments how it is run and how it ends, if not plainly: `# args: …` (split as a shell does), `# exit: N`;
what it reads on standard input lies beside it, in `<name>.stdin`. A name that ends in `_312` is for Python
3.12 and later, and so on. Folders hold the packages that programs import.
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.witness import Witnessed, witness

PROGRAMS = Path(__file__).with_name("programs")


@dataclass(frozen=True)
class Program:
    path: Path
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    status: int = 0

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def command(self) -> list[str]:
        """What follows `python` on the command line."""
        return [str(self.path), *self.arguments]


def since(path: Path) -> tuple[int, int]:
    """The first Python version a program is for."""
    suffix = re.search(r"_3(\d\d)$", path.stem)
    return (3, int(suffix[1])) if suffix else (3, 11)


def read(path: Path) -> Program:
    text = path.read_text(encoding="utf-8")
    said = dict(re.findall(r"^# (args|exit): (.*)$", text, re.MULTILINE))
    given = path.with_suffix(".stdin")
    return Program(
        path,
        tuple(shlex.split(said.get("args", ""))),
        given.read_bytes() if given.exists() else b"",
        int(said.get("exit", 0)),
    )


@cache
def witnessed(program: Program) -> Witnessed:
    """What CPython says that it does: once for all tests."""
    return witness(program.command, stdin=program.stdin)


def programs(version: tuple[int, int] = sys.version_info[:2]) -> list[Program]:
    """All programs for a Python version, by name."""
    return [read(path) for path in sorted(PROGRAMS.glob("*.py")) if since(path) <= version]
