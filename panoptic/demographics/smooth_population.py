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


# Inline, or the loop over rows would not be turned into vector instructions.
@njit(error_model="numpy", fastmath=_FAST, inline="always")
def _log_density(y, epsilon, delta):
    """Return ln of the density of y but for its constants, and what its slopes need.

    With t = delta asinh(y) - epsilon, S = sinh t, C = cosh t:
    ln f = ln(delta C / (scale sqrt(1 + y^2))) - S^2 / 2 - ln(2 pi) / 2. After ln f:
    its derivatives by y, t, y twice at t as it moves with y, t twice; then dt / dy and
    t + epsilon.
    """
    square = 1.0 + y * y
    root = np.sqrt(square)
    line = delta * np.copysign(logarithm(abs(y) + root), y)
    steep = delta / root
    up = exponential(line - epsilon)
    s, c = 0.5 * (up - 1.0 / up), 0.5 * (up + 1.0 / up)
    by_t, by_tt = s / c - s * c, 1.0 / (c * c) - c * c - s * s
    by_y = by_t * steep - y / square
    bend = by_t * steep * y + (1.0 - y * y) / square
    by_yy = by_tt * steep * steep - bend / square
    return logarithm(c / root) - 0.5 * s * s, by_y, by_t, by_yy, by_tt, steep, line


@njit(error_model="numpy", forceinline=True, fastmath=_FAST)
def _score_rows(p, x, curve, gradient, curvature):
    """Return sum ln f of x about its trend; write gradient and minus the Hessian.

    p : slopes of the columns of curve (m, n), the last of which are ones, so that its
    slope is the location; then ln(scale / delta), epsilon, ln delta. The lower half of
    the Hessian is written.
    """
    m, n = curve.shape
    epsilon, delta = p[m + 1], np.exp(p[m + 2])
    scale = np.exp(p[m]) * delta
    rows = np.empty((5, n))
    left, by_width, by_skew, by_tail, bend = rows[0], rows[1], rows[2], rows[3], rows[4]
    for r in range(n):
        left[r] = x[r] / scale
    for i in range(m):
        for r in range(n):
            left[r] -= p[i] / scale * curve[i, r]
    total, width, skew, tail = 0.0, 0.0, 0.0, 0.0
    ww, sw, ss, tw, ts, tt = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for r in range(n):
        y = left[r]
        ln_f, by_y, by_t, by_yy, by_tt, steep, line = _log_density(y, epsilon, delta)
        by_yt = by_tt * steep
        by_y_tail = by_yt * line + by_t * steep
        stretch = by_yy * y + by_y  # slope of y by_y
        total += ln_f
        width -= 1.0 + by_y * y
        skew -= by_t
        tail += by_t * line - by_y * y
        ww -= stretch * y
        sw -= by_yt * y
        ss -= by_tt
        tw -= (stretch - by_y_tail) * y
        ts -= by_yt * y - by_tt * line
        tt -= (stretch - 2.0 * by_y_tail) * y + (by_tt * line + by_t) * line
        left[r], by_width[r] = -by_y / scale, -stretch / scale
        by_skew[r], by_tail[r] = -by_yt / scale, (by_y_tail - stretch) / scale
        bend[r] = -by_yy / (scale * scale)
    gradient[m], gradient[m + 1], gradient[m + 2] = width, skew, tail
    curvature[m, m], curvature[m + 1, m], curvature[m + 1, m + 1] = ww, sw, ss
    curvature[m + 2, m], curvature[m + 2, m + 1], curvature[m + 2, m + 2] = tw, ts, tt
    _sum_along_curve(rows, curve, gradient, curvature)
    return total - n * (p[m] + 0.5 * np.log(2.0 * np.pi))


@njit(error_model="numpy", forceinline=True, fastmath=_FAST)
def _sum_along_curve(rows, curve, gradient, curvature):
    """Write what belongs to the slopes, from the derivatives by each row's trend.

    rows (5, n): the first, its derivatives by ln(scale / delta), epsilon and ln delta,
    and the second; the last four with the other sign.
    """
    m, n = curve.shape
    for i in range(m):
        column = curve[i]
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for r in range(n):
            a += rows[0, r] * column[r]
            b += rows[1, r] * column[r]
            c += rows[2, r] * column[r]
            d += rows[3, r] * column[r]
        gradient[i] = a
        curvature[m, i], curvature[m + 1, i], curvature[m + 2, i] = b, c, d
        for j in range(i + 1):
            product = 0.0
            for r in range(n):
                product += rows[4, r] * column[r] * curve[j, r]
            curvature[i, j] = product


@njit(error_model="numpy", forceinline=True)
def _factorise(matrix, damping, lower):
    """Write the Cholesky factor of matrix + damping |diag|; False if there is none.

    The lower half of the matrix is read.
    """
    for i in range(len(matrix)):
        for j in range(i + 1):
            rest = matrix[i, j]
            if i == j:
                rest += damping * abs(matrix[i, i]) + 1e-12
            for k in range(j):
                rest -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = rest / lower[j, j]
            elif rest > 0.0:
                lower[i, i] = np.sqrt(rest)
            else:
                return False
    return True


@njit(error_model="numpy", forceinline=True)
def _solve(lower, vector, step):
    """Solve lower lower' step = vector."""
    size = len(vector)
    for i in range(size):
        step[i] = vector[i]
        for k in range(i):
            step[i] -= lower[i, k] * step[k]
        step[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            step[i] -= lower[k, i] * step[k]
        step[i] /= lower[i, i]


@njit(error_model="numpy", forceinline=True)
def _hold_at_bounds(p, low, high, gradient, curvature):
    """Take parameters at a bound that the gradient pushes outwards out of the step."""
    for i in range(len(p)):
        outwards = (p[i] <= low[i] and gradient[i] < 0.0) or (
            p[i] >= high[i] and gradient[i] > 0.0
        )
        if outwards:
            gradient[i] = 0.0
            for j in range(len(p)):
                curvature[max(i, j), min(i, j)] = 1.0 if i == j else 0.0


@njit(error_model="numpy", forceinline=True)
def _climb(p, x, curve, low, high, steps, tolerance):
    """Maximise by Newton steps, damped until they rise and cut at the bounds.

    Returns lnL and parameters.
    """
    size = len(p)
    gradient, curvature = np.empty(size), np.empty((size, size))
    new_gradient, new_curvature = np.empty(size), np.empty((size, size))
    lower, step, trial = np.empty((size, size)), np.empty(size), np.empty(size)
    value = _score_rows(p, x, curve, gradient, curvature)
    damping = 0.1
    for _ in range(steps):
        _hold_at_bounds(p, low, high, gradient, curvature)
        gain = -1.0
        while damping < 1e8:
            if _factorise(curvature, damping, lower):
                _solve(lower, gradient, step)
                for i in range(size):
                    trial[i] = min(max(p[i] + step[i], low[i]), high[i])
                new = _score_rows(trial, x, curve, new_gradient, new_curvature)
                gain = new - value
                if gain >= 0.0:
                    break
            damping = max(4.0 * damping, 1e-3)
        if not gain >= 0.0:
            break
        value += gain
        p, trial = trial, p
        gradient, new_gradient = new_gradient, gradient
        curvature, new_curvature = new_curvature, curvature
        if gain < tolerance and damping < 1.0:
            break
        damping *= 0.2
    return value, p


@njit(error_model="numpy", forceinline=True)
def _best_climb(slopes, width, x, curve, low, high, tails, out):
    """Climb from every tail; write the best parameters, return their lnL."""
    best = -np.inf
    m = len(slopes) + 1
    for tail in tails:
        p = np.zeros(m + 3)
        for i in range(m - 1):
            p[i] = slopes[i]
        p[m], p[m + 2] = np.log(width), np.log(tail)
        p = np.minimum(np.maximum(p, low), high)
        value, p = _climb(p, x, curve, low, high, 60, 1e-4)
        if value > best:
            best = value
            for i in range(m + 3):
                out[i] = p[i]
    return best


@njit(cache=True, error_model="numpy", nogil=True)
def _fit_order(x, other, low, high, tails, out):
    """Fit with x leading; write leading shape (4), trend (2), residual shape (4)."""
    n = len(x)
    curve = np.ones((3, n))
    for r in range(n):
        curve[0, r], curve[1, r] = x[r], x[r] * x[r] - 1.0
    lnl = _best_climb(np.empty(0), 1.0, x, curve[2:], low[2:], high[2:], tails, out[:4])
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

    def fit(start: int, stop: int) -> None:
        for b, lead in (divmod(job, 2) for job in range(start, stop)):
            leading, other = columns[b, lead], columns[b, 1 - lead]
            lnl[b, lead] = _fit_order(
                leading, other, _LOWEST, _HIGHEST, _TAILS, parameters[b, lead]
            )

    share_out(2 * len(samples), fit)
    jacobian = samples.shape[1] * np.log(spread).sum(axis=(1, 2))
    return lnl - jacobian[:, None], parameters
