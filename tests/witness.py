"""CPython's own account of what a program executes, and the rules for comparing a full account with it.

`witness` runs a program in a fresh process with `witness_hook.py` in front of it, and returns what it
printed, its exit status, and every instruction that CPython reports, in order, by frame. `plain` runs it
unwatched.

The reports come from a C trace function with `f_trace_opcodes` on 3.11, and from `sys.monitoring`'s
INSTRUCTION events from 3.12 on (setting `f_trace_opcodes` inside a trace function gives nothing there).
What these interfaces leave out, seen by holding every pair of consecutive reports in a frame against the
control-flow graph, is in the rules below; apart from it, each executed instruction is reported once, at its
own offset. What CPython jumps over was not executed, and no rule is needed for it: an exhausted FOR_ITER
skips END_FOR (3.12 on) and the POP_TOP behind it (3.13), and goes to POP_ITER from 3.14 on; a generator
delegated to that returns when it is thrown into has its caller go on behind SEND at once (3.11); close()
ends a generator at a yield outside any try without running it (3.13 on).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

HOOK = Path(__file__).with_name("witness_hook.py")

Version = tuple[int, int]


class Code(NamedTuple):
    """What a code object is recognised by; two lambdas on one line share it."""

    filename: str
    qualname: str
    firstlineno: int


@dataclass(frozen=True)
class Events:
    """Executed instructions in order. `frame_*` are per frame, `frame` and `offset` per event."""

    codes: list[Code]
    frame_code: npt.NDArray[np.int64]  # index into codes
    frame_thread: npt.NDArray[np.int64]  # any number, the same for frames of one thread
    frame: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int64]  # in bytes, as dis prints it

    def by_frame(self) -> list[npt.NDArray[np.int64]]:
        """The offsets that each frame executed, in order."""
        counts = np.bincount(self.frame, minlength=len(self.frame_code))
        return np.split(self.offset[np.argsort(self.frame, kind="stable")], np.cumsum(counts)[:-1])

    def by_thread(self) -> list[list[int]]:
        """The frames of each thread, threads in the order of their first frame."""
        threads: dict[int, list[int]] = {}
        for frame, thread in enumerate(self.frame_thread.tolist()):
            threads.setdefault(thread, []).append(frame)
        return list(threads.values())

    def code_of(self, frame: int) -> Code:
        return self.codes[int(self.frame_code[frame])]


@dataclass(frozen=True)
class Run:
    """What a process left behind; a negative status is a signal's number."""

    stdout: bytes
    stderr: bytes
    status: int


@dataclass(frozen=True)
class Witnessed(Run):
    events: Events


def plain(
    arguments: Sequence[str | Path],
    *,
    python: str = sys.executable,
    stdin: bytes = b"",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> Run:
    """Run `python arguments…`, with a fixed hash seed; `environment` is put over our own."""
    process = subprocess.run(
        [python, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "PYTHONHASHSEED": "0", **(environment or {})},
        timeout=timeout,
        check=False,
    )
    return Run(process.stdout, process.stderr, process.returncode)


def witness(
    arguments: Sequence[str | Path],
    *,
    scope: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> Witnessed:
    """Run `python arguments…`, as `plain` does, and note what CPython executes in files below `scope`.

    `scope` is the folder of the program, `arguments[0]`, unless given; `options` are those of `plain`.
    RuntimeError if the process left no notes: killed, or unable to start.
    """
    folder = Path(arguments[0]).parent if scope is None else scope
    with tempfile.TemporaryDirectory(prefix="witness-") as place:
        shutil.copy(HOOK, Path(place, "sitecustomize.py"))
        notes = Path(place, "notes")
        given = {**os.environ, **(environment or {})}
        ours = {
            "PYTHONPATH": os.pathsep.join(filter(None, [place, given.get("PYTHONPATH", "")])),
            "VMTRACE_WITNESS_OUT": str(notes),
            "VMTRACE_WITNESS_SCOPE": str(folder.absolute()),
        }
        run = plain(arguments, environment={**(environment or {}), **ours}, **options)
        if not notes.exists():
            last_words = run.stderr[-2000:].decode(errors="replace")
            raise RuntimeError(f"no notes, exit status {run.status}: {last_words}")
        return Witnessed(run.stdout, run.stderr, run.status, read_notes(notes))


def read_notes(path: Path) -> Events:
    """The file that `witness_hook.write` wrote."""
    with path.open("rb") as file:
        head = json.loads(file.readline())
        values = np.frombuffer(file.read(), dtype="<u8").astype(np.int64)
    frames, events = values[: head["frames"]], values[head["frames"] :]
    if len(events) != head["events"]:
        raise RuntimeError(f"{path}: {len(events)} events of {head['events']}")
    low = 0xFFFFFFFF
    codes = [Code(*code) for code in head["codes"]]
    return Events(codes, frames & low, frames >> 32, events >> 32, events & low)


# --- What the witness does not report -----------------------------------------------------------------------

Rule = Callable[[Sequence[str]], list[bool]]
"""From the opcode names of a code object, in offset order, which instructions are never reported."""


def entry(opcodes: Sequence[str]) -> list[bool]:
    """Up to the RESUME at which a frame starts: MAKE_CELL, COPY_FREE_VARS, RETURN_GENERATOR and its POP_TOP.

    Tracing of a frame begins at RESUME (`co_firsttraceable`), where 3.11 fires its `call` event and 3.12 on
    PY_START. For a generator that is the RESUME behind RETURN_GENERATOR: what comes before runs when the
    generator is made, which on 3.15 includes, in a generator expression, a RESUME, the loading of the
    iterable and GET_ITER.
    """
    start = opcodes.index("RETURN_GENERATOR") if "RETURN_GENERATOR" in opcodes else 0
    first = opcodes.index("RESUME", start)
    return [index <= first for index in range(len(opcodes))]


def resume(opcodes: Sequence[str]) -> list[bool]:
    """RESUME, also behind a yield or an await: there 3.11 fires `call`, 3.12 on PY_START or PY_RESUME."""
    return [name == "RESUME" for name in opcodes]


def behind_extended_arg(opcodes: Sequence[str]) -> list[bool]:
    """3.11: what follows EXTENDED_ARG, further ones included: it goes to the next one past the tracing."""
    return [previous == "EXTENDED_ARG" for previous in ["", *opcodes[:-1]]]


def rules(version: Version) -> tuple[Rule, ...]:
    """The rules for a Python version."""
    return (entry, resume, behind_extended_arg) if version < (3, 12) else (entry, resume)


def frames_by_first_report(events: Events) -> Events:
    """Frames numbered in order of their first event; those with none are dropped.

    A generator's frame is made by the call but first reported when it first runs, if it ever does.
    """
    seen, first = np.unique(events.frame, return_index=True)
    order = seen[np.argsort(first)]
    number = np.full(len(events.frame_code), -1, np.int64)
    number[order] = np.arange(len(order))
    frame_code, frame_thread = events.frame_code[order], events.frame_thread[order]
    return replace(events, frame_code=frame_code, frame_thread=frame_thread, frame=number[events.frame])


Instructions = Sequence[Sequence[tuple[int, str]]]
"""Per code object, as in `Events.codes`: the offset and opcode name of each instruction, in order."""


def normalise(events: Events, instructions: Instructions, version: Version) -> Events:
    """What the witness, on a Python of this version, would report of a full list of events."""
    silent: set[int] = set()
    for number, code in enumerate(instructions):
        names = [name for _, name in code]
        for rule in rules(version):
            hits = zip(code, rule(names), strict=True)
            silent.update(number << 32 | offset for (offset, _), hit in hits if hit)
    place = events.frame_code[events.frame] << 32 | events.offset
    keep = ~np.isin(place, np.array(list(silent), np.int64))
    return frames_by_first_report(replace(events, frame=events.frame[keep], offset=events.offset[keep]))


# --- Comparing ----------------------------------------------------------------------------------------------


def from_trace(trace: Any) -> tuple[Events, Instructions]:
    """A `vmtrace.traces.Trace` as a full list of events, and its instructions."""
    columns = {name: [np.zeros(0, np.int64)] for name in ("frame_id", "offset")}
    for chunk in trace.chunks(columns=list(columns)):
        for name, parts in columns.items():
            parts.append(np.asarray(getattr(chunk, name), np.int64))
    codes = trace.codes.sort_by("code_id").to_pylist()
    number = {code["code_id"]: index for index, code in enumerate(codes)}
    instructions: list[list[tuple[int, str]]] = [[] for _ in codes]
    listing = trace.instructions.select(["code_id", "offset", "opcode"]).to_pylist()
    for row in sorted(listing, key=lambda row: (row["code_id"], row["offset"])):
        instructions[number[row["code_id"]]].append((row["offset"], row["opcode"]))
    frames = trace.frames.sort_by("frame_id")
    events = Events(
        [Code(code["filename"], code["qualname"], code["firstlineno"]) for code in codes],
        np.array([number[code] for code in frames["code_id"].to_pylist()], np.int64),
        frames["thread_id"].to_numpy().astype(np.uint64).view(np.int64),
        np.concatenate(columns["frame_id"]),
        np.concatenate(columns["offset"]),
    )
    return events, instructions


def difference(witnessed: Events, other: Events) -> str | None:
    """The first difference between two normalised lists of events, in words; None if there is none.

    Frames are paired in the order of their first events, and in each frame the events must agree one by
    one. If they do not and there are several threads, frames of the same code are paired by what they did
    instead: how threads interleave does not matter, and the number that a thread goes by may be another's
    later on.
    """
    everything = zip_longest(range(len(witnessed.frame_code)), range(len(other.frame_code)))
    found = _difference(witnessed, other, everything)
    threads, others = witnessed.by_thread(), other.by_thread()
    if found and len(threads) > 1 and len(others) > 1:
        found = _difference(witnessed, other, zip_longest(_by_deeds(witnessed), _by_deeds(other)))
    return found


def _by_deeds(events: Events) -> list[int]:
    """The frames, sorted by their code and the offsets that they executed."""
    deeds = [offsets.tolist() for offsets in events.by_frame()]
    return sorted(range(len(deeds)), key=lambda frame: (events.code_of(frame), deeds[frame]))


def _difference(
    witnessed: Events, other: Events, pairs: Iterable[tuple[int | None, int | None]], around: int = 6
) -> str | None:
    offsets, other_offsets = witnessed.by_frame(), other.by_frame()
    for ours, theirs in pairs:
        if ours is None or theirs is None:
            whose, events = ("witness", witnessed) if theirs is None else ("other", other)
            alone = max(frame for frame in (ours, theirs) if frame is not None)
            return f"only the {whose} has frame {alone}, of {events.code_of(alone)}"
        where = f"frame {ours} (other: {theirs}), {witnessed.code_of(ours)}"
        if witnessed.code_of(ours) != other.code_of(theirs):
            return f"{where}: other has {other.code_of(theirs)}"
        left, right = offsets[ours].tolist(), other_offsets[theirs].tolist()
        if left != right:
            differing = (index for index, (a, b) in enumerate(zip(left, right, strict=False)) if a != b)
            at = next(differing, min(len(left), len(right)))
            before, after = slice(max(0, at - around), at), slice(at, at + around)
            return (
                f"{where}: offsets differ at event {at} of {len(left)} (other: {len(right)}),"
                f" after {left[before]}:\n  witness {left[after]}\n  other   {right[after]}"
            )
    return None
