"""Reads traces and answers questions about them."""

from vmtrace.analysis.base import Analysis, run
from vmtrace.analysis.blocks import Blocks
from vmtrace.analysis.branches import Branches
from vmtrace.analysis.calls import Calls, Functions
from vmtrace.analysis.callsites import CallSites
from vmtrace.analysis.diff import compare, differences
from vmtrace.analysis.events import call_rows, codes_named, thread_ids
from vmtrace.analysis.lines import Instructions, Lines
from vmtrace.analysis.loops import Loops
from vmtrace.analysis.opcodes import Opcodes, OpcodesBy, StaticOpcodes, spread
from vmtrace.analysis.pairs import Neighbours, Pairs
from vmtrace.analysis.phases import Phases
from vmtrace.analysis.program import Program
from vmtrace.analysis.selection import Selection
from vmtrace.analysis.stack import Stack, StackByOpcode, StackOverTime
from vmtrace.analysis.summary import Summary
from vmtrace.analysis.super import Super

__all__ = [
    "Analysis",
    "Blocks",
    "Branches",
    "CallSites",
    "Calls",
    "Functions",
    "Instructions",
    "Lines",
    "Loops",
    "Neighbours",
    "Opcodes",
    "OpcodesBy",
    "Pairs",
    "Phases",
    "Program",
    "Selection",
    "Stack",
    "StackByOpcode",
    "StackOverTime",
    "StaticOpcodes",
    "Summary",
    "Super",
    "call_rows",
    "codes_named",
    "compare",
    "differences",
    "run",
    "spread",
    "thread_ids",
]
