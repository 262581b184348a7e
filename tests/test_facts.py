"""What a trace says of the code does not depend on the run that recorded it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import CodeType

from vmtrace.tracer.code import decode
from vmtrace.tracer.recorder.facts import describe
from vmtrace.tracer.vm import opcodes

SOURCE = """
def outer(word):
    def inner():
        return word in {'one', 'two', 'three', 'four'}
    return inner
"""


def argreprs(seed: str) -> str:
    """What another process with its own seed for the hashes of strings says."""
    code = "import test_facts; print(test_facts.in_this_process())"
    path = [str(Path(__file__).parent), *filter(None, sys.path)]
    env = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(path)}
    return subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True).stdout


def in_this_process() -> list[str]:
    texts = []
    parts = [compile(SOURCE, "file.py", "exec")]
    for part in parts:
        parts += [constant for constant in part.co_consts if isinstance(constant, CodeType)]
        texts += describe(decode(part, opcodes()), 0)["instructions"]["argrepr"]
    return texts


def test_arguments_hold_no_addresses_and_no_chance() -> None:
    texts = in_this_process()
    assert '<code object outer, file "file.py", line 2>' in texts
    assert "frozenset({'four', 'one', 'three', 'two'})" in texts
    assert {argreprs(seed) for seed in ("1", "2", "3")} == {f"{texts}\n"}
