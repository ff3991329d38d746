"""Trend with axis and distribution with limits: statsmodels, twins, edges."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from statsmodels.nonparametric.smoothers_lowess import lowess

from panoptic.demographics.eccentricity_distribution import (
    distribution_of,
    reverse_kaplan_meier,
)
from panoptic.demographics.eccentricity_fits import Subset
from panoptic.demographics.eccentricity_passes import EccentricityPass, Policy
from panoptic.demographics.eccentricity_trend import (
    EccentricityTrend,
    local_lines,
    trend_with_axis,
)
from panoptic.statement import NotRun
from tests.oracles_eccentricity import share_up_to


def trend(log_a, ecc, host=None, n_bootstrap=200):
    host = np.arange(len(ecc)).astype(str) if host is None else host
    return trend_with_axis(
        np.asarray(log_a, dtype=float),
        np.asarray(ecc, dtype=float),
        host,
        n_bootstrap=n_bootstrap,
        rng=np.random.default_rng(4),
    )


def test_local_lines_are_statsmodels_lowess():
    rng = np.random.default_rng(6)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    at = np.linspace(x.min(), x.max(), 30)
    ours = local_lines(x, y, at, np.ones((1, 50)))[0]
    assert_allclose(ours, lowess(y, x, frac=2 / 3, it=0, xvals=at), rtol=1e-9)


def test_a_straight_line_is_kept_for_any_weights():
    x = np.linspace(-2, 1, 20)
    weights = np.random.default_rng(1).integers(1, 4, (5, 20)).astype(float)
    lines = local_lines(x, 0.2 + 0.1 * x, x, weights)
    assert_allclose(lines, np.tile(0.2 + 0.1 * x, (5, 1)), atol=1e-12)


def test_a_rising_e_is_seen():
    x = np.linspace(-2, 1, 40)
    ecc = 0.3 + 0.1 * x + np.random.default_rng(1).normal(0, 0.02, 40)
    found = trend(x, ecc)
    assert found.rank_correlation_low > 0.8
    assert (found.ecc_low <= found.ecc).all()
    assert (found.ecc <= found.ecc_high).all()
    assert_allclose(found.ecc, 0.3 + 0.1 * found.log_a, atol=0.03)


def test_hosts_widen_the_band():
    x = np.linspace(-2, 1, 40)
    ecc = np.repeat(np.random.default_rng(1).random(8), 5)
    crowded = trend(x, ecc, host=np.repeat(np.arange(8), 5).astype(str))
    alone = trend(x, ecc)
    width = (crowded.ecc_high - crowded.ecc_low).mean()
    assert width > 1.5 * (alone.ecc_high - alone.ecc_low).mean()


@pytest.mark.parametrize(
    ("log_a", "ecc", "host"),
    [
        ([0.0] * 10, np.linspace(0, 0.5, 10), None),
        (np.linspace(0, 1, 10), [0.2] * 10, None),
        ([0.1, 0.2], [0.1, 0.2], None),
        (np.linspace(0, 1, 10), np.linspace(0, 0.5, 10), np.repeat("one", 10)),
        ([], [], None),
        (np.full(10, np.nan), np.linspace(0, 0.5, 10), None),
    ],
)
def test_what_has_no_trend_is_not_run(log_a, ecc, host):
    assert isinstance(trend(log_a, ecc, host), NotRun)


def test_two_axes_only_still_make_a_trend():
    found = trend(np.repeat([0.0, 1.0], 6), np.linspace(0.1, 0.7, 12))
    assert isinstance(found, EccentricityTrend)
    assert np.isfinite(found.ecc_low).all()


def test_reverse_kaplan_meier_is_its_twin():
    rng = np.random.default_rng(9)
    ecc = np.round(rng.beta(0.8, 3, 40), 2)
    limits = rng.choice([0.0, 0.1, 0.3], 40)
    below = ecc < limits
    value = np.maximum(ecc, limits)
    levels, share = reverse_kaplan_meier(value, ~below, np.ones((1, 40)))
    expected = [share_up_to(x, value, below) for x in levels]
    assert_allclose(share[0, 1:], expected, atol=1e-12)
    assert_allclose(share[0, 0], share_up_to(-1.0, value, below), atol=1e-12)


def test_without_limits_it_is_the_empirical_distribution():
    value = np.array([0.1, 0.1, 0.3, 0.7])
    levels, share = reverse_kaplan_meier(value, np.ones(4, dtype=bool), np.ones((1, 4)))
    assert_allclose(levels, [0.1, 0.3, 0.7])
    assert_allclose(share[0], [0.0, 0.5, 0.75, 1.0], atol=1e-12)


def reading_of(value, high):
    n = len(value)
    nan = np.full(n, np.nan)
    low = np.where(np.isnan(value), 0.0, np.nan)
    return EccentricityPass(
        Policy.CENSORED, np.arange(n), np.array(value), low, np.array(high), nan, nan
    )


def test_a_distribution_has_its_band():
    value = np.array([0.1, 0.2, 0.3, np.nan, 0.5])
    found = distribution_of(
        Subset.LOW_Q,
        reading_of(value, [np.nan] * 3 + [0.25, np.nan]),
        np.arange(5).astype(str),
        n_bootstrap=300,
        rng=np.random.default_rng(1),
    )
    assert_allclose(found.ecc, [0.1, 0.2, 0.3, 0.5])
    assert (found.share_low <= found.share).all()
    assert (found.share <= found.share_high).all()
    assert found.share[-1] == 1.0


def test_limits_alone_have_no_distribution():
    found = distribution_of(
        Subset.LOW_Q,
        reading_of([np.nan] * 3, [0.2] * 3),
        np.array(list("abc")),
        n_bootstrap=20,
        rng=np.random.default_rng(1),
    )
    assert found is None
