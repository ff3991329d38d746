"""The mark of one companion: shape for its method, fill for its mass, and limits.

One reading in every figure: filled is a true mass, open a minimum mass (Msini), half
grey a mass inferred from a radius; an arrow is a limit.
"""

from collections.abc import Iterable
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.typing import ColorType
from numpy.typing import ArrayLike, NDArray

from panoptic.figures.style import (
    FAINT,
    INK,
    PAPER,
    QUIET,
    VERMILION,
    figure_of,
    settle,
)
from panoptic.sample import MassProvenance
from panoptic.target import Target

Points = NDArray[np.float64]

MARKER_OF_METHOD = {
    "Transit": "o",
    "Radial Velocity": "^",
    "Microlensing": "D",
    "Imaging": "s",
    "Astrometry": "p",
    "Eclipse Timing Variations": "v",
    "Transit Timing Variations": "v",
    "Orbital Brightness Modulation": "<",
    "Pulsar Timing": ">",
}
OTHER_METHOD = "h"
WORDS_OF_MASS = {
    MassProvenance.MASS: "true mass",
    MassProvenance.MSINI_CORRECTED: "Msini / sin i",
    MassProvenance.UNKNOWN: "mass of unknown kind",
    MassProvenance.MSINI: "Msini",
    MassProvenance.MASS_RADIUS: "mass from radius",
}
# Points, so that the shapes have about one area.
_SIZE_OF_MARKER = {"o": 4.6, "^": 5.0, "D": 3.9, "s": 4.2, "p": 5.2, "X": 4.2}
_MASS_FROM_RADIUS = "0.88"  # the lower half of the mark: paler than cividis in grey


def _arrow(start: float, end: float) -> Path:
    """Return an arrow along y, in units of half its marker's size."""
    head = 0.3 if start < end else -0.3
    points = [(0, start), (0, end), (-0.13, end - head), (0, end), (0.13, end - head)]
    codes = [Path.MOVETO, Path.LINETO, Path.MOVETO, Path.LINETO, Path.LINETO]
    return Path(points, codes)


_ARROW_DOWN, _ARROW_UP, _ARROW_MID = _arrow(0, -1), _arrow(0, 1), _arrow(0.5, -0.5)
_ARROW: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 16.0,
    "markerfacecolor": "none",
    "markeredgecolor": INK,
    "markeredgewidth": 0.8,
    "zorder": 2.0,
}
_RING: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 9.5,
    "markerfacecolor": "none",
    "markeredgecolor": VERMILION,
    "markeredgewidth": 1.4,
}
_RIM = 1.0  # points, the coloured rim of an open mark


def marker_of(method: str) -> str:
    """Return the shape of a detection method; a hexagon for one not foreseen."""
    return MARKER_OF_METHOD.get(method, OTHER_METHOD)


def draw_companions(
    axes: Axes,
    rows: pd.DataFrame,
    x: Iterable[float],
    y: Iterable[float],
    colours: Iterable[ColorType],
) -> None:
    """Draw one mark per row: shape by its method, fill by what its mass is."""
    places = zip(rows.to_dict("records"), x, y, colours, strict=True)
    for row, across, up, colour in places:
        draw_mark(
            axes,
            across,
            up,
            marker=marker_of(row["discoverymethod"]),
            colour=colour,
            provenance=row["mass_provenance"],
            gid=gid_of(row["pl_name"]),
        )


def draw_target(
    axes: Axes, target: Target, x: float, y: float, *, colour: ColorType = PAPER
) -> None:
    """Draw the studied object itself, over the others; the ring comes last."""
    draw_mark(
        axes,
        x,
        y,
        marker=marker_of(target.discoverymethod),
        colour=colour,
        gid=gid_of(target.pl_name),
        zorder=3.5,
    )


def draw_mark(
    axes: Axes,
    x: float,
    y: float,
    *,
    marker: str,
    colour: ColorType,
    provenance: str = MassProvenance.MASS,
    gid: str | None = None,
    zorder: float = 3.0,
) -> Line2D:
    """Draw one companion: filled, open (Msini) or half grey (mass from its radius).

    An open mark carries its colour on a broad rim between two dark lines, so that
    pale colours stay visible on paper.
    """
    mark = key(marker, "", colour=colour, provenance=provenance)
    mark.set(xdata=[x], ydata=[y], zorder=zorder)
    axes.add_line(mark)
    if gid is not None:
        mark.set_gid(gid)
    return mark


def draw_errors(
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_below: ArrayLike = np.nan,
    x_above: ArrayLike = np.nan,
    y_below: ArrayLike = np.nan,
    y_above: ArrayLike = np.nan,
) -> None:
    """Draw the error bars of many marks, (n,) each; a side that is NaN has none."""
    x, y, *errors = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (x, y, x_below, x_above, y_below, y_above))
    )
    left, right, down, up = (np.nan_to_num(error) for error in errors)
    across = np.stack([x - left, y, x + right, y], axis=-1)
    along = np.stack([x, y - down, x, y + up], axis=-1)
    bars = np.concatenate(
        [across[(left > 0) | (right > 0)], along[(down > 0) | (up > 0)]]
    )
    collection = LineCollection(
        list(bars.reshape(-1, 2, 2)),
        colors=FAINT,
        linewidths=0.5,
        zorder=1.5,
        capstyle="butt",
    )
    axes.add_collection(collection)


def draw_limits(axes: Axes, x: ArrayLike, y: ArrayLike, flag: ArrayLike) -> None:
    """Draw the arrows of limits: down where the flag is 1 (upper), up where it is -1.

    x, y, flag : (n,); a flag of 0 draws nothing.
    """
    x, y, flag = (np.asarray(a, float) for a in np.broadcast_arrays(x, y, flag))
    for sign, arrow in ((1.0, _ARROW_DOWN), (-1.0, _ARROW_UP)):
        chosen = flag == sign
        if chosen.any():
            axes.add_line(Line2D(x[chosen], y[chosen], **_ARROW, marker=arrow))


def ring_target(axes: Axes, x: float, y: float, *, label: str) -> None:
    """Ring the studied object and write its name where it hides the fewest marks.

    Call it last: it reads the limits of the axes and the marks drawn so far.
    """
    taken = _marks_in_points(axes)
    axes.add_line(Line2D([x], [y], **_RING, zorder=4.0))
    offset = _free_place(axes, _in_points(axes, x, y)[0], taken, width=_width(label))
    text = axes.annotate(
        label,
        xy=(x, y),
        xytext=offset,
        textcoords="offset points",
        ha="center",
        va="center",
        color=VERMILION,
        fontsize=8.0,
        arrowprops={
            "arrowstyle": "-",
            "color": VERMILION,
            "linewidth": 0.7,
            "shrinkA": 1.0,
            "shrinkB": 5.5,
        },
        zorder=5.0,
    )
    text.set_path_effects([effects.withStroke(linewidth=2.0, foreground=PAPER)])
    text.set_in_layout(False)


def _marks_in_points(axes: Axes) -> Points:
    """Return where the marks are, (n, 2), once the layout has settled."""
    settle(figure_of(axes))
    marks = [
        line.get_xydata()
        for line in axes.lines
        if line.get_marker() not in ("", "None")
    ]
    data = np.concatenate([np.empty((0, 2)), *marks])
    return _in_points(axes, data[:, 0], data[:, 1])


def _in_points(axes: Axes, x: ArrayLike, y: ArrayLike) -> Points:
    """Return data places in points of the page, (n, 2)."""
    places = np.column_stack([np.atleast_1d(x), np.atleast_1d(y)])
    return axes.transData.transform(places) * 72.0 / figure_of(axes).dpi


def _width(label: str) -> float:
    return 5.0 * len(label)


def _free_place(
    axes: Axes, start: Points, taken: Points, *, width: float
) -> tuple[float, float]:
    """Return the offset of the label that covers the fewest marks, nearest first.

    A mark under the label counts most, then a label outside the frame, then marks
    along the line that leads to it.
    """
    box = axes.get_window_extent()
    corners = np.array([[box.x0, box.y0], [box.x1, box.y1]])
    corners *= 72.0 / figure_of(axes).dpi
    half = np.array([0.5 * width + 3.0, 7.0])
    steps = np.linspace(0.15, 1.0, 12)[:, None]
    best, least = (0.0, 20.0), np.inf
    for radius in (22.0, 32.0, 44.0, 60.0, 80.0, 110.0, 145.0):
        for angle in np.radians(np.arange(15.0, 375.0, 15.0)):
            offset = radius * np.array([np.cos(angle), np.sin(angle)])
            if abs(offset[0]) < half[0] + 6.0 and abs(offset[1]) < half[1] + 8.0:
                continue  # over the ring itself
            centre = start + offset
            covered = np.sum(np.all(np.abs(taken - centre) < half + 2.0, axis=1))
            outside = np.any(
                (centre - half < corners[0]) | (centre + half > corners[1])
            )
            way = start + steps * offset
            crossed = np.any(np.hypot(*(taken[:, None] - way).T) < 4.0, axis=0).sum()
            cost = 10.0 * covered + 50.0 * outside + 1.0 * crossed + 0.03 * radius
            if cost < least:
                best, least = (float(offset[0]), float(offset[1])), cost
    return best


def name_line(axes: Axes, text: str, *, x: float, y: float) -> None:
    """Write what a line is, above its right end at (x, y)."""
    words = axes.annotate(
        text,
        xy=(x, y),
        xytext=(-3.0, 1.5),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=QUIET,
        fontsize=6.0,
        zorder=2.5,
    )
    words.set_path_effects([effects.withStroke(linewidth=2.0, foreground=PAPER)])


def key(
    marker: str,
    label: str,
    *,
    colour: ColorType = QUIET,
    provenance: str = MassProvenance.MASS,
) -> Line2D:
    """Return the mark without a place, as a legend shows it."""
    is_open = provenance == MassProvenance.MSINI
    from_radius = provenance == MassProvenance.MASS_RADIUS
    mark = Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=_SIZE_OF_MARKER.get(marker, 4.8),
        fillstyle="top" if from_radius else "full",
        markerfacecolor=PAPER if is_open else colour,
        markerfacecoloralt=_MASS_FROM_RADIUS,
        markeredgecolor=colour if is_open else INK,
        markeredgewidth=_RIM if is_open else 0.4,
        label=label,
    )
    if is_open:
        outline = effects.Stroke(linewidth=_RIM + 0.7, foreground=INK)
        mark.set_path_effects([outline, effects.Normal()])
    return mark


def limit_key(label: str) -> Line2D:
    """Return the legend entry of `draw_limits`."""
    return Line2D(
        [], [], **_ARROW | {"markersize": 6.0}, marker=_ARROW_MID, label=label
    )


def target_key(label: str) -> Line2D:
    """Return the legend entry of `ring_target`."""
    return Line2D([], [], **_RING, label=label)


def method_keys(methods: Iterable[str]) -> list[Line2D]:
    """Return one legend entry per method, in the order the shapes are listed here."""
    order = list(MARKER_OF_METHOD)
    known = sorted(
        set(methods), key=lambda m: (order.index(m) if m in order else len(order), m)
    )
    return [key(marker_of(method), method or "unknown method") for method in known]


def mass_keys(
    provenance: Iterable[str], *, colour: ColorType = INK, true_mass: bool = False
) -> list[Line2D]:
    """Return the legend entries of the kinds of mass that are there.

    true_mass : whether a filled mark needs an entry too.
    """
    found = set(provenance)
    words = WORDS_OF_MASS if true_mass else WORDS_OF_MASS | {MassProvenance.MASS: ""}
    return [
        key("o", label, provenance=kind, colour=colour)
        for kind, label in words.items()
        if label and kind in found
    ]


def gid_of(pl_name: str) -> str:
    """Return the name a companion's mark carries inside an SVG."""
    return f"object:{pl_name}"
