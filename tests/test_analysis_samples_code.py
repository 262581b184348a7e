"""Analyses of what of the code ran, by instruction, line, block and jump, of sample traces and of programs recorded
here, against computations of the same that have nothing in common with them."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
from vmtrace.analysis import Blocks, Branches, Instructions, Lines, Pairs, Program, Super, run
from vmtrace.traces import Trace, open_trace

from tests.recorded_traces import SAMPLES, blocks_of, result


def test_lines(trace: Trace, events: pd.DataFrame) -> None:
    table = result(trace, Lines)
    found = table[table["instructions"] > 0].set_index(["filename", "line"])
    # A module's RESUME has line 0, which is none of the source.
    placed = events[events["line"] > 0].groupby(["filename", "line"])
    assert found["instructions"].to_dict() == placed.size().to_dict()
    assert found["sites_executed"].to_dict() == {
        place: len(rows[["code_id", "offset"]].drop_duplicates()) for place, rows in placed
    }
    static = trace.instructions.to_pandas().merge(trace.codes.to_pandas(), on="code_id").query("line > 0")
    sites = static.groupby(["filename", "line"]).size().to_dict()
    assert table.set_index(["filename", "line"])["sites"].to_dict() == sites


def test_how_often_control_comes_to_a_line(trace: Trace, events: pd.DataFrame) -> None:
    """By going through the rows: a frame comes to a line from another one, or by going back."""
    line_of: dict[tuple[int, int], int] = {}
    for code, blocks in blocks_of(trace).items():
        rows = trace.instructions.to_pandas().query("code_id == @code")
        lines = dict(zip(rows["offset"], rows["line"].fillna(0), strict=True))
        for block in blocks:
            line = 0
            for offset in block:
                # An instruction without a line goes on with the one before it.
                line = line_of[code, offset] = int(lines[offset]) if lines[offset] > 0 else line
    expected: Counter[tuple[str, int]] = Counter()
    stood: dict[int, tuple[int, int]] = {}  # by frame: its line and offset
    columns = (events[name].tolist() for name in ("frame_id", "code_id", "offset", "line", "filename"))
    for frame, code, offset, own, filename in zip(*columns, strict=True):
        line = line_of[code, offset]
        before = stood.get(frame)
        if own > 0 and (before is None or before[0] != line or before[1] >= offset):
            expected[filename, line] += 1
        stood[frame] = line, offset
    table = result(trace, Lines)
    found = table[table["executions"] > 0].set_index(["filename", "line"])["executions"]
    assert found.to_dict() == expected


def test_instructions_and_coverage(trace: Trace, events: pd.DataFrame) -> None:
    instructions = Instructions(Program(trace))
    run(trace, [instructions])
    counts = Counter(zip(events["code_id"], events["offset"], strict=True))
    facts = trace.instructions.to_pandas().merge(trace.codes.to_pandas(), on="code_id")
    facts = facts.sort_values(["code_id", "offset"])
    facts["ran"] = [counts[key] for key in zip(facts["code_id"], facts["offset"], strict=True)]
    shown = facts[facts["code_id"].isin(events["code_id"])]
    table = instructions.finish()
    for ours, theirs in (("executions", "ran"), ("offset", "offset"), ("argrepr", "argrepr"), ("function", "qualname")):
        assert table[ours].tolist() == shown[theirs].tolist()
    expected = Counter()
    for (_, name, line), rows in facts.groupby(["code_id", "qualname", "firstlineno"]):
        lines = rows[rows["line"] > 0].groupby("line")["ran"].sum()
        expected[name, line, len(lines), (lines > 0).sum(), len(rows), (rows["ran"] > 0).sum()] += 1
    columns = ["function", "line", "lines", "lines_executed", "sites", "sites_executed"]
    assert Counter(instructions.coverage()[columns].itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize("n", [2, 4])
def test_which_sequences_may_be_one_instruction(trace: Trace, events: pd.DataFrame, n: int) -> None:
    place: dict[tuple[int, int], tuple[int, int]] = {}  # block and place in it
    for code, blocks in blocks_of(trace).items():
        place |= {(code, offset): (b, i) for b, block in enumerate(blocks) for i, offset in enumerate(block)}
    count: Counter[str] = Counter()
    fusable: Counter[str] = Counter()
    for _, rows in events.groupby("frame_id"):
        names = rows["opcode"].tolist()
        places = [place[key] for key in zip(rows["code_id"], rows["offset"], strict=True)]
        for at in range(len(names) - n + 1):
            sequence = " ".join(names[at : at + n])
            count[sequence] += 1
            block, first = places[at]
            fusable[sequence] += places[at : at + n] == [(block, first + i) for i in range(n)]
    table = result(trace, Pairs, n=n)
    assert dict(zip(table["sequence"], table["count"], strict=True)) == count
    share = {sequence: pytest.approx(100 * fusable[sequence] / times) for sequence, times in count.items()}
    assert dict(zip(table["sequence"], table["fusable_percent"], strict=True)) == share


def test_branches(trace: Trace, events: pd.DataFrame) -> None:
    branches = Branches(Program(trace))
    run(trace, [branches])
    following = events.groupby("frame_id")["offset"].shift(-1)
    conditional = events["jump_target"].notna() & events["falls_through"]
    taken = events[conditional & (following == events["jump_target"])]
    found = branches.finish().groupby(["function", "offset"])[["executed", "taken"]].sum()
    assert found["executed"].to_dict() == events[conditional].groupby(["qualname", "offset"]).size().to_dict()
    assert found["taken"][found["taken"] > 0].to_dict() == taken.groupby(["qualname", "offset"]).size().to_dict()


def test_blocks(trace: Trace, events: pd.DataFrame) -> None:
    counts = Counter(zip(events["code_id"], events["offset"], strict=True))
    name_of = dict(zip(trace.codes["code_id"].to_pylist(), trace.codes["qualname"].to_pylist(), strict=True))
    expected = Counter(
        (name_of[code], block[0], block[-1], len(block), counts[code, block[0]], sum(counts[code, at] for at in block))
        for code, blocks in blocks_of(trace).items()
        for block in blocks
        if any(counts[code, at] for at in block)
    )
    analysis = Blocks(Program(trace))
    run(trace, [analysis])
    columns = ["function", "offset", "end_offset", "length", "executions", "instructions"]
    assert Counter(map(tuple, analysis.finish()[columns].to_numpy())) == expected
    sizes, needed = sorted((key[-1] for key in expected.elements()), reverse=True), 0
    while sum(sizes[:needed]) < 0.9 * len(events):
        needed += 1
    concentration = analysis.concentration().set_index("percent")["blocks"]
    assert concentration[90.0] == needed


@pytest.mark.parametrize("name", [path.stem for path in SAMPLES])
def test_superinstructions(name: str) -> None:
    """By trying every sequence on the whole code, for each choice anew."""
    trace = open_trace(SAMPLES[0].with_stem(name))
    events = trace.to_pandas(["code_id", "offset"])
    counts = Counter(zip(events["code_id"], events["offset"], strict=True))
    opcode = {(row.code_id, row.offset): row.opcode for row in trace.instructions.to_pandas().itertuples()}
    number = {name: at for at, name in enumerate(trace.opcode_names)}
    code = [
        [((number[opcode[one, at]],), counts[one, at]) for at in block]
        for one, blocks in blocks_of(trace).items()
        for block in blocks
        if counts[one, block[0]]
    ]
    expected = []
    for _ in range(3):
        candidates = {
            sequence
            for block in code
            for at in range(len(block))
            for end in range(at + 2, min(at + 3, len(block)) + 1)
            if len(sequence := sum((token for token, _ in block[at:end]), ())) <= 3
        }
        having = {
            token: [b for b in code if any(token[0] == t[0] for t, _ in b)] for token in {s[:1] for s in candidates}
        }
        choices = [(-rewritten(having[s[:1]], s)[1], len(s), s) for s in candidates]
        saved, _, best = min(choices)
        code = rewritten(code, best)[0]
        expected.append((" ".join(trace.opcode_names[n] for n in best), -saved))
    table = result(trace, Super, slots=3, longest=3)
    assert list(zip(table["sequence"], table["saved"], strict=True)) == expected


Block = list[tuple[tuple[int, ...], int]]  # opcodes of a token, its executions


def rewritten(code: list[Block], sequence: tuple[int, ...]) -> tuple[list[Block], int]:
    """The code with each occurrence of the sequence, from the left, made one token; and the dispatches that saves."""
    saved, after = 0, []
    for block in code:
        left: Block = []
        at = 0
        while at < len(block):
            ends = [
                end
                for end in range(at + 2, len(block) + 1)
                if sum((token for token, _ in block[at:end]), ()) == sequence
            ]
            end = ends[0] if ends else at + 1
            left.append((sequence if ends else block[at][0], block[at][1]))
            saved += sum(count for _, count in block[at + 1 : end])
            at = end
        after.append(left)
    return after, saved
