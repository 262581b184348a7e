"""The four ways to write an answer: text, Markdown, CSV, JSON. Each takes an Answer and returns a string."""

import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from vmtrace.cli.answer import Answer, Fact, Facts, Table
from vmtrace.cli.columns import Column, Kind, cell, cells, is_missing
from vmtrace.cli.layout import display_width, fit, pad, printable, shorten

GAP = 2  # spaces between the columns of a text table
READABLE = 24  # columns of the terminal that a name should have before numbers are left out for it

# An underscore within a word, as in LOAD_FAST, is none.
_MARKUP = re.compile(r"[\\`*\[\]<>|#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


@dataclass(frozen=True)
class Style:
    """What the place that a text goes to can show."""

    width: int | None = None  # columns of the terminal; None: lines may be as long as they are
    bold: bool = False
    ellipsis: str = "..."


PLAIN = Style()


def text(answer: Answer, style: Style = PLAIN) -> str:
    """For people: titles, aligned columns, thousands separators."""
    return "\n".join([*_selections(answer), *(_text_part(part, style) for part in answer.parts)])


def markdown(answer: Answer, style: Style = PLAIN) -> str:
    """GitHub-flavoured Markdown: a heading and a table for each part."""
    selections = map(_markdown_text, _selections(answer))
    return "\n".join([*selections, *(_markdown_part(part) for part in answer.parts)])


def _selections(answer: Answer) -> list[str]:
    """A line for each trace of which the answer is about a part."""
    return [printable(f"Of {one.path}: {one.selected}") + "\n" for one in answer.origins.values() if one.selected]


def as_csv(answer: Answer, style: Style = PLAIN) -> str:
    """One header and one row a record. Several parts in one answer are told apart in long form:
    the columns part, row, column, value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if len(answer.parts) == 1:
        header, rows = _records(answer.parts[0])
        writer.writerow(header)
        writer.writerows([_csv_value(value) for value in row] for row in rows)
        return out.getvalue()
    writer.writerow(["part", "row", "column", "value"])
    for part in answer.parts:
        header, rows = _records(part)
        for number, row in enumerate(rows):
            for column, value in zip(header, row, strict=True):
                writer.writerow([part.name, number, column, _csv_value(value)])
    return out.getvalue()


def as_json(answer: Answer, style: Style = PLAIN) -> str:
    """One object: `trace`, or `base` and `head` (path, events, complete, problem), then each part under
    its name: a table as a list of records, facts as an object. Numbers are numbers; what is missing or not
    finite is null."""
    document: dict[str, Any] = {name: dict(origin.as_json()) for name, origin in answer.origins.items()}
    for part in answer.parts:
        if isinstance(part, Facts):
            document[part.name] = {fact.key: plain(fact.value) for fact in part.facts}
        else:
            header, rows = _records(part)
            document[part.name] = [dict(zip(header, map(plain, row), strict=True)) for row in rows]
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[Answer, Style], str]] = {
    "text": text,
    "json": as_json,
    "csv": as_csv,
    "markdown": markdown,
}


def plain(value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if is_missing(value):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)


def _records(part: Table | Facts) -> tuple[list[str], Iterable[Sequence[Any]]]:
    """A part's column names and rows, with every column of the result."""
    if isinstance(part, Facts):
        return ["fact", "value"], [(fact.key, fact.value) for fact in part.facts]
    columns = [part.frame[name].tolist() for name in part.frame.columns]
    return [str(name) for name in part.frame.columns], zip(*columns, strict=True)


def _csv_value(value: Any) -> Any:
    """Nothing is an empty cell; a list or an object is written as JSON."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else value


def _text_part(part: Table | Facts, style: Style) -> str:
    title = f"\033[1m{part.title}\033[0m" if style.bold else part.title
    lines = [title]
    if isinstance(part, Facts):
        return "\n".join([*lines, "", *_text_facts(part.facts, style)]) + "\n"
    if part.note:
        lines.append(part.note)
    if part.frame.empty:
        return "\n".join([*lines, "", "  none"]) + "\n"
    lines += ["", *_text_table(part, style)]
    if part.left_out:
        lines.append(f"  {part.left_out:,} more: --top 0 shows them all")
    return "\n".join(lines) + "\n"


def _text_table(part: Table, style: Style) -> list[str]:
    columns = [_TextColumn(column, cells(part.frame, column)) for column in part.columns]
    if style.width is not None:
        _make_fit(columns, style.width, style.ellipsis)
    rule = _text_row(["-" * column.width for column in columns], columns)
    rows = zip(*(column.cells for column in columns), strict=True)
    return [_text_row([c.header for c in columns], columns), rule, *(_text_row(row, columns) for row in rows)]


class _TextColumn:
    """A column on its way to the page."""

    def __init__(self, column: Column, body: list[str]) -> None:
        self.header, self.cells = column.header, body
        self.right = column.kind is not Kind.TEXT
        self.spare = column.spare
        self.width = max(map(display_width, (self.header, *body)))


def _make_fit(columns: list[_TextColumn], width: int, ellipsis: str) -> None:
    """Make the columns fit on a terminal: without the spare ones if need be, and with names cut."""
    readable = sum(GAP + (c.width if c.right else min(c.width, READABLE)) for c in columns)
    if readable > width:
        columns[:] = [column for column in columns if not column.spare]
    room = width - GAP * len(columns)
    widths = fit([c.width for c in columns], [not c.right for c in columns], room)
    for column, narrowed in zip(columns, widths, strict=True):
        column.width = narrowed
        column.cells = [shorten(text, narrowed, ellipsis) for text in column.cells]


def _text_row(row: Sequence[str], columns: Sequence[_TextColumn]) -> str:
    padded = [pad(text, c.width, right=c.right) for text, c in zip(row, columns, strict=True)]
    return (" " * GAP + (" " * GAP).join(padded)).rstrip()


def _text_facts(facts: Sequence[Fact], style: Style) -> list[str]:
    width = max((display_width(fact.label) for fact in facts), default=0)
    lines = []
    for fact in facts:
        value = fact_text(fact)
        if style.width is not None:
            value = shorten(value, max(style.width - width - 2 * GAP, 12), style.ellipsis)
        lines.append(f"{' ' * GAP}{pad(fact.label, width, right=False)}{' ' * GAP}{value}")
    return lines


def fact_text(fact: Fact) -> str:
    """A fact's value as people read it, with its unit."""
    if is_missing(fact.value):
        return "-"
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    if isinstance(fact.value, list | dict):
        return printable(in_words(fact.value))
    return cell(fact.value, fact.kind) + (f" {fact.unit}" if fact.unit else "")


def in_words(value: Any) -> str:
    """A list or an object as people read it; a list of words as a shell would take it."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {in_words(item)}" for key, item in value.items() if item) or "-"
    if isinstance(value, list):
        return shlex.join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def _markdown_part(part: Table | Facts) -> str:
    lines = [f"### {_markdown_text(part.title)}", ""]
    if isinstance(part, Facts):
        rows = [[_markdown_text(f.label), _markdown_text(fact_text(f))] for f in part.facts]
        return "\n".join([*lines, "| fact | value |", "| --- | --- |", *map(_markdown_row, rows)]) + "\n"
    if part.note:
        lines += [_markdown_text(part.note), ""]
    if part.frame.empty:
        return "\n".join([*lines, "none"]) + "\n"
    lines.append(_markdown_row([_markdown_text(column.header) for column in part.columns]))
    lines.append(_markdown_row(["---" if c.kind is Kind.TEXT else "---:" for c in part.columns]))
    body = [[_markdown_cell(text, column) for text in cells(part.frame, column)] for column in part.columns]
    lines += map(_markdown_row, zip(*body, strict=True))
    if part.left_out:
        lines += ["", f"{part.left_out:,} more rows."]
    return "\n".join(lines) + "\n"


def _markdown_row(row: Sequence[str]) -> str:
    return "| " + " | ".join(row) + " |"


def _markdown_cell(value: str, column: Column) -> str:
    """A cell; the indentation of a tree has to survive, and Markdown drops leading spaces."""
    bare = value.lstrip(" ")
    return "&nbsp;" * (len(value) - len(bare)) + _markdown_text(bare) if column.indent else _markdown_text(value)


def _markdown_text(value: str) -> str:
    """The text with what Markdown would take for markup escaped (names such as `<module>`, `__init__`)."""
    return _MARKUP.sub(r"\\\g<0>", value)
