"""Opcodes that do nothing but move the evaluation stack, or nothing at all."""

from __future__ import annotations

import sys

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes.opset import OpcodeSet, Value
from vmtrace.tracer.opcodes.semantics import NULL

keep_builtins(globals())

ops = OpcodeSet((3, 11))

# --- nothing to do --------------------------------------------------------------------------------------------------


@ops.added
def byte_NOP(vm) -> None:
    """Does nothing; a line of source that compiles to nothing still has to be reached."""


@ops.added
def byte_RESUME(vm) -> None:
    """Marks where a frame starts (0) or goes on after yield (1), yield from (2), await (3)."""


@ops.added
def byte_EXTENDED_ARG(vm) -> None:
    """Holds the higher bits of the next instruction's oparg; decoding has folded them in."""


@ops.added
def byte_CACHE(vm) -> None:
    """Room for the specialising interpreter; never executed."""


# --- the evaluation stack -------------------------------------------------------------------------------------------


@ops.added
def byte_LOAD_CONST(vm, *, const) -> Value:
    return const


@ops.added
def byte_POP_TOP(vm, value) -> None:
    """Drops a value."""


@ops.added
def byte_PUSH_NULL(vm) -> Value:
    """A NULL under a callable says that it is called without self."""
    return NULL


@ops.added
def byte_COPY(vm, *, beneath) -> Value:
    """Pushes another reference to the entry `arg` from the top."""
    return beneath


@ops.added(pushes=lambda arg: arg)
def byte_SWAP(vm, *entries):
    """Exchanges the top with the entry `arg` from the top."""
    deepest, *between, top = entries
    return top, *between, deepest


@ops.added
def byte_PRINT_EXPR(vm, value) -> None:
    """Shows the value of an expression statement typed at a prompt."""
    sys.displayhook(value)


hide_functions(globals())
