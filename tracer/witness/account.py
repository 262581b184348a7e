"""An account of what a run executed, whoever gives it, in a form in which two can be compared.

CPython's own instruction tracing leaves some instructions out. What, was found by holding every pair of
consecutive reports in a frame against the control-flow graph, and is in the rules below; apart from it, each
executed instruction is reported once, at its own offset. What CPython jumps over was not executed, and no rule
is needed for it: an exhausted FOR_ITER skips END_FOR (3.12 on) and the POP_TOP behind it (3.13), and goes to
POP_ITER from 3.14 on; a generator delegated to that returns when it is thrown into has its caller go on behind
SEND at once (3.11); close() ends a generator at a yield outside any try without running it (3.13 on).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from vmtrace.tracer.notes import WHOLE
from vmtrace.traces import Trace

Integers = npt.NDArray[np.int64]
Part = tuple[Integers, Integers]
"""Consecutive events: the frame of each, and its offset in bytes, as `dis` prints it."""
Version = tuple[int, int]


@dataclass(frozen=True)
class Code:
    """A code object, equal to any of the same place, name and instructions."""

    filename: str
    qualname: str
    firstlineno: int
    instructions: tuple[tuple[int, str], ...]
    """Offset and opcode name of each, in order."""
    details: Sequence[tuple[str, int | None]] = field(default=(), compare=False)
    """For people: the argument of each instruction, and its line."""


@dataclass(frozen=True)
class Account:
    """Executed instructions in order; memory is that of the frames, `raw` gives the events piece by piece."""

    codes: Sequence[Code]
    frame_code: Integers
    """By frame, an index into `codes`."""
    frame_thread: Integers
    """By frame, any number that is the same for frames of one thread."""
    raw: Callable[[], Iterable[Part]]
    problem: str | None = None
    """Why events at the end are missing."""
    hidden: Sequence[Sequence[bool]] | None = None
    """By code and instruction, whether it is not to be looked at."""

    def hiding(self, rules: Sequence[Rule]) -> Account:
        """The same, without what falls under a rule."""
        opcodes = [[name for _, name in code.instructions] for code in self.codes]
        hidden = [list(map(any, zip(*(rule(names) for rule in rules), strict=True))) for names in opcodes]
        return replace(self, hidden=hidden)

    def parts(self, code_numbers: Integers) -> Iterator[Integers]:
        """The events that are to be looked at, piece by piece: three rows, of frames, codes and offsets.

        Frames are numbered in the order of their first event: a generator's frame is made by the call but begins
        when it first runs, if it ever does. Codes go by what `code_numbers` has for them.
        """
        number = np.full(len(self.frame_code), -1, np.int64)
        known = 0
        base, hidden = self._hidden_units()
        for frame, offset in self.raw():
            code = self.frame_code[frame]
            if self.hidden is not None:
                keep = ~hidden[base[code] + offset // 2]
                frame, code, offset = frame[keep], code[keep], offset[keep]
            new, first = np.unique(frame[number[frame] < 0], return_index=True)
            number[new[np.argsort(first)]] = np.arange(known, known + len(new))
            known += len(new)
            yield np.stack([number[frame], code_numbers[code], offset])

    def _hidden_units(self) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """By code, where its code units begin in an array of those of all; and that array: which are hidden."""
        lengths = [code.instructions[-1][0] // 2 + 1 for code in self.codes]
        base = np.cumsum([0, *lengths])
        units = np.zeros(base[-1], np.bool_)
        for start, code, hits in zip(base.tolist(), self.codes, self.hidden or (), strict=False):
            units[[start + offset // 2 for (offset, _), hit in zip(code.instructions, hits, strict=True) if hit]] = True
        return base, units


def from_trace(trace: Trace) -> Account:
    """All of a recorded trace."""
    frames = trace.frames.sort_by("frame_id")
    codes = trace.codes.sort_by("code_id")
    listings: dict[int, list[tuple[int, str, str, int | None]]] = {
        number: [] for number in codes["code_id"].to_pylist()
    }
    columns = (trace.instructions[name].to_pylist() for name in ("code_id", "offset", "opcode", "argrepr", "line"))
    for code_id, *instruction in zip(*columns, strict=True):
        listings[code_id].append(tuple(instruction))

    def raw() -> Iterator[Part]:
        for chunk in trace.chunks(["frame_id", "offset"]):
            yield np.asarray(chunk.frame_id, np.int64), np.asarray(chunk.offset, np.int64)

    return Account(
        [
            Code(
                code["filename"],
                code["qualname"],
                code["firstlineno"],
                tuple((offset, name) for offset, name, _, _ in listing),
                [(argument, line) for _, _, argument, line in listing],
            )
            for code, listing in zip(codes.to_pylist(), listings.values(), strict=True)
        ],
        np.searchsorted(codes["code_id"].to_numpy(), frames["code_id"].to_numpy()),
        frames["thread_id"].to_numpy().view(np.int64),
        raw,
        trace.problem or (None if trace.info.get("stopped", WHOLE) == WHOLE else trace.info["stopped"]),
    )


# --- What CPython's tracing does not report -----------------------------------------------------------------

Rule = Callable[[Sequence[str]], list[bool]]
"""From the opcode names of a code object, in offset order, which instructions are never reported."""


def entry(opcodes: Sequence[str]) -> list[bool]:
    """Up to the RESUME at which a frame starts: MAKE_CELL, COPY_FREE_VARS, RETURN_GENERATOR and its POP_TOP.

    Tracing of a frame begins at RESUME (`co_firsttraceable`), where 3.11 fires its `call` event and 3.12 on
    PY_START. For a generator that is the RESUME behind RETURN_GENERATOR: what comes before runs when the
    generator is made, which on 3.15 includes, in a generator expression, a RESUME, the loading of the
    iterable and GET_ITER.
    """
    start = opcodes.index("RETURN_GENERATOR") if "RETURN_GENERATOR" in opcodes else 0
    first = opcodes.index("RESUME", start)
    return [index <= first for index in range(len(opcodes))]


def resume(opcodes: Sequence[str]) -> list[bool]:
    """RESUME, also behind a yield or an await: there 3.11 fires `call`, 3.12 on PY_START or PY_RESUME."""
    return [name == "RESUME" for name in opcodes]


def behind_extended_arg(opcodes: Sequence[str]) -> list[bool]:
    """3.11: what follows EXTENDED_ARG, further ones included: it goes to the next one past the tracing."""
    return [previous == "EXTENDED_ARG" for previous in ["", *opcodes[:-1]]]


def rules(version: Version) -> tuple[Rule, ...]:
    """The rules for a Python version."""
    return (entry, resume, behind_extended_arg) if version < (3, 12) else (entry, resume)
