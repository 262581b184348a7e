"""Holds two accounts of one program's run against each other, event by event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from vmtrace.tracer.witness.account import Account, Code, Integers

AROUND = 5
"""Events that are shown before a difference, and from it on."""


@dataclass(frozen=True)
class Event:
    """One executed instruction."""

    frame: int
    """In the order of the frames' first events."""
    code: Code
    offset: int


@dataclass(frozen=True)
class Agreement:
    """What both accounts say: so many events in so many frames of so many code objects and threads."""

    events: int
    frames: int
    codes: int
    threads: int
    problem: str | None = None
    """Why events at the end of one of them are missing; then the others' have not been looked at."""


@dataclass(frozen=True)
class Difference:
    """The first event at which they differ: by its number in the run or, where there are several threads, in its frame.

    One of `left` and `right` is empty if that account ends there.
    """

    position: int
    before: list[Event]
    """The same in both."""
    left: list[Event]
    right: list[Event]
    in_frame: bool = False


def compare(left: Account, right: Account) -> Agreement | Difference:
    """Frames pair in the order of their first events, and all events must be the same, in order.

    How threads interleave does not matter: where both have several, frames of the same code pair by what they did.
    """
    numbers: dict[Code, int] = {}
    ours, theirs = (_numbered(account, numbers) for account in (left, right))
    codes = list(numbers)
    if min(_threads(left), _threads(right)) > 1 and not (left.problem or right.problem):
        return _without_order(left, right, ours, theirs, codes)
    return _in_order(left, right, ours, theirs, codes)


def _numbered(account: Account, numbers: dict[Code, int]) -> Integers:
    """By code of an account, its number among the codes of both."""
    return np.array([numbers.setdefault(code, len(numbers)) for code in account.codes], np.int64)


def _threads(account: Account) -> int:
    return len(np.unique(account.frame_thread))


def _events(rows: Integers, codes: list[Code]) -> list[Event]:
    return [Event(frame, codes[code], offset) for frame, code, offset in rows.T.tolist()]


class _Reader:
    """Reads an account from its beginning on."""

    def __init__(self, parts: Iterator[Integers]) -> None:
        self._parts = parts
        self.rows = np.zeros((3, 0), np.int64)
        """Those at hand: none only at the end."""
        self.drop(0)

    def drop(self, count: int) -> None:
        """Goes on behind the next so many of `rows`."""
        self.rows = self.rows[:, count:]
        while not self.rows.shape[1] and (part := next(self._parts, None)) is not None:
            self.rows = part

    def take(self, count: int) -> Integers:
        """The next events, at most so many."""
        taken = [self.rows[:, :0]]
        while count and self.rows.shape[1]:
            taken.append(self.rows[:, :count])
            count -= taken[-1].shape[1]
            self.drop(taken[-1].shape[1])
        return np.concatenate(taken, axis=1)


def _in_order(
    left: Account, right: Account, ours: Integers, theirs: Integers, codes: list[Code]
) -> Agreement | Difference:
    readers = _Reader(left.parts(ours)), _Reader(right.parts(theirs))
    before = np.zeros((3, 0), np.int64)
    seen = np.zeros(len(codes), np.bool_)
    position = frames = 0
    while length := min(reader.rows.shape[1] for reader in readers):
        one, other = (reader.rows[:, :length] for reader in readers)
        wrong = np.flatnonzero((one != other).any(axis=0))
        agreed = int(wrong[0]) if len(wrong) else length
        seen[one[1, :agreed]] = True
        frames = max(frames, int(one[0, :agreed].max(initial=-1)) + 1)
        before = np.concatenate([before, one[:, :agreed]], axis=1)[:, -AROUND:]
        position += agreed
        for reader in readers:
            reader.drop(agreed)
        if len(wrong):
            break
    rests = [_events(reader.take(AROUND), codes) for reader in readers]
    ended = [
        account.problem for account, rest in zip((left, right), rests, strict=True) if account.problem and not rest
    ]
    if ended or not any(rests):
        threads = max(_threads(left), _threads(right))
        return Agreement(position, frames, int(seen.sum()), threads, ended[0] if ended else None)
    return Difference(position, _events(before, codes), rests[0], rests[1])


# --- Several threads ----------------------------------------------------------------------------------------


class _Frames:
    """The events of an account by frame."""

    def __init__(self, account: Account, code_numbers: Integers) -> None:
        parts = list(account.parts(code_numbers))
        frame, code, offset = np.concatenate([np.zeros((3, 0), np.int64), *parts], axis=1)
        self.length = np.bincount(frame)
        self.start = np.cumsum(self.length) - self.length
        by_frame = np.argsort(frame, kind="stable")
        self.offset: Integers = offset[by_frame]
        self.code = code[by_frame[self.start]]

    def keys(self) -> npt.NDArray[np.uint64]:
        """By frame: its code, how many events it has, and a hash of them."""
        if not len(self.length):
            return np.zeros((0, 3), np.uint64)
        place = np.arange(len(self.offset)) - np.repeat(self.start, self.length)
        powers = np.cumprod(np.full(self.length.max(), 0x9E3779B97F4A7C15, np.uint64))
        hashes = np.add.reduceat((self.offset + 1).astype(np.uint64) * powers[place], self.start)
        return np.stack([self.code.astype(np.uint64), self.length.astype(np.uint64), hashes], axis=1)

    def offsets(self, frame: int) -> Integers:
        """The offsets of a frame."""
        start = int(self.start[frame])
        return self.offset[start : start + int(self.length[frame])]

    def offsets_of(self, frames: Integers) -> Integers:
        """The offsets of several frames, one after the other."""
        lengths = self.length[frames]
        shift = self.start[frames] - (np.cumsum(lengths) - lengths)
        places: Integers = np.arange(lengths.sum()) + np.repeat(shift, lengths)
        return self.offset[places]

    def events(self, frame: int, start: int, codes: list[Code]) -> list[Event]:
        code = codes[self.code[frame]]
        return [Event(frame, code, offset) for offset in self.offsets(frame)[start : start + AROUND].tolist()]


def _without_order(
    left: Account, right: Account, ours: Integers, theirs: Integers, codes: list[Code]
) -> Agreement | Difference:
    one, other = _Frames(left, ours), _Frames(right, theirs)
    keys, other_keys = one.keys(), other.keys()
    order, other_order = np.lexsort(keys.T), np.lexsort(other_keys.T)
    if np.array_equal(keys[order], other_keys[other_order]) and np.array_equal(
        one.offsets_of(order), other.offsets_of(other_order)
    ):
        return Agreement(len(one.offset), len(order), len(np.unique(one.code)), _threads(left))
    lonely, other_lonely = _unpaired(keys, other_keys)
    if not len(lonely):
        frame = int(other_lonely[0])
        return Difference(0, [], [], other.events(frame, 0, codes), in_frame=True)
    frame = int(lonely[0])
    candidates = [f for f in other_lonely.tolist() if other.code[f] == one.code[frame]][:100]
    if not candidates:
        return Difference(0, [], one.events(frame, 0, codes), [], in_frame=True)
    partner = max(candidates, key=lambda f: _common(one.offsets(frame), other.offsets(f)))
    at = _common(one.offsets(frame), other.offsets(partner))
    before = one.events(frame, max(0, at - AROUND), codes)[: min(at, AROUND)]
    return Difference(at, before, one.events(frame, at, codes), other.events(partner, at, codes), in_frame=True)


def _unpaired(keys: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]) -> tuple[Integers, Integers]:
    """The frames on each side that have none of the same key on the other side, each being paired once."""
    _, number = np.unique(np.concatenate([keys, others]), axis=0, return_inverse=True)
    number = number.reshape(-1)
    mine, theirs = number[: len(keys)], number[len(keys) :]
    size = int(number.max(initial=-1)) + 1
    counts, other_counts = np.bincount(mine, minlength=size), np.bincount(theirs, minlength=size)
    lonely = np.flatnonzero(_occurrence(mine) >= other_counts[mine])
    return lonely, np.flatnonzero(_occurrence(theirs) >= counts[theirs])


def _occurrence(numbers: Integers) -> Integers:
    """For each number, how often it was there before."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    result = np.empty(len(numbers), np.int64)
    result[order] = np.arange(len(numbers)) - np.searchsorted(ordered, ordered)
    return result


def _common(one: Integers, other: Integers) -> int:
    """Length of the common beginning."""
    length = min(len(one), len(other))
    wrong = np.flatnonzero(one[:length] != other[:length])
    return int(wrong[0]) if len(wrong) else length
