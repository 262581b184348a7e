"""How values, tables and facts are written."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vmtrace.cli.answer import Answer, Fact, Facts, Origin, Table
from vmtrace.cli.columns import Column, Kind, cell, cells
from vmtrace.cli.formats import FORMATS, Style
from vmtrace.cli.layout import display_width, fit, pad, printable, shorten

COLUMNS = (
    Column("count", "count", Kind.COUNT),
    Column("share", "self %", Kind.PERCENT),
    Column("mean", "mean", Kind.NUMBER),
    Column("name", "function", indent="level"),
)
FRAME = pd.DataFrame(
    {
        "name": ["main", "a|b__c__", "<lambda>"],
        "level": [0, 1, 2],
        "count": [1234567, 20, 0],
        "share": [99.5, 0.001, 0.0],
        "mean": [1234.5, math.nan, math.inf],
        "extra": [1, 2, 3],
    }
)
ORIGIN = Origin("t.arrow", 1234567, True, None)


def written(form: str, *parts: Table | Facts, style: Style | None = None) -> str:
    return FORMATS[form](Answer({"trace": ORIGIN}, parts), style or Style())


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (1234567, Kind.COUNT, "1,234,567"),
        (np.uint64(2**63), Kind.COUNT, "9,223,372,036,854,775,808"),
        (1234, Kind.NAME, "1234"),
        (0, Kind.PERCENT, "0.00"),
        (0.004, Kind.PERCENT, "<0.01"),
        (0.005, Kind.PERCENT, "0.01"),
        (100, Kind.PERCENT, "100.00"),
        (1234.567, Kind.NUMBER, "1,234.57"),
        (math.nan, Kind.COUNT, "-"),
        (math.inf, Kind.NUMBER, "-"),
        (None, Kind.TEXT, "-"),
        (pd.NA, Kind.NAME, "-"),
        ("a\x1b[31mred\n", Kind.TEXT, r"a\x1b[31mred\n"),
    ],
)
def test_a_cell(value: Any, kind: Kind, expected: str) -> None:
    assert cell(value, kind) == expected


def test_the_text_of_a_tree_is_indented() -> None:
    assert cells(FRAME, COLUMNS[3]) == ["main", "  a|b__c__", "    <lambda>"]


def test_text_aligns_numbers_right_and_names_left() -> None:
    part = Table.top("calls", "Calls", FRAME, COLUMNS, 2, "note")
    assert written("text", part) == (
        "Calls\nnote\n\n"
        "      count  self %      mean  function\n"
        "  ---------  ------  --------  ----------\n"
        "  1,234,567   99.50  1,234.50  main\n"
        "         20   <0.01         -    a|b__c__\n"
        "  1 more: --top 0 shows them all\n"
    )


def test_an_empty_table_says_so() -> None:
    part = Table.top("calls", "Calls", FRAME.head(0), COLUMNS, 2)
    assert written("text", part) == "Calls\n\n  none\n"
    assert written("csv", part) == "name,level,count,share,mean,extra\n"
    assert json.loads(written("json", part))["calls"] == []
    assert "none" in written("markdown", part)


def test_long_names_are_cut_in_the_middle_on_a_terminal_only() -> None:
    name = "a_beginning_" + "x" * 300 + "_the_end"
    frame = FRAME.head(1).assign(name=[name])
    part = Table.top("calls", "Calls", frame, COLUMNS, 0)
    narrow = written("text", part, style=Style(width=60, ellipsis="…"))
    assert max(map(len, narrow.splitlines())) <= 60
    assert "a_beg" in narrow and "_end" in narrow and "…" in narrow
    for form in FORMATS:
        assert "x" * 300 in written(form, part)


def test_markdown_escapes_markup_and_keeps_the_indentation() -> None:
    lines = written("markdown", Table.top("calls", "Calls", FRAME, COLUMNS, 0)).splitlines()
    assert lines[0] == "### Calls"
    assert lines[3] == "| ---: | ---: | ---: | --- |"
    assert lines[5] == r"| 20 | <0.01 | - | &nbsp;&nbsp;a\|b\_\_c\_\_ |".replace("<0.01", r"\<0.01")
    assert lines[6].endswith(r"&nbsp;&nbsp;&nbsp;&nbsp;\<lambda\> |")


def test_json_has_every_column_numbers_as_numbers_and_null_for_nothing() -> None:
    document = json.loads(written("json", Table.top("calls", "Calls", FRAME, COLUMNS, 0)))
    assert document["trace"] == {"path": "t.arrow", "events": 1234567, "complete": True, "problem": None}
    assert document["calls"][0] == {
        "name": "main", "level": 0, "count": 1234567, "share": 99.5, "mean": 1234.5, "extra": 1,
    }  # fmt: skip
    assert [row["mean"] for row in document["calls"]] == [1234.5, None, None]


def test_csv_has_every_column_and_nothing_for_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", Table.top("calls", "Calls", FRAME, COLUMNS, 0)))))
    assert rows[0]["count"] == "1234567"
    assert [row["mean"] for row in rows] == ["1234.5", "", ""]


def test_several_parts_make_one_csv_in_long_form() -> None:
    facts = Facts("info", "Info", (Fact("argv", "command", ["a b", "c"]), Fact("complete", "complete", True)))
    calls = Table.top("calls", "Calls", FRAME, COLUMNS, 1)
    rows = list(csv.DictReader(io.StringIO(written("csv", facts, calls))))
    assert rows[0] == {"part": "info", "row": "0", "column": "fact", "value": "argv"}
    assert json.loads(rows[1]["value"]) == ["a b", "c"]
    assert rows[3]["value"] == "true"
    assert {"part": "calls", "row": "0", "column": "share", "value": "99.5"} in rows


def test_facts_are_aligned_and_lists_are_written_as_a_shell_takes_them() -> None:
    facts = Facts(
        "info",
        "Info",
        (
            Fact("argv", "command", ["a b", "c"]),
            Fact("size", "file size", 12345, Kind.COUNT, "bytes"),
            Fact("scope", "scope", {"include": ["x"], "exclude": []}),
            Fact("problem", "problem", None),
            Fact("complete", "complete", False),
        ),
    )
    assert written("text", facts) == (
        "Info\n\n"
        "  command    'a b' c\n"
        "  file size  12,345 bytes\n"
        "  scope      include: x\n"
        "  problem    -\n"
        "  complete   no\n"
    )


@given(st.text(), st.integers(4, 80))
def test_a_shortened_text_fits(text: str, width: int) -> None:
    clean = printable(text)
    assert clean.isprintable()
    short = shorten(clean, width, "…")
    assert display_width(short) <= width
    assert display_width(pad(short, 90, right=True)) == 90
    if display_width(clean) <= width:
        assert short == clean


def test_narrowing_takes_from_the_widest_text_column() -> None:
    assert fit([10, 50, 30], [False, True, True], 70) == [10, 30, 30]
    assert fit([10, 5], [False, True], 3) == [10, 5]


def test_wide_letters_count_twice() -> None:
    assert display_width("日本") == 4
    assert display_width(shorten("日本語の名前" * 9, 13, "…")) <= 13
