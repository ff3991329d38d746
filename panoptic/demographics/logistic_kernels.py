"""The compiled pipeline behind `panoptic.demographics.penalised_logistic`.

Arrays in, arrays out, nothing checked. A row has a weight, so that a held-out fold
(weight 0) and a bootstrap sample (weight = times drawn) are the same fit.
"""

import numba
import numpy as np

# They stand here because a cached kernel does not notice a change in another file.
MAX_NEWTON_STEPS = 60
SAME_LOSS = 1e-9  # relative; a C must be better by more than this to be preferred
_GRADIENT_TOLERANCE = 1e-9
# Keeps the calibrator's two-parameter fit regular where all logits are equal.
_CALIBRATOR_RIDGE = 1e-6


@numba.njit(cache=True)
def fit_pipeline(x, target, weight, folds, grid, n_scaled, beta, centre, scale):
    """Fit the pipeline; fill beta (intercept first), centre and scale.

    Every split of folds (r, n) holds out each of its folds in turn: C is the one of
    least loss over all splits, the calibration that of the mean held-out log-odds. Rows
    of weight 0 are not seen, and a fold of such rows is none. Returns the index of the
    chosen C, the offset and slope of the calibration, and whether every Newton
    iteration converged.
    """
    n_splits, n = folds.shape
    mean = np.zeros((len(grid), n))
    loss = np.zeros(len(grid))
    held_out = np.empty((len(grid), n))
    converged = True
    for r in range(n_splits):
        held_out[:] = 0.0
        converged &= _hold_out(
            x, target, weight, folds[r], grid, n_scaled, beta, centre, scale, held_out
        )
        for g in range(len(grid)):
            loss[g] += _total_loss(held_out[g], target, weight)
        mean += held_out / n_splits
    chosen = 0
    for g in range(1, len(grid)):
        if loss[g] < loss[chosen] * (1.0 - SAME_LOSS):
            chosen = g
    offset, slope = _calibrate(mean[chosen], target, weight)
    _standardise(x, weight, n_scaled, centre, scale)
    beta[:] = 0.0
    z = _transform(x, centre, scale)
    converged &= newton(z, target, weight, 1.0 / grid[chosen], beta)
    return chosen, offset, slope, converged


@numba.njit(cache=True)
def _hold_out(x, target, weight, fold, grid, n_scaled, beta, centre, scale, held_out):
    """Fill held_out (C, n) with log-odds by fits without each row's fold."""
    n = len(target)
    partial = np.empty(n)
    converged = True
    for k in range(fold.max() + 1):
        n_held = 0
        for i in range(n):
            held = fold[i] == k and weight[i] > 0.0
            n_held += held
            partial[i] = 0.0 if held else weight[i]
        if n_held == 0:
            continue
        _standardise(x, partial, n_scaled, centre, scale)
        z = _transform(x, centre, scale)
        beta[:] = 0.0
        for g in range(len(grid)):
            converged &= newton(z, target, partial, 1.0 / grid[g], beta)
            for i in range(n):
                if fold[i] == k:
                    held_out[g, i] = beta[0] + _dot(z[i], beta)
    return converged


@numba.njit(cache=True)
def cross_validate(x, target, fold, grid, n_scaled, held_out):
    """Hold out each fold in turn; the other folds choose C and calibration."""
    n, p = x.shape
    beta, centre, scale = np.empty(p + 1), np.empty(p), np.empty(p)
    weight = np.empty(n)
    split = fold.reshape(1, n)
    for k in range(fold.max() + 1):
        for i in range(n):
            weight[i] = 0.0 if fold[i] == k else 1.0
        _, offset, slope, _ = fit_pipeline(
            x, target, weight, split, grid, n_scaled, beta, centre, scale
        )
        logit = _linear(x, beta, centre, scale)
        for i in range(n):
            if fold[i] == k:
                held_out[i] = offset + slope * logit[i]


@numba.njit(cache=True)
def _standardise(x, weight, n_scaled, centre, scale):
    """Weighted mean of the known values; deviation after imputing that mean."""
    n, p = x.shape
    for j in range(p):
        centre[j], scale[j] = 0.0, 1.0
        if j >= n_scaled:
            continue
        known, total, sum_x = 0.0, 0.0, 0.0
        for i in range(n):
            total += weight[i]
            if not np.isnan(x[i, j]):
                known += weight[i]
                sum_x += weight[i] * x[i, j]
        if known == 0.0:
            continue
        centre[j] = sum_x / known
        spread = 0.0
        for i in range(n):
            if not np.isnan(x[i, j]):
                spread += weight[i] * (x[i, j] - centre[j]) ** 2
        # A column of one value carries rounding noise only: leave it unscaled.
        if spread / total > 1e-24 * max(1.0, centre[j] ** 2):
            scale[j] = np.sqrt(spread / total)


@numba.njit(cache=True)
def _transform(x, centre, scale):
    z = np.empty_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            known = not np.isnan(x[i, j])
            z[i, j] = (x[i, j] - centre[j]) / scale[j] if known else 0.0
    return z


@numba.njit(cache=True)
def _dot(z, beta):
    total = 0.0
    for j in range(len(z)):
        total += z[j] * beta[j + 1]
    return total


@numba.njit(cache=True)
def _linear(x, beta, centre, scale):
    z = _transform(x, centre, scale)
    logit = np.empty(len(z))
    for i in range(len(z)):
        logit[i] = beta[0] + _dot(z[i], beta)
    return logit


@numba.njit(cache=True)
def _log_loss(logit, target):
    """-t ln P - (1 - t) ln(1 - P) without overflow."""
    return max(logit, 0.0) - target * logit + np.log1p(np.exp(-abs(logit)))


@numba.njit(cache=True)
def _total_loss(logit, target, weight):
    total = 0.0
    for i in range(len(target)):
        total += weight[i] * _log_loss(logit[i], target[i])
    return total


@numba.njit(cache=True)
def _calibrate(logit, target, weight):
    """Platt's sigmoid with his smoothed targets (Platt 1999); slope kept >= 0.

    A negative slope means no skill on held-out rows: then every object gets the
    share of binary-like anchors.
    """
    positive, total = 0.0, 0.0
    for i in range(len(target)):
        positive += weight[i] * target[i]
        total += weight[i]
    soft = np.where(
        target > 0.5,
        (positive + 1.0) / (positive + 2.0),
        1.0 / (total - positive + 2.0),
    )
    offset, slope = calibrate_line(logit, soft, weight)
    if slope < 0.0:
        share = 0.0
        for i in range(len(target)):
            share += weight[i] * soft[i]
        share /= total
        return np.log(share / (1.0 - share)), 0.0
    return offset, slope


@numba.njit(cache=True)
def calibrate_line(logit, target, weight):
    """Return offset and slope of the line in the logit that fits the targets."""
    line = np.array([0.0, 1.0])
    newton(logit.reshape(-1, 1), target, weight, _CALIBRATOR_RIDGE, line)
    return line[0], line[1]


@numba.njit(cache=True)
def newton(z, target, weight, ridge, beta):
    """Minimise the weighted log-loss + ridge |beta[1:]|^2 / 2 from beta, in place.

    Newton's steps are halved until the objective falls. One class only: the slopes
    are 0 and the intercept is that of a Jeffreys prior on the share.
    """
    positive, total = 0.0, 0.0
    for i in range(len(target)):
        positive += weight[i] * target[i]
        total += weight[i]
    if positive <= 0.0 or positive >= total:
        beta[:] = 0.0
        beta[0] = np.log((positive + 0.5) / (total - positive + 0.5))
        return True
    p = len(beta)
    slope, curve = np.empty(p), np.empty((p, p))
    value = _derivatives(z, target, weight, ridge, beta, slope, curve)
    for _ in range(MAX_NEWTON_STEPS):
        if np.abs(slope).max() <= _GRADIENT_TOLERANCE * total:
            return True
        step = slope.copy()
        _solve_in_place(curve, step)
        stride = 1.0
        while True:
            trial = beta - stride * step
            new = _derivatives(z, target, weight, ridge, trial, slope, curve)
            if new <= value:
                break
            stride *= 0.5
            if stride < 1e-6:
                # Flat to rounding: this is the minimum, or there is none to be had.
                return bool(np.abs(step).max() < 1e-4)
        for j in range(p):  # a slice assignment takes a second longer to compile
            beta[j] = trial[j]
        value = new
    return False


@numba.njit(cache=True)
def _derivatives(z, target, weight, ridge, beta, slope, curve):
    """Return the objective; fill its gradient and its Hessian's lower triangle."""
    p = len(beta)
    slope[:] = 0.0
    curve[:] = 0.0
    value = 0.0
    for i in range(len(target)):
        if weight[i] == 0.0:
            continue
        logit = beta[0] + _dot(z[i], beta)
        decay = np.exp(-abs(logit))
        value += weight[i] * (max(logit, 0.0) - target[i] * logit + np.log1p(decay))
        share = 1.0 / (1.0 + decay) if logit >= 0.0 else decay / (1.0 + decay)
        pull = weight[i] * (share - target[i])
        bend = weight[i] * share * (1.0 - share)
        slope[0] += pull
        curve[0, 0] += bend
        for j in range(1, p):
            slope[j] += pull * z[i, j - 1]
            across = bend * z[i, j - 1]
            curve[j, 0] += across
            for k in range(1, j + 1):
                curve[j, k] += across * z[i, k - 1]
    for j in range(1, p):
        value += 0.5 * ridge * beta[j] ** 2
        slope[j] += ridge * beta[j]
        curve[j, j] += ridge
    return value


@numba.njit(cache=True)
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
