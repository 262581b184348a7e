"""How a process that computes with numpy gets its memory."""

import numpy as np


def keep_freed_memory() -> None:
    """Has malloc keep what is freed from now on, instead of giving it back to the system and fetching it anew for each
    array: a third of the time. It does so (glibc's dynamic threshold) once memory of this size has been freed.
    """
    np.empty(31 << 20, np.uint8)
