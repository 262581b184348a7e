"""Analyses against naive counting over the true stacks of randomly run programs."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from vmtrace.analysis import Calls, Functions, Loops, Program, Stack, run
from vmtrace.analysis.cfg import NaturalLoops
from vmtrace.analysis.flow import Flow
from vmtrace.analysis.rounds import Rounds
from vmtrace.analysis.trips import Trips
from vmtrace.analysis.view import View

from tests.analysis_traces import SUSPENDING, Machine, Trace, random_machine

ROWS = 300
machines = st.builds(
    random_machine, seed=st.integers(0, 1 << 30), rows=st.just(ROWS), threads=st.sampled_from([1, 1, 3])
)
seeds = st.randoms(use_true_random=False)


def cut(machine: Machine, random: Random) -> Trace:
    return machine.trace([random.randrange(ROWS) for _ in range(random.randrange(6))])


def site_of(program: Program, code: int, instruction: int) -> int:
    return int(program.sites_at(np.array([code]), np.array([2 * instruction]))[0])


def path_of(stack: list[tuple[int, int, int]]) -> tuple[int, ...]:
    """The functions on a stack, recursion folded."""
    path: list[int] = []
    for _, code, _ in stack:
        path = path[: path.index(code)] if code in path else path
        path.append(code)
    return tuple(path)


@settings(max_examples=60, deadline=None)
@given(machine=machines, random=seeds)
def test_calls(machine: Machine, random: Random) -> None:
    program = Program(trace := cut(machine, random))
    tree = Calls(program)
    run(trace, [tree])
    own, resumed = Counter(map(path_of, machine.stacks)), Counter[tuple[int, ...]]()
    inclusive: Counter[tuple[int, ...]] = Counter()
    for path, count in own.items():
        inclusive.update({path[:length]: count for length in range(1, len(path) + 1)})
    for row in machine.resumed:
        resumed[path_of(machine.stacks[row])] += 1
    table = tree.finish()
    paths: list[tuple[str, ...]] = []
    for row in table.to_dict("records"):
        paths.append((*paths[row["parent"]], row["function"]) if row["parent"] >= 0 else (row["function"],))
    name = [code.name for code in machine.codes]
    for column, expected in (("own", own), ("inclusive", inclusive), ("resumed", resumed)):
        found = {p: n for p, n in zip(paths, table[column].tolist(), strict=True) if n}
        assert found == {tuple(name[code] for code in path): n for path, n in expected.items()}
    assert table["calls"].sum() == len(machine.frames)


@settings(max_examples=60, deadline=None)
@given(machine=machines, random=seeds)
def test_functions(machine: Machine, random: Random) -> None:
    program = Program(trace := cut(machine, random))
    profile = Functions(program)
    run(trace, [profile])
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    name = [code.name for code in machine.codes]
    for stack in machine.stacks:
        expected[name[stack[-1][1]]]["own"] += 1
        for code in {code for _, code, _ in stack}:
            expected[name[code]]["inclusive"] += 1
    for _, code, *_ in machine.frames:
        expected[name[code]]["calls"] += 1
    for row in profile.finish().to_dict("records"):
        counts = expected.pop(row["function"])
        assert [row[key] for key in ("calls", "own", "inclusive")] == [
            counts[key] for key in ("calls", "own", "inclusive")
        ]
    assert not expected


@settings(max_examples=60, deadline=None)
@given(machine=machines, random=seeds)
def test_instructions_of_loops(machine: Machine, random: Random) -> None:
    program = Program(trace := cut(machine, random))
    analysis, natural = Loops(program), NaturalLoops(program)
    run(trace, [analysis])
    own: Counter[int] = Counter()
    inclusive: Counter[int] = Counter()
    for stack in machine.stacks:
        on_stack = [set(_loops_at(program, natural, code, at)) for _, code, at in stack]
        own.update(on_stack[-1])
        inclusive.update(set().union(*on_stack))
    table = analysis.finish()
    columns = table[["loop", "own", "inclusive"]].to_numpy().tolist()
    found = {loop: (own, inclusive) for loop, own, inclusive in columns}
    # A loop whose header did not run has not been entered, even if an exception led into its midst.
    assert found == {loop: (own[loop], inclusive[loop]) for loop in found}
    headers = {natural.all[loop].header for loop in own}
    ran = {program.site_block[site_of(program, code, at)] for stack in machine.stacks for _, code, at in stack}
    assert set(found) == {loop.number for loop in natural.all if loop.header in headers & ran}


def _loops_at(program: Program, natural: NaturalLoops, code: int, at: int) -> Any:
    loop = int(natural.block_loop[program.site_block[site_of(program, code, at)]])
    return natural.chain[loop] if loop >= 0 else ()


@settings(max_examples=60, deadline=None)
@given(machine=machines, random=seeds)
def test_flow(machine: Machine, random: Random) -> None:
    program = Program(trace := cut(machine, random))
    flow = Flow(program)
    for chunk in trace.chunks():
        flow.add(View(program, chunk))
    moves = Counter(
        (before, site) for _, before, site in _moves(machine, program) if before >= 0 and site - before != 1
    )
    ways = flow.ways()
    others = zip(ways.before.tolist(), ways.after.tolist(), strict=True)
    found = Counter(dict(zip(others, ways.times.tolist(), strict=True)))
    for site in range(program.sites):
        found[site, site + 2] += int(ways.fell[site])
        found[site, int(program.site_target[site])] += int(ways.taken[site])
    assert +found == moves


@settings(max_examples=60, deadline=None)
@given(machine=machines, random=seeds)
def test_trips(machine: Machine, random: Random) -> None:
    program = Program(trace := cut(machine, random))
    natural = NaturalLoops(program)
    rounds, trips = Rounds(program), Trips(program)
    for chunk in trace.chunks():
        trips.add(View(program, chunk))
    iterations: Counter[int] = Counter()
    entries: dict[tuple[int, int], list[int]] = defaultdict(list)  # by frame and loop: the iterations of each
    for frame, before, site in _moves(machine, program):
        loop = int(rounds.header[site])
        around = natural.block_loop[program.site_block[before]] if before >= 0 else -1
        if loop >= 0 and (around < 0 or loop not in natural.chain[around]):
            entries[frame, loop].append(0)
        begun = [loop] if loop >= 0 and rounds.each_pass[loop] else []
        if before >= 0 and site == before + 2 and program.site_leads[site]:
            begun.append(int(rounds.fall_begins[before]))
        elif before >= 0 and site == program.site_target[before]:
            begun.append(int(rounds.jump_begins[before]))
        for one in begun:
            if one >= 0:
                iterations[one] += 1
                if entries[frame, one]:
                    entries[frame, one][-1] += 1
    expected = Counter((loop, count) for (_, loop), counts in entries.items() for count in counts)
    assert trips.trips() == expected
    for loop in range(len(natural.all)):
        counts = [count for (_, one), counts in entries.items() if one == loop for count in counts]
        assert trips.entries[loop] == len(counts)
        assert trips.most()[loop] == max(counts, default=0)
        assert trips.iterations[loop] == iterations[loop]


def _moves(machine: Machine, program: Program) -> list[tuple[int, int, int]]:
    """Of each row its frame, the site that this stood at before (-1: it begins), and the row's own."""
    stands: dict[int, int] = {}
    moves = []
    for stack in machine.stacks:
        frame, code, at = stack[-1]
        moves.append((frame, stands.get(frame, -1), site_of(program, code, at)))
        stands[frame] = moves[-1][2]
    return moves


@settings(max_examples=60, deadline=None)
@given(machine=machines, random=seeds)
def test_the_deepest_moments(machine: Machine, random: Random) -> None:
    program = Program(trace := cut(machine, random))
    stack = Stack(program)
    run(trace, [stack])
    best: dict[int, tuple[int, int]] = {}  # by code: depth (negative), row
    for row, (_, _, depth, _, code) in enumerate(machine.rows):
        best[code] = min(best.get(code, (0, len(machine.rows))), (-depth, row))
    name = [code.name for code in machine.codes]
    expected = [
        [moment, frame, name[code], 2 * at, row, -depth]
        for moment, (depth, row) in enumerate(sorted(best.values())[:3])
        for frame, code, at in machine.stacks[row]
    ]
    columns = ["moment", "frame_id", "function", "offset", "row", "depth"]
    assert stack.deepest()[columns].to_numpy().tolist() == expected


def test_the_machine_does_what_makes_traces_hard() -> None:
    """Else the tests above would prove little."""
    machine = random_machine(3, 3000, 3)
    parents = {frame: parent for frame, _, parent, *_ in machine.frames}
    below = [stack[-2][0] if len(stack) > 1 else None for stack in machine.stacks]
    elsewhere = sum(parents[stack[-1][0]] != under for stack, under in zip(machine.stacks, below, strict=True))
    ends = Counter(row for _, row in machine.exits)
    generators = [code for code in machine.codes if any(i["opcode"] in SUSPENDING for i in code.instructions)]
    assert elsewhere > 100 and max(ends.values()) > 2 and len(machine.resumed) > 50 and generators
