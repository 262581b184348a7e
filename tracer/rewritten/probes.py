"""The instructions that are added to the program's own: they note what is executed, and where calls come from.

They work on the bottom of the frame's evaluation stack, below what the program keeps there, in *slots*:

    NOTES   the thread's list of notes, so that noting is `LOAD_CONST mark; LIST_APPEND depth`, which calls nothing
    SITE    what `mailbox.site` was when the frame was entered, to be put back when it is left
    NUMBER  a generator's number (only in code that suspends)

Entering a frame has to be noted with the place where the frame below stands. Before a call that may well enter a
frame of the program, the frame below says so: `mailbox.site` is the offset of the call that the top frame is
executing, or None. A frame that is entered while it is None was entered by an operator, an attribute, an iteration,
a finaliser, a signal: it asks `Mailbox.find`, which looks at the frame below.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from vmtrace.tracer.assembly import Guard, Label, Op
from vmtrace.tracer.host.locations import NOWHERE, Position
from vmtrace.tracer.rewritten.mailbox import Mailbox
from vmtrace.tracer.rewritten.marks import ENTER_WAITING, RESUME, WAITING
from vmtrace.tracer.rewritten.told_already import END_SEND, POPS

NOTES, SITE, NUMBER = 0, 1, 2
"""Slots, from the bottom of the stack."""

OUTSIDE = -1
"""The place of what runs while its frame is not the top one in the notes: not entered yet, or suspended."""
NOTHING_NEW = 0
"""The place where no more of the frame's block has run than is known: any before it will do."""

ADDED_DEPTH = 12
"""No more than this do the slots and the probes add to the stack."""


def _compiled(source: str) -> list[dis.Instruction]:
    """What the compiler makes of an expression, without RESUME and what drops the value."""
    listing = list(dis.get_instructions(compile(source, "", "exec")))
    stop = next(index for index, i in enumerate(listing) if i.opname == "POP_TOP")
    return [i for i in listing[:stop] if i.opname not in ("RESUME", "CACHE")]


def _opcode(*names: str) -> int:
    """The number of an instruction, under the name that it has in this Python."""
    return next(dis.opmap[name] for name in names if dis.opmap.get(name, 256) < 256)


LOAD_CONST, LIST_APPEND, COPY, SWAP, POP_TOP = map(_opcode, ("LOAD_CONST", "LIST_APPEND", "COPY", "SWAP", "POP_TOP"))
LOAD_ATTR, STORE_ATTR, JUMP, RERAISE = map(_opcode, ("LOAD_ATTR", "STORE_ATTR", "JUMP_FORWARD", "RERAISE"))
IF_NOT_NONE = _opcode("POP_JUMP_FORWARD_IF_NOT_NONE", "POP_JUMP_IF_NOT_NONE")
IF_FALSE = _opcode("POP_JUMP_FORWARD_IF_FALSE", "POP_JUMP_IF_FALSE")

# How these are written differs from Python to Python, and the compiler knows how.
ATTRIBUTE_SHIFT = (_compiled("x.y")[-1].arg or 0).bit_length() - 1
SUBSCRIPT = _compiled("x[y]")[-1]
LESS = next(i for i in dis.get_instructions(compile("if x < y: pass", "", "exec")) if i.opname == "COMPARE_OP")
SHIFT_RIGHT = _compiled("x >> y")[-1]
CALL = {0: _compiled("f()"), 1: _compiled("f(x)")}
"""By number of arguments."""

LASTI_IS_OBJECT = "POP_ITER" not in dis.opmap
"""What is pushed as lasti: an int; since 3.14, which brought POP_ITER, too, a tagged one that only RERAISE can read."""
get_traceback = BaseException.__dict__["__traceback__"].__get__
get_lasti = types.TracebackType.__dict__["tb_lasti"].__get__


@dataclass
class Probes:
    """Collects the instructions of a code object's new version, probes and others.

    `size` follows the entries on the stack, slots included, as far as probes change it. The fields above it say what
    the instructions that are added next have in common.
    """

    mailbox: Mailbox
    slots: int
    consts: list[Any]
    names: list[str]
    position: Position = NOWHERE
    guard: Guard | None = None
    place: int = OUTSIDE
    size: int = 0
    items: list[Op | Label] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """Stands for the tuple of places by code unit among the constants, until it is known."""
    _const_index: dict[Hashable, int] = field(default_factory=dict)

    # --- single instructions ----------------------------------------------------------------------------------------

    def op(self, opcode: int, arg: int = 0, target: Label | None = None) -> None:
        self.items.append(Op(opcode, arg, target, self.position, self.guard, self.place))

    def label(self, label: Label) -> None:
        self.items.append(label)

    def load_const(self, value: Any) -> None:
        key = (type(value), value) if isinstance(value, int) else id(value)
        index = self._const_index.get(key)
        if index is None:
            index = self._const_index[key] = len(self.consts)
            self.consts.append(value)
        self.op(LOAD_CONST, index)
        self.size += 1

    def load_attr(self, name: str) -> None:
        self.op(LOAD_ATTR, self._name(name) << ATTRIBUTE_SHIFT)

    def copy_slot(self, slot: int) -> None:
        self.op(COPY, self.size - slot)
        self.size += 1

    def store_slot(self, slot: int) -> None:
        """Pops into a slot."""
        self.op(SWAP, self.size - slot)
        self.pop()

    def pop(self) -> None:
        self.op(POP_TOP)
        self.size -= 1

    def note_top(self) -> None:
        """Appends the top of the stack to the notes."""
        self.size -= 1
        self.op(LIST_APPEND, self.size - NOTES)

    def _name(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    # --- phrases ------------------------------------------------------------------------------------------------------

    def note(self, mark: int) -> None:
        self.load_const(mark)
        self.note_top()

    def note_slot(self, slot: int) -> None:
        self.copy_slot(slot)
        self.note_top()

    def tell_not(self) -> None:
        """Makes the present line one that counts as told of (see `told_already`)."""
        assert END_SEND is not None
        position, self.position = self.position, NOWHERE
        for _ in range(POPS):
            self.load_const(None)
        self.position = position
        self.op(END_SEND)
        self.size -= POPS - 1
        self.pop()

    def load_mailbox(self, name: str) -> None:
        self.load_const(self.mailbox)
        self.load_attr(name)

    def set_site(self) -> None:
        """Pops into `mailbox.site`."""
        self.load_const(self.mailbox)
        self.op(STORE_ATTR, self._name("site"))
        self.size -= 2

    def announce(self, site: int | None) -> None:
        self.load_const(site)
        self.set_site()

    def put_back_site(self) -> None:
        """When the frame is left: whoever called it is again at the call that it was at."""
        self.copy_slot(SITE)
        self.set_site()

    def call(self, function: Any, *argument: Callable[[], None]) -> None:
        """Pushes what a function returns; an argument is something that pushes it."""
        before = self.size
        pushes = [lambda: self.load_const(function), *argument]
        for instruction in CALL[len(argument)]:
            if instruction.opname.startswith("LOAD_"):
                pushes.pop(0)()
            else:
                self.op(instruction.opcode, instruction.arg or 0)
                self.size += instruction.opname == "PUSH_NULL"
        self.size = before + 1

    def load_raised(self) -> None:
        """At a landing, below the exception its lasti: pushes the place of what raised.

        Where lasti is nothing to compute with, the traceback's newest entry tells: CPython adds it whenever a frame
        that has begun meets an exception. Only functions in C are called, as the program may be as deep as it can.
        """
        exception = self.size - 1
        self.load_const(self.places)
        if LASTI_IS_OBJECT:
            self.op(COPY, 3)
        else:
            self.call(get_lasti, lambda: self.call(get_traceback, lambda: self.copy_slot(exception)))
            self.load_const(1)
            self.op(SHIFT_RIGHT.opcode, SHIFT_RIGHT.arg or 0)
            self.size -= 2
        self.op(SUBSCRIPT.opcode, SUBSCRIPT.arg or 0)

    # --- entering -----------------------------------------------------------------------------------------------------

    def enter(self, mark: int, block: int, iterates: bool) -> None:
        """At the start of a frame: fills the slots, and notes mark and block, site (and number).

        `iterates`: it may well be entered by a FOR_ITER.
        """
        announced, entered, waiting = Label(), Label(), Label()
        self.load_mailbox("notes")
        self.load_mailbox("site")
        if self.slots > NUMBER:
            self.call(self.mailbox.number)
        self.copy_slot(SITE)
        self.op(IF_NOT_NONE, target=announced)
        self.size -= 1
        if iterates:
            self._go_if_waiting(waiting)
        self._ask()
        self.note(mark | block)
        self.note_top()
        self.op(JUMP, target=entered)
        if iterates:
            self.label(waiting)
            self.note(ENTER_WAITING | block)
            self.op(JUMP, target=entered)
        self.label(announced)
        self.note(mark | block)
        self.note_slot(SITE)
        self.announce(None)
        self.label(entered)
        if self.slots > NUMBER:
            self.note_slot(NUMBER)

    def resume(self, iterated: bool) -> None:
        """When a generator goes on: its slots are those of the thread and of the call that resume it.

        `iterated`: most likely by a FOR_ITER or SEND.
        """
        announced, noted, waiting, resumed = Label(), Label(), Label(), Label()
        self.load_mailbox("notes")
        self.store_slot(NOTES)
        if iterated:
            self._go_if_waiting(waiting)
        before = self.size
        self.load_mailbox("site")
        self.op(COPY, 1)
        self.op(IF_NOT_NONE, target=announced)
        self._ask()
        self.note(RESUME)
        self.note_top()
        self.op(JUMP, target=noted)
        self.label(announced)
        self.note(RESUME)
        self.op(COPY, 1)
        self.size += 1
        self.note_top()
        self.announce(None)
        self.label(noted)
        self.note_slot(NUMBER)
        self.store_slot(SITE)
        if iterated:
            self.op(JUMP, target=resumed)
            self.label(waiting)
            self.note_slot(NUMBER)
            self.load_const(None)
            self.store_slot(SITE)
            self.label(resumed)
        assert self.size == before

    def _ask(self) -> None:
        """Pushes the place of the frame below. So deep that nothing can be called, it stays unknown."""
        guard, answered = self.guard, Label()
        self.guard = too_deep = Guard(Label(), self.size)
        self.call(self.mailbox.find)
        self.guard = guard
        self.pop()
        self.load_mailbox("answer")
        self.op(JUMP, target=answered)
        self.label(too_deep.handler)
        self.op(POP_TOP)
        self.op(POP_TOP)
        self.load_const(NOTHING_NEW)
        self.size -= 1
        self.label(answered)

    def _go_if_waiting(self, waiting: Label) -> None:
        """Jumps if the thread's last note is WAITING: the frame below is at the FOR_ITER or SEND of that block."""
        unknown, guard, before = Label(), self.guard, self.size
        self.copy_slot(NOTES)
        self.load_const(-1)
        # The notes may just have been drained to the last, which raises IndexError.
        self.guard = nothing = Guard(Label(), before)
        self.op(SUBSCRIPT.opcode, SUBSCRIPT.arg or 0)
        self.guard = guard
        self.load_const(WAITING)
        self.op(LESS.opcode, LESS.arg or 0)
        self.op(IF_FALSE, target=waiting)
        self.op(JUMP, target=unknown)
        self.label(nothing.handler)
        self.op(POP_TOP)
        self.op(POP_TOP)
        self.label(unknown)
        self.size = before
