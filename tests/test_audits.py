"""Audit hooks of the program's are told of what it does, as without vmtrace, and end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import witness
from tests.command_line import SOURCES

PROGRAM = """
import os
import sys
import threading

heard = []
NAMED = {"compile", "exec", "open", "os.listdir", "import", "builtins.id", "sys.settrace", "object.__setattr__"}


def hook(event, given):
    if event.startswith("audited.") or (listening and event in NAMED):
        heard.append((event, *(x for x in given if x in (1, 2, "/dev/null", "abc"))))


def forbids(event, given):
    if event == "audited.forbidden":
        raise PermissionError(*given)


def listen(function):
    global listening
    listening = True
    try:
        return function()
    finally:
        listening = False
        print(function.__name__, [(event, *rest) for event, *rest in heard if event != "import"])
        heard.clear()


def helper(n):
    return n + 1


def calls():
    return sum(helper(n) for n in range(1000)), sorted([2, 1], key=lambda n: -n)


def defines():
    class Local:
        def method(self):
            return sys._getframe().f_code.co_name

    return Local().method()


def opens():
    open("/dev/null").close()
    os.listdir("/dev")


def executes():
    exec("x = 1")
    return eval("helper(1)")


def says():
    sys.audit("audited.one", 1, "abc")
    id(3) and sys.settrace(None)


def in_thread():
    thread = threading.Thread(target=says)
    thread.start()
    thread.join()


def forbidden():
    sys.audit("audited.forbidden", "so it is", 2)


listening = False
sys.addaudithook(hook)
sys.addaudithook(forbids)
for function in (calls, defines, opens, executes, in_thread):
    print(listen(function))
try:
    listen(forbidden)
except PermissionError as error:
    traceback = error.__traceback__
    while traceback:
        print(traceback.tb_frame.f_code.co_name, traceback.tb_lineno)
        traceback = traceback.tb_next
print(sys.addaudithook.__name__)
"""


@pytest.mark.parametrize("engine", ["vm", "check", "native"])
def test_audit_hooks_are_told_of_the_program_only(engine: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = ["-m", "vmtrace.cli", "record", "-q", "--engine", engine, "-o", tmp_path / "trace.arrow", program]
    expected = witness.plain([program])
    recorded = witness.plain(command, environment={"PYTHONPATH": str(SOURCES)})
    assert b"('audited.one', 1, 'abc')" in expected.stdout and expected.status == 0
    assert (recorded.stderr, recorded.stdout, recorded.status) == (expected.stderr, expected.stdout, expected.status)
