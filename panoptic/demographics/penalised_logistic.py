"""L2-penalised logistic regression as one pipeline, by scikit-learn and compiled.

One fit imputes the mean, standardises, takes the C of least held-out log-loss over
inner folds, fits, and calibrates by a sigmoid on the same held-out folds. What is
published is fitted by scikit-learn (`fit_logistic`); the thousands of refits of cross
validation, bootstrap and permutation are compiled, where a row has a weight, so that
a fold (weight 0) and a bootstrap sample (weight = times drawn) are the same fit. Tests
hold both equal.

Missing quantities take the mean of the rows that train: after standardising that is
0, so that what is not known says nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from panoptic.demographics.companions import Floats

Integers = NDArray[np.int64]

# C of the penalty |beta|^2 / (2 C), tried in this order; of equals the first wins.
C_GRID = (0.01, 0.1, 1.0, 10.0, 100.0)

_MAX_NEWTON_STEPS = 60
_GRADIENT_TOLERANCE = 1e-9
_SCIKIT_TOLERANCE = 1e-8
_SAME_LOSS = 1e-9  # relative; a C must be better by more than this to be preferred
# Keeps the calibrator's two-parameter fit regular where all logits are equal.
_CALIBRATOR_RIDGE = 1e-6


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """One fitted pipeline.

    The log-odds of row x are
    offset + slope * (intercept + sum_j coef[j] * (x[j] - centre[j]) / scale[j]),
    a missing x[j] contributing 0.
    """

    intercept: float
    coef: Floats  # (p,) per standard deviation (per unit for dummies)
    centre: Floats  # (p,) mean of the training rows, 0 for dummies
    scale: Floats  # (p,) their standard deviation, 1 for dummies
    c: float  # inverse penalty strength chosen by the inner folds
    slope: float  # of the sigmoid calibration, not negative
    offset: float
    converged: bool

    def contributions(self, x: Floats) -> Floats:
        """Return what each column of (n, p) adds to the log-odds."""
        z = (x - self.centre) / self.scale
        return self.slope * self.coef * np.where(np.isnan(z), 0.0, z)

    @property
    def baseline(self) -> float:
        """The log-odds of an object of which nothing is known."""
        return self.offset + self.slope * self.intercept

    def logit(self, x: Floats) -> Floats:
        """Return the calibrated log-odds of the rows of (n, p)."""
        return self.baseline + self.contributions(x).sum(axis=1)


@dataclass(frozen=True, slots=True)
class ResampledFits:
    """B fitted pipelines and what they say of m objects."""

    per_unit: Floats  # (B, p) coefficients before calibration, per unit of a column
    logit: Floats  # (B, m) calibrated log-odds
    last_contributions: Floats  # (B, p) what each column adds for the last object


def fit_logistic(
    x: Floats, label: Integers, *, inner_fold: Integers, n_scaled: int
) -> LogisticFit:
    """Fit the pipeline to (n, p) with labels 0 and 1, by scikit-learn.

    Parameters
    ----------
    inner_fold : (n,) fold of each row, 0, 1, ...; they choose C and the calibration.
    n_scaled : the leading columns to impute and standardise; the rest pass as they
        are.
    """
    splits = list(PredefinedSplit(inner_fold).split())
    losses = []
    for c in C_GRID:
        logit = cross_val_predict(
            _pipeline(c, n_scaled), x, label, cv=splits, method="decision_function"
        )
        losses.append(float(np.sum(np.logaddexp(0.0, logit) - label * logit)))
    chosen = _first_least(losses)
    whole = CalibratedClassifierCV(
        _pipeline(C_GRID[chosen], n_scaled), cv=splits, ensemble=False
    ).fit(x, label)
    calibrated = whole.calibrated_classifiers_[0]
    model = calibrated.estimator["model"]
    quantities = calibrated.estimator["columns"].named_transformers_["quantities"]
    n_flags = x.shape[1] - n_scaled
    sigmoid = calibrated.calibrators[0]
    offset, slope = -float(sigmoid.b_), -float(sigmoid.a_)
    if slope < 0.0:  # no skill on held-out rows, as in `_calibrate`
        offset, slope = _share_logit(label), 0.0
    return LogisticFit(
        intercept=float(model.intercept_[0]),
        coef=model.coef_[0],
        centre=np.append(quantities["scaler"].mean_, np.zeros(n_flags)),
        scale=np.append(quantities["scaler"].scale_, np.ones(n_flags)),
        c=C_GRID[chosen],
        slope=slope,
        offset=offset,
        converged=bool(model.n_iter_[0] < _MAX_NEWTON_STEPS),
    )


def fit_compiled(
    x: Floats, label: Integers, *, inner_fold: Integers, n_scaled: int
) -> LogisticFit:
    """Return the same fit as `fit_logistic`, in a hundredth of the time."""
    return _fit_weighted(
        _contiguous(x),
        label.astype(np.float64),
        np.ones(len(label)),
        inner_fold.astype(np.int64),
        np.array(C_GRID),
        n_scaled,
    )


def held_out_logit(
    x: Floats,
    label: Integers,
    *,
    outer_fold: Integers,
    inner_fold: Integers,
    n_scaled: int,
) -> Floats:
    """Return (n,) the log-odds of each row by the pipeline that did not see its fold.

    Parameters
    ----------
    outer_fold : (n,) fold in which each row is held out.
    inner_fold : (k, n) folds of the rows that train when fold k is held out.
    """
    held_out = np.empty(len(label))
    _cross_validate(
        _contiguous(x),
        label.astype(np.float64),
        outer_fold.astype(np.int64),
        inner_fold.astype(np.int64),
        np.array(C_GRID),
        n_scaled,
        held_out,
    )
    return held_out


def permuted_logit(
    x: Floats,
    label: Integers,
    *,
    rows: Integers,
    outer_fold: Integers,
    inner_fold: Integers,
    n_scaled: int,
    progress: Callable[[int, int], None] | None = None,
) -> Floats:
    """Return (B, n) held-out log-odds with the features of other rows, `rows` (B, n).

    Labels, hosts and folds stay where they are, and the whole pipeline is repeated.
    """
    held_out = np.empty(rows.shape)
    for b, order in enumerate(rows):
        held_out[b] = held_out_logit(
            x[order],
            label,
            outer_fold=outer_fold,
            inner_fold=inner_fold,
            n_scaled=n_scaled,
        )
        if progress is not None:
            progress(b + 1, len(rows))
    return held_out


def resampled_fits(
    x: Floats,
    label: Integers,
    *,
    weights: Floats,
    inner_fold: Integers,
    n_scaled: int,
    score: Floats,
    progress: Callable[[int, int], None] | None = None,
) -> ResampledFits:
    """Refit with each row of `weights` (B, n); C and calibration are chosen anew.

    `score` (m, p) are the rows that every fit is asked about.
    """
    n_samples, p = len(weights), x.shape[1]
    x, target = _contiguous(x), label.astype(np.float64)
    fold, grid = inner_fold.astype(np.int64), np.array(C_GRID)
    per_unit = np.empty((n_samples, p))
    logit = np.empty((n_samples, len(score)))
    last = np.empty((n_samples, p))
    for b, weight in enumerate(weights):
        fit = _fit_weighted(x, target, weight, fold, grid, n_scaled)
        per_unit[b] = fit.coef / fit.scale
        logit[b] = fit.logit(score)
        last[b] = fit.contributions(score[-1:])[0]
        if progress is not None:
            progress(b + 1, n_samples)
    return ResampledFits(per_unit, logit, last)


def recalibration(logit: Floats, label: Integers) -> tuple[float, float]:
    """Return offset and slope of the true log-odds as a line in predicted ones.

    1 and 0 where predictions mean what they say; a slope below 1 is overconfident.
    """
    line = np.array([0.0, 1.0])
    _newton(
        _contiguous(logit)[:, None],
        label.astype(np.float64),
        np.ones(len(label)),
        _CALIBRATOR_RIDGE,
        line,
    )
    return float(line[0]), float(line[1])


def _fit_weighted(
    x: Floats,
    target: Floats,
    weight: Floats,
    fold: Integers,
    grid: Floats,
    n_scaled: int,
) -> LogisticFit:
    p = x.shape[1]
    beta, centre, scale = np.empty(p + 1), np.empty(p), np.empty(p)
    chosen, offset, slope, converged = _fit(
        x, target, weight, fold, grid, n_scaled, beta, centre, scale
    )
    return LogisticFit(
        intercept=float(beta[0]),
        coef=beta[1:],
        centre=centre,
        scale=scale,
        c=float(grid[chosen]),
        slope=float(slope),
        offset=float(offset),
        converged=bool(converged),
    )


def _pipeline(c: float, n_scaled: int) -> Pipeline:
    quantities = Pipeline(
        [
            ("imputer", SimpleImputer(strategy="mean", keep_empty_features=True)),
            ("scaler", StandardScaler()),
        ]
    )
    columns = ColumnTransformer(
        [("quantities", quantities, slice(0, n_scaled))], remainder="passthrough"
    )
    # l1_ratio is left at 0: the penalty is |beta|^2 / (2 C), the intercept is free.
    model = LogisticRegression(
        C=c,
        solver="newton-cholesky",
        tol=_SCIKIT_TOLERANCE,
        max_iter=_MAX_NEWTON_STEPS,
    )
    return Pipeline([("columns", columns), ("model", model)])


def _first_least(losses: Sequence[float]) -> int:
    """The index of the least loss; a later one must be less by more than rounding."""
    best = 0
    for index, loss in enumerate(losses):
        if loss < losses[best] * (1.0 - _SAME_LOSS):
            best = index
    return best


def _share_logit(label: Integers) -> float:
    positive, n = int(label.sum()), len(label)
    smoothed = positive * (positive + 1) / (positive + 2)
    smoothed += (n - positive) / (n - positive + 2)
    return float(np.log(smoothed / (n - smoothed)))


def _contiguous(x: Floats) -> Floats:
    return np.ascontiguousarray(x, dtype=np.float64)


@numba.njit(cache=True)
def _fit(x, target, weight, inner, grid, n_scaled, beta, centre, scale):
    """Fit the pipeline; fill beta (intercept first), centre and scale.

    Rows of weight 0 are not seen. Returns the index of the chosen C, the offset and
    slope of the calibration, and whether every Newton iteration converged.
    """
    n, p = x.shape
    held_out = np.zeros((len(grid), n))
    partial = np.empty(n)
    converged = True
    for k in range(inner.max() + 1):
        n_held = 0
        for i in range(n):
            held = inner[i] == k and weight[i] > 0.0
            n_held += held
            partial[i] = 0.0 if held else weight[i]
        if n_held == 0:
            continue
        _standardise(x, partial, n_scaled, centre, scale)
        beta[:] = 0.0
        z = _transform(x, centre, scale)
        for g in range(len(grid)):
            converged &= _newton(z, target, partial, 1.0 / grid[g], beta)
            for i in range(n):
                if inner[i] == k:
                    held_out[g, i] = beta[0] + _dot(z[i], beta)
    chosen = _least_loss(held_out, target, weight, _SAME_LOSS)
    offset, slope = _calibrate(held_out[chosen], target, weight)
    _standardise(x, weight, n_scaled, centre, scale)
    beta[:] = 0.0
    z = _transform(x, centre, scale)
    converged &= _newton(z, target, weight, 1.0 / grid[chosen], beta)
    return chosen, offset, slope, converged


@numba.njit(cache=True)
def _cross_validate(x, target, outer, inner, grid, n_scaled, held_out):
    n, p = x.shape
    beta, centre, scale = np.empty(p + 1), np.empty(p), np.empty(p)
    weight = np.empty(n)
    for k in range(outer.max() + 1):
        for i in range(n):
            weight[i] = 0.0 if outer[i] == k else 1.0
        _, offset, slope, _ = _fit(
            x, target, weight, inner[k], grid, n_scaled, beta, centre, scale
        )
        logit = _linear(x, beta, centre, scale)
        for i in range(n):
            if outer[i] == k:
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
def _least_loss(held_out, target, weight, same_loss):
    best, least = 0, np.inf
    for g in range(len(held_out)):
        loss = 0.0
        for i in range(len(target)):
            loss += weight[i] * _log_loss(held_out[g, i], target[i])
        if loss < least * (1.0 - same_loss):
            best, least = g, loss
    return best


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
    beta = np.array([0.0, 1.0])
    _newton(logit.reshape(-1, 1), soft, weight, _CALIBRATOR_RIDGE, beta)
    if beta[1] < 0.0:
        share = 0.0
        for i in range(len(target)):
            share += weight[i] * soft[i]
        share /= total
        return np.log(share / (1.0 - share)), 0.0
    return beta[0], beta[1]


@numba.njit(cache=True)
def _newton(z, target, weight, ridge, beta):
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
    step, slope, curve = np.empty(p), np.empty(p), np.empty((p, p))
    value = _derivatives(z, target, weight, ridge, beta, slope, curve)
    for _ in range(_MAX_NEWTON_STEPS):
        if np.abs(slope).max() <= _GRADIENT_TOLERANCE * total:
            return True
        step[:] = slope
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
        beta[:] = trial
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
