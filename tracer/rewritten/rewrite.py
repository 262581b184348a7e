"""A code object's new version, which notes what it executes and otherwise does what the original does.

What is added, and where:

- at the head of every basic block, its mark, unless others say as much (see `runs`). What CPython wants first in a
  block, or side by side, stays so: what comes before the first RESUME, YIELD_VALUE and its RESUME, what an exhausted
  FOR_ITER skips, on 3.11 SEND and YIELD_VALUE;
- before the frame is entered or left, a mark that says so;
- around what may well enter a frame of the program, its offset in `mailbox.site`;
- to what can raise, a guard (see `landings`).
"""

from __future__ import annotations

import dis
from collections.abc import Sequence
from types import CodeType

from vmtrace.tracer.assembly import Assembled, Guard, Label, assemble
from vmtrace.tracer.code import Block, Code, Instruction
from vmtrace.tracer.errors import CodeError
from vmtrace.tracer.rewritten.landings import Landings
from vmtrace.tracer.rewritten.likely import Guess
from vmtrace.tracer.rewritten.mailbox import Mailbox
from vmtrace.tracer.rewritten.marks import CREATE, ENTER, RAISE, RETURN, RETURNS, SUSPEND, SUSPENDS, WAITING
from vmtrace.tracer.rewritten.probes import ADDED_DEPTH, JUMP, NUMBER, OUTSIDE, SITE, Probes
from vmtrace.tracer.rewritten.quiet import Quiet
from vmtrace.tracer.rewritten.runs import Runs, is_waiting
from vmtrace.tracer.rewritten.told_already import told_already

RETURNING = frozenset({"RETURN_VALUE", "RETURN_CONST"})
BEFORE_CALL = frozenset({"KW_NAMES", "PRECALL", "EXTENDED_ARG"})
"""These only prepare the call behind them; specialised, PRECALL does all of it."""
SKIPPED_AT_END = frozenset({"END_FOR", "POP_TOP"})
"""What FOR_ITER jumps to and then skips: END_FOR, with the POP_TOP behind it on 3.13."""
THROW_JUMPS_BY_SEND = "CLEANUP_THROW" not in dis.opmap
"""When a delegate ends by what is thrown into it, `throw` itself does a jump: it reads the distance from the SEND that
it expects right before YIELD_VALUE, or raises at the instruction before the target (seen on 3.11 only)."""
JUMPS_BACK_TO_SEND = "JUMP_BACKWARD_NO_INTERRUPT"


def rewrite(
    decoded: Code, runs: Runs, first_block: int, mailbox: Mailbox, guess: Guess, consts: Sequence[object]
) -> CodeType:
    """The new version. `first_block` is the recorder's id of block 0; `consts` stand in for `co_consts`."""
    return _Rewriter(decoded, runs, first_block, mailbox, guess, consts).rewrite()


class _Rewriter:
    def __init__(
        self, decoded: Code, runs: Runs, first_block: int, mailbox: Mailbox, guess: Guess, consts: Sequence[object]
    ) -> None:
        self.runs = runs
        self.decoded, self.first_block, self.mailbox = decoded, first_block, mailbox
        self.slots = NUMBER + 1 if decoded.suspends else SITE + 1
        self.probes = Probes(mailbox, self.slots, list(consts), list(decoded.code.co_names))
        self.labels = {block.start: Label() for block in decoded.blocks}
        self.block_at = {block.start: block for block in decoded.blocks}
        self.sends = {i.index: Label() for i in decoded.instructions if i.name == "SEND"}
        """Right before each SEND: a jump back to anything else would show as a new line when traced (seen on 3.11)."""
        self.quiet = Quiet(decoded)
        self.told_already = told_already(decoded)
        names = [i.name for i in decoded.instructions]
        self.entry = min(names.index(name) for name in ("RESUME", "RETURN_GENERATOR") if name in names)
        """The instruction before which the frame is entered."""
        self.creation = names.index("RETURN_GENERATOR") if decoded.suspends else -1
        self.announced = {i.index for i in decoded.instructions if self._announces(i, guess)}
        self.announcing = {self._first_of_call(index): index for index in self.announced}
        self.iterated = decoded.code.co_name != "<genexpr>"
        """Whether a loop or an await is more likely to resume it than a call."""
        self.thrown: dict[int, Label] = {}
        """By SEND, where `throw` jumps to, see THROW_JUMPS_BY_SEND."""
        self.landings = Landings(decoded, first_block, self.probes, self.labels)

    def rewrite(self) -> CodeType:
        decoded, probes = self.decoded, self.probes
        guards = [self._guard(instruction) for instruction in decoded.instructions]
        for block in decoded.blocks:
            self.landings.before(block)
            self._block(block, guards)
        self.landings.at_end()
        code = decoded.code
        assembled = self._assembled()
        return code.replace(
            co_code=assembled.code,
            co_exceptiontable=assembled.exceptions,
            co_linetable=assembled.lines,
            co_consts=tuple(assembled.places if const is probes.places else const for const in probes.consts),
            co_names=tuple(probes.names),
            co_stacksize=code.co_stacksize + ADDED_DEPTH,
        )

    def _assembled(self) -> Assembled:
        """Lays it out so that the location table tells which code it is: `Mailbox.find` goes by that."""
        for reach in range(7, 1, -1):
            assembled = assemble(self.probes.items, self.decoded.code.co_firstlineno, reach)
            if self.mailbox.known.setdefault(assembled.lines, assembled.places) == assembled.places:
                return assembled
        raise CodeError(self.decoded.code, None, "too many code objects have the same location table")

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _block(self, block: Block, guards: Sequence[Guard | None]) -> None:
        probes, instructions = self.probes, self.decoded.instructions
        probes.label(self.labels[block.start])
        for instruction in instructions[block.start : block.stop]:
            probes.position, probes.guard = instruction.position, guards[instruction.index]
            probes.place = self._place(instruction)
            if instruction.depth is None:
                self._own(instruction)
                continue
            probes.size = self.slots + instruction.depth
            if instruction.index == block.start and self._marked(block) and not self._resumes(instruction):
                self._note_block(block)
            if instruction.index == self.entry:
                self._enter()
            if instruction.index in self.announcing:
                probes.announce(instructions[self.announcing[instruction.index]].offset)
            self._instruction(instruction, block)
            if instruction.index in self.announced and not self._announced_or_left_next(instruction.index):
                probes.announce(None)

    def _note_block(self, block: Block) -> None:
        """Its mark, at its head. Until it is noted, the frame stands at the jump that leads there, if it cuts a run."""
        place = self.probes.place
        if block.start in self.runs.cuts:
            self.probes.place = self.decoded.instructions[self.runs.cuts[block.start] - 1].offset
        self.probes.note(self._mark(block))
        self.probes.place = place

    def _instruction(self, instruction: Instruction, block: Block) -> None:
        """One of the program's, with what belongs to it."""
        probes, name = self.probes, instruction.name
        if instruction.index in self.told_already:
            probes.tell_not()
        if name in RETURNING:
            self._leave(RETURN, block)
            self._own(instruction)
        elif name == "RETURN_GENERATOR":
            self._leave(SUSPEND, block)
            probes.place = OUTSIDE
            self._own(instruction)
            probes.size, probes.guard = probes.size + 1, None
            probes.resume(self.iterated)
        elif name == "YIELD_VALUE":
            self._yield(instruction, block)
        elif self._resumes(instruction):
            probes.place = OUTSIDE
            self._own(instruction)
            probes.resume(self.iterated)
            probes.note(self._mark(block))
        elif name == "RERAISE":
            # It puts another lasti in place, and then the stack is cut, which may run finalisers.
            probes.note(RAISE)
            probes.note(instruction.offset)
            self._own(instruction)
        else:
            self._own(instruction)
        if instruction.index - 3 in self.thrown:
            self._after_throw(instruction.index - 3)

    def _own(self, instruction: Instruction) -> None:
        """The program's own instruction."""
        probes = self.probes
        if instruction.name == "SEND":
            probes.label(self.sends[instruction.index])
        if instruction.name == JUMPS_BACK_TO_SEND and instruction.target in self.sends:
            probes.note(self._mark(self.block_at[instruction.target]))
            probes.op(instruction.opcode, target=self.sends[instruction.target])
        elif instruction.name != "EXTENDED_ARG":
            target = None if instruction.target is None else self.labels[self._aim(instruction)]
            probes.op(instruction.opcode, instruction.arg, target)

    def _aim(self, instruction: Instruction) -> int:
        """What a jump is aimed at: FOR_ITER's is at what it then skips by itself, and so never runs."""
        aim, instructions = instruction.target, self.decoded.instructions
        assert aim is not None
        if instruction.name == "FOR_ITER":
            while instructions[aim - 1].depth is None and instructions[aim - 1].name in SKIPPED_AT_END:
                aim -= 1
        return aim

    # --- entering and leaving ---------------------------------------------------------------------------------------

    def _enter(self) -> None:
        probes = self.probes
        guard, place = probes.guard, probes.place
        probes.guard, probes.place, probes.size = None, OUTSIDE, 0
        if self.decoded.suspends:
            probes.enter(CREATE, self.first_block, iterates=False)
        else:
            probes.enter(ENTER, self.first_block, iterates=self.decoded.code.co_name == "__next__")
        probes.guard, probes.place = guard, place

    def _leave(self, mark: int, block: Block) -> None:
        if self._closing(block) is None:
            self.probes.note(mark)
        self.probes.put_back_site()

    def _yield(self, instruction: Instruction, block: Block) -> None:
        probes, before = self.probes, instruction.index - 1
        self._leave(SUSPEND, block)
        if THROW_JUMPS_BY_SEND and self.decoded.instructions[before].name == "SEND":
            yielding, self.thrown[before] = Label(), Label()
            probes.op(JUMP, target=yielding)
            probes.op(dis.opmap["SEND"], target=self.thrown[before])
            probes.label(yielding)
        probes.place = OUTSIDE
        self._own(instruction)

    def _after_throw(self, send: int) -> None:
        """Where `throw` jumps to when SEND's delegate has ended: on to SEND's target."""
        probes, instructions = self.probes, self.decoded.instructions
        target = instructions[send].target
        depth = None if target is None else instructions[target].depth
        assert target is not None and depth is not None
        probes.label(self.thrown[send])
        probes.size, probes.place, probes.guard = self.slots + depth, OUTSIDE, None
        probes.resume(iterated=False)
        probes.op(JUMP, target=self.labels[target])

    # --- facts ------------------------------------------------------------------------------------------------------

    def _marked(self, block: Block) -> bool:
        """Whether it has a mark at its head."""
        return bool(block.index) and block.start not in self.runs.unmarked

    def _mark(self, block: Block) -> int:
        if is_waiting(self.decoded, block) and block.stop not in self.runs.unmarked:
            kind = WAITING
        else:
            kind = self._closing(block) or 0
        return kind | self.first_block + block.index

    def _closing(self, block: Block) -> int | None:
        """What it means to enter a block from which there is no way but out of the frame."""
        *others, last = self.decoded.instructions[block.start : block.stop]
        if self._marked(block) and all(self.quiet(other) for other in others):
            return RETURNS if last.name in RETURNING else SUSPENDS if last.name == "YIELD_VALUE" else None
        return None

    def _guard(self, instruction: Instruction) -> Guard | None:
        if instruction.depth is None or instruction.index < self.entry:
            return None
        name = instruction.name
        thrown = name in ("YIELD_VALUE", "RETURN_GENERATOR") or (THROW_JUMPS_BY_SEND and name == JUMPS_BACK_TO_SEND)
        begins = self._resumes(instruction)
        early = instruction.index < self.creation
        return self.landings.guard(instruction, suspended=thrown or begins, begins=begins, early=early)

    def _announces(self, instruction: Instruction, guess: Guess) -> bool:
        """Before a generator is made CPython does not own up to its frame, which `Mailbox.find` therefore can't see."""
        unseen = self.entry < instruction.index < self.creation and not self.quiet(instruction)
        return unseen or guess(self.decoded, instruction.index)

    def _first_of_call(self, index: int) -> int:
        while self.decoded.instructions[index - 1].name in BEFORE_CALL:
            index -= 1
        return index

    def _announced_or_left_next(self, index: int) -> bool:
        """Whether something else is announced, or the frame is left, before anything can be entered."""
        for following in self.decoded.instructions_from(index + 1):
            if following.index in self.labels:
                return False
            if following.index in self.announcing:
                return True
            if not self.quiet(following):
                return following.name in RETURNING
        return False

    def _place(self, instruction: Instruction) -> int:
        """Where the frame stands while it executes an instruction of the new version."""
        if instruction.index < self.entry:
            return OUTSIDE
        if instruction.name == "PRECALL":
            return next(i.offset for i in self.decoded.instructions_from(instruction.index) if i.name == "CALL")
        return instruction.offset

    def _resumes(self, instruction: Instruction) -> bool:
        """Whether it is where a generator goes on."""
        return instruction.name == "RESUME" and self.decoded.instructions[instruction.index - 1].name == "YIELD_VALUE"
