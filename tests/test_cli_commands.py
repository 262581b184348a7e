"""What each command answers, in each format."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from sample_traces import rows_of, write_sample
from vmtrace.cli.main import COMMANDS, run, vmtrace

REPORTS = ("opcodes",)
DRAWN = ("opcodes",)

Ask = Callable[..., str]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs a command line in a folder with trace.arrow; returns its stdout. Nothing else may be written."""
    write_sample(tmp_path / "trace.arrow", 10)
    monkeypatch.chdir(tmp_path)

    def ask(*args: str, notice: str = "") -> str:
        assert run(args) == 0
        written = capsys.readouterr()
        assert written.err == notice
        return written.out

    return ask


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = vmtrace.get_command(click.Context(vmtrace), name)
    assert command is not None
    help_text = command.get_help(click.Context(command, info_name=f"vmtrace {name}"))
    assert f"vmtrace {name}" in help_text.partition("Example")[2]
    assert command.help is not None
    assert command.help.splitlines()[0].endswith(".")
    assert all(option.help for option in command.params if isinstance(option, click.Option))


@pytest.mark.parametrize("name", [*REPORTS, "info"])
def test_trace_arrow_is_read_when_none_is_named(name: str, ask: Ask) -> None:
    assert ask(name) == ask(name, "trace.arrow") != ""


@pytest.mark.parametrize("name", [*REPORTS, "info"])
def test_json_is_one_document_about_one_trace(name: str, ask: Ask) -> None:
    document = json.loads(ask(name, "--format", "json"))
    about = {"path": "trace.arrow", "events": rows_of(10), "complete": True, "problem": None}
    assert document["trace"] == about
    assert name in document


@pytest.mark.parametrize("name", REPORTS)
def test_csv_has_the_records_of_json(name: str, ask: Ask) -> None:
    records = json.loads(ask(name, "--format", "json"))[name]
    rows = list(csv.DictReader(ask(name, "--format", "csv").splitlines()))
    assert [list(row) for row in rows] == [list(record) for record in records]
    for row, record in zip(rows, records, strict=True):
        for key, value in record.items():
            assert row[key] == in_csv(value)


def in_csv(value: Any) -> str:
    if isinstance(value, bool | list | dict):
        return json.dumps(value)
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", REPORTS)
def test_every_format_shows_the_columns_it_names(name: str, ask: Ask) -> None:
    text = ask(name).splitlines()
    assert text[0] and not text[1]
    assert set(text[3].split()) <= {"-" * n for n in range(1, 200)}
    assert ask(name, "--format", "markdown").startswith(f"### {text[0]}\n")


def test_top_cuts_every_format(ask: Ask) -> None:
    assert len(json.loads(ask("opcodes", "--format", "json"))["opcodes"]) == 11
    assert len(json.loads(ask("opcodes", "--top", "2", "--format", "json"))["opcodes"]) == 2
    assert len(ask("opcodes", "--top", "2", "--format", "csv").splitlines()) == 3
    assert "9 more" in ask("opcodes", "--top", "2")
    assert "LOAD_CONST" in ask("opcodes", "--top", "0")


@pytest.mark.parametrize("name", [*REPORTS, "info"])
def test_an_incomplete_trace_is_read_and_says_so(name: str, ask: Ask) -> None:
    write_sample(Path("cut.arrow"), 10, complete=False)
    problem = f"incomplete trace: the recording was not finished; {rows_of(10)} rows were read"
    answer = ask(name, "cut.arrow", "--format", "json", notice=f"vmtrace: cut.arrow: {problem}\n")
    about = {"path": "cut.arrow", "events": rows_of(10), "complete": False, "problem": problem}
    assert json.loads(answer)["trace"] == about


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_plot_is_written_beside_the_answer(name: str, suffix: str, magic: bytes, ask: Ask) -> None:
    path = Path(f"plot.{suffix}")
    answer = ask(name, "--plot", str(path), notice=f"vmtrace: wrote {path}\n")
    assert answer == ask(name)
    first = path.read_bytes()
    assert first.startswith(magic)
    ask(name, "--plot", str(path), notice=f"vmtrace: wrote {path}\n")
    assert path.read_bytes() == first, "the same trace gives the same picture"
