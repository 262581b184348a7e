"""Measures recorders against the untraced program: `python -m tests.bench`.

Each program runs untraced, under vmtrace's engines `native` and `vm`, and under a recorder that Python calls at every
instruction (`callbacks.py`), in turn, as often as asked for; then the writer alone. The machine is rarely all ours, so
only what ran side by side is compared: all figures are ratios, or come with them.

wall x          time from the start of the process to its end, the file being closed, by that of the untraced program
cpu x           the same for the processor time of the program's process
steady …        without start-up: what the same command takes with nothing to do is taken off both
writer cpu x    processor time of the writing processes, by that of the untraced program; they run beside it
callbacks / it  how many times longer the callbacks take (steady, to their advantage) than it (start-up included), each
                for as many instructions of the program
cpu / its cpu   the same for processor time, start-up taken off both: what the writing processes take is counted, too
memory +MB      highest, all processes added, above the untraced program
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Measured, compare, medians, text
from tests.bench.runs import PROGRAMS, RunError, Runner, Usage, commands

VMTRACE = ("native", "vm")
LEAST = 10_000
"""Events; a program whose scale is rounded to nothing has fewer."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(PROGRAMS)} (all)")
    parser.add_argument("--repeat", type=int, default=3, help="how many times all is run (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="of the programs' length, 2 to 3 s untraced (1)")
    parser.add_argument("--vm-scale", type=float, default=0.25, help="the same for vm, times --scale (0.25)")
    parser.add_argument("--callbacks-scale", type=float, default=0.02, help="for callbacks and others (0.02)")
    parser.add_argument("--only", action="append", metavar="RECORDER", help="native, vm, callbacks; repeatable (all)")
    parser.add_argument("--other", action="append", default=[], metavar="NAME=COMMAND", help="a VM: what runs PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go as JSON")
    parser.add_argument("--no-writer", action="store_true", help="do not measure the writer alone")
    given = parser.parse_args()
    unknown = set(given.programs) - set(PROGRAMS)
    if unknown:
        parser.error(f"no program {', '.join(sorted(unknown))}")
    return given


def short(runner: Runner, command: list[str], program: str, scale: float) -> Usage:
    """The middle one of as many runs as take a second together, at most five: what a short run takes is taken off, or
    divided by, and a hiccup of the machine would count many times.
    """
    runs = [runner.run(command, program, scale)]
    while len(runs) < 5 and sum(run.wall for run in runs) < 1:
        runs.append(runner.run(command, program, scale))
    return sorted(runs, key=lambda run: run.wall)[len(runs) // 2]


def measure(runner: Runner, program: str, found: dict[str, list[str]], scales: dict[str, float]) -> dict[str, Measured]:
    """One repetition."""
    measured = {name: Measured(scales[name]) for name in found if name != "untraced"}
    start = short(runner, found["untraced"], program, 0)
    untraced: dict[float, Usage] = {}
    for name, command in found.items():
        if name == "untraced":
            continue
        one, scale = measured[name], scales[name]
        if scale not in untraced:
            untraced[scale] = short(runner, found["untraced"], program, scale)
        try:
            one.start.append(short(runner, command, program, 0))
            one.runs.append(runner.run(command, program, scale))
        except RunError as error:
            one.problem = str(error)
            continue
        one.untraced.append(untraced[scale])
        one.untraced_start.append(start)
        if runner.trace.exists():
            one.events, one.bytes = runner.events()
            if one.events < LEAST:
                one.problem = f"at scale {scale:g} it does nothing"
        one.work = one.events if name in VMTRACE else instructions(runner, program, scale)
    return measured


def instructions(runner: Runner, program: str, scale: float) -> int:
    """How many vmtrace records of it."""
    runner.run(commands([])["native"], program, scale)
    return runner.events()[0]


def add(to: dict[str, Measured], more: dict[str, Measured]) -> None:
    for name, one in more.items():
        kept = to.setdefault(name, Measured(one.scale))
        for attribute in ("runs", "start", "untraced", "untraced_start"):
            getattr(kept, attribute).extend(getattr(one, attribute))
        kept.events, kept.work, kept.bytes = one.events, one.work, one.bytes
        kept.problem = kept.problem or one.problem


def main() -> None:
    given = options()
    found = {
        name: command
        for name, command in commands(given.other).items()
        if name == "untraced" or not given.only or name in given.only
    }
    scales = dict.fromkeys(found, given.scale * given.callbacks_scale)
    scales.update(native=given.scale, vm=given.scale * given.vm_scale)
    programs = given.programs or PROGRAMS
    results: dict[str, dict[str, Measured]] = {program: {} for program in programs}
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        for number in range(given.repeat):
            for program in programs:
                print(f"{number + 1}/{given.repeat} {program}", file=sys.stderr)
                add(results[program], measure(runner, program, found, scales))
    table = {
        name: {program: results[program][name].figures() for program in programs}
        for name in found
        if name != "untraced"
    }
    compare(table)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python}, {os.cpu_count()} cores, {given.repeat} times; medians; scales {scales}\n")
    print(text(table))
    written = {
        "python": python,
        "cores": os.cpu_count(),
        "repeat": given.repeat,
        "recorders": table,
        "medians": {name: medians(by_program) for name, by_program in table.items()},
    }
    if not given.no_writer:
        # In a process of its own: this one must stay small, see launcher.py.
        alone = subprocess.run([sys.executable, "-m", "tests.bench.writer"], capture_output=True, text=True, check=True)
        written["writer"] = json.loads(alone.stdout)
        print("the writer alone, on one core: millions of rows per second, bytes per row")
        for row in written["writer"]:
            print("".join(f"{word:>14}" for word in (list(row) if row is written["writer"][0] else [])))
            print("".join(f"{value:>14}" for value in row.values()))
    if given.json:
        given.json.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
