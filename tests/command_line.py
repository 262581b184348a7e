"""Runs the `vmtrace` command as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# The tests start two thousand processes, and none of them has a matrix to multiply: with one thread for that, in place
# of one for each core, numpy is imported in 0.09 s of processor time, not in 0.15 s.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
SOURCES = Path(__file__).resolve().parent.parent / ".src"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "utf-8"}

PATIENCE = 300
"""Seconds for what takes one or two: who waits so long waits for something that will not come, however busy the
machine is."""


def vm(*args: str | Path, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """What a command line came to; `options` are those of `subprocess.run`."""
    return subprocess.run(
        [sys.executable, "-m", "vmtrace.cli", *map(str, args)],
        **{"capture_output": True, "text": True, "cwd": cwd, "env": ENVIRONMENT, **options},
    )
