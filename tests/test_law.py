"""The law that every analysis keeps: any cut of a trace, merged in any bracketing, gives what one pass does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pandas as pd
import pytest
import vmtrace.analysis
from hypothesis import given, settings
from hypothesis import strategies as st
from vmtrace.analysis import Analysis, Program, run

from tests.all_analyses import MAKERS, results
from tests.analysis_traces import Machine, Trace, random_machine


def passed(make: Callable[[Program], Analysis], trace: Trace, start: int = 0, stop: int | None = None) -> Analysis:
    analysis = make(Program(trace))
    run(trace, [analysis], start, stop)
    return analysis


def merged(make: Callable[[Program], Analysis], trace: Trace, cuts: list[int], random: Random) -> Analysis:
    bounds = sorted({0, len(trace), *(cut % len(trace) for cut in cuts)})
    parts = [passed(make, trace, low, high) for low, high in pairwise(bounds)]
    while len(parts) > 1:
        at = random.randrange(len(parts) - 1)
        parts[at].merge(parts.pop(at + 1))
    return parts[0]


def check(make: Callable[[Program], Analysis], machine: Machine, cuts: list[int], random: Random) -> None:
    whole = results(passed(make, machine.trace(), 0))
    batches = [random.randrange(len(machine.rows)) for _ in range(random.randrange(5))]
    in_parts = results(merged(make, machine.trace(batches), cuts, random))
    for name, table in whole.items():
        pd.testing.assert_frame_equal(in_parts[name], table, check_exact=True)


def test_every_analysis_is_held_to_the_law() -> None:
    exported = [getattr(vmtrace.analysis, name) for name in vmtrace.analysis.__all__]
    classes = {c for c in exported if inspect.isclass(c) and issubclass(c, Analysis) and c is not Analysis}
    program = Program(random_machine(0, 10).trace())
    assert {type(make(program)) for make in MAKERS.values()} == classes


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    threads=st.sampled_from([1, 1, 3]),
    cuts=st.lists(st.integers(1, 300), min_size=1, max_size=6),
    random=st.randoms(use_true_random=False),
)
def test_any_cut_merged_in_any_bracketing_is_one_pass(
    name: str, seed: int, threads: int, cuts: list[int], random: Random
) -> None:
    check(MAKERS[name], random_machine(seed, 250, threads), cuts, random)


def test_analyses_fed_together_are_what_they_are_alone() -> None:
    trace = random_machine(1, 400, 2).trace([100, 200, 300])
    program = Program(trace)
    together = [make(program) for make in MAKERS.values()]
    run(trace, together, 0, 150)
    later = [make(program) for make in MAKERS.values()]
    run(trace, later, 150)
    for name, one, other in zip(MAKERS, together, later, strict=True):
        one.merge(other)
        for key, table in results(passed(MAKERS[name], trace)).items():
            pd.testing.assert_frame_equal(results(one)[key], table, check_exact=True)
