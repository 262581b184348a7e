"""What each command answers, in each format."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from sample_traces import LONG_NAME, rows_of, write_sample
from vmtrace.cli.main import COMMANDS, run, vmtrace

ANALYSES = ("opcodes", "loops", "calls", "stack")
COMMANDS_ON_TRACES = (*ANALYSES, "report", "info")

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


@pytest.mark.parametrize("name", COMMANDS_ON_TRACES)
def test_trace_arrow_is_read_when_none_is_named(name: str, ask: Ask) -> None:
    assert ask(name) == ask(name, "trace.arrow") != ""


@pytest.mark.parametrize("name", COMMANDS_ON_TRACES)
def test_json_is_one_document_about_one_trace(name: str, ask: Ask) -> None:
    document = json.loads(ask(name, "--format", "json"))
    about = {"path": "trace.arrow", "events": rows_of(10), "complete": True, "problem": None}
    assert document["trace"] == about
    assert (name if name != "report" else "summary") in document


@pytest.mark.parametrize("name", ANALYSES)
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


@pytest.mark.parametrize("name", ANALYSES)
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


@pytest.mark.parametrize("name", COMMANDS_ON_TRACES)
def test_an_incomplete_trace_is_read_and_says_so(name: str, ask: Ask) -> None:
    write_sample(Path("cut.arrow"), 10, complete=False)
    problem = f"incomplete trace: the recording was not finished; {rows_of(10)} rows were read"
    answer = ask(name, "cut.arrow", "--format", "json", notice=f"vmtrace: cut.arrow: {problem}\n")
    about = {"path": "cut.arrow", "events": rows_of(10), "complete": False, "problem": problem}
    assert json.loads(answer)["trace"] == about


def test_the_loop_of_the_sample(ask: Ask) -> None:
    [loop] = json.loads(ask("loops", "--format", "json"))["loops"]
    expected = {
        "function": "<module>",
        "line": 1,
        "end_line": 2,
        "kind": "for",
        "entries": 1,
        "iterations": 10,
    }
    assert expected.items() <= loop.items()
    assert "prog.py:1-2" in ask("loops")


def test_the_call_tree_of_the_sample(ask: Ask) -> None:
    main, work = json.loads(ask("calls", "--format", "json"))["calls"]
    assert (main["function"], main["calls"], main["inclusive"]) == ("<module>", 1, rows_of(10))
    assert (work["function"], work["calls"], work["own"], work["parent"]) == ("work", 10, 30, main["node"])
    assert "    work  " in ask("calls")


def test_the_flat_profile_of_the_sample(ask: Ask) -> None:
    functions = json.loads(ask("calls", "--flat", "--format", "json"))["functions"]
    own = {row["function"]: (row["own"], row["own_per_call"]) for row in functions}
    assert own == {"<module>": (rows_of(10) - 30, rows_of(10) - 30.0), "work": (30, 3.0)}


def test_the_stack_of_the_sample(ask: Ask) -> None:
    document = json.loads(ask("stack", "--format", "json"))
    assert [(row["function"], row["max"]) for row in document["stack"]] == [("<module>", 2), ("work", 1)]
    assert [row["depth"] for row in document["depths"]] == [0, 1, 2]
    assert sum(row["count"] for row in document["depths"]) == rows_of(10)
    assert [(row["function"], row["row"], row["depth"]) for row in document["deepest"]] == [("<module>", 4, 2)]


def test_the_report_has_the_top_of_every_analysis(ask: Ask) -> None:
    document = json.loads(ask("report", "--format", "json"))
    parts = ["trace", "run", "summary", "opcodes", "functions", "calls", "loops", "stack", "deepest"]
    assert list(document) == parts
    assert document["run"] == {"argv": ["/tmp/prog.py", "-n", "10"], "exit_status": 0, "elapsed": 0.5,
                               "engine": "vm", "python": "3.11.4"}  # fmt: skip
    assert document["summary"]["instructions"] == rows_of(10)
    for name in ANALYSES:
        assert document[name] == json.loads(ask(name, "--format", "json"))[name]
    text = ask("report", "--top", "2")
    assert ask("opcodes", "--top", "2") in text
    rows = list(csv.DictReader(ask("report", "--format", "csv").splitlines()))
    assert {"part": "loops", "row": "0", "column": "iterations", "value": "10"} in rows


def test_info_tells_what_the_trace_is(ask: Ask) -> None:
    info = json.loads(ask("info", "--format", "json"))["info"]
    assert info["argv"] == ["/tmp/prog.py", "-n", "10"]
    assert (info["events"], info["frames"], info["code_objects"]) == (rows_of(10), 11, 2)
    assert info["file_bytes"] == Path("trace.arrow").stat().st_size
    assert "/tmp/prog.py -n 10" in ask("info")


@pytest.mark.parametrize("name", ["calls", "stack", "report"])
def test_long_names_are_whole_where_no_terminal_cuts_them(name: str, ask: Ask) -> None:
    write_sample(Path("long.arrow"), 3, long_names=True)
    assert all(LONG_NAME in ask(name, "long.arrow", "--format", form) for form in ("text", "json", "csv"))


@pytest.mark.parametrize("name", ANALYSES)
@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_plot_is_written_beside_the_answer(name: str, suffix: str, magic: bytes, ask: Ask) -> None:
    path = Path(f"plot.{suffix}")
    answer = ask(name, "--plot", str(path), notice=f"vmtrace: wrote {path}\n")
    assert answer == ask(name)
    first = path.read_bytes()
    assert first.startswith(magic)
    ask(name, "--plot", str(path), notice=f"vmtrace: wrote {path}\n")
    assert path.read_bytes() == first, "the same trace gives the same picture"
