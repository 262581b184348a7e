"""What a process that writes has to say at its end."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from vmtrace.tracer.recorder.ring import Receiver

Report = dict[str, Any]
"""`rows`, `frames`: written; `problem`: why not all of them, in one line, or None."""


def reported(receiver: Receiver, work: Callable[[Receiver, Report], None]) -> None:
    """Does the work of such a process, and reports to the sender what came of it, also if that is an exception."""
    report: Report = {"rows": 0, "frames": 0, "problem": None}
    try:
        work(receiver, report)
    except OSError as error:
        report["problem"] = error.strerror or str(error)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"{type(error).__name__}: {error}"[:2000]
        report["problem"] = f"{problem} ({where.name}, line {where.lineno})"
    receiver.report(report)
