"""Notes to rows, by hand: notes with the expected rows beside them."""

from __future__ import annotations

import pytest
from vmtrace.tracer.recorder.assemble import Assembler, NotesError, Thread
from vmtrace.tracer.recorder.tables import Tables
from vmtrace.tracer.recorder.tokens import tell_apart

from tests.assembling import MAIN, Seen, as_taken, assemble, at, facts, parse, split, token_edges


def rows(text: str) -> list[tuple[int, int]]:
    """`0:0-2 1:0,1` is instructions 0, 1, 2 in frame 0, then 0, 1 in frame 1."""
    found = []
    for part in text.split():
        frame, _, ranges = part.partition(":")
        for span in ranges.split(","):
            first, _, last = span.partition("-")
            found += [(int(frame), i) for i in range(int(first), int(last or first) + 1)]
    return found


def frames_and_instructions(seen: Seen) -> list[tuple[int, int]]:
    return [(frame, offset // 2) for frame, _, offset in seen.rows]


# Code 0 has the blocks 1: 0-2, 2: 3-7, 3: 8-9. Code 1 has the blocks 4: 0-1, 5: 2-4. Code 2 has 6: 0-3.
CODES = [[3, 5, 2], [2, 3], [4]]

BY_HAND = {
    "blocks": (
        "ENTER 0 @0  1  2  2  3  RETURN",
        "0:0-2,3-7,3-7,8-9",
    ),
    "a call in the middle of a block": (
        "ENTER 0 @0  1  2  ENTER 1 @4  4  5  RETURN  3  RETURN",
        "0:0-4 1:0-4 0:5-9",
    ),
    "two calls in one block": (
        "ENTER 0 @0  2  ENTER 1 @4  4  RETURN  ENTER 1 @6  5  RETURN  RETURN",
        "0:3-4 1:0-1 0:5-6 2:2-4 0:7",
    ),
    "two calls by one instruction": (
        "ENTER 0 @0  2  ENTER 1 @4  4  RETURN  ENTER 1 @4  5  RETURN  RETURN",
        "0:3-4 1:0-1 2:2-4 0:5-7",
    ),
    "a call by the last instruction": (
        "ENTER 0 @0  1  ENTER 1 @2  4  RETURN  3  RETURN",
        "0:0-2 1:0-1 0:8-9",
    ),
    "a call by nobody knows which instruction": (
        "ENTER 0 @0  2  ENTER 1 ?  4  RETURN  RETURN",
        "1:0-1 0:3-7",
    ),
    "a call before the first block": (
        "ENTER 0 @0  ENTER 1 @0  4  RETURN  1  RETURN",
        "1:0-1 0:0-2",
    ),
    "recursion": (
        "ENTER 1 @0  5  ENTER 1 @3  5  ENTER 1 @3  4  RETURN  RETURN  RETURN",
        "0:2-3 1:2-3 2:0-1 1:4 0:4",
    ),
    "calls of calls, twice": (
        "ENTER 0 @0  2  ENTER 1 @4  5  ENTER 2 @2  6  RETURN  RETURN  ENTER 1 @5  5  ENTER 2 @3  6  "
        "RETURN  RETURN  RETURN",
        "0:3-4 1:2 2:0-3 1:3-4 0:5 3:2-3 4:0-3 3:4 0:6-7",
    ),
    "an exception that is handled": (
        "ENTER 0 @0  2  RAISE @5  3  RETURN",
        "0:3-5 0:8-9",
    ),
    "an exception by the first instruction": (
        "ENTER 0 @0  2  RAISE @3  3  RETURN",
        "0:3 0:8-9",
    ),
    "an exception before the block's first instruction has run": (
        "ENTER 0 @0  2  RAISE ?  3  RETURN",
        "0:8-9",
    ),
    "an exception through two frames": (
        "ENTER 0 @0  2  ENTER 1 @4  5  ENTER 2 @3  6  UNWIND @1  UNWIND @3  RAISE @4  3  RETURN",
        "0:3-4 1:2-3 2:0-1 0:8-9",
    ),
    "an exception after a call": (
        "ENTER 0 @0  2  ENTER 1 @4  4  RETURN  RAISE @6  3  RETURN",
        "0:3-4 1:0-1 0:5-6,8-9",
    ),
    "a call between an exception and its handler": (
        "ENTER 0 @0  2  RAISE @5  ENTER 1 @5  4  RETURN  3  RETURN",
        "0:3-5 1:0-1 0:8-9",
    ),
    "a call in a call's place, after an exception": (
        "ENTER 0 @0  2  ENTER 1 @4  UNWIND ?  RAISE @4  ENTER 2 @4  6  RETURN  3  RETURN",
        "0:3-4 2:0-3 0:8-9",
    ),
    "a generator": (
        "ENTER 0 @0  2  CREATE 1 @3 0  4  SUSPEND  RESUME 0 @5  5  SUSPEND  RESUME 0 @6  4  RETURN  RETURN",
        "0:3 1:0-1 0:4-5 1:2-4 0:6 1:0-1 0:7",
    ),
    "two generators in turn": (
        "ENTER 0 @0  2  CREATE 1 @3 8  4  SUSPEND  CREATE 1 @3 9  4  SUSPEND  RESUME 9 @4  5  SUSPEND  "
        "RESUME 8 @4  5  SUSPEND  RESUME 9 @5  4  RETURN  RETURN",
        "0:3 1:0-1 2:0-1 0:4 2:2-4 1:2-4 0:5 2:0-1 0:6-7",
    ),
    "a throw into a suspended generator": (
        "ENTER 0 @0  2  CREATE 1 @3 0  4  SUSPEND  RESUME 0 @5  5  SUSPEND  RESUME 0 @6  RAISE @4  4  "
        "SUSPEND  RESUME 0 @7  UNWIND @1  RAISE @7  3  RETURN",
        "0:3 1:0-1 0:4-5 1:2-4 0:6 1:0-1 0:7-9",
    ),
    "a generator that calls": (
        "ENTER 0 @0  2  CREATE 1 @3 0  4  SUSPEND  RESUME 0 @5  5  ENTER 2 @3  6  RETURN  SUSPEND  RETURN",
        "0:3 1:0-1 0:4-5 1:2-3 2:0-3 1:4 0:6-7",
    ),
    "roots": (
        "ENTER 1 ?  4  RETURN  ENTER 1 ?  5  RETURN",
        "0:0-1 1:2-4",
    ),
    "a generator as a root": (
        "CREATE 1 ? 3  4  SUSPEND  RESUME 3 ?  5  RETURN",
        "0:0-1 0:2-4",
    ),
    "a block whose end is not known yet": (
        "ENTER 0 @0  1  2  ENTER 1 @4  4",
        "0:0-4",
    ),
    "positions that look like tokens": (
        "ENTER 0 ?  2  ENTER 1 ?  ENTER 2 ?  6  RETURN  UNWIND ?  RAISE ?  3  RETURN",
        "2:0-3 0:8-9",
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_rows_by_hand_however_the_notes_are_cut(name: str) -> None:
    text, expected = BY_HAND[name]
    notes = parse(text)
    whole = assemble(CODES, [(MAIN, notes)])
    assert frames_and_instructions(whole) == rows(expected)
    for cut in token_edges(notes):
        assert assemble(CODES, [(MAIN, notes[:cut]), (MAIN, notes[cut:])]) == whole
    assert assemble(CODES, [(MAIN, token) for token in split(notes)]) == whole


def test_frames_and_exits_by_hand() -> None:
    notes = (
        "ENTER 0 ?  2  CREATE 1 @3 5  4  SUSPEND  RESUME 5 @4  5  ENTER 2 @3  6  UNWIND @1  UNWIND @3  "
        "RAISE @4  3  ENTER 2 ?  6  RETURN  RETURN"
    )
    seen = assemble(CODES, [(MAIN, parse(notes))])
    assert frames_and_instructions(seen) == rows("0:3 1:0-1 0:4 1:2-3 2:0-1 3:0-3 0:8-9")
    assert seen.frames == [
        (0, 0, -1, -1, MAIN, 0),
        (1, 1, 0, at(3), MAIN, 1),
        (2, 2, 1, at(3), MAIN, 6),
        (3, 2, 0, -1, MAIN, 8),
    ]
    assert seen.exits == [(2, 8, True), (1, 8, True), (3, 12, False), (0, 14, False)]


def test_positions_are_the_hosts() -> None:
    # The host runs instruction 4 of code 0 at its units 10 and 11, and there is none at 12.
    located = {0: [0] * 10 + [4, 4, -1]}
    called = "0:3-4 1:0-1 0:5-7"
    for position, expected in ((20, called), (22, called), (24, "1:0-1 0:3-7"), (26, "1:0-1 0:3-7")):
        notes = [*parse("ENTER 0 ?  2  ENTER 1"), position, *parse("4  RETURN  RETURN")]
        assert frames_and_instructions(assemble(CODES, [(MAIN, notes)], located)) == rows(expected)


def test_threads_have_stacks_of_their_own() -> None:
    parts = [
        (1, "ENTER 0 ?  2  ENTER 1 @4  4"),
        (2, "ENTER 2 ?  6"),
        (1, "5  RETURN  RETURN"),
        (2, "ENTER 1 @1  4  RETURN  RETURN"),
    ]
    seen = assemble(CODES, [(thread, parse(notes)) for thread, notes in parts])
    assert frames_and_instructions(seen) == rows("0:3-4 1:0-1,2-4 0:5-7 2:0-1 3:0-1 2:2-3")
    assert [frame[:5] for frame in seen.frames] == [
        (0, 0, -1, -1, 1),
        (1, 1, 0, at(4), 1),
        (2, 2, -1, -1, 2),
        (3, 1, 2, at(1), 2),
    ]


def test_an_exit_too_many_is_an_error() -> None:
    with pytest.raises(NotesError, match="not open"):
        assemble(CODES, [(MAIN, parse("ENTER 0 ?  1  RETURN  RETURN"))])


def test_a_generator_waits_for_the_thread_that_makes_it() -> None:
    tables = Tables()
    tables.add(facts(0, [2]))
    assembler = Assembler(tables)
    resumed = tell_apart(as_taken(parse("1  RESUME 3 @0  1")))
    assert assembler.ready(resumed) == 1
    assembler.assemble(Thread(1), tell_apart(as_taken(parse("CREATE 0 ? 3  1  SUSPEND"))))
    assert assembler.ready(resumed) == 5


def test_generators_that_ended_are_forgotten() -> None:
    tables = Tables()
    tables.add(facts(0, [2]))
    assembler, thread = Assembler(tables), Thread(1)

    def left(*notes: str) -> int:
        assembler.assemble(thread, tell_apart(as_taken(parse(" ".join(notes)))))
        assembler.generators.forget()
        return len(assembler.generators)

    assert left(*(f"CREATE 0 ? {g}  1  SUSPEND" for g in range(100))) == 100
    assert left(*(f"RESUME {g} ?  RETURN" for g in range(1, 60))) == 41
    assert left(*(f"RESUME {g} ?  UNWIND @0" for g in range(60, 100))) == 1
    assert left("CREATE 0 ? 200  1  SUSPEND  CREATE 0 ? 100  1  SUSPEND  RESUME 200 ?  RETURN") == 2
    assert left("RESUME 100 ?  RETURN  RESUME 0 ?  RETURN") == 0
