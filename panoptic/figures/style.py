"""How every figure looks: type, colours, widths, and how a missing one looks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Any, TypeVar

import matplotlib
import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.transforms import Bbox

from panoptic.statement import NotRun

T = TypeVar("T")
U = TypeVar("U")

_FONTS = Path(__file__).parent / "fonts"

COLUMN_INCH = 3.35  # one column of a journal page
PAGE_INCH = 7.0  # both columns

# Okabe & Ito 2008, "Color Universal Design": told apart with any colour vision.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
# For unordered groups. Neighbours differ in lightness too, for print in grey.
CATEGORIES = (BLUE, ORANGE, GREEN, BLACK, SKY, VERMILION, PURPLE)

INK = "0.15"  # outlines and emphasis
QUIET = "0.45"  # secondary text and reference lines
FAINT = "0.80"  # error bars and grids
PAPER = "white"

# DejaVu Sans with the characters of figures only (tools/build_fonts.py): in the whole
# font, to find what a PDF must embed takes longer than to draw it.
_FAMILY = "Panoptic Sans"
for _face in ("Regular", "Oblique"):
    fontManager.addfont(_FONTS / f"PanopticSans-{_face}.ttf")

_RC = {
    # The same everywhere; a name in other letters takes them from the whole font.
    "font.family": [_FAMILY, "DejaVu Sans"],
    "mathtext.fontset": "custom",
    "mathtext.rm": _FAMILY,
    "mathtext.it": f"{_FAMILY}:italic",
    **{f"mathtext.{face}": _FAMILY for face in ("bf", "bfit", "cal", "sf", "tt")},
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # else all that stands above is measured at every drawing
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 1.6,
    "ytick.minor.size": 1.6,
    "legend.fontsize": 6.5,
    "legend.title_fontsize": 6.5,
    "legend.frameon": False,
    "legend.borderaxespad": 0.0,
    "legend.handletextpad": 0.5,
    "legend.labelspacing": 0.35,
    "lines.linewidth": 1.0,
    "patch.linewidth": 0.6,
    # As it is saved: text that was laid out once is not laid out again.
    "figure.dpi": 300,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "panoptic",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in this style, whatever the reader's own matplotlib settings are.

    Also a decorator: every function that draws wears it.
    """
    with matplotlib.style.context(["default", _RC]):
        yield


class HouseFigure(Figure):
    """A figure that is kept in this style too, whoever saves it and wherever."""

    def savefig(self, *args: Any, **options: Any) -> None:
        settle(self)
        with house_style():
            super().savefig(*args, **options)


def new_figure(width_inch: float, height_inch: float) -> HouseFigure:
    """Return an empty figure that lays itself out; no pyplot, no global state.

    Its canvas keeps the sheet that the layout is measured on, to be drawn on.
    """
    figure = HouseFigure(figsize=(width_inch, height_inch), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def settle(figure: Figure) -> None:
    """Lay the figure out once and for all; what is added later moves nothing.

    Half of the time of saving would go into finding the same layout again.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    with house_style():
        engine.execute(figure)
        figure.set_layout_engine(None)
    for axes in figure.axes:
        # The solver's last digits depend on where it keeps its variables in memory,
        # and the names of SVG elements on every digit.
        box = axes.get_position(original=True)
        axes.set_position(Bbox(box.get_points().round(6)))


def figure_of(axes: Axes) -> Figure:
    """Return the figure of a panel."""
    figure = axes.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise TypeError(f"a panel of no figure: {axes}")
    return figure


def continuous() -> Colormap:
    """Return the map of ordered quantities: cividis, monotone in lightness."""
    return matplotlib.colormaps["cividis"]


def category(index: int) -> str:
    """Return the colour of the index-th group, round again after the last."""
    return CATEGORIES[index % len(CATEGORIES)]


_SYMBOLS = {"M_star": "$M_*$", "R_star": "$R_*$", "r_t": "$r_t$"}


def typeset(label: str) -> str:
    """Return a label of the results with its symbols as they are printed."""
    for plain, symbol in _SYMBOLS.items():
        label = label.replace(plain, symbol)
    return label


def part(found: T | NotRun, take: Callable[[T], U]) -> U | NotRun:
    """Return a part of a finding; of a question that was not asked, the reason."""
    return found if isinstance(found, NotRun) else take(found)


@house_style()
def plot_not_run(question: str, not_run: NotRun) -> Figure:
    """Return the figure of a question that was not asked: it says so, and why."""
    figure = new_figure(COLUMN_INCH, 1.6)
    axes = figure.add_subplot()
    write_not_run(axes, question, not_run)
    return figure


def write_not_run(
    axes: Axes, question: str, not_run: NotRun, *, width: int = 52
) -> None:
    """Fill a panel with the reason why it holds no result."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(linestyle=(0, (4, 3)), color=FAINT)
    axes.text(
        0.5,
        0.5,
        f"{question}: not run\n\n{fill(not_run.reason, width)}",
        ha="center",
        va="center",
        color=QUIET,
        transform=axes.transAxes,
    )


def legend_above(figure: Figure, handles: Sequence[Artist], *, ncols: int = 5) -> None:
    """Write one legend above the panels, where there are no data."""
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(ncols, len(handles)),
        columnspacing=1.4,
    )
