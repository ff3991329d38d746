"""One population without a gap: a smooth trend of one axis on the other, any skew.

Two Gaussians are easily found in one population that is not Gaussian, so two
components have to beat more than one Gaussian. This rival has about as many
parameters (10 against 11) and can be skewed, flat-topped or heavy-tailed, and curved,
but never has two modes along an axis at a given value of the other.

The leading axis follows the sinh-arcsinh distribution of Jones & Pewsey (2009,
Biometrika 96, 761, page unverified): S = sinh(delta asinh(y) - epsilon) is standard
normal, with y = (x - location) / scale. delta > 1 makes light tails, in the limit a
flat top, never two modes; epsilon skews. The other axis is a quadratic in the leading
one plus such a residual. Whichever axis leads better is taken.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from panoptic.demographics.row_functions import exponential, logarithm
from panoptic.demographics.sharing import share_out

Floats = NDArray[np.float64]

N_PARAMETERS = 10
_FAST = {"contract", "reassoc", "nsz"}  # sums of rows in any order
_TAILS = np.array([0.7, 1.0])  # starts of delta
# Slope, curvature, location, ln(scale / delta), epsilon, ln delta, on axes of unit
# variance. The bounds keep a handful of rows from making a spike.
_LOWEST = np.array([-10.0, -10.0, -5.0, -4.0, -2.0, np.log(0.4)])
_HIGHEST = np.array([10.0, 10.0, 5.0, 3.0, 2.0, np.log(6.0)])


@dataclass(frozen=True, slots=True)
class SmoothPopulation:
    """The best smooth population; parameters on axes of zero mean and unit variance."""

    leading_axis: int  # column of the rows that the other axis follows
    lnl: float  # on the axes as given
    bic: float  # lower is better
    n_rows: int
    centre: Floats  # (2,) of the rows
    spread: Floats  # (2,) standard deviations of the rows
    leading: Floats  # (4,) location, ln(scale / delta), epsilon, ln delta
    residual: Floats  # (4,) the same of the other axis about its trend
    trend: Floats  # (2,) slope and curvature of the other axis


def fit_smooth_population(rows: Floats) -> SmoothPopulation:
    """Fit both orders of the axes to rows (n, 2) and keep the likelier.

    The rows must spread on both axes. Parameters are bounded, so a handful of rows
    gives a fit too; below about 20 it describes those rows and no more.
    """
    lnl, parameters = _fit_both_orders(rows[None])
    lead = int(np.argmax(lnl[0]))
    best = float(lnl[0, lead])
    return SmoothPopulation(
        leading_axis=lead,
        lnl=best,
        bic=-2.0 * best + N_PARAMETERS * float(np.log(len(rows))),
        n_rows=len(rows),
        centre=rows.mean(axis=0),
        spread=rows.std(axis=0),
        leading=parameters[0, lead, :4],
        residual=parameters[0, lead, 6:],
        trend=parameters[0, lead, 4:6],
    )


def smooth_lnl(samples: Floats) -> Floats:
    """Return the lnL of the best smooth population of each of (samples, n, 2)."""
    return _fit_both_orders(samples)[0].max(axis=1)


def draw_smooth_population(
    population: SmoothPopulation, size: int, *, n_samples: int, rng: np.random.Generator
) -> Floats:
    """Draw samples (n_samples, size, 2)."""
    normal = rng.standard_normal((2, n_samples, size))
    lead = _quantile(population.leading, normal[0])
    slope, curvature = population.trend
    other = _quantile(population.residual, normal[1])
    other += slope * lead + curvature * (lead**2 - 1.0)
    axes = (lead, other) if population.leading_axis == 0 else (other, lead)
    return population.centre + population.spread * np.stack(axes, axis=-1)


def _quantile(shape: Floats, normal: Floats) -> Floats:
    """Turn standard normal values into those of a sinh-arcsinh distribution."""
    location, log_scale, epsilon, log_delta = shape
    delta = np.exp(log_delta)
    y = np.sinh((np.arcsinh(normal) + epsilon) / delta)
    return location + np.exp(log_scale) * delta * y


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _score_rows(p, x, curve, gradient, information):
    """Return sum ln f of x about its trend; write gradient and sum of outer products.

    p : slopes of the columns of curve (m, n), then location, ln(scale / delta),
    epsilon, ln delta. With t = delta asinh(y) - epsilon, S = sinh t, C = cosh t:
    ln f = ln(delta C / (scale sqrt(1 + y^2))) - S^2 / 2 - ln(2 pi) / 2.
    """
    m, n = curve.shape
    location, epsilon, log_delta = p[m], p[m + 2], p[m + 3]
    delta = np.exp(log_delta)
    scale = np.exp(p[m + 1]) * delta
    own = np.empty((m + 4, n))  # every row's gradient
    place, width, skew, tail = own[m], own[m + 1], own[m + 2], own[m + 3]
    for r in range(n):
        place[r] = x[r] - location
    for i in range(m):
        for r in range(n):
            place[r] -= p[i] * curve[i, r]
    total = 0.0
    for r in range(n):
        y = place[r] / scale
        root = np.sqrt(1.0 + y * y)
        line = np.copysign(logarithm(abs(y) + root), y)
        up = exponential(delta * line - epsilon)
        s, c = 0.5 * (up - 1.0 / up), 0.5 * (up + 1.0 / up)
        total += logarithm(c / root) - 0.5 * s * s
        by_t = s / c - s * c
        by_y = by_t * delta / root - y / (root * root)
        place[r] = -by_y / scale
        width[r] = -1.0 - by_y * y
        skew[r] = -by_t
        tail[r] = by_t * delta * line - by_y * y
    for i in range(m):
        for r in range(n):
            own[i, r] = place[r] * curve[i, r]
    _sum_products(own, gradient, information)
    return total + n * (log_delta - np.log(scale) - 0.5 * np.log(2.0 * np.pi))


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _sum_products(own, gradient, information):
    """Write the sums over the columns of own, and of their outer products' lower half."""
    size, n = own.shape
    for i in range(size):
        left = own[i]
        total = 0.0
        for r in range(n):
            total += left[r]
        gradient[i] = total
        for j in range(i + 1):
            right = own[j]
            total = 0.0
            for r in range(n):
                total += left[r] * right[r]
            information[i, j] = total


@njit(cache=True, error_model="numpy")
def _solve(matrix, damping, vector):
    """Solve (matrix + damping diag) step = vector by Cholesky; lower half is read."""
    size = len(vector)
    lower = np.zeros((size, size))
    step = vector.copy()
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i, j]
            if i == j:
                rest += damping * matrix[i, i] + 1e-12
            for k in range(j):
                rest -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(max(rest, 1e-12)) if i == j else rest / lower[j, j]
        for k in range(i):
            step[i] -= lower[i, k] * step[k]
        step[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            step[i] -= lower[k, i] * step[k]
        step[i] /= lower[i, i]
    return step


@njit(cache=True, error_model="numpy")
def _climb(p, x, curve, low, high, steps, tolerance):
    """Maximise by Berndt-Hall-Hall-Hausman steps, damped and cut at the bounds.

    Returns lnL and parameters. Those at a bound that the gradient pushes outwards stay
    there.
    """
    size = len(p)
    gradient, information = np.empty(size), np.empty((size, size))
    new_gradient, new_information = np.empty(size), np.empty((size, size))
    value = _score_rows(p, x, curve, gradient, information)
    damping = 0.1
    for _ in range(steps):
        for i in range(size):
            stuck = (p[i] <= low[i] and gradient[i] < 0.0) or (
                p[i] >= high[i] and gradient[i] > 0.0
            )
            if stuck:
                gradient[i] = 0.0
                for j in range(size):
                    information[max(i, j), min(i, j)] = 1.0 if i == j else 0.0
        gain = -1.0
        while damping < 1e8:
            step = _solve(information, damping, gradient)
            trial = np.minimum(np.maximum(p + step, low), high)
            new = _score_rows(trial, x, curve, new_gradient, new_information)
            gain = new - value
            if gain >= 0.0:
                break
            damping = max(4.0 * damping, 1e-3)
        if not gain >= 0.0:
            break
        p, value = trial, new
        gradient, new_gradient = new_gradient, gradient
        information, new_information = new_information, information
        if gain < tolerance and damping < 1.0:
            break
        damping *= 0.2
    return value, p


@njit(cache=True, error_model="numpy")
def _best_climb(slopes, width, x, curve, low, high, tails, out):
    """Climb from every tail; write the best parameters, return their lnL."""
    best = -np.inf
    m = len(slopes)
    for tail in tails:
        p = np.zeros(m + 4)
        for i in range(m):
            p[i] = slopes[i]
        p[m + 1], p[m + 3] = np.log(width), np.log(tail)
        p = np.minimum(np.maximum(p, low), high)
        value, p = _climb(p, x, curve, low, high, 60, 1e-4)
        if value > best:
            best = value
            for i in range(m + 4):
                out[i] = p[i]
    return best


@njit(cache=True, error_model="numpy", nogil=True)
def _fit_order(x, other, low, high, tails, out):
    """Fit with x leading; write leading shape (4), trend (2), residual shape (4)."""
    n = len(x)
    nothing = np.empty((0, n))
    curve = np.empty((2, n))
    for r in range(n):
        curve[0, r], curve[1, r] = x[r], x[r] * x[r] - 1.0
    lnl = _best_climb(np.empty(0), 1.0, x, nothing, low[2:], high[2:], tails, out[:4])
    slope = (x * other).mean()
    width = np.sqrt(max(1.0 - slope * slope, 4e-4))
    slopes = np.array([slope, 0.0])
    return lnl + _best_climb(slopes, width, other, curve, low, high, tails, out[4:])


def _fit_both_orders(samples: Floats) -> tuple[Floats, Floats]:
    """Return lnL (samples, 2) on the axes of (samples, n, 2), parameters (.., 10)."""
    spread = samples.std(axis=1, keepdims=True)
    standard = (samples - samples.mean(axis=1, keepdims=True)) / spread
    columns = np.ascontiguousarray(standard.transpose(0, 2, 1))
    lnl, parameters = np.empty((len(samples), 2)), np.empty((len(samples), 2, 10))

    def fit(job: int) -> None:
        b, lead = divmod(job, 2)
        leading, other = columns[b, lead], columns[b, 1 - lead]
        lnl[b, lead] = _fit_order(
            leading, other, _LOWEST, _HIGHEST, _TAILS, parameters[b, lead]
        )

    share_out(2 * len(samples), fit)
    jacobian = samples.shape[1] * np.log(spread).sum(axis=(1, 2))
    return lnl - jacobian[:, None], parameters
