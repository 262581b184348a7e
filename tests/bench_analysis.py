"""How fast analyses answer, beside DuckDB and polars on the same file: `python -m tests.bench_analysis [TRACE…]`.

Needs the extra `bench` (DuckDB and polars). Without traces, it records some of two million instructions. Shows for each
trace: every analysis alone and all of a report in one pass, on one core; `vmtrace report` as a process, on one core and
on two, with the peak memory of all its processes together; and questions that can be put to DuckDB and polars as well,
all on one thread. Answers are compared: a difference is an error.

No test: figures depend on the machine and on what else it does. Each is the best of some runs in a row. Speeds are rows
per second of processor time, which other work on the machine disturbs least; only `vmtrace report` has wall time too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from vmtrace.analysis import Analysis, Instructions, OpcodesBy, Program, StackOverTime, StaticOpcodes, parallel
from vmtrace.cli.report import ANALYSES
from vmtrace.traces import open_trace

os.environ["POLARS_MAX_THREADS"] = "1"  # polars looks at it when it is imported
try:
    from tests import bench_queries as queries
except ModuleNotFoundError as error:
    sys.exit(f"{error}; install the extra `bench`: pip install -e '.[bench]'")

#: Those of a report, and those that commands have besides.
ALONE = (*ANALYSES, OpcodesBy, StaticOpcodes, Instructions, StackOverTime)

#: Programs to record if there is no trace, with what makes them run for two million instructions.
PROGRAMS = {
    "loops": "total = 0\nfor i in range(171):\n    for j in range(700):\n        total += i * j % 7\n"
    "        if total & 1:\n            total ^= j\n",
    "calls": "def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n"
    "for _ in range(7):\n    fib(20)\n",
    "generators": "def numbers(n):\n    for i in range(n):\n        yield i\n"
    "def squares(source):\n    for i in source:\n        yield i * i\nprint(sum(squares(numbers(90_000))))\n",
}


def best(run: Callable[[], Any], times: int = 3, seconds: float = 10.0) -> tuple[float, Any]:
    """The processor time of the fastest of some runs, fewer if they take long; and what it returned."""
    durations: list[float] = []
    while len(durations) < times and sum(durations) < seconds:
        begin = time.process_time()
        result = run()
        durations.append(time.process_time() - begin)
    return min(durations), result


def answer(path: Path, kinds: tuple[type[Analysis], ...]) -> list[Any]:
    """The results of analyses, from opening the trace on, in one pass on one core."""
    trace = open_trace(path)
    program = Program(trace)
    asked = [kind(program) for kind in kinds]
    parallel.run_on_cores(trace, asked)
    return [one.finish() for one in asked]


def report(path: Path, cores: int) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak memory (MB) of `vmtrace report`, over all its processes."""
    command = [sys.executable, "-m", "vmtrace.cli", "report", str(path)]
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    before = os.times()
    begin = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, preexec_fn=partial(os.sched_setaffinity, 0, allowed)
    ) as process:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, peak))
        watcher.start()
        status = process.wait()
        wall = time.perf_counter() - begin
        watcher.join()
    if status:
        raise SystemExit(f"vmtrace report ended with status {status}")
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, spent, peak[0] / 1024


def _watch(process: int, peak: list[int]) -> None:
    """Notes the most memory (kB) that a process and its children held together, shared pages counted once."""
    while os.path.exists(f"/proc/{process}/task"):
        held = sum(_held(one) for one in [process, *_children(process)])
        if not held:
            return
        peak[0] = max(peak[0], held)
        time.sleep(0.05)


def _children(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _held(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def record(folder: Path) -> Iterator[Path]:
    """Traces of PROGRAMS."""
    for name, source in PROGRAMS.items():
        program, trace = folder / f"{name}.py", folder / f"{name}.arrow"
        program.write_text(source)
        command = [sys.executable, "-m", "vmtrace.cli", "record", "-o", str(trace), str(program)]
        subprocess.run(command, check=True, capture_output=True)
        yield trace


def measure(path: Path) -> dict[str, Any]:
    """All figures of one trace. Speeds are in rows per second."""
    rows = len(open_trace(path))
    figures: dict[str, Any] = {"trace": str(path), "rows": rows, "bytes": path.stat().st_size}
    figures["alone"] = {kind.__name__: rows / best(partial(answer, path, (kind,)))[0] for kind in ALONE}
    figures["report in one pass"] = rows / best(partial(answer, path, ANALYSES))[0]
    runs = {cores: [report(path, cores) for _ in range(3)] for cores in (1, 2)}
    figures["vmtrace report"] = {
        f"cores: {cores}": {
            "seconds": min(wall for wall, _, _ in run),
            "processor seconds": min(spent for _, spent, _ in run),
            "rows per second": rows / min(spent for _, spent, _ in run),
            "peak MB": max(peak for _, _, peak in run),
        }
        for cores, run in runs.items()
    }
    figures["queries"] = {}
    for question, asked in queries.QUESTIONS.items():
        speeds: dict[str, float] = {}
        answers = []
        for name, query in asked.items():
            duration, found = best(partial(query, path))
            speeds[name] = rows / duration
            answers.append(found)
            if found != answers[0]:
                raise SystemExit(f"{path}: {name} gives another answer for {question}")
        figures["queries"][question] = speeds
    return figures


def show(figures: dict[str, Any]) -> None:
    print(f"\n{figures['trace']}: {figures['rows']:,} rows, {figures['bytes'] / 1e6:.1f} MB; million rows per second")
    for name, speed in figures["alone"].items():
        print(f"  {name:<24}{speed / 1e6:8.1f}")
    print(f"  {'a report in one pass':<24}{figures['report in one pass'] / 1e6:8.1f}")
    for cores, run in figures["vmtrace report"].items():
        print(
            f"  {'vmtrace report, ' + cores:<24}{run['rows per second'] / 1e6:8.1f}   "
            f"{run['processor seconds']:.2f} s of processors, {run['seconds']:.2f} s by the clock, "
            f"peak {run['peak MB']:.0f} MB"
        )
    print(
        f"  {'the same question to':<24}" + "".join(f"{name:>10}" for name in next(iter(figures["queries"].values())))
    )
    for question, speeds in figures["queries"].items():
        print(f"  {question:<24}" + "".join(f"{speed / 1e6:10.1f}" for speed in speeds.values()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench_analysis", description=__doc__.partition(":")[0])
    parser.add_argument("traces", metavar="TRACE", nargs="*", type=Path, help="[some that are recorded for it]")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = []
        for path in options.traces or record(Path(folder)):
            measured.append(measure(path))
            if options.format == "text":
                show(measured[-1])
    if options.format == "json":
        json.dump(measured, sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    main()
