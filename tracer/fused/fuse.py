"""A code object fused into one Python function: the VM at speed.

The stepping interpreter looks each instruction up and moves its operands through a list. Here both are done once, while
writing a Python function: basic blocks become straight code (`straight`, `forms`, `control`), and jumps between them a
loop around a decision tree on the variable `.at`, the number of the block to go to (`lines` then leads each jump
directly to its block). What an instruction does is still what its handler says. For

    def total(n):
        s = 0
        for i in range(n):
            s += i
        return s

the host function reads, with notes as they are made when recording:

    .notes, .frames = thread.__dict__["state"]
    .notes += (ENTER, 7, .frames[-1].f_lasti)
    .frames += (getframe(),)
    .at = 0
    try:
        while True:
            if .at < 1:
                .notes.append(40)                      # block 40 begins
                s = 0
                .s0 = iter(range(n))
                .at = 1; continue
            elif .at < 2:
                .notes.append(41)
                .v0 = ~(ENDS.exhausted, .s0)           # which is FOR_ITER, see `host.own`
                if .v0 is ENDS.exhausted:
                    .s0 = None; .at = 2; continue
                .notes.append(42)
                i = .v0; .v0 = None
                s += i
                .at = 1; continue
            else:
                .notes.append(43)
                .notes.append(RETURN); del .frames[-1]
                return s
    except BaseException as .error0:                   # where it arose is in its traceback
        .raised_at = .seen_at = INSTRUCTIONS[.error0.__traceback__.tb_lasti // 2]
        .notes += (UNWIND, OFFSETS[.raised_at])
        del .frames[-1]
        raise                                          # by RERAISE, see `host.reraising`

Exception handlers run inside the host's own `except`, one nested loop per exception being handled, so the host does
what PUSH_EXC_INFO and POP_EXCEPT do.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from vmtrace.tracer.code import ENTERS_HANDLER, Block, Code, Instruction
from vmtrace.tracer.fused.bound import surely_bound
from vmtrace.tracer.fused.chains import chains, level_of
from vmtrace.tracer.fused.control import Control
from vmtrace.tracer.fused.entries import ITERATOR_IN_TWO, Cleared, Kind, entries
from vmtrace.tracer.fused.inlined import inlined
from vmtrace.tracer.fused.quiet import crossings, line_before, may_be_told
from vmtrace.tracer.fused.straight import NULL_ENTRY, VOID, Entry, height
from vmtrace.tracer.fused.support import CREATED, ENTERED
from vmtrace.tracer.host.host import LASTI_IS_OBJECT, Constants, Host, Table, finish, reraising
from vmtrace.tracer.host.lines import ENTERED_QUIETLY, HEADS, JUMPS, NOTES, SILENT, untold
from vmtrace.tracer.host.templates import Source
from vmtrace.tracer.notes import CREATE, ENTER, RAISE, SUSPEND, UNWIND

RAISES_AGAIN = frozenset({"RERAISE", "RAISE_VARARGS", "END_ASYNC_FOR", "CLEANUP_THROW"})
"""These leave the traceback as it is, so it does not tell where; `.where` does."""
RAISED = "_raised_at = _seen_at = TABLE.rows[ERROR.__traceback__.tb_lasti // 2]"
RAISED_SOMEWHERE = """
if _where is None:
    _raised_at = _seen_at = TABLE.rows[ERROR.__traceback__.tb_lasti // 2]
else:
    _raised_at = _where
    _where = None
"""
"""Finds out which instruction has raised, and at which the frame is seen to stand: RERAISE makes that another one."""


class Fuser:
    """Writes the host function of one code object."""

    def __init__(
        self,
        code: Code,
        support: ModuleType,
        source: Source,
        namespace_is_globals: bool,
        recorded: tuple[int, int] | None,
    ) -> None:
        """`recorded`: code id and first block id, or None to note nothing."""
        self.code = code
        self.recorded = recorded
        self.constants = Constants()
        self.instruction_of = Table()
        """Filled in when the host code is there; by code unit, the instruction's index."""
        self.unit_of = Table()
        """The same the other way round."""
        self.offset_of = Table()
        """The same as a byte offset."""
        self.handler_of = Table()
        """By instruction: the chain that its exception handler begins."""
        is_body = code.kind in ("module", "class")
        self.writer = Control(
            code,
            self.constants,
            source,
            self.constants.node(support),
            surely_bound(code),
            recording=recorded is not None,
            generator=code.suspends,
            goto=self._goto,
            inlined=inlined(code),
            units=self.constants.node(self.unit_of),
            untold=untold(code.instructions),
            function=support.vm.function,
        )
        if is_body and not namespace_is_globals:
            self.writer.namespace = ast.Name(".namespace", ast.Load())
        self.chains = chains(code)
        self.levels = [level_of(code, chain[0]) for chain in self.chains]
        self.chain_of = {chain[0].start: n for n, chain in enumerate(self.chains)}
        self.crossings = crossings(code, self.chains)
        self.reraises = any(i.name in RAISES_AGAIN for i in code.instructions)
        self.level = 0
        self.entries = {i.index: stack for i, stack in entries(code)}
        place = -1 - ITERATOR_IN_TWO
        self.writer.iterating = {n for n, stack in self.entries.items() if stack[place:][:1] == ("iterator",)}
        self.forgotten: list[tuple[list[ast.stmt], set[str]]] = []
        """Places in the host code where our variables are let go, but for some; filled in when all are known."""

    # --- the function --------------------------------------------------------------------------------------------

    def fuse(self) -> Host:
        code, writer = self.code, self.writer
        begins = code.iterates_first or (code.suspends and self.recorded)
        prologue = len(code.instructions) + 2 if begins else None
        body = self._prologue(prologue)
        self._find_handlers()
        body += self._region(0)
        for place, kept in self.forgotten:
            place += [self._none(name) for name in sorted(writer.temporaries - kept, key=height, reverse=True)]
        ranges = [(chain[0].start, chain[-1].stop) for chain in self.chains]
        host = finish(code, body, self.constants, prologue, writer.global_names, ranges)
        self.instruction_of.rows += host.instruction_of
        self.unit_of.rows += host.unit_of
        self.offset_of.rows += [2 * unit for unit in host.unit_of]
        return host

    def _none(self, name: str) -> ast.stmt:
        return ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None))

    def _find_handlers(self) -> None:
        for i in self.code.instructions:
            self.handler_of.rows.append(None if i.handler is None or i.depth is None else self.chain_of[i.handler])

    def _prologue(self, creation: int | None) -> list[ast.stmt]:
        """Notes the call, before anything of the program runs."""
        writer = self.writer
        writer.line = SILENT + 1
        body: list[ast.stmt] = []
        if writer.namespace is not None:  # first of all: on 3.11 and 3.12, locals() writes bound variables to it
            body += writer.made("_namespace = M.locals()")
        if self.recorded is not None:
            code_id, first_block = self.recorded
            here = {"CODE": self.constants.node(code_id), "BLOCK": self.constants.node(first_block)}
            if creation is not None:
                body += self._creation(creation, **here)
                body += writer.back()
            else:
                body += writer.made(ENTERED, ENTER=self.constants.node(ENTER), **here)
        elif creation is not None:
            body += self._creation(creation)
        return [*body, *writer.begin()]

    def _creation(self, line: int, **here: Any) -> list[ast.stmt]:
        """What is done in the call that makes a generator; `here` is the code, and its first block, if recorded."""
        writer, instructions = self.writer, self.code.instructions
        source = CREATED
        if self.recorded is not None:
            here |= {name: self.constants.node(token) for name, token in (("CREATE", CREATE), ("SUSPEND", SUSPEND))}
        if self.code.iterates_first:
            last = self.code.blocks[0].stop - 2
            begin = {"GET_ITER": "iter", "GET_AITER": "get_aiter"}[instructions[last].name]
            source = f"ITERATOR = M.{begin}(ITERABLE)"
            if self.recorded is not None:
                source = f"_generator, ITERATOR = M.begin_iterating(CODE, BLOCK, OFFSETS, LAST, M.{begin}, ITERABLE)"
            here |= {
                "ITERATOR": writer.slot(0),
                "ITERABLE": instructions[last - 1].value,
                "OFFSETS": self.constants.node(self.offset_of),
                "LAST": self.constants.node(last),
            }
        writer.line = line
        body = writer.made(source, **here)
        writer.line = SILENT + 1
        return body

    # --- regions: the blocks that run while so many exceptions are being handled ----------------------------------

    def _region(self, level: int) -> list[ast.stmt]:
        """The loop around the chains of one level, and the `except` around those of the next."""
        numbers = [n for n, handled in enumerate(self.levels) if handled == level]
        outer_level, self.level = self.level, level
        written = {n: self._chain(n) for n in numbers}
        self.level = outer_level
        tree = self._decision("_at", numbers, written)
        self.writer.line = SILENT + 1
        begin = self.writer.made("_at = 0" + "\n_where = None" * self.reraises) if level == 0 else []
        if any(h is not None for h in self.handler_of.rows):
            return [*begin, ast.While(ast.Constant(True), [ast.Try(tree, [self._except(level)], [], [])], [])]
        if len(numbers) > 1 or self._returns_to(numbers):
            tree = [ast.While(ast.Constant(True), tree, [])]
        if self.recorded is not None:  # that an exception leaves the frame
            tree = [ast.Try(tree, [self._except(level)], [], [])]
        return [*begin, *tree]

    def _returns_to(self, numbers: list[int]) -> bool:
        heads = {self.chains[n][0].start for n in numbers}
        blocks = [b for n in numbers for b in self.chains[n]]
        return any(self.code.instructions[b.stop - 1].target in heads for b in blocks)

    def _decision(self, on: str, numbers: list[int], written: Mapping[int, list[ast.stmt]]) -> list[ast.stmt]:
        """The last of the numbers that is not above a variable of ours, found by halves."""
        if len(numbers) == 1:
            return written[numbers[0]]
        middle = len(numbers) // 2
        left = self._decision(on, numbers[:middle], written)
        right = self._decision(on, numbers[middle:], written)
        self.writer.line = SILENT + 1
        test = self.writer.expression(f"{on} < MIDDLE", MIDDLE=self.constants.node(numbers[middle]))
        return [ast.If(test, left, right, lineno=self.writer.line)]

    def _except(self, level: int) -> ast.ExceptHandler:
        """What happens to an exception: on to its handler, or out of the frame.

        Nothing is called or compared here: at the recursion limit that would raise again.
        """
        writer = self.writer
        writer.line = SILENT + 1
        error = f".error{level}"
        names = {
            "ERROR": error,
            "TABLE": self.constants.node(self.instruction_of),
            "HANDLERS": self.constants.node(self.handler_of),
        }
        body = writer.made(RAISED_SOMEWHERE if self.reraises else RAISED, **names)
        if not any(h is not None for h in self.handler_of.rows):
            body += self._unwinding(error)
        else:
            body += writer.made("_at = HANDLERS.rows[_raised_at]", **names)
            body.append(ast.If(writer.expression("_at is None"), self._unwinding(error), []))
            body += self._noted(RAISE)
            body += writer.made("_error = ERROR", **names)
            body += self._inner(level)
        return ast.ExceptHandler(writer.expression("M.BaseException"), error, body)

    def _noted(self, token: int) -> list[ast.stmt]:
        if self.recorded is None:
            return []
        names = {"TOKEN": self.constants.node(token), "OFFSETS": self.constants.node(self.offset_of)}
        return self.writer.made("_notes += (TOKEN, OFFSETS.rows[_raised_at])", **names)

    def _unwinding(self, error: str) -> list[ast.stmt]:
        """Leaves the frame, which is then seen to stand where the exception arose, as it is by those that are finalised
        with what our variables still hold: CPython lets go of it as of the rest of the stack, from above."""
        written = self._noted(UNWIND)
        if self.recorded is not None:
            written += self.writer.made("del _frames[-1]")
        return [*written, *self._leaving(error)]

    def _leaving(self, error: str) -> list[ast.stmt]:
        """Raises the exception as it is, at a statement for each line of the source where RERAISE is not told where."""
        if LASTI_IS_OBJECT:
            unit = self.writer.expression("UNITS.rows[_seen_at]", UNITS=self.writer.units)
            return [reraising(unit, ast.Name(error, ast.Load()))]
        lines = [i.position[0] for i in self.code.instructions]
        firsts = [n for n, line in enumerate(lines) if n == 0 or line != lines[n - 1]]
        raises = [reraising(ast.Constant(None), ast.Name(error, ast.Load()), n) for n in firsts]
        quiet = [self.writer.quietly(self.code.instructions[n]) for n in firsts]
        return self._decision("_seen_at", firsts, {n: [*q, r] for n, q, r in zip(firsts, quiet, raises, strict=True)})

    def _inner(self, level: int) -> list[ast.stmt]:
        """The handlers that make the exception the handled one, run here, inside the `except`."""
        numbers = [n for n, handled in enumerate(self.levels) if handled == level + 1]
        if not numbers:
            return []
        inner = self._region(level + 1)
        entered = [n for n in numbers if self.code.instructions[self.chains[n][0].start].name == ENTERS_HANDLER]
        enters = tuple(n in entered for n in range(len(self.chains)))
        return [ast.If(self.writer.expression("ENTERS[_at]", ENTERS=self.constants.node(enters)), inner, [])]

    # --- chains ---------------------------------------------------------------------------------------------------

    def _goto(self, index: int) -> list[ast.stmt]:
        number = self.chain_of[index]
        if self.levels[number] != self.level:
            known = len(self.crossings[index]) == 1
            here, there = (self.code.instructions[n].position[0] for n in (self.writer.line - 1, index))
            told = [] if known else self.writer.made(f"_told = {here == there}")
            return [*told, *self.writer.made("_at = NUMBER\nbreak", NUMBER=ast.Constant(number))]
        line = self.writer.line
        self.writer.line += JUMPS
        jump = self.writer.made("_at = NUMBER\ncontinue", NUMBER=ast.Constant(number))
        self.writer.line = line
        return jump

    def _chain(self, number: int) -> list[ast.stmt]:
        """The statements of a chain; control leaves them by a jump, a return or a raise."""
        writer, chain = self.writer, self.chains[number]
        first = self.code.instructions[chain[0].start]
        writer.out, writer.open, writer.line = [], True, first.index + 1
        writer.stack = self._entry_stack(first.index)
        handler = next((h for h in self.code.handlers if h.target == first.index), None)
        if handler is not None and first.index in {i.handler for i in self.code.instructions}:
            self._begin_handler(handler.depth, handler.lasti)
            self._enter_quietly(first, may_be_told(self.code, first), "TOLD[_seen_at]")
        elif first.index in self.crossings:
            told = self.crossings[first.index]
            self._enter_quietly(first, None if len(told) > 1 else True in told, "_told")
        writer.out.append(ast.Pass(lineno=HEADS + first.index + 1))
        if first.name in ENTERED_QUIETLY:
            writer.out += writer.quietly(first)
        for block in chain:
            if not writer.open:
                break
            self._block(block)
        if writer.open:
            writer.jump_out(chain[-1].stop)
        return writer.out

    def _enter_quietly(self, first: Instruction, told: bool | None, test: str) -> None:
        """Has the line of a chain's first instruction not told of if it was `told` before (None: if a test says so)."""
        writer = self.writer
        quiet = writer.quietly(first)
        if told is None:
            writer.line = SILENT + 1
            told_at = tuple(line_before(i) == first.position[0] for i in self.code.instructions)
            asked = writer.expression(test, TOLD=self.constants.node(told_at))
            quiet = [ast.If(asked, quiet, [], lineno=writer.line)]
        if told is not False:
            writer.out += quiet

    def _entry_stack(self, index: int) -> list[Entry]:
        return [self._entry(place, kind) for place, kind in enumerate(self.entries[index])]

    def _entry(self, place: int, kind: Kind) -> Entry:
        """An entry where blocks meet: a value is in the variable of its place."""
        if kind == "null" or (isinstance(kind, Cleared) and kind.by in self.writer.inlined.empty):
            return NULL_ENTRY
        return VOID if kind == "void" else self.writer.variable(self.writer.slot(place))

    def _begin_handler(self, depth: int, lasti: bool) -> None:
        """The stack at a handler: what was kept, the instruction where the exception arose, the exception."""
        writer = self.writer
        line, writer.line = writer.line, SILENT + 1
        kept = writer.stack[:depth]
        slot = writer.slot(depth + lasti)
        writer.out.append(self._forget({".error"}.union(*(e.reads for e in kept))))
        writer.write("SLOT = _error\n_error = None", SLOT=slot)
        writer.temporaries.add(".error")
        if lasti:
            writer.write("SLOT = _seen_at", SLOT=writer.slot(depth))
        writer.line = line
        writer.stack = [*kept, writer.variable(slot)]
        if lasti:
            writer.stack.insert(depth, writer.variable(writer.slot(depth)))

    def _forget(self, kept: set[str]) -> ast.stmt:
        """A place where all our variables but some are let go."""
        place: list[ast.stmt] = [ast.Pass()]
        self.forgotten.append((place, kept))
        return ast.If(ast.Constant(True), place, [])

    def _block(self, block: Block) -> None:
        writer = self.writer
        instructions = self.code.instructions[block.start : block.stop]
        self._settle(block)
        if self.recorded is not None:
            writer.line = NOTES + block.start + 1
            writer.write("_notes.append(BLOCK)", BLOCK=self.constants.node(self.recorded[1] + block.index))
        for i in instructions:
            writer.instruction(i)
            if not writer.open:
                return

    def _settle(self, block: Block) -> None:
        """Before a block is noted, what came before is evaluated; what a handler needs is in its place."""
        writer = self.writer
        kept = max((h.depth for h in self.code.handlers if h.start < block.stop and h.stop > block.start), default=0)
        writer.spill(range(kept))
