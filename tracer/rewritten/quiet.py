"""Instructions that enter no frame and raise nothing, whatever they are given."""

from __future__ import annotations

import dis

from vmtrace.tracer.code import Code, Instruction

_ALWAYS = frozenset({
    "COPY", "EXTENDED_ARG", "KW_NAMES", "LOAD_CLOSURE", "LOAD_CONST", "LOAD_SMALL_INT", "NOP", "PRECALL", "PUSH_NULL",
    "SWAP",
})  # fmt: skip
_LOAD_FAST_CHECKS = "LOAD_FAST_CHECK" not in dis.opmap
"""Up to 3.11, where LOAD_FAST does it itself, and may raise UnboundLocalError."""
_LOAD_FAST = frozenset({
    "LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_AND_CLEAR"
})  # fmt: skip


class Quiet:
    """Tells whether an instruction of a code object is one of those."""

    def __init__(self, decoded: Code) -> None:
        code = decoded.code
        deleted = {i.arg for i in decoded.instructions if i.name == "DELETE_FAST"}
        self._bound = set(range(code.co_argcount + code.co_kwonlyargcount)) - deleted
        """Locals that are always bound."""

    def __call__(self, instruction: Instruction) -> bool:
        if instruction.name in _LOAD_FAST:
            return not _LOAD_FAST_CHECKS or instruction.arg in self._bound
        return instruction.name in _ALWAYS
