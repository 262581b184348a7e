"""The samples that come with the format: small programs, and the traces recorded from them."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest
from vmtrace.traces import open_trace

from tests import witness
from tests.command_line import SOURCES

SAMPLES = Path(__file__).parent.parent / "traces" / "samples"
PROGRAMS = sorted(SAMPLES.glob("*.py"))


def test_there_are_samples() -> None:
    assert len(PROGRAMS) >= 3


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_sample_trace_is_whole_and_of_its_program(program: Path) -> None:
    trace = open_trace(program.with_suffix(".arrow"))
    assert trace.complete, trace.problem
    assert trace.info["exit_status"] == 0
    texts = dict(zip(trace.sources["filename"].to_pylist(), trace.sources["text"].to_pylist(), strict=True))
    assert [text for name, text in texts.items() if name.endswith(program.name)] == [program.read_text()]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_sample_recorded_again_gives_the_same_rows(program: Path, tmp_path: Path) -> None:
    kept = open_trace(program.with_suffix(".arrow"))
    if not kept.info["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}."):
        pytest.skip(f"recorded on Python {kept.info['python']}, whose bytecode is another")
    path = tmp_path / "again.arrow"
    command = ["-m", "vmtrace.cli", "record", "-q", "-o", path, program]
    assert witness.plain(command, environment={"PYTHONPATH": str(SOURCES)}).status == 0
    again = open_trace(path)
    for column in ("opcode", "offset", "stack_depth", "frame_id", "code_id"):
        old, new = (pa.chunked_array(batch.column(0) for batch in trace.batches([column])) for trace in (kept, again))
        assert old.equals(new), column
