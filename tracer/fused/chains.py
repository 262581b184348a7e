"""Which basic blocks of a code object are written one behind the other, without a jump between them."""

from __future__ import annotations

from collections import Counter

from vmtrace.tracer.code import ENTERS_HANDLER, LEAVES_HANDLER, Block, Code


def chains(code: Code) -> list[list[Block]]:
    """Runs of blocks in which each is reached from the one before and from nowhere else.

    Left out are blocks that nothing leads to, and those that run in the call that makes a generator.
    """
    instructions = code.instructions
    begin = next((i.index + 1 for i in instructions if i.name == "RETURN_GENERATOR"), 0)
    blocks = [b for b in code.blocks if b.start >= begin and instructions[b.start].depth is not None]
    ways = _ways_to(code, blocks)
    found: list[list[Block]] = []
    for block in blocks:
        before = found[-1][-1] if found else None
        if (
            before is not None
            and before.stop == block.start
            and ways[block.start] == 1
            and level_of(code, before) == level_of(code, block)
            and instructions[before.stop - 1].name != LEAVES_HANDLER
        ):
            found[-1].append(block)
        else:
            found.append([block])
    return found


def level_of(code: Code, block: Block) -> int:
    """How many exceptions are being handled in a block; one that begins to handle an exception counts it."""
    first = code.instructions[block.start]
    return first.level + (first.name == ENTERS_HANDLER)


def _ways_to(code: Code, blocks: list[Block]) -> Counter[int]:
    """By a block's first instruction: 1 if control gets there only by falling through, more if also by a jump or an
    exception."""
    ways: Counter[int] = Counter()
    for block in blocks:
        last = code.instructions[block.stop - 1]
        if last.target is not None:
            ways[last.target] += 2
        if last.falls_through:
            ways[last.index + 1] += 1
    for i in code.instructions:
        if i.handler is not None and i.depth is not None:
            ways[i.handler] = 2
    return ways
