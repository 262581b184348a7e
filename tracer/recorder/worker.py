"""A second thread for the process that writes: numpy and Arrow let go of the interpreter while they compute."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

AHEAD = 4
"""Jobs that may wait: more would only take memory."""


class Worker:
    """Does jobs in a thread of its own, in the order given. When one raises, those behind it are dropped."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Callable[[], None]] = queue.Queue(AHEAD)
        self._failure: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def do(self, job: Callable[[], None]) -> None:
        """Waits for room. Raises what an earlier job has raised."""
        self._raise()
        self._jobs.put(job)

    def finish(self) -> None:
        """Waits until all is done, and raises what a job has raised."""
        self._jobs.join()
        self._raise()

    def drop(self) -> None:
        """Waits for the job that is being done; the others never will be."""
        self._failure = self._failure or RuntimeError("dropped")
        self._jobs.join()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                if self._failure is None:
                    job()
            except BaseException as error:
                self._failure = error
            self._jobs.task_done()
