"""Hartigan's dip: its definition, its twin, and R's numbers."""

import numpy as np
import pandas as pd
import pytest

from panoptic.demographics.dip_test import (
    DipTest,
    _count_dips,
    dip_statistic,
    run_dip_test,
)
from panoptic.statement import NotRun
from tests.oracles_mixture import dip_by_linear_programmes


@pytest.mark.shared
def test_statfaculty_agrees_with_r(shared):
    values = pd.read_csv(shared / "reference/diptest_statfaculty_63.csv")["statfaculty"]
    test = run_dip_test(values, n_draws=5000, rng=np.random.default_rng(1))
    assert test.dip == pytest.approx(0.0595238, abs=5e-8)
    assert test.p == pytest.approx(0.0867, abs=0.012)  # three errors of 5000 draws


@pytest.mark.parametrize(
    ("values", "dip"),
    [([1, 1, 2, 2], 0.25), ([1, 2, 3, 4], 0.125), ([5], 0.5), ([2, 2, 2, 2], 0.125)],
)
def test_small_samples(values, dip):
    assert dip_statistic(values) == pytest.approx(dip)


def test_it_is_the_least_distance_to_one_mode():
    rng = np.random.default_rng(2)
    n_compared = 0
    for case in range(24):
        n = int(rng.integers(3, 13))
        spread = rng.normal(size=n) + 3 * (rng.random(n) < 0.5)
        values = rng.integers(0, 8, n) if case % 2 else spread
        if len(np.unique(values)) > 1:
            expected = dip_by_linear_programmes(values)
            assert dip_statistic(values) == pytest.approx(expected, abs=1e-8)
            n_compared += 1
    assert n_compared > 20


def test_scale_order_and_sign_do_not_matter():
    values = np.random.default_rng(3).exponential(size=40)
    dip = dip_statistic(values)
    assert dip_statistic(-7.0 * values[::-1] + 2.0) == pytest.approx(dip)
    assert dip_statistic(np.append(values, np.nan)) == pytest.approx(dip)
    assert dip >= 1 / 80


def test_dips_are_counted_as_if_each_were_known():
    rng = np.random.default_rng(6)
    for n in (4, 7, 60):
        rows = np.sort(rng.random((300, n)), axis=1)
        dips = np.array([dip_statistic(row) for row in rows])
        for level in (0.5 / n - 1e-6, 0.5 / n + 1e-6, *np.quantile(dips, [0.3, 0.9])):
            assert _count_dips(rows, level - 1e-9) == np.sum(dips >= level - 1e-9)


def test_two_modes_are_seen_and_one_is_not():
    rng = np.random.default_rng(4)
    one = rng.normal(size=80)
    two = one + np.where(np.arange(80) < 40, 5.0, 0.0)
    p = [run_dip_test(x, n_draws=499, rng=rng).p for x in (one, two)]
    assert p[0] > 0.3
    assert p[1] == pytest.approx(1 / 500)


def test_uniform_samples_have_uniform_p():
    rng = np.random.default_rng(5)
    p = [run_dip_test(rng.random(30), n_draws=199, rng=rng).p for _ in range(60)]
    assert 0.38 < np.mean(p) < 0.62


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [3.0] * 20, [np.nan] * 9])
def test_too_few_values_are_said(values):
    answer = run_dip_test(values, n_draws=9, rng=np.random.default_rng(1))
    assert isinstance(answer, NotRun)
    assert "distinct" in answer.reason


def test_the_counts_are_kept():
    answer = run_dip_test(np.arange(9.0), n_draws=19, rng=np.random.default_rng(1))
    assert answer == DipTest(9, pytest.approx(1 / 18), 1.0, 19)
