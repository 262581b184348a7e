"""What the program's frames know of each other while they run natively: the running thread's notes, and who calls.

The rewritten code has one `Mailbox` among its constants. As long as the program has one thread its attributes are
plain slots, which CPython reads and writes in a nanosecond or two; when a second one starts (see `host.threads`), its
class changes to one whose attributes are the running thread's.
"""

from __future__ import annotations

import dis
import inspect
import itertools
import operator
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from vmtrace.tracer.host.hide import hide
from vmtrace.tracer.rewritten.marks import GENERATORS, GOES_ON

Notes = list[int]
PYTHON = frozenset({FunctionType, MethodType})


class Mailbox:
    """`notes`: the running thread's list. `site`: the offset of the call that its top frame is executing, or None."""

    __slots__ = ("answer", "find", "known", "notes", "number", "site", "threads")

    notes: Notes
    site: int | None

    def __init__(self, thread_notes: Callable[[], Notes]) -> None:
        """`thread_notes` gives the list of the thread that it is called in."""
        self.known: dict[bytes, tuple[int, ...]] = {}
        """The places of each rewritten code object, by its location table: comparing code objects is slow."""
        numbers = range(GOES_ON, GOES_ON + GENERATORS)
        self.number = itertools.chain.from_iterable(itertools.repeat(numbers)).__next__
        self.answer = 0
        """What `find` found, to be read at once: between the two no other thread has its turn."""
        self.find = _finder(self, self.known)
        self.threads = _threads(thread_notes)
        self.notes = thread_notes()
        self.site = None

    @hide
    def share(self) -> None:
        """From now on there may be several threads; called before the second one runs."""
        self.__class__ = SharedMailbox


_ignore: Any = operator.is_
"""A function in C of two arguments that does nothing."""


class SharedMailbox(Mailbox):
    """Nothing of it is written in Python, so that no frame is made where the program reads or sets an attribute."""

    __slots__ = ()

    notes = property(operator.attrgetter("threads.notes"))
    site = property({}.get, _ignore)
    """Always None, whatever it is set to: `find` is asked at every entry."""


def _threads(thread_notes: Callable[[], Notes]) -> threading.local:
    """An object whose `notes` are the running thread's."""

    def start(self: Any) -> None:
        self.notes = thread_notes()

    return type("Threads", (threading.local,), {"__init__": hide(start)})()  # type: ignore[no-any-return]


def _finder(mailbox: Mailbox, known: dict[bytes, tuple[int, ...]]) -> Callable[[], object]:
    get_frame, get_places = sys._getframe, known.get
    get_trace, get_profile, tells_of_returns = sys.gettrace, sys.getprofile, not hasattr(sys, "monitoring")
    code: CodeType | None = None
    places: tuple[int, ...] | None = None
    """Of the code last looked at, which is as a rule that of the next time."""

    def find() -> object:
        """Sets `answer` to the offset at which the top frame of the notes stands; 0 if there is none.

        A frame that is there for CPython but not for the notes is passed over: it has not noted its entry yet, or it
        is a suspended generator that hands on what is thrown into it.
        """
        nonlocal code, places
        try:
            frame: FrameType | None = get_frame(1)
        except ValueError:
            frame = None
        while frame is not None:
            if frame.f_code is not code:
                # No call between the two assignments: no other thread comes between them.
                found = get_places(frame.f_code.co_linetable)
                code, places = frame.f_code, found
            if places is not None:
                place = places[frame.f_lasti >> 1]
                if place >= 0:
                    mailbox.answer = place
                    break
            frame = frame.f_back
        else:
            mailbox.answer = 0
        if tells_of_returns and (type(get_trace()) in PYTHON or type(get_profile()) in PYTHON):
            return True
        return None

    if tells_of_returns:
        find.__code__ = _untold(find.__code__)
    return hide(find)


def _untold(code: CodeType) -> CodeType:
    """A function's code, made to end by returning a generator in place of None.

    3.11 tells C profilers and tracers of each RETURN_VALUE, even where it has told of no call because RESUME is
    missing: coverage.py and cProfile lose track then. It tells of no RETURN_GENERATOR. As it tells of the generator's
    end it takes the frame of a function in Python that it tells for the generator's: so for these, True is returned.
    """
    units = bytearray(code.co_code)
    instructions = list(dis.get_instructions(code))
    for index, instruction in enumerate(instructions):
        before = instructions[index - 1]
        if instruction.opname == "RETURN_VALUE" and before.argval is None:
            begin = before.offset
            assert before.opname == "LOAD_CONST"
            units[begin : begin + 4] = bytes((dis.opmap["RETURN_GENERATOR"], 0, dis.opmap["NOP"], 0))
    return code.replace(co_code=bytes(units), co_flags=code.co_flags | inspect.CO_GENERATOR)
