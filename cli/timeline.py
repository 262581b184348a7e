"""A measure over the run: the range in each time bucket as a band, so that no peak is lost."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from vmtrace.cli.figure import BLUE, SKY, VERMILION, new_figure, say_none


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
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.grid(axis="y")
    return figure
