"""What every plot shares: size, type, colours that a colour-blind reader can tell apart, and saving.

Figures are made directly, never through pyplot, so no state outlives a plot and no window is asked for.
"""

import io
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from vmtrace.cli.layout import printable, shorten

WIDTH = 7.0  # inches: the text width of a two-column paper
DPI = 200  # of a .png
TITLE_LETTERS = 95  # a line

# Okabe and Ito's palette, "Color Universal Design", 2008.
BLUE, SKY, ORANGE, VERMILION = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", SKY, VERMILION, "#F0E442")  # neighbours differ in lightness
REST = "#D9D9D9"  # of what has no colour of its own
GREY = "#7F7F7F"

_STYLE: Any = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "text.parse_math": False,  # names may hold dollar signs
    "pdf.fonttype": 42,  # letters stay letters in the paper's PDF
    "svg.fonttype": "none",
    "svg.hashsalt": "vmtrace",  # the same trace gives the same file
}


def save(draw: Callable[[], Figure], path: Path) -> None:
    """Draw a figure and write it to `path`, in the format of its suffix.

    Raises OSError if the file cannot be written; no half a picture is left behind.
    """
    with _style():
        figure = draw()
        picture = io.BytesIO()
        suffix = path.suffix.lower().removeprefix(".")
        # A date in the file would make two plots of one trace differ.
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix)
        figure.savefig(picture, format=suffix, dpi=DPI, metadata=metadata)
    try:
        path.write_bytes(picture.getvalue())
    except OSError as error:
        if path.is_file() and error.errno is not None and path.stat().st_size < picture.tell():
            path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box: no reason to talk on stderr.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def new_figure(height: float, title: str, x_label: str, y_label: str = "") -> tuple[Figure, Axes]:
    """A figure with one titled pair of axes; `height` in inches."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    entitle(figure, title)
    axes = figure.add_subplot()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure, axes


def entitle(figure: Figure, title: str) -> None:
    """Write the title at the top left, on two lines if it is long."""
    text = textwrap.fill(printable(title), TITLE_LETTERS, max_lines=2, placeholder=" …")
    figure.suptitle(text, x=0.01, ha="left", fontsize=9)


def say_none(axes: Axes) -> None:
    """What a plot of nothing shows."""
    axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", va="center", color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])


def short_name(name: str, width: int) -> str:
    """A name that fits on an axis: printable, and cut in the middle if it is long."""
    return shorten(printable(name), width, "…")


def text_width(text: str, points: float) -> float:
    """How wide a text of that size is, in inches."""
    font = FontProperties(size=points)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, False)
    return float(width) / 72
