"""Marks: what they stand for, word by word, against what is made of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vmtrace.tracer import notes as words
from vmtrace.tracer.recorder.arrays import Ints
from vmtrace.tracer.recorder.marked import MarkReader
from vmtrace.tracer.recorder.tokens import Tokens, tell_apart
from vmtrace.tracer.rewritten import marks

from tests.assembling import as_taken

BLOCKS = st.integers(1, marks.BELOW)
POSITIONS = st.integers(0, marks.BELOW)
NUMBERS = st.integers(0, marks.GENERATORS - 1)


def code_of(block: int) -> int:
    return block % 1009


def end_of(block: int) -> int:
    return block % 4001 * 2


# A phrase is what is noted side by side, and the same in the words of `notes`.
Phrase = tuple[list[int], list[int]]

PHRASES: st.SearchStrategy[Phrase] = st.one_of(
    st.builds(lambda b: ([b], [b]), BLOCKS),
    st.builds(lambda b: ([marks.WAITING | b], [b]), BLOCKS),
    st.just(([marks.SUSPEND], [words.SUSPEND])),
    st.just(([marks.RETURN], [words.RETURN])),
    st.builds(lambda b: ([marks.RETURNS | b], [b, words.RETURN]), BLOCKS),
    st.builds(lambda b: ([marks.SUSPENDS | b], [b, words.SUSPEND]), BLOCKS),
    st.builds(lambda pos: ([marks.RAISE, pos], [words.RAISE, pos]), POSITIONS),
    st.builds(lambda pos: ([marks.UNWIND, pos], [words.UNWIND, pos]), POSITIONS),
    st.builds(lambda pos, n: ([marks.RESUME, pos, marks.GOES_ON | n], [words.RESUME, n, pos]), POSITIONS, NUMBERS),
    st.builds(lambda b, pos: ([marks.ENTER | b, pos], [words.ENTER, code_of(b), pos, b]), BLOCKS, POSITIONS),
    st.builds(
        lambda b, pos, n: ([marks.CREATE | b, pos, marks.GOES_ON | n], [words.CREATE, code_of(b), pos, n, b]),
        BLOCKS, POSITIONS, NUMBERS,
    ),
    st.builds(
        lambda w, n: ([marks.WAITING | w, marks.GOES_ON | n], [w, words.RESUME, n, end_of(w)]), BLOCKS, NUMBERS
    ),
    st.builds(
        lambda w, b: ([marks.WAITING | w, marks.ENTER_WAITING | b], [w, words.ENTER, code_of(b), end_of(w), b]),
        BLOCKS, BLOCKS,
    ),
)  # fmt: skip


def reader() -> MarkReader:
    return MarkReader(code_of, end_of)  # type: ignore[arg-type]  # of arrays as of ints


def facts(tokens: Tokens) -> list[tuple[int, ...]]:
    """By token: a block, or the kind and what operands it has."""
    blocks = tokens.block.tolist()
    found: list[list[tuple[int, ...]]] = [[(block,)] if block else [] for block in blocks]
    for index, (at, kind) in enumerate(zip(tokens.at.tolist(), tokens.kind.tolist(), strict=True)):
        of: Ints = np.array([index])
        operands = [tokens.code(of)] if kind in (1, 2) else []
        operands += [tokens.position(of)] if kind in (1, 2, 3, 6, 7) else []
        operands += [tokens.generator(of)] if kind in (2, 3) else []
        assert not found[at] or kind in (1, 2)
        found[at].insert(0, (-kind, *(int(operand[0]) for operand in operands)))
    return [fact for of_token in found for fact in of_token]


@given(st.lists(PHRASES, max_size=12))
def test_marks_read_as_the_words_they_stand_for(phrases: Sequence[Phrase]) -> None:
    given_marks = [mark for phrase, _ in phrases for mark in phrase]
    meant = [word for _, phrase in phrases for word in phrase]
    tokens = reader()(as_taken(given_marks), 0)
    assert tokens.used == len(given_marks)
    assert facts(tokens) == facts(tell_apart(as_taken(meant)))


@given(st.lists(PHRASES, max_size=8), st.data())
def test_marks_may_be_cut_anywhere(phrases: Sequence[Phrase], data: st.DataObject) -> None:
    """By what a thread had noted when it was looked at, and by how many are read at once."""
    given_marks = as_taken([mark for phrase, _ in phrases for mark in phrase])
    meant = [word for _, phrase in phrases for word in phrase]
    read, found, last, rest = reader(), [], 0, given_marks
    while len(rest):
        told = data.draw(st.integers(1, len(rest)))
        notes, rest = read.whole(1, rest[:told]), rest[told:]
        while len(notes):
            tokens = read(notes[: data.draw(st.integers(min(3, len(notes)), len(notes)))], last)
            assert tokens.used
            found += facts(tokens)
            notes, last = notes[tokens.used :], int(notes[tokens.used - 1])
    assert found == facts(tell_apart(as_taken(meant)))


@pytest.mark.parametrize("operand", [marks.ENTER, marks.CREATE, marks.RESUME, marks.RAISE, marks.UNWIND])
def test_what_misses_its_operands_is_kept(operand: int) -> None:
    read = reader()
    assert read.whole(1, as_taken([5, operand])).tolist() == [5]
    assert read.whole(2, as_taken([6])).tolist() == [6]
    more = [7, marks.GOES_ON | 1] if operand in (marks.CREATE, marks.RESUME) else [7]
    assert read.whole(1, as_taken(more)).tolist() == [operand, *more]
