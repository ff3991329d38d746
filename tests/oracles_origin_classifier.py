"""Slow, obvious twins of the classifier's numerics, by scikit-learn and by loops."""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

GRID = (0.01, 0.1, 1.0, 10.0, 100.0)


def pipeline(c):
    """Mean imputation, standardising and an L2-penalised fit, to machine accuracy."""
    return make_pipeline(
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10, max_iter=200),
    )


def held_out(x, label, fold, c):
    """The log-odds of every row by a fit without its fold."""
    logit = np.empty(len(label))
    for k in np.unique(fold):
        out = fold == k
        logit[out] = pipeline(c).fit(x[~out], label[~out]).decision_function(x[out])
    return logit


def best_c(x, label, fold):
    """The C of least held-out log-loss."""
    losses = [
        log_loss(label, 1 / (1 + np.exp(-held_out(x, label, fold, c)))) for c in GRID
    ]
    return GRID[int(np.argmin(losses))]


def platt(logit, label):
    """Platt's sigmoid by plain gradient steps on his smoothed targets."""
    n_pos, n_neg = label.sum(), (1 - label).sum()
    soft = np.where(label == 1, (n_pos + 1) / (n_pos + 2), 1 / (n_neg + 2))
    twice = np.concatenate([logit, logit])[:, None]
    fit = LogisticRegression(C=1e9, solver="newton-cholesky", tol=1e-10, max_iter=500)
    fit.fit(
        twice,
        np.repeat([1, 0], len(label)),
        sample_weight=np.concatenate([soft, 1 - soft]),
    )
    return fit.intercept_[0], fit.coef_[0, 0]


def nested(x, label, folds):
    """The calibrated held-out log-odds, every step spelled out."""
    result = np.empty(len(label))
    for k in np.unique(folds):
        out = folds == k
        train, fold = ~out, folds[~out]
        c = best_c(x[train], label[train], fold)
        offset, slope = platt(held_out(x[train], label[train], fold, c), label[train])
        fit = pipeline(c).fit(x[train], label[train])
        result[out] = offset + slope * fit.decision_function(x[out])
    return result


def pair_auroc(score, label, group):
    """Count the pairs one by one."""
    wins = pairs = 0.0
    for i in np.flatnonzero(label == 1):
        for j in np.flatnonzero(label == 0):
            if group[i] == group[j]:
                pairs += 1
                wins += 0.5 + 0.5 * np.sign(score[i] - score[j])
    return wins / pairs
