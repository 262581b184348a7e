"""What each opcode does, and what it says when it can't: pieces of programs run by CPython and by both forms of the VM.

`pieces/` holds them by theme, a line of three dashes between two.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import fused, natively, outcome, stepping

THEMES = sorted((Path(__file__).parent / "pieces").glob("*.txt"))


def pieces() -> Iterator[object]:
    for theme in THEMES:
        for number, piece in enumerate(theme.read_text().split("\n---\n")):
            yield pytest.param(piece, id=f"{theme.stem}-{number}")


@pytest.mark.parametrize("engine", [stepping, fused], ids=["stepping", "fused"])
@pytest.mark.parametrize("piece", list(pieces()))
def test_the_vm_does_what_cpython_does(piece: str, engine: object) -> None:
    assert outcome(piece, engine) == outcome(piece, natively)
