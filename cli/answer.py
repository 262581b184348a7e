"""What a command has to say: tables and facts about a trace, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vmtrace.analysis.dataframes import pd
from vmtrace.cli.columns import Column, Kind


@dataclass(frozen=True)
class Table:
    """The result of one analysis, cut to the rows that were asked for."""

    name: str  # its key in JSON
    title: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]  # what text and Markdown show; JSON and CSV have every column
    left_out: int = 0  # rows beyond --top
    note: str = ""  # one line under the title that says how to read it

    @classmethod
    def top(
        cls, name: str, title: str, frame: pd.DataFrame, columns: tuple[Column, ...], top: int, note: str = ""
    ) -> Table:
        """The first `top` rows of a result (0: all of them)."""
        head = frame if top == 0 else frame.head(top)
        return cls(name, title, head, columns, len(frame) - len(head), note)


@dataclass(frozen=True)
class Fact:
    """One named value about a trace."""

    key: str  # in JSON and CSV
    label: str  # for people
    value: Any  # str, int, float, bool, None, or a list or mapping of them
    kind: Kind = Kind.TEXT
    unit: str = ""


@dataclass(frozen=True)
class Facts:
    """Named values about a trace, in reading order."""

    name: str
    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Origin:
    """The trace an answer is about, and whether it was whole."""

    path: str
    events: int
    complete: bool
    problem: str | None
    selected: str = ""  # the part of it that the answer is about, in words

    def as_json(self) -> Mapping[str, Any]:
        facts = {
            "path": self.path,
            "events": self.events,
            "complete": self.complete,
            "problem": self.problem,
        }
        return {**facts, "selected": self.selected} if self.selected else facts


@dataclass(frozen=True)
class Answer:
    """Everything one command says: about one trace (named "trace"), or about "base" and "head"."""

    origins: Mapping[str, Origin]
    parts: tuple[Table | Facts, ...]
