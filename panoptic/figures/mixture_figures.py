"""Mixtures in mass ratio and orbit: the components, and what their number costs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from panoptic.demographics.gaussian_mixture import CovarianceFamily
from panoptic.demographics.mixture_selection import MassMixtureSelection
from panoptic.demographics.mixture_subsets import HostResampling
from panoptic.figures.captions import (
    HOW_MASSES_LOOK,
    Imprint,
    caption,
    caption_not_run,
    counted,
    rows_on_hosts,
)
from panoptic.figures.marks import (
    draw_companions,
    draw_limits,
    draw_target,
    key,
    limit_key,
    mass_keys,
    method_keys,
    ring_target,
    target_key,
)
from panoptic.figures.style import (
    INK,
    PAGE_INCH,
    QUIET,
    category,
    house_style,
    legend_above,
    new_figure,
    plot_not_run,
)
from panoptic.statement import NotRun
from panoptic.target import Target

Floats = NDArray[np.float64]

_LINE_AND_MARKER = {
    CovarianceFamily.FULL: ("-", "o"),
    CovarianceFamily.TIED: ((0, (5, 2)), "v"),
    CovarianceFamily.DIAGONAL: ((0, (4, 1.5, 1, 1.5)), "D"),
    CovarianceFamily.SPHERICAL: ((0, (1, 1.2)), "P"),
}
_GHOST_POINTS = 49
_MARGIN = 0.08  # of the rows' extent, around them


@house_style()
def plot_mass_mixture(
    rows: pd.DataFrame,
    selection: MassMixtureSelection | NotRun,
    *,
    name: str,
    target: Target,
    hosts: HostResampling | NotRun,
) -> Figure:
    """Draw the companions with the components they fall in, and the criteria by K.

    Parameters
    ----------
    rows : the rows that were given to the fit, in its order.
    name : of the sample, as in "main sample".
    hosts : two components in samples of redrawn hosts, drawn as ghosts of the fit.
    """
    if isinstance(selection, NotRun):
        return plot_not_run(_title(name), selection)
    figure = new_figure(PAGE_INCH, 3.7)
    plane, scores = figure.subplots(1, 2, width_ratios=[2.0, 1.0])
    _draw_rows(plane, rows, selection.labels)
    for k, (mean, covariance) in enumerate(
        zip(selection.means, selection.covariances, strict=True)
    ):
        draw_ellipses(plane, mean, covariance, colour=category(k))
    has_ghosts = selection.chosen_k == 2 and not isinstance(hosts, NotRun)
    if not isinstance(hosts, NotRun) and has_ghosts:
        _draw_ghosts(plane, hosts)
    _frame_plane(plane, rows, target)
    plane.set_title(rows_on_hosts(selection.n_rows, selection.n_hosts))
    _draw_scores(scores, selection)
    keys = _mixture_keys(rows, selection, has_ghosts=has_ghosts)
    legend_above(figure, keys, ncols=6)
    if target.pl_name not in set(rows["pl_name"]):
        draw_target(plane, target, target.log_a, target.log_q)
    ring_target(plane, target.log_a, target.log_q, label=target.label)
    return figure


def caption_mass_mixture(
    selection: MassMixtureSelection | NotRun,
    *,
    name: str,
    target: Target,
    hosts: HostResampling | NotRun,
    imprint: Imprint,
) -> str:
    """Say which mixture was chosen, from what, and how to read it."""
    if isinstance(selection, NotRun):
        return caption_not_run(_title(name), selection, imprint)
    left_out = selection.n_left_out
    refused = sum(bool(score.refused) for score in selection.scores)
    best = selection.best_by_bic
    sentences = [
        f"{rows_on_hosts(selection.n_rows, selection.n_hosts)}."
        + (f" {counted(left_out, 'row')} without q or a left out." if left_out else ""),
        f"Left: {counted(selection.chosen_k, 'component')} of full covariance, chosen "
        "between one and two by BIC; each with its 1- and 2-sigma ellipse (39 % and "
        "86 % of a Gaussian). Colour: likeliest component; shape: detection method; "
        f"{HOW_MASSES_LOOK}.",
        f"Weights {', '.join(f'{w:.2f}' for w in selection.weights)}.",
        _delta_bic_in_words(selection),
        _resampling_in_words(selection, hosts),
        "Right: BIC and ICL by number of components, lower is better, for each "
        "covariance family that could be fitted; the band marks the chosen number"
        + (f" ({counted(refused, 'mixture')} refused)." if refused else "."),
        f"Least BIC of the whole search: {best.bic:.1f}, "
        f"{counted(best.n_components, 'component')}, {best.family}; beyond two "
        "components it describes the rows and does not count populations.",
        f"Ringed: {target.label}, not fitted.",
    ]
    return caption(_title(name), sentences, imprint)


def draw_ellipses(
    axes: Axes,
    mean: Floats,
    covariance: Floats,
    *,
    colour: str,
    linewidth: float = 1.2,
    alpha: float = 1.0,
) -> None:
    """Draw the 1- and 2-sigma ellipse of a Gaussian in (log q, log a), log a across."""
    values, vectors = np.linalg.eigh(covariance[::-1, ::-1])
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    for n_sigma, line in ((1.0, "-"), (2.0, "--")):
        ellipse = Ellipse(
            (mean[1], mean[0]),
            width=2.0 * n_sigma * np.sqrt(values[1]),
            height=2.0 * n_sigma * np.sqrt(values[0]),
            angle=angle,
            facecolor="none",
            edgecolor=colour,
            linestyle=line,
            linewidth=linewidth,
            alpha=alpha,
            zorder=3.2,  # over the marks, which are crowded there
        )
        axes.add_patch(ellipse)


def _draw_ghosts(axes: Axes, hosts: HostResampling) -> None:
    """Draw the 1-sigma ellipses of samples of redrawn hosts, faint."""
    angle = np.linspace(0.0, 2.0 * np.pi, _GHOST_POINTS)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    order = np.argsort(hosts.means[:, :, 0], axis=1)  # by mean log q, as the fit
    samples = np.arange(len(order))
    for k, component in enumerate(order.T):
        lower = np.linalg.cholesky(hosts.covariances[samples, component])
        rings = hosts.means[samples, component, :, None] + lower @ circle
        ghosts = LineCollection(
            list(rings[:, ::-1].transpose(0, 2, 1)),  # log a across
            colors=category(k),
            linewidths=0.5,
            alpha=0.25,
            zorder=1.0,
        )
        axes.add_collection(ghosts, autolim=False)


def _draw_rows(axes: Axes, rows: pd.DataFrame, labels: NDArray[np.int64]) -> None:
    """Draw what was fitted, each in the colour of its component."""
    limit = rows["pl_bmassjlim"].fillna(0).astype(int).where(labels >= 0, 0)
    draw_limits(axes, rows["loga"], rows["logq"], limit)
    fitted = rows[labels >= 0]
    colours = map(category, labels[labels >= 0])
    draw_companions(axes, fitted, fitted["loga"], fitted["logq"], colours)


def _frame_plane(axes: Axes, rows: pd.DataFrame, target: Target) -> None:
    """Set the frame by the rows and the target; an ellipse may leave it."""
    for name, own, set_limits in (
        ("loga", target.log_a, axes.set_xlim),
        ("logq", target.log_q, axes.set_ylim),
    ):
        values = np.append(rows[name].to_numpy(dtype=float), own)
        low, high = np.nanmin(values), np.nanmax(values)
        margin = _MARGIN * (high - low)
        set_limits(low - margin, high + margin)
    axes.set(
        xlabel=r"$\log_{10}\,(a\,/\,{\rm AU})$",
        ylabel=r"$\log_{10}\,q$",
    )


def _draw_scores(axes: Axes, selection: MassMixtureSelection) -> None:
    """Draw BIC of every family and ICL of the full one against K."""
    axes.axvline(
        selection.chosen_k, color=category(1), linewidth=6.0, alpha=0.3, zorder=0.5
    )
    for family, (line, marker) in _LINE_AND_MARKER.items():
        is_full = family is CovarianceFamily.FULL
        k, bic = _by_k(selection, family, "bic")
        if not len(k):
            continue
        axes.plot(
            k,
            bic,
            linestyle=line,
            marker=marker,
            markersize=4.0 if is_full else 2.8,
            color=INK if is_full else QUIET,
            linewidth=1.4 if is_full else 0.8,
            label=f"BIC, {family}",
        )
    axes.plot(
        *_by_k(selection, CovarianceFamily.FULL, "icl"),
        color=category(0),
        marker="s",
        markersize=3.0,
        linewidth=0.9,
        label="ICL, full",
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="Number of components", ylabel="BIC, ICL (lower is better)")
    axes.set_title(_delta_bic_in_short(selection))
    axes.legend(loc="best", handlelength=3.0, borderaxespad=0.6)


def _by_k(
    selection: MassMixtureSelection, family: CovarianceFamily, criterion: str
) -> tuple[Floats, Floats]:
    """Return K and the criterion of the mixtures that could be fitted."""
    of_family = [score for score in selection.scores if score.family is family]
    values = {score.n_components: getattr(score, criterion) for score in of_family}
    known = sorted((k, value) for k, value in values.items() if value is not None)
    k, value = np.array(known, dtype=float).reshape(-1, 2).T
    return k, value


def _mixture_keys(
    rows: pd.DataFrame, selection: MassMixtureSelection, *, has_ghosts: bool
) -> list[Line2D]:
    keys = method_keys(rows["discoverymethod"])
    for k, weight in enumerate(selection.weights):
        label = f"component {k + 1} ({weight:.0%})"
        keys.append(key("o", label, colour=category(k)))
    keys += mass_keys(rows["mass_provenance"])
    if rows["pl_bmassjlim"].fillna(0).any():
        keys.append(limit_key("mass limit"))
    keys.append(Line2D([], [], color=QUIET, linewidth=1.2, label=r"1$\sigma$"))
    keys.append(
        Line2D([], [], color=QUIET, linewidth=1.2, linestyle="--", label=r"2$\sigma$")
    )
    if has_ghosts:
        keys.append(
            Line2D([], [], color=QUIET, linewidth=0.5, alpha=0.6, label="redrawn hosts")
        )
    return [*keys, target_key("studied object")]


def _delta_bic_in_short(selection: MassMixtureSelection) -> str:
    if selection.delta_bic is None:
        return "$K$ = 2 not fitted"
    return rf"BIC(1) $-$ BIC(2) = {selection.delta_bic:.1f}"


def _delta_bic_in_words(selection: MassMixtureSelection) -> str:
    if selection.delta_bic is None:
        return "Two components could not be fitted."
    return (
        f"BIC {selection.bic['1']:.1f} with one, {selection.bic['2']:.1f} with two "
        f"components: BIC(1) - BIC(2) = {selection.delta_bic:.1f}."
    )


def _resampling_in_words(
    selection: MassMixtureSelection, hosts: HostResampling | NotRun
) -> str:
    if isinstance(hosts, NotRun):
        return f"Hosts not redrawn: {hosts.reason.rstrip('.')}."
    ghosts = (
        f" {len(hosts.means)} of them are drawn faint, 1 sigma."
        if selection.chosen_k == 2
        else ""
    )
    return (
        f"Two are preferred in {hosts.share_two:.0%} of {hosts.n_samples} samples of "
        f"redrawn hosts.{ghosts}"
    )


def _title(name: str) -> str:
    return f"Mixture in mass ratio and axis, {name}"
