"""A frame as the stepping interpreter sees it: what an instruction may look at and change.

Beneath each is a host frame, CPython's own, in which the program's variables stand too (see `stub`): handlers
read and write `locals` here, the program sees the host frame's through `locals()`; cells are shared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import CellType, FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from vmtrace.tracer.code import Code, Handler, Instruction
from vmtrace.tracer.errors import VMError
from vmtrace.tracer.fused.entries import ITERATOR_IN_TWO
from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.notes import ENTER, RAISE, RESUME, RETURN, SUSPEND, UNWIND
from vmtrace.tracer.opcodes import native
from vmtrace.tracer.opcodes.opset import Call
from vmtrace.tracer.opcodes.semantics import NULL, unbound_free, unbound_local

if TYPE_CHECKING:
    from vmtrace.tracer.fused.support import Notes
    from vmtrace.tracer.vm import VirtualMachine

keep_builtins(globals())

RAISES_AGAIN = frozenset({"RERAISE", "END_ASYNC_FOR", "CLEANUP_THROW"})
"""What raises an exception with the traceback that it has, without adding this frame to it."""


@dataclass(slots=True)
class Recorded:
    """What is noted of a code object's frames."""

    code_id: int
    first_block: int
    units: list[int] = field(default_factory=list)
    """By instruction: byte offset of its first code unit in the host code; filled in when that is there."""


class Locals(dict[str, Any]):
    """Local variables by name."""

    def __missing__(self, name: str) -> NoReturn:
        raise unbound_local(name)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise unbound_local(name)
        dict.__delitem__(self, name)  # not super(): hidden functions have no frame to find it by


@dataclass(slots=True)
class Activity:
    """What the frames of one code object have in common."""

    vm: VirtualMachine
    code: Code
    handlers: list[Callable[..., Any]]
    """By instruction: what executes it."""
    block_of: list[int]
    """By instruction: the basic block that it lies in."""
    check: bool
    recorded: Recorded | None

    def is_delegating(self, index: int) -> bool:
        """Whether an instruction yields what a delegate, that of `yield from` or `await`, has yielded."""
        here, before = self.code.instructions[index], self.code.instructions[index - 1]
        return here.name == "YIELD_VALUE" and before.name == "SEND"


class Frame:
    """One activation of a code object: its evaluation stack, its variables, and where it stands."""

    def __init__(
        self,
        activity: Activity,
        host: FrameType,
        locals: dict[str, Any],
        cells: dict[str, CellType],
        namespace: MutableMapping[str, Any] | None,
    ) -> None:
        self.activity = activity
        self.code = activity.code
        self.index = 0
        """The instruction that is executed, or that is next."""
        self.stack: list[Any] = []
        self.locals = Locals(locals)
        self.cells = cells
        """Cells and free variables by name."""
        self.namespace: Any = namespace
        """The names of a module or class body; None in a function."""
        self.flags = host.f_code.co_flags
        """The program may have changed them, as `types.coroutine` does."""
        self.globals = host.f_globals
        self.builtins = host.f_builtins
        self.raised = 0
        """Where an exception arose, as the program sees it."""
        self.call: Call | None = None
        """A call that the host function has to make."""
        self.passed: list[Any] = []
        """What the call takes, last first."""
        self.generator = -1
        """The number that a generator goes by when it is recorded."""
        self.suspended = False
        self.was_sent = False
        self.caught: tuple[BaseException, Handler] | None = None

    @property
    def instruction(self) -> Instruction:
        return self.code.instructions[self.index]

    # --- variables --------------------------------------------------------------------------------

    def make_cell(self, name: str) -> None:
        """The host frame has made it, unless it is a comprehension's; a variable in a cell is no plain local."""
        self.locals.pop(name, None)
        if name not in self.cells:
            self.cells[name] = CellType()

    def clear_fast(self, name: str) -> Any:
        """What a variable holds, its cell, or NULL if nothing; it holds nothing then."""
        if name in self.code.code.co_cellvars and name in self.cells:
            return self.cells.pop(name)
        return self.locals.pop(name, NULL)

    def store_fast(self, name: str, value: Any) -> None:
        """Sets a variable, or puts back what `clear_fast` has taken."""
        if name in self.code.code.co_cellvars:
            self.cells.pop(name, None)
            if type(value) is CellType:
                self.cells[name], value = value, NULL
        if value is NULL:
            self.locals.pop(name, None)
        else:
            self.locals[name] = value

    def load_fast(self, name: str) -> Any:
        """What a variable holds, or its cell."""
        if name in self.cells and name not in self.locals:
            return self.cells[name]
        return self.locals[name]

    def refresh(self, name: str, shown: Mapping[str, Any]) -> None:
        """Takes over what the host frame's variable holds, which others may have written to."""
        if name not in self.cells and name in shown:
            self.locals[name] = shown[name]

    def load_cell(self, name: str) -> Any:
        try:
            return self.cells[name].cell_contents
        except ValueError:
            pass
        raise unbound_free(name) if name in self.code.code.co_freevars else unbound_local(name)

    def delete_deref(self, name: str) -> None:
        self.load_cell(name)
        del self.cells[name].cell_contents

    # --- the handled exception, what `sys.exc_info()` tells ---------------------------------------

    def handle(self, exception: BaseException) -> BaseException | None:
        """Makes an exception the handled one; returns the one handled so far."""
        return native.handle(exception)

    def unhandle(self, previous: BaseException | None) -> None:
        native.unhandle(previous)

    def reraise(self, exception: BaseException) -> NoReturn:
        native.reraise(exception)

    # --- where control goes -----------------------------------------------------------------------

    def begin_block(self) -> None:
        """Finds the basic block to go on with: `at`, its number; after an exception, that of the handler."""
        if self.caught is not None:
            self.unwind()
        self.at = self.activity.block_of[self.index]
        self.note_block()

    def catches(self) -> bool:
        """Whether the exception that the host function has just caught is for this frame to handle."""
        error = sys.exception()
        assert error is not None and error.__traceback__ is not None
        if self._raises_again(error):
            error.__traceback__ = error.__traceback__.tb_next
        if self.suspended:
            self._goes_on()
            self.stack.append(None)  # as if it had been sent in, then raised
        self.call = None
        self.passed.clear()
        handler = None if isinstance(error, VMError) else self.code.handler_for(self.index)
        self.note_raise(handler is not None)
        self.raised = self._place_of_raise()
        if handler is None:
            self.leave()
            return False
        self.caught = error, handler
        return True

    def _raises_again(self, error: BaseException) -> bool:
        """Whether it is no new exception; so `raise` alone says of what it raises, if there is anything."""
        instruction = self.instruction
        if instruction.name == "RAISE_VARARGS" and instruction.arg == 0:
            assert error.__traceback__ is not None
            return error.__traceback__.tb_next is not None or not isinstance(error, RuntimeError)
        return instruction.name in RAISES_AGAIN

    def _place_of_raise(self) -> int:
        """The instruction where the frame is seen to stand; RERAISE may have its offset on the stack."""
        instruction = self.instruction
        if instruction.name == "RERAISE" and instruction.arg:
            offset = 2 * self.stack[-instruction.arg - 1]
            return self.code.index_of[offset]
        return instruction.index

    def unwind(self) -> None:
        """Cuts the stack to what the exception's handler expects, and goes there."""
        assert self.caught is not None
        (error, handler), self.caught = self.caught, None
        del self.stack[handler.depth :]
        if handler.lasti:
            self.stack.append(self.code.instructions[self.raised].offset // 2)
        self.stack.append(error)
        self.index = handler.target

    # --- calls ------------------------------------------------------------------------------------

    def passes(self, positional: int, named: tuple[str, ...]) -> bool:
        """Whether the call has so many arguments, to be taken one by one; if not, all are taken in two."""
        assert self.call is not None
        call, self.call = self.call, None
        function, arguments, keywords = call
        if isinstance(arguments, list) and len(arguments) == positional and (*keywords,) == named:
            self.passed = [*reversed([function, *arguments, *keywords.values()])]
            return True
        self.passed = [keywords, arguments, function]
        return False

    def take(self) -> Any:
        """Hands over the next of what the call takes, so that nothing but the callee keeps it alive."""
        return self.passed.pop()

    def result(self, value: Any) -> None:
        self.stack.append(value)
        self.index += 1

    # --- generators -------------------------------------------------------------------------------

    @property
    def delegate(self) -> Any:
        """What SEND has sent to."""
        if ITERATOR_IN_TWO and self.stack[-2] is not NULL:
            return self.stack[-2]  # what is shown in its place
        return self.stack[-3 if ITERATOR_IN_TWO else -2]

    def suspend(self) -> None:
        self.suspended = True
        self.note_suspend()

    def _goes_on(self) -> None:
        self.suspended = False
        self.note_resume()

    def note_sent(self) -> None:
        """The generator goes on by what is sent in, not because its delegate ended on being thrown into."""
        self.was_sent = True

    def resume(self, sent: Any) -> None:
        """Goes on behind a yield with what was sent in."""
        self._goes_on()
        self.stack.append(sent)
        self.index += 1

    def resume_delegating(self, outcome: Any) -> None:
        """Goes on behind a delegate's yield with what was sent in, or behind its end with its result."""
        if self.was_sent:
            self.was_sent = False
            self.resume(outcome[-2])
            return
        self._goes_on()
        self.stack[-1] = outcome
        send = self.code.instructions[self.index - 1]
        assert send.target is not None
        self.index = send.target

    # --- the end ----------------------------------------------------------------------------------

    def leave(self) -> None:
        """The frame ends; its variables live on in the host frame only, as long as that is held."""
        self.stack.clear()
        self.locals.clear()

    # --- what a recorder is told (see `NotedFrame`) -----------------------------------------------

    def note_enter(self) -> None: ...
    def note_create(self) -> None: ...
    def note_block(self) -> None: ...
    def note_suspend(self) -> None: ...
    def note_resume(self) -> None: ...
    def note_return(self) -> None: ...
    def note_raise(self, handled: bool) -> None: ...


class NotedFrame(Frame):
    """A frame that is recorded."""

    def __init__(self, *given: Any) -> None:
        Frame.__init__(self, *given)
        self.thread: Notes = self.activity.vm.support.thread

    def note_enter(self) -> None:
        notes, frames = self.thread.__dict__["state"]
        notes += (ENTER, self.recorded.code_id, frames[-1].f_lasti)
        frames.append(sys._getframe(1))

    def note_create(self) -> None:
        """A generator-like frame begins to run what comes before its generator is made (see `begin_generator`)."""
        last = self.activity.code.blocks[0].stop - 2
        here = self.recorded.code_id, self.recorded.first_block, self.recorded.units[last]
        self.generator = self.activity.vm.support.open_generator(*here)

    def note_block(self) -> None:
        notes, _ = self.thread.__dict__["state"]
        notes.append(self.recorded.first_block + self.at)

    def note_suspend(self) -> None:
        self._leaves(SUSPEND)

    def note_resume(self) -> None:
        notes, frames = self.thread.__dict__["state"]
        notes += (RESUME, self.generator, frames[-1].f_lasti)
        frames.append(sys._getframe(1))

    def note_return(self) -> None:
        self._leaves(RETURN)

    def note_raise(self, handled: bool) -> None:
        position = self.recorded.units[self.index]
        if handled:
            notes, _ = self.thread.__dict__["state"]
            notes += (RAISE, position)
        else:
            self._leaves(UNWIND, position)

    def _leaves(self, *token: int) -> None:
        notes, frames = self.thread.__dict__["state"]
        notes += token
        del frames[-1]

    @property
    def recorded(self) -> Recorded:
        assert self.activity.recorded is not None
        return self.activity.recorded


hide_functions(globals())
