"""What several test modules are given."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from vmtrace.traces import Trace

from tests.recorded_traces import NAMES, events_of, opened


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
