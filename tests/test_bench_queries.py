"""The questions of the benchmark: vmtrace, DuckDB and polars give the same answers."""

from __future__ import annotations

import pytest

from tests.recorded_traces import SAMPLES


@pytest.mark.parametrize("name", [path.stem for path in SAMPLES])
def test_all_give_the_same_answers(name: str) -> None:
    for module in ("duckdb", "polars"):
        pytest.importorskip(module, reason=f"{module} is none of vmtrace's dependencies: the extra `bench` has it")
    from tests.bench_queries import QUESTIONS

    path = SAMPLES[0].with_stem(name)
    for question, asked in QUESTIONS.items():
        answers = {who: query(path) for who, query in asked.items()}
        assert answers["vmtrace"], question
        assert answers["DuckDB"] == answers["vmtrace"], question
        assert answers["polars"] == answers["vmtrace"], question
