"""The compiled pipeline behind `panoptic.demographics.penalised_logistic`.

Arrays in, arrays out, nothing checked. A row has a weight, so that a held-out fold
(weight 0) and a bootstrap sample (weight = times drawn) are the same fit. Each column
of x, (p, n), lies in one piece and the loops run along the rows, one plain sum or map
at a time: so the compiler makes several rows of them at once.
"""

import numba
import numpy as np

from panoptic.demographics.row_functions import exponential, logarithm

# They stand here because a cached kernel does not notice a change in another file.
MAX_NEWTON_STEPS = 60
SAME_LOSS = 1e-9  # relative; a C must be better by more than this to be preferred
_LAST_STEP = 1e-5  # in a coefficient; it is taken, and its error is its square
_LEAST_STRIDE = 1e-60  # no step is halved further
# Keeps the calibrator's two-parameter fit regular where all logits are equal.
_CALIBRATOR_RIDGE = 1e-6

# Sums may be taken in any order; NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract", "nsz"}


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fit_pipeline(x, target, weight, folds, grid, n_scaled, path, centre, scale):
    """Fit the pipeline; fill centre and scale.

    Every split of folds (r, n) holds out each of its folds in turn: C is the one of
    least loss over all splits, the calibration that of the mean held-out log-odds. Rows
    of weight 0 are not seen. The fits of all C start from path (C, p + 1), intercepts
    first, and leave theirs in it: that of the chosen C is the fit to all rows. Returns
    its index, the offset and slope of the calibration, and whether every Newton
    iteration converged.
    """
    n_splits, n = folds.shape
    mean, held_out = np.zeros((len(grid), n)), np.zeros((len(grid), n))
    loss = np.zeros(len(grid))
    out = np.zeros(n, dtype=np.bool_)
    converged = True
    for r in range(n_splits):
        for k in range(_count(folds[r])):
            for i in range(n):
                out[i] = folds[r, i] == k
            converged &= _hold_out(
                x, target, weight, out, grid, n_scaled, path, centre, scale, held_out
            )
        _add_losses(held_out, target, weight, loss)
        for g in range(len(grid)):
            for i in range(n):
                mean[g, i] += held_out[g, i] / n_splits
    g = _least(loss)
    offset, slope = _calibrate(mean[g], target, weight)
    for i in range(n):
        out[i] = False
    converged &= _hold_out(
        x,
        target,
        weight,
        out,
        grid[g : g + 1],
        n_scaled,
        path[g : g + 1],
        centre,
        scale,
        held_out,
    )
    return g, offset, slope, converged


@numba.njit(cache=True, nogil=True, error_model="numpy")
def cross_validate(x, target, fold, grid, n_scaled, held_out):
    """Hold out each fold in turn; the other folds choose C and calibration."""
    p, n = x.shape
    n_folds, n_c = _count(fold), len(grid)
    path, logit = np.zeros((n_c, p + 1)), np.zeros((n_c, n))
    inner = np.zeros((n_folds, n_c, n))
    once, weight, out = np.ones(n), np.ones(n), np.zeros(n, dtype=np.bool_)
    centre, scale = np.empty(p), np.empty(p)
    _hold_out_pairs(x, target, fold, grid, n_scaled, path, logit, inner)
    for a in range(n_folds):
        for i in range(n):
            out[i] = fold[i] == a
            weight[i] = 0.0 if out[i] else 1.0
        loss = np.zeros(n_c)
        _add_losses(inner[a], target, weight, loss)
        g = _least(loss)
        offset, slope = _calibrate(inner[a, g], target, weight)
        _hold_out(
            x,
            target,
            once,
            out,
            grid[g : g + 1],
            n_scaled,
            path[g : g + 1],
            centre,
            scale,
            logit,
        )
        for i in range(n):
            if out[i]:
                held_out[i] = offset + slope * logit[0, i]


@numba.njit(error_model="numpy", forceinline=True)
def _count(fold):
    """Number of folds; the array's own max takes a second longer to compile."""
    last = -1
    for k in fold:
        last = max(last, k)
    return last + 1


@numba.njit(error_model="numpy", forceinline=True)
def _hold_out_pairs(x, target, fold, grid, n_scaled, path, logit, inner):
    """Fill inner (folds, C, n), the held-out log-odds while one fold is not seen.

    The rows that train while a is not seen and b held out are those while b is not
    seen and a held out: each pair is fitted once.
    """
    n = len(target)
    once, out = np.ones(n), np.zeros(n, dtype=np.bool_)
    centre, scale = np.empty(len(x)), np.empty(len(x))
    for a in range(len(inner)):
        for b in range(a):
            for i in range(n):
                out[i] = fold[i] == a or fold[i] == b
            _hold_out(x, target, once, out, grid, n_scaled, path, centre, scale, logit)
            for i in range(n):
                if out[i]:
                    unseen = b if fold[i] == a else a
                    for g in range(len(grid)):
                        inner[unseen, g, i] = logit[g, i]


@numba.njit(error_model="numpy", forceinline=True)
def _hold_out(x, target, weight, out, grid, n_scaled, path, centre, scale, held_out):
    """Fit all C to the rows that are not out; fill held_out (C, n) where they are.

    A fit starts from that of the fold before, moved as that of the C before moved.
    """
    p, n = x.shape
    rows, n_train, n_rows = np.empty(n, dtype=np.int64), 0, 0
    for i in range(n):
        if weight[i] > 0.0 and not out[i]:
            rows[n_train] = i
            n_train += 1
    n_rows = n_train
    for i in range(n):
        if weight[i] > 0.0 and out[i]:
            rows[n_rows] = i
            n_rows += 1
    own_target, own_weight = np.empty(n), np.empty(n)
    _take(target, rows, n_rows, own_target)
    _take(weight, rows, n_rows, own_weight)
    z = np.ones((p + 1, n))
    _standardise(x, rows, own_weight, n_train, n_rows, n_scaled, centre, scale, z)
    converged = True
    before, moved = np.zeros(p + 1), np.zeros(p + 1)
    for g in range(len(grid)):
        beta = path[g]
        for j in range(p + 1):
            before[j] = beta[j]
            beta[j] += moved[j]
        converged &= newton(z, own_target, own_weight, n_train, 1.0 / grid[g], beta)
        for i in range(n_train, n_rows):
            logit = 0.0
            for j in range(p + 1):
                logit += beta[j] * z[j, i]
            held_out[g, rows[i]] = logit
        for j in range(p + 1):
            moved[j] = beta[j] - before[j]
    return converged


@numba.njit(error_model="numpy", forceinline=True)
def _least(loss):
    """Index of the least loss; of equals the first."""
    chosen = 0
    for g in range(1, len(loss)):
        if loss[g] < loss[chosen] * (1.0 - SAME_LOSS):
            chosen = g
    return chosen


@numba.njit(error_model="numpy", forceinline=True)
def _take(values, rows, n_rows, taken):
    for i in range(n_rows):
        taken[i] = values[rows[i]]


@numba.njit(error_model="numpy", forceinline=True, fastmath=_SUMS)
def _standardise(x, rows, weight, n_train, n_rows, n_scaled, centre, scale, z):
    """Fill z[1:] with some rows of x, standardised by those that train.

    Weighted mean of the known values; deviation after imputing that mean.
    """
    total = 0.0
    for i in range(n_train):
        total += weight[i]
    for j in range(len(x)):
        column = z[j + 1]
        _take(x[j], rows, n_rows, column)
        centre[j], scale[j] = 0.0, 1.0
        if j >= n_scaled:
            continue
        known, sum_x = 0.0, 0.0
        for i in range(n_train):
            is_known = not np.isnan(column[i])
            known += weight[i] if is_known else 0.0
            sum_x += weight[i] * column[i] if is_known else 0.0
        if known > 0.0:
            centre[j] = sum_x / known
        for i in range(n_rows):
            column[i] = 0.0 if np.isnan(column[i]) else column[i] - centre[j]
        spread = 0.0
        for i in range(n_train):
            spread += weight[i] * column[i] ** 2
        # A column of one value carries rounding noise only: leave it unscaled.
        if spread / total > 1e-24 * max(1.0, centre[j] ** 2):
            scale[j] = np.sqrt(spread / total)
        for i in range(n_rows):
            column[i] /= scale[j]


@numba.njit(error_model="numpy", forceinline=True, fastmath=_SUMS)
def _add_losses(logit, target, weight, loss):
    """Add -t ln P - (1 - t) ln(1 - P), without overflow, to the loss of each C."""
    for g in range(len(loss)):
        total = 0.0
        for i in range(len(target)):
            value = logit[g, i]
            rest = logarithm(1.0 + exponential(-abs(value)))
            total += weight[i] * (max(value, 0.0) - target[i] * value + rest)
        loss[g] += total


@numba.njit(error_model="numpy", forceinline=True)
def _calibrate(logit, target, weight):
    """Platt's sigmoid with his smoothed targets (Platt 1999); slope kept >= 0.

    A negative slope means no skill on held-out rows: then every object gets the
    share of binary-like anchors.
    """
    positive, total = 0.0, 0.0
    for i in range(len(target)):
        positive += weight[i] * target[i]
        total += weight[i]
    high, low = (positive + 1.0) / (positive + 2.0), 1.0 / (total - positive + 2.0)
    soft = np.empty(len(target))
    for i in range(len(target)):
        soft[i] = high if target[i] > 0.5 else low
    offset, slope = calibrate_line(logit, soft, weight)
    if slope < 0.0:
        share = 0.0
        for i in range(len(target)):
            share += weight[i] * soft[i]
        share /= total
        return np.log(share / (1.0 - share)), 0.0
    return offset, slope


@numba.njit(cache=True, nogil=True, error_model="numpy")
def calibrate_line(logit, target, weight):
    """Return offset and slope of the line in the logit that fits the targets."""
    line = np.array([0.0, 1.0])
    z = np.ones((2, len(logit)))
    for i in range(len(logit)):
        z[1, i] = logit[i]
    newton(z, target, weight, len(logit), _CALIBRATOR_RIDGE, line)
    return line[0], line[1]


@numba.njit(error_model="numpy", forceinline=True)
def newton(z, target, weight, n, ridge, beta):
    """Minimise the weighted log-loss + ridge |beta[1:]|^2 / 2 over n rows, in place.

    The first row of z (p, n) is 1, for the intercept. Newton's step is halved while the
    objective, which is convex, climbs at its end more than half as steeply as it fell
    at its beginning. One class only: the slopes are 0 and the intercept is that of a
    Jeffreys prior on the share.
    """
    positive, total = 0.0, 0.0
    for i in range(n):
        positive += weight[i] * target[i]
        total += weight[i]
    if positive <= 0.0 or positive >= total:
        for j in range(len(beta)):
            beta[j] = 0.0
        beta[0] = np.log((positive + 0.5) / (total - positive + 0.5))
        return True
    p = len(beta)
    slope, curve = np.empty(p), np.empty((p, p))
    start, step = np.empty(p), np.empty(p)
    pull, bend = np.empty(n), np.empty(n)
    _differentiate(z, target, weight, n, ridge, beta, pull, bend, slope, curve)
    for _ in range(MAX_NEWTON_STEPS):
        for j in range(p):
            start[j], step[j] = beta[j], -slope[j]
        _solve_in_place(curve, step)
        fall, longest = -_dot(slope, step), 0.0
        for j in range(p):
            longest = max(longest, abs(step[j]))
            beta[j] += step[j]
        if longest < _LAST_STEP:
            return True
        stride = 1.0
        _differentiate(z, target, weight, n, ridge, beta, pull, bend, slope, curve)
        while stride > _LEAST_STRIDE and _dot(slope, step) > 0.5 * fall:
            stride *= 0.5
            for j in range(p):
                beta[j] = start[j] + stride * step[j]
            _differentiate(z, target, weight, n, ridge, beta, pull, bend, slope, curve)
    return False


@numba.njit(error_model="numpy", forceinline=True)
def _dot(a, b):
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@numba.njit(error_model="numpy", forceinline=True, fastmath=_SUMS)
def _differentiate(z, target, weight, n, ridge, beta, pull, bend, slope, curve):
    """Fill the objective's gradient and its Hessian's lower triangle.

    pull and bend (n,) are room for each row's part in the first and second derivative
    by its log-odds.
    """
    p = len(z)
    for i in range(n):
        pull[i] = 0.0
    for j in range(p):
        for i in range(n):
            pull[i] += beta[j] * z[j, i]
    for i in range(n):
        logit = pull[i]
        decay = exponential(-abs(logit))
        rest = 1.0 / (1.0 + decay)
        share = rest if logit >= 0.0 else decay * rest
        pull[i] = weight[i] * (share - target[i])
        bend[i] = weight[i] * decay * rest * rest
    for j in range(p):
        total = ridge * beta[j] if j > 0 else 0.0
        for i in range(n):
            total += pull[i] * z[j, i]
        slope[j] = total
        for k in range(j + 1):
            total = ridge if k == j and j > 0 else 0.0
            for i in range(n):
                total += bend[i] * z[j, i] * z[k, i]
            curve[j, k] = total


@numba.njit(error_model="numpy", forceinline=True)
def _solve_in_place(matrix, vector):
    """Solve a positive definite system by Cholesky; uses the lower triangle only."""
    n = len(vector)
    for j in range(n):
        for k in range(j):
            matrix[j, j] -= matrix[j, k] ** 2
        matrix[j, j] = np.sqrt(max(matrix[j, j], 1e-300))
        for i in range(j + 1, n):
            for k in range(j):
                matrix[i, j] -= matrix[i, k] * matrix[j, k]
            matrix[i, j] /= matrix[j, j]
    for i in range(n):
        for k in range(i):
            vector[i] -= matrix[i, k] * vector[k]
        vector[i] /= matrix[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            vector[i] -= matrix[k, i] * vector[k]
        vector[i] /= matrix[i, i]
