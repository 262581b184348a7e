"""What the README shows is what the commands answer."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from vmtrace.cli.main import run

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


class Shown(NamedTuple):
    """A command of the README, and what it is shown to answer; `...` stands for lines that are left out."""

    words: list[str]
    answer: list[str]


def commands() -> Iterator[Shown]:
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", README, re.MULTILINE):
        command, *answer = (line[4:] for line in block.strip("\n").split("\n"))
        if not command.startswith("$ vmtrace "):
            continue
        words = shlex.split(command.removeprefix("$ vmtrace "))
        if words[0] not in ("record", "verify") and "--plot" not in words:  # those run a program, on any Python
            yield Shown(words, answer)


def examples() -> list[str]:
    return re.findall(r"^```pycon\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = tmp_path / "traces" / "samples"
    shutil.copytree(ROOT / "traces" / "samples", samples)
    shutil.copy(samples / "queens.arrow", tmp_path / "trace.arrow")
    monkeypatch.chdir(tmp_path)


def test_every_analysis_is_shown() -> None:
    shown = {command.words[0] for command in commands()}
    assert shown >= {
        "opcodes",
        "pairs",
        "super",
        "blocks",
        "branches",
        "loops",
        "calls",
        "stack",
        "lines",
        "phases",
        "diff",
    }


@pytest.mark.parametrize("shown", [*commands()], ids=lambda shown: " ".join(shown.words))
def test_a_command_answers_what_is_shown(shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shown.words) == 0
    answer = "\n".join(line.rstrip() for line in capsys.readouterr().out.rstrip("\n").split("\n"))
    pattern = ".*".join(map(re.escape, "\n".join(["", *shown.answer, ""]).split("\n...\n")))
    assert re.fullmatch(pattern, f"\n{answer}\n", re.DOTALL), answer


def test_python_examples_give_what_is_shown() -> None:
    """In one session, as they stand; those that need what the tests do without are left out."""
    names: dict[str, object] = {}
    assert len(examples()) >= 3
    for example in examples():
        if "polars" in example or "duckdb" in example:
            continue
        test = doctest.DocTestParser().get_doctest(example, names, "README", None, None)
        report: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(test, out=report.append, clear_globs=False)
        assert not runner.failures, "".join(report)
        names = test.globs


@pytest.mark.parametrize("module", ["polars", "duckdb"])
def test_examples_with_other_tools_give_what_is_shown(module: str) -> None:
    pytest.importorskip(module, reason=f"{module} is not among vmtrace's dependencies")
    for example in (text for text in examples() if f"import {module}" in text):
        test = doctest.DocTestParser().get_doctest(example, {}, "README", None, None)
        report: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(test, out=report.append)
        assert not runner.failures, "".join(report)
