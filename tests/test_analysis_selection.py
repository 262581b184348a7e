"""Parts of traces: functions, modules, threads, rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vmtrace.analysis import Calls, Functions, Opcodes, Pairs, Program, Selection, run

from tests.all_analyses import MAKERS, results
from tests.analysis_traces import Code, Machine, Trace, played, random_machine

MAIN = Code("main", ["RESUME", "CALL", "CALL", "RETURN_VALUE"])
WORK = Code("work", ["RESUME", "CALL", "RETURN_VALUE"], module="lib.work")
LEAF = Code("leaf", ["RESUME", "CALL", "RETURN_VALUE"], module="lib.leaf")


@pytest.fixture
def trace() -> Trace:
    return played(
        [MAIN, WORK, LEAF],
        """
        0 main @ 1     : 0 1
        1 work @ 1 < 0 : 0 1
        2 leaf @ 1 < 1 : 0 1
        3 leaf @ 2     : 0
        4 main @ 1 < 2 : 0 3 $
        3              : 1 2 $
        2              : 2 $
        1              : 2 $
        0              : 2
        5 leaf @ 1 < 0 : 0 1 2 $
        0              : 3 $
        """,
        cuts=[3, 7, 8, 9],
    )


def tree(trace: Trace, **chosen: Any) -> list[list[Any]]:
    program = Program(trace)
    calls = Calls(program)
    run(Selection(trace, program, **chosen), [calls])
    return calls.finish()[["level", "function", "calls", "own"]].to_numpy().tolist()  # type: ignore[no-any-return]


def test_functions_that_are_not_selected_are_passed_over(trace: Trace) -> None:
    assert tree(trace, functions=["main", "leaf"]) == [
        [0, "main", 2, 6],
        [1, "leaf", 2, 6],
        [0, "leaf", 1, 3],
    ]
    assert tree(trace, functions=["lib.leaf.*"]) == [[0, "leaf", 3, 9]]


def test_modules(trace: Trace) -> None:
    assert tree(trace, modules=["lib.*"]) == [[0, "work", 1, 3], [1, "leaf", 1, 3], [0, "leaf", 2, 6]]
    assert tree(trace, modules=["m", "none"]) == [[0, "main", 2, 6]]


def test_threads(trace: Trace) -> None:
    assert tree(trace, threads=[2]) == [[0, "leaf", 1, 3]]
    assert tree(trace, threads=[1, 2], functions=["work"]) == [[0, "work", 1, 3]]


def test_rows_of_the_trace(trace: Trace) -> None:
    # A row of leaf, the first of thread 2, and two of the inner main: who called it, is known.
    assert tree(trace, start=5, stop=9) == [[0, "main", 1, 2], [1, "work", 0, 0], [2, "leaf", 0, 1], [0, "leaf", 1, 1]]
    assert tree(trace, start=5, stop=9, functions=["main"]) == [[0, "main", 1, 2]]


def test_nothing(trace: Trace) -> None:
    assert tree(trace, functions=["none"]) == []


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    chosen=st.sets(st.sampled_from(["f0", "f1", "f2", "f3"])),
    cuts=st.lists(st.integers(0, 250), max_size=4),
)
def test_what_is_selected_is_counted(seed: int, chosen: set[str], cuts: list[int]) -> None:
    machine = random_machine(seed, 250, 2)
    trace = machine.trace(cuts)
    program = Program(trace)
    analyses = [Opcodes(program), Functions(program), Pairs(program), Functions(program)]
    run(Selection(trace, program, functions=sorted(chosen) or ["none"]), analyses[:3])
    run(trace, analyses[3:])
    names = {code: one.name for code, one in enumerate(machine.codes)}
    of_chosen = [row for row in machine.rows if names[row[4]] in chosen]
    assert analyses[0].finish()["count"].sum() == len(of_chosen)
    own = [set(map(tuple, one.finish()[["function", "calls", "own"]].to_numpy())) for one in analyses[1::2]]
    assert own[0] == {row for row in own[1] if row[0] in chosen}
    frames = np.array([row[3] for row in of_chosen])
    assert analyses[2].finish()["count"].sum() == len(frames) - len(np.unique(frames))


def filtered(machine: Machine, chosen: set[str], threads: set[int]) -> Trace:
    """The rows and frames of some functions and threads alone, as a trace: told without a Selection."""
    frames = {frame[0]: frame for frame in machine.frames}
    kept = {n for n, frame in frames.items() if machine.codes[frame[1]].name in chosen and frame[4] in threads}
    rows, ends = [row for row in machine.rows if row[3] in kept], dict(machine.exits)
    before = np.append(0, np.cumsum([row[3] in kept for row in machine.rows])).tolist()
    begun: list[tuple[int, int, int | None, int | None, int, int]] = []
    for number in sorted(kept):
        _, code, parent, offset, thread, first = frames[number]
        creator = parent
        while parent is not None and parent not in kept:
            parent, offset = frames[parent][2:4]
        if parent is not None and parent != creator and ends.get(parent, len(machine.rows)) < first:
            parent = offset = None
        begun.append((number, code, parent, offset, thread, before[first]))
    exits = [(frame, before[row]) for frame, row in machine.exits if frame in kept]
    return Trace(machine.codes, rows, begun, exits)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    chosen=st.sets(st.sampled_from(["f0", "f1", "f2", "f3", "f4"]), min_size=1),
    threads=st.sets(st.sampled_from([7, 8]), min_size=1),
    cuts=st.lists(st.integers(0, 250), max_size=4),
)
def test_every_analysis_of_a_part_is_that_of_a_trace_of_the_part(
    name: str, seed: int, chosen: set[str], threads: set[int], cuts: list[int]
) -> None:
    machine = random_machine(seed, 250, 2)
    trace = machine.trace(cuts)
    selection = Selection(trace, Program(trace), functions=sorted(chosen), threads=sorted(threads))
    analyses = [MAKERS[name](selection.program) for _ in range(2)]
    part = filtered(machine, chosen, threads)
    run(selection, analyses[:1])
    run(part, analyses[1:])
    assert selection.selected == len(part)
    for one, other in zip(*(results(analysis).values() for analysis in analyses), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
