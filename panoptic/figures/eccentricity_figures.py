"""Eccentricities of low and of high mass ratio: distributions, fits, run with axis."""

from collections.abc import Iterator, Sequence
from typing import TypeGuard

import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import betainc

from panoptic.demographics.companions import Companions
from panoptic.demographics.eccentricity_distribution import EccentricityDistribution
from panoptic.demographics.eccentricity_findings import (
    EccentricityFindings,
    SubsetTrend,
)
from panoptic.demographics.eccentricity_fits import (
    MIN_HOSTS_TO_CLAIM,
    BetaFit,
    BetaSurface,
    NotFitted,
    Subset,
)
from panoptic.demographics.eccentricity_passes import (
    HEADLINE,
    Policy,
    apply_policy,
    inside_unit_interval,
)
from panoptic.demographics.eccentricity_trend import EccentricityTrend
from panoptic.demographics.power import (
    BOWLER_BROWN_DWARFS,
    BOWLER_PLANETS,
    DO_O_ALL,
    KIPPING_ALL,
    KIPPING_LONG,
    KIPPING_SHORT,
)
from panoptic.demographics.two_sample_tests import Test, TwoSampleResult
from panoptic.figures.captions import (
    HOW_MASSES_LOOK,
    Imprint,
    caption,
    caption_not_run,
    counted,
    in_words,
    rows_on_hosts,
)
from panoptic.figures.marks import (
    draw_companions,
    draw_errors,
    key,
    mass_keys,
    method_keys,
)
from panoptic.figures.style import (
    BLUE,
    INK,
    ORANGE,
    PAGE_INCH,
    PAPER,
    QUIET,
    house_style,
    legend_above,
    new_figure,
    plot_not_run,
)
from panoptic.statement import NotRun

_DISTRIBUTIONS = "Eccentricities of low and high mass ratio"
_CONTOURS = "Beta distributions of eccentricity"
_TREND = "Eccentricity along the semi-major axis"
_COLOUR = {Subset.LOW_Q: BLUE, Subset.HIGH_Q: ORANGE}
_RUG = {Subset.LOW_Q: -0.06, Subset.HIGH_Q: 1.06}
_FIT_LINE = (0, (4, 2))
# Falls of lnL that hold two parameters with 68.3 % and 95.4 %, half of chi^2_2.
_CONTOUR_FALLS = {1.148: "-", 3.090: "--"}
_PUBLISHED = {
    "Kipping 2013": (KIPPING_ALL, "o"),
    "Kipping 2013, short $P$": (KIPPING_SHORT, "v"),
    "Kipping 2013, long $P$": (KIPPING_LONG, "^"),
    "Bowler+ 2020, planets": (BOWLER_PLANETS, "s"),
    "Bowler+ 2020, brown dwarfs": (BOWLER_BROWN_DWARFS, "D"),
    "Do O+ 2023": (DO_O_ALL, "P"),
}


@house_style()
def plot_eccentricity_distributions(
    rows: pd.DataFrame, findings: EccentricityFindings | NotRun
) -> Figure:
    """Draw the distribution of e on both sides of the split, one panel per pass.

    Parameters
    ----------
    rows : the rows that were asked about; each is a tick or an arrowhead.
    """
    if isinstance(findings, NotRun):
        return plot_not_run(_DISTRIBUTIONS, findings)
    policies = _policies(findings.distributions)
    figure = new_figure(PAGE_INCH, 3.1)
    panels = figure.subplots(1, len(policies), sharex=True, sharey=True, squeeze=False)
    for axes, policy in zip(panels.flat, policies, strict=True):
        for curve in findings.distributions:
            if curve.policy is policy:
                _draw_curve(axes, curve)
                fit = findings.fit_of(curve.subset, policy)
                if fit:
                    _draw_fit(axes, fit)
        _draw_rug(axes, rows, policy, q_split=findings.q_split)
        axes.set_title(f"{in_words(policy)}: {_counts(findings, policy)}")
        _write_test(axes, findings, policy)
        axes.set_xlabel("Eccentricity")
    panels[0, 0].set(xlim=(0, 1), ylim=(-0.1, 1.1), ylabel="Share at or below")
    legend_above(figure, _distribution_keys(findings.q_split), ncols=6)
    return figure


def caption_eccentricity_distributions(
    findings: EccentricityFindings | NotRun, *, imprint: Imprint
) -> str:
    """Say what the passes are and how to read the curves."""
    if isinstance(findings, NotRun):
        return caption_not_run(_DISTRIBUTIONS, findings, imprint)
    level = findings.distributions[0].level if findings.distributions else 0.95
    sentences = [
        _asked_in_words(findings),
        "'As reported' takes every value as it stands; 'censored', the headline, takes "
        "all that is not measured as a limit.",
        f"Steps: share at or below e, with {level:.0%} bands over bootstrapped hosts; "
        "where limits are in, the product-limit estimator. Dashed: the Beta fits. "
        "Along the edges: each row, a tick at its value or an arrowhead at its limit.",
        *_tests_in_words(findings),
    ]
    return caption(_DISTRIBUTIONS, sentences, imprint)


@house_style()
def plot_beta_contours(findings: EccentricityFindings | NotRun) -> Figure:
    """Draw where alpha and beta may lie, beside what has been published."""
    if isinstance(findings, NotRun):
        return plot_not_run(_CONTOURS, findings)
    policies = _policies(findings.surfaces)
    if not policies:
        reasons = "; ".join(fit.reason for fit in findings.not_fitted)
        return plot_not_run(_CONTOURS, NotRun(reasons or "no Beta could be fitted"))
    figure = new_figure(PAGE_INCH, 3.4)
    panels = figure.subplots(1, len(policies), sharex=True, sharey=True, squeeze=False)
    for axes, policy in zip(panels.flat, policies, strict=True):
        for surface in findings.surfaces:
            fit = findings.fit_of(surface.subset, policy)
            if surface.policy is policy and fit:
                _draw_surface(axes, surface, fit)
        for law, marker in _PUBLISHED.values():
            _draw_published(axes, law.alpha, law.beta, marker)
        axes.set(xscale="log", yscale="log", xlabel=r"$\alpha$")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_title(f"{in_words(policy)}: {_counts(findings, policy)}")
    panels[0, 0].set_ylabel(r"$\beta$")
    legend_above(figure, _contour_keys(findings.q_split), ncols=5)
    return figure


def caption_beta_contours(
    findings: EccentricityFindings | NotRun, *, imprint: Imprint
) -> str:
    """Say what the contours hold and which points are published."""
    if isinstance(findings, NotRun):
        return caption_not_run(_CONTOURS, findings, imprint)
    fits = [
        f"{in_words(fit.policy)}, {_SIDE[fit.subset]}: alpha {fit.alpha:.2f}, beta "
        f"{fit.beta:.2f} ({rows_on_hosts(fit.n, fit.n_hosts)}"
        + ("" if fit.enough_to_claim else ", too few to claim")
        + ")"
        for fit in findings.fits
        if fit.policy in _policies(findings.surfaces)
    ]
    sentences = [
        _asked_in_words(findings),
        "Contours of the likelihood that hold both parameters with 68 % (solid) and "
        "95 % (dashed), rows taken as independent; crosses: its maximum.",
        *([f"{'; '.join(fits)}."] if fits else []),
        *[
            f"Not fitted: {in_words(no.policy)}, {_SIDE[no.subset]}: "
            f"{no.reason.rstrip('.')}."
            for no in findings.not_fitted
        ],
        "Open marks: published distributions of wide and close companions of other "
        "hosts.",
    ]
    return caption(_CONTOURS, sentences, imprint)


@house_style()
def plot_eccentricity_trend(
    rows: pd.DataFrame, findings: EccentricityFindings | NotRun
) -> Figure:
    """Draw e against log a on both sides of the split, with its local mean."""
    if isinstance(findings, NotRun):
        return plot_not_run(_TREND, findings)
    figure = new_figure(PAGE_INCH, 3.1)
    axes = figure.add_subplot()
    shown = _policies(findings.trends) or (Policy.MEASURED_ONLY,)
    drawn = _rows_of_pass(rows, shown[0])
    draw_errors(
        axes,
        drawn["loga"],
        drawn["pl_orbeccen"],
        y_below=-drawn["pl_orbeccenerr2"],
        y_above=drawn["pl_orbeccenerr1"],
    )
    high = drawn["q"] > findings.q_split
    colours = (_COLOUR[Subset.HIGH_Q if is_high else Subset.LOW_Q] for is_high in high)
    draw_companions(axes, drawn, drawn["loga"], drawn["pl_orbeccen"], colours)
    axes.autoscale_view()
    for one in findings.trends:
        if _enough(one.trend):
            _draw_trend(axes, one.subset, one.trend)
    axes.set(
        ylim=(-0.03, 1.0),
        xlabel=r"$\log_{10}\,(a\,/\,{\rm AU})$",
        ylabel="Eccentricity",
        title=f"{in_words(shown[0])}: "
        f"{rows_on_hosts(len(drawn), drawn['hostname'].nunique())}",
    )
    keys = [
        *method_keys(drawn["discoverymethod"]),
        key("o", rf"$q \leq$ {findings.q_split:g}", colour=BLUE),
        key("o", f"$q$ > {findings.q_split:g}", colour=ORANGE),
        *mass_keys(drawn["mass_provenance"]),
        Line2D([], [], color=QUIET, linewidth=1.4, label="local mean"),
    ]
    legend_above(figure, keys, ncols=9)
    return figure


def caption_eccentricity_trend(
    rows: pd.DataFrame, findings: EccentricityFindings | NotRun, *, imprint: Imprint
) -> str:
    """Say what the local mean follows, and how strongly e runs with a."""
    if isinstance(findings, NotRun):
        return caption_not_run(_TREND, findings, imprint)
    shown = _policies(findings.trends) or (Policy.MEASURED_ONLY,)
    drawn = _rows_of_pass(rows, shown[0])
    sentences = [
        f"{rows_on_hosts(len(drawn), drawn['hostname'].nunique())} of the pass "
        f"'{in_words(shown[0])}'; zeros that were assumed where tides are strong would "
        "put the trend in by hand.",
        f"Colour: side of the split; shape: detection method; {HOW_MASSES_LOOK}; bars: "
        "1-sigma errors. "
        "Lines: local mean with 95 % bands over bootstrapped hosts.",
        *[_trend_in_words(one.subset, one.trend) for one in findings.trends],
    ]
    return caption(_TREND, sentences, imprint)


_SIDE = {Subset.LOW_Q: "low q", Subset.HIGH_Q: "high q"}


def _enough(trend: EccentricityTrend | NotRun) -> TypeGuard[EccentricityTrend]:
    """Return whether there are hosts enough for a line that means something."""
    return not isinstance(trend, NotRun) and trend.n_hosts >= MIN_HOSTS_TO_CLAIM


def _trend_in_words(subset: Subset, trend: EccentricityTrend | NotRun) -> str:
    if isinstance(trend, NotRun):
        return f"{_SIDE[subset]}: no line, {trend.reason.rstrip('.')}."
    line = "" if _enough(trend) else f"; {counted(trend.n_hosts, 'host')}, no line"
    return (
        f"{_SIDE[subset]}: rank correlation of e with log a "
        f"{trend.rank_correlation:.2f} ({trend.rank_correlation_low:.2f} to "
        f"{trend.rank_correlation_high:.2f}){line}."
    )


def _policies(
    parts: Sequence[EccentricityDistribution | BetaSurface | SubsetTrend],
) -> tuple[Policy, ...]:
    """Return the passes that have such a part, in the order of `Policy`."""
    return tuple(p for p in Policy if any(part.policy is p for part in parts))


def _rows_of_pass(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the rows with an axis whose e a pass takes as a value."""
    companions = Companions.from_frame(rows)
    read = apply_policy(companions, policy)
    taken = rows.iloc[read.row[read.is_value]]
    return taken[taken["q"].notna() & taken["pl_orbsmax"].notna()]


def _draw_curve(axes: Axes, curve: EccentricityDistribution) -> None:
    x = np.concatenate([[0.0], curve.ecc, [1.0]])
    colour = _COLOUR[curve.subset]
    # Below the least value only limits are known: the band has no place there.
    low, high = (
        np.concatenate([[np.nan], band, [1.0]])
        for band in (curve.share_low, curve.share_high)
    )
    axes.fill_between(
        x, low, high, step="post", color=colour, alpha=0.22, linewidth=0.0
    )
    share = np.concatenate([[curve.share_below], curve.share, [1.0]])
    axes.step(x, share, where="post", color=colour, linewidth=1.4)


def _draw_rug(
    axes: Axes, rows: pd.DataFrame, policy: Policy, *, q_split: float
) -> None:
    """Mark every row: a tick at a value, an arrowhead at a limit."""
    companions = Companions.from_frame(rows)
    companions = companions.where(
        inside_unit_interval(companions) & np.isfinite(companions.q)
    )
    read = apply_policy(companions, policy)
    high = companions.q[read.row] > q_split
    lower_limit = read.low > 0.0
    for subset, side in ((Subset.LOW_Q, ~high), (Subset.HIGH_Q, high)):
        for place, chosen, marker, size in (
            (read.value, side & read.is_value, "|", 5.0),
            (read.high, side & ~read.is_value & ~lower_limit, "<", 2.2),
            (read.low, side & lower_limit, ">", 2.2),
        ):
            axes.plot(
                place[chosen],
                np.full(int(chosen.sum()), _RUG[subset]),
                linestyle="none",
                marker=marker,
                markersize=size,
                markeredgewidth=0.7,
                color=_COLOUR[subset],
            )


def _draw_fit(axes: Axes, fit: BetaFit) -> None:
    e = np.linspace(0.0, 1.0, 301)
    axes.plot(
        e,
        betainc(fit.alpha, fit.beta, e),
        color=_COLOUR[fit.subset],
        linestyle=_FIT_LINE,
        linewidth=0.9,
    )


def _draw_surface(axes: Axes, surface: BetaSurface, fit: BetaFit) -> None:
    colour = _COLOUR[surface.subset]
    axes.contour(
        10**surface.log10_alpha,
        10**surface.log10_beta,
        -surface.lnl_fall.T,
        levels=list(_CONTOUR_FALLS),
        linestyles=list(_CONTOUR_FALLS.values()),
        colors=[colour],
        linewidths=1.2,
    )
    axes.plot([fit.alpha], [fit.beta], marker="x", color=colour, markeredgewidth=1.4)


def _draw_published(axes: Axes, alpha: float, beta: float, marker: str) -> None:
    axes.plot(
        [alpha],
        [beta],
        linestyle="none",
        marker=marker,
        markersize=4.5,
        markerfacecolor=PAPER,
        markeredgecolor=INK,
        markeredgewidth=0.9,
    )


def _draw_trend(axes: Axes, subset: Subset, trend: EccentricityTrend) -> None:
    colour = _COLOUR[subset]
    axes.fill_between(
        trend.log_a,
        trend.ecc_low,
        trend.ecc_high,
        color=colour,
        alpha=0.2,
        linewidth=0.0,
    )
    (line,) = axes.plot(trend.log_a, trend.ecc, color=colour, linewidth=1.4)
    line.set_path_effects([effects.withStroke(linewidth=2.4, foreground=PAPER)])


def _write_test(axes: Axes, findings: EccentricityFindings, policy: Policy) -> None:
    result = _test_of(findings, policy)
    axes.text(
        0.97,
        0.12,
        _in_short(result) if result else "not tested",
        transform=axes.transAxes,
        ha="right",
        va="bottom",
    )


def _test_of(findings: EccentricityFindings, policy: Policy) -> TwoSampleResult | None:
    """Return the test a pass leads with: Peto-Peto where limits are in, else KS."""
    wanted = Test.PETO_PETO if policy is Policy.CENSORED else Test.KS
    return findings.test_of(policy, wanted)


def _in_short(result: TwoSampleResult) -> str:
    name = "$z$" if result.test is Test.PETO_PETO else "$D$"
    return (
        f"{name} = {result.statistic:.2f}\n"
        f"$p$ = {result.p_host:.2g} by host\n"
        f"$p$ = {result.p_row:.2g} by row"
    )


def _tests_in_words(findings: EccentricityFindings) -> Iterator[str]:
    for policy in _policies(findings.distributions):
        result = _test_of(findings, policy)
        if result is None:
            continue
        name = "Peto-Peto z" if result.test is Test.PETO_PETO else "KS D"
        headline = ", the headline" if policy is HEADLINE else ""
        yield (
            f"{in_words(policy)}{headline}: {name} = {result.statistic:.3g}, p = "
            f"{result.p_host:.2g} by host and {result.p_row:.2g} by row."
        )


def _asked_in_words(findings: EccentricityFindings) -> str:
    outside = findings.n_outside
    return (
        f"{rows_on_hosts(findings.n, findings.n_hosts)}, split at q = "
        f"{findings.q_split:g}."
        + (f" {outside} with e outside [0, 1) are left out." if outside else "")
    )


def _counts(findings: EccentricityFindings, policy: Policy) -> str:
    """Return how many rows on how many hosts a pass reads on either side."""
    parts: list[BetaFit | NotFitted] = [*findings.fits, *findings.not_fitted]
    counts = {
        part.subset: (part.n, part.n_hosts) for part in parts if part.policy is policy
    }
    (low, low_hosts), (high, high_hosts) = (
        counts.get(side, (0, 0)) for side in (Subset.LOW_Q, Subset.HIGH_Q)
    )
    return f"{low} on {low_hosts} hosts (low q), {high} on {high_hosts} (high q)"


def _distribution_keys(q_split: float) -> list[Artist]:
    def edge(marker: str, label: str) -> Line2D:
        return Line2D(
            [], [], color=QUIET, linestyle="none", marker=marker, ms=4.0, label=label
        )

    return [
        *_side_keys(q_split),
        Patch(color=QUIET, alpha=0.3, linewidth=0.0, label="95 % over hosts"),
        Line2D([], [], color=QUIET, linestyle=_FIT_LINE, label="Beta fit"),
        edge("|", "value"),
        edge("<", "upper limit"),
    ]


def _contour_keys(q_split: float) -> list[Line2D]:
    published = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=4.5,
            markerfacecolor=PAPER,
            markeredgecolor=INK,
            label=name,
        )
        for name, (_, marker) in _PUBLISHED.items()
    ]
    contours = [
        Line2D([], [], color=QUIET, linewidth=1.2, dashes=dashes, label=label)
        for dashes, label in (((1, 0), "68 %"), ((3.7, 1.6), "95 %"))
    ]
    return [*_side_keys(q_split), *contours, *published]


def _side_keys(q_split: float) -> list[Line2D]:
    return [
        Line2D([], [], color=BLUE, linewidth=1.4, label=rf"$q \leq$ {q_split:g}"),
        Line2D([], [], color=ORANGE, linewidth=1.4, label=f"$q$ > {q_split:g}"),
    ]
