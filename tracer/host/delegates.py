"""Host code that delegates as `yield from` and `await` do.

The compiler writes SEND, and yields on behalf of a delegate, in such loops only, which suspend without a note of ours.
So host code spells each as an expression, whose code units are then made into the instruction.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType

from vmtrace.tracer.fused.entries import ITERATOR_IN_TWO

CACHE = 0
BUILD_TUPLE, COPY, SWAP, POP_TOP, NOP = (dis.opmap[name] for name in ("BUILD_TUPLE", "COPY", "SWAP", "POP_TOP", "NOP"))
PAD = ".padded"
LANDED = ".landed"
LANDS = "CLEANUP_THROW" not in dis.opmap
"""Whether CPython itself goes on behind a delegate that ended when it was thrown into (3.11)."""
ABOVE_DELEGATE = "None, " if ITERATOR_IN_TWO else ""
"""What host code has on the stack between a delegate and what it yields on its behalf."""
ENDED = ".ended"
SENT = "~~~" if ITERATOR_IN_TWO else "~"
"""What host code writes before a delegate and what to send it: a code unit each (see `sending`)."""
SEND_DROPS = "END_SEND" not in dis.opmap
"""Whether SEND itself drops a delegate that has ended (3.11; it has no inline cache there)."""
DROPPED = "" if SEND_DROPS else "~~~~" if ITERATOR_IN_TWO else "~~~"
"""What host code writes before the pair of what was sent to and `.ended := False`: a code unit each, too."""


def _yields_of(source: str) -> list[int | None]:
    module = compile(f"def host(x): {source}", "", "exec")
    (code,) = (c for c in module.co_consts if isinstance(c, CodeType))
    return [i.arg for i in dis.get_instructions(code) if i.opname == "YIELD_VALUE"]


MARKS_YIELD = _yields_of("yield from x") == [1] and _yields_of("yield x") == [0]
"""Whether YIELD_VALUE says that it yields on behalf of a delegate (up to 3.12, RESUME alone does)."""


def delegating(made: CodeType) -> bytes:
    """Makes `(delegate, (yield (.pad := value)))` a yield on behalf of the delegate, which is below it on the stack.

    CPython takes a suspended frame for one that delegates by the oparg of the RESUME after the yield (2 or 3; up to
    3.12) or of YIELD_VALUE (1; from 3.13), and the delegate for the top of its stack (3.15: for what is below the top).
    When a throw ends the delegate, 3.11 goes on as many code units after the one before the yield as its oparg says (it
    is SEND there): ours is a NOP in place of `.pad := `, and leads to where `.landed` is stored.
    """
    units = bytearray(made.co_code)
    if PAD not in made.co_varnames:
        return bytes(units)
    for at in _stores(units, made.co_varnames.index(PAD)):
        first = at - 2 * (1 + extensions(units, at))
        units[first : at + 2] = bytes((NOP, 0)) * ((at - first) // 2 + 1)
        if LANDS:
            landing = next(n for n in _stores(units, made.co_varnames.index(LANDED)) if n > at)
            units[at + 1] = (landing - at) // 2 - 1 - extensions(units, landing)
        yielding = at + 2
        if MARKS_YIELD:
            units[yielding + 1] = 1
    return bytes(units)


def sending(made: CodeType) -> CodeType:
    """Makes `DROPPED(SENT(delegate, value), (.ended := False))` send the value to the delegate: its result is what is
    yielded, or, where `.ended` stays as it was, what the delegate has returned.

    The units of the inner tuple and SENT become SEND, which jumps over `.ended := False`, and those of the outer tuple
    and DROPPED drop the delegate: END_SEND where it has ended, of which those who watch are told, and other
    instructions otherwise. A call of `next` or `send` would take more from the recursion limit, at each level (3.12).
    """
    if ENDED not in made.co_varnames:
        return made
    units = bytearray(made.co_code)
    for at in _stores(units, made.co_varnames.index(ENDED)):
        copy = at - 2 * (1 + extensions(units, at))
        if units[copy] != COPY:  # `.ended = True`
            continue
        false = copy - 2 * (1 + extensions(units, copy - 2))
        drop = at + 2
        dropping = _drop()
        ended = drop + len(dropping) - 2
        sent = _send(false, drop if SEND_DROPS else ended)
        assert units[false - len(sent)] == units[drop] == BUILD_TUPLE
        units[false - len(sent) : false] = sent
        units[copy : copy + 2] = NOP, 0
        units[drop : ended + 2] = dropping
    return made.replace(co_code=bytes(units), co_stacksize=made.co_stacksize + ITERATOR_IN_TWO)


def _send(stop: int, ended: int) -> bytes:
    """SEND and what belongs to it, up to the byte offset `stop`; it jumps to `ended`."""
    send, distance = dis.opmap["SEND"], (ended - stop) // 2
    if SEND_DROPS:  # where it has not ended, it is the top of the stack there
        return bytes((send, distance + 2, SWAP, 2))
    null = (dis.opmap["PUSH_NULL"], 0, SWAP, 2) if ITERATOR_IN_TWO else ()
    return bytes((*null, send, distance, CACHE, 0))


def _drop() -> bytes:
    """Drops a delegate that has yielded; then the instruction that drops one that has ended."""
    if SEND_DROPS:  # which leaves both as one
        return bytes((POP_TOP, 0))
    below = 1 + ITERATOR_IN_TWO
    return bytes((SWAP, 1 + below, *(POP_TOP, 0) * below, dis.opmap["JUMP_FORWARD"], 1, dis.opmap["END_SEND"], 0))


def _stores(units: bytes | bytearray, variable: int) -> Iterator[int]:
    """Where a variable is stored, as byte offsets."""
    store = dis.opmap["STORE_FAST"]
    return (n for n in range(0, len(units), 2) if units[n] == store and argument_at(units, n) == variable)


def extensions(units: bytes | bytearray, at: int) -> int:
    """How many EXTENDED_ARG stand before an instruction."""
    count = 0
    while units[at - 2 * (count + 1)] == dis.EXTENDED_ARG:
        count += 1
    return count


def argument_at(units: bytes | bytearray, at: int) -> int:
    """The oparg of the instruction at a byte offset, with its EXTENDED_ARGs."""
    argument = units[at + 1]
    for n in range(1, extensions(units, at) + 1):
        argument |= units[at - 2 * n + 1] << 8 * n
    return argument
