"""Runs the `vmtrace` command as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parent.parent / ".src"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "utf-8"}


def vm(*args: str | Path, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """What a command line came to; `options` are those of `subprocess.run`."""
    return subprocess.run(
        [sys.executable, "-m", "vmtrace.cli", *map(str, args)],
        **{"capture_output": True, "text": True, "cwd": cwd, "env": ENVIRONMENT, **options},
    )
