"""What grew and what shrank: bars to both sides of zero."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from vmtrace.cli.bars import BAR_HEIGHT, LABEL_WIDTH, MARGINS, NOTE
from vmtrace.cli.figure import BLUE, VERMILION, WIDTH, entitle, say_none, short_name, text_width

LEAST_ROWS = 3  # that a panel has room for
MOST_ROWS = 20


@dataclass(frozen=True)
class Change:
    """One row: what it is, by how much it changed, and what is written at the end of its bar."""

    label: str
    change: float
    note: str


def change_bars(panels: Mapping[str, Sequence[Change]], *, title: str) -> Figure:
    """Panels below each other, by the names of their measures; at most MOST_ROWS changes each, in the order given."""
    shown = {measure: changes[:MOST_ROWS] for measure, changes in panels.items()}
    rows = [max(len(changes), LEAST_ROWS) for changes in shown.values()]
    figure = Figure(figsize=(WIDTH, 0.4 + sum(0.5 + BAR_HEIGHT * count for count in rows)), layout="constrained")
    entitle(figure, title)
    panes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=rows)[:, 0]
    labels = [short_name(one.label, LABEL_WIDTH) for changes in shown.values() for one in changes]
    # Each panel has the width that the longest label of all leaves.
    width = WIDTH - MARGINS - max((text_width(label, 7.5) for label in labels), default=0.0)
    for axes, (measure, changes) in zip(panes, shown.items(), strict=True):
        axes.set_xlabel(measure)
        if changes:
            _draw(axes, changes, width)
        else:
            say_none(axes)
    return figure


def _draw(axes: Axes, changes: Sequence[Change], width: float) -> None:
    places = range(len(changes))
    colours = [VERMILION if one.change > 0 else BLUE for one in changes]
    axes.barh(places, [one.change for one in changes], height=0.72, color=colours)
    for place, one in zip(places, changes, strict=True):
        grew = one.change > 0
        axes.annotate(
            one.note, (one.change, place), xytext=(3 if grew else -3, 0), textcoords="offset points",
            ha="left" if grew else "right", va="center", fontsize=NOTE,
        )  # fmt: skip
    up, down = ([one for one in changes if (one.change > 0) == grew] for grew in (True, False))
    beside = [max((text_width(one.note, NOTE) + 0.1 for one in side), default=0.05) for side in (down, up)]
    reach = [max((abs(one.change) for one in side), default=0.0) for side in (down, up)]
    # What the notes on both sides leave of the width is for the bars.
    scale = sum(reach) / max(width - sum(beside), 1.0) or 1.0
    axes.set_xlim(-reach[0] - beside[0] * scale, reach[1] + beside[1] * scale)
    axes.set_ylim(max(len(changes), LEAST_ROWS) - 0.4, -0.6)
    axes.set_yticks(list(places), [short_name(one.label, LABEL_WIDTH) for one in changes])
    axes.tick_params(axis="y", length=0)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.grid(axis="x")
