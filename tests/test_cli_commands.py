"""What each command answers, in each format."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from vmtrace.cli.main import COMMANDS, run, vmtrace

from tests.sample_traces import LONG_NAME, SOURCE, rows_of, write_sample

ANALYSES = ("opcodes", "loops", "calls", "stack", "pairs", "super", "blocks", "phases", "branches", "lines")
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


def test_callers_and_call_sites_of_the_sample(ask: Ask) -> None:
    [called, entered] = json.loads(ask("calls", "--graph", "--format", "json"))["graph"]
    assert (called["caller"], called["callee"], called["calls"], called["callee_percent"]) == (
        "<module>",
        "work",
        10,
        100,
    )
    assert (entered["caller"], entered["callee"], entered["calls"]) == ("", "<module>", 1)
    assert "(none)" in ask("calls", "--graph")
    document = json.loads(ask("calls", "--sites", "--format", "json"))
    [site] = document["sites"]
    assert (site["offset"], site["opcode"], site["calls"], site["shape"]) == (12, "CALL", 10, "mono")
    assert [(row["shape"], row["sites"], row["calls_percent"]) for row in document["shapes"]] == [
        ("mono", 1, 100.0),
        ("poly", 0, 0.0),
        ("mega", 0, 0.0),
    ]


def test_folded_stacks_of_the_sample(ask: Ask) -> None:
    assert (
        ask("calls", "--folded")
        == f"<module> (prog.py:1) {rows_of(10) - 30}\n<module> (prog.py:1);work (prog.py:4) 30\n"
    )


def test_the_stack_by_opcode_and_over_time(ask: Ask) -> None:
    rows = json.loads(ask("stack", "--by", "opcode", "--format", "json"))["by_opcode"]
    assert [(row["opcode"], row["max"], row["instructions"]) for row in rows[:2]] == [
        ("CALL", 2, 10),
        ("POP_TOP", 2, 10),
    ]
    course = json.loads(ask("stack", "--by", "time", "--format", "json"))["over_time"]
    assert [row["max"] for row in course[:5]] == [0, 0, 1, 1, 2]
    assert max(row["frames_max"] for row in course) == 2
    assert len(ask("stack", "--by", "time").splitlines()) < 30


def test_the_stack_of_the_sample(ask: Ask) -> None:
    document = json.loads(ask("stack", "--format", "json"))
    assert [(row["function"], row["max"]) for row in document["stack"]] == [("<module>", 2), ("work", 1)]
    assert [row["depth"] for row in document["depths"]] == [0, 1, 2]
    assert sum(row["count"] for row in document["depths"]) == rows_of(10)
    assert [(row["function"], row["row"], row["depth"]) for row in document["deepest"]] == [
        ("<module>", 4, 2),
        ("<module>", 9, 1),
        ("work", 9, 1),
    ]


def test_the_report_has_the_top_of_every_analysis(ask: Ask) -> None:
    document = json.loads(ask("report", "--format", "json"))
    parts = {"trace", "run", "summary", "neighbours", "functions", "sites", "deepest", "by_opcode"}
    assert set(document) == {*parts, *ANALYSES}
    assert document["run"] == {"argv": ["/tmp/prog.py", "-n", "10"], "exit_status": 0, "elapsed": 0.5,
                               "engine": "vm", "python": "3.11.4"}  # fmt: skip
    assert document["summary"]["instructions"] == rows_of(10)
    for name in set(ANALYSES) - {"lines"}:
        assert document[name] == json.loads(ask(name, "--format", "json"))[name]
    assert document["by_opcode"] == json.loads(ask("stack", "--by", "opcode", "--format", "json"))["by_opcode"]
    text = ask("report", "--top", "2")
    assert ask("opcodes", "--top", "2") in text
    rows = list(csv.DictReader(ask("report", "--format", "csv").splitlines()))
    assert {"part": "loops", "row": "0", "column": "iterations", "value": "10"} in rows


def test_opcodes_by_function_and_against_the_code(ask: Ask) -> None:
    by_function = json.loads(ask("opcodes", "--by", "function", "--format", "json"))["opcodes"]
    loads = [row for row in by_function if row["opcode"] == "LOAD_FAST"]
    assert [(row["function"], row["count"]) for row in loads] == [("work", 10)]
    static = json.loads(ask("opcodes", "--static", "--format", "json"))["opcodes"]
    resume = next(row for row in static if row["opcode"] == "RESUME")
    assert (resume["count"], resume["static_count"], resume["per_site"]) == (11, 2, 5.5)
    assert "LOAD_FAST" in ask("opcodes", "--by", "module")
    ask("opcodes", "--by", "function", "--plot", "by.svg", notice="vmtrace: wrote by.svg\n")
    assert "LOAD_FAST, work" in Path("by.svg").read_text()


def test_opcodes_of_several_traces_are_one_population(ask: Ask) -> None:
    write_sample(Path("long.arrow"), 100)
    document = json.loads(ask("opcodes", "trace.arrow", "long.arrow", "--format", "json"))
    assert [document[name]["path"] for name in ("trace1", "trace2")] == ["trace.arrow", "long.arrow"]
    calls = next(row for row in document["opcodes"] if row["opcode"] == "CALL")
    assert calls["count"] == 110
    assert calls["percent_trace1"] == pytest.approx(100 * 10 / rows_of(10))


def test_pairs_of_the_sample(ask: Ask) -> None:
    pairs = {row["sequence"]: row for row in json.loads(ask("pairs", "--format", "json"))["pairs"]}
    assert (pairs["CALL POP_TOP"]["count"], pairs["CALL POP_TOP"]["fusable_percent"]) == (10, 100.0)
    assert pairs["JUMP_BACKWARD FOR_ITER"]["fusable"] is False
    triples = json.loads(ask("pairs", "-n", "3", "--format", "json"))["pairs"]
    assert all(len(row["sequence"].split()) == 3 for row in triples)
    neighbours = json.loads(ask("pairs", "--neighbours", "--format", "json"))["neighbours"]
    row = {"opcode": "CALL", "where": "after", "neighbour": "POP_TOP", "count": 10, "percent": 100.0}
    assert row in neighbours
    assert ask("pairs", "--neighbours", "--top", "1").count("after") <= 4


def test_superinstructions_of_the_sample(ask: Ask) -> None:
    [first] = json.loads(ask("super", "--slots", "1", "--longest", "3", "--format", "json"))["super"]
    assert (first["length"], first["executions"], first["saved"]) == (3, 10, 20)


def test_blocks_of_the_sample(ask: Ask) -> None:
    document = json.loads(ask("blocks", "--format", "json"))
    body = document["blocks"][0]
    assert (body["offset"], body["end_offset"], body["executions"], body["instructions"]) == (8, 16, 10, 50)
    assert document["concentration"][0] == {"percent": 50.0, "blocks": 1, "percent_of_all": 20.0}
    assert "8-16" in ask("blocks")


def test_branches_of_the_sample(ask: Ask) -> None:
    [branch] = json.loads(ask("branches", "--format", "json"))["branches"]
    assert (branch["opcode"], branch["executed"], branch["taken"], branch["mispredicted"]) == ("FOR_ITER", 11, 1, 1)


def test_phases_of_the_sample(ask: Ask) -> None:
    document = json.loads(ask("phases", "--instructions", "32", "--threshold", "0.9", "--format", "json"))
    assert [phase["instructions"] for phase in document["phases"]] == [rows_of(10)]
    assert [part["first_row"] for part in document["parts"]] == [0, 32, 64]


def test_lines_show_the_source_with_its_executions(ask: Ask) -> None:
    lines = json.loads(ask("lines", "--format", "json"))["lines"]
    assert [(row["line"], row["text"]) for row in lines[:2]] == list(enumerate(SOURCE.splitlines(), 1))
    assert lines[1]["executions"] == 10
    text = ask("lines").splitlines()
    assert text[0] == "/tmp/prog.py"
    assert text[4].endswith("  1  for item in range(n):")
    assert text[5].endswith("  2      work(item)")
    assert [row["line"] for row in json.loads(ask("lines", "--top", "1", "--format", "json"))["lines"]] == [2]
    assert "prog.py:2" in ask("lines", "--top", "1")
    assert [line.split()[:2] for line in ask("lines", "--function", "work").splitlines()[6:]] == [
        ["10", "10"],
        ["10", "20"],
    ]


def test_lines_show_instructions_and_what_never_ran(ask: Ask) -> None:
    instructions = json.loads(ask("lines", "--disassembly", "--format", "json"))["instructions"]
    assert [row["offset"] for row in instructions] == [*range(0, 22, 2), 0, 2, 4]
    assert [row["executions"] for row in instructions][3:5] == [11, 10]
    assert ask("lines", "--disassembly").count(" in /tmp/prog.py\n") == 2
    write_sample(Path("none.arrow"), 0)
    coverage = json.loads(ask("lines", "none.arrow", "--coverage", "--format", "json"))["coverage"]
    missing = {row["function"]: row["missing"] for row in coverage}
    assert missing == {"<module>": "2", "work": "4-5"}


def test_diff_says_what_changed_and_whether_that_can_be_compared(ask: Ask) -> None:
    write_sample(Path("more.arrow"), 15)
    document = json.loads(ask("diff", "trace.arrow", "more.arrow", "--format", "json"))
    assert (document["base"]["path"], document["head"]["path"]) == ("trace.arrow", "more.arrow")
    assert document["comparison"] == {"comparable": False}
    assert ["arguments" in row["difference"] for row in document["differences"]] == [True]
    call = next(row for row in document["opcodes"] if row["opcode"] == "CALL")
    assert (call["base"], call["head"], call["change"], call["change_percent"]) == (10, 15, 5, 50.0)
    assert {"pairs", "functions", "loops"} < set(document)
    same = ask("diff", "trace.arrow", "trace.arrow", "--top", "1")
    assert "comparable  yes" in same
    ask("diff", "trace.arrow", "more.arrow", "--plot", "plot.svg", notice="vmtrace: wrote plot.svg\n")
    picture = Path("plot.svg").read_text()
    assert all(text in picture for text in ("+5 (+50.0 %)", "&lt;module&gt;, for 1"))


@pytest.mark.parametrize("name", COMMANDS_ON_TRACES)
@pytest.mark.parametrize("form", ["text", "json", "csv", "markdown"])
def test_a_trace_of_next_to_nothing(name: str, form: str, ask: Ask) -> None:
    write_sample(Path("none.arrow"), 0)
    assert ask(name, "none.arrow", "--format", form)


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
