"""The options that pick a part of a trace, and what is said where there is no such part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from vmtrace.cli.main import COMMANDS, run

from tests.sample_traces import AFTER, BEFORE, CALLEE, REST, ROUND, ROUND_ROWS, rows_of, write_sample

ON_TRACES = tuple(name for name in COMMANDS if name not in ("record", "verify", "info"))
FIRST_CALL = len(BEFORE) + len(ROUND)  # the row of the sample with which the first call begins


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sample(tmp_path / "trace.arrow", 10)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(*args: str) -> Any:
        assert run([*args, "--format", "json"]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


def counts(answer: Any) -> dict[str, int]:
    return {row["opcode"]: row["count"] for row in answer["opcodes"]}


@pytest.mark.parametrize("name", ON_TRACES)
def test_every_analysis_can_be_asked_about_a_part(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    traces = ["trace.arrow", "trace.arrow"] if name == "diff" else []
    part = ["--function", "work", "--module", "__main__", "--thread", "1", "--rows", "20:30"]
    assert run([name, *traces, *part]) == 0
    written = capsys.readouterr()
    count = "function work, module __main__, thread 1, rows 20 to 29: 3 of 96 instructions"
    assert written.out.count(f"Of trace.arrow: {count}\n\n") == max(len(traces), 1)
    assert written.err == ""


def test_functions_and_modules(ask: Any) -> None:
    answer = ask("opcodes", "--function", "w*")
    assert counts(answer) == {"RESUME": 10, "LOAD_FAST": 10, "RETURN_VALUE": 10}
    assert answer["trace"]["selected"] == "function w*: 30 of 96 instructions"
    assert answer["opcodes"][0]["self_percent"] == pytest.approx(100 / 3)
    assert counts(ask("opcodes", "--function", "__main__.work")) == counts(answer)
    assert sum(counts(ask("opcodes", "--module", "__main__")).values()) == rows_of(10)


def test_what_is_not_selected_is_no_static_code_either(ask: Any) -> None:
    static = ask("opcodes", "--static", "--function", "work")["opcodes"]
    assert {row["opcode"]: row["static_count"] for row in static} == {"RESUME": 1, "LOAD_FAST": 1, "RETURN_VALUE": 1}
    assert [row["function"] for row in ask("lines", "--coverage", "--function", "work")["coverage"]] == ["work"]
    assert ask("report", "--function", "work")["summary"]["functions_known"] == 1


def test_rows(ask: Any) -> None:
    assert counts(ask("opcodes", "--rows", ":2")) == {"RESUME": 1, "LOAD_NAME": 1}
    assert counts(ask("opcodes", "--rows", f"{rows_of(10) - 1}:")) == {"RETURN_VALUE": 1}
    assert counts(ask("opcodes", "--rows", "1_0:1,000")) == counts(ask("opcodes", "--rows", "10:"))
    deepest = ask("stack", "--rows", f"{FIRST_CALL}:{FIRST_CALL + 3}")["deepest"]
    assert [(row["function"], row["row"]) for row in deepest] == [
        ("<module>", FIRST_CALL + 2),
        ("work", FIRST_CALL + 2),
    ]


def test_calls(ask: Any) -> None:
    third = FIRST_CALL + 2 * ROUND_ROWS
    for part, rows in {
        ("--from", "work:3", "--until", "work:3"): f"{third}:{third + len(CALLEE)}",
        ("--from", "work:3"): f"{third}:",
        ("--until", "work"): f":{FIRST_CALL + len(CALLEE)}",
        ("--from", "work:10", "--until", "<module>:1"): f"-{len(CALLEE) + len(REST) + len(AFTER)}:",
    }.items():
        first = rows if not rows.startswith("-") else f"{rows_of(10) + int(rows[:-1])}:"
        assert ask("opcodes", *part)["opcodes"] == ask("opcodes", "--rows", first)["opcodes"]


@pytest.mark.parametrize(
    ("part", "status", "words"),
    [
        (["--function", "wrk"], 1, "no function wrk was recorded; there is work"),
        (["--module", "x"], 1, "no module x was recorded"),
        (["--function", "nobody.*"], 1, "no function nobody.*"),
        (["--thread", "2"], 1, "no thread 2: there is one"),
        (["--thread", "0"], 2, "--thread"),
        (["--rows", "96:"], 1, "no row 96, only 96 rows"),
        (["--rows", "5"], 2, "A:B"),
        (["--rows", "a:5"], 2, "A:B"),
        (["--rows", "-1:5"], 2, "A:B"),
        (["--rows", "5:5"], 2, "holds no row"),
        (["--rows", "0:7", "--function", "work"], 1, "nothing is selected: function work, rows 0 to 6"),
        (["--from", "work:0"], 2, "FUNCTION:K"),
        (["--from", ":2"], 2, "FUNCTION:K"),
        (["--until", "work:x"], 2, "FUNCTION:K"),
        (["--from", "work:11"], 1, "work was not called 11 times"),
        (["--from", "nobody:2"], 1, "no function nobody"),
        (["--from", "work:2", "--until", "work:1"], 1, "work:1 ends before row 10, work:2 begins with row 16"),
        (["--from", "work", "--rows", "1:"], 2, "excludes"),
    ],
)  # fmt: skip
def test_a_part_that_is_none_is_one_line(
    part: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["calls", *part]) == status
    written = capsys.readouterr()
    assert written.out == ""
    assert words in written.err and written.err.count("\n") == 1
