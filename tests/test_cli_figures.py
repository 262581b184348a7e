"""What is drawn: that every word can be read, for no data, one row, long names, and many rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from vmtrace.cli.bars import MOST_BARS, Bar, ranked_bars
from vmtrace.cli.changes import MOST_ROWS, Change, change_bars
from vmtrace.cli.figure import DPI, save
from vmtrace.cli.icicle import DEEPEST, Node, icicle
from vmtrace.cli.timeline import Band, bands, stacked

pytestmark = pytest.mark.filterwarnings("ignore:Glyph .* missing")  # `save` ignores it, too
LONG = "package.module.Class.method.<locals>.closure_with_a_very_long_name_that_goes_on"


def check_words(plot: Callable[[], Figure], path: Path) -> None:
    """Saves the plot; no word in it may run out of the picture, or into another one."""
    drawn: list[Figure] = []

    def kept() -> Figure:
        drawn.append(plot())
        return drawn[-1]

    save(kept, path / "plot.png")
    [figure] = drawn
    figure.dpi = DPI  # it is left as it was saved, but for that
    renderer = FigureCanvasAgg(figure).get_renderer()
    words = set(figure.findobj(Text)) - ticks_out_of_view(figure)
    boxes = [(w.get_text(), w.get_window_extent(renderer)) for w in words if w.get_text().strip()]
    around = figure.bbox.padded(1)
    for text, box in boxes:
        inside = all(map(around.containsx, (box.x0, box.x1))) and all(map(around.containsy, (box.y0, box.y1)))
        assert inside, f"{text!r} runs out of the picture"
    for (one, a), (two, b) in combinations(boxes, 2):
        overlap = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(overlap) <= 1, f"{one!r} and {two!r} overlap"


def ticks_out_of_view(figure: Figure) -> set[Text]:
    """Labels that exist and are not drawn, as their place lies beyond the end of the axis."""
    labels = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            labels |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    return labels


def bars(count: int, label: str, inner: float = 0.0) -> list[Bar]:
    shares = [90 / (i + 1) for i in range(count)]
    return [Bar(f"{label}{i}", s, f"{s:.2f} %  (in all 12,345,678)", inner) for i, s in enumerate(shares)]


@pytest.mark.parametrize(
    ("count", "label"),
    [(0, ""), (1, "OP_"), (2, "$\\alpha$_"), (2, "日本語"), (20, LONG), (MOST_BARS + 1, "OP_")],
)
@pytest.mark.parametrize("legend", [None, ("own", "in nested loops")])
def test_bars_can_be_read(count: int, label: str, legend: tuple[str, str] | None, tmp_path: Path) -> None:
    rows = bars(count, label)
    check_words(lambda: ranked_bars(rows, title="Opcodes", x_label="share (%)", legend=legend), tmp_path)


def test_bars_are_as_long_as_they_say() -> None:
    figure = ranked_bars(bars(3, "op", 10), title="t", x_label="x", legend=("own", "nested"))
    own, nested = figure.axes[0].containers
    assert [bar.get_width() for bar in own] == [80, 35, 20]
    assert [bar.get_x() for bar in nested] == [80, 35, 20]
    assert [bar.get_width() for bar in nested] == [10, 10, 10]


def changes(count: int, label: str, signs: str) -> list[Change]:
    """Ever smaller changes, of these signs in turn."""
    sizes = [int(signs[i % len(signs)] + "1") * 12_345_678 // (i + 1) for i in range(count)]
    return [Change(f"{label}{i}", size, f"{size:+,} ({size / 1000:+,.1f} %)") for i, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("count", "label", "signs"),
    [
        (0, "", "+"),
        (1, "OP_", "+"),
        (1, "OP_", "-"),
        (2, "日本語", "+-"),
        (9, LONG, "-+"),
        (MOST_ROWS + 1, "OP_", "--+"),
    ],
)
@pytest.mark.parametrize("panels", [1, 4])
def test_changes_can_be_read(count: int, label: str, signs: str, panels: int, tmp_path: Path) -> None:
    parts = {f"Opcodes by change {number}": changes(max(count - number, 0), label, signs) for number in range(panels)}
    check_words(lambda: change_bars(parts, title=f"What changed in {LONG}"), tmp_path)


def test_changes_reach_to_both_sides() -> None:
    figure = change_bars({"x": [Change("up", 30, "+30"), Change("down", -20, "-20")], "y": []}, title="t")
    [bars] = figure.axes[0].containers
    assert [bar.get_x() + bar.get_width() for bar in bars] == [30, -20]
    assert len({bar.get_facecolor() for bar in bars}) == 2
    low, high = figure.axes[0].get_xlim()
    assert low < -20 and high > 30


def tree(levels: int, children: int, label: str) -> list[Node]:
    """Each box divided evenly among its children, a tenth kept for itself."""
    nodes, row = [], [(0.0, 100.0)]
    for depth in range(levels):
        below = []
        for start, width in row:
            nodes.append(Node(label, depth, start, width, width / 10))
            part = 0.9 * width / children
            below += [(start + child * part, part) for child in range(children)]
        row = below
    return nodes


@pytest.mark.parametrize(
    ("levels", "children", "label"),
    [
        (0, 1, ""),
        (1, 1, "f"),
        (3, 3, LONG),
        (5, 4, "WWWWWWWWWWWWWWW"),
        (5, 4, "日本語の名前"),
        (7, 4, "Parser.expression"),
        (DEEPEST + 9, 1, "deep"),
    ],
)
def test_an_icicle_can_be_read(levels: int, children: int, label: str, tmp_path: Path) -> None:
    check_words(lambda: icicle(tree(levels, children, label), title="Calls"), tmp_path)


def test_an_icicle_draws_a_box_for_each_node_that_can_be_seen() -> None:
    nodes = [Node("main", 0, 0, 100, 1), Node("f", 1, 0, 60, 60), Node("hair", 1, 60, 0.01, 0.01)]
    [boxes] = [c for c in icicle(nodes, title="t").axes[0].collections if isinstance(c, PatchCollection)]
    assert len(boxes.get_paths()) == 2


@pytest.mark.parametrize(("buckets", "rows"), [(0, 0), (1, 1), (1, 30), (7, 7), (500, 123_456_789_012)])
def test_a_timeline_can_be_read(buckets: int, rows: int, tmp_path: Path) -> None:
    edges = np.linspace(0, rows, buckets + 1).astype(int)
    high = np.arange(buckets) % 13 + 1
    measures = [Band("stack depth (entries)", high * 0, high, high / 2), Band("frame depth", high * 10, high * 123)]
    check_words(lambda: bands(edges, measures, title=f"Stack of {LONG} ({LONG}, {LONG})"), tmp_path)


@pytest.mark.parametrize(("buckets", "layers"), [(0, 0), (1, 1), (7, 3), (500, 8)])
def test_a_stack_of_shares_can_be_read(buckets: int, layers: int, tmp_path: Path) -> None:
    edges = np.linspace(0, 12_345_678, buckets + 1).astype(int)
    shares = {f"POP_JUMP_FORWARD_IF_NOT_NONE_{i}": [100 / layers] * buckets for i in range(layers)}
    marks = edges[1:3].tolist()
    check_words(lambda: stacked(edges, shares, marks, title=f"Mix of {LONG} ({LONG})", y_label="share (%)"), tmp_path)


def test_stacked_shares_lie_on_each_other() -> None:
    figure = stacked([0, 5, 9], {"a": [60, 20], "b": [40, 80]}, [5], title="t", y_label="y")
    below, above = (patch.get_data() for patch in figure.axes[0].patches)
    assert [*below.values] == [60, 20]
    assert [*above.baseline] == [60, 20]
    assert [*above.values] == [100, 100]


def test_a_timeline_marks_the_highest_bucket() -> None:
    figure = bands([0, 10, 20, 30], [Band("y", [0, 0, 0], [2, 9, 3], [1, 2, 1])], title="t")
    [mark] = figure.axes[0].lines
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (15, 9)
