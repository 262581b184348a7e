"""The generators that are alive, by the numbers that the engine gave them."""

from __future__ import annotations

import numpy as np
from vmtrace.tracer.recorder.arrays import Flags, Ints

NO_GENERATOR = -1


class Generators:
    """Frame and code of each generator-like frame that has not ended. Numbers are not used twice."""

    def __init__(self) -> None:
        self._known = np.empty((3, 0), np.int64)
        """Rows: number (ascending), frame, code."""
        self._ended: list[Ints] = []

    def __len__(self) -> int:
        return self._known.shape[1]

    def add(self, numbers: Ints, frames: Ints, codes: Ints) -> None:
        if not len(numbers):
            return
        known = np.concatenate([self._known, [numbers, frames, codes]], axis=1)
        if (np.diff(known[0, max(len(self) - 1, 0) :]) < 0).any():
            known = known[:, np.argsort(known[0], kind="stable")]
        self._known = known

    def knows(self, numbers: Ints) -> Flags:
        return self._look_up(numbers)[1]

    def find(self, numbers: Ints) -> tuple[Ints, Ints]:
        """Frames and codes of generators. KeyError where one is not known."""
        places, known = self._look_up(numbers)
        if not known.all():
            raise KeyError
        return self._known[1].take(places), self._known[2].take(places)

    def end(self, numbers: Ints) -> None:
        """These have ended; they are known until `forget`, as another thread, of which is told later, may
        have made them go on before that."""
        if len(numbers):
            self._ended.append(numbers)

    def forget(self) -> None:
        """Lets go of those that have ended."""
        if self._ended:
            self._known = np.delete(self._known, self._places(np.concatenate(self._ended)), axis=1)
            self._ended = []

    def _look_up(self, numbers: Ints) -> tuple[Ints, Flags]:
        """The places of those that are known, and which are."""
        if not len(self):
            return numbers, np.zeros(len(numbers), np.bool_)
        places = self._places(numbers)
        return places, self._known[0].take(places) == numbers

    def _places(self, numbers: Ints) -> Ints:
        known, last = self._known[0], len(self) - 1
        none_missing = known[last] - known[0] == last
        places: Ints = numbers - known[0] if none_missing else np.searchsorted(known, numbers)
        return places.clip(0, last)
