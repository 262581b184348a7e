"""Opcode counts, and the static facts they are based on, on traces written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from vmtrace.analysis import Opcodes, Program, Summary, run
from vmtrace.analysis.counts import SiteCounts
from vmtrace.analysis.view import View, occurring
from vmtrace.traces import TraceError

from tests.analysis_traces import Code, Trace, played

MAIN = Code("main", ["RESUME", "LOAD", "POP_JUMP -> 5", "CALL", "JUMP -> 1", "RETURN_VALUE"])
WORK = Code("work", ["RESUME", "RETURN_VALUE"])
ROWS = """
    0 main     : 0 1 2 3
    1 work < 0 : 0 1 $
    0          : 4 1 2 3
    2 work < 0 : 0 1 $
    0          : 4 1 2 5 $
"""


@pytest.fixture
def trace() -> Trace:
    return played([MAIN, WORK], ROWS, cuts=[3, 5])


def test_opcodes(trace: Trace) -> None:
    opcodes = Opcodes(Program(trace))
    run(trace, [opcodes])
    expected = pd.DataFrame(
        [
            ("LOAD", 3, 18.75, 18.75),
            ("POP_JUMP", 3, 18.75, 37.5),
            ("RESUME", 3, 18.75, 56.25),
            ("RETURN_VALUE", 3, 18.75, 75.0),
            ("CALL", 2, 12.5, 87.5),
            ("JUMP", 2, 12.5, 100.0),
        ],
        columns=["opcode", "count", "self_percent", "cumulative_percent"],
    )
    pd.testing.assert_frame_equal(opcodes.finish(), expected)


def test_a_slice_counts_its_rows_alone(trace: Trace) -> None:
    opcodes = Opcodes(Program(trace))
    run(trace, [opcodes], 4, 7)  # work's two rows, and the jump in main
    assert opcodes.finish()["opcode"].tolist() == ["JUMP", "RESUME", "RETURN_VALUE"]


def test_an_empty_trace_has_no_opcodes() -> None:
    trace = played([MAIN], "")
    opcodes = Opcodes(Program(trace))
    run(trace, [opcodes])
    assert opcodes.finish().empty


def test_blocks_and_sites(trace: Trace) -> None:
    program = Program(trace)
    blocks = [
        program.site_offset[first : last + 1].tolist()
        for first, last in zip(program.block_first, program.block_last, strict=True)
    ]
    # A call ends no block; a jump, its target and what follows it begin or end one.
    assert blocks == [[0], [2, 4], [6, 8], [10], [0, 2]]


#: The rows of a pass that follows frames, and of one that does not.
COLUMNS = [None, ["code_id", "offset"]]


@pytest.mark.parametrize("read", COLUMNS)
def test_executions_by_instruction(trace: Trace, read: list[str] | None) -> None:
    program = Program(trace)
    sites = SiteCounts(program)
    for chunk in trace.chunks(read):
        sites.add(View(program, chunk))
    counts = sites.counts()
    assert counts[program.site_code == 0].tolist() == [1, 3, 3, 2, 2, 1]
    assert counts[program.site_code == 1].tolist() == [2, 2]
    assert counts.sum() == len(trace)


def test_summary(trace: Trace) -> None:
    summary = Summary(Program(trace))
    run(trace, [summary])
    assert summary.finish().to_dict("records") == [
        {
            "instructions": 16,
            "frames": 3,
            "threads": 1,
            "functions": 2,
            "functions_known": 2,
            "opcodes": 6,
            "sites": 8,
            "sites_known": 8,
            "deepest_stack": 4,
        }
    ]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (4, 2, "rows refer to code 2"),
        (1, 100, "outside of its code"),
        (1, 12, "row 3: code 0 has no instruction"),  # beyond its code, where the next one's begin
        (1, 4_000_000_000, "outside of its code"),
    ],
)
@pytest.mark.parametrize("read", COLUMNS)
def test_rows_that_fit_no_instruction_are_an_error(
    trace: Trace, read: list[str] | None, column: int, value: int, message: str
) -> None:
    trace.rows[3, column] = value
    program = Program(trace)
    sites = SiteCounts(program)
    with pytest.raises(TraceError, match=message):
        for chunk in trace.chunks(read):
            sites.add(View(program, chunk))


@pytest.mark.parametrize("size", [10, 1 << 40])  # counted, and sorted
def test_numbers_that_occur(size: int) -> None:
    different, counts = occurring(np.array([3, 1, 3, 9]), size)
    assert (different.tolist(), counts.tolist()) == ([1, 3, 9], [1, 2, 1])


def test_jumps_out_of_the_code_are_an_error() -> None:
    trace = played([Code("main", ["JUMP -> 7", "RETURN_VALUE"])], "")
    with pytest.raises(TraceError, match="jump"):
        Program(trace)


def test_a_run_reports_its_progress(trace: Trace) -> None:
    done: list[int] = []
    run(trace, [Opcodes(Program(trace))], progress=done.append)
    assert done == [3, 5, 16]
