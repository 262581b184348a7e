"""How often loops were entered, and how often they went round."""

from __future__ import annotations

from typing import NamedTuple

from vmtrace.analysis.cfg import Loop, NaturalLoops, edges
from vmtrace.analysis.flow import Flow
from vmtrace.analysis.program import Ints, Program


class Trips(NamedTuple):
    """Of one loop, over the whole run."""

    entries: int
    iterations: int


class TripCounter:
    """Reads entries and iterations of loops off the counts of a run.

    An *entry* is an arrival at the loop's header that is not by a jump back from inside the loop. An
    *iteration* is a pass of the header from which control goes on into the loop's body: the test that ends
    a `for`, or a `while` that is tested at its top, is none. Where the compiler puts the test of a `while`
    at the bottom (CPython 3.11 to 3.13), a loop whose body never runs is not entered, and every pass of the
    header is an iteration.

    What belongs to the test at the top is told by the source: the header, if its first instruction does not
    come after the end of the branch that leaves the loop (a body precedes a test at the bottom), and further
    blocks that leave the loop in turn on the very same line (`while a and b`).
    """

    def __init__(self, program: Program, loops: NaturalLoops, flow: Flow, executed: Ints) -> None:
        self._program, self._loops = program, loops
        self._flow, self._executed = flow, executed
        self._successors, _ = edges(program)
        self._other: dict[int, list[tuple[int, int]]] = {}  # by the site it leads to
        for (before, after), count in flow.other.items():
            self._other.setdefault(after, []).append((before, count))

    def trips(self, loop: Loop) -> Trips:
        first = int(self._program.block_first[loop.header])
        passes = int(self._executed[first])
        back = sum(self._moves(block, loop.header) for block in loop.blocks)
        inside = self._program.site_block
        back += sum(count for before, count in self._other.get(first, []) if int(inside[before]) in loop.blocks)
        return Trips(passes - back, self._iterations(loop, passes))

    def kind(self, loop: Loop) -> str:
        """What the loop is in the source, by the opcodes of its header."""
        opcodes = self._opcodes(loop.header)
        for opcode, kind in (("FOR_ITER", "for"), ("GET_ANEXT", "async for"), ("SEND", "await")):
            if opcode in opcodes:
                return kind
        return "while"

    def _iterations(self, loop: Loop, passes: int) -> int:
        if "GET_ANEXT" in self._opcodes(loop.header):
            # An asynchronous iterator ends by an exception, which this handler is for.
            handlers = {int(self._program.site_handler[site]) for site in self._sites(loop.header)}
            return passes - sum(int(self._executed[handler]) for handler in handlers if handler >= 0)
        tests = self._tests(loop)
        if not tests:
            return passes
        body = loop.blocks - tests
        return sum(self._moves(test, after) for test in tests for after in body)

    def _tests(self, loop: Loop) -> frozenset[int]:
        """The blocks at the top of a loop that test whether it goes on."""
        block, tests = loop.header, {loop.header}
        if not self._leaves(block, loop) or block in self._successors[block] or not self._is_top(block):
            return frozenset()
        while "FOR_ITER" not in self._opcodes(block):
            line = self._program.site_line[self._program.block_last[block]]
            inside = [after for after in self._successors[block] if after in loop.blocks]
            if len(inside) != 1 or inside[0] in tests or not self._leaves(inside[0], loop):
                break
            block = inside[0]
            if any(self._program.site_line[site] != line for site in self._sites(block)):
                break
            tests.add(block)
        return frozenset(tests)

    def _is_top(self, block: int) -> bool:
        program = self._program
        first, last = program.block_first[block], program.block_last[block]
        begins = (program.site_line[first], program.site_column[first])
        ends = (program.site_end_line[last], program.site_end_column[last])
        if -1 in begins or -1 in ends:  # no columns: python -X no_debug_ranges
            return bool(begins[0] <= ends[0])
        return bool(begins < ends)

    def _leaves(self, block: int, loop: Loop) -> bool:
        inside = [after in loop.blocks for after in self._successors[block]]
        return any(inside) and not all(inside)

    def _moves(self, block: int, after: int) -> int:
        """How often control went from the end of a block to the start of another (not by an exception)."""
        program, last = self._program, int(self._program.block_last[block])
        count = int(self._flow.fell[last]) if after == block + 1 else 0
        if program.site_target[last] == program.block_first[after]:
            count += int(self._flow.taken[last])
        return count

    def _sites(self, block: int) -> range:
        return range(int(self._program.block_first[block]), int(self._program.block_last[block]) + 1)

    def _opcodes(self, block: int) -> set[str]:
        opcodes = self._program.site_opcode[list(self._sites(block))].tolist()
        return {self._program.opcode_names[opcode] for opcode in opcodes if opcode >= 0}
