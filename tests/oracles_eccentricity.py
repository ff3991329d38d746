"""Slow, obvious twins of the eccentricity rooms: one row, one shuffle at a time.

And made catalogues with known answers.
"""

import math
from dataclasses import replace

import numpy as np
from scipy import integrate, optimize, stats

from panoptic.constants import MSUN_MJUP
from panoptic.demographics.companions import Companions
from panoptic.sample import EccKind


def censored_lnl(alpha, beta, x, low, high):
    """Sum of log densities of known values and log probabilities of intervals."""
    total = 0.0
    for value, a, b in zip(x, low, high, strict=True):
        if math.isnan(value):
            share = stats.beta.cdf(b, alpha, beta) - stats.beta.cdf(a, alpha, beta)
            total += math.log(share)
        else:
            total += stats.beta.logpdf(value, alpha, beta)
    return total


def error_aware_lnl(alpha, beta, x, below, above):
    """Sum of logs of the density averaged over a two-sided normal cut to [0, 1]."""
    total = 0.0
    for value, left, right in zip(x, below, above, strict=True):

        def kernel(e, value=value, left=left, right=right):
            width = left if e < value else right
            return math.exp(-0.5 * ((e - value) / width) ** 2)

        def product(e, kernel=kernel):
            return kernel(e) * stats.beta.pdf(e, alpha, beta)

        ends = (
            max(0.0, value - 6 * left),
            value,
            min(1.0, value + 6 * right),
        )
        pieces = [
            [integrate.quad(f, *ends[i : i + 2], limit=200)[0] for i in range(2)]
            for f in (kernel, product)
        ]
        total += math.log(sum(pieces[1]) / sum(pieces[0]))
    return total


def fit_by_simplex(lnl):
    """Maximise lnl(alpha, beta) without derivatives."""

    def cost(logs):
        return -lnl(*np.exp(logs))

    found = optimize.minimize(
        cost, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}
    )
    return np.exp(found.x)


def ks_distance(first, second):
    points = [*first, *second]
    return max(
        abs(
            sum(x <= p for x in first) / len(first)
            - sum(x <= p for x in second) / len(second)
        )
        for p in points
    )


def mean_difference(first, second):
    return sum(second) / len(second) - sum(first) / len(first)


def host_permutation_p(statistic, values, second, host, n_permutations, rng):
    """One shuffle of whole hosts at a time; a host lies on one side here."""
    names = sorted(set(host))
    label = {name: second[list(host).index(name)] for name in names}

    def of(labels):
        mask = np.array([labels[name] for name in host])
        return abs(statistic(values[~mask], values[mask]))

    observed = of(label)
    as_extreme = 1
    for _ in range(n_permutations):
        shuffled = rng.permutation([label[name] for name in names])
        as_extreme += of(dict(zip(names, shuffled, strict=True))) >= observed - 1e-12
    return as_extreme / (n_permutations + 1)


def peto_peto_u(values, below, second):
    """Weighted observed minus expected of the second sample, event by event.

    Read from the largest value down: a row that is `below` its limit leaves unseen.
    """
    survival, u = 1.0, 0.0
    for level in sorted(set(values[~below]), reverse=True):
        at_risk = values <= level
        events = (values == level) & ~below
        share = (at_risk & second).sum() / at_risk.sum()
        u += survival * ((events & second).sum() - events.sum() * share)
        survival *= 1.0 - events.sum() / at_risk.sum()
    return u


def share_up_to(x, values, below):
    """Kaplan-Meier read downward: share of rows at or below x."""
    share = 1.0
    for level in sorted(set(values[~below]), reverse=True):
        if level <= x:
            break
        events = ((values == level) & ~below).sum()
        share *= 1.0 - events / (values <= level).sum()
    return share


# Made catalogues with known answers

PLANETS = (0.867, 3.03)  # Kipping 2013
BROWN_DWARFS = (2.30, 1.65)  # Bowler et al. 2020
LIMIT = 0.05


def made_companions(
    ecc, q, *, host=None, method="Transit", kind=EccKind.MEASURED, bound=np.nan, a=0.1
):
    """Companions of given e and q; a host each, all measured, unless told otherwise."""
    n = len(ecc)
    nan = np.full(n, np.nan)
    return Companions(
        name=np.array([f"Star {i} b" for i in range(n)], dtype=str),
        host=np.arange(n).astype(str) if host is None else np.asarray(host),
        method=np.broadcast_to(method, n).astype("<U24"),
        st_mass=np.full(n, 0.1),
        st_mass_err=np.full(n, 0.01),
        mass_mjup=np.broadcast_to(q, n) * 0.1 * MSUN_MJUP,
        mass_err_mjup=nan,
        mass_limit=np.zeros(n, dtype=bool),
        mass_provenance=np.full(n, "mass"),
        a_au=np.broadcast_to(a, n).astype(float),
        a_err_au=nan,
        a_limit=np.zeros(n, dtype=bool),
        ecc=np.asarray(ecc, dtype=float),
        ecc_err_upper=np.full(n, 0.02),
        ecc_err_lower=np.full(n, 0.02),
        ecc_kind=np.broadcast_to(kind, n).astype("<U24"),
        ecc_bound=np.broadcast_to(bound, n).astype(float),
        metfe=nan,
    )


def made_catalogue(rng, *parts):
    """Parts of (method, q, rows, Beta law); small e are seen as limits, axes alike."""
    ecc, q, method = (
        np.concatenate(columns)
        for columns in zip(
            *(
                (rng.beta(*law, n), np.full(n, q), np.full(n, method))
                for method, q, n, law in parts
            ),
            strict=True,
        )
    )
    limit = ecc < LIMIT
    return made_companions(
        ecc,
        q,
        method=method,
        kind=np.where(limit, EccKind.UPPER_LIMIT, EccKind.MEASURED),
        bound=np.where(limit, LIMIT, np.nan),
        a=10 ** rng.uniform(-2.0, 1.0, len(ecc)),
    )


def one_population(rng):
    return made_catalogue(
        rng,
        ("Transit", 1e-3, 25, PLANETS),
        ("Transit", 0.1, 12, PLANETS),
        ("Radial Velocity", 1e-3, 25, PLANETS),
        ("Radial Velocity", 0.1, 12, PLANETS),
    )


def two_in_each_method(rng):
    return made_catalogue(
        rng,
        ("Transit", 1e-3, 25, PLANETS),
        ("Transit", 0.1, 12, BROWN_DWARFS),
        ("Radial Velocity", 1e-3, 25, PLANETS),
        ("Radial Velocity", 0.1, 12, BROWN_DWARFS),
    )


def two_by_method_alone(rng):
    """e depends on the method; q does, too, but not e on q inside a method."""
    return made_catalogue(
        rng,
        ("Transit", 1e-3, 45, PLANETS),
        ("Transit", 0.1, 4, PLANETS),
        ("Astrometry", 1e-3, 5, BROWN_DWARFS),
        ("Astrometry", 0.1, 20, BROWN_DWARFS),
    )


def each_seen_by_one_method(rng):
    return made_catalogue(
        rng,
        ("Transit", 1e-3, 50, PLANETS),
        ("Astrometry", 0.1, 24, BROWN_DWARFS),
    )


def by_axis_alone(rng):
    """e grows with a, as tides would have it; q does, too."""
    made = two_in_each_method(rng)
    high = made.q > 0.01
    wide = np.where(high, rng.random(len(made)) < 0.8, rng.random(len(made)) < 0.2)
    ecc = np.where(
        wide, rng.beta(*BROWN_DWARFS, len(made)), rng.beta(*PLANETS, len(made))
    )
    axes = np.where(wide, 1.5, 0.05)
    measured = np.full(len(made), EccKind.MEASURED)
    return replace(made, ecc=ecc, a_au=axes, ecc_kind=measured)
