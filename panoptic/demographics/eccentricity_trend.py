"""How eccentricity runs with semi-major axis: a local line, with a band over hosts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.host_resampling import bootstrap_weights
from panoptic.statement import NotRun

Floats = NDArray[np.float64]

SPAN = 2 / 3  # of the rows, in each local line
GRID_POINTS = 40
MIN_ROWS = 6
MIN_HOSTS = 4
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class EccentricityTrend:
    """Local-line trend of e with log a.

    log_a : (G,) dex of AU, over the rows' own range.
    ecc, ecc_low, ecc_high : (G,) the line and its band of `level`, over host-bootstrap
        samples.
    rank_correlation : Spearman's.
    rank_correlation_low, rank_correlation_high : its host-bootstrap interval.
    """

    n: int  # rows
    n_hosts: int  # their hosts
    log_a: Floats
    ecc: Floats
    ecc_low: Floats
    ecc_high: Floats
    level: float  # of band and interval
    rank_correlation: float
    rank_correlation_low: float
    rank_correlation_high: float


def trend_with_axis(
    log_a: Floats,
    ecc: Floats,
    host: NDArray[np.str_],
    *,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> EccentricityTrend | NotRun:
    """Follow e along log a.

    Rows without a are left out. Not run with fewer than `MIN_ROWS` rows on `MIN_HOSTS`
    hosts, or if all a or all e are equal.
    """
    known = np.isfinite(log_a) & np.isfinite(ecc)
    log_a, ecc, host = log_a[known], ecc[known], host[known]
    n_hosts = len(np.unique(host))
    if len(ecc) < MIN_ROWS or n_hosts < MIN_HOSTS:
        return NotRun(
            f"{len(ecc)} rows on {n_hosts} hosts; a trend needs {MIN_ROWS} on "
            f"{MIN_HOSTS}"
        )
    if np.ptp(log_a) == 0.0 or np.ptp(ecc) == 0.0:
        return NotRun(f"all {len(ecc)} rows have the same a, or the same e")
    weights = bootstrap_weights(host, n_bootstrap=n_bootstrap, rng=rng)
    once = np.ones((1, len(ecc)))
    grid = np.linspace(log_a.min(), log_a.max(), GRID_POINTS)
    tail = 0.5 * (1.0 - LEVEL)
    lines = np.clip(local_lines(log_a, ecc, grid, weights), 0.0, 1.0)
    ecc_low, ecc_high = np.nanquantile(lines, [tail, 1.0 - tail], axis=0)
    from scipy.stats import rankdata  # here: who draws the figures needs none of it

    ranks = rankdata(log_a), rankdata(ecc)
    correlations = _correlations(*ranks, weights)
    correlation_ends = np.nanquantile(correlations, [tail, 1.0 - tail])
    return EccentricityTrend(
        n=len(ecc),
        n_hosts=n_hosts,
        log_a=grid,
        ecc=np.clip(local_lines(log_a, ecc, grid, once)[0], 0.0, 1.0),
        ecc_low=ecc_low,
        ecc_high=ecc_high,
        level=LEVEL,
        rank_correlation=float(_correlations(*ranks, once)[0]),
        rank_correlation_low=float(correlation_ends[0]),
        rank_correlation_high=float(correlation_ends[1]),
    )


def local_lines(x: Floats, y: Floats, at: Floats, weights: Floats) -> Floats:
    """Return local-line regressions (R, G) at some places, one per row of weights.

    Cleveland's lowess (1979, JASA 74, 829) without its robust turns, as an outlying e
    is what one looks for: a straight line through the nearest `SPAN` of the rows,
    tricube weights. The neighbourhoods are those of all rows, also for resamples.
    Where a resample has but one x in a neighbourhood its mean is taken, where it has
    none NaN.
    """
    distance = np.abs(at[:, None] - x)
    nearest = max(2, int(SPAN * len(x)))
    reach = np.sort(distance, axis=1)[:, nearest - 1, None]
    tricube = np.clip(1.0 - (distance / np.maximum(reach, 1e-12)) ** 3, 0.0, 1.0) ** 3
    offset = x - at[:, None]
    s0, s1, s2, t0, t1 = (
        weights @ (tricube * factor).T
        for factor in (1.0, offset, offset**2, y, y * offset)
    )
    determinant = s0 * s2 - s1**2
    with np.errstate(divide="ignore", invalid="ignore"):
        line = (s2 * t0 - s1 * t1) / determinant
        mean = t0 / s0
    return np.where(determinant > 1e-9 * s0 * s2, line, mean)


def _correlations(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Weighted correlation of two rows of numbers, (R,); NaN where one is constant."""
    share = weights / weights.sum(axis=1, keepdims=True)
    dx = x - (share @ x)[:, None]
    dy = y - (share @ y)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (share * dx * dy).sum(axis=1) / np.sqrt(
            (share * dx**2).sum(axis=1) * (share * dy**2).sum(axis=1)
        )
