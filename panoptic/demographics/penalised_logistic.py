"""L2-penalised logistic regression as one pipeline, by scikit-learn and compiled.

One fit imputes the mean, standardises, takes the C of least held-out log-loss over
host-grouped folds, fits, and calibrates by a sigmoid on the same held-out log-odds. The
published model is scikit-learn's (`fit_logistic`); the thousands of fits that choose
and calibrate it, and those of cross validation, bootstrap and permutation, are
compiled: there a row has a weight, so that a fold (weight 0) and a bootstrap sample
(weight = times drawn) are the same fit. Tests hold both equal, and both equal to the
whole written out in scikit-learn.

Missing quantities take the mean of the rows that train: after standardising that is
0, so that what is not known says nothing.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.companions import Floats
from panoptic.demographics.logistic_kernels import (
    MAX_NEWTON_STEPS,
    calibrate_line,
    cross_validate,
    fit_pipeline,
)
from panoptic.demographics.sharing import share_out

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Integers = NDArray[np.int64]

# C of the penalty |beta|^2 / (2 C), tried in this order; of equals the first wins.
C_GRID = (0.01, 0.1, 1.0, 10.0, 100.0)

_SCIKIT_TOLERANCE = 1e-8


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
    x: Floats, label: Integers, *, folds: Integers, n_scaled: int
) -> LogisticFit:
    """Fit the pipeline to (n, p) with labels 0 and 1.

    Held-out folds choose C and the calibration; the model itself is scikit-learn's.

    Parameters
    ----------
    folds : (r, n) splits: the fold of each row, 0, 1, ...
    n_scaled : the leading columns to impute and standardise; the rest pass as they
        are.
    """
    choice = fit_compiled(x, label, folds=folds, n_scaled=n_scaled)
    fitted = _pipeline(choice.c, n_scaled).fit(x, label)
    model = fitted["model"]
    quantities = fitted["columns"].named_transformers_["quantities"]
    n_flags = x.shape[1] - n_scaled
    return replace(
        choice,
        intercept=float(model.intercept_[0]),
        coef=model.coef_[0],
        centre=np.append(quantities["scaler"].mean_, np.zeros(n_flags)),
        scale=np.append(quantities["scaler"].scale_, np.ones(n_flags)),
        converged=choice.converged and bool(model.n_iter_[0] < MAX_NEWTON_STEPS),
    )


def fit_compiled(
    x: Floats, label: Integers, *, folds: Integers, n_scaled: int
) -> LogisticFit:
    """Return the same fit as `fit_logistic`, all of it compiled."""
    return _fit_weighted(
        _columns(x),
        label.astype(np.float64),
        np.ones(len(label)),
        folds.astype(np.int64),
        n_scaled,
        _no_path(x),
    )


def held_out_logit(
    x: Floats,
    label: Integers,
    *,
    fold: Integers,
    n_scaled: int,
) -> Floats:
    """Return (n,) the log-odds of each row by the pipeline that did not see its fold.

    Nested: while one fold is held out the others choose C and calibration.
    """
    own = np.arange(len(label))[None]
    return permuted_logit(x, label, rows=own, fold=fold, n_scaled=n_scaled)[0]


def permuted_logit(
    x: Floats, label: Integers, *, rows: Integers, fold: Integers, n_scaled: int
) -> Floats:
    """Return (B, n) held-out log-odds with the features of other rows, `rows` (B, n).

    Labels, hosts and folds stay where they are, and the whole pipeline is repeated.
    """
    columns, target = _columns(x), label.astype(np.float64)
    fold, grid = fold.astype(np.int64), np.array(C_GRID)
    held_out = np.empty(rows.shape)

    def fit(start: int, stop: int) -> None:
        for b in range(start, stop):
            permuted = np.take(columns, rows[b], axis=1)
            cross_validate(permuted, target, fold, grid, n_scaled, held_out[b])

    share_out(len(rows), fit)
    return held_out


def resampled_fits(
    x: Floats,
    label: Integers,
    *,
    weights: Floats,
    folds: Integers,
    n_scaled: int,
    score: Floats,
) -> ResampledFits:
    """Refit with each row of `weights` (B, n); C and calibration are chosen anew.

    Parameters
    ----------
    folds : (r, n) splits that choose them, taken in turn, so that the scatter of
        the fits holds that of the splits.
    score : (m, p) rows that every fit is asked about.
    """
    columns, target = _columns(x), label.astype(np.float64)
    weights, folds = _contiguous(weights), folds.astype(np.int64)
    whole = _no_path(x)  # the samples lie about it: their fits start there
    _fit_weighted(columns, target, np.ones(len(label)), folds[:1], n_scaled, whole)
    fits = ResampledFits(
        per_unit=np.empty((len(weights), x.shape[1])),
        logit=np.empty((len(weights), len(score))),
        last_contributions=np.empty((len(weights), x.shape[1])),
    )

    def refit(start: int, stop: int) -> None:
        for b in range(start, stop):
            split = folds[b % len(folds)][None]
            path = whole.copy()
            fit = _fit_weighted(columns, target, weights[b], split, n_scaled, path)
            added = fit.contributions(score)
            fits.per_unit[b] = fit.coef / fit.scale
            fits.logit[b] = fit.baseline + added.sum(axis=1)
            fits.last_contributions[b] = added[-1]

    share_out(len(weights), refit)
    return fits


def recalibration(logit: Floats, label: Integers) -> tuple[float, float]:
    """Return offset and slope of the true log-odds as a line in predicted ones.

    0 and 1 where predictions mean what they say; a slope below 1 is overconfident.
    """
    target, weight = label.astype(np.float64), np.ones(len(label))
    offset, slope = calibrate_line(_contiguous(logit), target, weight)
    return float(offset), float(slope)


def _fit_weighted(
    columns: Floats,
    target: Floats,
    weight: Floats,
    folds: Integers,
    n_scaled: int,
    path: Floats,
) -> LogisticFit:
    """Fit the pipeline to columns (p, n), starting from path (C, p + 1)."""
    centre, scale = np.empty(len(columns)), np.empty(len(columns))
    chosen, offset, slope, converged = fit_pipeline(
        columns,
        target,
        weight,
        folds,
        np.array(C_GRID),
        n_scaled,
        path,
        centre,
        scale,
    )
    return LogisticFit(
        intercept=float(path[chosen, 0]),
        coef=path[chosen, 1:],
        centre=centre,
        scale=scale,
        c=C_GRID[chosen],
        slope=float(slope),
        offset=float(offset),
        converged=bool(converged),
    )


def _pipeline(c: float, n_scaled: int) -> "Pipeline":
    # Here: who draws the figures needs none of it.
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

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
        max_iter=MAX_NEWTON_STEPS,
    )
    return Pipeline([("columns", columns), ("model", model)])


def _columns(x: Floats) -> Floats:
    """The columns of (n, p), each in one piece."""
    return _contiguous(x.T)


def _no_path(x: Floats) -> Floats:
    """Where fits start of which nothing is known."""
    return np.zeros((len(C_GRID), 1 + x.shape[1]))


def _contiguous(x: Floats) -> Floats:
    return np.ascontiguousarray(x, dtype=np.float64)
