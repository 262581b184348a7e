"""The rules for what the witness leaves out, and the comparison, on events written by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests import witness as w

OPCODES = [
    *("MAKE_CELL", "RETURN_GENERATOR", "POP_TOP", "RESUME"),
    *("EXTENDED_ARG", "EXTENDED_ARG", "LOAD_CONST", "YIELD_VALUE", "RESUME"),
]


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [(w.entry, {0, 1, 2, 3}), (w.resume, {3, 8}), (w.behind_extended_arg, {5, 6})],
)
def test_rules(rule: w.Rule, hidden: set[int]) -> None:
    assert {index for index, hit in enumerate(rule(OPCODES)) if hit} == hidden


def test_entry_ends_at_the_resume_behind_return_generator() -> None:
    hits = w.entry(["RESUME", "LOAD_FAST", "GET_ITER", "RETURN_GENERATOR", "POP_TOP", "RESUME", "FOR_ITER"])
    assert hits == [True] * 6 + [False]


def events(frames: list[int], offsets: list[int], codes: list[int], threads: list[int] | None = None) -> w.Events:
    names = [w.Code("p.py", name, 1) for name in "fgh"]
    columns = codes, threads or [0] * len(codes), frames, offsets
    return w.Events(names, *(np.array(column, np.int64) for column in columns))


def test_normalise_hides_and_renumbers() -> None:
    made_first = [(2 * index, name) for index, name in enumerate(OPCODES)]
    instructions = [made_first, [(0, "RESUME"), (2, "LOAD_CONST")], [(0, "RESUME")]]
    # Frame 0, of f, is made first but runs after frame 2; frame 1 executes nothing that is reported.
    full = events([0, 0, 1, 2, 2, 0, 0, 0], [0, 2, 0, 0, 2, 8, 10, 14], [0, 2, 1])
    new = w.normalise(full, instructions, (3, 12))
    assert new.frame_code.tolist() == [1, 0]
    assert [offsets.tolist() for offsets in new.by_frame()] == [[2], [8, 10, 14]]
    old = w.normalise(full, instructions, (3, 11))
    assert [offsets.tolist() for offsets in old.by_frame()] == [[2], [8, 14]]


BASE = {"frames": [0, 0, 1, 1, 0], "offsets": [2, 4, 2, 6, 8], "codes": [0, 1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"frames": [0, 0, 0, 1, 1], "offsets": [2, 4, 8, 2, 6]}, None),  # another interleaving
        ({"offsets": [2, 4, 2, 8, 8]}, "frame 1 .*event 1 of 2.*after \\[2\\]"),
        ({"frames": [0, 0, 1, 1], "offsets": [2, 4, 2, 6]}, "frame 0 .*event 2 of 3 \\(other: 2\\)"),
        ({"codes": [0, 2]}, "frame 1 .*other has .*'h'"),
        ({"frames": [0, 0, 1, 1, 2], "offsets": [2, 4, 2, 6, 8], "codes": [0, 1, 1]}, "event 2 of 3"),
        ({"frames": [0, 0, 1, 1, 0, 2], "offsets": [2, 4, 2, 6, 8, 2], "codes": [0, 1, 1]}, "only the other"),
        ({"threads": [0, 1]}, None),
    ],
)
def test_difference(change: dict[str, list[int]], message: str | None) -> None:
    found = w.difference(events(**BASE), events(**{**BASE, **change}))
    assert found is None if message is None else re.search(message, found or "", re.DOTALL), found


def test_the_interleaving_of_threads_does_not_matter() -> None:
    left = events([0, 1, 2, 1], [2, 4, 6, 8], [0, 1, 2], [5, 6, 5])
    right = events([0, 1, 2, 2], [2, 6, 4, 8], [0, 2, 1], [1, 1, 9])
    assert w.difference(left, right) is None
    wrong = events([0, 1, 2, 2], [2, 6, 4, 4], [0, 2, 1], [1, 1, 9])
    assert "event 1 of 2" in (w.difference(left, wrong) or "")
    one_thread = events([0, 1, 2, 2], [2, 6, 4, 8], [0, 2, 1])
    assert "other has" in (w.difference(left, one_thread) or "")
