"""Measures over the run, in buckets of instructions: one as a band of its range, or several stacked."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from vmtrace.cli.figure import BLUE, COLOURS, REST, SKY, VERMILION, new_figure, say_none


def band(
    edges: Sequence[int], low: Sequence[float], mean: Sequence[float], high: Sequence[float],
    *, title: str, y_label: str,
) -> Figure:  # fmt: skip
    """Draw min to max as a band, the mean as a line, and mark the highest bucket.

    `edges` are row numbers: bucket i runs from edges[i] to edges[i + 1]; one more edge than buckets.
    """
    figure, axes = new_figure(2.9, title, "executed instructions", y_label)
    if not len(low):
        say_none(axes)
        return figure
    axes.stairs(high, edges, baseline=low, fill=True, color=SKY, alpha=0.55, label="min to max")
    # Where min and max agree the band has no area: its upper edge is drawn so that it shows.
    axes.stairs(high, edges, baseline=None, color=SKY, linewidth=0.8)
    axes.stairs(mean, edges, baseline=None, color=BLUE, linewidth=1.0, label="mean")
    peak = int(np.argmax(high))
    middle = (edges[peak] + edges[peak + 1]) / 2
    label = f"deepest: {high[peak]:,.0f}"
    axes.plot([middle], [high[peak]], "v", color=VERMILION, markersize=4, clip_on=False, label=label)
    axes.set_xlim(edges[0], edges[-1])
    figure.legend(loc="outside lower right", ncols=3)
    axes.set_ylim(0, max(high) * 1.12 + 0.2)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    _count_instructions(axes)
    axes.grid(axis="y")
    return figure


def stacked(
    edges: Sequence[int], layers: Mapping[str, Sequence[float]], marks: Sequence[int],
    *, title: str, y_label: str,
) -> Figure:  # fmt: skip
    """Draw shares in percent on top of each other, the first at the bottom; a vertical line at each mark.

    `edges` as for `band`; at most as many layers as there are COLOURS and one.
    """
    figure, axes = new_figure(3.2, title, "executed instructions", y_label)
    if len(edges) < 2:
        say_none(axes)
        return figure
    floor = np.zeros(len(edges) - 1)
    for (label, shares), colour in zip(layers.items(), (*COLOURS, REST), strict=False):
        top = floor + np.asarray(shares)
        axes.stairs(top, edges, baseline=floor, fill=True, color=colour, label=label)
        floor = top
    if marks:
        dashes = (0, (3, 2))
        axes.vlines(marks, 0, 100, color="black", linewidth=0.7, linestyle=dashes, label="next phase")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 100)
    figure.legend(loc="outside right upper", reverse=True)
    _count_instructions(axes)
    return figure


def _count_instructions(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
