"""The arrays that notes become on their way to rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Notes: TypeAlias = npt.NDArray[np.uint32]
"""As they were taken, modulo 2**32."""
Ints: TypeAlias = npt.NDArray[np.int64]
"""Indices, ids, and numbers of rows."""
Numbers: TypeAlias = npt.NDArray[np.int32]
"""Numbers of instructions, of which there are fewer: half as many bytes to be moved."""
Flags: TypeAlias = npt.NDArray[np.bool_]
Pieces: TypeAlias = npt.NDArray[np.uint32]
"""Of shape (3, pieces): first instruction, length in instructions, frame."""
Column: TypeAlias = npt.NDArray[Any]
