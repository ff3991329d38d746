"""Migration: which perturbers could have driven the companion in."""

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import BoundaryNorm, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from panoptic.constants import HYDROGEN_LIMIT_MSUN
from panoptic.dynamics.feasibility import (
    COVERED_FRACTION,
    FeasibilityMap,
    PerturberGrid,
)
from panoptic.figures.captions import Imprint, caption, caption_not_run
from panoptic.figures.style import (
    COLUMN_INCH,
    INK,
    PAPER,
    VERMILION,
    continuous,
    figure_of,
    house_style,
    new_figure,
    plot_not_run,
    settle,
)
from panoptic.statement import NotRun

Floats = NDArray[np.float64]

_FEASIBILITY = "Kozai-Lidov migration criterion"
_COLOUR_STEPS = 10
_HATCH = "////"
_NOTABLY_UNSTABLE = 0.1  # share of a cell's triples


@house_style()
def plot_feasibility(found: FeasibilityMap | NotRun) -> Figure:
    """Draw the share of triples that pass the criterion, by perturber."""
    if isinstance(found, NotRun):
        return plot_not_run(_FEASIBILITY, found)
    figure = new_figure(COLUMN_INCH, 3.35)
    axes = figure.add_subplot()
    grid = found.grid
    frame_perturbers(axes, grid)
    mesh = colour_cells(axes, grid, found.fraction, least_top=1.0 / found.n_draws)
    bar = figure.colorbar(mesh, ax=axes, location="top", aspect=34, pad=0.02)
    bar.set_label("Fraction of triples that pass the criterion")
    hatch_cells(axes, grid, found.n_unstable >= _NOTABLY_UNSTABLE * found.n_draws)
    _contour(axes, grid, found.fraction, COVERED_FRACTION, colour=VERMILION)
    figure.legend(handles=_feasibility_keys(found), loc="outside lower left", ncols=2)
    draw_times(axes, grid, found.t_kl_median_yr)
    return figure


def caption_feasibility(found: FeasibilityMap | NotRun, *, imprint: Imprint) -> str:
    """Say what the criterion's map holds and what the criterion leaves out."""
    if isinstance(found, NotRun):
        return caption_not_run(_FEASIBILITY, found, imprint)
    inner, prior, (n_mass, n_axis) = found.inner, found.prior, found.grid.shape
    low, high = inner.axis_au
    start = f"{low:g} AU" if low == high else f"{low:g} to {high:g} AU (log-uniform)"
    sentences = [
        f"{n_mass} x {n_axis} cells of {found.n_draws} triples each: a companion of "
        f"{inner.companion_mass_mjup:g} MJup starts at {start} around a host of "
        f"{inner.host_mass_msun:g} Msun and {inner.host_radius_rsun:g} Rsun; outer "
        f"eccentricities {prior.ecc_law} in {prior.ecc_range[0]:g} to "
        f"{prior.ecc_range[1]:g}, isotropic inclinations.",
        "A triple passes if it is stable, its Kozai-Lidov time is within "
        f"{found.horizon_gyr:g} Gyr and its pericentre comes within "
        f"{found.r_crit_rstar:g} stellar radii ({found.r_crit_au:.3g} AU); short-range "
        "forces, tides and the companion's disruption are not in it.",
        f"Mean fraction {found.mean_fraction:.3g}; {found.coverage:.1%} of the cells "
        f"reach {COVERED_FRACTION:g}.",
        f"Hatched: at least {_NOTABLY_UNSTABLE:.0%} of the triples are unstable. "
        "Lines: median Kozai-Lidov time in years; dashed: the hydrogen limit.",
    ]
    return caption(_FEASIBILITY, sentences, imprint)


def colour_cells(
    axes: Axes, grid: PerturberGrid, values: Floats, *, least_top: float
) -> QuadMesh:
    """Colour the cells in even steps from 0: steps, since draws scatter the values."""
    top = max(float(values.max()), least_top)
    levels = np.asarray(MaxNLocator(nbins=_COLOUR_STEPS).tick_values(0.0, top))
    levels = levels[: int(np.searchsorted(levels, top)) + 1]
    return axes.pcolormesh(
        _edges(grid.axis_au),
        _edges(grid.mass_msun),
        values,
        cmap=continuous(),
        norm=BoundaryNorm(levels, continuous().N),
        rasterized=True,
    )


def hatch_cells(axes: Axes, grid: PerturberGrid, cells: NDArray[np.bool_]) -> None:
    """Hatch cells whose colour says little, mask (n_mass, n_axis)."""
    x, y = _edges(grid.axis_au), _edges(grid.mass_msun)
    boxes = [
        [(x[k], y[i]), (x[k + 1], y[i]), (x[k + 1], y[i + 1]), (x[k], y[i + 1])]
        for i, k in np.argwhere(cells)
    ]
    hatching = PolyCollection(
        boxes, facecolors="none", edgecolors=INK, linewidths=0.0, hatch=_HATCH
    )
    axes.add_collection(hatching)


def hatch_key(label: str) -> Patch:
    """Return the legend entry of `hatch_cells`."""
    return Patch(
        facecolor=PAPER, edgecolor=INK, linewidth=0.3, hatch=_HATCH, label=label
    )


def _edges(points: Floats) -> Floats:
    """Return the borders between log-spaced points; a single one has a dex around."""
    steps = np.diff(np.log(points)) if len(points) > 1 else np.array([np.log(10.0)])
    inner = np.log(points[:-1]) + 0.5 * steps[: len(points) - 1]
    first, last = (
        np.log(points[0]) - 0.5 * steps[0],
        np.log(points[-1]) + 0.5 * steps[-1],
    )
    return np.exp(np.array([first, *inner, last]))


def draw_times(axes: Axes, grid: PerturberGrid, time_yr: Floats) -> None:
    """Draw a labelled line at every second power of ten of a time in years.

    Call it last: labels are set into the lines as the page lies by now.
    """
    if min(grid.shape) < 2:
        return
    settle(figure_of(axes))
    powers = np.arange(np.ceil(np.log10(time_yr.min())), np.log10(time_yr.max()), 2)
    if not len(powers):
        return
    lines = axes.contour(
        grid.axis_au,
        grid.mass_msun,
        time_yr,
        levels=10.0**powers,
        norm=LogNorm(),
        colors=[PAPER],
        linewidths=0.9,
    )
    lines.set_path_effects([effects.withStroke(linewidth=1.7, foreground=INK)])
    for text in axes.clabel(lines, fmt=_power_of_ten, fontsize=6.5, colors=[INK]):
        text.set_path_effects([effects.withStroke(linewidth=2.0, foreground=PAPER)])


def time_key() -> Line2D:
    """Return the legend entry of `draw_times`."""
    line = Line2D([], [], color=PAPER, linewidth=0.9, label="median KL time (yr)")
    line.set_path_effects([effects.withStroke(linewidth=1.7, foreground=INK)])
    return line


def frame_perturbers(axes: Axes, grid: PerturberGrid) -> None:
    """Set the axes of a map of perturbers, with the hydrogen limit."""
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="Perturber semi-major axis (AU)",
        ylabel=r"Perturber mass ($M_\odot$)",
    )
    if grid.mass_msun[0] < HYDROGEN_LIMIT_MSUN < grid.mass_msun[-1]:
        axes.axhline(HYDROGEN_LIMIT_MSUN, color=INK, linewidth=0.8, linestyle="--")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(LogLocator(subs=range(1, 10)))
        axis.set_minor_formatter(NullFormatter())


def _contour(
    axes: Axes, grid: PerturberGrid, values: Floats, level: float, *, colour: str
) -> None:
    if min(grid.shape) > 1 and values.min() < level < values.max():
        axes.contour(
            grid.axis_au,
            grid.mass_msun,
            values,
            levels=[level],
            colors=[colour],
            linewidths=1.4,
        )


def _power_of_ten(value: float) -> str:
    return f"$10^{{{round(np.log10(value))}}}$"


def _feasibility_keys(found: FeasibilityMap) -> list[Line2D | Patch]:
    keys: list[Line2D | Patch] = []
    if (found.n_unstable >= _NOTABLY_UNSTABLE * found.n_draws).any():
        keys.append(hatch_key(f"{_NOTABLY_UNSTABLE:.0%} or more unstable"))
    keys.append(time_key())
    if found.fraction.max() > COVERED_FRACTION:
        label = f"fraction {COVERED_FRACTION:g}"
        keys.append(Line2D([], [], color=VERMILION, linewidth=1.4, label=label))
    return keys
