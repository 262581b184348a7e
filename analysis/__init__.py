"""Reads traces and answers questions about them."""

from vmtrace.analysis.base import Analysis, run
from vmtrace.analysis.opcodes import Opcodes
from vmtrace.analysis.program import Program

__all__ = ["Analysis", "Opcodes", "Program", "run"]
