"""CPython's own tests on an engine: each module of the `test` package is run natively and recorded, and compared.

`python -m tests.cpython_tests [MODULE…] [--engine vm|check|native] [--json FILE]` runs the language's test modules, or
those named, on the Python that runs it. Either run is a process of its own (`cpython_driver`); in the recorded one the
test module is traced (`--include`), into a file that is then removed. A method that passes natively counts, and has to
pass on the engine. One that does not has its reason in `cpython_exceptions.toml`, or is shown as UNEXPLAINED; what
stands there and passes is shown as stale. The status is 0 if at least 99 % pass of all modules' methods together, and
nothing is unexplained.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.command_line import SOURCES

DRIVER = Path(__file__).with_name("cpython_driver.py")
REASONS = Path(__file__).with_name("cpython_exceptions.toml")
VERSION = ".".join(map(str, sys.version_info[:2]))
ENOUGH = 0.99

LANGUAGE = (
    "grammar", "scope", "generators", "genexps", "coroutines", "asyncgen", "exceptions", "exception_variations",
    "except_star", "raise", "with", "contextlib", "contextlib_async", "class", "super", "metaclass", "descr",
    "property", "decorators", "funcattrs", "call", "extcall", "keywordonlyarg", "positional_only_arg", "unpack",
    "unpack_ex", "augassign", "compare", "contains", "iter", "listcomps", "setcomps", "dictcomps", "named_expressions",
    "patma", "fstring", "dataclasses", "enum", "functools", "types", "typing", "type_params", "generator_stop",
    "yield_from",
)  # fmt: skip
"""The modules that test the language; a version may not have them all (`yield_from` is PEP 380's)."""


@dataclass(frozen=True)
class Ended:
    """How the run of a test module ended."""

    outcomes: dict[str, str]
    """By method: passed, failed or skipped."""
    details: dict[str, str]
    """By method that failed: what is known of it."""
    note: str = ""
    """How the process ended, if not well."""


@dataclass
class Compared:
    """A module's outcomes natively and on an engine."""

    module: str
    native: Ended
    engine: Ended
    reasons: dict[str, str] = field(default_factory=dict)
    """By method: why it does not pass on the engine."""

    @property
    def passing(self) -> list[str]:
        """The methods that pass natively."""
        return [method for method, outcome in self.native.outcomes.items() if outcome == "passed"]

    @property
    def failing(self) -> list[str]:
        """Those of them that do not on the engine."""
        return [method for method in self.passing if self.engine.outcomes.get(method) != "passed"]

    @property
    def unexplained(self) -> list[str]:
        return [method for method in self.failing if method not in self.reasons]

    @property
    def stale(self) -> list[str]:
        """Methods that have a reason for not passing, and pass, or are not there."""
        return [method for method in self.reasons if method not in self.failing]

    @property
    def share(self) -> float:
        """Of the methods that pass natively, how many pass on the engine."""
        return 1 - len(self.failing) / len(self.passing) if self.passing else 0.0


def good(modules: Sequence[Compared]) -> bool:
    """Whether enough pass on the engine, of all modules together, and nothing is unexplained."""
    passing, failing = sum(len(c.passing) for c in modules), sum(len(c.failing) for c in modules)
    return passing - failing >= max(1, ENOUGH * passing) and not any(c.unexplained for c in modules)


def run(module: str, engine: str | None, timeout: float) -> Ended:
    """Runs a test module natively (None) or on an engine."""
    with tempfile.TemporaryDirectory(prefix="cpython-tests-") as folder:
        out = Path(folder, "outcomes")
        command: list[str | Path] = [DRIVER, module, out]
        if engine is not None:
            included = [f"--include=test.{module}", f"--include=test.{module}.*"]
            options = ["-q", "--no-sources", f"--engine={engine}", *included, "-o", str(Path(folder, "trace.arrow"))]
            command = ["-m", "vmtrace.cli", "record", *options, *command]
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONHASHSEED": "0"}
        note = ""
        try:
            ran = subprocess.run(
                [sys.executable, *command],
                cwd=folder,
                env=environment,
                timeout=timeout,
                capture_output=True,
                check=False,
            )
            if ran.returncode:
                note = f"exit status {ran.returncode}: {ran.stderr[-1500:].decode(errors='replace').strip()}"
        except subprocess.TimeoutExpired:
            note = f"not done after {timeout:.0f} s"
        return _read(out, note)


def _read(path: Path, note: str) -> Ended:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    outcomes: dict[str, str] = {}
    details: dict[str, str] = {}
    for line in map(json.loads, lines):
        method, outcome = line["method"], line["outcome"]
        if outcomes.get(method) != "failed":  # one name may stand for several
            outcomes[method] = outcome
        if outcome == "failed":
            details[method] = line["detail"]
    return Ended(outcomes, details, note)


def reasons(module: str, engine: str, version: str = VERSION) -> dict[str, str]:
    """By method: why it does not pass on the engine, as the table in the repository has it."""
    entries = tomllib.loads(REASONS.read_text(encoding="utf-8")).get("exception", [])
    return {
        method: entry["reason"]
        for entry in entries
        if entry["module"] == module and version in entry["python"] and engine in entry.get("engine", [engine])
        for method in entry["methods"]
    }


def compare(module: str, engine: str, timeout: float) -> Compared:
    native, ran = run(module, None, timeout), run(module, engine, timeout)
    return Compared(module, native, ran, reasons(module, engine))


def show(compared: Compared) -> None:
    passing, failing = len(compared.passing), len(compared.failing)
    print(f"{compared.module:26} {passing:5} {passing - failing:5}  {100 * compared.share:6.2f} %", flush=True)
    for whose, ended in (("natively", compared.native), ("engine", compared.engine)):
        if ended.note:
            print(f"    {whose}: {ended.note}")
    for method in compared.failing:
        print(f"    {method}: {compared.reasons.get(method, 'UNEXPLAINED')}")
    for method in compared.stale:
        print(f"    {method}: stale, it does not fail: {compared.reasons[method]}")


def existing(modules: Iterable[str]) -> list[str]:
    """Those that this Python's `test` package has, by their full names."""
    names = [m if m.startswith("test_") else f"test_{m}" for m in modules]
    return [name for name in names if importlib.util.find_spec(f"test.{name}") is not None]


def as_json(compared: Compared) -> dict[str, object]:
    return {
        "module": compared.module,
        "native": len(compared.passing),
        "engine": len(compared.passing) - len(compared.failing),
        "failing": {m: compared.reasons.get(m) for m in compared.failing},
        "details": {m: compared.engine.details.get(m, "did not run") for m in compared.failing},
        "stale": compared.stale,
        "notes": [compared.native.note, compared.engine.note],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cpython_tests", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="default: those that test the language")
    parser.add_argument("--engine", choices=("vm", "check", "native"), default="vm")
    parser.add_argument("--json", metavar="FILE", help="write the results there, too")
    parser.add_argument("--timeout", type=float, default=900, metavar="SECONDS", help="per process [%(default)s]")
    given = parser.parse_args(arguments)
    print(f"CPython {VERSION}'s own tests, engine {given.engine}")
    print(f"{'module':26} {'pass':>5} {'here':>5}")
    done = []
    for module in existing(given.modules or LANGUAGE):
        done.append(compare(module, given.engine, given.timeout))
        show(done[-1])
    if given.json:
        text = json.dumps({"python": VERSION, "engine": given.engine, "modules": [as_json(c) for c in done]}, indent=1)
        Path(given.json).write_text(text + "\n", encoding="utf-8")
    passing, failing = sum(len(c.passing) for c in done), sum(len(c.failing) for c in done)
    print(f"{len(done)} modules, {passing} methods pass natively, {passing - failing} of these on the engine")
    if unexplained := [c.module for c in done if c.unexplained]:
        print(f"unexplained: {' '.join(unexplained)}")
    return 0 if good(done) else 1


if __name__ == "__main__":
    sys.exit(main())
