"""The rules for what the witness leaves out, and the comparison, on events written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from vmtrace.tracer.witness import account as a
from vmtrace.tracer.witness.agreement import Agreement, Difference, compare

OPCODES = [
    *("MAKE_CELL", "RETURN_GENERATOR", "POP_TOP", "RESUME"),
    *("EXTENDED_ARG", "EXTENDED_ARG", "LOAD_CONST", "YIELD_VALUE", "RESUME"),
]


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [(a.entry, {0, 1, 2, 3}), (a.resume, {3, 8}), (a.behind_extended_arg, {5, 6})],
)
def test_rules(rule: a.Rule, hidden: set[int]) -> None:
    assert {index for index, hit in enumerate(rule(OPCODES)) if hit} == hidden


def test_entry_ends_at_the_resume_behind_return_generator() -> None:
    hits = a.entry(["RESUME", "LOAD_FAST", "GET_ITER", "RETURN_GENERATOR", "POP_TOP", "RESUME", "FOR_ITER"])
    assert hits == [True] * 6 + [False]


def code(name: str, *opcodes: str) -> a.Code:
    return a.Code("p.py", name, 1, tuple((2 * index, opcode) for index, opcode in enumerate(opcodes)))


F, G, H = (code(name, *["NOP"] * 9) for name in "fgh")


def account(
    frames: list[int],
    offsets: list[int],
    codes: list[int],
    threads: list[int] | None = None,
    of: tuple[a.Code, ...] = (F, G, H),
    piece: int = 100,
    problem: str | None = None,
) -> a.Account:
    """`codes` and `threads` by frame; the events are read so many at a time."""
    columns = np.array(frames, np.int64), np.array(offsets, np.int64)

    def raw() -> Any:
        for start in range(0, len(frames), piece):
            yield tuple(column[start : start + piece] for column in columns)

    by_frame = np.array(codes, np.int64), np.array(threads or [0] * len(codes), np.int64)
    return a.Account(of, *by_frame, raw, problem)


@pytest.mark.parametrize("piece", [1, 2, 100])
def test_hiding_leaves_out_and_renumbers(piece: int) -> None:
    codes = code("f", *OPCODES), code("g", "RESUME", "LOAD_CONST"), code("h", "RESUME")
    # Frame 0, of f, is made first but runs after frame 2; frame 1 executes nothing that is reported.
    full = account([0, 0, 1, 2, 2, 0, 0, 0], [0, 2, 0, 0, 2, 8, 10, 14], [0, 2, 1], of=codes, piece=piece)

    def shown(version: a.Version) -> list[list[int]]:
        parts = full.hiding(a.rules(version)).parts(np.array([5, 6, 7]))
        return np.concatenate(list(parts), axis=1).T.tolist()  # type: ignore[no-any-return]

    assert shown((3, 12)) == [[0, 6, 2], [1, 5, 8], [1, 5, 10], [1, 5, 14]]
    assert shown((3, 11)) == [[0, 6, 2], [1, 5, 8], [1, 5, 14]]


BASE = {"frames": [0, 0, 1, 1, 0], "offsets": [2, 4, 2, 6, 8], "codes": [0, 1]}
INTERLEAVED = {"frames": [0, 0, 0, 1, 1], "offsets": [2, 4, 8, 2, 6]}


@pytest.mark.parametrize("piece", [1, 2, 100])
@pytest.mark.parametrize(
    ("change", "position", "ours", "theirs"),
    [
        (INTERLEAVED, 2, (1, "g", 2), (0, "f", 8)),
        ({"offsets": [2, 4, 2, 8, 8]}, 3, (1, "g", 6), (1, "g", 8)),
        ({"frames": [0, 0, 1, 1], "offsets": [2, 4, 2, 6]}, 4, (0, "f", 8), None),
        ({"codes": [0, 2]}, 2, (1, "g", 2), (1, "h", 2)),
        ({"frames": [0, 0, 1, 1, 2], "codes": [0, 1, 0]}, 4, (0, "f", 8), (2, "f", 8)),
        ({"frames": [0, 0, 1, 1, 0, 2], "offsets": [2, 4, 2, 6, 8, 2], "codes": [0, 1, 1]}, 5, None, (2, "g", 2)),
        ({"of": (F, code("g", "RESUME"), H)}, 2, (1, "g", 2), (1, "g", 2)),
    ],
)
def test_the_first_difference(change: dict[str, Any], position: int, ours: Any, theirs: Any, piece: int) -> None:
    found = compare(account(**BASE), account(**{**BASE, **change}, piece=piece))
    assert isinstance(found, Difference)
    assert found.position == position and not found.in_frame
    assert [event.offset for event in found.before] == BASE["offsets"][max(0, position - 5) : position]
    for events, expected in ((found.left, ours), (found.right, theirs)):
        first = events[0] if events else None
        assert (first and (first.frame, first.code.qualname, first.offset)) == expected


def test_equal_accounts_agree() -> None:
    assert compare(account(**BASE), account(**BASE, piece=2)) == Agreement(5, 2, 2, 1)
    assert compare(account([], [], []), account([], [], [])) == Agreement(0, 0, 0, 0)


def test_an_account_that_was_cut_short_agrees_as_far_as_it_goes() -> None:
    whole, cut = account(**BASE), account([0, 0, 1], [2, 4, 2], [0, 1], problem="killed")
    assert compare(whole, cut) == Agreement(3, 2, 2, 1, "killed")
    assert isinstance(compare(whole, account([0, 0, 1], [2, 4, 4], [0, 1], problem="killed")), Difference)
    assert isinstance(compare(account([0], [2], [0]), cut), Difference)


def test_the_interleaving_of_threads_does_not_matter() -> None:
    left = account([0, 1, 2, 1], [2, 4, 6, 8], [0, 1, 2], [5, 6, 5])
    right = account([0, 1, 2, 2], [2, 6, 4, 8], [0, 2, 1], [1, 1, 9])
    assert compare(left, right) == Agreement(4, 3, 3, 2)
    wrong = account([0, 1, 2, 2], [2, 6, 4, 4], [0, 2, 1], [1, 1, 9])
    found = compare(left, wrong)
    assert isinstance(found, Difference) and found.in_frame and found.position == 1
    assert [[event.offset for event in events] for events in (found.before, found.left, found.right)] == [[4], [8], [4]]
    fewer = compare(left, account([0, 1], [2, 6], [0, 2], [1, 9]))
    assert isinstance(fewer, Difference) and [event.code for event in fewer.left] == [G, G] and not fewer.right
    more = compare(account([0, 1], [2, 6], [0, 2], [1, 9]), left)
    assert isinstance(more, Difference) and [event.code for event in more.right] == [G, G] and not more.left


def test_frames_of_one_code_in_several_threads_pair_by_what_they_did() -> None:
    left = account([0, 1, 2, 0, 1, 2], [2, 2, 2, 4, 6, 8], [0, 0, 0], [1, 2, 3])
    right = account([0, 1, 2, 0, 1, 2], [2, 2, 2, 8, 4, 6], [0, 0, 0], [1, 2, 3])
    assert compare(left, right) == Agreement(6, 3, 1, 3)
    twice = compare(left, account([0, 1, 2, 0, 1, 2], [2, 2, 2, 8, 4, 4], [0, 0, 0], [1, 2, 3]))
    assert isinstance(twice, Difference)
    assert [event.offset for event in (*twice.left, *twice.right)] == [6, 4]
