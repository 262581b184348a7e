"""Host forms of the opcodes by which control leaves a basic block: jumps, returns, yields, exceptions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from vmtrace.tracer.code import Instruction
from vmtrace.tracer.fused.entries import ITERATOR_IN_TWO
from vmtrace.tracer.fused.forms import Forms
from vmtrace.tracer.fused.inlined import accesses
from vmtrace.tracer.fused.straight import VOID, Entry
from vmtrace.tracer.fused.support import RESUMED
from vmtrace.tracer.host.delegates import ABOVE_DELEGATE, DROPPED, ENDED, LANDS, PAD, SENT
from vmtrace.tracer.host.host import reraising
from vmtrace.tracer.host.own import ALIKE, own
from vmtrace.tracer.host.templates import fill
from vmtrace.tracer.notes import RESUME, RETURN, SUSPEND

Goto = Callable[[int], list[ast.stmt]]
"""From an instruction's index to the statements that go there (the stack is in its places)."""


@dataclass(slots=True)
class Control(Forms):
    recording: bool = False
    generator: bool = False
    goto: Goto = field(default=lambda index: [])
    units: ast.expr = field(default_factory=lambda: ast.Constant(None))
    """Host expression for the list of where each instruction begins in the host code, in code units."""
    untold: Set[int] = frozenset()
    """Instructions whose line is not told of."""
    iterating: Set[int] = frozenset()
    """FOR_ITERs that surely have an iterator."""
    open: bool = True
    """Whether control can still get to where the next statement would stand."""

    # --- where blocks meet --------------------------------------------------------------------------------------

    def in_places(self) -> None:
        """Puts every entry into the variable of its place."""
        self.spill(range(len(self.stack)))

    def jump_out(self, target: int) -> None:
        """Writes an unconditional jump."""
        self.in_places()
        self.out += self.goto(target)
        self.open = False

    def branch(self, i: Instruction, test: ast.expr, pushed: list[Entry], consumed: list[Entry]) -> None:
        """Writes a conditional jump: what is on the stack has been evaluated."""
        assert i.target is not None
        outside, stack = self.out, list(self.stack)
        names = frozenset[str]().union(*(e.reads for e in consumed))
        self.out = []
        self.stack += pushed
        self.in_places()
        self.forget(names)
        body = [*self.out, *self.goto(i.target)]
        self.out, self.stack = outside, stack
        self.out.append(ast.If(test, body, [], lineno=self.line))

    def instruction(self, i: Instruction) -> None:
        """Writes one instruction."""
        self.line = i.index + 1
        if i.index in self.untold:
            self.out += self.quietly(i)
        form = getattr(self, f"form_{i.name}", None)
        if form is not None:
            form(i)
        elif accesses(i):
            self.access(i)
        elif i.name in ALIKE:
            self.by_own(i)
        elif i.operation.flow == "jump":
            assert i.target is not None
            self.jump_out(i.target)
        elif i.operation.flow == "branch":
            self.paste_branch(i)
        else:
            self.paste(i, None)

    def paste_branch(self, i: Instruction) -> None:
        consumed: list[Entry] = []

        def jump(test: ast.expr, pushed: list[Entry], operands: list[Entry]) -> None:
            consumed.extend(operands)
            self.branch(i, self._read_here(test), pushed, operands)

        before = len(self.stack)
        self.settle_operands_of(i)
        self.paste(i, jump)
        assert len(self.stack) <= before + 1
        self.forget(n for e in consumed for n in e.reads)

    def _read_here(self, test: ast.expr) -> ast.expr:
        """A test of a variable of ours is a part of the jump: the compiler gives the variable's position to what asks
        for its truth (see `host.CONSUMERS`), and the line that it was evaluated at would be told of once more."""
        variable = test.operand if isinstance(test, ast.UnaryOp) else test
        if isinstance(variable, ast.Name) and variable.id in self.temporaries:
            test = fill(test, {variable.id: variable.id}, self.line)
        return test

    def settle_operands_of(self, i: Instruction) -> None:
        """`or`'s value is tested and kept, so it has to be in a variable before."""
        if i.operation.pushes(i.arg, jump=True):
            self.spill()

    def form_FOR_ITER(self, i: Instruction) -> None:
        """By the host's own, which takes it for granted that it has an iterator: a call of `next` from C takes more of
        the recursion limit, where a generator loops over another (3.12)."""
        if i.index not in self.iterating:
            self.paste_branch(i)
            return
        self.spill()
        iterator, *null = self.pop(i.operation.pops(i.arg))
        item = self.variable(self.fresh_besides([iterator]))
        (name,) = item.reads
        self.out.append(self.assignment(name, own(i, [self.supported("ENDS.exhausted"), self.value(iterator)])))
        test = self.expression("ITEM is M.ENDS.exhausted", ITEM=name)
        left = [iterator, *null][: i.operation.pushes(i.arg, jump=True)]
        self.branch(i, self._read_here(test), left, [iterator, item])
        self.stack += [iterator, *null, item]

    # --- leaving the frame --------------------------------------------------------------------------------------

    def form_RETURN_VALUE(self, i: Instruction) -> None:
        self._return(self.pop()[0])

    def form_RETURN_CONST(self, i: Instruction) -> None:
        self._return(Entry(self.constant(i.value)))

    def _return(self, entry: Entry) -> None:
        self.out.append(ast.Return(self._leaving(self.value(entry), entry, RETURN), lineno=self.line))
        self.open = False

    def _leaving(self, value: ast.expr, entry: Entry, token: int) -> ast.expr:
        """The value, with the note that the frame is left made after it is evaluated."""
        if not self.recording:
            return value
        if entry.atom and not entry.reads & self.temporaries:
            self.write("_notes.append(TOKEN)\ndel _frames[-1]", TOKEN=self.constant(token))
            return value
        source = "(VALUE, _notes.append(TOKEN), _frames.pop())[0]"
        if entry.atom:
            source = "(VALUE, _notes.append(TOKEN), _frames.pop(), VARIABLE := None)[0]"
            (variable,) = entry.reads
            return self.expression(source, VALUE=value, TOKEN=self.constant(token), VARIABLE=variable)
        return self.expression(source, VALUE=value, TOKEN=self.constant(token))

    def form_RETURN_GENERATOR(self, i: Instruction) -> None:
        """The host function's own has done it; the None that the first `next` sends is dropped by POP_TOP."""
        self.stack.append(Entry(self.constant(None)))

    def form_YIELD_VALUE(self, i: Instruction) -> None:
        before = self.code.instructions[i.index - 1]
        if before.name == "SEND":
            self._delegating_yield(i, before)
            return
        self.spill()  # what fails in the value does so before the frame is left
        (entry,) = self.pop()
        variable = self.fresh_besides([entry])
        yielded = ast.Yield(self._leaving(self.value(entry), entry, SUSPEND), lineno=self.line)
        if not self.recording:
            self.out.append(self.assignment(variable, yielded))
        else:
            written = self.made(
                "try: RESULT = YIELDED\nexcept M.BaseException:\n    BACK\n    raise\nBACK",
                RESULT=variable,
                YIELDED=yielded,
                BACK=ast.Constant(None),
            )
            self._put_back_in(written)
            self.attempt(i, written)
        self.forget(entry.reads)
        self.push_variable(variable)

    def back(self) -> list[ast.stmt]:
        """Notes that the generator goes on, perhaps on another thread."""
        if not self.recording:
            return []
        return self.made(RESUMED, RESUME=self.constant(RESUME))

    def _put_back_in(self, written: list[ast.stmt]) -> None:
        """Replaces the statement `BACK` (a bare constant) of a template by the note that the generator goes on."""
        for index in reversed(range(len(written))):
            statement = written[index]
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                written[index : index + 1] = self.back()
            for part in ("body", "orelse", "handlers"):
                self._put_back_in(getattr(statement, part, []))

    # --- delegation ---------------------------------------------------------------------------------------------

    def form_SEND(self, i: Instruction) -> None:
        """Sends to the delegate by the host's own SEND (see `delegates.sending`); what that yields is yielded by the
        YIELD_VALUE that follows."""
        assert i.target is not None
        self.spill()
        self.no_literal(-i.operation.pops(i.arg))  # or the compiler makes a constant of the two
        receiver, *null, sent = operands = self.pop(i.operation.pops(i.arg))
        result = self.fresh_besides(operands)
        taking = self.value(receiver)
        if null and not null[0].null:  # a list takes nothing but None, and says so itself
            given = {"TAKING": taking, "SHOWN": self.value(null[0]), "VALUE": self.value(sent)}
            taking = self.expression("TAKING if VALUE is None else SHOWN", **given)
        self.write(
            f"ENDED = True\nRESULT = {DROPPED}({SENT}(RECEIVER, VALUE), (ENDED := False))",
            ENDED=ENDED, RESULT=result, RECEIVER=taking, VALUE=self.value(sent),
        )  # fmt: skip
        self.branch(i, self.load(ENDED), self._ended(i, [receiver, *null], self.variable(result)), operands)
        self.stack += [receiver, *null, self.variable(result)]
        self.forget(sent.reads)

    def _ended(self, send: Instruction, delegate: list[Entry], result: Entry) -> list[Entry]:
        """What SEND leaves when it jumps: the result, or the delegate, too."""
        return [*delegate, result][-send.operation.pushes(send.arg, jump=True) :]

    def form_END_SEND(self, i: Instruction) -> None:
        self.spill()
        receiver, *_, result = self.pop(i.operation.pops(i.arg))
        self.stack.append(result)
        self.forget(receiver.reads)

    def _delegating_yield(self, i: Instruction, send: Instruction) -> None:
        """A yield on behalf of a delegate, which is on the host's stack meanwhile (see `delegates.delegating`): so
        `gi_yieldfrom` shows it, and CPython throws into it and closes it. Where CPython finds it ended, the frame goes
        on after `.landed = `, with the delegate's result."""
        self.in_places()
        (entry,) = self.pop()
        receiver = self.stack[-2 if ITERATOR_IN_TWO else -1]
        shown = receiver if self.stack[-1].null else self.stack[-1]
        yielded = ast.Yield(self._padded(self._leaving(self.value(entry), entry, SUSPEND)), lineno=self.line)
        self.temporaries |= {".pair", ".landed"}
        written = self.made(
            f"""
            _pair = None
            try:
                _pair = (SHOWN, {ABOVE_DELEGATE}YIELDED)
                _landed = _pair
            except M.BaseException:
                BACK
                raise
            BACK
            """,
            SHOWN=self.value(shown),
            YIELDED=yielded,
            BACK=ast.Constant(None),
        )
        self._put_back_in(written)
        self.attempt(i, written)
        self.forget(entry.reads)
        if LANDS:
            stack = self.pop(1)
            landed = self.variable(".landed")
            left = self._ended(send, [receiver], landed)
            self.branch(send, self.expression("_pair is None"), left, [receiver, landed])
            self.stack += stack
        sent = self.fresh()
        self.write("SENT = _pair[-1]\n_pair = _landed = None", SENT=sent)
        self.push_variable(sent)

    def _padded(self, value: ast.expr) -> ast.expr:
        target = ast.Name(PAD, ast.Store(), lineno=self.line)
        return ast.NamedExpr(target, value, lineno=self.line)

    # --- exceptions ---------------------------------------------------------------------------------------------

    def form_PUSH_EXC_INFO(self, i: Instruction) -> None:
        """Being in the host's `except` makes the exception the handled one."""
        self.stack.insert(-1, VOID)

    def form_POP_EXCEPT(self, i: Instruction) -> None:
        """Leaving the host's `except` makes the one before the handled one."""
        self.pop()
        self.jump_out(i.index + 1)

    def form_RAISE_VARARGS(self, i: Instruction) -> None:
        operands = self.pop(i.arg)
        if not operands:
            self._raise_again(i)
        else:
            self.out.append(ast.Raise(*map(self.value, operands), lineno=self.line))
        self.open = False

    def _raise_again(self, i: Instruction) -> None:
        self.write("_where = _seen_at = WHERE\nraise", WHERE=self.constant(i.index))

    def form_RERAISE(self, i: Instruction) -> None:
        """With an oparg, the frame is seen to stand where the exception arose: that is so deep on the stack."""
        self.spill()
        (entry,) = self.pop()
        self.reraise(i, entry, self.stack[-i.arg] if i.arg else None)
        self.open = False

    def reraise(self, i: Instruction, exception: Entry, lasti: Entry | None = None) -> None:
        """Raises an exception as it is, with the traceback and context that it has.

        CPython takes it for one, and crashes where it is not, as a compiler's code has it nowhere.
        """
        here = self.constant(i.index)
        seen = self.value(lasti) if lasti is not None else here
        self.write("_where = HERE\n_seen_at = SEEN", HERE=here, SEEN=seen)
        source = "RAISED if M.isinstance(RAISED, M.BaseException) else M.no_exception()"
        raised = self.expression(source, RAISED=self.value(exception))
        self.out.append(reraising(self.expression("UNITS.rows[_seen_at]", UNITS=self.units), raised))

    def form_END_ASYNC_FOR(self, i: Instruction) -> None:
        operands = self._raise_unless(i, "StopAsyncIteration")
        self.forget(n for e in operands for n in e.reads)

    def form_CLEANUP_THROW(self, i: Instruction) -> None:
        operands = self._raise_unless(i, "StopIteration")
        self.stack.append(Entry(self.constant(None)))
        self.push(self.expression("ERROR.value", ERROR=self.value(operands[-1])), operands)

    def _raise_unless(self, i: Instruction, expected: str) -> list[Entry]:
        """Pops an exception, and what is below it; any but the expected one is raised again."""
        self.spill()
        operands = self.pop(i.operation.pops(i.arg))
        outside, self.out = self.out, []
        self.reraise(i, operands[-1])
        reraised, self.out = self.out, outside
        known = self.supported(expected)
        test = self.expression("not M.isinstance(ERROR, KIND)", ERROR=self.value(operands[-1]), KIND=known)
        self.out.append(ast.If(test, reraised, [], lineno=self.line))
        return operands
