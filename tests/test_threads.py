"""The native engine's mailbox is the running thread's, whichever way another thread comes to run the program's code."""

from __future__ import annotations

import _thread
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from vmtrace.tracer.host.threads import STARTS_THREAD, watch_for_threads
from vmtrace.tracer.rewritten.mailbox import Mailbox

start_untold = _thread.start_new_thread
"""As the thread is started that takes the notes: before anybody watches."""


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """One that is watched for, of the thread that the test runs in."""
    notes: dict[int, list[int]] = {}
    kept = [(module, name, getattr(module, name)) for module, name in STARTS_THREAD if hasattr(module, name)]
    made = Mailbox(lambda: notes.setdefault(_thread.get_ident(), []))
    watch_for_threads(made.share)
    yield made
    for module, name, function in kept:
        setattr(module, name, function)


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


def test_another_thread(mailbox: Mailbox) -> None:
    assert type(mailbox) is Mailbox  # which is fast
    own, others = mailbox.notes, []
    thread = threading.Thread(target=lambda: others.append(mailbox.notes))
    thread.start()
    thread.join()
    assert others[0] is not own
    assert mailbox.notes is own
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
