"""Analyses of sample traces, and of programs recorded here, against computations of the same that have nothing in
common with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd
import pytest
import vmtrace.traces
from test_cli import ENVIRONMENT
from vmtrace.analysis import (
    Analysis,
    Blocks,
    Branches,
    Calls,
    CallSites,
    Functions,
    Lines,
    Loops,
    Neighbours,
    Opcodes,
    OpcodesBy,
    Pairs,
    Phases,
    Program,
    Stack,
    StackByOpcode,
    StackOverTime,
    StaticOpcodes,
    Summary,
    Super,
    run,
)
from vmtrace.traces import Trace, open_trace

Name = tuple[str, int]

SAMPLES = sorted((Path(vmtrace.traces.__file__).parent / "samples").glob("*.arrow"))
PROGRAMS = Path(__file__).parent / "programs"
#: Recursion, generators, threads, coroutines, exceptions; and a module of the library, on a program.
RECORDED = {
    "recursion": ["recursion.py"],
    "generators": ["generator_pipeline.py"],
    "threads": ["threads_joined.py"],
    "asyncio": ["asyncio_producer_consumer.py"],
    "exceptions": ["exceptions_flow.py"],
    "loops": ["loops_counted.py"],
    "library": ["--include", "tokenize", "-m", "tokenize", "uncaught_group.py"],
}


@cache
def recorded(name: str) -> Path:
    """The trace of a program, recorded here and now; what it printed lies beside it."""
    path = Path(mkdtemp(prefix="vmtrace-")) / "trace.arrow"
    command = [sys.executable, "-m", "vmtrace.cli", "record", "-q", "-o", str(path), *RECORDED[name]]
    done = subprocess.run(command, check=True, cwd=PROGRAMS, env=ENVIRONMENT, capture_output=True)
    path.with_name("stdout").write_bytes(done.stdout)
    return path


@pytest.fixture(params=[*(path.stem for path in SAMPLES), *RECORDED])
def trace(request: pytest.FixtureRequest) -> Trace:
    name: str = request.param
    return open_trace(recorded(name) if name in RECORDED else SAMPLES[0].with_stem(name))


def result(trace: Trace, analysis: type[Analysis], **options: Any) -> pd.DataFrame:
    made = analysis(Program(trace), **options)
    run(trace, [made])
    return made.finish()


@pytest.fixture
def events(trace: Trace) -> pd.DataFrame:
    """The rows, with what the static tables say of each."""
    rows = trace.to_pandas()
    rows["opcode"] = rows["opcode"].astype(str)
    instructions = trace.instructions.to_pandas()[["code_id", "offset", "line", "jump_target", "falls_through"]]
    codes = trace.codes.to_pandas()[["code_id", "qualname", "filename"]]
    return rows.merge(instructions, on=["code_id", "offset"], how="left").merge(codes, on="code_id", how="left")


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 3


def test_opcodes_and_pairs(trace: Trace, events: pd.DataFrame) -> None:
    program = Program(trace)
    opcodes, triples = Opcodes(program), Pairs(program, n=3)
    run(trace, [opcodes, triples])
    found = opcodes.finish().set_index("opcode")["count"]
    assert found.to_dict() == events["opcode"].value_counts().to_dict()
    before = events.groupby("frame_id")["opcode"]
    names = before.shift(2) + " " + before.shift(1) + " " + events["opcode"]
    assert triples.finish().set_index("sequence")["count"].to_dict() == names.dropna().value_counts().to_dict()


def test_functions_and_lines(trace: Trace, events: pd.DataFrame) -> None:
    program = Program(trace)
    functions, lines, stack = Functions(program), Lines(program), Stack(program)
    run(trace, [functions, lines, stack])
    own = functions.finish().groupby("function")["own"].sum()
    assert own.to_dict() == events["qualname"].value_counts().to_dict()
    table = lines.finish()
    found = table[table["instructions"] > 0].set_index(["filename", "line"])["instructions"]
    # A module's RESUME has line 0, which is none of the source.
    placed = events[events["line"] > 0]
    assert found.to_dict() == placed.groupby(["filename", "line"]).size().to_dict()
    assert stack.finish()["max"].max() == events["stack_depth"].max()
    deepest = stack.deepest().query("moment == 0").iloc[-1]
    assert deepest["row"] == events["stack_depth"].idxmax()
    assert deepest["frame_id"] == events["frame_id"][deepest["row"]]


def test_branches(trace: Trace, events: pd.DataFrame) -> None:
    branches = Branches(Program(trace))
    run(trace, [branches])
    following = events.groupby("frame_id")["offset"].shift(-1)
    conditional = events["jump_target"].notna() & events["falls_through"]
    taken = events[conditional & (following == events["jump_target"])]
    found = branches.finish().groupby(["function", "offset"])[["executed", "taken"]].sum()
    assert found["executed"].to_dict() == events[conditional].groupby(["qualname", "offset"]).size().to_dict()
    assert found["taken"][found["taken"] > 0].to_dict() == taken.groupby(["qualname", "offset"]).size().to_dict()


def test_calls(trace: Trace, events: pd.DataFrame) -> None:
    """By a machine of a few lines that walks the rows one by one."""
    program = Program(trace)
    calls, functions, sites = Calls(program), Functions(program), CallSites(program)
    run(trace, [calls, functions, sites])
    frames = trace.frames.to_pandas()
    ends = dict(zip(*(trace.exits.to_pandas()[name] for name in ("frame_id", "row")), strict=True))
    thread_of = dict(zip(frames["frame_id"], frames["thread_id"], strict=True))
    # Functions may have name and line in common (list comprehensions, modules): the codes tell them apart.
    facts = (trace.codes.to_pandas()[name] for name in ("code_id", "qualname", "firstlineno"))
    name_of = {code: (name, line) for code, name, line in zip(*facts, strict=True)}
    stacks: dict[int, list[tuple[int, int]]] = {}  # by thread
    suspended: dict[int, bool] = {}
    inclusive: Counter[int] = Counter()
    own: Counter[Name] = Counter()
    columns = (events[name].tolist() for name in ("frame_id", "code_id", "opcode"))
    for row, (frame, code, opcode) in enumerate(zip(*columns, strict=True)):
        stack = stacks.setdefault(thread_of[frame], [])
        while stack and stack[-1][0] != frame and (ends.get(stack[-1][0], row + 1) <= row or suspended[stack[-1][0]]):
            stack.pop()
        if not stack or stack[-1][0] != frame:
            stack.append((frame, code))
        suspended[frame] = opcode in ("YIELD_VALUE", "RETURN_GENERATOR")
        inclusive.update({code for _, code in stack})
        own[name_of[code]] += 1
    found = functions.finish()[["function", "line", "inclusive"]].to_numpy().tolist()
    assert Counter(map(tuple, found)) == Counter((*name_of[code], count) for code, count in inclusive.items())
    tree = calls.finish()
    assert tree.groupby(["function", "line"])["own"].sum().to_dict() == own
    assert tree["calls"].sum() == len(frames)
    by_caller = frames.merge(frames, left_on="parent_id", right_on="frame_id", suffixes=("", "_of_parent"))
    codes = zip(by_caller["code_id_of_parent"], by_caller["code_id"], strict=True)
    pairs = Counter((*name_of[caller], *name_of[callee]) for caller, callee in codes)
    edges = sites.edges()
    keys = ["caller", "caller_line", "callee", "callee_line"]
    assert edges[edges["caller"] != ""].groupby(keys)["calls"].sum().to_dict() == pairs


def test_opcodes_by_function_by_site_and_by_depth(trace: Trace, events: pd.DataFrame) -> None:
    table = result(trace, OpcodesBy).groupby(["function", "opcode"])["count"].sum()
    assert table.to_dict() == events.groupby(["qualname", "opcode"]).size().to_dict()
    static = result(trace, StaticOpcodes).set_index("opcode")
    assert (
        static["static_count"].to_dict()
        == trace.instructions.to_pandas()["opcode"].astype(str).value_counts().to_dict()
    )
    sites = events.drop_duplicates(["code_id", "offset"])["opcode"].value_counts()
    assert static["sites"][static["sites"] > 0].to_dict() == sites.to_dict()
    depths = events.groupby("opcode")["stack_depth"]
    found = result(trace, StackByOpcode).set_index("opcode")
    assert found["max"].to_dict() == depths.max().to_dict()
    assert found["mean"].to_dict() == pytest.approx(depths.mean().to_dict())
    assert found["p90"].to_dict() == depths.apply(nine_in_ten).to_dict()


def nine_in_ten(depths: pd.Series) -> int:
    """The least depth at which at least 90 % of the rows are."""
    return int(np.quantile(depths, 0.9, method="inverted_cdf"))


def test_neighbours(trace: Trace, events: pd.DataFrame) -> None:
    after = events["opcode"] + " " + events.groupby("frame_id")["opcode"].shift(-1)
    table = result(trace, Neighbours)
    for where, names in (("after", ("opcode", "neighbour")), ("before", ("neighbour", "opcode"))):
        rows = table[table["where"] == where]
        found = dict(zip(rows[names[0]] + " " + rows[names[1]], rows["count"], strict=True))
        assert found == after.dropna().value_counts().to_dict()


def blocks_of(trace: Trace) -> dict[int, list[list[int]]]:
    """The offsets of each basic block, by code."""
    blocks: dict[int, list[list[int]]] = {}
    for code, rows in trace.instructions.to_pandas().groupby("code_id"):
        leaders = {0, *rows["jump_target"].dropna().astype(int), *rows["handler"].dropna().astype(int)}
        mine = blocks.setdefault(int(code), [])
        for row in rows.itertuples():
            if row.offset in leaders or not mine:
                mine.append([])
            mine[-1].append(int(row.offset))
            if (
                not row.falls_through
                or not pd.isna(row.jump_target)
                or row.opcode in ("YIELD_VALUE", "RETURN_GENERATOR")
            ):
                leaders.add(int(row.offset) + 2)
                leaders.update(rows["offset"][rows["offset"] > row.offset].head(1).astype(int))
    return blocks


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


def test_the_course_of_the_run(trace: Trace, events: pd.DataFrame) -> None:
    parents = dict(zip(*(trace.frames[name].to_pylist() for name in ("frame_id", "parent_id")), strict=True))

    def height(frame: int | None) -> int:
        return 0 if frame is None else 1 + height(parents[frame])

    width = 1
    while (len(events) - 1) // width >= 50:
        width *= 2
    part = events.index // width
    table = result(trace, StackOverTime, buckets=50)
    depth, frames = events["stack_depth"].groupby(part), events["frame_id"].map(height).groupby(part)
    for name, expected in (("min", depth.min()), ("max", depth.max()), ("mean", depth.mean()),
                           ("frames_min", frames.min()), ("frames_max", frames.max())):  # fmt: skip
        assert table[name].tolist() == pytest.approx(expected.tolist())
    assert table["first_row"].tolist() == [width * n for n in range(len(table))]


def test_phases(trace: Trace, events: pd.DataFrame) -> None:
    table = result(trace, Phases, instructions=300, threshold=0.2)
    width = 300
    while (len(events) - 1) // width >= 1000:
        width *= 2
    mixes = pd.crosstab(events.index // width, events["opcode"]).to_numpy()

    def away(one: Any, other: Any) -> float:
        return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)

    phases, kinds, begins = [0], [0], [0]
    for at in range(1, len(mixes)):
        short = at == len(mixes) - 1 and mixes[at].sum() < width / 2
        if short or away(mixes[at], mixes[begins[-1] : at].sum(axis=0)) <= 0.2:
            phases.append(phases[-1])
            kinds.append(kinds[-1])
            continue
        phases.append(phases[-1] + 1)
        firsts = {kind: kinds.index(kind) for kind in sorted(set(kinds))}
        alike = [kind for kind, first in firsts.items() if away(mixes[at], mixes[first]) <= 0.2]
        kinds.append(alike[0] if alike else len(firsts))
        begins.append(at)
    assert table["instructions"].tolist() == mixes.sum(axis=1).tolist()
    assert (table["phase"].tolist(), table["kind"].tolist()) == (phases, kinds)
    changes = [0.0, *(away(one, other) for one, other in zip(mixes[1:], mixes, strict=False))]
    assert table["change"].tolist() == pytest.approx(changes)


def test_call_sites(trace: Trace) -> None:
    frames = trace.frames.to_pandas()
    called = frames.dropna(subset=["parent_id"]).merge(
        frames[["frame_id", "code_id"]], left_on="parent_id", right_on="frame_id", suffixes=("", "_of_parent")
    )
    by_site = called.groupby(["code_id_of_parent", "call_offset"])["code_id"]
    expected = Counter(
        zip(by_site.size(), by_site.nunique(), by_site.agg(lambda c: c.value_counts().max()), strict=True)
    )
    table = result(trace, CallSites)
    first = (table["first_percent"] * table["calls"] / 100).round().astype(int)
    assert Counter(zip(table["calls"], table["targets"], first, strict=True)) == expected


def test_loops_of_every_kind() -> None:
    """The program counts the trips itself."""
    path = recorded("loops")
    counted: dict[str, list[int]] = json.loads(path.with_name("stdout").read_text())
    table = result(open_trace(path), Loops)
    table = table[table["kind"] != "await"].set_index("function")
    assert table.index.is_unique
    for function, trips in counted.items():
        found = table.loc[function]
        # A `while` that is tested before the loop as well, is not entered if that fails.
        entered = trips if found["entries"] == len(trips) else [count for count in trips if count]
        assert (found["entries"], found["iterations"], found["max_trips"]) == (len(entered), sum(trips), max(trips))
        assert found["median_trips"] == sorted(entered)[(len(entered) - 1) // 2]


def test_the_cost_of_a_loop() -> None:
    """By the rows between its first and its last instruction, and those of what it calls."""
    trace = open_trace(recorded("loops"))
    rows, codes = trace.to_pandas(), trace.codes.to_pandas().set_index("qualname")["code_id"]
    inside = rows["code_id"] == codes["plain_for"]
    jump = trace.instructions.to_pandas().query("code_id == @codes['plain_for'] and jump_target < offset").iloc[0]
    inside &= rows["offset"].between(jump["jump_target"], jump["offset"])
    ticks = trace.frames.to_pandas().query("code_id == @codes['tick']")
    from_here = set(rows["frame_id"][inside])
    called = rows["frame_id"].isin(ticks["frame_id"][ticks["parent_id"].isin(from_here)])
    found = result(trace, Loops).set_index("function").loc["plain_for"]
    assert (found["own"], found["inclusive"]) == (inside.sum(), inside.sum() + called.sum())


def test_summary(trace: Trace, events: pd.DataFrame) -> None:
    [found] = result(trace, Summary).to_dict("records")
    ran = events["code_id"].unique()
    assert found == {
        "instructions": len(events),
        "frames": len(trace.frames),
        "threads": trace.frames.to_pandas()["thread_id"].nunique(),
        "functions": len(ran),
        "functions_known": len(trace.codes),
        "opcodes": events["opcode"].nunique(),
        "sites": len(events.drop_duplicates(["code_id", "offset"])),
        "sites_known": int(trace.instructions.to_pandas()["code_id"].isin(ran).sum()),
        "deepest_stack": events["stack_depth"].max(),
    }
