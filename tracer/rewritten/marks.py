"""The notes that rewritten code takes, and how they read in the words of `notes`.

A note costs the program some 3 ns to take and 15 to copy, so one int says as much as is known beforehand. Every int
is below 2**30, where CPython computes fastest. The highest bits say what it is, the others are a block, b, or a
generator's number, n:

    b                        block b begins
    ENTER | b, pos           a frame is entered; b is its first block
    CREATE | b, pos, GOES_ON | n   a generator is made; b is its first block
    CONTROL | RESUME, pos, GOES_ON | n   a generator goes on
    CONTROL | SUSPEND, …     as in `notes`
    RETURNS | b              block b begins, and returns without entering anything
    SUSPENDS | b             block b begins, and yields without entering anything
    WAITING | b              block b begins, which is no more than an instruction that may enter a generator
    GOES_ON | n              right after it: a generator goes on there
    ENTER_WAITING | b        right after it: a frame is entered there; b is its first block

`pos` is the offset of an instruction of the program, not of the rewritten code.
"""

from __future__ import annotations

SHIFT = 24
BELOW = (1 << SHIFT) - 1
"""No block is higher, and no offset."""
ENTER, CREATE, CONTROL, RETURNS, SUSPENDS, ENTER_WAITING = (kind << SHIFT for kind in range(1, 7))
SUSPEND, RETURN, RAISE, UNWIND, RESUME = (CONTROL | number for number in range(5))
GOES_ON = 1 << 28
GENERATORS = 1 << 28
"""Numbers of generators are below; after that they begin anew."""
WAITING = 3 << 28
"""No other note is as high."""
