"""The command line as a process: what it writes where, and with which status it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from vmtrace.cli.main import COMMANDS, run
from vmtrace.traces import TraceWriter

from tests.command_line import ENVIRONMENT, vm
from tests.sample_traces import write_sample

REPORTS = tuple(name for name in COMMANDS if name not in ("record", "verify", "diff"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with trace.arrow, and files that are none."""
    path = tmp_path_factory.mktemp("cli")
    write_sample(path / "trace.arrow", 10)
    (path / "text.arrow").write_text("not a trace")
    (path / "empty.arrow").touch()
    TraceWriter(path / "rowless.arrow", opcode_names=[f"op{n}" for n in range(256)], run={}).close({})
    (path / "folder.png").mkdir()
    return path


def test_no_command_shows_the_help_and_is_a_mistake() -> None:
    done = vm()
    assert (done.returncode, done.stdout) == (2, "")
    assert "opcodes" in done.stderr


def test_the_overview_names_every_command_and_loads_none() -> None:
    code = (
        "import sys; from vmtrace.cli.main import run; run(['--help']);"
        "print(sorted({'pandas', 'pyarrow', 'matplotlib'} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.stderr == "[]\n"
    for name, entry in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert entry.summary in " ".join(done.stdout.split())


def test_a_report_without_plot_does_not_load_matplotlib(folder: Path) -> None:
    runs = "".join(f"run([{name!r}]); " for name in REPORTS)
    code = f"import sys; from vmtrace.cli.main import run; {runs} assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=folder, env=ENVIRONMENT, capture_output=True)


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["nonsense"], 2, "nonsense"),
        (["opcodes", "absent.arrow"], 1, "absent.arrow: no such file"),
        (["opcodes", "."], 1, "not a file"),
        (["opcodes", "text.arrow"], 1, "not a trace"),
        (["info", "empty.arrow"], 1, "empty"),
        (["report", "rowless.arrow"], 1, "no instruction was recorded"),
        (["calls", "rowless.arrow"], 1, "no instruction was recorded"),
        (["opcodes", "--top", "-1"], 2, "--top"),
        (["opcodes", "--top", "x"], 2, "--top"),
        (["opcodes", "--format", "yaml"], 2, "yaml"),
        (["opcodes", "--plot", "x.gif"], 2, ".png, .svg or .pdf"),
        (["opcodes", "--plot", "no/x.png"], 2, "no folder"),
        (["opcodes", "--plot", "folder.png"], 2, "folder.png"),
        (["loops", "a", "b"], 2, "unexpected"),
        (["opcodes", "--by", "module", "--static"], 2, "exclude"),
        (["pairs", "--neighbours", "--plot", "x.png"], 2, "exclude"),
        (["pairs", "-n", "9"], 2, "-n"),
        (["pairs", "-n", "3", "--neighbours"], 2, "-n says nothing"),
        (["calls", "--folded", "--format", "json"], 2, "--folded"),
        (["calls", "--folded", "--top", "3"], 2, "--folded"),
        (["stack", "--by", "line"], 2, "--by"),
        (["opcodes", "--from", "work:0"], 2, "--from"),
        (["report", "--thread", "7"], 1, "no thread 7"),
        (["lines", "--disassembly", "--top", "3"], 2, "exclude"),
        (["lines", "--coverage", "--plot", "x.png"], 2, "exclude"),
        (["phases", "--threshold", "1"], 2, "--threshold"),
        (["diff", "trace.arrow"], 2, "HEAD"),
        (["diff", "trace.arrow", "text.arrow"], 1, "not a trace"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_a_status(
    args: list[str],
    status: int,
    words: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert run(args) == status
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("vmtrace: error: ") and err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize(("args", "status"), [(["nonsense"], 2), (["opcodes", "text.arrow"], 1), (["opcodes"], 0)])
def test_the_process_ends_with_the_status(args: list[str], status: int, folder: Path) -> None:
    done = vm(*args, cwd=folder)
    assert done.returncode == status
    assert (done.stdout == "", done.stderr.count("\n")) == ((False, 0) if status == 0 else (True, 1))


@pytest.mark.parametrize("part", range(8))
def test_a_damaged_trace_is_one_line(
    part: int, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray((folder / "trace.arrow").read_bytes())
    data[len(data) * (2 * part + 1) // 16] ^= 0x10
    (tmp_path / "broken.arrow").write_bytes(data)
    assert run(["opcodes", str(tmp_path / "broken.arrow")]) in (0, 1)
    err = capfd.readouterr().err
    assert err.count("\n") <= 1 and "Traceback" not in err


@pytest.mark.parametrize("args", [["opcodes"], ["calls", "--folded"], ["lines", "--function", "work"]])
def test_a_closed_pipe_is_quiet(args: list[str], tmp_path: Path) -> None:
    write_sample(tmp_path / "trace.arrow", 10)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = vm(*args, cwd=tmp_path, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_plot_that_cannot_be_written_is_one_line(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "plot.png"
    path.symlink_to("/dev/full")
    done = vm("opcodes", "--plot", path, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"vmtrace: error: {path}: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = vm("opcodes", cwd=folder, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == "vmtrace: error: cannot write to the standard output: No space left on device\n"


def test_a_closed_stdout_is_one_line(folder: Path) -> None:
    done = vm("opcodes", cwd=folder, preexec_fn=lambda: os.close(1), capture_output=False, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == "vmtrace: error: the standard output is closed\n"


def test_names_are_written_whole_where_there_is_no_terminal_and_in_any_encoding(folder: Path) -> None:
    done = vm("opcodes", cwd=folder, env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "COLUMNS": "20"})
    assert done.returncode == 0
    assert "RETURN_VALUE" in done.stdout and "\033" not in done.stdout


def test_a_terminal_gets_bold_titles_and_lines_that_fit(folder: Path) -> None:
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    env = {**ENVIRONMENT, "COLUMNS": "24", "LINES": "40"}
    process = subprocess.Popen([sys.executable, "-m", "vmtrace.cli", "opcodes"], stdout=follower, cwd=folder, env=env)
    assert process.wait() == 0
    os.close(follower)
    lines = os.read(leader, 65536).decode().splitlines()
    os.close(leader)
    assert lines[0].startswith("\033[1m")
    assert any("…" in line for line in lines)


def test_ctrl_c_is_one_line_and_130(folder: Path) -> None:
    code = (
        "import os, signal, vmtrace.cli.session as s; from vmtrace.cli.main import run\n"
        "s.run_on_cores = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)\n"
        "raise SystemExit(run(['opcodes']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "vmtrace: interrupted\n")
