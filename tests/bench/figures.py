"""What the runs say: ratios to the untraced program and to the callbacks, rates, sizes, as medians."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.bench.runs import Usage


@dataclass
class Measured:
    """One recorder on one program. Runs at the same place in the lists were made one after the other."""

    scale: float
    runs: list[Usage] = field(default_factory=list)
    start: list[Usage] = field(default_factory=list)
    """The same at scale 0."""
    untraced: list[Usage] = field(default_factory=list)
    """At the same scale."""
    untraced_start: list[Usage] = field(default_factory=list)
    events: int = 0
    work: int = 0
    """How many instructions vmtrace records of the program at this scale: `events`, if the recorder is vmtrace's."""
    bytes: int = 0
    problem: str | None = None

    def figures(self) -> dict[str, Any]:
        """Seconds are of the median run; ratios, the medians of the ratios within a repetition."""
        if self.problem is not None or not self.runs:
            return {"problem": self.problem or "not run"}
        steady = [run.without(start) for run, start in zip(self.runs, self.start, strict=True)]
        plain = [run.without(start) for run, start in zip(self.untraced, self.untraced_start, strict=True)]
        wall = median(run.wall for run in self.runs)
        peaks = [run.peak + run.helper_peak for run in self.runs]
        return {
            "scale": self.scale,
            "untraced seconds": median(run.wall for run in self.untraced),
            "wall seconds": wall,
            "wall ratio": median(_ratios([run.wall for run in self.runs], [run.wall for run in self.untraced])),
            "cpu ratio": median(_ratios([run.cpu for run in self.runs], [run.cpu for run in self.untraced])),
            "steady wall ratio": median(_ratios([run.wall for run in steady], [run.wall for run in plain])),
            "steady cpu ratio": median(_ratios([run.cpu for run in steady], [run.cpu for run in plain])),
            "writer cpu ratio": median(_ratios([run.helper_cpu for run in steady], [run.cpu for run in plain])),
            "steady seconds": median(run.wall for run in steady),
            "steady cpu seconds": median(run.cpu + run.helper_cpu for run in steady),
            "work": self.work,
            "events": self.events,
            "events per second": self.events / wall,
            "bytes per event": self.bytes / self.events if self.events else None,
            "extra memory MB": (max(peaks) - max(run.peak for run in self.untraced)) / 1e6,
            "writer memory MB": max(run.helper_peak for run in self.runs) / 1e6,
        }


def _ratios(values: Iterable[float], bases: Iterable[float]) -> list[float]:
    return [value / base for value, base in zip(values, bases, strict=True)]


COLUMNS = {
    "untraced seconds": "untraced s",
    "wall ratio": "wall x",
    "cpu ratio": "cpu x",
    "steady wall ratio": "steady wall x",
    "steady cpu ratio": "steady cpu x",
    "writer cpu ratio": "writer cpu x",
    "faster than callbacks": "callbacks / it",
    "less cpu than callbacks": "cpu / its cpu",
    "events": "M events",
    "events per second": "M events/s",
    "bytes per event": "bytes/event",
    "extra memory MB": "memory +MB",
}
MILLIONS = {"events", "events per second"}


def compare(table: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Adds, by recorder and program, by how much it is faster than the callbacks: their time for an instruction.

    The callbacks' start-up does not count, the other's does: the program is shorter under the callbacks. That is why it
    is not told by the ratios to the untraced program, which for a tenth of a second are a third higher or lower.
    """
    for recorder, by_program in table.items():
        for program, figures in by_program.items():
            slow = table.get("callbacks", {}).get(program, {})
            if "wall ratio" in slow and recorder != "callbacks" and "wall ratio" in figures:
                for name, theirs, its in (
                    ("faster than callbacks", "steady seconds", "wall seconds"),
                    ("less cpu than callbacks", "steady cpu seconds", "steady cpu seconds"),
                ):
                    figures[name] = slow[theirs] / slow["work"] / (figures[its] / figures["work"])


def medians(by_program: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Over the programs, by figure."""
    result = {}
    for name in COLUMNS:
        values = [figures[name] for figures in by_program.values() if figures.get(name) is not None]
        if values:
            result[name] = median(values)
    return result


def text(table: dict[str, dict[str, dict[str, Any]]]) -> str:
    """A table per recorder, as lines of text."""
    lines = []
    for recorder, by_program in table.items():
        shown = [name for name in COLUMNS if any(name in figures for figures in by_program.values())]
        lines.append(_line([recorder, *(COLUMNS[name] for name in shown)]))
        for program, figures in by_program.items():
            if "problem" in figures:
                lines.append(f"{program:<16} {figures['problem']}")
            else:
                lines.append(_line([program, *(_cell(name, figures.get(name)) for name in shown)]))
        middle = medians(by_program)
        lines += [_line(["median", *(_cell(name, middle.get(name)) for name in shown)]), ""]
    return "\n".join(lines)


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name in MILLIONS:
        value /= 1e6
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _line(words: Sequence[str]) -> str:
    first, *rest = words
    return f"{first:<16}" + "".join(f"{word:>15}" for word in rest)
