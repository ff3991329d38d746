"""Beta distributions of low-q and high-q eccentricities, one per reading."""

from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.beta_distribution import (
    BetaMaxima,
    log_likelihood,
    maximise,
    maximise_by_em,
    profile_intervals,
    standard_errors,
)
from panoptic.demographics.beta_kernels import HIGHEST, LOWEST
from panoptic.demographics.beta_likelihood import BetaLikelihood, BetaRows
from panoptic.demographics.eccentricity_passes import EccentricityPass, Policy
from panoptic.demographics.host_resampling import bootstrap_weights

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]

LEVEL = 0.95
MIN_ROWS = 5  # for the two parameters of a Beta
MIN_HOSTS = 2  # else hosts cannot be drawn anew
MIN_HOSTS_TO_CLAIM = 15  # below it bootstrap intervals cover far less than they say
SURFACE_POINTS = 41
SURFACE_DEVIATIONS = 4.0  # half-width of the surface in units of the profile interval


class Subset(StrEnum):
    """The two sides of the split."""

    LOW_Q = "low_q"  # q <= q_split
    HIGH_Q = "high_q"  # q > q_split


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of a parameter."""

    low: float | None  # None where the data do not bound it
    high: float | None  # likewise


@dataclass(frozen=True, slots=True)
class BetaFit:
    """Beta distribution of one subset under one policy.

    alpha, beta : where the likelihood is greatest, by Newton's method.
    alpha_error, beta_error : standard errors from the observed information, as papers
        quote them; the intervals are better.
    alpha_em, beta_em : the same by expectation and maximisation, where rows are
        censored: two ways to one top must agree; None where none is censored, or
        where that way did not end.
    alpha_interval, beta_interval : by profile likelihood at `level`.
    alpha_bootstrap, beta_bootstrap : percentiles over host-bootstrap samples.
    n_bootstrap_unbounded : bootstrap samples whose likelihood has no maximum; they
        count as beyond either end.
    influential_host : the host whose rows move the fit most when left out (by the lnL
        of all rows that the move costs).
    alpha_without, beta_without : the fit without it, None where there is none.
    """

    subset: Subset  # side of the split
    policy: Policy  # how zeros, limits and errors are read
    n: int  # rows used
    n_hosts: int  # their hosts
    n_censored: int  # rows of which only an interval is known
    n_floored: int  # values raised to 1e-3
    alpha: float
    beta: float
    alpha_error: float
    beta_error: float
    alpha_em: float | None
    beta_em: float | None
    mean: float  # alpha / (alpha + beta)
    lnl: float  # at the maximum
    level: float  # of the intervals
    alpha_interval: Interval
    beta_interval: Interval
    alpha_bootstrap: Interval
    beta_bootstrap: Interval
    n_bootstrap: int  # samples drawn
    n_bootstrap_unbounded: int
    influential_host: str
    alpha_without: float | None
    beta_without: float | None

    @property
    def enough_to_claim(self) -> bool:
        return self.n_hosts >= MIN_HOSTS_TO_CLAIM


@dataclass(frozen=True, slots=True)
class NotFitted:
    """A subset and policy without a fit, and why."""

    subset: Subset  # side of the split
    policy: Policy  # how zeros, limits and errors are read
    n: int  # rows that could be used
    n_hosts: int  # their hosts
    reason: str  # why there is no fit


@dataclass(frozen=True, slots=True)
class BetaSurface:
    """The likelihood around a fit, to draw its contours.

    log10_alpha, log10_beta : (G,) axes.
    lnl_fall : (G, G) lnL less its maximum, [alpha, beta].
    """

    subset: Subset  # side of the split
    policy: Policy  # how zeros, limits and errors are read
    log10_alpha: Floats
    log10_beta: Floats
    lnl_fall: Floats


def fit_subset(
    subset: Subset,
    reading: EccentricityPass,
    host: Texts,
    *,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> BetaFit | NotFitted:
    """Fit a Beta distribution to the rows of one subset, as one pass reads them.

    Parameters
    ----------
    host : (n,) of the pass's rows.

    Not fitted with fewer than `MIN_ROWS` rows or `MIN_HOSTS` hosts, or where the
    likelihood has no maximum: fewer than two different values, nothing but limits.
    """
    n, n_hosts = len(reading), len(np.unique(host))
    rows = reading.beta_rows()
    reason = _why_not(reading, rows, n_hosts)
    if reason:
        return NotFitted(subset, reading.policy, n, n_hosts, reason)
    likelihood = BetaLikelihood.of_rows(rows)
    best = maximise(likelihood)
    if not best.converged[0]:
        reason = f"the likelihood of {n} rows has no maximum"
        return NotFitted(subset, reading.policy, n, n_hosts, reason)
    weights = bootstrap_weights(host, n_bootstrap=n_bootstrap, rng=rng)
    drawn = maximise(BetaLikelihood.of_rows(rows, weights=weights))
    profile = profile_intervals(likelihood, best, level=LEVEL)[0]
    influential, without = _most_influential(rows, host, best)
    alpha, beta = float(best.alpha[0]), float(best.beta[0])
    alpha_error, beta_error = standard_errors(likelihood, best)[0]
    alpha_em, beta_em = _by_em(likelihood, reading)
    return BetaFit(
        subset=subset,
        policy=reading.policy,
        n=n,
        n_hosts=n_hosts,
        n_censored=int((~reading.is_value).sum()),
        n_floored=int(reading.is_floored.sum()),
        alpha=alpha,
        beta=beta,
        alpha_error=float(alpha_error),
        beta_error=float(beta_error),
        alpha_em=alpha_em,
        beta_em=beta_em,
        mean=alpha / (alpha + beta),
        lnl=float(log_likelihood(likelihood, best.log_parameters)[0]),
        level=LEVEL,
        alpha_interval=_interval(profile[0]),
        beta_interval=_interval(profile[1]),
        alpha_bootstrap=_percentiles(drawn.alpha),
        beta_bootstrap=_percentiles(drawn.beta),
        n_bootstrap=n_bootstrap,
        n_bootstrap_unbounded=int((~drawn.converged).sum()),
        influential_host=influential,
        alpha_without=without[0],
        beta_without=without[1],
    )


def likelihood_surface(fit: BetaFit, reading: EccentricityPass) -> BetaSurface:
    """Return the likelihood of the pass's rows on a grid around their fit."""
    axes = [
        _axis(value, interval)
        for value, interval in (
            (fit.alpha, fit.alpha_interval),
            (fit.beta, fit.beta_interval),
        )
    ]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    likelihood = BetaLikelihood.of_rows(
        reading.beta_rows(), weights=np.ones((len(places), len(reading)))
    )
    lnl = log_likelihood(likelihood, places).reshape(SURFACE_POINTS, SURFACE_POINTS)
    return BetaSurface(
        subset=fit.subset,
        policy=fit.policy,
        log10_alpha=axes[0] / np.log(10.0),
        log10_beta=axes[1] / np.log(10.0),
        lnl_fall=lnl - fit.lnl,
    )


def _by_em(
    likelihood: BetaLikelihood, reading: EccentricityPass
) -> tuple[float | None, float | None]:
    if reading.is_value.all():
        return None, None
    found = maximise_by_em(likelihood)
    if not found.converged[0]:
        return None, None
    return float(found.alpha[0]), float(found.beta[0])


def _axis(value: float, interval: Interval) -> Floats:
    """Natural logarithms around a value, on each side as wide as its interval asks."""
    centre = np.log(value)
    low = centre - 1.0 if interval.low is None else np.log(interval.low)
    high = centre + 1.0 if interval.high is None else np.log(interval.high)
    stretch = SURFACE_DEVIATIONS / 1.96
    return np.linspace(
        centre + stretch * (low - centre),
        centre + stretch * (high - centre),
        SURFACE_POINTS,
    )


def _why_not(reading: EccentricityPass, rows: BetaRows, n_hosts: int) -> str:
    """Return why the rows cannot be fitted, or nothing."""
    if len(reading) < MIN_ROWS or n_hosts < MIN_HOSTS:
        return (
            f"{len(reading)} rows on {n_hosts} hosts; a Beta needs {MIN_ROWS} rows on "
            f"{MIN_HOSTS} hosts"
        )
    spread_out = reading.policy is Policy.WITH_ERRORS
    if rows.n_distinct < 2 and not (spread_out and len(np.unique(reading.value)) > 1):
        return (
            f"{int(reading.is_value.sum())} of {len(reading)} eccentricities are "
            f"values, {rows.n_distinct} of them different; two are needed to bound a "
            "Beta"
        )
    return ""


def _most_influential(
    rows: BetaRows, host: Texts, best: BetaMaxima
) -> tuple[str, tuple[float | None, float | None]]:
    """Return the host whose omission moves the fit most, and the fit without it."""
    names, of_row = np.unique(host, return_inverse=True)
    kept = (of_row != np.arange(len(names))[:, None]).astype(np.float64)
    without = maximise(BetaLikelihood.of_rows(rows, weights=kept))
    whole = BetaLikelihood.of_rows(rows, weights=np.ones_like(kept))
    costs = -log_likelihood(whole, without.log_parameters)
    which = int(np.argmax(np.where(without.converged, costs, np.inf)))
    if not without.converged[which]:
        return str(names[which]), (None, None)
    fit = float(without.alpha[which]), float(without.beta[which])
    return str(names[which]), fit


def _interval(ends: Floats) -> Interval:
    """Ends at the borders of the search are no ends."""
    bounded = (ends > LOWEST * 1.01) & (ends < HIGHEST * 0.99)
    low, high = (
        float(end) if inside else None
        for end, inside in zip(ends, bounded, strict=True)
    )
    return Interval(low, high)


def _percentiles(draws: Floats) -> Interval:
    tail = 0.5 * (1.0 - LEVEL)
    return _interval(np.quantile(draws, [tail, 1.0 - tail]))


# Column of beta_e_params.csv: its meaning.
BETA_COLUMNS = {
    "subset": "low_q (q <= q_split) or high_q",
    "policy": "how zeros, limits and errors are read",
    "n": "rows used",
    "n_hosts": "their hosts",
    "n_censored": "rows of which only an interval is known",
    "n_floored": "values raised to 1e-3",
    "alpha": "first shape parameter, maximum likelihood",
    "alpha_low": "profile-likelihood interval, lower end; empty where unbounded",
    "alpha_high": "upper end",
    "beta": "second shape parameter",
    "beta_low": "profile-likelihood interval, lower end; empty where unbounded",
    "beta_high": "upper end",
    "alpha_error": "standard error of alpha from the observed information",
    "beta_error": "of beta likewise",
    "alpha_em": "alpha by expectation and maximisation, where rows are censored",
    "beta_em": "beta likewise",
    "mean": "alpha / (alpha + beta)",
    "lnl": "log likelihood",
    "alpha_boot_low": "host-bootstrap percentile interval, lower end",
    "alpha_boot_high": "upper end",
    "beta_boot_low": "host-bootstrap percentile interval, lower end",
    "beta_boot_high": "upper end",
    "level": "of the intervals",
    "n_bootstrap": "bootstrap samples drawn",
    "n_bootstrap_unbounded": "those without a maximum; they lie beyond either end",
    "influential_host": "host whose rows move the fit most when left out",
    "alpha_without": "alpha without that host",
    "beta_without": "beta without that host",
    "remark": "too few to claim, or not run and why",
}
BetaRow = dict[str, float | int | str | None]


def fitted_row(fit: BetaFit) -> BetaRow:
    """Return a fit as a row of `BETA_COLUMNS`."""
    row: BetaRow = {name: getattr(fit, name, None) for name in BETA_COLUMNS}
    intervals = {
        "alpha": fit.alpha_interval,
        "beta": fit.beta_interval,
        "alpha_boot": fit.alpha_bootstrap,
        "beta_boot": fit.beta_bootstrap,
    }
    for name, interval in intervals.items():
        row |= {f"{name}_{end}": value for end, value in asdict(interval).items()}
    too_few = f"{fit.n_hosts} hosts: too few to claim"
    return row | {"remark": "" if fit.enough_to_claim else too_few}


def unfitted_row(absent: NotFitted) -> BetaRow:
    """Return a subset without a fit as a row of `BETA_COLUMNS`."""
    row: BetaRow = dict.fromkeys(BETA_COLUMNS)
    known = asdict(absent)
    reason = known.pop("reason")
    return row | known | {"remark": f"not run: {reason}"}
