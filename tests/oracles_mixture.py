"""Slow, obvious twins of the mixture rooms, and made catalogues with known answers."""

import numpy as np
from scipy.optimize import linprog
from scipy.stats import multivariate_normal

from panoptic.constants import MSUN_MJUP
from panoptic.demographics.companions import Companions
from panoptic.sample import MassProvenance

LOW = (-4.2, -1.2)  # log q, log a of the planets of a made catalogue
HIGH = (-1.4, 0.2)


def make_companions(log_q, log_a, *, host, method, ecc=None, provenance=None):
    """Return companions of 0.15 Msun hosts at these places, with ordinary errors."""
    n = len(log_q)
    nothing = np.full(n, np.nan)
    host_mass = np.full(n, 0.15)
    mass = 10.0 ** np.asarray(log_q) * host_mass * MSUN_MJUP
    axis = 10.0 ** np.asarray(log_a)
    kinds = np.full(n, str(MassProvenance.MASS)) if provenance is None else provenance
    return Companions(
        name=np.array([f"{name} {i}" for i, name in enumerate(host)], dtype=str),
        host=np.asarray(host, dtype=str),
        method=np.asarray(method, dtype=str),
        st_mass=host_mass,
        st_mass_err=0.05 * host_mass,
        mass_mjup=mass,
        mass_err_mjup=0.1 * mass,
        mass_limit=np.zeros(n, dtype=bool),
        mass_provenance=np.asarray(kinds, dtype=str),
        a_au=axis,
        a_err_au=0.03 * axis,
        a_limit=np.zeros(n, dtype=bool),
        ecc=nothing if ecc is None else np.asarray(ecc, dtype=float),
        ecc_err_upper=nothing,
        ecc_err_lower=nothing,
        ecc_kind=np.full(n, "missing"),
        ecc_bound=nothing,
        metfe=nothing,
    )


def _hosts(n, rng):
    """Name n rows' hosts: three in four hosts have one companion, some two or three."""
    size = rng.choice([1, 2, 3], p=[0.75, 0.17, 0.08], size=n)
    return np.array([f"star {i}" for i in np.repeat(np.arange(n), size)[:n]])


def _methods(n, rng):
    return rng.choice(["Transit", "Radial Velocity"], size=n)


def one_population(n, rng, shape="gaussian"):
    """Make one population, Gaussian, a box, or exponential in log q; two methods."""
    if shape == "gaussian":
        rows = rng.standard_normal((n, 2)) @ np.array([[0.9, 0.3], [0.0, 0.6]])
    elif shape == "box":
        rows = rng.uniform(-1.0, 1.0, (n, 2)) * [2.0, 1.2]
    else:
        rows = np.column_stack([rng.exponential(0.9, n), rng.uniform(-1.2, 1.2, n)])
    return make_companions(
        rows[:, 0] - 3.0, rows[:, 1] - 0.5, host=_hosts(n, rng), method=_methods(n, rng)
    )


def _two(n, is_high, rng):
    place = np.where(is_high[:, None], HIGH, LOW)
    return place + rng.standard_normal((n, 2)) * [0.5, 0.35]


def two_populations(n, rng, share_high=0.35):
    """Make two populations, both seen by each of two methods."""
    rows = _two(n, rng.random(n) < share_high, rng)
    return make_companions(
        rows[:, 0], rows[:, 1], host=_hosts(n, rng), method=_methods(n, rng)
    )


def two_methods(n, rng, share_high=0.35):
    """Make the same two groups, but each seen by one method alone."""
    is_high = rng.random(n) < share_high
    rows = _two(n, is_high, rng)
    method = np.where(is_high, "Imaging", "Transit")
    return make_companions(rows[:, 0], rows[:, 1], host=_hosts(n, rng), method=method)


def log_likelihood(rows, weights, means, covariances):
    """Sum of ln p over rows, component by component."""
    density = sum(
        w * multivariate_normal(m, c).pdf(rows).reshape(len(rows))
        for w, m, c in zip(weights, means, covariances, strict=True)
    )
    return float(np.log(density).sum())


def em_step(rows, weights, means, covariances, family):
    """One textbook step of expectation maximisation, no floor."""
    n, d = rows.shape
    density = np.stack(
        [
            w * multivariate_normal(m, c).pdf(rows).reshape(n)
            for w, m, c in zip(weights, means, covariances, strict=True)
        ],
        axis=1,
    )
    share = density / density.sum(axis=1, keepdims=True)
    mass = share.sum(axis=0)
    new_means = share.T @ rows / mass[:, None]
    scatters = []
    for k in range(len(weights)):
        away = rows - new_means[k]
        scatters.append((share[:, k, None] * away).T @ away)
    if family == "full":
        new = [s / m for s, m in zip(scatters, mass, strict=True)]
    elif family == "tied":
        new = [sum(scatters) / n] * len(weights)
    elif family == "diagonal":
        new = [np.diag(np.diag(s)) / m for s, m in zip(scatters, mass, strict=True)]
    else:
        new = [
            np.eye(d) * np.trace(s) / d / m for s, m in zip(scatters, mass, strict=True)
        ]
    return mass / n, new_means, np.array(new)


def climb_em(rows, k, family, rng, n_starts=20, n_steps=300):
    """The best lnL of textbook EM from random rows as means."""
    best = -np.inf
    spread = np.cov(rows.T, bias=True).reshape(rows.shape[1], -1)
    for _ in range(n_starts):
        state = (
            np.full(k, 1.0 / k),
            rows[rng.choice(len(rows), k, replace=False)],
            np.array([spread] * k),
        )
        for _ in range(n_steps):
            state = em_step(rows, *state, family)
        best = max(best, log_likelihood(rows, *state))
    return best


def deconvolution_step(rows, errors, weights, means, covariances):
    """One step of extreme deconvolution as written by Bovy et al. (2011).

    Their T, b and B, with a unit projection, row by row.
    """
    n, k_all = len(rows), len(weights)
    share = np.empty((n, k_all))
    b = np.empty((n, k_all, rows.shape[1]))
    big_b = np.empty((n, k_all, rows.shape[1], rows.shape[1]))
    for i in range(n):
        for k in range(k_all):
            t = covariances[k] + errors[i]
            inverse = np.linalg.inv(t)
            share[i, k] = weights[k] * multivariate_normal(means[k], t).pdf(rows[i])
            b[i, k] = means[k] + covariances[k] @ inverse @ (rows[i] - means[k])
            big_b[i, k] = covariances[k] - covariances[k] @ inverse @ covariances[k]
    lnl = float(np.log(share.sum(axis=1)).sum())
    share /= share.sum(axis=1, keepdims=True)
    mass = share.sum(axis=0)
    new_means = np.einsum("ik,ikd->kd", share, b) / mass[:, None]
    away = new_means[None] - b
    second = np.einsum("ikd,ike->ikde", away, away) + big_b
    new = np.einsum("ik,ikde->kde", share, second) / mass[:, None, None]
    return lnl, mass / n, new_means, new


def dip_by_linear_programmes(values):
    """Least D that lets slopes rise, then fall, within D of every step; each mode."""
    places, counts = np.unique(values, return_counts=True)
    upto = np.cumsum(counts)
    below = upto - counts
    m = len(places)
    unit = np.eye(m + 1)
    best = np.inf
    for steepest in range(m - 1):
        slopes = [
            (unit[j + 1] - unit[j]) / (places[j + 1] - places[j]) for j in range(m - 1)
        ]
        at_most_zero = [-slopes[0], -slopes[-1]]
        for j in range(m - 2):
            rise = slopes[j] - slopes[j + 1]
            at_most_zero.append(rise if j + 1 <= steepest else -rise)
        low = [-unit[j] - unit[m] for j in range(m)]
        high = [unit[j] - unit[m] for j in range(m)]
        found = linprog(
            unit[m],
            A_ub=np.array(at_most_zero + low + high),
            b_ub=np.concatenate([np.zeros(len(at_most_zero)), -upto, below]),
            bounds=[(None, None)] * (m + 1),
        )
        if found.status == 0:
            best = min(best, found.fun)
    return best / len(values)
