"""Blocks, branches and lines, on traces written by hand; comparisons of two traces."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from vmtrace.analysis import (
    Analysis,
    Blocks,
    Branches,
    Functions,
    Instructions,
    Lines,
    Loops,
    Opcodes,
    Pairs,
    Program,
    compare,
    differences,
    run,
)

from tests.analysis_traces import Code, Trace, played

#: 1 def main():   2 for …:   3 if work(): 4 …   5 return
MAIN = Code(
    "main",
    [
        "RESUME @ 1",
        "FOR_ITER -> 8 @ 2",
        "STORE @ 2",
        "CALL @ 3",
        "POP_JUMP -> 7 @ 3",
        "LOAD @ 4",
        "POP @ 4",
        "JUMP -> 1 @ 2",
        "RETURN_VALUE @ 5",
        "POP @ 6",
    ],
)
WORK = Code("work", ["RESUME @ 11", "LOAD @ 12", "CALL ! 4 @ 12", "RETURN_VALUE @ 12", "POP @ 13", "RETURN_VALUE @ 13"])
ROWS = """
    0 main     : 0 1 2 3
    1 work < 0 : 0 1 2 3 $
    0          : 4 5 6 7 1 2 3
    2 work < 0 : 0 1 2 4 5 $
    0          : 4 7 1 8 $
"""


@pytest.fixture
def trace() -> Trace:
    return played([MAIN, WORK], ROWS, cuts=[2, 9, 11])


def records(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in table[list(columns)].to_numpy().tolist()]


def finished(trace: Trace, kind: type[Analysis]) -> pd.DataFrame:
    analysis = kind(Program(trace))
    run(trace, [analysis])
    return analysis.finish()


def test_blocks(trace: Trace) -> None:
    columns = ("function", "line", "end_line", "offset", "length", "executions", "instructions")
    assert records(finished(trace, Blocks), *columns) == [
        ("work", 11, 12, 0, 4, 2, 7),  # once left by an exception
        ("main", 2, 3, 4, 3, 2, 6),
        ("main", 2, 2, 2, 1, 3, 3),
        ("main", 2, 2, 14, 1, 2, 2),
        ("main", 4, 4, 10, 2, 1, 2),
        ("work", 13, 13, 8, 2, 1, 2),
        ("main", 1, 1, 0, 1, 1, 1),
        ("main", 5, 5, 16, 1, 1, 1),
    ]


def test_how_few_blocks_make_most_of_the_run(trace: Trace) -> None:
    blocks = Blocks(Program(trace))
    run(trace, [blocks])
    # 24 instructions; the sums from the top are 7, 13, 16, 18, 20, 22, 23, 24. One of the 9 blocks did not run.
    assert records(blocks.concentration(), "percent", "blocks") == [
        (50.0, 2),
        (75.0, 4),
        (90.0, 6),
        (95.0, 7),
        (99.0, 8),
        (100.0, 8),
    ]
    assert blocks.concentration()["percent_of_all"].iloc[-1] == pytest.approx(800 / 9)


def test_branches(trace: Trace) -> None:
    columns = ("opcode", "line", "executed", "taken", "fallen", "taken_percent", "mispredicted", "entropy")
    third = pytest.approx(100 / 3)
    assert records(finished(trace, Branches), *columns) == [
        ("FOR_ITER", 2, 3, 1, 2, third, 1, pytest.approx(math.log2(3) - 2 / 3)),
        ("POP_JUMP", 3, 2, 1, 1, 50.0, 1, 1.0),
    ]


def test_lines(trace: Trace) -> None:
    lines = Lines(Program(trace))
    run(trace, [lines])
    columns = ("filename", "line", "executions", "instructions", "sites", "sites_executed")
    assert records(lines.finish(), *columns) == [
        ("m.py", 1, 1, 1, 1, 1),
        ("m.py", 2, 5, 7, 3, 3),  # from line 1, twice to the jump back, twice by it
        ("m.py", 3, 2, 4, 2, 2),
        ("m.py", 4, 1, 2, 2, 2),
        ("m.py", 5, 1, 1, 1, 1),
        ("m.py", 6, 0, 0, 1, 0),
        ("m.py", 11, 2, 2, 1, 1),
        ("m.py", 12, 2, 5, 3, 3),
        ("m.py", 13, 1, 2, 2, 2),
    ]


def test_lines_without_frames(trace: Trace) -> None:
    program = Program(trace)
    lines, instructions = Lines(program), Instructions(program)
    run(trace, [lines])
    run(trace, [instructions])
    of_lines = lines.finish().drop(columns=["executions", "text"])
    pd.testing.assert_frame_equal(instructions.by_line(), of_lines)


def test_lines_with_their_text(trace: Trace) -> None:
    sources = pd.DataFrame({"filename": ["m.py"], "text": ["def main():\n    for x in y:\n"]})
    lines = Lines(Program(trace), sources)
    assert lines.finish()["text"].tolist()[:3] == ["def main():", "    for x in y:", ""]


def test_disassembly(trace: Trace) -> None:
    columns = ("function", "line", "offset", "opcode", "leads", "executions")
    assert records(finished(trace, Instructions), *columns)[8:12] == [
        ("main", 5, 16, "RETURN_VALUE", True, 1),
        ("main", 6, 18, "POP", True, 0),
        ("work", 11, 0, "RESUME", True, 2),
        ("work", 12, 2, "LOAD", False, 2),
    ]


def test_coverage(trace: Trace) -> None:
    instructions = Instructions(Program(played([MAIN, WORK, WORK], ROWS)))
    run(trace, [instructions])
    columns = ("function", "lines", "lines_executed", "sites", "sites_executed", "missing")
    assert records(instructions.coverage(), *columns) == [
        ("work", 3, 0, 6, 0, "11-13"),
        ("main", 6, 5, 10, 9, "6"),
        ("work", 3, 3, 6, 6, ""),
    ]


def test_comparing_traces(trace: Trace) -> None:
    other = played([MAIN, WORK], "0 main : 0 1 2 3\n 1 work < 0 : 0 1 2 3 $\n 0 : 4 7 1 8 $")
    columns = ("base", "head", "change", "change_percent")
    table = compare("functions", finished(trace, Functions), finished(other, Functions))
    assert records(table, "function", *columns) == [
        ("main", 15, 8, -7, pytest.approx(-700 / 15)),
        ("work", 9, 4, -5, pytest.approx(-500 / 9)),
    ]
    assert records(table, "base_percent", "head_percent", "share_change")[0] == (
        pytest.approx(62.5),
        pytest.approx(200 / 3),
        pytest.approx(200 / 3 - 62.5),
    )
    table = compare("loops", finished(trace, Loops), finished(other, Loops))
    assert records(table, "function", "kind", "ordinal", *columns[:3]) == [("main", "for", 1, 13, 6, -7)]
    table = compare("opcodes", finished(trace, Opcodes), finished(other, Opcodes))
    assert ("RETURN_VALUE", 3, 2, -1, pytest.approx(-100 / 3)) in records(table, "opcode", *columns)
    assert table["change"].abs().is_monotonic_decreasing
    table = compare("pairs", finished(other, Pairs), finished(trace, Pairs))
    new = table[table["base"] == 0].iloc[0]
    assert new["change"] == 1 and math.isnan(new["change_percent"])


def test_what_makes_traces_hard_to_compare() -> None:
    base = {"argv": ["/one/prog.py", "5"], "python": "3.11.7", "implementation": "CPython", "stopped": "ended"}
    head = {**base, "argv": ["/two/prog.py", "5"], "engine": "native"}
    assert differences(base, head) == []
    head = {**head, "python": "3.12.1", "argv": ["prog.py"], "scope": {"include": ["a*"], "exclude": []}}
    assert differences(base, head) == [
        "arguments: 5 against none",
        "Python: CPython 3.11.7 against CPython 3.12.1",
        "scope: none against include a*",
    ]
    one = pa.table({"filename": ["/one/a.py", "/one/b.py"], "sha256": ["1", "2"]})
    other = pa.table({"filename": ["/two/b.py"], "sha256": ["3"]})
    assert differences(base, base, one, other) == [
        "source: a.py is in the first trace alone",
        "source: b.py was changed",
    ]
