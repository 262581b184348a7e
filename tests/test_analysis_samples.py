"""Analyses of the sample traces against computations of the same that have nothing in common with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import vmtrace.traces
from vmtrace.analysis import Branches, Calls, CallSites, Functions, Lines, Opcodes, Pairs, Program, Stack, run
from vmtrace.traces import Trace, open_trace

Name = tuple[str, int]

SAMPLES = sorted((Path(vmtrace.traces.__file__).parent / "samples").glob("*.arrow"))


@pytest.fixture(params=SAMPLES, ids=lambda path: path.stem)
def trace(request: pytest.FixtureRequest) -> Trace:
    return open_trace(request.param)


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
    deepest = stack.deepest().iloc[-1]
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
    # Several list comprehensions of one function have one name: the line tells them apart.
    facts = (trace.codes.to_pandas()[name] for name in ("code_id", "qualname", "firstlineno"))
    name_of = {code: (name, line) for code, name, line in zip(*facts, strict=True)}
    stacks: dict[int, list[tuple[int, Name]]] = {}  # by thread
    suspended: dict[int, bool] = {}
    inclusive: Counter[Name] = Counter()
    own: Counter[Name] = Counter()
    columns = (events[name].tolist() for name in ("frame_id", "code_id", "opcode"))
    for row, (frame, code, opcode) in enumerate(zip(*columns, strict=True)):
        stack = stacks.setdefault(thread_of[frame], [])
        while stack and stack[-1][0] != frame and (ends.get(stack[-1][0], row + 1) <= row or suspended[stack[-1][0]]):
            stack.pop()
        if not stack or stack[-1][0] != frame:
            stack.append((frame, name_of[code]))
        suspended[frame] = opcode in ("YIELD_VALUE", "RETURN_GENERATOR")
        names = [name for _, name in stack]
        inclusive.update(set(names))
        own[names[-1]] += 1
    assert functions.finish().set_index(["function", "line"])["inclusive"].to_dict() == inclusive
    tree = calls.finish()
    assert tree.groupby(["function", "line"])["own"].sum().to_dict() == own
    assert tree["calls"].sum() == len(frames)
    by_caller = frames.merge(frames, left_on="parent_id", right_on="frame_id", suffixes=("", "_of_parent"))
    codes = zip(by_caller["code_id_of_parent"], by_caller["code_id"], strict=True)
    pairs = Counter((*name_of[caller], *name_of[callee]) for caller, callee in codes)
    edges = sites.edges()
    keys = ["caller", "caller_line", "callee", "callee_line"]
    assert edges[edges["caller"] != ""].set_index(keys)["calls"].to_dict() == pairs
