"""When control enters a loop, and when it begins another iteration: told by static facts of the code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vmtrace.analysis.cfg import Loop, NaturalLoops, edges
from vmtrace.analysis.program import Bools, Ints, Program


class Rounds:
    """Which moves from block to block make an entry, and which an iteration.

    An *entry* is an arrival at the loop's header from outside the loop. An *iteration* begins where control goes on
    from the test at the loop's top into its body: the test that ends a `for`, or a `while` tested at its top,
    begins none. Where there is no test at the top (`while` as CPython 3.11 to 3.13 compile it, with the test at
    the bottom and once more before the loop) each pass of the header is an iteration, and a loop whose body never
    runs is not entered.

    What belongs to the test at the top is told by the source: the header, if it may leave the loop and nothing jumps
    back to it that comes before it in the source. (A test at the bottom does, and so does the constant of `while True`,
    which may also leave a NOP at the header: then what leaves the loop there is a statement of its body.) And further
    blocks that may leave the loop in turn, on the very same line (`while a and b`). In an `async for`, it is all
    up to where the awaited item is there.

    tests[site]        whether a block ends here that belongs to the test at the top of a loop
    header[site]       the loop that has its header there, or -1; also where it is passed by (see Loop)
    leads_on[site]     whether a header ends here that may be passed by: going on from it is no second pass
    each_pass[loop]    whether each pass of the header is an iteration
    fall_begins[site]  the loop of which an iteration begins if control falls through from this end of a
                       block, or -1; jump_begins[site]: if it jumps
    """

    def __init__(self, program: Program) -> None:
        loops = program.once(NaturalLoops)
        self._program, self._loops = program, loops
        self._successors, _ = edges(program)
        self.header: Ints = np.full(program.sites, -1)
        self.fall_begins: Ints = np.full(program.sites, -1)
        self.jump_begins: Ints = np.full(program.sites, -1)
        self.each_pass = np.ones(len(loops.all), dtype=bool)
        self.tests: Bools = np.zeros(program.sites, dtype=bool)
        self.leads_on: Bools = np.zeros(program.sites, dtype=bool)
        self._enter, self._leave = _intervals(loops)
        for loop in loops.all:
            self.header[program.block_first[loop.header]] = loop.number
            if (
                self._opcodes(loop.header) == {"NOP"}
                and self.header[behind := program.block_first[loop.header + 1]] < 0
            ):
                self.header[behind] = loop.number
                self.leads_on[program.block_last[loop.header]] = True
            tests = self._tests(loop)
            self.each_pass[loop.number] = not tests
            for block in tests:
                last = program.block_last[block]
                self.tests[last] = True
                target = int(program.site_target[last])
                if program.site_falls[last] and block + 1 in loop.blocks - tests:
                    self.fall_begins[last] = loop.number
                if target >= 0 and int(program.site_block[target]) in loop.blocks - tests:
                    self.jump_begins[last] = loop.number

    def inside(self, site: npt.NDArray[np.integer], loop: Ints) -> Bools:
        """Whether the instructions belong to the loops, one by one; a site of -1 belongs to none."""
        inner = self._loops.block_loop[self._program.site_block[site]]
        place = np.where((site >= 0) & (inner >= 0), self._enter[inner], -1)
        return (self._enter[loop] <= place) & (place < self._leave[loop])

    def kind(self, loop: Loop) -> str:
        """What the loop is in the source, by the opcodes of its header."""
        opcodes = self._opcodes(loop.header)
        for opcode, kind in (("FOR_ITER", "for"), ("GET_ANEXT", "async for"), ("SEND", "await")):
            if opcode in opcodes:
                return kind
        return "while"

    def _tests(self, loop: Loop) -> frozenset[int]:
        """The blocks at the top of a loop that decide whether it goes on."""
        if "GET_ANEXT" in self._opcodes(loop.header):
            waits = [other for other in self._loops.all if other.parent == loop.number]
            first = [other.blocks for other in waits if other.header == loop.header + 1]
            return frozenset({loop.header}).union(*first)
        block, tests = loop.header, {loop.header}
        if not self._may_leave(block, loop) or block in self._successors[block]:
            return frozenset()
        if not self._opcodes(block) & {"FOR_ITER", "SEND"} and self._is_body(loop):
            return frozenset()
        while "FOR_ITER" not in self._opcodes(block):
            line = self._program.site_line[self._program.block_last[block]]
            inside = [after for after in self._successors[block] if after in loop.blocks]
            if len(inside) != 1 or inside[0] in tests or not self._may_leave(inside[0], loop):
                break
            block = inside[0]
            if any(self._program.site_line[site] != line for site in self._sites(block)):
                break
            tests.add(block)
        return frozenset(tests)

    def _is_body(self, loop: Loop) -> bool:
        """Whether the header of a `while` loop is the beginning of its body."""
        program = self._program
        first = int(program.block_first[loop.header])
        if program.opcode_names[program.site_opcode[first]] == "NOP":
            return True
        jumps = [program.block_last[block] for block in loop.blocks if loop.header in self._successors[block]]
        places = [self._position(site) for site in (first, *jumps)]
        if any(-1 in place for place in places):  # no columns: python -X no_debug_ranges
            places = [place[:1] for place in places]
        return any(place < places[0] for place in places)

    def _position(self, site: int) -> tuple[int, ...]:
        return int(self._program.site_line[site]), int(self._program.site_column[site])

    def _may_leave(self, block: int, loop: Loop) -> bool:
        inside = [after in loop.blocks for after in self._successors[block]]
        return any(inside) and not all(inside)

    def _sites(self, block: int) -> range:
        return range(int(self._program.block_first[block]), int(self._program.block_last[block]) + 1)

    def _opcodes(self, block: int) -> set[str]:
        opcodes = self._program.site_opcode[list(self._sites(block))].tolist()
        return {self._program.opcode_names[opcode] for opcode in opcodes}


def _intervals(loops: NaturalLoops) -> tuple[Ints, Ints]:
    """Numbers such that one loop lies in another exactly if its first number lies in the other's range."""
    enter, leave = np.zeros(len(loops.all), dtype=np.int64), np.zeros(len(loops.all), dtype=np.int64)
    inner: list[list[int]] = [[] for _ in loops.all]
    outermost: list[int] = []
    for loop in loops.all:
        (inner[loop.parent] if loop.parent >= 0 else outermost).append(loop.number)
    clock = 0
    path = [(number, False) for number in reversed(outermost)]
    while path:
        number, done = path.pop()
        if done:
            leave[number] = clock
            continue
        enter[number] = clock
        clock += 1
        path.append((number, True))
        path += [(after, False) for after in reversed(inner[number])]
    return enter, leave
