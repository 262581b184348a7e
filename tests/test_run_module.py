"""What python finds and runs by itself: `-m name`, a folder, a zip file.

The packages that a module lies in are imported first, by the program's own python, and traced too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from vmtrace.traces import open_trace

from tests.command_line import ENVIRONMENT, PATIENCE

PACKAGE = {
    "__init__.py": "import sys\nfrom pkg.helper import total\nbegan = sys.argv[0], total(5)\n",
    "helper.py": "def total(n):\n    return sum(i for i in range(n))\n",
    "__main__.py": "import sys, pkg\nprint(pkg.began, sys.argv[1:], pkg.total(10), __name__, __package__)\n",
    "tool.py": "import sys, pkg\nprint(sys._getframe().f_back.f_code.co_name, sorted(globals()), __spec__.name)\n",
    "fails.py": "from pkg import total\n\ndef go():\n    return total('x')\n\ngo()\n",
    "sub/__init__.py": "raise ValueError('not today')\n",
    "sub/tool.py": "print('never')\n",
    "imports.py": "import importlib\nimportlib.import_module('pkg.sub')\n",
    "twice/__init__.py": "import pkg.twice.tool\n",
    "twice/tool.py": "print(__name__)\n",
    "space/tool.py": "print(__name__, __package__)\n",
    "asks/__init__.py": "import pkg_that_is_not_there\n",
    "asks/tool.py": "print('never')\n",
}
RUNS = [
    "pkg",
    "pkg.tool",
    "pkg.fails",
    "pkg.sub.tool",
    "pkg.imports",
    "pkg.twice.tool",
    "pkg.space.tool",
    "pkg.asks.tool",
    "json.tool",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the package."""
    for name, source in PACKAGE.items():
        path = tmp_path / "pkg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    (tmp_path / "in.json").write_text('{"a": [1, 2]}')
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("lib.py", "import sys\nprint(sys.path[0], __name__)\n")
        archive.writestr("__main__.py", "import sys, lib\nprint(sys.argv, __file__, __package__)\n")
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )


WHATS = [*(f"-m {name}" for name in RUNS), "pkg", "./pkg/", "app.pyz"]
# `check` is `vm` but for how an instruction is executed, which shows in the frames of an exception if anywhere here.
COMBINATIONS = [(what, engine) for what in WHATS for engine in ("vm", "native")] + [("-m pkg.fails", "check")]


@pytest.mark.parametrize(("what", "engine"), COMBINATIONS)
def test_it_runs_as_python_runs_it(folder: Path, what: str, engine: str) -> None:
    arguments = (*what.split(), "in.json")
    python = run(folder, *arguments)
    recorded = run(folder, "-m", "vmtrace.cli", "record", "-q", "--engine", engine, *arguments)
    assert (recorded.stdout, recorded.stderr, recorded.returncode) == (python.stdout, python.stderr, python.returncode)
    assert open_trace(folder / "trace.arrow").complete


def test_the_packages_of_a_module_are_recorded(folder: Path) -> None:
    assert run(folder, "-m", "vmtrace.cli", "record", "-m", "pkg").returncode == 0
    codes = open_trace(folder / "trace.arrow").codes
    assert set(codes["module"].to_pylist()) == {"__main__", "pkg", "pkg.helper"}


def test_the_modules_in_a_zip_file_are_recorded(folder: Path) -> None:
    assert run(folder, "-m", "vmtrace.cli", "record", "app.pyz").returncode == 0
    codes = open_trace(folder / "trace.arrow").codes
    assert set(codes["module"].to_pylist()) == {"__main__", "lib"}


def test_a_module_that_python_carries_frozen_is_recorded(folder: Path) -> None:
    done = run(folder, "-m", "vmtrace.cli", "record", "-m", "site", "--user-site")
    assert (done.returncode, open_trace(folder / "trace.arrow").complete) == (
        run(folder, *done.args[-3:]).returncode,
        True,
    )
    assert len(open_trace(folder / "trace.arrow"))


def test_what_executes_nothing_traced_is_a_trace_without_rows(folder: Path) -> None:
    run(folder, "-m", "vmtrace.cli", "record", "--exclude", "*", "-m", "pkg")
    trace = open_trace(folder / "trace.arrow")
    assert (len(trace), trace.complete) == (0, True)


@pytest.mark.parametrize("what", ["-m pkg", "-m pkg.fails", "pkg", "app.pyz"])
def test_python_confirms_what_is_recorded(folder: Path, what: str) -> None:
    verified = run(folder, "-m", "vmtrace.cli", "verify", "--engine", "all", *what.split())
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("pkg.no_such", "cannot run module pkg.no_such: No module named pkg.no_such"),
        ("no_such.tool", "cannot run module no_such.tool: No module named no_such"),
        ("pkg.twice", "cannot run module pkg.twice: No module named pkg.twice.__main__"),
        ("pkg.tool.more", "cannot run module pkg.tool.more: pkg.tool is not a package"),
        ("pkg.", "cannot run module pkg.: "),
        ("sys", "cannot run module sys: it has no Python code"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_runs(folder: Path, module: str, problem: str) -> None:
    done = run(folder, "-m", "vmtrace.cli", "record", "-m", module)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"vmtrace: error: {problem}")
    assert done.stderr.count("\n") == 1
    assert not os.path.exists(folder / "trace.arrow")


def test_little_is_imported_before_the_program(folder: Path) -> None:
    program = "import sys; print(*sorted(m for m in sys.modules if '.' not in m))"
    ours = run(folder, "-m", "vmtrace.cli", "record", "-q", "-c", program).stdout.split()
    assert not {"email", "subprocess", "tempfile", "zipfile", "socket", "random", "logging", "json"} & set(ours)


@pytest.mark.parametrize("module", ["textwrap", "dataclasses"])
def test_a_module_that_the_tracer_uses_itself_can_be_traced(module: str, folder: Path) -> None:
    program = f"import {module}, enum, re; assert isinstance(re.ASCII, enum.Enum)"
    done = run(folder, "-m", "vmtrace.cli", "verify", "--engine", "all", "--include", module, "-c", program)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(folder, "-m", "vmtrace.cli", "record", "-q", "--include", module, "-c", program)
    assert done.returncode == 0
    assert module in open_trace(folder / "trace.arrow").codes["module"].to_pylist()


@pytest.mark.parametrize("flags", [(), ("-P",)])
@pytest.mark.parametrize("what", [("prog.py",), ("-m", "json.tool", "in.json"), ("-m", "prog"), ("app.pyz",)])
def test_sys_path_is_as_with_python(folder: Path, flags: tuple[str, ...], what: tuple[str, ...]) -> None:
    """With -P neither the program's folder nor the current one is on it."""
    (folder / "prog.py").write_text("import sys; print(sys.path)")
    python = run(folder, *flags, *what)
    recorded = run(folder, *flags, "-m", "vmtrace.cli", "record", "-q", *what)
    assert recorded.stdout == python.stdout
    assert bool(recorded.returncode) == bool(python.returncode)
