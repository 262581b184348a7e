"""What an engine tells the recorder: a list of ints per thread, a token per basic block and per change of frame.

    n >= 0                     the top frame begins basic block n (the code's first block id + `Block.index`)
    ENTER, code_id, pos        a function is called; pos is where the frame below stands (f_lasti of its host frame)
    CREATE, code_id, pos, gen  a generator, coroutine or async generator is made; its first block follows, then SUSPEND
    RESUME, gen, pos           it goes on
    SUSPEND                    the top frame is suspended
    RETURN                     the top frame has returned
    RAISE, pos                 an exception at pos in the top frame, which goes on at a handler
    UNWIND, pos                an exception at pos ends the top frame

A token of several ints is appended at once, so a list is never read in the middle of one. Tokens are the highest ints
of 32 bits, so that a list is packed as unsigned ones, which takes half the time of signed ones.
"""

ENTER = 2**32 - 1
CREATE = 2**32 - 2
RESUME = 2**32 - 3
SUSPEND = 2**32 - 4
RETURN = 2**32 - 5
RAISE = 2**32 - 6
UNWIND = 2**32 - 7

WHOLE = "the program ended"
"""Why a recording stopped that has every instruction of the program."""
