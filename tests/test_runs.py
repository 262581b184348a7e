"""Which blocks go without a mark, and that the marks around them tell what was executed."""

from __future__ import annotations

import types
from collections.abc import Iterable

import pytest
from vmtrace.tracer.code import Code, decode
from vmtrace.tracer.rewritten.likely import Guess
from vmtrace.tracer.rewritten.runs import Runs, find_runs
from vmtrace.tracer.vm import opcodes


def decoded(source: str) -> Code:
    """Of the first function in it."""
    module = compile(source, "<test>", "exec")
    return decode(next(const for const in module.co_consts if isinstance(const, types.CodeType)), opcodes())


def runs_of(code: Code) -> Runs:
    return find_runs(code, Guess().iterates_values)


def last_lines(code: Code, starts: Iterable[int]) -> set[int | None]:
    """The lines that blocks end with."""
    return {code.instructions[block.stop - 1].position[0] for block in code.blocks if block.start in starts}


LOOP = "def f(n, xs):\n for x in {}:\n  if n: n += x\n return n\n"


@pytest.mark.parametrize(
    ("iterable", "of_values"),
    [
        ("range(n)", True), ("(1, 2)", True), ("[n, 1]", True), ("sorted(xs)", True), ("xs.items()", True),
        ("xs", False), ("xs()", False), ("zip(xs)", False), ("xs.made()", False), ("(y for y in xs)", False),
    ],
)  # fmt: skip
def test_a_loop_has_no_mark_for_its_body_where_it_is_over_values(iterable: str, of_values: bool) -> None:
    code = decoded(LOOP.format(iterable))
    (after_loop_head,) = (i.index + 1 for i in code.instructions if i.name == "FOR_ITER")
    runs = runs_of(code)
    assert (after_loop_head in runs.unmarked) is of_values
    assert (after_loop_head in runs.cuts.values()) is of_values


def test_one_branch_of_two_has_none_and_the_other_cuts() -> None:
    code = decoded("def f(n):\n if n:\n  g(1)\n else:\n  g(2)\n g(3)\n")
    runs = runs_of(code)
    (first,) = runs.unmarked
    ((second, cut),) = runs.cuts.items()
    assert cut == first
    assert last_lines(code, [first]) == {3}
    branch = next(block for block in code.blocks if block.start == first)
    spans = {block.start: span for block, span in zip(code.blocks, runs.spans(code.blocks), strict=True)}
    before = next(block for block in code.blocks if block.stop == first)
    assert spans[before.start] == (before.start, branch.stop, 0)
    assert spans[second][2] == first


@pytest.mark.parametrize(
    "source",
    [
        "def f(n):\n if n:\n  g(1)\n g(2)\n g(3)\n",  # g(2) is reached in two ways
        "def f(n):\n if n and g(0):\n  g(1)\n else:\n  g(2)\n g(3)\n",
    ],
)
def test_where_a_jump_leads_to_what_is_reached_otherwise_all_have_one(source: str) -> None:
    code = decoded(source)
    runs = runs_of(code)
    assert 3 not in last_lines(code, runs.unmarked)
    assert not runs.cuts


def test_spans_are_the_blocks_where_there_are_no_runs() -> None:
    code = decoded("def f(n):\n while n:\n  n -= 1\n")
    assert Runs().spans(code.blocks) == [(block.start, block.stop, 0) for block in code.blocks]
