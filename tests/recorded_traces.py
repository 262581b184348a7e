"""Traces that programs left, recorded before or here and now, and plain tables of what is in them."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pandas as pd
import vmtrace.traces
from vmtrace.analysis import Analysis, Program, run
from vmtrace.traces import Trace, open_trace

from tests.command_line import ENVIRONMENT

SAMPLES = sorted((Path(vmtrace.traces.__file__).parent / "samples").glob("*.arrow"))
PROGRAMS = Path(__file__).parent / "programs"
#: Recursion, generators, threads, coroutines, exceptions; and a module of the library, on a program.
RECORDED = {
    "recursion": ["recursion.py"],
    "generators": ["generator_pipeline.py"],
    "threads": ["threads_joined.py"],
    "asyncio": ["asyncio_producer_consumer.py"],
    "exceptions": ["exceptions_flow.py"],
    "loops": ["loops_counted.py"],
    "library": ["--include", "tokenize", "-m", "tokenize", "uncaught_group.py"],
}


@cache
def recorded(name: str) -> Path:
    """The trace of a program, recorded here and now; what it printed lies beside it."""
    path = Path(mkdtemp(prefix="vmtrace-")) / "trace.arrow"
    command = [sys.executable, "-m", "vmtrace.cli", "record", "-q", "-o", str(path), *RECORDED[name]]
    done = subprocess.run(command, check=True, cwd=PROGRAMS, env=ENVIRONMENT, capture_output=True)
    path.with_name("stdout").write_bytes(done.stdout)
    return path


NAMES = [*(path.stem for path in SAMPLES), *RECORDED]


def opened(name: str) -> Trace:
    """One of NAMES."""
    return open_trace(recorded(name) if name in RECORDED else SAMPLES[0].with_stem(name))


def events_of(trace: Trace) -> pd.DataFrame:
    """The rows, with what the static tables say of each."""
    rows = trace.to_pandas()
    rows["opcode"] = rows["opcode"].astype(str)
    instructions = trace.instructions.to_pandas()[["code_id", "offset", "line", "jump_target", "falls_through"]]
    codes = trace.codes.to_pandas()[["code_id", "qualname", "module", "filename"]]
    return rows.merge(instructions, on=["code_id", "offset"], how="left").merge(codes, on="code_id", how="left")


def blocks_of(trace: Trace) -> dict[int, list[list[int]]]:
    """The offsets of each basic block, by code."""
    blocks: dict[int, list[list[int]]] = {}
    for code, rows in trace.instructions.to_pandas().groupby("code_id"):
        leaders = {0, *rows["jump_target"].dropna().astype(int), *rows["handler"].dropna().astype(int)}
        mine = blocks.setdefault(int(code), [])
        for row in rows.itertuples():
            if row.offset in leaders or not mine:
                mine.append([])
            mine[-1].append(int(row.offset))
            if (
                not row.falls_through
                or not pd.isna(row.jump_target)
                or row.opcode in ("YIELD_VALUE", "RETURN_GENERATOR")
            ):
                leaders.add(int(row.offset) + 2)
                leaders.update(rows["offset"][rows["offset"] > row.offset].head(1).astype(int))
    return blocks


def result(trace: Trace, analysis: type[Analysis], **options: Any) -> pd.DataFrame:
    """What an analysis of the whole trace says."""
    made = analysis(Program(trace), **options)
    run(trace, [made])
    return made.finish()
