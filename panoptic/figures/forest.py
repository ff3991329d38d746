"""Estimates under one another on one scale: value, interval, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

from matplotlib.axes import Axes

from panoptic.figures.style import FAINT, INK, QUIET

_SHORTEST_REASON = 60  # characters


@dataclass(frozen=True, slots=True)
class ForestLine:
    """One estimate; `remark` stands in its place where there is no value."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    remark: str = ""
    colour: str = INK
    marker: str = "o"
    gap_before: bool = False  # sets a group apart


def draw_forest(
    axes: Axes,
    lines: Sequence[ForestLine],
    *,
    references: Sequence[float] = (),
    remark_at: float = 0.02,
) -> None:
    """Draw one estimate per line, the first on top, with its interval if it has one.

    references : values to draw a line at, such as what chance gives.
    remark_at : where a remark starts, as a share of the width.
    """
    places = _places(lines)
    for y, line in zip(places, lines, strict=True):
        axes.axhline(y, color=FAINT, linewidth=0.3, zorder=0.5)
        if line.value is None:
            axes.text(
                remark_at,
                y,
                shorten(line.remark or "not run", _SHORTEST_REASON, placeholder=" ..."),
                transform=axes.get_yaxis_transform(),
                va="center",
                color=QUIET,
                fontstyle="italic",
                fontsize=6.0,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
            continue
        if line.low is not None and line.high is not None:
            axes.plot([line.low, line.high], [y, y], color=line.colour, linewidth=1.3)
        axes.plot(
            [line.value],
            [y],
            linestyle="none",
            marker=line.marker,
            markersize=4.2,
            color=line.colour,
            markeredgecolor=INK,
            markeredgewidth=0.4,
        )
    for value in references:
        axes.axvline(value, color=QUIET, linewidth=0.7, linestyle="--", zorder=1.0)
    axes.set(
        yticks=places,
        yticklabels=[line.label for line in lines],
        ylim=(places[-1] - 0.7, 0.7) if places else (-1.0, 1.0),
    )
    axes.tick_params(axis="y", length=0)


def height_inch(lines: Sequence[ForestLine]) -> float:
    """Return the height that keeps the lines legible."""
    return 0.17 * (len(lines) + 0.6 * sum(line.gap_before for line in lines))


def _places(lines: Sequence[ForestLine]) -> list[float]:
    places, y = [], 0.0
    for index, line in enumerate(lines):
        y -= (1.0 if index else 0.0) + 0.6 * line.gap_before
        places.append(y)
    return places
