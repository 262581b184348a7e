"""Measures over the run, in buckets of instructions: as bands of their range, or stacked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from vmtrace.cli.figure import BLUE, COLOURS, REST, SKY, VERMILION, WIDTH, entitle, new_figure, say_none


@dataclass(frozen=True)
class Band:
    """A measure by bucket: its range, and its mean if that is known."""

    label: str
    low: Sequence[float]
    high: Sequence[float]
    mean: Sequence[float] | None = None


def bands(edges: Sequence[int], measures: Sequence[Band], *, title: str) -> Figure:
    """Draw measures below each other: min to max as a band, the mean as a line, a mark at the highest bucket.

    `edges` are row numbers: bucket i runs from edges[i] to edges[i + 1]; one more edge than buckets.
    """
    figure = Figure(figsize=(WIDTH, 1.1 + 1.7 * len(measures)), layout="constrained")
    panels = figure.subplots(len(measures), 1, sharex=True, squeeze=False)[:, 0]
    entitle(figure, title)
    panels[-1].set_xlabel("executed instructions")
    for axes, measure in zip(panels, measures, strict=True):
        axes.set_ylabel(measure.label)
        if len(edges) < 2:
            say_none(axes)
        else:
            _draw_band(axes, edges, measure)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    return figure


def _draw_band(axes: Axes, edges: Sequence[int], measure: Band) -> None:
    high = measure.high
    axes.stairs(high, edges, baseline=measure.low, fill=True, color=SKY, alpha=0.55, label="min to max")
    # Where min and max agree the band has no area: its upper edge is drawn so that it shows.
    axes.stairs(high, edges, baseline=None, color=SKY, linewidth=0.8)
    if measure.mean is not None:
        axes.stairs(measure.mean, edges, baseline=None, color=BLUE, linewidth=1.0, label="mean")
    peak = int(np.argmax(high))
    middle = (edges[peak] + edges[peak + 1]) / 2
    axes.plot([middle], [high[peak]], "v", color=VERMILION, markersize=4, clip_on=False, label="deepest")
    late = middle > (edges[0] + edges[-1]) / 2
    axes.annotate(
        f"{high[peak]:,.0f}", (middle, high[peak]), xytext=(-5 if late else 5, 0), textcoords="offset points",
        ha="right" if late else "left", va="bottom", fontsize=7.5,
    )  # fmt: skip
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, max(high) * 1.2 + 0.2)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    _count_instructions(axes)
    axes.grid(axis="y")


def stacked(
    edges: Sequence[int], layers: Mapping[str, Sequence[float]], marks: Sequence[int],
    *, title: str, y_label: str,
) -> Figure:  # fmt: skip
    """Draw shares in percent on top of each other, the first at the bottom; a vertical line at each mark.

    `edges` as for `bands`; at most as many layers as there are COLOURS and one.
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
    figure.legend(loc="outside right center", reverse=True)
    _count_instructions(axes)
    return figure


def _count_instructions(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
