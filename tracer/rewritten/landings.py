"""Where exceptions go first in rewritten code: it notes where they were raised, then the program goes on as it would.

Every instruction has a *guard*, an entry of the exception table, that leads to a *landing*. A landing notes the
place and jumps to the program's handler; or, where there is none and the frame ends, raises again with RERAISE, which
leaves traceback, context and line as they are. It costs nothing until something is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vmtrace.tracer.assembly import Guard, Label
from vmtrace.tracer.code import Block, Code, Instruction
from vmtrace.tracer.host.locations import NOWHERE
from vmtrace.tracer.rewritten.marks import RAISE, UNWIND
from vmtrace.tracer.rewritten.probes import JUMP, NOTHING_NEW, OUTSIDE, RERAISE, SWAP, Probes

RAISES_AGAIN = frozenset({"RERAISE", "RAISE_VARARGS", "CLEANUP_THROW", "END_ASYNC_FOR"})
"""RERAISE sets lasti to what it was given; where an exception is raised again, its traceback gets no new entry."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Equal ones share their instructions."""

    target: int | None
    """The program's handler, or None: the frame ends."""
    depth: int
    lasti: bool
    suspended: bool
    """It is raised into a suspended frame, which is on top again."""
    block: int | None
    """A block that had begun without being noted."""
    offset: int | None
    """What is noted as the place, where it can't be found out at the landing."""


class Landings:
    def __init__(self, decoded: Code, first_block: int, probes: Probes, labels: Mapping[int, Label]) -> None:
        self._decoded, self._first_block, self._probes, self._labels = decoded, first_block, probes, labels
        self._block_at = {block.start: block.index for block in decoded.blocks}
        self._guards: dict[Landing, Guard] = {}

    def guard(self, instruction: Instruction, suspended: bool, begins: bool, early: bool) -> Guard:
        """For an instruction at which the frame may be `suspended`, which `begins` a block that is noted only later,
        or which comes so `early` that CPython does not own up to the frame yet."""
        handler = self._decoded.handler_for(instruction.index)
        told = suspended or early or instruction.name in RAISES_AGAIN
        landing = Landing(
            target=handler.target if handler else None,
            depth=handler.depth if handler else 0,
            lasti=handler.lasti if handler else True,
            suspended=suspended,
            block=self._block_at[instruction.index] if begins else None,
            offset=instruction.offset if told else None,
        )
        return self._guards.setdefault(landing, Guard(Label(), self._probes.slots + landing.depth))

    def before(self, block: Block) -> None:
        """Lays down the landings of the handler that begins with a block."""
        landings = [pair for pair in self._guards.items() if pair[0].target == block.start]
        if not landings:
            return
        if self._decoded.instructions[block.start - 1].falls_through:
            self._probes.op(JUMP, target=self._labels[block.start])
        for landing, guard in landings:
            self._land(landing, guard)
            self._go_to_handler(landing, block)

    def at_end(self) -> None:
        """Lays down those which end the frame."""
        for landing, guard in self._guards.items():
            if landing.target is None:
                self._land(landing, guard)
                self._probes.put_back_site()
                self._probes.op(RERAISE, 1)

    def _land(self, landing: Landing, guard: Guard) -> None:
        probes = self._probes
        ends = landing.target is None
        probes.position = NOWHERE if ends else self._decoded.instructions[landing.target or 0].position
        probes.guard, probes.size = None, guard.depth + 2
        probes.place = OUTSIDE if landing.suspended else NOTHING_NEW
        probes.label(guard.handler)
        if landing.suspended:
            probes.resume(iterated=False)
        if landing.block is not None:
            probes.note(self._first_block + landing.block)
        probes.note(UNWIND if ends else RAISE)
        if landing.offset is None:
            probes.load_raised()
        else:
            probes.load_const(landing.offset)
        probes.note_top()

    def _go_to_handler(self, landing: Landing, block: Block) -> None:
        probes = self._probes
        probes.announce(None)
        if not landing.lasti:
            probes.op(SWAP, 2)
            probes.pop()
        probes.op(JUMP, target=self._labels[block.start])
