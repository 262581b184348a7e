"""The programs run as they say they do, and being watched changes nothing of what they print."""

from __future__ import annotations

import pytest

from tests import witness as w
from tests.witness_programs import Program, programs, witnessed

PROGRAMS = programs()


def test_there_are_enough_programs() -> None:
    assert len([program for program in PROGRAMS if not program.name[-3:].isdigit()]) >= 60


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_watching_changes_nothing(program: Program) -> None:
    plain = w.plain(program.command, stdin=program.stdin)
    assert plain.status == program.status, plain.stderr.decode()
    assert plain.stdout
    watched = witnessed(program)
    assert (watched.stdout, watched.stderr, watched.status) == (plain.stdout, plain.stderr, plain.status)
    assert sum(len(offsets) for _, offsets in watched.account.raw()) > 100
