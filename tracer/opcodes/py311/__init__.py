"""The opcodes of Python 3.11: the baseline that later versions change, a file for each family.

Each handler is what the opcode does, its signature is the stack effect (see `opset`). Semantics that take more than a
line or two are functions of `semantics` and of the modules beside it.
"""

from vmtrace.tracer.opcodes.opset import OpcodeSet
from vmtrace.tracer.opcodes.py311 import (
    calls,
    containers,
    exceptions,
    flow,
    generators,
    names,
    operators,
    patterns,
    stack,
)

FAMILIES = (stack, names, operators, containers, flow, calls, generators, exceptions, patterns)

ops = OpcodeSet((3, 11), *(family.ops for family in FAMILIES))
