"""The compiled logistic pipeline: its twin in scikit-learn, weights, edges."""

import numpy as np
import pytest
from numba import get_num_threads, set_num_threads
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit

from panoptic.demographics.logistic_kernels import newton
from panoptic.demographics.penalised_logistic import (
    fit_compiled,
    fit_logistic,
    held_out_logit,
    permuted_logit,
    recalibration,
    resampled_fits,
)
from tests import oracles_origin_classifier as oracles


def _sample(seed=3, n=90, p=4, missing=0.25):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * [1.0, 0.1, 30.0, 2.0][:p] + 5.0
    label = (x[:, 0] - 5.0 + rng.normal(size=n) > 0.8).astype(np.int64)
    x[rng.random(x.shape) < missing] = np.nan
    x[:, 0] = np.where(np.isnan(x[:, 0]), 5.0, x[:, 0])
    return x, label, rng.integers(0, 5, size=n)


def test_the_compiled_fit_is_that_of_scikit_learn():
    x, label, fold = _sample()
    flags = (np.arange(len(label))[:, None] % 3 == [0, 1]).astype(float)
    wide = np.hstack([x, flags])
    slow = fit_logistic(wide, label, folds=fold[None], n_scaled=4)
    fast = fit_compiled(wide, label, folds=fold[None], n_scaled=4)
    assert fast.c == slow.c
    assert fast.converged and slow.converged
    for name in ("coef", "centre", "scale", "intercept"):
        np.testing.assert_allclose(
            getattr(fast, name), getattr(slow, name), rtol=1e-6, atol=1e-9
        )


def test_choice_and_calibration_are_those_of_scikit_learn():
    x, label, fold = _sample()
    fit = fit_compiled(x, label, folds=fold[None], n_scaled=4)
    assert fit.c == oracles.best_c(x, label, fold)
    whole = CalibratedClassifierCV(
        oracles.pipeline(fit.c), cv=PredefinedSplit(fold), ensemble=False
    ).fit(x, label)
    expected = whole.predict_proba(x)[:, 1]
    # scikit-learn's own sigmoid stops early
    np.testing.assert_allclose(1 / (1 + np.exp(-fit.logit(x))), expected, atol=1e-5)


def test_more_splits_choose_together():
    x, label, fold = _sample()
    other = np.random.default_rng(9).integers(0, 5, size=len(label))
    both = fit_compiled(x, label, folds=np.stack([fold, other]), n_scaled=4)
    twice = fit_compiled(x, label, folds=np.stack([fold, fold]), n_scaled=4)
    once = fit_compiled(x, label, folds=fold[None], n_scaled=4)
    assert (twice.c, twice.slope) == (once.c, pytest.approx(once.slope))
    mean = np.mean([oracles.held_out(x, label, f, both.c) for f in (fold, other)], 0)
    assert (both.offset, both.slope) == pytest.approx(
        oracles.platt(mean, label), abs=1e-5
    )


def test_scikit_learn_written_out_gives_the_nested_predictions():
    x, label, fold = _sample(seed=8, n=70)
    fast = held_out_logit(x, label, fold=fold, n_scaled=4)
    slow = oracles.nested(x, label, fold)
    np.testing.assert_allclose(fast, slow, atol=2e-5)


def test_a_weight_is_the_number_of_copies():
    x, label, fold = _sample()
    copies = np.random.default_rng(0).integers(0, 4, size=len(label))
    fits = resampled_fits(
        x,
        label,
        weights=copies[None].astype(float),
        folds=fold[None],
        n_scaled=4,
        score=x,
    )
    rows = np.repeat(np.arange(len(label)), copies)
    whole = fit_compiled(x[rows], label[rows], folds=fold[rows][None], n_scaled=4)
    np.testing.assert_allclose(fits.per_unit[0], whole.coef / whole.scale, rtol=1e-7)
    np.testing.assert_allclose(fits.logit[0], whole.logit(x), atol=1e-7)
    np.testing.assert_allclose(
        fits.last_contributions[0], whole.contributions(x[-1:])[0], atol=1e-7
    )


def test_contributions_and_baseline_make_the_log_odds():
    x, label, fold = _sample()
    fit = fit_compiled(x, label, folds=fold[None], n_scaled=4)
    unknown = np.full((1, 4), np.nan)
    assert fit.logit(unknown)[0] == pytest.approx(fit.baseline)
    total = fit.baseline + fit.contributions(x).sum(axis=1)
    np.testing.assert_allclose(fit.logit(x), total)


def test_the_mean_of_the_probabilities_is_the_share_before_calibration():
    # the free intercept makes the score equation sum(P - label) = 0
    x, label, fold = _sample()
    fit = fit_compiled(x, label, folds=fold[None], n_scaled=4)
    raw = (fit.logit(x) - fit.offset) / fit.slope
    assert np.mean(1 / (1 + np.exp(-raw))) == pytest.approx(label.mean(), abs=1e-8)


def test_units_do_not_matter():
    x, label, fold = _sample()
    one = fit_compiled(x, label, folds=fold[None], n_scaled=4)
    other = fit_compiled(1000.0 * x - 7.0, label, folds=fold[None], n_scaled=4)
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-6, atol=1e-9)


def test_no_skill_gives_everyone_the_share():
    rng = np.random.default_rng(5)
    x, fold = rng.normal(size=(60, 2)), np.arange(60) % 5
    # the classes change sides between folds: held-out scores run the wrong way
    label = ((x[:, 0] > 0) ^ (fold % 2 == 0)).astype(np.int64)
    x[:, 0] = np.abs(x[:, 0])
    for fit in (fit_compiled, fit_logistic):
        found = fit(x[:, :1], label, folds=fold[None], n_scaled=1)
        assert found.slope == 0.0
        np.testing.assert_allclose(found.logit(x[:, :1]), found.offset)
    compiled = fit_compiled(x[:, :1], label, folds=fold[None], n_scaled=1)
    published = fit_logistic(x[:, :1], label, folds=fold[None], n_scaled=1)
    assert compiled.offset == pytest.approx(published.offset)


@pytest.mark.parametrize("value", [np.nan, 0.3])
def test_a_column_that_says_nothing_adds_nothing(value):
    x, label, fold = _sample()
    x[:, 2] = value
    for fit in (fit_compiled, fit_logistic):
        found = fit(x, label, folds=fold[None], n_scaled=4)
        assert abs(found.coef[2]) < 1e-20
        assert np.isfinite(found.logit(x)).all()


def test_a_perfectly_separated_sample_converges():
    x = np.linspace(-1.0, 1.0, 50)[:, None]
    label = (x[:, 0] > 0.1).astype(np.int64)
    fit = fit_compiled(x, label, folds=np.arange(50)[None] % 5, n_scaled=1)
    assert fit.converged
    assert ((fit.logit(x) > 0) == (label == 1)).all()


@pytest.mark.parametrize("start", [(0.0, 0.0), (40.0, -40.0), (-3.0, 12.0)])
def test_newton_finds_back_from_anywhere(start):
    x, label, _ = _sample()
    z = np.stack([np.ones(len(label)), x[:, 0] - 5.0])
    beta, weight = np.array(start), np.ones(len(label))
    assert newton(z, label.astype(float), weight, len(label), 0.01, beta)
    twin = LogisticRegression(C=100.0, solver="newton-cholesky", tol=1e-12)
    twin.fit(z[1][:, None], label)
    expected = [twin.intercept_[0], twin.coef_[0, 0]]
    np.testing.assert_allclose(beta, expected, rtol=1e-8)


def test_threads_change_no_number():
    x, label, fold = _sample()
    rng = np.random.default_rng(4)
    rows = np.array([rng.permutation(len(label)) for _ in range(40)])
    weights = rng.multinomial(90, np.full(90, 1 / 90), size=40).astype(float)

    def made():
        logit = permuted_logit(x, label, rows=rows, fold=fold, n_scaled=4)
        fits = resampled_fits(
            x, label, weights=weights, folds=fold[None], n_scaled=4, score=x
        )
        return logit, fits.logit, fits.per_unit

    before = get_num_threads()
    try:
        set_num_threads(1)
        alone = made()
        set_num_threads(before)
        together = made()
    finally:
        set_num_threads(before)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_bootstrap_sample_of_one_class_does_not_crash():
    x, label, fold = _sample()
    weights = (label == 1).astype(float)[None]
    fits = resampled_fits(
        x, label, weights=weights, folds=fold[None], n_scaled=4, score=x
    )
    assert (fits.per_unit == 0.0).all()
    assert np.isfinite(fits.logit).all()


def test_the_identity_is_a_permutation_that_changes_nothing():
    x, label, fold = _sample()
    folds = {"fold": fold, "n_scaled": 4}
    rows = np.arange(len(label))[None]
    same = permuted_logit(x, label, rows=rows, **folds)
    np.testing.assert_array_equal(same[0], held_out_logit(x, label, **folds))


def test_recalibration_of_calibrated_predictions_is_the_identity():
    rng = np.random.default_rng(2)
    logit = rng.normal(size=20_000) * 2
    label = (rng.random(20_000) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    offset, slope = recalibration(logit, label)
    assert (offset, slope) == pytest.approx((0.0, 1.0), abs=0.06)
    offset, slope = recalibration(2.0 * logit, label)
    assert slope == pytest.approx(0.5, abs=0.03)
