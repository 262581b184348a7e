"""An engine's notes are the running thread's, whichever way another thread comes to run the program's code."""

from __future__ import annotations

import _thread
import ctypes
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from vmtrace.tracer.host.threads import STARTS_THREAD, watch_for_threads
from vmtrace.tracer.rewritten.mailbox import Mailbox
from vmtrace.tracer.vm import VirtualMachine

start_untold = _thread.start_new_thread
"""As the thread is started that takes the notes: before anybody watches."""


@pytest.fixture
def watched() -> Iterator[None]:
    """Afterwards, nothing is watched any more."""
    found = [(sys.modules[module], name) for module, name in STARTS_THREAD]
    kept = [(module, name, getattr(module, name)) for module, name in found if hasattr(module, name)]
    callbacks = [*gc.callbacks]
    yield
    for module, name, function in kept:
        setattr(module, name, function)
    gc.callbacks[:] = callbacks


@pytest.fixture
def notes_of_thread() -> Callable[[], list[int]]:
    notes: dict[int, list[int]] = {}
    return lambda: notes.setdefault(_thread.get_ident(), [])


@pytest.fixture
def mailbox(watched: None, notes_of_thread: Callable[[], list[int]]) -> Mailbox:
    """The native engine's, of the thread that the test runs in."""
    made = Mailbox(notes_of_thread)
    watch_for_threads(made.share, made.unshare)
    return made


def in_another(start: Callable[..., Any], run: Callable[[], object]) -> Any:
    """What comes of a call in a thread that is started so."""
    done, result = _thread.allocate_lock(), []

    def running() -> None:
        result.append(run())
        done.release()

    done.acquire()
    start(running, ())
    done.acquire()
    return result[0]


def finalised(mailbox: Mailbox) -> list[Any]:
    """The notes that a finaliser finds, when a collection in the calling thread calls it."""
    found: list[Any] = []

    class Cyclic:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            found.append((_thread.get_ident(), mailbox.notes))

    Cyclic()
    gc.collect()
    return found


def test_a_collection_in_the_thread_that_takes_the_notes(mailbox: Mailbox) -> None:
    """Python collects garbage in whichever thread happens to allocate, and calls the program's finalisers there."""
    own = mailbox.notes
    gc.disable()
    try:
        ((thread, notes),) = in_another(start_untold, lambda: finalised(mailbox))
    finally:
        gc.enable()
    assert thread != _thread.get_ident()
    assert notes is not own
    assert mailbox.notes is own
    assert type(mailbox) is Mailbox  # which is fast


def test_a_collection_in_the_programs_thread(mailbox: Mailbox) -> None:
    own = mailbox.notes
    assert finalised(mailbox)[-1][1] is own
    assert type(mailbox) is Mailbox


def test_another_thread(mailbox: Mailbox) -> None:
    own, others = mailbox.notes, []
    thread = threading.Thread(target=lambda: others.append(mailbox.notes))
    thread.start()
    thread.join()
    assert others[0] is not own
    assert mailbox.notes is own
    in_another(start_untold, gc.collect)
    assert type(mailbox) is not Mailbox  # there may be more, for good


def test_a_thread_that_is_not_pythons(mailbox: Mailbox) -> None:
    """One that C starts, and that comes into Python by a callback."""
    own, others = mailbox.notes, []
    callback = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda given: others.append(mailbox.notes))
    thread = ctypes.c_ulong()
    library = ctypes.CDLL(None)
    assert library.pthread_create(ctypes.byref(thread), None, callback, None) == 0
    assert library.pthread_join(thread, None) == 0
    assert others[0] is not own
    assert mailbox.notes is own


def test_what_starts_threads_is_itself_again(mailbox: Mailbox) -> None:
    watched = _thread.start_new_thread
    assert watched is not start_untold
    assert watched.__name__ == start_untold.__name__ and watched.__doc__ == start_untold.__doc__
    in_another(watched, lambda: None)
    assert _thread.start_new_thread is start_untold


def test_a_collection_while_the_vm_records(watched: None, notes_of_thread: Callable[[], list[int]]) -> None:
    recorder: Any = SimpleNamespace(notes=notes_of_thread)
    machine = VirtualMachine(recorder)
    shared = machine.support.thread
    machine.watch_for_threads()
    alone = machine.support.thread
    assert alone is not shared and alone.state is shared.state
    seen: list[Any] = []
    gc.callbacks.append(lambda phase, info: seen.append(machine.support.thread))
    gc.collect()
    in_another(start_untold, gc.collect)
    assert seen == [alone, alone, shared, alone]
    in_another(_thread.start_new_thread, lambda: None)
    assert machine.support.thread is shared
    assert shared.state is alone.state
