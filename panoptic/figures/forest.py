"""Estimates under one another on one scale: value, interval, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from matplotlib.axes import Axes

from panoptic.figures.style import FAINT, INK, PAPER, QUIET, typeset


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
    note: str = ""  # written at the right end of the line
    is_empty: bool = False  # there is nothing to say: no value and no remark


def draw_forest(
    axes: Axes,
    lines: Sequence[ForestLine],
    *,
    references: Sequence[float] = (),
    longest_remark: int = 60,
) -> None:
    """Draw one estimate per line, the first on top, with its interval if it has one.

    references : values to draw a line at, such as what chance gives.
    longest_remark : in characters; what is longer ends in dots.
    """
    places = _places(lines)
    for y, line in zip(places, lines, strict=True):
        axes.axhline(y, color=FAINT, linewidth=0.3, zorder=0.5)
        if line.is_empty:
            continue
        if line.value is None:
            text = shorten(line.remark or "not run", longest_remark, placeholder=" ...")
            _write(axes, text, 0.02, y, fontstyle="italic")
            continue
        if line.note:
            _write(axes, line.note, 0.98, y, ha="right")
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
        axes.axvline(value, color=QUIET, linewidth=0.7, linestyle="--", zorder=0.7)
    axes.set(
        yticks=places,
        yticklabels=[typeset(line.label) for line in lines],
        ylim=(places[-1] - 0.7, 0.7) if places else (-1.0, 1.0),
    )
    axes.tick_params(axis="y", length=0)


def _write(axes: Axes, text: str, x: float, y: float, **how: Any) -> None:
    """Write into a line, x as a share of the width."""
    words = axes.text(
        x,
        y,
        text,
        transform=axes.get_yaxis_transform(),
        va="center",
        color=QUIET,
        fontsize=6.0,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
        clip_on=True,
        zorder=0.9,  # under the marks of other samples in the same line
        **how,
    )
    words.set_in_layout(False)  # a long remark must not push the panels apart


def height_inch(lines: Sequence[ForestLine]) -> float:
    """Return the height that keeps the lines legible."""
    return 0.17 * (1.0 - _places(lines)[-1]) if lines else 0.17


def _places(lines: Sequence[ForestLine]) -> list[float]:
    """Return the heights of the lines; labels of two rows get the room they need."""
    places, y = [], 0.0
    for index, line in enumerate(lines):
        if index:
            rows = 1 + max(_extra_rows(line), _extra_rows(lines[index - 1]))
            y -= 0.55 + 0.45 * rows + 0.4 * line.gap_before
        places.append(y)
    return places


def _extra_rows(line: ForestLine) -> int:
    return line.label.count("\n")
