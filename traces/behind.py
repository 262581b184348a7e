"""Work that is done while its caller goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Behind:
    """A thread that does one thing after the other. It pays where most of the time is spent in C, as by codecs."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._underway: Future[None] | None = None

    def call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Begins a call when the one before has ended. Raises what that has raised."""
        self.wait()
        self._underway = self._thread.submit(function, *arguments)

    def wait(self) -> None:
        """Until the last call has ended. Raises what it has raised, once."""
        underway, self._underway = self._underway, None
        if underway is not None:
            underway.result()

    def end(self) -> None:
        """Waits, whatever comes of the last call; nothing can be called any more."""
        self._thread.shutdown()
