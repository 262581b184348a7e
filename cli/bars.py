"""Ranked horizontal bars: opcodes, loops, and whatever else has a share of the run."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from vmtrace.cli.figure import BLUE, SKY, new_figure, say_none, short_name

LABEL_WIDTH = 44  # characters
BAR_HEIGHT = 0.19  # inches a row
MOST_BARS = 60


@dataclass(frozen=True)
class Bar:
    """One row: what it is, its length, and what is written behind it."""

    label: str
    length: float
    note: str
    inner: float = 0.0  # the part of the length that belongs to something nested; drawn lighter


def ranked_bars(bars: Sequence[Bar], *, title: str, x_label: str, legend: tuple[str, str] | None = None) -> Figure:
    """The bars from top to bottom in the order given, at most MOST_BARS of them.

    `legend` names the outer and the inner part of the bars, if they have one.
    """
    shown = bars[:MOST_BARS]
    height = 0.9 + BAR_HEIGHT * max(len(shown), 3) + (0.25 if legend else 0)
    figure, axes = new_figure(height, title, x_label)
    if not shown:
        say_none(axes)
        return figure
    places = range(len(shown))
    own = [bar.length - bar.inner for bar in shown]
    axes.barh(places, own, height=0.72, color=BLUE, label=legend[0] if legend else None)
    if legend:
        axes.barh(
            places, [bar.inner for bar in shown], left=own, height=0.72, color=SKY, hatch="////",
            edgecolor="white", linewidth=0, label=legend[1],
        )  # fmt: skip
        figure.legend(loc="outside lower right", ncols=2)
    longest = max(bar.length for bar in shown) or 1.0
    for place, bar in zip(places, shown, strict=True):
        axes.annotate(bar.note, (bar.length, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7)
    # Room for the notes: about 1 % of the axis for each of their letters.
    axes.set_xlim(0, longest * (1 + 0.0125 * max(len(bar.note) for bar in shown) + 0.02))
    axes.set_ylim(max(len(shown), 3) - 0.4, -0.6)
    axes.set_yticks(list(places), [short_name(bar.label, LABEL_WIDTH) for bar in shown])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    return figure
