"""The control-flow graph of each code object, and the natural loops in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from vmtrace.analysis.program import Ints, Program


@dataclass(frozen=True)
class Loop:
    """A natural loop: the blocks from which a jump back to the header is reached without passing the header.

    Jumps back to one header make one loop. So do those past the header of `while True`, which CPython 3.11 to 3.13 may
    compile to a block of its own, a NOP: `continue` jumps to it, the end of the body behind it. Blocks of an exception
    handler from which the loop goes on belong to it: an exception is an edge from each block that has a handler to
    that handler, though never itself a jump back. A cycle that can be entered past its header (CPython's compiler
    makes none) is no loop.
    """

    number: int
    code: int
    header: int  # block
    blocks: frozenset[int]
    parent: int  # number of the loop around it in the same code, -1 if there is none
    depth: int  # 1 for an outermost loop


class NaturalLoops:
    """All natural loops of a program, numbered so that a loop comes after those around it.

    block_loop[block]  the innermost loop around a block, -1 if there is none
    chain[loop]        the loop and those around it, as loop numbers
    of_code[code]      the loops of a code object, consecutive numbers
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self.all: list[Loop] = []
        self.block_loop: Ints = np.full(program.blocks, -1)
        successors, handlers = edges(program)
        block_code = program.site_code[program.block_first]
        bounds = np.searchsorted(block_code, np.arange(program.codes + 1)).tolist()
        for code in range(program.codes):
            first, last = bounds[code], bounds[code + 1]
            if any(s <= block for block in range(first, last) for s in successors[block]):
                self._find(code, range(first, last), successors, handlers)
        self.chain: list[frozenset[int]] = []
        self.of_code: list[list[int]] = [[] for _ in range(program.codes)]
        for loop in self.all:
            around = self.chain[loop.parent] if loop.parent >= 0 else frozenset()
            self.chain.append(around | {loop.number})
            self.of_code[loop.code].append(loop.number)

    def _find(self, code: int, blocks: range, jumps: list[list[int]], handlers: list[list[int]]) -> None:
        flow = {block: jumps[block] + handlers[block] for block in blocks}
        dominator = dominators(blocks[0], flow)
        before: dict[int, list[int]] = {block: [] for block in dominator}
        for block in dominator:
            for after in flow[block]:
                before[after].append(block)
        bodies: dict[int, set[int]] = {}
        for block in dominator:
            for target in jumps[block]:
                header = self._header(block, target)
                if dominates(dominator, header, block):
                    bodies[header] = bodies.get(header, {header}) | _reaching(block, header, before)
        inner: dict[int, int] = {}  # block: its innermost loop so far
        for header in sorted(bodies, key=lambda header: (-len(bodies[header]), header)):
            parent = inner.get(header, -1)
            inner.update(dict.fromkeys(bodies[header], len(self.all)))
            depth = self.all[parent].depth + 1 if parent >= 0 else 1
            self.all.append(Loop(len(self.all), code, header, frozenset(bodies[header]), parent, depth))
        for block, loop in inner.items():
            self.block_loop[block] = loop

    def _header(self, block: int, target: int) -> int:
        """The header that a jump goes to, or past, to a block behind it."""
        program, before = self._program, target - 1
        if before < 0 or program.block_last[block] == program.block_last[before]:
            return target
        first, last = int(program.block_first[before]), int(program.block_last[before])
        names = {program.opcode_names[opcode] for opcode in program.site_opcode[first : last + 1].tolist()}
        jump = program.block_last[block]
        # The jump at the end of the body bears the position of the constant True, as the NOP does.
        alike = all(
            (of_site[jump] == of_site[last]) and of_site[last] >= 0
            for of_site in (program.site_line, program.site_column)
        )
        return before if names == {"NOP"} and alike and program.site_code[jump] == program.site_code[last] else target


def edges(program: Program) -> tuple[list[list[int]], list[list[int]]]:
    """For each block: the blocks that follow it, and the handlers of its instructions."""
    count = program.blocks
    successors: list[list[int]] = [[] for _ in range(count)]
    handlers: list[list[int]] = [[] for _ in range(count)]
    last = program.block_last
    block_code = program.site_code[program.block_first]
    falls = program.site_falls[last]
    falls[:-1] &= block_code[1:] == block_code[:-1]
    falls[-1:] = False
    for block in np.flatnonzero(falls).tolist():
        successors[block].append(block + 1)
    target = program.site_target[last]
    for block in np.flatnonzero(target >= 0).tolist():
        after = int(program.site_block[target[block]])
        if after not in successors[block]:
            successors[block].append(after)
    covered = np.flatnonzero(program.site_handler >= 0)
    pairs = np.stack([program.site_block[covered], program.site_block[program.site_handler[covered]]], axis=1)
    for block, handler in np.unique(pairs, axis=0).tolist():
        handlers[block].append(handler)
    return successors, handlers


def dominators(entry: int, successors: dict[int, list[int]]) -> dict[int, int]:
    """The immediate dominator of each block that can be reached from the entry (which has itself).

    After Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
    """
    order = _postorder(entry, successors)
    number = {block: index for index, block in enumerate(order)}
    before: dict[int, list[int]] = {block: [] for block in order}
    for block in order:
        for after in successors[block]:
            before[after].append(block)
    dominator = {entry: entry}
    changed = True
    while changed:
        changed = False
        for block in reversed(order[:-1]):
            known = [b for b in before[block] if b in dominator]
            common = known[0]
            for other in known[1:]:
                while common != other:
                    while number[common] < number[other]:
                        common = dominator[common]
                    while number[other] < number[common]:
                        other = dominator[other]
            if dominator.get(block) != common:
                dominator[block] = common
                changed = True
    return dominator


def dominates(dominator: dict[int, int], one: int, other: int) -> bool:
    """Whether every way from the entry to the other block passes the one."""
    while other != one and dominator[other] != other:
        other = dominator[other]
    return other == one


def _postorder(entry: int, successors: dict[int, list[int]]) -> Sequence[int]:
    order: list[int] = []
    seen = {entry}
    path = [(entry, iter(successors[entry]))]
    while path:
        block, rest = path[-1]
        for after in rest:
            if after not in seen:
                seen.add(after)
                path.append((after, iter(successors[after])))
                break
        else:
            order.append(block)
            path.pop()
    return order


def _reaching(block: int, header: int, before: dict[int, list[int]]) -> set[int]:
    """The blocks from which a block is reached without passing the header, with the block itself."""
    found = {block, header}
    path = [block]
    while path:
        at = path.pop()
        if at != header:
            new = [b for b in before[at] if b not in found]
            found.update(new)
            path += new
    return found
