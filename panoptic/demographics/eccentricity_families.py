"""Rivals of the Beta distribution of eccentricities, and how well each of them fits.

Every family lives on [0, 1]: those of unbounded support are cut there and renormed.
A family is a density, a distribution function and a way to draw, all of many parameter
sets at once; parameters are searched in logarithms (a weight in its logit). Names as
in the literature: Rayleigh + exponential (Juric & Tremaine 2008, ApJ 686, 603;
*unverified*), Kumaraswamy 1980 (*unverified*).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import (
    betainc,
    betaln,
    expit,
    gammainc,
    gammaincinv,
    gammaln,
    xlog1py,
    xlogy,
)

from panoptic.statement import NotRun

Floats = NDArray[np.float64]

ROWS_PER_PARAMETER = 3
LOG_PARAMETER_LIMIT = 14.0  # of either sign; the search is bent back there
MAX_TURNS = 1000
FINE, COARSE = 1e-9, 1e-5  # on lnL, within a simplex: of the data, of a simulation


class Family(StrEnum):
    """Distributions of eccentricity."""

    BETA = "beta"
    RAYLEIGH_EXPONENTIAL = "rayleigh_exponential"
    GAMMA = "gamma"
    RAYLEIGH = "rayleigh"
    KUMARASWAMY = "kumaraswamy"


@dataclass(frozen=True, slots=True)
class FamilyFit:
    """One family fitted to one set of eccentricities.

    parameters : by name; weight is the exponential's, rate and scale are those of the
        densities before they are cut at 1.
    bic : -2 lnL + p ln n, lower is better.
    gof_p : share of samples drawn from the fit, and fitted again, that lie as far from
        their fit (Kolmogorov-Smirnov distance) as the data from theirs; absent where
        some values are only limits.
    """

    family: Family  # the distribution
    n: int  # rows
    parameters: dict[str, float]
    lnl: float  # at the maximum
    bic: float
    gof_p: float | None


@dataclass(frozen=True, slots=True)
class Law:
    """A family's functions; parameters (R, p), x (R or 1, n), results (R, n)."""

    names: tuple[str, ...]
    natural: Callable[[Floats], Floats]
    log_density: Callable[[Floats, Floats], Floats]
    distribution: Callable[[Floats, Floats], Floats]
    draw: Callable[[Floats, int, np.random.Generator], Floats]
    starts: tuple[tuple[float, ...], ...]  # natural parameters


def fit_family(
    family: Family,
    value: Floats,
    low: Floats,
    high: Floats,
    *,
    n_gof: int,
    rng: np.random.Generator,
) -> FamilyFit | NotRun:
    """Fit one family by maximum likelihood.

    Parameters
    ----------
    value : (n,) e inside (0, 1), NaN where only an interval is known.
    low, high : (n,) the interval, ignored where the value is known.
    n_gof : samples drawn for the goodness of fit.

    Not run with fewer than `ROWS_PER_PARAMETER` rows per parameter, or fewer than two
    different values.
    """
    law = LAWS[family]
    n, p = len(value), len(law.names)
    known = np.isfinite(value)
    if n < ROWS_PER_PARAMETER * p:
        return NotRun(f"{n} rows; {p} parameters need {ROWS_PER_PARAMETER} rows each")
    if len(np.unique(value[known])) < 2:
        return NotRun(f"fewer than two different values among {n} rows")
    spans = np.stack([low[~known], high[~known]])
    searched, lnl = _best_of_starts(law, value[known], spans)
    gof_p = None
    if known.all():
        gof_p = _goodness_of_fit(law, value, searched, n_gof=n_gof, rng=rng)
    return FamilyFit(
        family=family,
        n=n,
        parameters=dict(
            zip(law.names, law.natural(searched[None, :])[0].tolist(), strict=True)
        ),
        lnl=float(lnl),
        bic=float(-2.0 * lnl + p * np.log(n)),
        gof_p=gof_p,
    )


def log_likelihoods(law: Law, searched: Floats, value: Floats, spans: Floats) -> Floats:
    """Return lnL (R,) of parameter sets (R, p): values (R or 1, n), spans (2, m)."""
    natural = law.natural(searched)
    with np.errstate(all="ignore"):
        total = law.log_density(natural, value).sum(axis=1)
        if spans.size:
            within = law.distribution(natural, spans[1][None, :])
            within = within - law.distribution(natural, spans[0][None, :])
            total = total + np.log(within).sum(axis=1)
    bent = np.maximum(np.abs(searched) - LOG_PARAMETER_LIMIT, 0.0).sum(axis=1)
    return np.where(np.isfinite(total), total, -1e300) - 1e3 * bent


def _best_of_starts(law: Law, value: Floats, spans: Floats) -> tuple[Floats, float]:
    starts = _searched(law, np.array(law.starts))

    def lnl(searched: Floats, which: NDArray[np.intp]) -> Floats:
        return log_likelihoods(law, searched, value[None, :], spans)

    tops, _ = climb_simplex(lnl, starts, tolerance=COARSE)
    tops, heights = climb_simplex(
        lnl, tops, tolerance=FINE
    )  # a new simplex leaves a false end
    best = int(np.argmax(heights))
    return tops[best], float(heights[best])


def _goodness_of_fit(
    law: Law,
    value: Floats,
    searched: Floats,
    *,
    n_gof: int,
    rng: np.random.Generator,
) -> float:
    """Return the parametric-bootstrap p of the Kolmogorov-Smirnov distance."""
    observed = _distance(law, value[None, :], searched[None, :])[0]
    repeated = np.repeat(searched[None, :], n_gof, axis=0)
    drawn = law.draw(law.natural(repeated), len(value), rng)
    drawn = np.clip(drawn, 1e-12, 1.0 - 1e-12)

    def lnl(parameters: Floats, which: NDArray[np.intp]) -> Floats:
        return log_likelihoods(law, parameters, drawn[which], np.empty((2, 0)))

    refitted, _ = climb_simplex(lnl, repeated, tolerance=COARSE)
    distances = _distance(law, drawn, refitted)
    return float((1 + (distances >= observed).sum()) / (1 + n_gof))


def _distance(law: Law, value: Floats, searched: Floats) -> Floats:
    """Return the greatest distance of the fit and the empirical distribution, (R,)."""
    x = np.sort(value, axis=1)
    fitted = law.distribution(law.natural(searched), x)
    n = x.shape[1]
    above = np.arange(1, n + 1) / n - fitted
    below = fitted - np.arange(n) / n
    return np.maximum(above, below).max(axis=1)


def climb_simplex(
    height: Callable[[Floats, NDArray[np.intp]], Floats],
    start: Floats,
    *,
    tolerance: float,
) -> tuple[Floats, Floats]:
    """Maximise R functions at once by the simplex of Nelder & Mead (1965).

    Parameters
    ----------
    height : takes points (r, p) and the r indices of their functions, gives (r,).
    start : (R, p).
    tolerance : a simplex whose heights differ by less is at its top.

    Returns
    -------
    tops (R, p) and heights (R,), the best corner of each simplex.
    """
    count, p = start.shape
    corners = np.repeat(start[:, None, :], p + 1, axis=1)
    corners[:, np.arange(1, p + 1), np.arange(p)] += 0.3
    active = np.arange(count)
    heights = np.stack([height(corners[:, k], active) for k in range(p + 1)], axis=1)
    for _ in range(MAX_TURNS):
        spread = heights[active].max(axis=1) - heights[active].min(axis=1)
        active = active[spread > tolerance]
        if not len(active):
            break
        corners[active], heights[active] = _turn(
            height, corners[active], heights[active], active
        )
    best = heights.argmax(axis=1)
    row = np.arange(count)
    return corners[row, best], heights[row, best]


def _turn(
    height: Callable[[Floats, NDArray[np.intp]], Floats],
    corners: Floats,
    heights: Floats,
    which: NDArray[np.intp],
) -> tuple[Floats, Floats]:
    row, order = np.arange(len(corners))[:, None], np.argsort(-heights, axis=1)
    corners, heights = corners[row, order], heights[row, order]
    centre, worst = corners[:, :-1].mean(axis=1), corners[:, -1]
    reflected = 2.0 * centre - worst
    at_reflected = height(reflected, which)
    # A second point on the same line: beyond, between, or inside.
    reach = np.where(at_reflected > heights[:, -1], 0.5, -0.5)
    reach[at_reflected > heights[:, 0]] = 2.0
    second = centre + reach[:, None] * (centre - worst)
    at_second = height(second, which)
    take_second = at_second > at_reflected
    point = np.where(take_second[:, None], second, reflected)
    at_point = np.where(take_second, at_second, at_reflected)
    improves = at_point > heights[:, -1]
    corners[improves, -1] = point[improves]
    heights[improves, -1] = at_point[improves]
    stuck = np.flatnonzero(~improves)
    if len(stuck):
        best = corners[stuck, :1]
        corners[stuck] = best + 0.5 * (corners[stuck] - best)
        for k in range(1, corners.shape[1]):
            heights[stuck, k] = height(corners[stuck, k], which[stuck])
    return corners, heights


def _searched(law: Law, natural: Floats) -> Floats:
    searched = np.log(natural)
    if law.names[0] == "weight":
        searched[:, 0] -= np.log1p(-natural[:, 0])
    return searched


def _column(parameters: Floats, k: int) -> Floats:
    return parameters[:, k, None]


def _with_weight(searched: Floats) -> Floats:
    return np.column_stack([expit(searched[:, 0]), np.exp(searched[:, 1:])])


def _beta_log_density(parameters: Floats, x: Floats) -> Floats:
    a, b = _column(parameters, 0), _column(parameters, 1)
    return xlogy(a - 1.0, x) + xlog1py(b - 1.0, -x) - betaln(a, b)


def _beta_distribution(parameters: Floats, x: Floats) -> Floats:
    a, b = _column(parameters, 0), _column(parameters, 1)
    return np.asarray(betainc(a, b, x), np.float64)


def _beta_draw(parameters: Floats, n: int, rng: np.random.Generator) -> Floats:
    a, b = _column(parameters, 0), _column(parameters, 1)
    return rng.beta(a, b, size=(len(parameters), n))


def _rayleigh_norm(scale: Floats) -> Floats:
    return -np.expm1(-0.5 / scale**2)


def _rayleigh_log_density(parameters: Floats, x: Floats) -> Floats:
    s = _column(parameters, 0)
    return np.log(x / s**2) - 0.5 * (x / s) ** 2 - np.log(_rayleigh_norm(s))


def _rayleigh_distribution(parameters: Floats, x: Floats) -> Floats:
    s = _column(parameters, 0)
    return -np.expm1(-0.5 * (x / s) ** 2) / _rayleigh_norm(s)


def _rayleigh_draw(parameters: Floats, n: int, rng: np.random.Generator) -> Floats:
    s = _column(parameters, 0)
    u = rng.random((len(parameters), n))
    return np.asarray(s * np.sqrt(-2.0 * np.log1p(-u * _rayleigh_norm(s))), np.float64)


def _mixed_log_density(parameters: Floats, x: Floats) -> Floats:
    weight, rate = _column(parameters, 0), _column(parameters, 1)
    exponential = np.log(rate) - rate * x - np.log(-np.expm1(-rate))
    rayleigh = _rayleigh_log_density(parameters[:, 2:], x)
    return np.logaddexp(np.log(weight) + exponential, np.log1p(-weight) + rayleigh)


def _mixed_distribution(parameters: Floats, x: Floats) -> Floats:
    weight, rate = _column(parameters, 0), _column(parameters, 1)
    exponential = np.expm1(-rate * x) / np.expm1(-rate)
    rayleigh = _rayleigh_distribution(parameters[:, 2:], x)
    return weight * exponential + (1.0 - weight) * rayleigh


def _mixed_draw(parameters: Floats, n: int, rng: np.random.Generator) -> Floats:
    weight, rate = _column(parameters, 0), _column(parameters, 1)
    u = rng.random((len(parameters), n))
    exponential = -np.log1p(u * np.expm1(-rate)) / rate
    rayleigh = _rayleigh_draw(parameters[:, 2:], n, rng)
    return np.where(rng.random(u.shape) < weight, exponential, rayleigh)


def _gamma_log_density(parameters: Floats, x: Floats) -> Floats:
    k, scale = _column(parameters, 0), _column(parameters, 1)
    norm = gammaln(k) + k * np.log(scale) + np.log(gammainc(k, 1.0 / scale))
    return xlogy(k - 1.0, x) - x / scale - norm


def _gamma_distribution(parameters: Floats, x: Floats) -> Floats:
    k, scale = _column(parameters, 0), _column(parameters, 1)
    return gammainc(k, x / scale) / gammainc(k, 1.0 / scale)


def _gamma_draw(parameters: Floats, n: int, rng: np.random.Generator) -> Floats:
    k, scale = _column(parameters, 0), _column(parameters, 1)
    u = rng.random((len(parameters), n))
    return scale * gammaincinv(k, u * gammainc(k, 1.0 / scale))


def _kumaraswamy_log_density(parameters: Floats, x: Floats) -> Floats:
    a, b = _column(parameters, 0), _column(parameters, 1)
    log_density = np.log(a * b) + xlogy(a - 1.0, x) + xlog1py(b - 1.0, -(x**a))
    return np.asarray(log_density, np.float64)


def _kumaraswamy_distribution(parameters: Floats, x: Floats) -> Floats:
    a, b = _column(parameters, 0), _column(parameters, 1)
    return -np.expm1(xlog1py(b, -(x**a)))


def _kumaraswamy_draw(parameters: Floats, n: int, rng: np.random.Generator) -> Floats:
    a, b = _column(parameters, 0), _column(parameters, 1)
    u = rng.random((len(parameters), n))
    return np.asarray((-np.expm1(np.log1p(-u) / b)) ** (1.0 / a), np.float64)


LAWS: dict[Family, Law] = {
    Family.BETA: Law(
        ("alpha", "beta"),
        np.exp,
        _beta_log_density,
        _beta_distribution,
        _beta_draw,
        ((0.5, 2.0), (2.0, 5.0)),
    ),
    Family.RAYLEIGH_EXPONENTIAL: Law(
        ("weight", "rate", "scale"),
        _with_weight,
        _mixed_log_density,
        _mixed_distribution,
        _mixed_draw,
        ((0.5, 3.0, 0.1), (0.5, 10.0, 0.3), (0.9, 3.0, 0.02), (0.2, 20.0, 0.3)),
    ),
    Family.GAMMA: Law(
        ("shape", "scale"),
        np.exp,
        _gamma_log_density,
        _gamma_distribution,
        _gamma_draw,
        ((0.5, 0.3), (3.0, 0.1)),
    ),
    Family.RAYLEIGH: Law(
        ("scale",),
        np.exp,
        _rayleigh_log_density,
        _rayleigh_distribution,
        _rayleigh_draw,
        ((0.05,), (0.3,)),
    ),
    Family.KUMARASWAMY: Law(
        ("a", "b"),
        np.exp,
        _kumaraswamy_log_density,
        _kumaraswamy_distribution,
        _kumaraswamy_draw,
        ((0.5, 2.0), (2.0, 5.0)),
    ),
}
