"""Packages from PyPI on an engine: their own test suites, natively and with the package and its tests traced.

`python -m tests.pypi_packages [NAME…] [--engine vm|check|native]` fetches each package's source distribution (it
needs the network, and pip), builds it into a folder of its own, runs its tests with pytest natively and recorded, and
prints a table: tests that pass natively, how many of these pass on the engine, how many do not, events recorded. One
that does not is listed, with its reason if `REASONS` has one. The status is 0 if each has.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vmtrace.traces import open_trace

from tests.command_line import SOURCES

PYTHON = ".".join(map(str, sys.version_info[:3]))


@dataclass(frozen=True)
class Package:
    """What is tested of a package."""

    name: str
    version: str
    tests: tuple[str, ...] = ("tests",)
    """In the source distribution."""
    modules: tuple[str, ...] = ()
    """What is traced besides the module of the package's name, and the tests."""
    needs: tuple[str, ...] = ()
    """What the tests import."""
    options: tuple[str, ...] = ()
    """What pytest is told besides."""


PACKAGES = (
    Package("more-itertools", "10.5.0", modules=("more_itertools",)),
    Package("toolz", "1.0.0", tests=("toolz",)),
    Package("simpy", "4.1.1"),
    Package("packaging", "24.2", tests=("tests/test_utils.py", "tests/test_markers.py"), needs=("pretend",)),
    Package("click", "8.1.7", tests=("tests/test_arguments.py", "tests/test_commands.py", "tests/test_parser.py")),
    Package("jinja2", "3.1.4", tests=("tests/test_core_tags.py",), needs=("markupsafe",)),
    Package(
        "attrs",
        "24.2.0",
        tests=("tests/test_validators.py", "tests/test_converters.py"),
        modules=("attr",),
        needs=("hypothesis",),
    ),
    Package("pyflakes", "3.2.0", tests=("pyflakes/test/test_imports.py",)),
    Package("tabulate", "0.9.0", tests=("test/test_api.py", "test/test_output.py")),
    Package("parso", "0.8.4", tests=("test/test_parser.py", "test/test_tokenize.py")),
    Package("markdown", "3.7", tests=("tests/test_apis.py", "tests/test_syntax/blocks"), needs=("pyyaml",)),
    Package(
        "boltons",
        "24.0.0",
        tests=("tests/test_iterutils.py", "tests/test_dictutils.py", "tests/test_strutils.py"),
        options=("--noconftest",),  # it is for a pytest of long ago, and of no matter to these tests
    ),
)

REASONS: dict[tuple[str, str], str] = {
    ("simpy", "tests.test_rt::*"): "measures real time, within a tolerance that a slower engine may exceed",
}
"""By package and glob on a test's name: why it does not pass on an engine."""


class SetupError(Exception):
    """A package cannot be fetched or built."""


@dataclass(frozen=True)
class Ran:
    """A run of a test suite."""

    passed: frozenset[str]
    seconds: float
    note: str = ""
    """How it ended, if no test passed."""


@dataclass(frozen=True)
class Compared:
    package: Package
    native: Ran
    engine: Ran
    events: int

    @property
    def lost(self) -> list[str]:
        """Tests that pass natively only."""
        return sorted(self.native.passed - self.engine.passed)

    def reason(self, test: str) -> str | None:
        named = ((glob, reason) for (name, glob), reason in REASONS.items() if name == self.package.name)
        return next((reason for glob, reason in named if fnmatch.fnmatchcase(test, glob)), None)


def prepare(package: Package, folder: Path) -> Path:
    """Fetches and builds a package into `folder`/site. Returns the folder of its source distribution."""
    pinned = f"{package.name}=={package.version}"
    _pip("download", "--no-deps", "--no-binary", package.name, "--dest", str(folder), pinned)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    site = str(folder / "site")
    _pip("install", "--no-deps", "--target", site, str(archive))
    if package.needs:
        _pip("install", "--target", site, *package.needs)
    return source


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", words[0], "--quiet", "--disable-pip-version-check", *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SetupError((done.stderr.strip() or "pip failed").splitlines()[-1])


def run(package: Package, source: Path, folder: Path, engine: str | None, timeout: float) -> tuple[Ran, int]:
    """Runs the tests natively (None) or on an engine. Returns also how many events were recorded."""
    results, trace = folder / f"{engine}.xml", folder / f"{engine}.arrow"
    options = ["--assert=plain", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", f"--junitxml={results}"]
    command = ["-m", "pytest", *options, *package.options, *package.tests]
    if engine is not None:
        names = (package.name, *package.modules, "tests", "test", "test_*")
        included = [f"--include={glob}" for name in names for glob in (name, f"{name}.*")]
        excluded = ["--exclude=pytest", "--exclude=pytest.*"]
        recording = ["-q", "--no-sources", f"--engine={engine}", *included, *excluded, "-o", str(trace)]
        command = ["-m", "vmtrace.cli", "record", *recording, *command]
    path = os.pathsep.join([str(folder / "site"), *([] if engine is None else [str(SOURCES)])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    start = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, *command], cwd=source, env=environment, capture_output=True, text=True, timeout=timeout
        )
        words = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        note = f"exit status {done.returncode}: {words[-1] if words else ''}"
    except subprocess.TimeoutExpired:
        note = f"not done after {timeout:.0f} s"
    seconds = time.perf_counter() - start
    events = len(open_trace(trace)) if trace.exists() and trace.stat().st_size else 0
    trace.unlink(missing_ok=True)
    passed = frozenset(_passed(results)) if results.exists() else frozenset()
    return Ran(passed, seconds, "" if passed else note), events


def _passed(results: Path) -> list[str]:
    """The tests that passed, from a report in JUnit's form."""
    cases = ElementTree.parse(results).getroot().iter("testcase")
    return [
        f"{case.get('classname')}::{case.get('name')}" for case in cases if not any(c.tag != "system-out" for c in case)
    ]


def compare(package: Package, engine: str, timeout: float) -> Compared:
    with tempfile.TemporaryDirectory(prefix="pypi-") as place:
        folder = Path(place)
        source = prepare(package, folder)
        native, _ = run(package, source, folder, None, timeout)
        ran, events = run(package, source, folder, engine, timeout)
        return Compared(package, native, ran, events)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.pypi_packages", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="packages [all]")
    parser.add_argument("--engine", default="vm", choices=["vm", "check", "native"])
    parser.add_argument("--timeout", type=float, default=900, metavar="SECONDS", help="per run [%(default)s]")
    given = parser.parse_args(arguments)
    print(f"Python {PYTHON}, engine {given.engine}")
    headings = f"{'natively':>8} {given.engine:>8} {'differing':>9} {'events':>12} {'seconds':>14}"
    print(f"{'package':16} {'version':8} {headings}")
    good, packages, passing, differing = True, 0, 0, 0
    for package in PACKAGES:
        if given.names and package.name not in given.names:
            continue
        title = f"{package.name:16} {package.version:8}"
        try:
            compared = compare(package, given.engine, given.timeout)
        except SetupError as error:
            print(f"{title} {error}", flush=True)
            good = False
            continue
        natively, lost = len(compared.native.passed), len(compared.lost)
        packages, passing, differing = packages + 1, passing + natively, differing + lost
        seconds = f"{compared.native.seconds:.1f} -> {compared.engine.seconds:.1f}"
        figures = f"{natively:8,} {natively - lost:8,} {lost:9,} {compared.events:12,} {seconds:>14}"
        print(f"{title} {figures} {compared.native.note or compared.engine.note}".rstrip(), flush=True)
        for test in compared.lost if not compared.engine.note else ():
            print(f"    {test}: {compared.reason(test) or 'UNEXPLAINED'}", flush=True)
        good &= bool(compared.native.passed) and all(map(compared.reason, compared.lost))
    kept = passing - differing
    print(f"{packages} packages, {passing:,} tests pass natively, {kept:,} of these on {given.engine}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
