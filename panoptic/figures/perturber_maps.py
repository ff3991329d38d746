"""Maps of perturbers: the study's criterion beside what becomes of the triples."""

from collections.abc import Iterator, Sequence

import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import BoundaryNorm, LogNorm
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from panoptic.constants import HYDROGEN_LIMIT_MSUN, MSUN_MJUP
from panoptic.dynamics.feasibility import COVERED_FRACTION, FeasibilityMap
from panoptic.dynamics.migration_findings import MigrationFindings
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import PerturberGrid
from panoptic.dynamics.secular_map import SecularMap
from panoptic.figures.captions import (
    Imprint,
    caption,
    caption_not_run,
    listed,
)
from panoptic.figures.marks import draw_mark, gid_of, key, marker_of
from panoptic.figures.style import (
    INK,
    PAGE_INCH,
    PAPER,
    QUIET,
    VERMILION,
    continuous,
    figure_of,
    house_style,
    new_figure,
    plot_not_run,
    settle,
    write_not_run,
)
from panoptic.statement import NotRun

Floats = NDArray[np.float64]

_MAPS = "Which perturbers could have driven the companion in"
_COLOUR_STEPS = 10
_HATCH = "////"
_HATCHING = "0.95"
_DISRUPTED_LEVELS = (0.02, 0.1, 0.3, 0.6)
_NOTABLY_UNSTABLE = 0.1  # share of a cell's triples


@house_style()
def plot_perturber_maps(
    found: MigrationFindings | NotRun,
    companions: pd.DataFrame,
    orbits: pd.DataFrame | None,
) -> Figure:
    """Draw the study's criterion beside what becomes of the same triples.

    Parameters
    ----------
    companions : rows of the sample; those in the plane of the perturbers are marked.
    orbits : Gaia's orbits of the hosts, marked likewise; None if not asked for.
    """
    if isinstance(found, NotRun):
        return plot_not_run(_MAPS, found)
    figure = new_figure(PAGE_INCH, 3.7)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    known = _known_bodies(companions, orbits, found.grid)
    for axes in (left, right):
        frame_perturbers(axes, found.grid)
        _mark_bodies(axes, known)
    right.set_ylabel("")
    lines = [
        _draw_criterion(left, found.criterion),
        _draw_secular(right, found.secular),
    ]
    figure.legend(handles=_map_keys(found, known), loc="outside lower left", ncols=6)
    settle(figure)  # labels are set into the lines as the page lies
    for axes, drawn in zip((left, right), lines, strict=True):
        if drawn is not None:
            _label(axes, drawn)
    return figure


def caption_perturber_maps(
    found: MigrationFindings | NotRun,
    companions: pd.DataFrame,
    orbits: pd.DataFrame | None,
    *,
    imprint: Imprint,
) -> str:
    """Say what both maps count, and where they disagree."""
    if isinstance(found, NotRun):
        return caption_not_run(_MAPS, found, imprint)
    inner, prior = found.inner, found.prior
    low, high = inner.axis_au
    start = f"{low:g} AU" if low == high else f"{low:g} to {high:g} AU (log-uniform)"
    n_mass, n_axis = found.grid.shape
    known = _known_bodies(companions, orbits, found.grid)
    kinds = listed({str(k): int(n) for k, n in known["kind"].value_counts().items()})
    sentences = [
        f"{n_mass} x {n_axis} cells; a companion of {inner.companion_mass_mjup:g} MJup "
        f"starts at {start} around a host of {inner.host_mass_msun:g} Msun; outer "
        f"eccentricities {prior.ecc_law} in {prior.ecc_range[0]:g} to "
        f"{prior.ecc_range[1]:g}, inclinations isotropic in "
        f"{prior.inclination_range_deg[0]:g} to "
        f"{prior.inclination_range_deg[1]:g} deg.",
        *_criterion_in_words(found.criterion),
        *_secular_in_words(found.secular),
        f"Hatched: at least {_NOTABLY_UNSTABLE:.0%} of the triples are unstable. "
        "Dashed: the hydrogen limit.",
        f"White marks, bodies known at these masses and distances: {kinds}.",
    ]
    return caption(_MAPS, sentences, imprint)


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
        boxes, facecolors="none", edgecolors=_HATCHING, linewidths=0.0, hatch=_HATCH
    )
    axes.add_collection(hatching)


def hatch_key(label: str) -> Patch:
    """Return the legend entry of `hatch_cells`."""
    return Patch(
        facecolor=QUIET, edgecolor=_HATCHING, linewidth=0.0, hatch=_HATCH, label=label
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


def draw_times(
    axes: Axes, grid: PerturberGrid, time_yr: Floats
) -> QuadContourSet | None:
    """Draw a line at every second power of ten of a time in years."""
    powers = np.arange(np.ceil(np.log10(time_yr.min())), np.log10(time_yr.max()), 2)
    if min(grid.shape) < 2 or not len(powers):
        return None
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
    return lines


def _label(axes: Axes, lines: QuadContourSet) -> None:
    """Write the levels into the lines, powers of ten as such."""

    def words(level: float) -> str:
        power = np.log10(level)
        return f"$10^{{{power:.0f}}}$" if power > 2 else f"{level:g}"

    for text in axes.clabel(lines, fmt=words, fontsize=6.5, colors=[INK]):
        text.set_path_effects([effects.withStroke(linewidth=2.0, foreground=PAPER)])


def time_key() -> Line2D:
    """Return the legend entry of `draw_times`."""
    line = Line2D([], [], color=PAPER, linewidth=0.9, label="median KL time (yr)")
    line.set_path_effects([effects.withStroke(linewidth=1.7, foreground=INK)])
    return line


def frame_perturbers(axes: Axes, grid: PerturberGrid) -> None:
    """Set the axes of a map of perturbers, with the hydrogen limit."""
    x, y = _edges(grid.axis_au), _edges(grid.mass_msun)
    axes.set(
        xlim=(x[0], x[-1]),
        ylim=(y[0], y[-1]),
        xscale="log",
        yscale="log",
        xlabel="Perturber semi-major axis (AU)",
        ylabel=r"Perturber mass ($M_\odot$)",
    )
    if grid.mass_msun[0] < HYDROGEN_LIMIT_MSUN < grid.mass_msun[-1]:
        line = axes.axhline(
            HYDROGEN_LIMIT_MSUN, color=PAPER, linewidth=0.8, linestyle=(0, (5, 3))
        )
        line.set_path_effects([effects.withStroke(linewidth=1.6, foreground=INK)])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(LogLocator(subs=range(1, 10)))
        axis.set_minor_formatter(NullFormatter())


def _draw_criterion(
    axes: Axes, found: FeasibilityMap | NotRun
) -> QuadContourSet | None:
    if isinstance(found, NotRun):
        write_not_run(axes, "Criterion", found, width=34)
        return None
    mesh = colour_cells(axes, found.grid, found.fraction, least_top=1 / found.n_draws)
    _bar(axes, mesh, "Share that passes the criterion")
    unstable = found.n_unstable / found.n_draws
    hatch_cells(axes, found.grid, unstable >= _NOTABLY_UNSTABLE)
    _draw_levels(axes, found.grid, _smooth(found.fraction), (COVERED_FRACTION,))
    return draw_times(axes, found.grid, found.t_kl_median_yr)


def _draw_secular(axes: Axes, found: SecularMap | NotRun) -> QuadContourSet | None:
    if isinstance(found, NotRun):
        write_not_run(axes, "Secular map", found, width=34)
        return None
    grid = found.request.grid
    migrated = found.fraction(Outcome.MIGRATED)
    mesh = colour_cells(axes, grid, migrated, least_top=1 / found.request.n_draws)
    _bar(axes, mesh, "Share that migrates")
    unstable = found.fraction(Outcome.UNSTABLE)
    hatch_cells(axes, grid, unstable >= _NOTABLY_UNSTABLE)
    disrupted = _smooth(found.fraction(Outcome.DISRUPTED))
    return _draw_levels(axes, grid, disrupted, _DISRUPTED_LEVELS)


def _draw_levels(
    axes: Axes, grid: PerturberGrid, values: Floats, levels: Sequence[float]
) -> QuadContourSet | None:
    """Draw the levels that the values cross; none is fine."""
    crossed = [level for level in levels if _spans(values, level)]
    if min(grid.shape) < 2 or not crossed:
        return None
    lines = axes.contour(
        grid.axis_au,
        grid.mass_msun,
        values,
        levels=crossed,
        colors=[VERMILION],
        linewidths=1.1,
    )
    lines.set_path_effects([effects.withStroke(linewidth=2.0, foreground=PAPER)])
    return lines


def _smooth(share: Floats) -> Floats:
    """Return the mean over a cell and its neighbours, for lines one can follow."""
    return uniform_filter(share, 3, mode="nearest")


def _spans(values: Floats, level: float) -> bool:
    return bool(values.min() < level < values.max())


def _bar(axes: Axes, mesh: QuadMesh, label: str) -> None:
    bar = figure_of(axes).colorbar(
        mesh, ax=axes, location="top", aspect=34, pad=0.02, format="{x:g}"
    )
    bar.set_label(label)


def _known_bodies(
    companions: pd.DataFrame, orbits: pd.DataFrame | None, grid: PerturberGrid
) -> pd.DataFrame:
    """Return what is known at masses and distances of the map, one row per body.

    orbits : Gaia's of the hosts, those with a secondary mass and an axis; None if they
        were not asked for.
    """
    known = pd.DataFrame(
        {
            "gid": companions["pl_name"].map(gid_of),
            "hostname": companions["hostname"],
            "mass_msun": companions["pl_bmassj"] / MSUN_MJUP,
            "axis_au": companions["pl_orbsmax"],
            "marker": companions["discoverymethod"].map(marker_of),
            "kind": "known companion (" + companions["discoverymethod"] + ")",
        }
    )
    if orbits is not None and len(orbits):
        gaia = pd.DataFrame(
            {
                "gid": None,
                "hostname": orbits["hostname"],
                "mass_msun": orbits["m2_msun"],
                "axis_au": orbits["a_au"],
                "marker": "*",
                "kind": "Gaia DR3 orbit of a host",
            }
        )
        known = pd.concat([known, gaia], ignore_index=True)
    mass, axis = _edges(grid.mass_msun), _edges(grid.axis_au)
    return known[
        known["mass_msun"].between(mass[0], mass[-1])
        & known["axis_au"].between(axis[0], axis[-1])
    ]


def _mark_bodies(axes: Axes, known: pd.DataFrame) -> None:
    for body in known.to_dict("records"):
        draw_mark(
            axes,
            body["axis_au"],
            body["mass_msun"],
            marker=body["marker"],
            colour=PAPER,
            gid=body["gid"],
        )


def _criterion_in_words(found: FeasibilityMap | NotRun) -> Iterator[str]:
    if isinstance(found, NotRun):
        yield f"Criterion not run: {found.reason.rstrip('.')}."
        return
    yield (
        f"Left, the study's criterion ({found.n_draws} triples a cell): stable, "
        f"Kozai-Lidov time within {found.horizon_gyr:g} Gyr, pericentre within "
        f"{found.r_crit_rstar:g} stellar radii ({found.r_crit_au:.3g} AU); it knows no "
        f"short-range forces, tides or disruption. Mean share {found.mean_fraction:.3g}"
        f"; {found.coverage:.1%} of the cells reach {COVERED_FRACTION:g}. Lines: "
        "median Kozai-Lidov time in years."
    )


def _secular_in_words(found: SecularMap | NotRun) -> Iterator[str]:
    if isinstance(found, NotRun):
        yield f"Secular map not run: {found.reason.rstrip('.')}."
        return
    model, total = found.request.model, found.n_total
    shares = {
        outcome.name.lower(): found.count(outcome).sum() / total for outcome in Outcome
    }
    ended = ", ".join(f"{name} {share:.2%}" for name, share in shares.items())
    yield (
        f"Right, the same triples followed for {model.horizon_gyr:g} Gyr "
        f"({found.request.n_draws} a cell; disruption inside "
        f"{model.disruption_factor:g} tidal radii, time lag {model.time_lag_s:g} s): "
        f"{ended} of {total}. Colour: share that migrates; lines: share that is "
        "disrupted, mean of 3 x 3 cells."
    )
    no, yes = found.agreement
    arrived = no[Outcome.MIGRATED] + yes[Outcome.MIGRATED]
    if yes.sum() and arrived:
        yield (
            f"Of the criterion's yes, {yes[Outcome.MIGRATED] / yes.sum():.0%} migrate "
            f"and {yes[Outcome.DISRUPTED] / yes.sum():.0%} are disrupted; of those "
            f"that migrate, {no[Outcome.MIGRATED] / arrived:.0%} are a criterion no."
        )


def _map_keys(found: MigrationFindings, known: pd.DataFrame) -> list[Line2D | Patch]:
    keys: list[Line2D | Patch] = [
        hatch_key(rf"$\geq$ {_NOTABLY_UNSTABLE:.0%} unstable"),
        time_key(),
    ]
    if not isinstance(found.secular, NotRun):
        keys.append(
            Line2D([], [], color=VERMILION, linewidth=1.1, label="share disrupted")
        )
    if not isinstance(found.criterion, NotRun) and _spans(
        _smooth(found.criterion.fraction), COVERED_FRACTION
    ):
        label = f"criterion at {COVERED_FRACTION:g}"
        keys.append(Line2D([], [], color=VERMILION, linewidth=1.2, label=label))
    bodies = [
        key(marker, kind, colour=PAPER)
        for kind, marker in sorted(
            set(zip(known["kind"], known["marker"], strict=True))
        )
    ]
    return [*keys, *bodies]
