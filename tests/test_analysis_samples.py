"""Analyses of sample traces, and of programs recorded here, against computations of the same that have nothing in
common with them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from vmtrace.analysis import (
    Calls,
    CallSites,
    Functions,
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
    compare,
    run,
)
from vmtrace.traces import Trace, open_trace

from tests.recorded_traces import SAMPLES, events_of, opened, recorded, result

Name = tuple[str, int]


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
    table = result(trace, OpcodesBy, by="module").groupby(["module", "opcode"])["count"].sum()
    assert table.to_dict() == events.groupby(["module", "opcode"]).size().to_dict()
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


def test_stack_by_function(trace: Trace, events: pd.DataFrame) -> None:
    stack, functions = Stack(Program(trace)), Functions(Program(trace))
    run(trace, [stack, functions])
    own = functions.finish().groupby("function")["own"].sum()
    assert own.to_dict() == events["qualname"].value_counts().to_dict()
    facts = (trace.codes.to_pandas()[name] for name in ("code_id", "qualname", "module", "filename", "firstlineno"))
    name_of = {code: tuple(names) for code, *names in zip(*facts, strict=True)}
    columns = ["function", "module", "filename", "line", "instructions", "max", "mean", "median", "p90"]
    found = stack.finish()[columns].itertuples(index=False, name=None)
    expected = [
        (*name_of[code], len(of), of.max(), round(of.mean(), 9), half(of), nine_in_ten(of))
        for code, of in events.groupby("code_id")["stack_depth"]
    ]
    assert sorted((*row[:6], round(row[6], 9), *row[7:]) for row in found) == sorted(expected)
    of_all = stack.distribution().set_index("depth")["count"]
    assert of_all[of_all > 0].to_dict() == events["stack_depth"].value_counts().to_dict()
    deepest = stack.deepest().query("moment == 0").iloc[-1]
    assert deepest["row"] == events["stack_depth"].idxmax()
    assert deepest["frame_id"] == events["frame_id"][deepest["row"]]


def half(depths: pd.Series) -> int:
    """The least depth at which at least 50 % of the rows are."""
    return int(np.quantile(depths, 0.5, method="inverted_cdf"))


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


def test_comparing_two_runs() -> None:
    base, head = (opened(name) for name in ("recursion", "generators"))
    counts = [Counter(events_of(trace)["opcode"]) for trace in (base, head)]
    found = compare("opcodes", result(base, Opcodes), result(head, Opcodes))
    expected = {name: (counts[0][name], counts[1][name]) for name in counts[0] | counts[1]}
    assert {name: (one, other) for name, one, other in found[["opcode", "base", "head"]].to_numpy()} == expected
    assert found["change"].tolist() == [counts[1][name] - counts[0][name] for name in found["opcode"]]
    assert found["change"].abs().is_monotonic_decreasing
