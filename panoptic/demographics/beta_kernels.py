"""The compiled arithmetic of the Beta likelihood: one resample after the other.

Letters: a, b the parameters alpha and beta; n the number of values; s1, s2 the sums of
log x and log(1 - x) over the known ones. `nodes` (3, m, J) holds log x, log(1 - x) and
log weight of the kernels of values that are not exactly known, `counts` (m,) how often
each is in the resample. Searches run in the natural logarithms of a and b.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Beyond these a parameter is not bounded by the data: the density has become a spike
# (equal values) or a point mass at an edge (nothing but limits).
LOG_LOW = -9.2  # 1e-4
LOG_HIGH = 13.8  # 1e6
TOLERANCE = 1e-9  # on the step in a logarithm
MAX_STEP = 1.0  # in a logarithm
MAX_STEPS = 200
FREE, HOLD_ALPHA, HOLD_BETA = -1, 0, 1


@njit(cache=True, error_model="numpy")
def digamma_and_trigamma(x: float) -> tuple[float, float]:
    """Return psi(x) and psi'(x) for x > 0, to 1e-12 relative.

    Recurrence up to 8, then the asymptotic series (Abramowitz & Stegun 6.3.18, 6.4.12).
    """
    first, second = 0.0, 0.0
    while x < 8.0:
        inverse = 1.0 / x
        first -= inverse
        second += inverse * inverse
        x += 1.0
    r = 1.0 / x
    r2 = r * r
    first += math.log(x) - 0.5 * r
    first -= r2 * (
        1 / 12
        - r2
        * (
            1 / 120
            - r2 * (1 / 252 - r2 * (1 / 240 - r2 * (1 / 132 - r2 * 691 / 32760)))
        )
    )
    second += r + 0.5 * r2
    second += (
        r * r2 * (1 / 6 - r2 * (1 / 30 - r2 * (1 / 42 - r2 * (1 / 30 - r2 * 5 / 66))))
    )
    return first, second


@njit(cache=True, error_model="numpy")
def _unknown_part(
    a: float, b: float, nodes: Floats, counts: Floats
) -> tuple[float, float, float, float, float, float]:
    """Sums over the kernels: log integral, mean logs, their covariance (11, 12, 22)."""
    lnl = s1 = s2 = c11 = c12 = c22 = 0.0
    _, m, n_nodes = nodes.shape
    for k in range(m):
        if counts[k] == 0.0:
            continue
        top = -np.inf
        for j in range(n_nodes):
            top = max(
                top,
                (a - 1.0) * nodes[0, k, j]
                + (b - 1.0) * nodes[1, k, j]
                + nodes[2, k, j],
            )
        z = m1 = m2 = q11 = q12 = q22 = 0.0
        for j in range(n_nodes):
            u, v = nodes[0, k, j], nodes[1, k, j]
            exponent = (a - 1.0) * u + (b - 1.0) * v + nodes[2, k, j] - top
            if exponent < -40.0:
                continue
            share = math.exp(exponent)
            z += share
            m1 += share * u
            m2 += share * v
            q11 += share * u * u
            q12 += share * u * v
            q22 += share * v * v
        m1, m2 = m1 / z, m2 / z
        lnl += counts[k] * (top + math.log(z))
        s1 += counts[k] * m1
        s2 += counts[k] * m2
        c11 += counts[k] * (q11 / z - m1 * m1)
        c12 += counts[k] * (q12 / z - m1 * m2)
        c22 += counts[k] * (q22 / z - m2 * m2)
    return lnl, s1, s2, c11, c12, c22


@njit(cache=True, error_model="numpy")
def _slopes(
    a: float, b: float, sums: Floats, nodes: Floats, counts: Floats
) -> tuple[float, ...]:
    """Unnormed lnL of the kernels, score (2), information and complete one (3 each).

    All in the logarithms of a and b. The information leaves out the term that holds
    the score, which vanishes at the maximum.
    """
    n = sums[0]
    lnl, s1, s2, c11, c12, c22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if nodes.shape[1]:
        lnl, s1, s2, c11, c12, c22 = _unknown_part(a, b, nodes, counts)
    psi_a, tri_a = digamma_and_trigamma(a)
    psi_b, tri_b = digamma_and_trigamma(b)
    psi_ab, tri_ab = digamma_and_trigamma(a + b)
    return (
        lnl,
        a * (sums[1] + s1 - n * (psi_a - psi_ab)),
        b * (sums[2] + s2 - n * (psi_b - psi_ab)),
        a * a * (n * (tri_a - tri_ab) - c11),
        a * b * (-n * tri_ab - c12),
        b * b * (n * (tri_b - tri_ab) - c22),
        a * a * n * (tri_a - tri_ab),
        -a * b * n * tri_ab,
        b * b * n * (tri_b - tri_ab),
    )


@njit(cache=True, error_model="numpy")
def _known_lnl(a: float, b: float, sums: Floats) -> float:
    ln_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return (a - 1.0) * sums[1] + (b - 1.0) * sums[2] - sums[0] * ln_beta


@njit(cache=True, error_model="numpy")
def _step(slopes: tuple[float, ...], held: int) -> tuple[float, float]:
    """Newton's step, by the complete information where the observed is not positive."""
    _, u, v, i11, i12, i22, j11, j12, j22 = slopes
    if held == HOLD_ALPHA:
        return 0.0, v / (i22 if i22 > 0.0 else j22)
    if held == HOLD_BETA:
        return u / (i11 if i11 > 0.0 else j11), 0.0
    if i11 <= 0.0 or i11 * i22 - i12 * i12 <= 1e-9 * i11 * i22:
        i11, i12, i22 = j11, j12, j22
    determinant = i11 * i22 - i12 * i12
    return (i22 * u - i12 * v) / determinant, (i11 * v - i12 * u) / determinant


@njit(cache=True, error_model="numpy")
def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@njit(cache=True, error_model="numpy")
def _climb(
    x: float, y: float, sums: Floats, nodes: Floats, counts: Floats, held: int
) -> tuple[float, float, bool]:
    """Climb from (log a, log b) = (x, y); return where to, and whether it is a top.

    With kernels the likelihood need not be concave, so a step that does not climb is
    halved; without, it is, and no step has been seen to overshoot.
    """
    guarded = nodes.shape[1] > 0
    slopes = _slopes(math.exp(x), math.exp(y), sums, nodes, counts)
    here = slopes[0] + _known_lnl(math.exp(x), math.exp(y), sums) if guarded else 0.0
    scale = 1.0
    for _ in range(MAX_STEPS):
        dx, dy = _step(slopes, held)
        new_x = _clip(x + scale * _clip(dx, -MAX_STEP, MAX_STEP), LOG_LOW, LOG_HIGH)
        new_y = _clip(y + scale * _clip(dy, -MAX_STEP, MAX_STEP), LOG_LOW, LOG_HIGH)
        if abs(dx) < TOLERANCE and abs(dy) < TOLERANCE:
            return new_x, new_y, True
        if new_x == x and new_y == y:
            return x, y, False
        a, b = math.exp(new_x), math.exp(new_y)
        new_slopes = _slopes(a, b, sums, nodes, counts)
        if guarded:
            there = new_slopes[0] + _known_lnl(a, b, sums)
            if not there >= here - 1e-11 * abs(here):
                scale *= 0.5
                continue
            here = there
        x, y, slopes, scale = new_x, new_y, new_slopes, 1.0
    return x, y, False


@njit(cache=True, error_model="numpy")
def _start(sums: Floats, nodes: Floats, counts: Floats) -> tuple[float, float]:
    """Start from geometric means, taking a uniform density for what is not known."""
    s1, s2 = sums[1], sums[2]
    if nodes.shape[1]:
        _, u, v, _, _, _ = _unknown_part(1.0, 1.0, nodes, counts)
        s1, s2 = s1 + u, s2 + v
    g1, g2 = math.exp(s1 / sums[0]), math.exp(s2 / sums[0])
    spare = 2.0 * max(1.0 - g1 - g2, 1e-6)
    return (
        math.log(_clip(0.5 + g1 / spare, 0.05, 1e3)),
        math.log(_clip(0.5 + g2 / spare, 0.05, 1e3)),
    )


@njit(cache=True, error_model="numpy")
def climb_all(
    sums: Floats, nodes: Floats, counts: Floats, out: Floats, lnl: Floats
) -> NDArray[np.bool_]:
    """Maximise R likelihoods into out (R, 5): log a, log b, information (3).

    Returns (R,) whether each has a maximum.
    """
    resamples = len(sums)
    converged = np.zeros(resamples, dtype=np.bool_)
    for r in range(resamples):
        x, y = _start(sums[r], nodes, counts[r])
        x, y, converged[r] = _climb(x, y, sums[r], nodes, counts[r], FREE)
        a, b = math.exp(x), math.exp(y)
        slopes = _slopes(a, b, sums[r], nodes, counts[r])
        lnl[r] = slopes[0] + _known_lnl(a, b, sums[r])
        out[r, 0], out[r, 1] = x, y
        out[r, 2], out[r, 3], out[r, 4] = slopes[3], slopes[4], slopes[5]
    return converged


@njit(cache=True, error_model="numpy")
def _profile_end(
    top: Floats,
    top_lnl: float,
    sums: Floats,
    nodes: Floats,
    counts: Floats,
    held: int,
    sign: float,
    root: float,
) -> float:
    """Return where the profile of one parameter has fallen by root^2 / 2, or NaN.

    Newton's method on the signed root of twice the fall, nearly linear in the
    logarithm of the parameter, kept inside a shrinking bracket.
    """
    other = top[1 - held]
    inner, outer, bracketed = top[held], sign * np.inf, False
    variance = top[4 - 2 * held] / (top[2] * top[4] - top[3] * top[3])
    guess = inner + sign * _clip(root * math.sqrt(abs(variance)), 1e-3, 3.0)
    for _ in range(100):
        guess = _clip(guess, LOG_LOW, LOG_HIGH)
        x, y = (guess, other) if held == HOLD_ALPHA else (other, guess)
        x, y, _ = _climb(x, y, sums, nodes, counts, held)
        other = y if held == HOLD_ALPHA else x
        a, b = math.exp(x), math.exp(y)
        slopes = _slopes(a, b, sums, nodes, counts)
        lnl = slopes[0] + _known_lnl(a, b, sums)
        fall = math.sqrt(max(2.0 * (top_lnl - lnl), 0.0))
        if abs(fall - root) < 1e-8:
            return guess
        if fall > root:
            outer, bracketed = guess, True
        elif guess <= LOG_LOW or guess >= LOG_HIGH:
            return np.nan
        else:
            inner = guess
        newton = guess - (root - fall) * fall / slopes[1 + held]
        if bracketed:
            between = (newton - inner) * (newton - outer) < 0.0
            guess = newton if between else 0.5 * (inner + outer)
        else:
            ahead = sign * (newton - inner)
            guess = inner + sign * (_clip(ahead, 0.05, 2.0) if ahead > 0.0 else 1.0)
    return np.nan


@njit(cache=True, error_model="numpy")
def profile_all(
    tops: Floats, lnl: Floats, sums: Floats, nodes: Floats, counts: Floats, root: float
) -> Floats:
    """Return (R, 2, 2) logarithms: [resample, parameter, lower and upper end]."""
    ends = np.empty((len(tops), 2, 2))
    for r in range(len(tops)):
        for held in range(2):
            for side in range(2):
                ends[r, held, side] = _profile_end(
                    tops[r],
                    lnl[r],
                    sums[r],
                    nodes,
                    counts[r],
                    held,
                    2.0 * side - 1.0,
                    root,
                )
    return ends


@njit(cache=True, error_model="numpy")
def completed_sums(
    places: Floats, sums: Floats, nodes: Floats, counts: Floats
) -> Floats:
    """Return the sums (R, 3) with what is not known replaced by its mean."""
    completed = sums.copy()
    for r in range(len(sums)):
        a, b = math.exp(places[r, 0]), math.exp(places[r, 1])
        _, s1, s2, _, _, _ = _unknown_part(a, b, nodes, counts[r])
        completed[r, 1] += s1
        completed[r, 2] += s2
    return completed


@njit(cache=True, error_model="numpy")
def lnl_all(places: Floats, sums: Floats, nodes: Floats, counts: Floats) -> Floats:
    """Return lnL (R,) at (R, 2) logarithms."""
    lnl = np.empty(len(sums))
    for r in range(len(sums)):
        a, b = math.exp(places[r, 0]), math.exp(places[r, 1])
        lnl[r] = _known_lnl(a, b, sums[r])
        lnl[r] += _unknown_part(a, b, nodes, counts[r])[0]
    return lnl
