"""Which rows of a tree are shown, in which order, and how its boxes are laid side by side."""

from __future__ import annotations

import pandas as pd
import pytest
from vmtrace.cli.calls import nodes
from vmtrace.cli.trees import top_of_tree

# main(100) calls a(60) and b(30), a calls c(30) twice, b calls d(30): in no order.
TREE = pd.DataFrame(
    [
        (5, 2, "d", 30),
        (2, 0, "b", 30),
        (3, 1, "c", 30),
        (4, 1, "c2", 30),
        (0, -1, "main", 100),
        (1, 0, "a", 60),
    ],
    columns=["node", "parent", "function", "inclusive"],
)


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        (0, ["main", "a", "c", "c2", "b", "d"]),
        (9, ["main", "a", "c", "c2", "b", "d"]),
        (1, ["main"]),
        (3, ["main", "a", "c"]),
        (4, ["main", "a", "c", "c2"]),
    ],
)
def test_the_largest_rows_stand_below_those_above_them(top: int, expected: list[str]) -> None:
    assert top_of_tree(TREE, "node", "parent", "inclusive", top)["function"].tolist() == expected


def test_a_row_below_one_that_is_not_there_is_a_root() -> None:
    rest = TREE[TREE["node"] != 0]
    assert top_of_tree(rest, "node", "parent", "inclusive", 2)["function"].tolist() == ["a", "c"]


def test_an_empty_tree() -> None:
    assert top_of_tree(TREE.head(0), "node", "parent", "inclusive", 5).empty


def test_callees_lie_side_by_side_below_their_caller() -> None:
    result = TREE.assign(
        level=[2, 1, 2, 2, 0, 1], module="m", inclusive_percent=TREE["inclusive"] * 1.0, own_percent=0.0
    )
    boxes = {box.label: (box.depth, box.start, box.width) for box in nodes(result)}
    assert boxes == {
        "main": (0, 0, 100),
        "a": (1, 0, 60),
        "b": (1, 60, 30),
        "c": (2, 0, 30),
        "c2": (2, 30, 30),
        "d": (2, 60, 30),
    }


def test_a_module_of_the_program_is_told_from_others() -> None:
    result = pd.DataFrame(
        {
            "node": [0, 1],
            "parent": [-1, 0],
            "level": [0, 1],
            "function": ["<module>", "<module>"],
            "module": ["__main__", "shop.cart"],
            "inclusive": [9, 5],
            "inclusive_percent": [100.0, 50.0],
            "own_percent": [40.0, 50.0],
        }
    )
    assert [box.label for box in nodes(result)] == ["<module>", "<module> shop.cart"]
