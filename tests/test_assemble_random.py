"""Notes to rows: random runs, cut at random, against what was run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vmtrace.tracer.notes import CREATE, ENTER, RAISE, RESUME, RETURN, SUSPEND, UNWIND

from tests.assembling import MAIN, NOWHERE, Seen, assemble, at, token_edges


@dataclass
class Activation:
    """A frame of the simulated program."""

    frame: int
    code: int
    generator: int | None
    next: int = 0
    stop: int = 0
    """What is left of the block it is in: instructions next … stop-1."""


class Simulator:
    """A program that decides by given numbers what to do next, run instruction by instruction.

    It notes as engines do, and keeps the rows, frames and exits of what it has run.
    """

    def __init__(self, codes: Sequence[Sequence[int]], decisions: Iterable[int]) -> None:
        self.codes = codes
        self.decisions = iter(decisions)
        self.drawn: list[int] = []
        self.first_block = np.cumsum([1, *map(len, codes)]).tolist()
        self.notes: list[int] = []
        self.seen = Seen()
        self.stack: list[Activation] = []
        self.suspended: list[Activation] = []
        self.generators = 0

    def choose(self, count: int) -> int:
        return self.drawn.pop() % count

    def run(self) -> None:
        """Steps, each with the six decisions that it may need, until there are no more."""
        while len(drawn := list(itertools.islice(self.decisions, 6))) == 6:
            self.drawn = drawn
            self.step()

    def step(self) -> None:
        if not self.stack:
            self.call(NOWHERE)
            return
        top = self.stack[-1]
        action = self.choose(7)
        if action <= 1:
            self.execute(top.stop)
            block = self.choose(len(self.codes[top.code]))
            self.notes.append(self.first_block[top.code] + block)
            top.next = sum(self.codes[top.code][:block])
            top.stop = top.next + self.codes[top.code][block]
        elif action <= 3:
            self.call(self.place())
        elif action == 4:
            self.notes += (RAISE, self.place())
            top.next = top.stop = 0
        elif action == 5:
            self.notes += (UNWIND, self.place())
            self.end(raised=True)
        elif top.generator is not None and self.choose(2):
            self.execute(top.stop)
            self.notes.append(SUSPEND)
            self.suspended.append(self.stack.pop())
        else:
            self.execute(top.stop)
            self.notes.append(RETURN)
            self.end(raised=False)

    def place(self) -> int:
        """Goes on to some instruction of the block, or stays; returns the position."""
        top = self.stack[-1]
        stop = top.next + self.choose(top.stop - top.next + 2) - 1
        if stop < top.next:
            return (NOWHERE, at(max(top.next - 1, 0)))[self.choose(2)] if top.next else NOWHERE
        if stop >= top.stop:
            stop = top.stop - 1
        if stop >= top.next:
            self.execute(stop + 1)
            return at(stop)
        return NOWHERE

    def execute(self, stop: int) -> None:
        top = self.stack[-1]
        self.seen.rows += [(top.frame, top.code, 2 * i) for i in range(top.next, stop)]
        top.next = max(top.next, stop)

    def call(self, position: int) -> None:
        kind = self.choose(4)
        if kind == 3 and self.suspended:
            activation = self.suspended.pop(self.choose(len(self.suspended)))
            assert activation.generator is not None
            self.notes += (RESUME, activation.generator, position)
        else:
            code = self.choose(len(self.codes))
            generator = None
            if kind == 2:
                generator, self.generators = self.generators * 7919 % 10007, self.generators + 1
                self.notes += (CREATE, code, position, generator)
            else:
                self.notes += (ENTER, code, position)
            activation = Activation(len(self.seen.frames), code, generator)
            parent = self.stack[-1].frame if self.stack else -1
            self.seen.frames.append((activation.frame, code, parent, position, MAIN, len(self.seen.rows)))
        self.stack.append(activation)

    def end(self, raised: bool) -> None:
        self.seen.exits.append((self.stack.pop().frame, len(self.seen.rows), raised))


programs = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=3)
decisions = st.lists(st.integers(0, 419), max_size=300)


@settings(max_examples=150, deadline=None)
@given(programs, decisions, st.data())
@example([[6], [6]], [0] * 300, None)
def test_random_runs_come_out_as_they_went(codes: list[list[int]], chosen: list[int], data: Any) -> None:
    simulator = Simulator(codes, chosen)
    simulator.run()
    notes = simulator.notes
    edges = token_edges(notes)
    assert assemble(codes, [(MAIN, notes)]) == simulator.seen
    cuts = sorted(data.draw(st.sets(st.sampled_from(edges)))) if data is not None else edges
    parts = [(MAIN, notes[start:stop]) for start, stop in zip([0, *cuts], [*cuts, len(notes)], strict=True)]
    assert assemble(codes, parts, batch_rows=3) == simulator.seen


@settings(max_examples=15, deadline=None)
@given(programs, st.integers(0, 2**32))
def test_long_runs_come_out_as_they_went(codes: list[list[int]], seed: int) -> None:
    chosen = np.random.default_rng(seed).integers(0, 420, 12000).tolist()
    simulator = Simulator(codes, chosen)
    simulator.run()
    assert assemble(codes, [(MAIN, simulator.notes)], batch_rows=64) == simulator.seen
    edges = [*token_edges(simulator.notes)[::100], len(simulator.notes)]
    parts = [(MAIN, simulator.notes[start:stop]) for start, stop in itertools.pairwise(edges)]
    assert assemble(codes, parts, batch_rows=64) == simulator.seen
