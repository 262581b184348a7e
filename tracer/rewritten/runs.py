"""Which basic blocks need no mark of their own, because the marks around them say that they were executed.

A *run* is a block that is marked, with those behind it that are not. Entering it counts as executing all of it, unless
a note says otherwise: where something is entered or raised, as ever, or the mark of a block that is reached in one way
only, by a jump out of the run. What comes behind that jump was not executed then: the mark *cuts* the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from vmtrace.tracer.code import LEAVES_FRAME, Block, Code, Instruction
from vmtrace.tracer.recorder.facts import Span

WAITS = frozenset({"FOR_ITER", "SEND"})
"""All that a block headed by one of these can enter is entered at that instruction, its last."""


@dataclass
class Runs:
    """What is not marked, by the index of a block's first instruction."""

    unmarked: set[int] = field(default_factory=set)
    cuts: dict[int, int] = field(default_factory=dict)
    """By marked block that cuts the run before it: how many of the code's instructions lie before the cut."""

    def spans(self, blocks: list[Block]) -> list[Span]:
        """By block: its first instruction, the end of its run, and where it cuts the run before it, or 0."""
        spans: list[Span] = []
        stop = 0
        for block in reversed(blocks):
            if block.stop not in self.unmarked:
                stop = block.stop
            spans.append((block.start, stop, self.cuts.get(block.start, 0)))
        return spans[::-1]


def is_waiting(decoded: Code, block: Block) -> bool:
    """Whether a block is no more than an instruction that may enter a generator."""
    *others, last = decoded.instructions[block.start : block.stop]
    return last.name in WAITS and all(other.name == "EXTENDED_ARG" for other in others)


def find_runs(decoded: Code, iterates_values: Callable[[Code, Instruction], bool]) -> Runs:
    """The runs of a code object. `iterates_values`: whether a FOR_ITER will hardly ever enter a generator."""
    instructions, runs = decoded.instructions, Runs()
    jumps = Counter(i.target for i in instructions if i.depth is not None)
    handlers = {handler.target for handler in decoded.handlers}

    def reached_by_jumps(index: int, count: int) -> bool:
        """Whether just so many jumps lead there, and nothing but jumps and the instruction before."""
        after_pause = instructions[index - 1].name in LEAVES_FRAME
        return jumps[index] == count and index not in handlers and not after_pause

    for block in decoded.blocks[1:]:
        last = instructions[block.start - 1]
        if last.depth is None or not last.falls_through or not reached_by_jumps(block.start, 0):
            continue
        if is_waiting(decoded, block):
            continue  # its mark says more
        if last.target is None:
            runs.unmarked.add(block.start)
        elif "JUMP" in last.name or (last.name == "FOR_ITER" and iterates_values(decoded, last)):
            aim, before = last.target, instructions[last.target - 1]
            if reached_by_jumps(aim, 1) and (before.depth is None or not before.falls_through):
                runs.unmarked.add(block.start)
                runs.cuts[aim] = block.start
    return runs
