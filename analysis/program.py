"""What a trace says about the program: its instructions, numbered for counting, and its basic blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from vmtrace.traces import TraceError, arrays

T = TypeVar("T")
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: After these the frame leaves the stack without having ended. The names hold for CPython 3.11 to 3.15.
SUSPENDING = ("YIELD_VALUE", "RETURN_GENERATOR")

#: Kinds of code (see the codes table) whose frames are resumed after they were suspended.
RESUMABLE = ("generator", "coroutine", "async_generator")

_SLOT = 2  # bytes of a code unit: every instruction stands at a multiple of it


class Described(Protocol):
    """What a Program is made from: a vmtrace.traces.Trace, or anything with its three static parts."""

    @property
    def codes(self) -> pa.Table: ...

    @property
    def instructions(self) -> pa.Table: ...

    @property
    def opcode_names(self) -> list[str]: ...


class Function(NamedTuple):
    """What people call a code object."""

    function: str  # qualified name
    module: str
    filename: str
    line: int  # first line


class Program:
    """The static facts of a trace, as arrays that rows are looked up in.

    Every instruction has a *site*: its number in order of code object and offset, with one number left
    out before each basic block. So two rows are neighbours within one block exactly if their sites differ
    by one. Arrays named `site_*` have `sites` entries and are indexed by site; at a number left out they
    hold -1 (or False).

    A basic block begins at the start of the code, at a jump target, at an exception handler, and after an
    instruction that jumps, does not fall through, or suspends the frame. Calls do not end a block.

    With `codes` (by code id, see vmtrace.analysis.events.codes_named) it knows the instructions of these alone: what
    analyses of a Selection set their counts against.
    """

    def __init__(self, trace: Described, codes: Bools | None = None) -> None:
        self.opcode_names = list(trace.opcode_names)
        self.derived: dict[object, Any] = {}
        self._read_codes(trace.codes)
        table = trace.instructions
        code, offset = _ints(table, "code_id"), _ints(table, "offset")
        order = np.lexsort((offset, code))
        if codes is not None:
            order = order[codes[code[order]]]
        if len(order) < len(code) or (np.diff(order) < 0).any():
            table, code, offset = table.take(arrays.column(order)), code[order], offset[order]
        if len(code) and (code.max() >= self.codes or (offset % _SLOT).any()):
            raise TraceError("the trace's instructions table does not fit its codes table")
        self._number_slots(code, offset)
        self._number_sites(table, code, offset)
        self._argreprs = table["argrepr"].combine_chunks()

    def _read_codes(self, table: pa.Table) -> None:
        ids = _ints(table, "code_id")
        self.codes = int(ids.max()) + 1 if len(ids) else 0
        self.functions = [Function("?", "?", "?", 0)] * self.codes
        self.code_kind = ["function"] * self.codes
        columns = ("qualname", "module", "filename", "firstlineno", "kind")
        facts_of = (table[name].to_pylist() for name in columns)
        for code, *facts, kind in zip(ids.tolist(), *facts_of, strict=True):
            self.functions[code] = Function(*facts)
            self.code_kind[code] = kind
        self.code_resumable: Bools = np.array([kind in RESUMABLE for kind in self.code_kind], dtype=bool)

    def _number_slots(self, code: Ints, offset: Ints) -> None:
        """One slot for every code unit, so that (code, offset) is found by one addition and one look-up."""
        sizes = np.zeros(self.codes, dtype=np.int64)
        np.maximum.at(sizes, code, offset // _SLOT + 1)
        base = np.zeros(self.codes + 1, dtype=np.int64)
        np.cumsum(sizes, out=base[1:])
        # Narrow numbers: a look-up for every row of a trace takes half the time.
        self._slot_base, self._slots = base[:-1].astype(np.uint32), int(base[-1])

    def _number_sites(self, table: pa.Table, code: Ints, offset: Ints) -> None:
        rows = len(code)
        slot = self._slot_base[code] + offset // _SLOT
        row_of_slot = np.full(self._slots, -1, dtype=np.int64)
        row_of_slot[slot] = np.arange(rows)

        names = table["opcode"].to_pylist()
        numbers = {name: number for number, name in enumerate(self.opcode_names)}
        opcode = np.array([numbers.get(name, -1) for name in names], dtype=np.int64)
        if (opcode < 0).any():
            raise TraceError(f"the trace's instructions table has an opcode without number: {names[opcode.argmin()]}")
        falls = arrays.truths(table["falls_through"])
        suspends = np.array([name in SUSPENDING for name in names], dtype=bool)
        target = self._rows_at(row_of_slot, code, _ints(table, "jump_target", absent=-1))
        handler = self._rows_at(row_of_slot, code, _ints(table, "handler", absent=-1))

        ends = ~falls | (target >= 0) | suspends
        leads = np.zeros(rows + 1, dtype=bool)
        leads[1:] = ends
        leads[:1] = True
        leads[1:-1] |= code[1:] != code[:-1]
        leads[target[target >= 0]] = True
        leads[handler[handler >= 0]] = True
        leads = leads[:rows]

        site = np.arange(rows) + np.cumsum(leads)
        self.sites = rows + int(leads.sum()) + 1
        site_or_none = np.append(site, -1)  # index -1: no such row

        def spread(values: npt.NDArray[Any], blank: int = -1) -> npt.NDArray[Any]:
            out = np.full(self.sites, blank, dtype=values.dtype)
            out[site] = values
            return out

        self._site_row: Ints = spread(np.arange(rows))
        self.site_code: Ints = spread(code)
        self.site_offset: Ints = spread(offset)
        self.site_opcode: Ints = spread(opcode)
        self.site_line: Ints = spread(_ints(table, "line", absent=-1))
        self.site_end_line: Ints = spread(_ints(table, "end_line", absent=-1))
        self.site_end_column: Ints = spread(_ints(table, "end_column", absent=-1))
        self.site_column: Ints = spread(_ints(table, "column", absent=-1))
        self.site_target: Ints = spread(site_or_none[target])
        self.site_handler: Ints = spread(site_or_none[handler])
        self.site_falls: Bools = spread(falls, False)
        self.site_suspends: Bools = spread(suspends, False)
        self.site_leads: Bools = spread(leads, False)
        self.site_block: Ints = spread(np.cumsum(leads) - 1)
        self.blocks = int(leads.sum())
        self.block_first: Ints = site[leads]
        self.block_last: Ints = np.append(self.block_first[1:] - 2, site[-1:]) if rows else site
        self._site_of_slot = np.full(self._slots, -1, dtype=np.int32)
        self._site_of_slot[slot] = site

    def once(self, make: Callable[[Program], T]) -> T:
        """What can be derived from a program, derived when it is first asked for."""
        if make not in self.derived:
            self.derived[make] = make(self)
        derived: T = self.derived[make]
        return derived

    def argreprs_of(self, sites: Ints) -> list[str]:
        """The arguments of instructions as `dis` shows them."""
        texts: list[str] = self._argreprs.take(arrays.column(self._site_row[sites])).to_pylist()
        return texts

    def _rows_at(self, row_of_slot: Ints, code: Ints, offset: Ints) -> Ints:
        """The row of the instruction at an offset of the same code; -1 where the offset is -1."""
        slot = np.where(offset < 0, 0, self._slot_base[code] + offset // _SLOT)
        if len(slot) and slot.max() >= self._slots:
            raise TraceError("the trace's instructions table has a jump out of its code")
        rows = np.where(offset < 0, -1, row_of_slot[slot]) if len(slot) else slot
        if ((offset >= 0) & (rows < 0)).any():
            raise TraceError("the trace's instructions table has a jump into the middle of an instruction")
        return np.asarray(rows, dtype=np.int64)

    def sites_at(
        self, code: npt.NDArray[np.integer[Any]], offset: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.int32]:
        """The sites of rows, int32; -1 where no instruction stands at that offset of that code."""
        if not len(code):
            return np.zeros(0, dtype=np.int32)
        last = code.max()
        if last >= self.codes:
            raise TraceError(f"rows refer to code {last}, which the trace does not describe")
        if offset.max() // _SLOT >= self._slots:
            raise TraceError("rows refer to an offset that lies outside of its code")
        slot = offset >> 1
        slot += self._slot_base[last] if code.min() == last else self._slot_base.take(code)
        if slot.max() >= self._slots:
            raise TraceError("rows refer to an offset that lies outside of its code")
        return self._site_of_slot.take(slot)


def _ints(table: pa.Table, column: str, absent: int = 0) -> Ints:
    """A column as int64, with `absent` for null."""
    return arrays.numbers(table[column], absent)
