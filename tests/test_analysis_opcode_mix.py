"""Opcodes by group, their sequences, superinstructions, phases: on traces by hand, and counted naively."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vmtrace.analysis import (
    Analysis,
    Neighbours,
    Opcodes,
    OpcodesBy,
    Pairs,
    Phases,
    Program,
    StaticOpcodes,
    Super,
    run,
    spread,
)

from tests.analysis_traces import OPCODES, Code, Machine, Trace, played, random_machine

MAIN = Code("main", ["RESUME", "LOAD", "POP_JUMP -> 5", "CALL", "JUMP -> 1", "RETURN_VALUE", "POP"])
WORK = Code("work", ["RESUME", "LOAD", "LOAD", "RETURN_VALUE"], module="other")
ROWS = """
    0 main     : 0 1 2 3
    1 work < 0 : 0 1 2 3 $
    0          : 4 1 2 5 $
"""


def rows(analysis: Analysis, trace: Trace, *columns: str) -> list[list[object]]:
    run(trace, [analysis])
    return analysis.finish()[list(columns)].to_numpy().tolist()  # type: ignore[no-any-return]


def test_opcodes_by_function() -> None:
    trace = played([MAIN, WORK], ROWS)
    found = rows(OpcodesBy(Program(trace)), trace, "function", "opcode", "count", "group_percent")
    assert found == [
        ["main", "LOAD", 2, 25.0],
        ["main", "POP_JUMP", 2, 25.0],
        ["work", "LOAD", 2, 50.0],
        ["main", "CALL", 1, 12.5],
        ["main", "JUMP", 1, 12.5],
        ["main", "RESUME", 1, 12.5],
        ["main", "RETURN_VALUE", 1, 12.5],
        ["work", "RESUME", 1, 25.0],
        ["work", "RETURN_VALUE", 1, 25.0],
    ]


def test_functions_of_one_name_are_kept_apart() -> None:
    trace = played([WORK, WORK], "0 work : 0 1 2 3 $")
    trace.rows[1:, 4] = 1  # the frame's rows are of either code
    assert len(rows(OpcodesBy(Program(trace)), trace, "function")) == 3


def test_opcodes_by_module() -> None:
    trace = played([MAIN, WORK], ROWS)
    found = rows(OpcodesBy(Program(trace), by="module"), trace, "module", "opcode", "count", "cumulative_percent")
    assert found[:3] == [
        ["m", "LOAD", 2, pytest.approx(100 / 6)],
        ["m", "POP_JUMP", 2, pytest.approx(200 / 6)],
        ["other", "LOAD", 2, pytest.approx(50.0)],
    ]
    with pytest.raises(ValueError, match="not by line"):
        OpcodesBy(Program(trace), by="line")


def test_static_opcodes() -> None:
    trace = played([MAIN, WORK], ROWS)
    found = rows(
        StaticOpcodes(Program(trace)), trace, "opcode", "count", "static_count", "static_percent", "sites", "per_site"
    )
    assert found[0] == ["LOAD", 4, 3, pytest.approx(300 / 11), 3, pytest.approx(4 / 3)]
    assert found[-1][:3] == ["POP", 0, 1]  # in the code, never executed
    assert sum(row[2] for row in found) == 11  # type: ignore[misc]


def test_several_traces_are_one_population() -> None:
    results = {}
    for label, loads in (("a", "1 1"), ("b", "1 1 1 1")):
        trace = played([WORK], f"0 work : 0 {loads} 3 $")
        opcodes = Opcodes(Program(trace))
        run(trace, [opcodes])
        results[label] = opcodes.finish()
    table = spread(results)
    assert table["opcode"].tolist() == ["LOAD", "RESUME", "RETURN_VALUE"]
    first = table.iloc[0]
    assert first["count"] == 6 and first["self_percent"] == 60.0
    assert first["percent_a"] == first["min_percent"] == 50.0
    assert first["percent_b"] == first["max_percent"] == pytest.approx(200 / 3)
    assert first["mean_percent"] == pytest.approx((50 + 200 / 3) / 2)
    assert first["sd_percent"] == pytest.approx((200 / 3 - 50) / 2**0.5)


def test_pairs_go_on_behind_a_call() -> None:
    trace = played([MAIN, WORK], ROWS, cuts=[3, 6, 9])
    found = rows(Pairs(Program(trace)), trace, "sequence", "count", "fusable", "fusable_percent")
    assert found == [
        ["LOAD POP_JUMP", 2, True, 100.0],
        ["RESUME LOAD", 2, True, 50.0],  # in main this LOAD is a jump's target, in work it is not
        ["CALL JUMP", 1, True, 100.0],
        ["JUMP LOAD", 1, False, 0.0],
        ["LOAD LOAD", 1, True, 100.0],
        ["LOAD RETURN_VALUE", 1, True, 100.0],
        ["POP_JUMP CALL", 1, False, 0.0],
        ["POP_JUMP RETURN_VALUE", 1, False, 0.0],
    ]
    assert sum(row[1] for row in found) == 7 + 3  # type: ignore[misc]


def test_pairs_of_a_short_program_that_runs_long() -> None:
    """There are more moves than could be different ones."""
    trace = played(
        [Code("main", ["RESUME", "LOAD", "POP_JUMP -> 1", "RETURN_VALUE"])], f"0 main : 0 {'1 2 ' * 100} 3 $"
    )
    assert rows(Pairs(Program(trace)), trace, "sequence", "count", "fusable_percent") == [
        ["LOAD POP_JUMP", 100, 100.0],
        ["POP_JUMP LOAD", 99, 0.0],
        ["POP_JUMP RETURN_VALUE", 1, 0.0],
        ["RESUME LOAD", 1, 0.0],
    ]


def test_neighbours() -> None:
    trace = played([WORK], "0 work : 0 1 2 3 $")
    found = rows(Neighbours(Program(trace)), trace, "opcode", "where", "neighbour", "count", "percent")
    assert found == [
        ["LOAD", "before", "LOAD", 1, 50.0],
        ["LOAD", "before", "RESUME", 1, 50.0],
        ["LOAD", "after", "LOAD", 1, 50.0],
        ["LOAD", "after", "RETURN_VALUE", 1, 50.0],
        ["RESUME", "after", "LOAD", 1, 100.0],
        ["RETURN_VALUE", "before", "LOAD", 1, 100.0],
    ]


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    n=st.integers(2, 8),
    threads=st.sampled_from([1, 3]),
    cuts=st.lists(st.integers(0, 300), max_size=5),
)
def test_sequences_are_those_of_each_frame_by_itself(seed: int, n: int, threads: int, cuts: list[int]) -> None:
    machine = random_machine(seed, 300, threads)
    trace = machine.trace(cuts)
    by_frame: dict[int, list[str]] = {}
    for opcode, _, _, frame, _ in machine.rows:
        by_frame.setdefault(frame, []).append(OPCODES[opcode])
    expected = Counter(
        " ".join(opcodes[at : at + n]) for opcodes in by_frame.values() for at in range(len(opcodes) - n + 1)
    )
    assert dict(rows(Pairs(Program(trace), n), trace, "sequence", "count")) == expected  # type: ignore[arg-type]


def test_a_superinstruction_uses_up_what_it_replaces() -> None:
    code = Code("main", ["LOAD", "LOAD", "STORE", "LOAD", "STORE", "POP", "JUMP -> 0"])
    trace = played([code], "0 main : " + 10 * "0 1 2 3 4 5 6 ")
    found = rows(Super(Program(trace), slots=3, longest=2), trace, "sequence", "executions", "saved", "saved_percent")
    assert found == [
        ["LOAD STORE", 20, 20, pytest.approx(200 / 7)],
        # LOAD LOAD is gone, and so is STORE LOAD and STORE POP: only this pair is left of two opcodes
        ["POP JUMP", 10, 10, pytest.approx(100 / 7)],
    ]


def test_a_superinstruction_may_grow() -> None:
    code = Code("main", ["LOAD", "LOAD", "STORE", "LOAD", "STORE", "POP", "JUMP -> 0"])
    trace = played([code], "0 main : " + 10 * "0 1 2 3 4 5 6 ")
    found = rows(Super(Program(trace), slots=9, longest=7), trace, "sequence", "saved", "cumulative_percent")
    assert found == [["LOAD LOAD STORE LOAD STORE POP JUMP", 60, pytest.approx(600 / 7)]]


def test_overlapping_occurrences_count_once() -> None:
    code = Code("main", ["LOAD", "LOAD", "LOAD", "LOAD", "LOAD", "RETURN_VALUE"])
    trace = played([code], "0 main : 0 1 2 3 4 5 $")
    [first, second] = rows(Super(Program(trace), slots=2, longest=2), trace, "sequence", "saved")
    assert first == ["LOAD LOAD", 2] and second == ["LOAD RETURN_VALUE", 1]


def test_what_an_exception_cuts_off_is_not_saved() -> None:
    code = Code("main", ["LOAD", "CALL ! 4", "STORE", "JUMP -> 0", "POP", "JUMP -> 0"])
    trace = played([code], "0 main : 0 1 2 3 0 1 2 3 0 1 4 5 0 1 4 5")
    found = rows(Super(Program(trace), slots=1), trace, "sequence", "executions", "saved")
    assert found == [["LOAD CALL STORE JUMP", 4, 4 + 2 + 2]]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1 << 30), longest=st.integers(2, 5))
def test_superinstructions_save_what_they_say(seed: int, longest: int) -> None:
    """Against a rewriting of every single execution of a block."""
    machine = random_machine(seed, 400)
    trace = machine.trace()
    program = Program(trace)
    table = rows(Super(program, slots=4, longest=longest), trace, "sequence", "saved")
    executions = _block_executions(machine, program)
    for sequence, saved in table:
        before = sum(map(_dispatches, executions))
        executions = [(_rewritten(tokens, str(sequence).split()), length) for tokens, length in executions]
        assert before - sum(map(_dispatches, executions)) == saved


Tokens = list[tuple[str, ...]]


def _block_executions(machine: Machine, program: Program) -> list[tuple[Tokens, int]]:
    """For each execution of a block: the block's opcodes, and how many of them were executed."""
    executions: list[list[int]] = []  # site, instructions
    running: dict[int, list[int]] = {}
    for _, offset, _, frame, code in machine.rows:
        site = int(program.sites_at(np.array([code]), np.array([offset]))[0])
        if program.site_leads[site]:
            running[frame] = [site, 0]
            executions.append(running[frame])
        running[frame][1] += 1
    done = []
    for first, length in executions:
        last = program.block_last[program.site_block[first]]
        opcodes = program.site_opcode[first : last + 1].tolist()
        done.append(([(program.opcode_names[opcode],) for opcode in opcodes], length))
    return done


def _dispatches(execution: tuple[Tokens, int]) -> int:
    """The tokens that begin before the execution ends."""
    tokens, length = execution
    starts = accumulate((len(token) for token in tokens[:-1]), initial=0)
    return sum(start < length for start in starts)


def _rewritten(tokens: Tokens, opcodes: list[str]) -> Tokens:
    out: Tokens = []
    at = 0
    while at < len(tokens):
        ends = range(at + 2, len(tokens) + 1)
        stop = next((end for end in ends if list(chain(*tokens[at:end])) == opcodes), at + 1)
        out.append(tuple(chain(*tokens[at:stop])))
        at = stop
    return out


def test_phases() -> None:
    code = Code("main", ["LOAD", "STORE", "POP"])
    trace = played([code], "0 main : " + 8 * "0 " + 8 * "1 " + 2 * "2 " + 6 * "0 ")
    program = Program(trace)
    phases = Phases(program, instructions=4, threshold=0.3)
    found = rows(phases, trace, "first_row", "last_row", "change", "phase", "kind")
    assert found == [
        [0, 3, 0.0, 0, 0],
        [4, 7, 0.0, 0, 0],
        [8, 11, 1.0, 1, 1],
        [12, 15, 0.0, 1, 1],
        [16, 19, 1.0, 2, 2],
        [20, 23, 0.5, 3, 0],  # the mix of the first phase again
    ]
    assert phases.phases()["opcodes"].tolist() == ["LOAD 100 %", "STORE 100 %", "LOAD 50 %, POP 50 %", "LOAD 100 %"]
    assert phases.mix()["LOAD"].tolist() == [100.0, 100.0, 0.0, 0.0, 50.0, 100.0]
