"""A stack of frames at one moment, also where what lies beneath is not known yet."""

from __future__ import annotations

from typing import NamedTuple

from vmtrace.analysis.seam import Seam
from vmtrace.analysis.stacks import OUTSIDE, Call, Position, Stacks, Unknown
from vmtrace.analysis.tails import UNKNOWN


class Entry(NamedTuple):
    """One frame of a stack."""

    frame: int
    code: int
    site: int  # the instruction it has come to; UNKNOWN if that lies before the piece


class Part(NamedTuple):
    """Frames, the topmost first, and on what they stand: OUTSIDE, or what is Unknown.

    Under a generator of which it is unknown whether it was resumed, the next part is what holds if it was.
    """

    entries: list[Entry]
    floor: Position


class Moment(NamedTuple):
    row: int
    depth: int  # of the evaluation stack
    parts: list[Part]

    def entries(self) -> list[Entry]:
        """The frames, topmost first, as far down as they are known."""
        return [entry for part in self.parts for entry in part.entries]


def walk(stacks: Stacks, call: Call, ends: dict[int, int], row: int) -> list[Part]:
    """The stack from a place downwards, without the frames that ended up to a row."""
    parts: list[Part] = []
    while True:
        entries = []
        position = stacks.settle(call, ends, row).position
        while not isinstance(position, Unknown) and position != OUTSIDE:
            live = stacks.live.get(position)
            if live is None:
                break
            entries.append(Entry(position, live.code, stacks.tails.last.get(position, UNKNOWN)))
            position = live.below.position
        parts.append(Part(entries, position))
        seen = stacks.seen_from(position)
        if seen is None:
            return parts
        call = Call(seen, 0)


def carried(moment: Moment, seam: Seam, earlier: Stacks, later: Stacks) -> Moment:
    """A moment of the later piece, with what the earlier one knows of the stack."""
    parts: list[Part] = []
    entries: list[Entry] = []
    for part in moment.parts:
        entries += [_placed(entry, earlier) for entry in part.entries]
        floor = part.floor
        if isinstance(floor, Unknown) and (call := seam.below(floor)) is not None:
            first, *others = walk(earlier, call, later.tails.gone, moment.row)
            return moment._replace(parts=[*parts, Part(entries + first.entries, first.floor), *others])
        if isinstance(floor, Unknown) and floor.kind == "under" and seam.was_suspended(floor.which):
            continue  # what it was resumed from, follows directly
        parts.append(Part(entries, floor))
        entries = []
        if not isinstance(floor, Unknown):
            break
    return moment._replace(parts=parts)


def _placed(entry: Entry, earlier: Stacks) -> Entry:
    if entry.site != UNKNOWN:
        return entry
    return entry._replace(site=earlier.tails.last.get(entry.frame, UNKNOWN))
