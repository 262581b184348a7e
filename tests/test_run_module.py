"""`-m name`: the packages that a module lies in are imported first, by the program's own python, and traced too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import ENVIRONMENT
from vmtrace.traces import open_trace

PACKAGE = {
    "__init__.py": "import sys\nfrom pkg.helper import total\nbegan = sys.argv[0], total(5)\n",
    "helper.py": "def total(n):\n    return sum(i for i in range(n))\n",
    "__main__.py": "import sys, pkg\nprint(pkg.began, sys.argv[1:], pkg.total(10), __name__, __package__)\n",
    "tool.py": "import sys, pkg\nprint(sys._getframe().f_back.f_code.co_name, sorted(globals()), __spec__.name)\n",
    "fails.py": "from pkg import total\n\ndef go():\n    return total('x')\n\ngo()\n",
    "sub/__init__.py": "raise ValueError('not today')\n",
    "sub/tool.py": "print('never')\n",
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
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("engine", ["vm", "check", "native"])
@pytest.mark.parametrize("module", RUNS)
def test_a_module_runs_as_python_runs_it(folder: Path, module: str, engine: str) -> None:
    arguments = ("-m", module, "in.json")
    python = run(folder, *arguments)
    recorded = run(folder, "-m", "vmtrace.cli", "record", "-q", "--engine", engine, *arguments)
    assert (recorded.stdout, recorded.stderr, recorded.returncode) == (python.stdout, python.stderr, python.returncode)
    assert open_trace(folder / "trace.arrow").complete


def test_the_packages_of_a_module_are_recorded(folder: Path) -> None:
    assert run(folder, "-m", "vmtrace.cli", "record", "-m", "pkg").returncode == 0
    codes = open_trace(folder / "trace.arrow").codes
    assert set(codes["module"].to_pylist()) == {"__main__", "pkg", "pkg.helper"}


@pytest.mark.parametrize("module", ["pkg", "pkg.fails"])
def test_python_confirms_what_is_recorded(folder: Path, module: str) -> None:
    verified = run(folder, "-m", "vmtrace.cli", "verify", "--engine", "all", "-m", module)
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
