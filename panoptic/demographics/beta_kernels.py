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

from panoptic.demographics.row_functions import exponential

Floats = NDArray[np.float64]

# Beyond these a parameter is not bounded by the data: the density has become a spike
# (equal values) or a point mass at an edge (nothing but limits).
LOWEST, HIGHEST = 1e-4, 1e6
LOG_LOW, LOG_HIGH = math.log(LOWEST), math.log(HIGHEST)
TOLERANCE = 1e-7  # on the step in a logarithm; it is taken: its error is its square
MAX_STEP = 1.0  # in a logarithm
MAX_STEPS = 200
FREE, HOLD_ALPHA, HOLD_BETA = -1, 0, 1

# Sums may be taken in any order; NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract", "nsz"}


@njit(cache=True, error_model="numpy")
def digamma_and_trigamma(x: float) -> tuple[float, float]:
    """Return psi(x) and psi'(x) for x > 0, to 1e-11.

    Asymptotic series at x + 6 (Abramowitz & Stegun 6.3.18, 6.4.12), less the sums of
    1 / (x + k) and its square for k = 0..5: the first is the logarithmic derivative of
    p = x (x + 1) ... (x + 5), a cubic in t = x (x + 5), so one division serves both.
    """
    t = x * (x + 5.0)
    p = t * (t + 4.0) * (t + 6.0)
    slope = (3.0 * t * t + 20.0 * t + 24.0) * (2.0 * x + 5.0)
    curvature = (6.0 * t + 20.0) * (2.0 * x + 5.0) ** 2
    curvature += 2.0 * (3.0 * t * t + 20.0 * t + 24.0)
    inverse = 1.0 / p
    sum_1 = slope * inverse
    sum_2 = sum_1 * sum_1 - curvature * inverse
    r = 1.0 / (x + 6.0)
    s = r * r
    tail = 1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760)))
    first = math.log(x + 6.0) - 0.5 * r - s * (1 / 12 - s * (1 / 120 - s * tail))
    tail = 1 / 42 - s * (1 / 30 - s * (5 / 66 - s * (691 / 2730)))
    second = r + 0.5 * s + r * s * (1 / 6 - s * (1 / 30 - s * tail))
    return first - sum_1, second + sum_2


@njit(cache=True, error_model="numpy")
def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@njit(cache=True, error_model="numpy")
def _geometric_start(n: float, s1: float, s2: float) -> tuple[float, float]:
    """Start a and b from geometric means (Johnson & Kotz 1970; *unverified*)."""
    g1, g2 = math.exp(s1 / n), math.exp(s2 / n)
    half_spare = 0.5 / max(1.0 - g1 - g2, 1e-6)
    return _clip(0.5 + g1 * half_spare, 0.05, 1e3), _clip(
        0.5 + g2 * half_spare, 0.05, 1e3
    )


@njit(cache=True, error_model="numpy")
def climb_known(sums: Floats, places: Floats) -> NDArray[np.bool_]:
    """Maximise R likelihoods of known values; (log a, log b) go into places (R, 2).

    The likelihood is concave in a and b, and steps are taken in their logarithms, so
    none need be checked. The last step, below 1e-5, is taken: its error is its square.
    Resamples lie about their mean: the first step is from its maximum, where the score
    is the difference of the mean logs and the information is known.
    Returns (R,) whether each has a maximum.
    """
    converged = np.zeros(len(sums), dtype=np.bool_)
    n, s1, s2 = sums[:, 0].sum(), sums[:, 1].sum(), sums[:, 2].sum()
    centre_a, centre_b = _geometric_start(n, s1, s2)
    centre_a, centre_b, centred = _climb_from(s1 / n, s2 / n, centre_a, centre_b)
    _, tri_a = digamma_and_trigamma(centre_a)
    _, tri_b = digamma_and_trigamma(centre_b)
    _, tri_ab = digamma_and_trigamma(centre_a + centre_b)
    i11, i22 = tri_a - tri_ab, tri_b - tri_ab
    inverse = 1.0 / (i11 * i22 - tri_ab * tri_ab)
    for r in range(len(sums)):
        mean_1, mean_2 = sums[r, 1] / sums[r, 0], sums[r, 2] / sums[r, 0]
        u, v = mean_1 - s1 / n, mean_2 - s2 / n
        dx = (i22 * u + tri_ab * v) * inverse / centre_a
        dy = (i11 * v + tri_ab * u) * inverse / centre_b
        if centred and abs(dx) < MAX_STEP and abs(dy) < MAX_STEP:
            a, b = centre_a * math.exp(dx), centre_b * math.exp(dy)
        else:
            a, b = _geometric_start(sums[r, 0], sums[r, 1], sums[r, 2])
        a, b, converged[r] = _climb_from(mean_1, mean_2, a, b)
        places[r, 0] = math.log(_clip(a, LOWEST, HIGHEST))
        places[r, 1] = math.log(_clip(b, LOWEST, HIGHEST))
    return converged


@njit(cache=True, error_model="numpy")
def _climb_from(
    mean_1: float, mean_2: float, a: float, b: float
) -> tuple[float, float, bool]:
    """Climb to the maximum for these means of log x and log(1 - x)."""
    for _ in range(MAX_STEPS):
        psi_a, tri_a = digamma_and_trigamma(a)
        psi_b, tri_b = digamma_and_trigamma(b)
        psi_ab, tri_ab = digamma_and_trigamma(a + b)
        u, v = mean_1 - psi_a + psi_ab, mean_2 - psi_b + psi_ab
        i11, i22 = tri_a - tri_ab, tri_b - tri_ab
        inverse = 1.0 / (i11 * i22 - tri_ab * tri_ab)
        dx = _clip((i22 * u + tri_ab * v) * inverse / a, -MAX_STEP, MAX_STEP)
        dy = _clip((i11 * v + tri_ab * u) * inverse / b, -MAX_STEP, MAX_STEP)
        a, b = a * math.exp(dx), b * math.exp(dy)
        if not (LOWEST < a < HIGHEST and LOWEST < b < HIGHEST):
            return a, b, False
        if abs(dx) < 1e-5 and abs(dy) < 1e-5:
            return a, b, True
    return a, b, False


@njit(cache=True, error_model="numpy", fastmath=_SUMS)
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
            share = exponential((a - 1.0) * u + (b - 1.0) * v + nodes[2, k, j] - top)
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
def _climb(
    x: float, y: float, sums: Floats, nodes: Floats, counts: Floats, held: int
) -> tuple[float, float, bool]:
    """Climb from (log a, log b) = (x, y); return where to, and whether it is a top.

    With kernels the likelihood need not be concave: a step that does not climb is
    halved. `held` keeps one of both where it is.
    """
    a, b = math.exp(x), math.exp(y)
    slopes = _slopes(a, b, sums, nodes, counts)
    here = slopes[0] + _known_lnl(a, b, sums)
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
        there = new_slopes[0] + _known_lnl(a, b, sums)
        if there >= here - 1e-11 * abs(here):
            x, y, slopes, here, scale = new_x, new_y, new_slopes, there, 1.0
        else:
            scale *= 0.5
    return x, y, False


@njit(cache=True, nogil=True, error_model="numpy")
def climb_all(
    sums: Floats, nodes: Floats, counts: Floats, places: Floats
) -> NDArray[np.bool_]:
    """Maximise R likelihoods; (log a, log b) go into places (R, 2).

    What is not known starts from a uniform density. Returns (R,) whether each has a
    maximum.
    """
    converged = np.zeros(len(sums), dtype=np.bool_)
    for r in range(len(sums)):
        _, s1, s2, _, _, _ = _unknown_part(1.0, 1.0, nodes, counts[r])
        a, b = _geometric_start(sums[r, 0], sums[r, 1] + s1, sums[r, 2] + s2)
        x, y, converged[r] = _climb(
            math.log(a), math.log(b), sums[r], nodes, counts[r], FREE
        )
        places[r, 0], places[r, 1] = x, y
    return converged


@njit(cache=True, error_model="numpy")
def describe_all(
    places: Floats, sums: Floats, nodes: Floats, counts: Floats
) -> tuple[Floats, Floats]:
    """Return lnL (R,) and information (R, 3: 11, 12, 22) at (R, 2) logarithms."""
    lnl, information = np.empty(len(sums)), np.empty((len(sums), 3))
    for r in range(len(sums)):
        a, b = math.exp(places[r, 0]), math.exp(places[r, 1])
        slopes = _slopes(a, b, sums[r], nodes, counts[r])
        lnl[r] = slopes[0] + _known_lnl(a, b, sums[r])
        information[r, 0] = slopes[3]
        information[r, 1] = slopes[4]
        information[r, 2] = slopes[5]
    return lnl, information


@njit(cache=True, error_model="numpy")
def _profile_end(
    top: Floats,
    information: Floats,
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
    determinant = information[0] * information[2] - information[1] * information[1]
    variance = information[2 - 2 * held] / determinant
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
    tops: Floats, sums: Floats, nodes: Floats, counts: Floats, root: float
) -> Floats:
    """Return (R, 2, 2) logarithms: [resample, parameter, lower and upper end]."""
    ends = np.empty((len(tops), 2, 2))
    lnl, information = describe_all(tops, sums, nodes, counts)
    for r in range(len(tops)):
        for held in range(2):
            for side in range(2):
                ends[r, held, side] = _profile_end(
                    tops[r],
                    information[r],
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
