"""`vmtrace verify` as a process: agreement, differences, programs that do not repeat themselves, odd ends."""

from __future__ import annotations

import importlib.util
import marshal
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vmtrace.cli.main import run
from vmtrace.traces import open_trace

from tests.command_line import ENVIRONMENT, PATIENCE, vm

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def verify(tmp_path: Path) -> Any:
    """A function that writes a program and verifies it."""

    def verified(source: str, *options: str, given: str = "", environment: dict[str, str] | None = None) -> Done:
        (tmp_path / "prog.py").write_text(source)
        env = {**ENVIRONMENT, **(environment or {})}
        return vm("verify", *options, "prog.py", cwd=tmp_path, input=given, env=env)

    return verified


LOOP = """\
def count(n):
    total = 0
    for i in range(n):
        total += i
    return total
print(count(5))
"""


def test_agreement_says_what_agreed(verify: Any) -> None:
    done = verify(LOOP)
    assert (done.returncode, done.stderr) == (0, "")
    words, events, frames, outcome, _ = done.stdout.splitlines()
    assert words.startswith("vm agrees with CPython 3.")
    assert int(events.split()[1].rstrip(",")) > 30
    assert frames.split(maxsplit=1)[1] == "2 of 2 code objects in 1 thread"
    assert outcome.split(maxsplit=1)[1] == "3 bytes of output, nothing of errors, exit status 0"


def test_a_file_name_that_is_no_unicode_is_no_difference(tmp_path: Path) -> None:
    program = os.path.join(os.fsencode(tmp_path), b"\xe9\xff.py")
    with open(program, "w") as file:
        file.write(LOOP)
    done = vm("verify", os.fsdecode(program), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_all_engines_are_held_against_cpython_and_each_other(verify: Any, tmp_path: Path) -> None:
    done = verify(LOOP, "--engine", "all", "--keep", "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    titles = [line.partition(" 3.")[0] for line in done.stdout.splitlines() if "agrees" in line]
    pairs = (
        ["vm", "CPython"],
        ["native", "CPython"],
        ["native", "vm"],
        *(["check", x] for x in ("CPython", "vm", "native")),
    )
    assert titles == [f"{one} agrees with {other}" for one, other in pairs]
    lengths = {len(open_trace(tmp_path / "kept" / f"{name}.arrow")) for name in ("vm", "native", "check")}
    assert len(lengths) == 1
    again = verify(LOOP, "--keep", "kept")
    assert (again.returncode, again.stdout) == (2, "") and "vm.arrow exists" in again.stderr


def test_a_difference_is_shown_with_what_was_executed_around_it(verify: Any) -> None:
    """A program can tell an engine from CPython by the code of its functions; that is no bug of the engine's."""
    source = """\
def f(length):
    if length > 100:
        return 1
    return 2
f(len(f.__code__.co_code))
"""
    done = verify(source)
    assert (done.returncode, done.stderr) == (1, "")
    title, after, both, *lines = done.stdout.splitlines()
    assert title.startswith("vm differs from CPython 3.") and after.startswith("  after ")
    assert both == "  both"
    cpython, engine = lines.index("  CPython"), lines.index("  vm")
    assert "prog.py:2  f " in lines[cpython - 1] and lines[cpython - 1].endswith("if length > 100:")
    assert "prog.py:4  f " in lines[cpython + 1] and lines[cpython + 1].endswith("return 2")
    assert any("prog.py:3  f " in line and line.endswith("return 1") for line in lines[engine + 1 : engine + 3])


def test_a_long_constant_is_shown_by_its_ends(verify: Any) -> None:
    source = f"""\
def f(length):
    return "begin{"-" * 5000}end" if length > 100 else 2
f(len(f.__code__.co_code))
"""
    done = verify(source)
    assert (done.returncode, done.stderr) == (1, "")
    assert "LOAD_CONST 'begin---" in done.stdout and "---end'" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 400


def test_a_difference_in_what_was_written(verify: Any) -> None:
    done = verify("def f(): 1\nt = len(f.__code__.co_code) > 60\nprint('same')\nprint(t)\nraise SystemExit(t)\n")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1:] == [
        done.stdout.splitlines()[1],
        "  line 2 of the output",
        "    CPython: False",
        "    vm: True",
        "  CPython: exit status 0; vm: exit status 1",
    ]


def test_a_program_that_does_not_repeat_itself_is_named(verify: Any) -> None:
    done = verify("import os\nprint(os.urandom(8))\n")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("the program does not repeat itself")
    assert "CPython again differs from CPython" in done.stdout and "line 1 of the output" in done.stdout


@pytest.mark.parametrize("seed", [None, "7", "random"])
def test_hashes_are_the_same_in_every_run(verify: Any, seed: str | None) -> None:
    done = verify("print(hash('a'))", environment={"PYTHONHASHSEED": seed} if seed else {})
    assert done.returncode == 0, done.stdout


def test_every_run_gets_the_same_input(verify: Any) -> None:
    done = verify("import sys\nprint(len(sys.stdin.readline()), len(sys.stdin.read()))", given="x" * 200_000 + "\ny")
    assert (done.returncode, done.stderr) == (0, "")
    assert "9 bytes of output" in done.stdout


@pytest.mark.parametrize(
    ("source", "end"),
    [
        ("import sys\nsys.exit(7)", "exit status 7"),
        ("print(1 / 0)", "exit status 1"),
        ("import os\nfor i in range(9): i\nos._exit(3)", "exit status 3"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("import os\npid = os.fork()\nos._exit(5) if not pid else print(os.waitpid(pid, 0)[1])", "exit status 0"),
        ("import sys, time\nsys.stdout.close()", "exit status 0"),
        ("raise KeyboardInterrupt", "ended by SIGINT"),
    ],
)
def test_ends(verify: Any, source: str, end: str) -> None:
    done = verify(source)
    assert done.returncode == 0 or "KILL" in end, done.stdout + done.stderr
    assert end in done.stdout and "differs" not in done.stdout
    assert ("as far as it was recorded" in done.stdout) == ("kill" in source or source.startswith("import os\nfor"))


def test_threads_are_compared_each_by_itself(verify: Any) -> None:
    source = """\
import threading
def work(n):
    for i in range(n): i
threads = [threading.Thread(target=work, args=[n]) for n in (2000, 3000)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    done = verify(source)
    assert done.returncode == 0, done.stdout
    assert "in 3 threads" in done.stdout and "each in order" in done.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["absent.py"], "cannot read absent.py: No such file or directory"),
        (["."], "it has no __main__ module"),
        (["empty.pyc"], "is empty"),
        (["broken.py"], "broken.py, line 1: SyntaxError"),
        (["-m", "no_such_module"], "cannot run module"),
        (["-m", "-c", "x"], "exclude each other"),
        (["--engine", "other", "prog.py"], "other"),
        (["--keep", "empty.pyc", "prog.py"], "empty.pyc"),
        ([], "PROGRAM"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    args: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty.pyc").touch()
    (tmp_path / "broken.py").write_text("def")
    (tmp_path / "prog.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert run(["verify", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("vmtrace: error: ") and err.count("\n") == 1 and words in err


def test_code_that_an_engine_cannot_run_is_one_line(tmp_path: Path) -> None:
    code = compile("x = 1", "prog.py", "exec")
    units = bytearray(code.co_code)
    units[-2:] = bytes(2)
    content = importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code.replace(co_code=bytes(units)))
    (tmp_path / "prog.pyc").write_bytes(content)
    done = vm("verify", "prog.pyc", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("vmtrace: error: vm did not run it: ") and done.stderr.count("\n") == 1
    assert "prog.py: <module>" in done.stderr


def test_ctrl_c_ends_the_run(tmp_path: Path) -> None:
    program = "import sys, time\nopen('begun', 'w').close()\ntime.sleep(60)"
    (tmp_path / "prog.py").write_text(program)
    command = [sys.executable, "-m", "vmtrace.cli", "verify", "prog.py"]
    process = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE)[1] == "vmtrace: interrupted\n"
    assert process.returncode == 130


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text("1")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = vm("verify", "prog.py", cwd=tmp_path, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_a_package_of_the_library_is_run_anew(tmp_path: Path) -> None:
    """The witness, too, must not have imported it for itself."""
    (tmp_path / "data.json").write_text("[1]")
    done = vm("verify", "--engine", "native", "-m", "json.tool", "data.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "agrees" in done.stdout
