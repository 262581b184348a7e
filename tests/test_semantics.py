"""What each opcode does, and what it says when it can't: pieces of programs on CPython and on both forms of the VM."""

from __future__ import annotations

import pytest

from tests.engines import fused, natively, outcome, pieces, stepping


@pytest.mark.parametrize("engine", [stepping, fused], ids=["stepping", "fused"])
@pytest.mark.parametrize("piece", [pytest.param(source, id=name) for name, source in pieces()])
def test_the_vm_does_what_cpython_does(piece: str, engine: object) -> None:
    assert outcome(piece, engine) == outcome(piece, natively)
