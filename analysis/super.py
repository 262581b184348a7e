"""Which sequences of opcodes to make single instructions of."""

from __future__ import annotations

from collections import Counter, defaultdict

from vmtrace.analysis.base import Analysis
from vmtrace.analysis.counts import SiteCounts
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.program import Program
from vmtrace.analysis.tables import percent

Sequence = tuple[int, ...]  # opcodes


class Super(Analysis):
    """Superinstructions chosen greedily: `slots` of them at most, of at most `longest` opcodes each.

    Each choice is the sequence that then saves most dispatches; the code is rewritten with it, from the left, before
    the next one is chosen. So every figure is of the code as it then is: occurrences that an earlier choice has
    used up, or that overlap, do not count. A sequence may contain an earlier choice and make it longer; that
    one remains for where it stands alone. Sequences lie in one basic block, so that no jump leads into their midst.
    A call within a sequence is counted as if the callee could run in its midst. One row per choice, in order:

    sequence            names of the opcodes, separated by spaces
    length              opcodes
    executions          of the new instruction, in the code as it is after the choice
    saved               dispatches: executions * (instructions of the code before that it replaces - 1)
    saved_percent       of all instructions of the run
    cumulative_percent  this choice and those before

    ValueError for less than one slot or two opcodes.
    """

    name = "super"

    def __init__(self, program: Program, slots: int = 16, longest: int = 4) -> None:
        if slots < 1 or longest < 2:
            raise ValueError("superinstructions need a slot and two opcodes at least")
        super().__init__(program)
        self._slots, self._longest = slots, longest
        self.sites = SiteCounts(program)

    def finish(self) -> pd.DataFrame:
        code = _Code(self._blocks(), self._longest)
        choices = []
        for _ in range(self._slots):
            sequence = code.best()
            if sequence is None:
                break
            saved, executions = code.replace(sequence)
            names = " ".join(self.program.opcode_names[opcode] for opcode in sequence)
            choices.append((names, len(sequence), executions, saved))
        table = pd.DataFrame(choices, columns=["sequence", "length", "executions", "saved"])
        table["saved_percent"] = percent(table["saved"], self.sites.rows)
        table["cumulative_percent"] = percent(table["saved"].cumsum(), self.sites.rows)
        return table

    def _blocks(self) -> list[list[tuple[Sequence, int]]]:
        """The blocks that ran: their opcodes and how often each was executed."""
        program, counts = self.program, self.sites.counts()
        blocks: list[list[tuple[Sequence, int]]] = []
        for first, last in zip(program.block_first.tolist(), program.block_last.tolist(), strict=True):
            if counts[first] and last > first:
                opcodes = program.site_opcode[first : last + 1].tolist()
                executed = counts[first : last + 1].tolist()
                blocks.append([((opcode,), count) for opcode, count in zip(opcodes, executed, strict=True)])
        return blocks


class _Code:
    """Blocks of tokens with their executions, and what making each sequence one token would save."""

    def __init__(self, blocks: list[list[tuple[Sequence, int]]], longest: int) -> None:
        self._blocks, self._longest = blocks, longest
        self._saves: Counter[Sequence] = Counter()
        self._where: dict[Sequence, set[int]] = defaultdict(set)
        for number in range(len(blocks)):
            self._weigh(number, 1)

    def best(self) -> Sequence | None:
        """The sequence that saves most; of equals, the shortest, then the first by opcode numbers."""
        sequence = min(self._saves, key=lambda s: (-self._saves[s], len(s), s), default=())
        return sequence if self._saves[sequence] > 0 else None

    def replace(self, sequence: Sequence) -> tuple[int, int]:
        """Rewrites the code. Returns the dispatches saved, and the executions of the new token."""
        saved = executions = 0
        for number in sorted(self._where[sequence]):
            self._weigh(number, -1)
            block, after = self._blocks[number], []
            at = 0
            while at < len(block):
                stop = _match(block, at, sequence)
                if stop:
                    # Where an exception leaves the block midway, the later tokens ran less often.
                    saved += sum(count for _, count in block[at + 1 : stop])
                    executions += block[at][1]
                    after.append((sequence, block[at][1]))
                else:
                    after.append(block[at])
                at = stop or at + 1
            self._blocks[number] = after
            self._weigh(number, 1)
        return saved, executions

    def _weigh(self, number: int, sign: int) -> None:
        """Adds (1) or takes away (-1) what each sequence would save in a block."""
        block = self._blocks[number]
        end: dict[Sequence, int] = {}  # of the last occurrence: those that overlap it do not count
        for at in range(len(block)):
            sequence, count = block[at][0], 0
            for stop in range(at + 1, len(block)):
                sequence += block[stop][0]
                count += block[stop][1]
                if len(sequence) > self._longest:
                    break
                if end.get(sequence, 0) <= at:
                    end[sequence] = stop + 1
                    self._saves[sequence] += sign * count
        for sequence in end:
            if sign > 0:
                self._where[sequence].add(number)
            else:
                self._where[sequence].discard(number)


def _match(block: list[tuple[Sequence, int]], at: int, sequence: Sequence) -> int:
    """Where an occurrence of the sequence as two or more tokens ends that begins at a token; 0 if there is none."""
    found = block[at][0]
    for stop in range(at + 1, len(block)):
        found += block[stop][0]
        if len(found) >= len(sequence):
            return stop + 1 if found == sequence else 0
    return 0
