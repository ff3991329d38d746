"""Do companions of high and of low mass ratio have different eccentricities?

The verdict, by the rules of `eccentricity_contrast.judge`, rests on one test chosen
beforehand; everything else (Beta fits in five readings, rival families, distributions,
trends with axis, every other test with its power) is shown beside it.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.companions import Companions
from panoptic.demographics.eccentricity_contrast import (
    HEADLINE_TEST,
    Contrast,
    ContrastTest,
    NotTested,
    compare,
    corrected,
    judge,
)
from panoptic.demographics.eccentricity_distribution import (
    EccentricityDistribution,
    distribution_of,
)
from panoptic.demographics.eccentricity_families import Family, FamilyFit, fit_family
from panoptic.demographics.eccentricity_findings import (
    EccentricityFindings,
    FamilyComparison,
    MethodCount,
    SubsetTrend,
    beta_table,
    ks_text,
)
from panoptic.demographics.eccentricity_fits import (
    BETA_COLUMNS,
    BetaFit,
    NotFitted,
    Subset,
    fit_subset,
    likelihood_surface,
)
from panoptic.demographics.eccentricity_passes import (
    HEADLINE,
    EccentricityPass,
    Policy,
    apply_policy,
    inside_unit_interval,
)
from panoptic.demographics.eccentricity_statements import state_eccentricities
from panoptic.demographics.eccentricity_trend import trend_with_axis
from panoptic.demographics.power import KIPPING_ALL, BetaLaw
from panoptic.demographics.two_sample_tests import TwoSampleResult
from panoptic.statement import NotRun

__all__ = [  # all that a caller needs
    "BETA_COLUMNS",
    "EccentricityFindings",
    "beta_table",
    "investigate_eccentricities",
    "ks_text",
    "state_eccentricities",
]

Progress = Callable[[int, int], None]
Readings = dict[tuple[Policy, Subset], EccentricityPass]

FAMILY_POLICIES = (HEADLINE, Policy.MEASURED_ONLY)
SHOWN_POLICIES = (HEADLINE, Policy.AS_REPORTED)  # with surface and distribution
# Zeros are assumed where tides are strong: they would put the trend in by hand.
TREND_POLICY = Policy.MEASURED_ONLY
BOOTSTRAPS_PER_GOF_DRAW = 5  # each drawn sample is fitted by five families


def investigate_eccentricities(
    companions: Companions,
    *,
    q_split: float,
    n_bootstrap: int,
    n_permutations: int,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> EccentricityFindings | NotRun:
    """Ask whether high-q and low-q companions have different eccentricities.

    Parameters
    ----------
    companions : the sample; rows without q or e, or with e outside [0, 1), are counted
        and left out.
    q_split : low q is q <= q_split.

    Not run where no row is left.
    """
    inside = inside_unit_interval(companions)
    usable = inside & np.isfinite(companions.q)
    outside = np.isfinite(companions.ecc) & ~inside
    if not usable.any():
        return NotRun(
            f"none of {len(companions)} rows has a mass ratio and an eccentricity in "
            f"[0, 1) ({int(outside.sum())} have one outside)"
        )
    kept = companions.where(usable)
    high = kept.q > q_split
    readings = _read(kept, high)
    # A generator for each part: more draws in one move no number of another.
    for_fits, for_shapes, for_tests, for_trends = rng.spawn(4)
    steps = _Steps(progress, total=len(readings) + 2 + len(Policy) * len(Contrast))
    fits, not_fitted = _fit_all(readings, kept, n_bootstrap, for_fits, steps)
    surfaces = tuple(
        likelihood_surface(fit, readings[fit.policy, fit.subset])
        for fit in fits
        if fit.policy in SHOWN_POLICIES
    )
    distributions = tuple(_distributions(readings, kept, n_bootstrap, for_shapes))
    families = tuple(_families(readings, n_bootstrap, for_shapes))
    steps.advance()
    tests, not_tested = _test_all(
        kept,
        fits,
        steps,
        q_split=q_split,
        n_permutations=n_permutations,
        n_simulations=n_bootstrap,
        rng=for_tests,
    )
    trends = tuple(_trends(readings, kept, n_bootstrap, for_trends))
    steps.advance()
    judgement = judge(_headline(tests, not_tested))
    return EccentricityFindings(
        verdict=judgement.verdict,
        because=judgement.because,
        q_split=q_split,
        n=len(kept),
        n_hosts=kept.n_hosts,
        n_outside=int(outside.sum()),
        n_without=int((~usable & ~outside).sum()),
        n_permutations=n_permutations,
        methods=_method_counts(kept.method, high),
        fits=fits,
        not_fitted=not_fitted,
        surfaces=surfaces,
        distributions=distributions,
        families=families,
        tests=tests,
        not_tested=not_tested,
        trends=trends,
    )


class _Steps:
    """Counts what is done, for whoever wants to know."""

    def __init__(self, progress: Progress | None, *, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def advance(self) -> None:
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total)


def _read(companions: Companions, high: NDArray[np.bool_]) -> Readings:
    readings = {}
    for policy in Policy:
        reading = apply_policy(companions, policy)
        side = high[reading.row]
        readings[policy, Subset.LOW_Q] = reading.where(~side)
        readings[policy, Subset.HIGH_Q] = reading.where(side)
    return readings


def _method_counts(
    method: NDArray[np.str_], high: NDArray[np.bool_]
) -> tuple[MethodCount, ...]:
    return tuple(
        MethodCount(
            str(name),
            int((~high & (method == name)).sum()),
            int((high & (method == name)).sum()),
        )
        for name in np.unique(method)
    )


def _fit_all(
    readings: Readings,
    companions: Companions,
    n_bootstrap: int,
    rng: np.random.Generator,
    steps: _Steps,
) -> tuple[tuple[BetaFit, ...], tuple[NotFitted, ...]]:
    fits: list[BetaFit] = []
    not_fitted: list[NotFitted] = []
    for (_, subset), reading in readings.items():
        host = companions.host[reading.row]
        fit = fit_subset(subset, reading, host, n_bootstrap=n_bootstrap, rng=rng)
        if isinstance(fit, BetaFit):
            fits.append(fit)
        else:
            not_fitted.append(fit)
        steps.advance()
    return tuple(fits), tuple(not_fitted)


def _distributions(
    readings: Readings,
    companions: Companions,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> Iterator[EccentricityDistribution]:
    for policy in SHOWN_POLICIES:
        for subset in Subset:
            reading = readings[policy, subset]
            host = companions.host[reading.row]
            found = distribution_of(
                subset, reading, host, n_bootstrap=n_bootstrap, rng=rng
            )
            if found:
                yield found


def _families(
    readings: Readings, n_bootstrap: int, rng: np.random.Generator
) -> Iterator[FamilyComparison]:
    for policy in FAMILY_POLICIES:
        for subset in Subset:
            reading = readings[policy, subset]
            fits: list[FamilyFit] = []
            refused: dict[str, str] = {}
            for family in Family:
                fit = fit_family(
                    family,
                    reading.positive_value,
                    reading.low,
                    reading.high,
                    n_gof=n_bootstrap // BOOTSTRAPS_PER_GOF_DRAW,
                    rng=rng,
                )
                if isinstance(fit, NotRun):
                    refused[str(family)] = fit.reason
                else:
                    fits.append(fit)
            fits.sort(key=lambda fit: fit.bic)
            yield FamilyComparison(subset, policy, tuple(fits), refused)


def _test_all(
    companions: Companions,
    fits: tuple[BetaFit, ...],
    steps: _Steps,
    *,
    q_split: float,
    n_permutations: int,
    n_simulations: int,
    rng: np.random.Generator,
) -> tuple[tuple[ContrastTest, ...], tuple[NotTested, ...]]:
    low_laws = {
        fit.policy: BetaLaw(fit.alpha, fit.beta)
        for fit in fits
        if fit.subset is Subset.LOW_Q
    }
    tests: list[ContrastTest] = []
    not_tested: list[NotTested] = []
    for policy in Policy:
        reading = apply_policy(companions, policy)
        for contrast in Contrast:
            for result in compare(
                companions,
                reading,
                contrast,
                q_split=q_split,
                base=low_laws.get(policy, KIPPING_ALL),
                n_permutations=n_permutations,
                n_simulations=n_simulations,
                rng=rng,
            ):
                if isinstance(result, ContrastTest):
                    tests.append(result)
                else:
                    not_tested.append(result)
            steps.advance()
    return corrected(tests), tuple(not_tested)


def _headline(
    tests: tuple[ContrastTest, ...], not_tested: tuple[NotTested, ...]
) -> dict[Contrast, TwoSampleResult | NotRun]:
    found: dict[Contrast, TwoSampleResult | NotRun] = {
        t.contrast: t.result
        for t in tests
        if (t.policy, t.result.test) == (HEADLINE, HEADLINE_TEST)
    }
    refused = {
        t.contrast: NotRun(t.reason)
        for t in not_tested
        if (t.policy, t.test) == (HEADLINE, HEADLINE_TEST)
    }
    return found | refused


def _trends(
    readings: Readings,
    companions: Companions,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> Iterator[SubsetTrend]:
    for subset in Subset:
        reading = readings[TREND_POLICY, subset]
        trend = trend_with_axis(
            companions.log_a[reading.row],
            reading.value,
            companions.host[reading.row],
            n_bootstrap=n_bootstrap,
            rng=rng,
        )
        yield SubsetTrend(subset, TREND_POLICY, trend)
