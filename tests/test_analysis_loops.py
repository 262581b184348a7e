"""Loops, on traces written by hand."""

from __future__ import annotations

from typing import Any

import pytest
from vmtrace.analysis import Loops, Program, run
from vmtrace.analysis.cfg import NaturalLoops, dominates, dominators

from tests.analysis_traces import Code, Trace, played

#: for … in each(): work()
FOR = Code("main", ["RESUME", "LOAD", "FOR_ITER -> 6", "STORE", "CALL", "JUMP -> 2", "RETURN_VALUE"])
#: A loop in a loop: the inner one is a while whose test stands at its bottom, as CPython 3.11 compiles it.
NESTED = Code(
    "nested",
    [
        "RESUME @ 1",
        "FOR_ITER -> 9 @ 2",
        "STORE @ 2",
        "POP_JUMP -> 8 @ 3",
        "LOAD @ 4",
        "CALL @ 5",
        "LOAD @ 3",
        "POP_JUMP -> 4 @ 3",
        "JUMP -> 1 @ 2",
        "RETURN_VALUE @ 2",
    ],
)
#: while a and b, tested at the top, as CPython 3.14 compiles it.
TOP = Code(
    "top",
    [
        "RESUME @ 1",
        "LOAD @ 2",
        "POP_JUMP -> 7 @ 2",
        "LOAD @ 2",
        "POP_JUMP -> 7 @ 2",
        "STORE @ 3",
        "JUMP -> 1 @ 3",
        "RETURN_VALUE @ 4",
    ],
)
#: while True: try: work() except: continue
TRY = Code(
    "tries",
    ["RESUME", "LOAD", "CALL ! 4", "JUMP -> 1", "POP ! 6", "JUMP -> 1", "RERAISE"],
)
WORK = Code("work", ["RESUME", "RETURN_VALUE"])
EACH = Code("each", ["RETURN_GENERATOR", "POP", "RESUME", "LOAD", "YIELD_VALUE", "JUMP -> 2"], "generator")
CODES = [FOR, NESTED, TOP, TRY, WORK, EACH]


def loops(trace: Trace) -> list[tuple[Any, ...]]:
    """(function, line, kind, level, entries, iterations, own, inclusive) of each loop."""
    analysis = Loops(Program(trace))
    run(trace, [analysis])
    columns = ["function", "line", "kind", "level", "entries", "iterations", "own", "inclusive"]
    return [tuple(row) for row in analysis.finish()[columns].to_numpy().tolist()]


def test_the_test_that_ends_a_for_is_no_iteration() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1 2 3 4
        1 work < 0 : 0 1 $
        0          : 5 2 3 4 5 2 6 $
        """,
        cuts=[5, 8],
    )
    assert loops(trace) == [("main", 3, "for", 1, 1, 2, 9, 11)]


def test_a_for_over_nothing_is_entered() -> None:
    trace = played(CODES, "0 main : 0 1 2 6 $")
    assert loops(trace) == [("main", 3, "for", 1, 1, 0, 1, 1)]


def test_a_generator_resumed_by_a_loop_is_inside_of_it() -> None:
    """But the loop within the generator does not contain the loop that resumes it."""
    trace = played(
        CODES,
        """
        0 main     : 0
        1 each < 0 : 0
        0          : 1 2
        1          : 1 2 3 4
        0          : 3 4 5 2
        1          : 5 2 3 4
        0          : 3 4 5 2 6 $
        """,
        cuts=[4, 9],
    )
    assert loops(trace) == [("main", 3, "for", 1, 1, 2, 9, 17), ("each", 3, "while", 1, 1, 2, 7, 7)]


def test_a_loop_in_a_loop() -> None:
    trace = played(
        CODES,
        """
        0 nested   : 0 1 2 3 4 5
        1 work < 0 : 0 1 $
        0          : 6 7 4 5 6 7 8 1 2 3 8 1 9 $
        """,
    )
    assert loops(trace) == [
        # twice round; the second time the inner loop's test, before it, failed
        ("nested", 2, "for", 1, 1, 2, 17, 19),
        ("nested", 3, "while", 2, 1, 2, 8, 10),
    ]


def test_recursion_counts_once() -> None:
    trace = played(
        CODES,
        """
        0 main     : 0 1 2 3 4
        1 main < 0 : 0 1 2 3 4
        2 work < 1 : 0 1 $
        1          : 5 2 6 $
        0          : 5 2 6 $
        """,
    )
    # Own: 5 rows in each of the two frames. Inclusive: these, the rest of the inner frame (3 rows), and work.
    assert loops(trace) == [("main", 3, "for", 1, 2, 2, 10, 15)]


@pytest.mark.parametrize(
    ("rows", "iterations"),
    [
        ("0 1 2 7 $", 0),
        ("0 1 2 3 4 7 $", 0),
        ("0 1 2 3 4 5 6 1 2 3 4 5 6 1 2 7 $", 2),
    ],
)
def test_a_test_at_the_top_may_have_several_parts(rows: str, iterations: int) -> None:
    trace = played(CODES, f"0 top : {rows}")
    assert [row[5] for row in loops(trace)] == [iterations]


def test_a_handler_that_goes_on_with_the_loop_belongs_to_it() -> None:
    trace = played(
        CODES,
        """
        0 tries    : 0 1 2
        1 work < 0 : 0 $
        0          : 4 5 1 2
        2 work < 0 : 0 1 $
        0          : 3 1 2 4 6 $
        """,
    )
    # Three passes of the header: one back by the handler's jump, one by the other.
    assert loops(trace) == [("tries", 2, "while", 1, 1, 3, 10, 13)]


def test_an_asynchronous_loop_ends_by_an_exception() -> None:
    async_for = Code(
        "main",
        [
            "RESUME",
            "GET_ANEXT ! 7",
            "SEND -> 5 ! 7",
            "YIELD_VALUE ! 7",
            "JUMP -> 2 ! 7",
            "STORE",
            "JUMP -> 1",
            "END_ASYNC_FOR",
            "RETURN_VALUE",
        ],
        "coroutine",
    )
    trace = played([async_for], "0 main : 0 1 2 3 4 2 5 6 1 2 5 6 1 2 7 8 $")
    assert loops(trace) == [
        ("main", 2, "async for", 1, 1, 2, 13, 13),
        ("main", 3, "await", 2, 3, 1, 6, 6),
    ]


def test_the_distribution_of_trips() -> None:
    """Entered 10 times, with 0, 1, 2, … 9 iterations; once more 5000 times round."""
    rows = "0 1 " + " ".join(n * "2 3 4 5 " + "2 6 0 1" for n in range(10)) + 5000 * " 2 3 4 5" + " 2 6 $"
    trace = played([FOR, WORK], f"0 main : {rows}", cuts=[30, 31, 90, 9000])
    loops = Loops(Program(trace))
    run(trace, [loops])
    columns = ["entries", "iterations", "mean_trips", "median_trips", "p90_trips", "max_trips"]
    assert loops.finish()[columns].to_numpy().tolist() == [[11, 5045, pytest.approx(5045 / 11), 5, 9, 5000]]


def test_loops_that_did_not_run_are_left_out() -> None:
    assert loops(played(CODES, "0 work : 0 1 $")) == []


def test_dominators() -> None:
    #     0 → 1 → 2 → 4;  1 → 3 → 4;  4 → 1
    flow = {0: [1], 1: [2, 3], 2: [4], 3: [4], 4: [1], 5: [4]}
    dominator = dominators(0, flow)
    assert dominator == {0: 0, 1: 0, 2: 1, 3: 1, 4: 1}  # 5 cannot be reached
    assert dominates(dominator, 1, 4) and not dominates(dominator, 2, 4)


def test_a_cycle_entered_past_its_header_is_no_loop() -> None:
    code = Code("main", ["POP_JUMP -> 3", "LOAD", "LOAD", "LOAD", "POP_JUMP -> 2", "RETURN_VALUE"])
    program = Program(played([code], ""))
    assert NaturalLoops(program).all == []


def test_jumps_back_to_one_header_make_one_loop() -> None:
    code = Code("main", ["RESUME", "LOAD", "POP_JUMP -> 1", "LOAD", "POP_JUMP -> 1", "RETURN_VALUE"])
    loops = NaturalLoops(Program(played([code], ""))).all
    assert [(loop.header, set(loop.blocks), loop.depth) for loop in loops] == [(1, {1, 2}, 1)]
