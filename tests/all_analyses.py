"""Every analysis, and every table that each of them gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pandas as pd
import vmtrace.analysis
from vmtrace.analysis import Analysis, Program

#: Every analysis, with each option that changes how it counts.
MAKERS: dict[str, Callable[[Program], Analysis]] = {
    "opcodes": vmtrace.analysis.Opcodes,
    "loops": vmtrace.analysis.Loops,
    "calls": vmtrace.analysis.Calls,
    "functions": vmtrace.analysis.Functions,
    "stack": vmtrace.analysis.Stack,
    "stack over time": vmtrace.analysis.StackOverTime,
    "stack over time, few buckets": lambda program: vmtrace.analysis.StackOverTime(program, buckets=7),
    "stack by opcode": vmtrace.analysis.StackByOpcode,
    "call sites": vmtrace.analysis.CallSites,
    "summary": vmtrace.analysis.Summary,
    "opcodes by function": vmtrace.analysis.OpcodesBy,
    "opcodes by module": lambda program: vmtrace.analysis.OpcodesBy(program, by="module"),
    "static opcodes": vmtrace.analysis.StaticOpcodes,
    "pairs": vmtrace.analysis.Pairs,
    "triples": lambda program: vmtrace.analysis.Pairs(program, n=3),
    "sequences of 8": lambda program: vmtrace.analysis.Pairs(program, n=8),
    "neighbours": vmtrace.analysis.Neighbours,
    "super": vmtrace.analysis.Super,
    "blocks": vmtrace.analysis.Blocks,
    "branches": vmtrace.analysis.Branches,
    "lines": vmtrace.analysis.Lines,
    "instructions": vmtrace.analysis.Instructions,
    "phases": lambda program: vmtrace.analysis.Phases(program, instructions=7),
}


def results(analysis: Analysis) -> dict[str, pd.DataFrame]:
    """What each of its methods without arguments says that returns a table."""
    methods = inspect.getmembers(analysis, inspect.ismethod)
    tables = {
        name: method()
        for name, method in methods
        if not name.startswith("_") and inspect.signature(method).return_annotation == "pd.DataFrame"
    }
    assert "finish" in tables
    return tables
