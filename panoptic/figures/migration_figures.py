"""Migration: which perturbers could have driven the companion in."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from panoptic.constants import HYDROGEN_LIMIT_MSUN
from panoptic.dynamics.feasibility import COVERED_FRACTION, FeasibilityMap, PerturberGrid
from panoptic.figures.captions import Imprint, caption, caption_not_run
from panoptic.figures.style import (
    COLUMN_INCH,
    INK,
    PAPER,
    QUIET,
    continuous,
    house_style,
    new_figure,
    plot_not_run,
)
from panoptic.statement import NotRun

_FEASIBILITY = "Kozai-Lidov migration criterion"
_NOTABLY_UNSTABLE = 0.1  # share of a cell's triples


@house_style()
def plot_feasibility(found: FeasibilityMap | NotRun) -> Figure:
    """Draw the share of triples that pass the criterion, by perturber."""
    if isinstance(found, NotRun):
        return plot_not_run(_FEASIBILITY, found)
    figure = new_figure(COLUMN_INCH, 3.35)
    axes = figure.add_subplot()
    grid = found.grid
    top = max(float(found.fraction.max()), 1.0 / found.n_draws)
    mesh = axes.pcolormesh(
        grid.axis_au,
        grid.mass_msun,
        found.fraction,
        cmap=continuous(),
        norm=Normalize(0.0, top),
        shading="nearest",
        rasterized=True,
    )
    figure.colorbar(mesh, ax=axes, location="top", aspect=34, pad=0.02).set_label(
        "Fraction of triples that pass the criterion"
    )
    hatch_where(axes, grid, found.n_unstable / found.n_draws >= _NOTABLY_UNSTABLE)
    _contour(axes, grid, found.fraction, COVERED_FRACTION, colour=PAPER)
    draw_times(axes, grid, found.t_kl_median_yr)
    frame_perturbers(axes, grid)
    figure.legend(handles=_feasibility_keys(found), loc="outside lower left", ncols=2)
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
        f"Hatched: at least {_NOTABLY_UNSTABLE:.0%} of the triples are unstable. Lines: "
        "median Kozai-Lidov time in years; dashed: the hydrogen limit.",
    ]
    return caption(_FEASIBILITY, sentences, imprint)


def hatch_where(axes: Axes, grid: PerturberGrid, cells: np.ndarray) -> None:
    """Hatch cells whose colour says little, mask (n_mass, n_axis); none is fine."""
    if not cells.any():
        return
    axes.pcolor(
        grid.axis_au,
        grid.mass_msun,
        np.ma.masked_array(np.zeros(cells.shape), mask=~cells),
        shading="nearest",
        facecolor="none",
        edgecolor=PAPER,
        linewidth=0.0,
        alpha=0.0,
        hatch="/////",
    )


def draw_times(axes: Axes, grid: PerturberGrid, time_yr: np.ndarray) -> None:
    """Draw a labelled line at every second power of ten of a time in years."""
    if min(grid.shape) < 2:
        return
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
        linewidths=0.7,
    )
    axes.clabel(lines, fmt=_power_of_ten, fontsize=6.0, colors=[PAPER])


def frame_perturbers(axes: Axes, grid: PerturberGrid) -> None:
    """Set the axes of a map of perturbers, with the hydrogen limit."""
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="Perturber semi-major axis (AU)",
        ylabel=r"Perturber mass ($M_\odot$)",
    )
    if grid.mass_msun[0] < HYDROGEN_LIMIT_MSUN < grid.mass_msun[-1]:
        axes.axhline(HYDROGEN_LIMIT_MSUN, color=PAPER, linewidth=0.8, linestyle="--")


def _contour(
    axes: Axes, grid: PerturberGrid, values: np.ndarray, level: float, *, colour: str
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
    ground = {"facecolor": QUIET, "edgecolor": PAPER, "linewidth": 0.0}
    keys: list[Line2D | Patch] = []
    if (found.n_unstable >= _NOTABLY_UNSTABLE * found.n_draws).any():
        keys.append(Patch(**ground, hatch="/////", label=f"{_NOTABLY_UNSTABLE:.0%} or more unstable"))
    keys.append(Line2D([], [], color=INK, linewidth=0.7, label="median KL time (yr)"))
    return keys
