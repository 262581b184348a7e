"""Takes the notes that engines make, and sends them on, while the program runs."""

from __future__ import annotations

import _thread
import os
import warnings
import weakref
from array import array
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vmtrace.tracer.host.audits import UNHEARD
from vmtrace.tracer.host.hide import hide_functions
from vmtrace.tracer.recorder.collector import Collector
from vmtrace.tracer.recorder.facts import CodeFacts
from vmtrace.tracer.recorder.memory import keep_freed_memory
from vmtrace.tracer.recorder.ring import Sender
from vmtrace.tracer.recorder.turns import Turns

PAUSE = 0.010
"""Seconds between two looks at the notes."""
_AT_ONCE = 1 << 20
"""Notes packed at a time. It is all of them as a rule; but where the thread has had no turn for long, as on a machine
that is busy, they would take half as much memory again."""
_FORK_WARNING = "This process .* is multi-threaded"
_LOOKS_AFTER_FORK = 20
"""Some may fall between the fork and its warning: on a machine that is busy the program waits for its turn."""


@dataclass(slots=True)
class News:
    """What has become known of the program's code, and is to be sent before notes that refer to it."""

    codes: list[CodeFacts] = field(default_factory=list)
    located: list[tuple[int, list[int]]] = field(default_factory=list)
    sources: list[tuple[str, bytes]] = field(default_factory=list)
    marks: bool = False
    """Whether notes are marks from now on."""

    def __bool__(self) -> bool:
        return bool(self.codes or self.located or self.sources or self.marks)


class Drain:
    """One list of notes per thread of the program, and a thread that empties them.

    That thread is in no list of threads that the program can ask for. When notes cannot be sent, or in a
    forked child, they are thrown away: the lists never grow without end.
    """

    def __init__(self, sender: Sender) -> None:
        self.discards = False
        """Whether notes are thrown away."""
        self.problem: str | None = None
        """Why, if it is the notes' own fault."""
        self.guard = _thread.allocate_lock()
        """To be held while `news` changes."""
        self.news = News()
        self._sender = sender
        self._lists: dict[int, list[int]] = {}
        self._stop, self._stopped = _thread.allocate_lock(), _thread.allocate_lock()
        self._turns, self._collector = Turns(), Collector()
        sender.alone = self._turns.alone
        self._hidden_warning: object = None
        """The filter that hides it."""
        self._looks_left = 0
        """Looks at the notes, until it is taken away; 0: it is not, for the time being."""

    def notes(self) -> list[int]:
        """The calling thread's notes."""
        return self._lists.setdefault(_thread.get_ident(), [])

    def start(self) -> None:
        """From now on the lists are emptied."""
        keep_freed_memory()
        self._collector.begin()
        self._start_thread()
        # What is registered is never let go of: not the lists too.
        methods = (self._before_fork, self._after_fork, self._in_child)
        before, after, in_child = map(weakref.WeakMethod, methods)
        os.register_at_fork(
            before=lambda: _call(before),
            after_in_parent=lambda: _call(after),
            after_in_child=lambda: _call(in_child),
        )

    def stop(self) -> None:
        """The lists are not emptied any more, and the collector is the program's."""
        if self._stop.locked():
            self._stop.release()
            with self._stopped:
                self._collector.end()

    def end(self, facts: dict[str, Any]) -> None:
        """Sends what is left, and the facts known at the end. The lists are not emptied any more."""
        self.stop()
        with self._stopped:
            self._turns.end()
            self._empty()
            self._send(News(), [], last=True, end=None if self.problem else facts)

    def _start_thread(self) -> None:
        begun = _thread.allocate_lock()
        for lock in (self._stop, self._stopped, begun):
            lock.acquire()
        self._collector.off()
        _thread.start_new_thread(self._run, (self._stop, self._stopped, begun))
        begun.acquire()  # until it runs, the count does not have it
        self._turns.begin()

    def _run(self, stop: _thread.LockType, stopped: _thread.LockType, begun: _thread.LockType) -> None:
        begun.release()
        pause = partial(stop.acquire, True, PAUSE)
        with UNHEARD:
            while not self._collector.waited(pause):
                self._turns.after_look(self._empty())
                self._count_look()
        stopped.release()

    def _empty(self) -> int:
        """Returns how many notes there were."""
        # No other thread runs while `map` counts, so all lists are cut at the same moment: whatever a note
        # refers to, in another thread's notes or in the news, is there.
        lists = list(self._lists.items())
        lengths = list(map(len, [notes for _, notes in lists]))
        with self.guard:
            news, self.news = self.news, News()
        taken = [(*item, length) for item, length in zip(lists, lengths, strict=True) if length]
        if not self.discards and (taken or news):
            self._send(news, taken)
        for (_, notes), length in zip(lists, lengths, strict=True):
            del notes[:length]
        return sum(lengths)

    def _send(
        self,
        news: News,
        taken: list[tuple[int, list[int], int]],
        last: bool = False,
        end: dict[str, Any] | None = None,
    ) -> None:
        """`taken`: threads, their notes, how many of them. If nobody takes them, or one is none, all is thrown away
        from then on.
        """
        message = {
            "codes": news.codes,
            "located": news.located,
            "sources": news.sources,
            "marks": news.marks,
            "threads": [thread for thread, _, _ in taken],
            "last": last,
            "end": end,
        }
        try:
            self._sender.send_message(message)
            try:
                for thread, notes, length in taken:
                    self._send_notes(thread, notes, length)
            except (OverflowError, TypeError) as error:
                self.discards, self.problem = True, f"a note that is none: {error}"
            self._sender.send_message(None)
        except BrokenPipeError:
            self.discards = True

    def _send_notes(self, thread: int, notes: list[int], length: int) -> None:
        if length <= _AT_ONCE:
            self._send_packed(thread, notes, length)
        else:
            for begin in range(0, length, _AT_ONCE):
                part = notes[begin : min(begin + _AT_ONCE, length)]
                self._send_packed(thread, part, len(part))

    def _send_packed(self, thread: int, notes: list[int], length: int) -> None:
        packed = array("I")
        try:
            self._turns.alone(partial(packed.fromlist, notes))  # a third faster than giving it to the constructor
        except OverflowError:
            packed = array("q", notes)  # ints below zero: the same, but it takes twice the time
        self._sender.send_message((thread, packed.typecode, length))
        self._sender.send(memoryview(packed)[:length])

    def _before_fork(self) -> None:
        """Python warns of forking a process that has threads: it shall not for this one."""
        if self._stop.locked() and self._turns.program_has_one_thread():
            self._looks_left = 0
            self._unhide_warning()  # the program may have put filters before ours
            warnings.filterwarnings("ignore", _FORK_WARNING, DeprecationWarning)
            self._hidden_warning = warnings.filters[0]

    def _after_fork(self) -> None:
        """Some Python versions warn after the last moment at which they ask anybody."""
        self._looks_left = _LOOKS_AFTER_FORK

    def _count_look(self) -> None:
        if self._looks_left:
            self._looks_left -= 1
            if not self._looks_left:
                self._unhide_warning()

    def _unhide_warning(self) -> None:
        if self._hidden_warning is not None:
            others = [entry for entry in warnings.filters if entry is not self._hidden_warning]
            warnings.filters[:] = others  # type: ignore[index]
            self._hidden_warning = None

    def _in_child(self) -> None:
        """Whatever a forked child notes is thrown away, for as long as it lives."""
        self._after_fork()
        if self._stop.locked():
            self.discards = True
            self._sender.let_go()
            self.guard, self._stop, self._stopped = (_thread.allocate_lock() for _ in range(3))
            self._start_thread()


def _call(method: weakref.WeakMethod[Any]) -> None:
    found = method()
    if found is not None:
        found()


# From 3.12 on a profiler of the program is told of what all threads do, but of nothing in hidden code.
hide_functions(globals())
