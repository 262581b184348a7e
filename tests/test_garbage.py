"""Python collects no garbage in the thread that takes the notes, and the program cannot tell what is done for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import vm

PROLOGUE = """
import gc, os, sys, threading, time

class Cyclic:
    def __init__(self):
        self.me = self

    def __del__(self):
        finalised.append(threading.get_ident())

finalised = []
own = threading.get_ident()

def leave_garbage(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        Cyclic()
        time.sleep(0)
"""
PROGRAMS = {
    "finalisers run in the program's thread": """
gc.set_threshold(1)
leave_garbage(2)
assert len(finalised) > 100
assert {*finalised} == {own}, (len(finalised), sum(ident != own for ident in finalised))
""",
    "garbage is collected while the program waits in another thread": """
gc.set_threshold(1)
thread = threading.Thread(target=leave_garbage, args=[1])
thread.start()
thread.join()
assert finalised and {*finalised} <= {own, thread.ident}
""",
    "the collector is on and off as the program says": """
def busy():
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        yield from range(100)

assert all(gc.isenabled() for _ in busy())
assert gc.disable() is None
before = gc.get_stats()
assert not any(gc.isenabled() or Cyclic() is None for _ in busy())
assert gc.get_stats() == before and not finalised
assert gc.enable() is None
for _ in busy():
    gc.disable()
    assert not gc.isenabled()
    gc.enable()
    assert gc.isenabled()
    Cyclic()
assert finalised
assert (gc.enable.__name__, gc.disable.__name__, gc.isenabled.__name__) == ("enable", "disable", "isenabled")
assert gc.isenabled.__doc__ == "Returns true if automatic garbage collection is enabled."
""",
    "in a forked child the same": """
gc.set_threshold(1)
for turn in range(40):
    leave_garbage(0.01)
    child = os.fork()
    if not child:
        if turn % 2:
            gc.disable()
        else:
            finalised.clear()
            leave_garbage(0.1)
            assert finalised and {*finalised} == {own}
        assert gc.isenabled() != turn % 2
        if turn % 4:
            os._exit(0)
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
""",
}


@pytest.mark.parametrize("engine", ["vm", "native"])
@pytest.mark.parametrize("does", PROGRAMS)
def test_while_a_program_is_recorded(does: str, engine: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROLOGUE + PROGRAMS[does])
    run = vm("record", "-q", "--engine", engine, "-o", tmp_path / "trace.arrow", program)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
