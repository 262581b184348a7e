"""Ranked horizontal bars: opcodes, loops, and whatever else has a share of the run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from vmtrace.analysis.dataframes import pd
from vmtrace.cli.columns import Kind, cell, each_row
from vmtrace.cli.figure import BLUE, SKY, WIDTH, new_figure, say_none, short_name, text_width

LABEL_WIDTH = 44  # characters
BAR_HEIGHT = 0.19  # inches a row
MOST_BARS = 60
NOTE = 7  # points
MARGINS = 0.2  # inches around and between labels and axes


@dataclass(frozen=True)
class Bar:
    """One row: what it is, its length, and what is written behind it."""

    label: str
    length: float
    note: str
    inner: float = 0.0  # the part of the length that belongs to something nested; drawn lighter


def share_bars(
    result: pd.DataFrame, labels: Iterable[str], share: str = "self_percent", count: str = "count"
) -> list[Bar]:
    """A bar for each row of a result, as long as its share of the run, with share and count written behind it."""
    return [
        Bar(label, share, f"{cell(share, Kind.PERCENT)} %  ({number:,})")
        for label, (share, number) in zip(labels, each_row(result, "self_percent", count), strict=True)
    ]


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
    labels = [short_name(bar.label, LABEL_WIDTH) for bar in shown]
    for place, bar in zip(places, shown, strict=True):
        axes.annotate(
            bar.note, (bar.length, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=NOTE
        )
    # What the labels leave of the width is shared by the longest bar and the note behind it.
    width = WIDTH - MARGINS - max(text_width(label, 7.5) for label in labels)
    scale = max(bar.length / (width - text_width(bar.note, NOTE) - 0.1) for bar in shown)
    axes.set_xlim(0, scale * width or 1.0)
    axes.set_ylim(max(len(shown), 3) - 0.4, -0.6)
    axes.set_yticks(list(places), labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    return figure
