"""An icicle graph of a call tree: callers above, callees below, as wide as their share of the run."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from vmtrace.cli.figure import WIDTH, entitle, say_none, text_width
from vmtrace.cli.layout import display_width, printable, shorten

ROW = 0.21  # inches a level
DEEPEST = 50  # levels drawn
NARROWEST = 0.15  # per cent of the run: narrower than a hair on paper
LETTERS = 7  # points
FEWEST = 7  # letters worth showing of a longer name
AXES_WIDTH = WIDTH * 0.9


@dataclass(frozen=True)
class Node:
    """A box: a function called along one path."""

    label: str
    depth: int
    start: float  # per cent of the run
    width: float  # inclusive share, per cent of the run
    own: float  # own share, per cent of the run


def icicle(nodes: Sequence[Node], *, title: str) -> Figure:
    """The call tree as nested boxes; colour tells how much of the run a box executes itself."""
    drawn = [node for node in nodes if node.width >= NARROWEST and node.depth < DEEPEST]
    levels = max(1 + max((node.depth for node in drawn), default=0), 3)
    figure = Figure(figsize=(WIDTH, 1.3 + ROW * levels), layout="constrained")
    axes, scale_axes = figure.subplots(2, 1, height_ratios=(ROW * levels, 0.09))
    colours = LinearSegmentedColormap.from_list("own", ["#EDEDED", "#FBD9A0", "#E69F00", "#A34700"])
    scale = Normalize(0, max((node.own for node in drawn), default=0) or 1)
    boxes = [Rectangle((node.start, node.depth), node.width, 1) for node in drawn]
    shades = [colours(scale(node.own)) for node in drawn]
    axes.add_collection(PatchCollection(boxes, facecolor=shades, edgecolor="white", linewidth=0.4))
    for node in drawn:
        _label(axes, node, colours, scale)
    entitle(figure, title)
    axes.set_xlabel("instructions, callees included (% of the run)")
    axes.set_xlim(0, 100)
    cut = any(node.depth >= DEEPEST for node in nodes)
    axes.set_ylabel(f"call depth (first {DEEPEST} levels)" if cut else "call depth")
    axes.set_ylim(levels, 0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=max(levels // 2, 3), integer=True))
    if not drawn:
        say_none(axes)
    bar = figure.colorbar(ScalarMappable(scale, colours), cax=scale_axes, orientation="horizontal")
    bar.set_label("own instructions (% of the run)")
    return figure


def _label(axes: Axes, node: Node, colours: Colormap, scale: Normalize) -> None:
    """Write the name into its box, whole or with both its ends; a box too narrow for that stays blank."""
    name = _fitting(printable(node.label), node.width / 100 * AXES_WIDTH - 0.06)
    if not name:
        return
    red, green, blue, _ = colours(scale(node.own))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    axes.text(
        node.start + node.width / 2,
        node.depth + 0.5,
        name,
        ha="center",
        va="center",
        fontsize=LETTERS,
        color="white" if dark else "black",
        clip_on=True,
    )


def _fitting(name: str, room: float) -> str:
    """The name, cut in the middle to at most `room` inches; empty if too little would be left."""
    letters = display_width(name)
    shown = name
    while (width := text_width(shown, LETTERS)) > room:
        letters = min(letters - 1, int(letters * room / width) + 1)
        if letters < FEWEST:
            return ""
        shown = shorten(name, letters, "…")
    return shown
