"""Our own variables in a host function, where the program cannot see them: at the bottom of its stack.

`locals()`, `f_locals` and `co_varnames` tell of all variables that a code object has. LOAD_FAST and its kin
take an index into the frame's array of variables, and the evaluation stack is the rest of that array: once a
function has begun by pushing None n times, the indices behind its last variable are n more, of which nobody
knows. CPython copies, visits and clears them with the stack. (Seen on 3.11 to 3.15.)

The compiler is given ordinary variables. It places them behind others that are never used (`padding`), so
that no index grows when they move, and none of them is packed into an instruction with another.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Sequence
from types import CodeType

from vmtrace.tracer.assembly import exception_table
from vmtrace.tracer.code import exception_entries

PREFIX = "."
"""Our own variables start with it, so no program's name can clash."""
PADDING = f"{PREFIX}unused"
PACKED = 16
"""Instructions for two variables at once (3.13 on) are for the first so many."""
TAKES_VARIABLE = {
    number for number in (*dis.haslocal, *dis.hasfree) if number < 256 and dis.opname[number].count("FAST") < 2
}
CHECKED, UNCHECKED = dis.opmap.get("LOAD_FAST_CHECK", dis.opmap["LOAD_FAST"]), dis.opmap["LOAD_FAST"]
DELETE, NOP = dis.opmap["DELETE_FAST"], dis.opmap["NOP"]


def padding(shown: int, shared: int) -> list[str]:
    """Variables that the compiler is to place between the program's and ours, given how many local variables
    of the program's come before, and how many cells and free variables come last."""
    return [f"{PADDING}{n}" for n in range(max(shared, PACKED - shown))]


def hide_variables(made: CodeType, shown: Sequence[str]) -> tuple[CodeType, int]:
    """Moves all local variables but the `shown` ones, which are the first, to the bottom of the stack.

    Returns the code, and how many code units it has got at its beginning.
    """
    names = made.co_varnames
    assert names[: len(shown)] == tuple(shown), (names, shown)
    pads = sum(name.startswith(PADDING) for name in names)
    shared = len({*made.co_cellvars, *made.co_freevars} - set(names))
    hidden = len(names) - len(shown) - pads

    def moved(index: int) -> int:
        if index < len(shown):
            return index
        if index < len(names):
            return index - pads + shared
        return index - len(names) + len(shown)

    ours = range(len(shown) + pads, len(names))
    none = made.co_consts.index(None) if None in made.co_consts else len(made.co_consts)
    first = _load_const(none) * hidden
    code = made.replace(
        co_code=first + _renumbered(made.co_code, moved, ours),
        co_consts=made.co_consts if none < len(made.co_consts) else (*made.co_consts, None),
        co_varnames=tuple(shown),
        co_nlocals=len(shown),
        co_stacksize=made.co_stacksize + hidden,
        co_exceptiontable=_deeper(made.co_exceptiontable, hidden, len(first) // 2),
    )
    return code, len(first) // 2


def _load_const(index: int) -> bytes:
    shifts = (shift for shift in (24, 16, 8) if index >> shift)
    extended = b"".join(bytes((dis.EXTENDED_ARG, index >> shift & 0xFF)) for shift in shifts)
    return extended + bytes((dis.opmap["LOAD_CONST"], index & 0xFF))


def _renumbered(units: bytes, moved: Callable[[int], int], ours: range) -> bytes:
    """Puts in the variables' new indices, none of which is greater than the old one."""
    changed = bytearray(units)
    begin = 0
    for at in range(0, len(units), 2):
        if units[at] == dis.EXTENDED_ARG:
            continue
        if units[at] in TAKES_VARIABLE:
            index = int.from_bytes(units[begin + 1 : at + 2 : 2], "big")
            new = moved(index)
            changed[begin + 1 : at + 2 : 2] = new.to_bytes((at - begin) // 2 + 1, "big")
            if index in ours and units[at] == CHECKED:  # it is never unbound
                changed[at] = UNCHECKED
            elif index in ours and units[at] == DELETE:  # `except … as` has set it to None
                changed[begin : at + 2 : 2] = bytes((NOP,)) * ((at - begin) // 2 + 1)
                changed[begin + 1 : at + 2 : 2] = bytes((at - begin) // 2 + 1)
        begin = at + 2
    return bytes(changed)


def _deeper(table: bytes, depth: int, units: int) -> bytes:
    """The exception table with so many more stack entries below, and so many more code units before."""
    return exception_table(
        (start + units, length, target + units, depth_lasti + (depth << 1))
        for start, length, target, depth_lasti in exception_entries(table)
    )
