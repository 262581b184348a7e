"""Reads traces and answers questions about them."""

from vmtrace.analysis.base import Analysis, run
from vmtrace.analysis.calls import Calls, Functions
from vmtrace.analysis.loops import Loops
from vmtrace.analysis.opcodes import Opcodes
from vmtrace.analysis.program import Program
from vmtrace.analysis.stack import Stack, StackOverTime
from vmtrace.analysis.summary import Summary

__all__ = [
    "Analysis",
    "Calls",
    "Functions",
    "Loops",
    "Opcodes",
    "Program",
    "Stack",
    "StackOverTime",
    "Summary",
    "run",
]
