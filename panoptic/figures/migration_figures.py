"""Migration beyond the map: what moves its answer, and which companions it explains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import TICKUP

from panoptic.dynamics.arrivals import CompanionMigration
from panoptic.dynamics.migration_findings import MigrationFindings
from panoptic.dynamics.secular_map import ARRIVED
from panoptic.dynamics.sensitivity import CriterionVariant, SecularVariant
from panoptic.figures.captions import (
    HOW_MASSES_LOOK,
    Imprint,
    caption,
    caption_not_run,
    counted,
    listed,
)
from panoptic.figures.forest import ForestLine, draw_forest, height_inch
from panoptic.figures.marks import (
    draw_errors,
    draw_mark,
    gid_of,
    key,
    marker_of,
    mass_keys,
    method_keys,
    ring_target,
    target_key,
)
from panoptic.figures.style import (
    BLUE,
    INK,
    PAGE_INCH,
    PAPER,
    VERMILION,
    continuous,
    house_style,
    legend_above,
    new_figure,
    plot_not_run,
    write_not_run,
)
from panoptic.sample import MassProvenance
from panoptic.statement import NotRun

_SENSITIVITY = "What moves the answer of the maps"
_ARRIVED_KEY: dict[str, Any] = {
    "linestyle": "none",
    "marker": "^",
    "markersize": 3.2,
    "markerfacecolor": PAPER,
    "markeredgecolor": INK,
    "markeredgewidth": 0.7,
}
_DISRUPTED_KEY: dict[str, Any] = {
    "linestyle": "none",
    "marker": "x",
    "markersize": 3.6,
    "color": VERMILION,
}
_SIBLINGS_KEY: dict[str, Any] = {
    "linestyle": "none",
    "marker": TICKUP,  # marks of one line may stand close: a bar would join them
    "markersize": 6.0,
    "markeredgewidth": 0.9,
    "color": INK,
    "zorder": 2.9,
}
_ARRIVALS = "Close companions that perturbers could have brought in"


@house_style()
def plot_migration_sensitivity(found: MigrationFindings | NotRun) -> Figure:
    """Draw the shares that migrate under other settings, and the criterion's grid."""
    if isinstance(found, NotRun):
        return plot_not_run(_SENSITIVITY, found)
    lines = _variant_lines(found.secular_variants)
    figure = new_figure(PAGE_INCH, max(2.2, height_inch(lines) + 0.9))
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1.0])
    if lines:
        draw_forest(left, lines)
        _draw_disrupted(left, found.secular_variants)
        least = _least_share(found.secular_variants)
        left.set_xscale("symlog", linthresh=least)
        left.set(xlabel="Share of all triples", xlim=(-0.3 * least, 1.0))
        left.set_title(f"{found.secular_variants[0].n_draws} triples in the map")
        legend_above(figure, _share_keys())
    else:
        write_not_run(left, "Secular map", _why(found.secular), width=40)
    if found.criterion_variants:
        _draw_criterion_grid(right, found.criterion_variants)
    else:
        write_not_run(right, "Criterion", _why(found.criterion), width=26)
    return figure


def caption_migration_sensitivity(
    found: MigrationFindings | NotRun, *, imprint: Imprint
) -> str:
    """Say what was changed, and what moves with it."""
    if isinstance(found, NotRun):
        return caption_not_run(_SENSITIVITY, found, imprint)
    anew = [v for v in found.secular_variants if v.is_new_integration]
    sentences = [
        "Left: shares of all triples that migrate (circles, with 95 % Wilson "
        "intervals), end near today's axis (triangles) and are disrupted (crosses); "
        "one setting changed per line, the headline in blue."
        if found.secular_variants
        else f"Secular map not run: {_why(found.secular).reason.rstrip('.')}.",
        f"{counted(len(anew), 'line')} integrated anew, on {anew[0].n_draws} triples "
        "each; the others are read off the same integrations."
        if anew
        else "",
        "Right: coverage of the criterion's map (share of its cells that reach a "
        "fraction of 0.1) and, below it, its mean fraction, by time and threshold."
        if found.criterion_variants
        else f"Criterion not run: {_why(found.criterion).reason.rstrip('.')}.",
    ]
    return caption(_SENSITIVITY, sentences, imprint)


@house_style()
def plot_arrivals(found: MigrationFindings | NotRun, rows: pd.DataFrame) -> Figure:
    """Draw, for every close companion, how often a stated prior brings it in.

    Those that no draw reached stand in a strip below, one line per method.

    Parameters
    ----------
    rows : of the sample; gives each companion its method and how its mass is known.
    """
    if isinstance(found, NotRun):
        return plot_not_run(_ARRIVALS, found)
    asked = _asked(found)
    if not asked:
        return plot_not_run(_ARRIVALS, _nobody(found.companions))
    known = rows.drop_duplicates("pl_name").set_index("pl_name")
    method = known["discoverymethod"].to_dict()
    provenance = known["mass_provenance"].to_dict()
    methods = sorted({method.get(one.name, "") for one in asked if not one.n_arrived})
    scale = _mass_scale(asked)
    figure = new_figure(PAGE_INCH, 2.9 + 0.16 * len(methods))
    upper, lower = figure.subplots(
        2, 1, sharex=True, height_ratios=[4.0, 0.3 + 0.35 * len(methods)]
    )
    for one in asked:
        shape = method.get(one.name, "")
        y = one.share if one.n_arrived else float(methods.index(shape))
        axes = upper if one.n_arrived else lower
        draw_mark(
            axes,
            one.axis_au,
            y,
            marker=marker_of(shape),
            colour=continuous()(scale(one.log_mass)),
            provenance=provenance.get(one.name, MassProvenance.UNKNOWN),
            gid=gid_of(one.name),
        )
        if one.has_siblings:
            axes.plot([one.axis_au], [y], **_SIBLINGS_KEY)
    _draw_share_bars(upper, [one for one in asked if one.n_arrived])
    _frame_arrivals(upper, lower, asked, methods)
    bar = figure.colorbar(
        ScalarMappable(scale, continuous()), ax=[upper, lower], aspect=32, pad=0.015
    )
    bar.set_label(r"$\log_{10}$ mass ($M_{\rm Jup}$)")
    keys = [
        *method_keys(method.get(one.name, "") for one in asked),
        *mass_keys(provenance.get(one.name, "") for one in asked),
        Line2D([], [], **_SIBLINGS_KEY, label="has siblings"),
        target_key("studied object"),
    ]
    legend_above(figure, keys, ncols=7)
    _ring_the_target(upper, found)
    return figure


def caption_arrivals(
    found: MigrationFindings | NotRun, rows: pd.DataFrame, *, imprint: Imprint
) -> str:
    """Say what was drawn for whom, and who was not asked about."""
    if isinstance(found, NotRun):
        return caption_not_run(_ARRIVALS, found, imprint)
    asked = _asked(found)
    if not asked:
        return caption_not_run(_ARRIVALS, _nobody(found.companions), imprint)
    draws = " or ".join(str(n) for n in sorted({one.n_draws for one in asked}))
    siblings = sum(one.has_siblings for one in asked)
    sentences = [
        f"{counted(len(asked), 'close companion')} on "
        f"{counted(_n_hosts(asked, rows), 'host')}, {draws} triples each: how often "
        "one that starts wide around an unseen perturber ends near its axis of today; "
        "lines are 95 % Wilson intervals. Colour: mass; shape: detection method; "
        f"{HOW_MASSES_LOOK}.",
        _never_in_words(asked),
        f"With a tick: {counted(siblings, 'companion')} with known siblings, which a "
        "companion on an eccentric orbit would likely have removed."
        if siblings
        else "",
        *_target_in_words(found),
        f"Not asked: {_reasons(found.companions)}.",
    ]
    return caption(_ARRIVALS, sentences, imprint)


def _target_in_words(found: MigrationFindings) -> Iterator[str]:
    if not isinstance(found.secular, NotRun):
        n_arrived, low = int(found.secular.count(ARRIVED).sum()), found.inner.axis_au[0]
        yield (
            f"Ringed, if any arrived: {found.target.name}, {n_arrived} of "
            f"{found.secular.n_total} triples of its map, which start from {low:g} AU."
        )


def _variant_lines(variants: Sequence[SecularVariant]) -> list[ForestLine]:
    lines: list[ForestLine] = []
    for variant in variants:
        first_anew = variant.is_new_integration and not (
            lines and variants[len(lines) - 1].is_new_integration
        )
        lines.append(
            ForestLine(
                variant.what,
                variant.migrated,
                variant.migrated_low,
                variant.migrated_high,
                colour=BLUE if variant.is_headline else INK,
                gap_before=first_anew and bool(lines),
            )
        )
    return lines


def _draw_disrupted(axes: Axes, variants: Sequence[SecularVariant]) -> None:
    places = np.asarray(axes.get_yticks())
    for shares, key_of, shift in (
        ([v.arrived for v in variants], _ARRIVED_KEY, -0.3),  # beside, not over
        ([v.disrupted for v in variants], _DISRUPTED_KEY, 0.0),
    ):
        axes.plot(shares, places + shift, **key_of)


def _share_keys() -> list[Line2D]:
    return [
        key("o", "migrate", colour=INK),
        Line2D([], [], **_ARRIVED_KEY, label="end near today's axis"),
        Line2D([], [], **_DISRUPTED_KEY, label="are disrupted"),
    ]


def _least_share(variants: Sequence[SecularVariant]) -> float:
    """Return the share of one draw, below which the scale is linear to 0."""
    return 1.0 / max(variant.n_draws for variant in variants)


def _draw_criterion_grid(axes: Axes, variants: Sequence[CriterionVariant]) -> None:
    horizons = sorted({v.horizon_gyr for v in variants})
    thresholds = sorted({v.r_crit_rstar for v in variants})
    coverage = np.full((len(horizons), len(thresholds)), np.nan)
    for variant in variants:
        i = horizons.index(variant.horizon_gyr)
        k = thresholds.index(variant.r_crit_rstar)
        coverage[i, k] = variant.coverage
        axes.text(
            k + 0.5,
            i + 0.5,
            f"{variant.coverage:.0%} of cells\nmean {variant.mean_fraction:.3f}",
            ha="center",
            va="center",
            color=PAPER if variant.coverage < 0.6 else INK,
        )
    axes.pcolormesh(coverage, cmap=continuous(), norm=Normalize(0, 1), edgecolors=PAPER)
    axes.set(
        xticks=np.arange(len(thresholds)) + 0.5,
        xticklabels=[f"{t:g}" for t in thresholds],
        yticks=np.arange(len(horizons)) + 0.5,
        yticklabels=[f"{t:g}" for t in horizons],
        xlabel="Pericentre threshold ($R_*$)",
        ylabel="Time (Gyr)",
        title="Criterion: cells covered, mean share",
    )
    axes.tick_params(length=0)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A companion that was asked about, as far as it is drawn."""

    name: str
    axis_au: float
    log_mass: float
    has_siblings: bool
    n_arrived: int
    n_draws: int
    share: float
    share_low: float
    share_high: float


def _asked(found: MigrationFindings) -> list[_Asked]:
    return [
        _Asked(
            name=one.companion.name,
            axis_au=one.companion.axis_au,
            log_mass=float(np.log10(one.companion.mass_mjup)),
            has_siblings=one.companion.n_siblings > 0,
            n_arrived=one.arrival.n_arrived,
            n_draws=one.arrival.n_draws,
            share=one.arrival.arrived_fraction,
            share_low=one.arrival.arrived_low,
            share_high=one.arrival.arrived_high,
        )
        for one in found.companions
        if one.arrival and one.companion.axis_au and one.companion.mass_mjup
    ]


def _n_hosts(asked: Sequence[_Asked], rows: pd.DataFrame) -> int:
    names = {one.name for one in asked}
    return int(rows.loc[rows["pl_name"].isin(names), "hostname"].nunique())


def _mass_scale(asked: Sequence[_Asked]) -> Normalize:
    masses = [one.log_mass for one in asked]
    return Normalize(min(masses), max(masses))


def _draw_share_bars(axes: Axes, arrived: Sequence[_Asked]) -> None:
    draw_errors(
        axes,
        [one.axis_au for one in arrived],
        [one.share for one in arrived],
        y_below=[one.share - one.share_low for one in arrived],
        y_above=[one.share_high - one.share for one in arrived],
    )


def _frame_arrivals(
    upper: Axes, lower: Axes, asked: Sequence[_Asked], methods: list[str]
) -> None:
    arrived = [one for one in asked if one.n_arrived]
    low = min((one.share_low for one in arrived), default=1e-3)
    high = max((one.share_high for one in arrived), default=0.1)
    axes_today = [one.axis_au for one in asked]
    upper.set(
        xscale="log",
        yscale="log",
        xlim=(0.8 * min(axes_today), 1.25 * max(axes_today)),
        ylim=(0.7 * low, 1.4 * high),
        ylabel="Share that ends there",
        title=f"reached: {counted(len(arrived), 'companion')}",
    )
    lower.set(
        yticks=range(len(methods)),
        yticklabels=[method or "unknown method" for method in methods],
        ylim=(-0.7, len(methods) - 0.3),
        xlabel="Semi-major axis today (AU)",
        title=f"reached by no draw: {counted(len(asked) - len(arrived), 'companion')}",
    )
    lower.xaxis.set_major_formatter("{x:g}")
    upper.yaxis.set_major_formatter("{x:g}")
    lower.tick_params(axis="y", length=0, labelsize=6.0)


def _never_in_words(asked: Sequence[_Asked]) -> str:
    """Say what it means that no draw reached a companion."""
    never = [one.share_high for one in asked if not one.n_arrived]
    if not never:
        return ""
    return (
        f"{len(never)} of them, in the strip below, were reached by no draw: their "
        f"shares are at most {max(never):.2g} (95 %)."
    )


def _ring_the_target(axes: Axes, found: MigrationFindings) -> None:
    """Ring the target's own share, of the triples of the map, where one arrived."""
    if isinstance(found.secular, NotRun) or found.target.axis_au is None:
        return
    n_arrived = int(found.secular.count(ARRIVED).sum())
    if n_arrived:
        share = n_arrived / found.secular.n_total
        bottom, top = axes.get_ylim()
        axes.set_ylim(min(bottom, 0.5 * share), max(top, 2.0 * share))
        ring_target(axes, found.target.axis_au, share, label=found.target.name)


def _reasons(companions: Sequence[CompanionMigration]) -> str:
    """Return how many companions were not asked about, by the kind of reason."""
    counts: dict[str, int] = {}
    for one in companions:
        if one.arrival is None:
            kind = one.not_applicable.partition(":")[0] or "the secular map was not run"
            counts[kind] = counts.get(kind, 0) + 1
    return listed(counts)


def _nobody(companions: Sequence[CompanionMigration]) -> NotRun:
    return NotRun(f"no companion was asked about: {_reasons(companions)}")


def _why(part: object) -> NotRun:
    return part if isinstance(part, NotRun) else NotRun("it has no variants")
