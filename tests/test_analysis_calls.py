"""Call trees, flat profiles and stack depths, on traces written by hand."""

from __future__ import annotations

from typing import Any

import pytest
from vmtrace.analysis import Calls, CallSites, Functions, Program, Stack, StackByOpcode, StackOverTime, run

from tests.analysis_traces import Code, Trace, played

MAIN = Code("main", ["RESUME", "CALL", "CALL", "FOR_ITER -> 6", "STORE", "JUMP -> 3", "RETURN_VALUE"])
WORK = Code("work", ["RESUME", "CALL", "CALL", "RETURN_VALUE"])
EACH = Code("each", ["RETURN_GENERATOR", "POP", "RESUME", "CALL", "YIELD_VALUE", "JUMP -> 3"], "generator")
CODES = [MAIN, WORK, EACH]

Rows = list[tuple[Any, ...]]


def calls(trace: Trace) -> Rows:
    """(level, function, calls, resumed, own, inclusive) of each row of the call tree."""
    analysis = Calls(Program(trace))
    run(trace, [analysis])
    columns = ["level", "function", "calls", "resumed", "own", "inclusive"]
    return [tuple(row) for row in analysis.finish()[columns].to_numpy().tolist()]


def functions(trace: Trace) -> Rows:
    """(function, calls, resumed, own, inclusive) of each row of the flat profile."""
    analysis = Functions(Program(trace))
    run(trace, [analysis])
    columns = ["function", "calls", "resumed", "own", "inclusive"]
    return [tuple(row) for row in analysis.finish()[columns].to_numpy().tolist()]


def test_a_call_tree() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 work < 0 : 0 1 2 3 $
        0          : 2
        2 work < 0 : 0 1
        3 each < 2 : 0
        2          : 2 3 $
        0          : 3 6 $
        """,
        cuts=[4, 7],
    )
    assert calls(trace) == [
        (0, "main", 1, 0, 5, 14),
        (1, "work", 2, 0, 8, 9),
        (2, "each", 1, 0, 1, 1),
    ]
    assert functions(trace) == [
        ("work", 2, 0, 8, 9),
        ("main", 1, 0, 5, 14),
        ("each", 1, 0, 1, 1),
    ]


def test_recursion_is_folded() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 work < 0 : 0 1
        2 work < 1 : 0 1
        3 each < 2 : 0
        2          : 2
        4 main < 2 : 0 6 $
        2          : 3 $
        1          : 2 3 $
        0          : 6 $
        """,
    )
    # The inner main takes the path back to the outermost function, where its two rows are counted.
    assert calls(trace) == [
        (0, "main", 2, 0, 5, 14),
        (1, "work", 2, 0, 8, 9),
        (2, "each", 1, 0, 1, 1),
    ]
    # The flat profile knows that work was on the stack meanwhile.
    assert functions(trace) == [
        ("work", 2, 0, 8, 11),
        ("main", 2, 0, 5, 14),
        ("each", 1, 0, 1, 1),
    ]


def test_a_generator_runs_on_behalf_of_who_resumes_it() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 each < 0 : 0
        0          : 2
        2 work < 0 : 0 1
        1          : 1 2 3
        3 work < 1 : 0 3 $
        1          : 4
        2          : 2
        1          : 5 3 4
        2          : 3 $
        0          : 3
        1          : 5 3 $
        0          : 6 $
        """,
        cuts=[6, 12],
    )
    assert calls(trace) == [
        (0, "main", 1, 0, 5, 21),
        (1, "work", 2, 0, 6, 13),  # the one that is called by each, folded
        (2, "each", 0, 2, 7, 7),
        (1, "each", 1, 1, 3, 3),
    ]


def test_a_native_function_resumes_and_calls_in_turn() -> None:
    """As `sum(map(work, each()))` does: no row of main lies between."""
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 each < 0 : 0
        0          : 2
        1          : 1 2 3 4
        2 work < 0 : 0 3 $
        1          : 5 3 4
        3 work < 0 : 0 3 $
        1          : 5 3 $
        0          : 3 6 $
        """,
    )
    assert calls(trace) == [
        (0, "main", 1, 0, 5, 19),
        (1, "each", 1, 3, 10, 10),
        (1, "work", 2, 0, 4, 4),
    ]


def test_threads_have_stacks_of_their_own() -> None:
    trace = played(
        CODES,
        """
        0 main @ 1     : 0 1
        1 each < 0 @ 1 : 0
        2 work @ 2     : 0
        0              : 2
        2              : 1
        1              : 1 2
        2              : 2 3 $
        1              : 3 4
        0              : 6 $
        """,
        cuts=[4, 5, 7, 9],
    )
    assert calls(trace) == [
        (0, "main", 1, 0, 4, 9),
        (1, "each", 1, 1, 5, 5),
        (0, "work", 1, 0, 4, 4),
    ]


def test_an_exception_ends_several_frames_at_once() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 work < 0 : 0 1
        2 each < 1 : 0
        1          : 2
        2          : 1 2 3
        3 work < 2 : 0 1 $
        2          : $
        1          : $
        0          : 2
        4 work < 0 : 0 3 $
        0          : 6 $
        """,
    )
    assert calls(trace) == [
        (0, "main", 1, 0, 4, 15),
        (1, "work", 3, 0, 7, 11),
        (2, "each", 1, 1, 4, 4),
    ]


def test_call_sites_and_the_call_graph() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 work < 0 : 0 1
        2 work < 1 : 0 3 $
        1          : 2 3 $
        0          : 2
        3 work < 0 : 0 3 $
        0          : 3
        4 each < 0 : 0
        0          : 4 5 3
        5 work < 0 : 0 3 $
        0          : 4 5 3
        6 work < 0 : 0 3 $
        """,
        cuts=[3, 9],
    )
    sites = CallSites(Program(trace))
    run(trace, [sites])
    columns = ["function", "line", "offset", "opcode", "calls", "targets", "shape", "first", "first_percent"]
    assert sites.finish()[columns].to_numpy().tolist() == [
        ["main", 4, 6, "FOR_ITER", 3, 2, "poly", "work", pytest.approx(200 / 3)],
        ["main", 2, 2, "CALL", 1, 1, "mono", "work", 100.0],
        ["main", 3, 4, "CALL", 1, 1, "mono", "work", 100.0],
        ["work", 2, 2, "CALL", 1, 1, "mono", "work", 100.0],
    ]
    columns = ["caller", "callee", "calls", "caller_percent", "callee_percent"]
    assert sites.edges()[columns].to_numpy().tolist() == [
        ["main", "work", 4, 80.0, 80.0],
        ["", "main", 1, 100.0, 100.0],
        ["main", "each", 1, 20.0, 100.0],
        ["work", "work", 1, 100.0, 20.0],
    ]


def test_stack_depths_by_opcode() -> None:
    trace = played(CODES, "0 main : 0 1 2 3 4 5 3 6 $")
    stack = StackByOpcode(Program(trace))
    run(trace, [stack])
    assert stack.finish().to_numpy().tolist()[:3] == [
        ["STORE", 1, 4, 4.0, 4, 4],
        ["FOR_ITER", 2, 3, 3.0, 3, 3],
        ["CALL", 2, 2, 1.5, 1, 2],
    ]


def test_stack_depths() -> None:
    """The depth of instruction i is i modulo 5, see Code."""
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 work < 0 : 0 1 2 3 $
        0          : 2 3 4 5 3 6 $
        """,
        cuts=[7],
    )
    program = Program(trace)
    stack, over_time = Stack(program), StackOverTime(program, buckets=4)
    run(trace, [stack, over_time])
    columns = ["function", "instructions", "max", "mean", "median", "p90"]
    assert stack.finish()[columns].to_numpy().tolist() == [
        ["main", 8, 4, 1.75, 1, 4],
        ["work", 4, 3, 1.5, 1, 3],
    ]
    assert stack.distribution()["count"].tolist() == [3, 3, 2, 3, 1]
    assert over_time.finish().to_numpy().tolist() == [
        [0, 3, 0, 1, 0.5, 1, 2],
        [4, 7, 2, 3, 2.5, 1, 2],
        [8, 11, 0, 4, 2.0, 1, 1],
    ]


def test_the_deepest_moment_has_its_stack() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 each < 0 : 0
        0          : 2
        2 work < 0 : 0 1
        1          : 1 2 3 4
        2          : 2
        """,
        cuts=[5, 8],
    )
    stack = Stack(Program(trace))
    run(trace, [stack])
    columns = ["level", "frame_id", "function", "at_line", "offset", "opcode", "row", "depth"]
    table = stack.deepest()
    assert table.groupby("moment")[["depth", "row"]].last().to_numpy().tolist() == [[4, 9], [2, 3], [2, 10]]
    assert table[table["moment"] == 0][columns].to_numpy().tolist() == [
        [0, 0, "main", 3, 4, "CALL", 9, 4],
        [1, 2, "work", 2, 2, "CALL", 9, 4],
        [2, 1, "each", 5, 8, "YIELD_VALUE", 9, 4],
    ]


def test_a_slice_knows_the_frames_alive_at_its_start() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1
        1 work < 0 : 0 1
        2 each < 1 : 0
        1          : 2 3 $
        0          : 2 3 6 $
        """,
    )
    analysis = Calls(Program(trace))
    run(trace, [analysis], 5, 8)  # two rows of work, one of main: no frame begins here
    columns = ["level", "function", "calls", "own", "inclusive"]
    assert analysis.finish()[columns].to_numpy().tolist() == [[0, "main", 0, 1, 3], [1, "work", 0, 2, 2]]
