"""Code that no compiler emits is refused in one line or runs; it never hangs us, and never takes the process down.

What a mutation may do to the interpreter, it does in a process of its own (`fuzz_worker`).
"""

from __future__ import annotations

import dis
import importlib.util
import json
import marshal
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.command_line import PATIENCE
from tests.fuzz_worker import CALLS, NUMBERS, SOURCE, TUPLES, codes

ROOT = Path(__file__).parent.parent
ENGINES = ("vm", "check", "native")
KINDS = ("refused", "ran", "impossible")


class Worker:
    """The process, started anew when it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, **request: Any) -> str:
        """What became of the code; in words of our own if the process did not live to tell."""
        process = self._process or self._start()
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], PATIENCE)[0]:
            self.close()
            return "hung"
        line = process.stdout.readline()
        if not line:
            status = process.wait()
            self.close()
            return f"died: {signal.Signals(-status).name if status < 0 else status}"
        return line.rstrip("\n")

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.fuzz_worker"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / ".src"), str(ROOT)])}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)
        return self._process


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    process = Worker()
    yield process
    process.close()


places = st.integers(0, 250)
octets = st.integers(0, 255)
opcodes = st.sampled_from(sorted(number for number in dis.opmap.values() if number < 256))
args = st.one_of(st.integers(0, 4), octets)
changes = st.one_of(
    st.tuples(st.just("poke"), places, octets),
    st.tuples(st.just("opcode"), places, opcodes, args),
    st.tuples(st.just("cut"), places),
    st.tuples(st.just("drop"), places),
    st.tuples(st.just("table"), places, octets),
    st.tuples(st.just("shorten"), st.sampled_from(TUPLES), st.integers(0, 3)),
    st.tuples(st.just("number"), st.sampled_from(NUMBERS), st.sampled_from([0, 1, 2, 3, 200, 2**31 - 1])),
    st.tuples(st.just("flag"), st.integers(0, 31)),
)
short = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_unchanged_code_runs(worker: Worker) -> None:
    assert {worker.ask(engine=engine, code=0, changes=[]) for engine in ENGINES} == {"ran"}


@short
@given(st.sampled_from(ENGINES), st.integers(0, 20), st.lists(changes, min_size=1, max_size=2))
def test_mutated_code_is_refused_or_runs(worker: Worker, engine: str, code: int, changes: list[Any]) -> None:
    said = worker.ask(engine=engine, code=code, changes=changes)
    assert said.split(maxsplit=1)[0] in KINDS, said
    if said.startswith("refused"):
        assert said.startswith("refused <fuzzed>: "), "it names file and function"


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_no_exception_is_not_raised_again(worker: Worker, engine: str) -> None:
    """Without any one of its instructions a handler may have something else where RERAISE looks for the exception."""
    for code, made in enumerate(codes()):
        for unit, opcode in enumerate(made.co_code[::2]):
            if opcode in BEFORE_RERAISE:
                said = worker.ask(engine=engine, code=code, changes=[["drop", unit]])
                assert said.split(maxsplit=1)[0] in KINDS, (code, unit, said)


BEFORE_RERAISE = {dis.opmap["SWAP"], dis.opmap["COPY"], dis.opmap["RERAISE"]}
BEHIND_RESUME = [instruction.offset for instruction in dis.get_instructions(compile("0", "", "exec"))][1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            [["opcode", BEHIND_RESUME // 2, dis.opmap["POP_TOP"], 0]],
            f"at offset {BEHIND_RESUME}: POP_TOP 0 with 0 entries on the stack",
        ),
        ([["cut", 2]], "control falls off the end"),
        ([["number", "co_stacksize", 1]], "stack deeper than co_stacksize 1"),
        ([["shorten", "co_names", 1]], "an oparg that stands for nothing"),
        ([["flag", 5]], "flags and RETURN_GENERATOR do not agree"),
    ],
)
def test_what_is_refused_is_said_in_one_line(worker: Worker, changes: list[Any], words: str) -> None:
    said = worker.ask(engine="vm", code=0, changes=changes)
    assert said.startswith("refused <fuzzed>: <module> at offset ") or "flags" in words, said
    assert words in said


@short
@given(st.data())
def test_a_damaged_pyc_file_is_refused_or_runs(worker: Worker, data: st.DataObject) -> None:
    code = compile(SOURCE + CALLS, "<fuzzed>", "exec")
    content = bytearray(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
    for _ in range(data.draw(st.integers(0, 2))):
        # The header, and what marshal makes of the rest; not the code units, which CPython itself trusts.
        at = data.draw(st.sampled_from([*range(24), *range(len(content) - 400, len(content))]))
        content[at] = data.draw(octets)
    cut = data.draw(st.sampled_from([len(content), len(content), *range(0, len(content), 97)]))
    said = worker.ask(engine="vm", pyc=bytes(content[:cut]).hex())
    assert said.split(maxsplit=1)[0] in KINDS, said
