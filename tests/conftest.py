"""What several test modules are given."""

from __future__ import annotations

import signal
from pathlib import Path

import pandas as pd
import pytest
from vmtrace.traces import Trace

from tests.recorded_traces import NAMES, events_of, opened


def pytest_configure() -> None:
    """Ctrl-C reaches what tests start, also where they run in the background of a script: a shell has it ignored there,
    and what is ignored is inherited.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test's own trace goes."""
    return tmp_path / "trace.arrow"


@pytest.fixture(params=NAMES)
def trace(request: pytest.FixtureRequest) -> Trace:
    """The sample traces, and those of programs recorded here, in turn."""
    return opened(request.param)


@pytest.fixture
def events(trace: Trace) -> pd.DataFrame:
    """The rows of `trace`, with what its static tables say of each."""
    return events_of(trace)
