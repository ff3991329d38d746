"""What the eccentricities show, in sentences that follow from the numbers of a run."""

from collections.abc import Iterator

import numpy as np

from panoptic.demographics.eccentricity_contrast import (
    AXIS_BIN_DEX,
    HEADLINE_TEST,
    SIGNIFICANCE,
    Contrast,
    ContrastTest,
)
from panoptic.demographics.eccentricity_families import Family
from panoptic.demographics.eccentricity_findings import (
    EccentricityFindings,
    FamilyComparison,
)
from panoptic.demographics.eccentricity_fits import (
    MIN_HOSTS_TO_CLAIM,
    Interval,
    Subset,
)
from panoptic.demographics.eccentricity_passes import HEADLINE, Policy
from panoptic.demographics.eccentricity_trend import EccentricityTrend
from panoptic.statement import Statement, Verdict

_SIDE = {Subset.LOW_Q: "low-q", Subset.HIGH_Q: "high-q"}
# A factor by which leaving out one host must move a mean or a parameter to be named.
MARKED_INFLUENCE = 2.0
CLEAR_DELTA_BIC = 2.0  # by which a family must lead

_RULE = Statement(
    "The rule of the verdict on eccentricities: not supported if the headline test "
    "finds no difference over all rows; supported if it finds one there, within "
    "methods and at equal semi-major axes, in one direction; else driven by detection "
    "method.",
    evidence=(
        "The headline test, chosen beforehand: Peto-Peto of the censored reading with "
        f"hosts shuffled, p <= {SIGNIFICANCE:g}; within methods hosts are shuffled "
        f"inside each method, at equal axes inside bins of {AXIS_BIN_DEX:g} dex"
    ),
    caveat="where one of the two cannot be tested, it does not confirm",
)


def state_eccentricities(findings: EccentricityFindings) -> tuple[Statement, ...]:
    """Say what the eccentricities show: the verdict, then what it rests on."""
    return (
        _verdict(findings),
        *_sensitivity(findings),
        *_fits(findings),
        *_influence(findings),
        *_families(findings),
        *_trends(findings),
        *_power(findings),
        _RULE,
    )


def _verdict(findings: EccentricityFindings) -> Statement:
    headline = _headline(findings, Contrast.ALL)
    if findings.verdict is None or headline is None:
        return Statement(
            text=(
                "Whether high-q and low-q companions differ in eccentricity cannot be "
                "asked of this sample."
            ),
            evidence=findings.because,
            caveat="it needs at least two rows on two hosts on either side",
        )
    larger = "larger" if headline.result.statistic > 0.0 else "smaller"
    differ = (
        f"Companions above q = {findings.q_split:g} have {larger} eccentricities than "
        "those below"
    )
    texts = {
        Verdict.SUPPORTED: (
            f"{differ}, also within one detection method and at equal semi-major axes."
        ),
        Verdict.NOT_SUPPORTED: (
            f"The eccentricities of companions above and below q = {findings.q_split:g}"
            " cannot be told apart."
        ),
        Verdict.DRIVEN_BY_METHOD: (
            f"{differ}, but this cannot be told from a difference between detection "
            "methods and the axes they reach."
        ),
    }
    return Statement(
        text=texts[findings.verdict],
        evidence=_verdict_evidence(findings, headline),
        caveat=_verdict_caveat(findings, headline),
    )


def _verdict_evidence(findings: EccentricityFindings, headline: ContrastTest) -> str:
    result = headline.result
    corrected = (
        _least_p(findings)
        if _too_few_shuffles(findings)
        else f"{headline.p_holm:.2g} corrected for {len(findings.tests)} tests"
    )
    return (
        f"Verdict: {findings.verdict}, for: {findings.because}. Peto-Peto with limits, "
        f"hosts shuffled: z = {result.statistic:.2f}, p = {result.p_host:.2g} "
        f"({corrected}). "
        f"{result.n_first} low-q rows on {result.n_hosts_first} hosts, "
        f"{result.n_second} high-q on {result.n_hosts_second}; "
        f"{findings.n_high_q_alone} high-q rows come from methods without a low-q row"
    )


def _verdict_caveat(findings: EccentricityFindings, headline: ContrastTest) -> str:
    change = {
        Verdict.SUPPORTED: "selection inside a method is not modelled",
        Verdict.NOT_SUPPORTED: (
            "absence of evidence: see what the test could have found"
        ),
        Verdict.DRIVEN_BY_METHOD: (
            "measured eccentricities of low-q and high-q companions from one method, "
            "or at equal axes, could change it"
        ),
        None: "",
    }[findings.verdict]
    fewest = min(headline.result.n_hosts_first, headline.result.n_hosts_second)
    if fewest < MIN_HOSTS_TO_CLAIM:
        change += f"; the smaller side has {fewest} hosts, too few to claim"
    return change


def _sensitivity(findings: EccentricityFindings) -> Iterator[Statement]:
    """Say which of all tests over all rows are significant."""
    overall = [t for t in findings.tests if t.contrast is Contrast.ALL]
    if not overall:
        return
    raw = sum(t.result.p_host <= SIGNIFICANCE for t in overall)
    blind = _too_few_shuffles(findings)
    parts = [
        f"{t.policy} {t.result.test} p = {t.result.p_host:.2g}"
        + ("" if blind else f" ({t.p_holm:.2g})")
        for t in overall
    ]
    yield Statement(
        text=(
            f"Of {len(overall)} tests over all rows, {raw} find a difference at 5 %, "
            f"{_after_correction(findings, overall)}."
        ),
        evidence=f"p by host{'' if blind else ' (corrected)'}: {'; '.join(parts)}",
        caveat="the passes share rows, so that the tests are not independent",
    )


def _after_correction(findings: EccentricityFindings, tests: list[ContrastTest]) -> str:
    """Count what survives, unless too few shuffles were made for anything to."""
    n = len(findings.tests)
    if _too_few_shuffles(findings):
        return f"none can after correction for all {n}: {_least_p(findings)}"
    held = sum(test.p_holm <= SIGNIFICANCE for test in tests)
    return f"{held} after correction for all {n} of the table"


def _too_few_shuffles(findings: EccentricityFindings) -> bool:
    """Whether not even the least possible p would survive the correction."""
    least, n = 1.0 / (1 + findings.n_permutations), len(findings.tests)
    return least * n > SIGNIFICANCE


def _least_p(findings: EccentricityFindings) -> str:
    n = findings.n_permutations
    return f"with {n} shuffles no p is below {1.0 / (1 + n):.2g}"


def _fits(findings: EccentricityFindings) -> Iterator[Statement]:
    for subset in Subset:
        fit = findings.fit_of(subset, HEADLINE)
        if fit is None:
            continue
        others = [f for f in findings.fits if f.subset is subset]
        means = [f.mean for f in others]
        alphas = [f.alpha for f in others]
        yield Statement(
            text=(
                f"The {_SIDE[subset]} eccentricities, limits taken as limits, are "
                f"fitted by Beta({fit.alpha:.2f}, {fit.beta:.2f}), of mean "
                f"{fit.mean:.2f}"
                + ("." if fit.enough_to_claim else "; too few hosts to claim.")
            ),
            evidence=(
                f"{fit.n} rows on {fit.n_hosts} hosts, {fit.n_censored} of them "
                f"limits; 95 % profile intervals alpha {_span(fit.alpha_interval)}, "
                f"beta {_span(fit.beta_interval)}; mean {min(means):.2f} to "
                f"{max(means):.2f} over {len(others)} readings of the data"
            ),
            caveat=(
                f"alpha runs from {min(alphas):.2f} to {max(alphas):.2f} with what is "
                f"done with zeros, limits and errors{_rival(findings, subset)}"
            ),
        )


def _rival(findings: EccentricityFindings, subset: Subset) -> str:
    """Name the family that describes the same rows better, if one clearly does."""
    for comparison in findings.families:
        if (comparison.policy, comparison.subset) == (HEADLINE, subset):
            bic = {fit.family: fit.bic for fit in comparison.fits}
            best = min(bic, key=bic.__getitem__, default=Family.BETA)
            gain = bic.get(Family.BETA, np.nan) - bic.get(best, np.nan)
            if gain >= CLEAR_DELTA_BIC:
                return f"; {_name(best)} describes them better (BIC by {gain:.1f})"
    return ""


def _influence(findings: EccentricityFindings) -> Iterator[Statement]:
    for fit in findings.fits:
        if fit.policy is not Policy.AS_REPORTED:
            continue
        if fit.alpha_without is None or fit.beta_without is None:
            continue
        ratio = fit.alpha_without / fit.alpha
        if max(ratio, 1.0 / ratio) < MARKED_INFLUENCE:
            continue
        yield Statement(
            text=(
                f"One host, {fit.influential_host}, decides the {_SIDE[fit.subset]} "
                "fit of the eccentricities as catalogued."
            ),
            evidence=(
                f"Beta({fit.alpha:.2f}, {fit.beta:.2f}) with it, "
                f"({fit.alpha_without:.2f}, {fit.beta_without:.2f}) without; "
                f"{fit.n_hosts} hosts"
            ),
            caveat="what one host decides is no property of a population",
        )


def _families(findings: EccentricityFindings) -> Iterator[Statement]:
    for comparison in findings.families:
        if comparison.policy is HEADLINE and len(comparison.fits) > 1:
            yield _family(comparison, _beta_gof(findings, comparison.subset))


def _beta_gof(findings: EccentricityFindings, subset: Subset) -> str:
    """Say how well the Beta fits the measured values, where that was asked."""
    for comparison in findings.families:
        for fit in comparison.fits:
            asked = comparison.subset is subset and fit.family is Family.BETA
            if asked and fit.gof_p is not None:
                return (
                    f"; a Beta fits the {fit.n} values of {comparison.policy} with "
                    f"p = {fit.gof_p:.2g} (parametric bootstrap)"
                )
    return ""


def _family(comparison: FamilyComparison, beta_gof: str) -> Statement:
    best, second = comparison.fits[:2]
    names = [_name(fit.family) for fit in comparison.fits]
    side = _SIDE[comparison.subset]
    clear = second.bic - best.bic >= CLEAR_DELTA_BIC
    text = (
        f"Of {len(names)} families, {names[0]} describes the {side} eccentricities best"
        if clear
        else f"No family is clearly best for the {side} eccentricities"
    )
    scores = ", ".join(
        f"{name} {fit.bic - best.bic:.1f}"
        for name, fit in zip(names, comparison.fits, strict=True)
    )
    return Statement(
        text=f"{text} (BIC, limits taken as limits).",
        evidence=f"BIC above the lowest: {scores}; {best.n} rows{beta_gof}",
        caveat="rows of one host count as independent",
    )


def _name(family: str) -> str:
    return family.replace("_", " + ").capitalize()


def _trends(findings: EccentricityFindings) -> Iterator[Statement]:
    for item in findings.trends:
        trend = item.trend
        if not isinstance(trend, EccentricityTrend):
            continue
        low, high = trend.rank_correlation_low, trend.rank_correlation_high
        if low > 0.0:
            runs = "rise with semi-major axis"
        elif high < 0.0:
            runs = "fall with semi-major axis"
        else:
            runs = "show no trend with semi-major axis that hosts would repeat"
        yield Statement(
            text=f"Measured {_SIDE[item.subset]} eccentricities {runs}.",
            evidence=(
                f"rank correlation {trend.rank_correlation:.2f} (95 % over hosts "
                f"{low:.2f} to {high:.2f}); {trend.n} rows on {trend.n_hosts} hosts"
            ),
            caveat=(
                ""
                if trend.n_hosts >= MIN_HOSTS_TO_CLAIM
                else f"{trend.n_hosts} hosts: too few to claim"
            ),
        )


def _power(findings: EccentricityFindings) -> Iterator[Statement]:
    headline = _headline(findings, Contrast.ALL)
    if headline is None:
        return
    power = headline.power
    if power.detectable_shift is None:
        shift = "no shift of the mean e would be found in four cases of five"
    else:
        shift = (
            f"a mean e larger by {power.detectable_shift:.2f} than the low-q "
            f"{power.base_mean:.2f} would be found in four cases of five"
        )
    chances = "; ".join(
        f"{name.replace('_', ' ')}: {chance:.2f} by row, {power.by_host[name]:.2f} if "
        "each host counts once"
        for name, chance in power.by_row.items()
    )
    yield Statement(
        text=f"At these sample sizes {shift}.",
        evidence=(
            f"chance of p < 0.05 for published distributions of {chances}; from "
            f"{power.n_simulations} simulated samples each"
        ),
        caveat="limits are simulated as they stand; strata are not",
    )


def _headline(
    findings: EccentricityFindings, contrast: Contrast
) -> ContrastTest | None:
    return next(
        (
            test
            for test in findings.tests
            if test.policy is HEADLINE
            and test.result.test is HEADLINE_TEST
            and test.contrast is contrast
        ),
        None,
    )


def _span(interval: Interval) -> str:
    low = "0" if interval.low is None else f"{interval.low:.2f}"
    high = "unbounded" if interval.high is None else f"{interval.high:.2f}"
    return f"{low} to {high}"
