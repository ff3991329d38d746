"""What else could make two components look better than one, and does it suffice?

Three rivals of two Gaussian components, each put to the test by drawing samples from
it and sending them through the same search as the observed sample: one more Gaussian
where it is not needed, one smooth population without a gap, and one smooth population
per detection method.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoptic.demographics.gaussian_mixture import (
    MINIMUM_HOSTS,
    QUICK_EFFORT,
    CovarianceFamily,
    best_lnl,
    draw_mixture,
    fit_mixtures,
)
from panoptic.demographics.smooth_population import (
    SmoothPopulation,
    draw_smooth_population,
    fit_smooth_population,
    smooth_lnl,
)
from panoptic.statement import NotRun

Floats = NDArray[np.float64]

_CHUNK = 37  # draws between two looks at the count
_ENOUGH_EXCEEDANCES = 20
_FULL = CovarianceFamily.FULL


@dataclass(frozen=True, slots=True)
class RatioTest:
    """A log likelihood ratio against its distribution under a null.

    p by Besag & Clifford (1991, Biometrika 78, 301): drawing stops at the 20th draw
    that is as large as observed, p = 20 / draws; else p = (1 + count) / (1 + draws).
    """

    null: str  # in words
    statistic: float  # 2 (lnL alternative - lnL null), by the search of the draws
    p: float
    n_draws: int  # made and fitted
    n_draws_asked: int
    n_failed: int  # draws without an allowed optimum, left out
    null_median: float  # of the statistic
    null_95: float  # 95th percentile


@dataclass(frozen=True, slots=True)
class SmoothRival:
    """Two Gaussian components against one smooth population."""

    population: SmoothPopulation
    bic_two: float
    delta_bic: float  # BIC(smooth) - BIC(2), positive where two are preferred
    test: RatioTest


@dataclass(frozen=True, slots=True)
class MethodRival:
    """Two components inside the methods against one population per method."""

    methods: tuple[str, ...]  # those with hosts enough for two components
    n_rows: tuple[int, ...]  # of each
    n_hosts: tuple[int, ...]
    n_rows_aside: int  # of methods with too few hosts to be asked
    two_in_method: tuple[str, ...]  # methods in which two could be fitted
    test: RatioTest


def weigh_one_more_component(
    rows: Floats, *, host: ArrayLike, k: int, n_draws: int, rng: np.random.Generator
) -> RatioTest | NotRun:
    """Test K against K + 1 full components by parametric bootstrap.

    As McLachlan (1987, unverified). The likelihood ratio of mixtures does not follow
    chi squared, so its distribution is that of samples drawn from K fitted components.
    """
    fits = fit_mixtures(
        rows, host=host, n_components=[k, k + 1], families=[_FULL], rng=rng
    )
    parent, more = fits[_FULL, k], fits[_FULL, k + 1]
    if isinstance(parent, NotRun):
        return parent
    if isinstance(more, NotRun):
        return more

    def ratios(samples: Floats) -> Floats:
        lnl = best_lnl(
            samples,
            host=host,
            n_components=[k, k + 1],
            search=QUICK_EFFORT,
            rng=rng,
        )
        return 2.0 * (lnl[:, 1] - lnl[:, 0])

    def draw(n_samples: int) -> Floats:
        return draw_mixture(parent, len(rows), n_samples=n_samples, rng=rng)[0]

    null = f"{k} Gaussian component{'s' if k > 1 else ''}"
    return _monte_carlo(null, rows, ratios, draw, n_draws)


def weigh_smooth_population(
    rows: Floats, *, host: ArrayLike, n_draws: int, rng: np.random.Generator
) -> SmoothRival | NotRun:
    """Test one smooth population against two full components."""
    two = fit_mixtures(rows, host=host, n_components=[2], families=[_FULL], rng=rng)
    fit = two[_FULL, 2]
    if isinstance(fit, NotRun):
        return fit
    population = fit_smooth_population(rows)

    def ratios(samples: Floats) -> Floats:
        lnl = best_lnl(
            samples, host=host, n_components=[2], search=QUICK_EFFORT, rng=rng
        )
        return 2.0 * (lnl[:, 0] - smooth_lnl(samples))

    def draw(n_samples: int) -> Floats:
        return draw_smooth_population(
            population, len(rows), n_samples=n_samples, rng=rng
        )

    test = _monte_carlo("one smooth population", rows, ratios, draw, n_draws)
    if isinstance(test, NotRun):
        return test
    return SmoothRival(population, fit.bic, population.bic - fit.bic, test)


def weigh_methods(
    rows: Floats,
    *,
    host: ArrayLike,
    method: ArrayLike,
    n_draws: int,
    rng: np.random.Generator,
) -> MethodRival | NotRun:
    """Test one smooth population per detection method against two inside them.

    Two: the same two components in all methods, or two of each method's own, whichever
    is likelier. Methods with fewer hosts than two components need are set aside: what
    only they show cannot be told from what only they can see.
    """
    hosts, methods = np.asarray(host), np.asarray(method)
    asked = testable_methods(hosts, methods)
    if not asked:
        return NotRun(
            f"none of {len(np.unique(methods))} methods has the "
            f"{2 * MINIMUM_HOSTS} hosts that two components need"
        )
    parts = [np.flatnonzero(methods == name) for name in asked]
    order = np.concatenate(parts)
    own = np.split(np.arange(len(order)), np.cumsum([len(part) for part in parts])[:-1])
    populations = [fit_smooth_population(rows[part]) for part in parts]

    def two_lnl(samples: Floats, at: NDArray[np.intp]) -> Floats:
        chosen = hosts[order][at]
        lnl = best_lnl(
            samples, host=chosen, n_components=[2], search=QUICK_EFFORT, rng=rng
        )
        return np.nan_to_num(lnl[:, 0], nan=-np.inf)

    def ratios(samples: Floats) -> Floats:
        one = np.zeros(len(samples))
        two_of_own = np.zeros(len(samples))
        for at in own:
            part = np.ascontiguousarray(samples[:, at])
            smooth = smooth_lnl(part)
            one += smooth
            two_of_own += np.maximum(two_lnl(part, at), smooth)
        return 2.0 * (
            np.maximum(two_of_own, two_lnl(samples, np.arange(len(order)))) - one
        )

    def draw(n_samples: int) -> Floats:
        drawn = [
            draw_smooth_population(population, len(part), n_samples=n_samples, rng=rng)
            for population, part in zip(populations, parts, strict=True)
        ]
        return np.concatenate(drawn, axis=1)

    observed = rows[order]
    test = _monte_carlo(
        "one smooth population per method", observed, ratios, draw, n_draws
    )
    if isinstance(test, NotRun):
        return test
    return MethodRival(
        methods=tuple(asked),
        n_rows=tuple(len(part) for part in parts),
        n_hosts=tuple(len(np.unique(hosts[part])) for part in parts),
        n_rows_aside=len(rows) - len(order),
        two_in_method=tuple(
            name
            for name, at in zip(asked, own, strict=True)
            if np.isfinite(two_lnl(observed[None, at], at)[0])
        ),
        test=test,
    )


def testable_methods(host: NDArray, method: NDArray) -> list[str]:
    """Return the methods with hosts enough for two components, by name."""
    least = 2 * MINIMUM_HOSTS
    names = [str(name) for name in np.unique(method)]
    return [name for name in names if len(np.unique(host[method == name])) >= least]


def _monte_carlo(
    null: str,
    observed: Floats,
    ratios: Callable[[Floats], Floats],
    draw: Callable[[int], Floats],
    n_draws: int,
) -> RatioTest | NotRun:
    """Compare the observed rows' ratio with those of drawn samples."""
    statistic = float(ratios(observed[None])[0])
    if not np.isfinite(statistic):
        return NotRun(
            f"the search of the draws finds no optimum in {len(observed)} rows"
        )
    values = np.empty(0)
    while len(values) < n_draws:
        if np.sum(values >= statistic) >= _ENOUGH_EXCEEDANCES:
            break
        more = ratios(draw(min(_CHUNK, n_draws - len(values))))
        values = np.concatenate([values, more])
    made = values[np.isfinite(values)]
    if len(made) == 0:
        return NotRun(f"no draw from {null} could be fitted")
    at = np.flatnonzero(made >= statistic)
    if len(at) >= _ENOUGH_EXCEEDANCES:
        used = int(at[_ENOUGH_EXCEEDANCES - 1]) + 1
        p = _ENOUGH_EXCEEDANCES / used
    else:
        used = len(made)
        p = (1 + len(at)) / (1 + used)
    return RatioTest(
        null=null,
        statistic=statistic,
        p=float(p),
        n_draws=used,
        n_draws_asked=n_draws,
        n_failed=len(values) - len(made),
        null_median=float(np.median(made[:used])),
        null_95=float(np.percentile(made[:used], 95)),
    )
