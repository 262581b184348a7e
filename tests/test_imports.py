"""The house rule: cli -> {tracer, analysis} -> traces, and no other arrow; a trace is read on any Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "cli": {"cli", "tracer", "analysis", "traces"},
    "tracer": {"tracer", "traces"},
    "analysis": {"analysis", "traces"},
    "traces": {"traces"},
}
OF_THE_RUNNING_PYTHON = {"dis", "opcode", "marshal", "importlib"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(part: str) -> list[Path]:
    return sorted((ROOT / part).glob("*.py"))


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_follow_the_arrows(part: str) -> None:
    assert len(modules(part)) > 1
    for path in modules(part):
        for name in imported(path):
            package, *rest = name.split(".")
            if package == "vmtrace" and rest:
                assert rest[0] in ALLOWED[part], f"{path.name} of {part} imports {name}"


@pytest.mark.parametrize("part", ["analysis", "traces"])
def test_a_trace_is_read_without_asking_the_running_python(part: str) -> None:
    for path in modules(part):
        roots = {name.split(".")[0] for name in imported(path)}
        assert not roots & OF_THE_RUNNING_PYTHON, path.name
