"""Slow, obvious twins of the eccentricity rooms: one row, one shuffle at a time."""

import math

import numpy as np
from scipy import integrate, optimize, stats


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
