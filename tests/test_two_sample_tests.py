"""Two-sample tests: twins, scipy, size under the null, ties, strata, Holm."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from panoptic.demographics.host_resampling import bootstrap_weights, permuted_groups
from panoptic.demographics.two_sample_tests import (
    SampleRows,
    Test,
    TwoSampleResult,
    anderson_darling_statistics,
    compare_two_samples,
    holm,
    ks_statistics,
    mean_differences,
    peto_peto_scores,
    peto_peto_statistics,
    statistics,
)
from panoptic.statement import NotRun
from tests.oracles_eccentricity import (
    host_permutation_p,
    ks_distance,
    mean_difference,
    peto_peto_u,
)


def sample_rows(value, second, *, below=None, host=None, stratum=None):
    n = len(value)
    return SampleRows(
        value=np.asarray(value, dtype=float),
        below=np.zeros(n, dtype=bool) if below is None else np.asarray(below),
        second=np.asarray(second, dtype=bool),
        host=np.arange(n).astype(str) if host is None else np.asarray(host),
        stratum=np.zeros(n, dtype=int) if stratum is None else np.asarray(stratum),
    )


@pytest.fixture(params=["distinct", "tied"])
def rows(request):
    rng = np.random.default_rng(4)
    value = rng.beta(0.8, 3.0, 45)
    if request.param == "tied":
        value = np.round(value, 1)
    return sample_rows(value, np.arange(45) >= 30)


def test_ks_is_its_twins_and_scipys(rows):
    first, second = rows.value[~rows.second], rows.value[rows.second]
    found = ks_statistics(rows.value, rows.second[None, :])[0]
    assert_allclose(found, ks_distance(first, second))
    assert_allclose(found, stats.ks_2samp(first, second).statistic)


@pytest.mark.filterwarnings("ignore")  # scipy's caps on its own p
def test_anderson_darling_is_scipys(rows):
    """scipy norms A^2 by its mean 1 and a deviation that depends on sizes only."""
    draws = np.random.default_rng(1).permuted(
        np.broadcast_to(rows.second, (6, 45)), axis=1
    )
    ours = anderson_darling_statistics(rows.value, draws)
    theirs = [
        stats.anderson_ksamp(
            [rows.value[~d], rows.value[d]],
            method=stats.PermutationMethod(n_resamples=2, rng=1),
        ).statistic
        for d in draws
    ]
    scale = (ours[1] - ours[0]) / (theirs[1] - theirs[0])
    assert_allclose(ours - 1.0, scale * np.array(theirs), rtol=1e-8)


def test_mean_difference_is_plain_without_strata(rows):
    found = mean_differences(rows.value, rows.second[None, :], rows.stratum)[0]
    expected = mean_difference(rows.value[~rows.second], rows.value[rows.second])
    assert_allclose(found, expected)


def test_mean_difference_takes_strata_out():
    rng = np.random.default_rng(6)
    stratum = np.repeat([0, 1], 40)
    second = np.r_[np.arange(40) < 4, np.arange(40) < 36]
    value = 0.1 + 0.5 * stratum + 0.2 * second + rng.normal(0, 1e-6, 80)
    assert_allclose(mean_differences(value, second[None, :], stratum), 0.2, atol=1e-5)
    alone = np.zeros(80, dtype=int)
    assert mean_differences(value, second[None, :], alone)[0] > 0.5


@pytest.mark.parametrize("limit", [0.0, 0.15, 0.5])
def test_peto_peto_is_its_twins(rows, limit):
    below = rows.value < limit
    value = np.where(below, limit, rows.value)
    scores = peto_peto_scores(-value, ~below)
    assert_allclose(scores.sum(), 0.0, atol=1e-12)
    expected = peto_peto_u(value, below, rows.second)
    assert_allclose(scores[rows.second].sum(), expected, atol=1e-12)


def test_peto_peto_without_limits_is_close_to_wilcoxon():
    rng = np.random.default_rng(9)
    value = np.r_[rng.normal(0, 1, 200), rng.normal(0.3, 1, 200)]
    rows = sample_rows(value, np.arange(400) >= 200)
    z = peto_peto_statistics(rows, rows.second[None, :])[0]
    u = stats.mannwhitneyu(value[200:], value[:200])
    wilcoxon = (u.statistic - 200 * 200 / 2) / np.sqrt(200 * 200 * 401 / 12)
    assert z > 0.0  # the second sample is larger
    assert_allclose(z, wilcoxon, rtol=0.02)


def test_peto_peto_z_is_normal_over_shuffles():
    rng = np.random.default_rng(12)
    value = rng.beta(0.8, 3.0, 60)
    below = value < 0.1
    stratum = np.repeat([0, 1], 30)
    rows = sample_rows(
        np.where(below, 0.1, value), rng.random(60) < 0.4, below=below, stratum=stratum
    )
    shuffles = permuted_groups(
        rows.second,
        rows.host,
        n_permutations=4000,
        rng=rng,
        stratum=stratum,
    )
    z = peto_peto_statistics(rows, shuffles)
    assert_allclose([z.mean(), z.std()], [0.0, 1.0], atol=0.05)


def test_host_permutation_p_is_its_twins():
    rng = np.random.default_rng(17)
    sizes = [7, 1, 2, 1, 1, 3, 1, 1, 1, 1]
    host = np.repeat([f"star {i}" for i in range(10)], sizes)
    second = np.repeat([False] * 5 + [True] * 5, sizes)
    value = rng.beta(1.0, 3.0, len(host)) + 0.2 * second
    rows = sample_rows(value, second, host=host)
    for test, twin in (
        (Test.KS, ks_distance),
        (Test.MEAN_DIFFERENCE, mean_difference),
    ):
        found = compare_two_samples(rows, test, n_permutations=4000, rng=rng)
        slow = host_permutation_p(twin, value, second, host, 1500, rng)
        assert isinstance(found, TwoSampleResult)
        assert_allclose(found.p_host, slow, atol=0.05)
    assert found.n_hosts_first == found.n_hosts_second == 5


def test_hosts_of_many_rows_weaken_the_evidence():
    """Seven planets of one star are not seven witnesses."""
    host = np.repeat(["crowd", *"abcdef"], [14, 1, 1, 1, 1, 1, 1])
    second = np.r_[np.zeros(17, dtype=bool), np.ones(3, dtype=bool)]
    value = np.where(second, 0.5, 0.1) + np.linspace(0.0, 0.01, 20)
    found = compare_two_samples(
        sample_rows(value, second, host=host),
        Test.KS,
        n_permutations=999,
        rng=np.random.default_rng(0),
    )
    assert found.p_row < 0.002 < 0.02 < found.p_host


@pytest.mark.parametrize("test", list(Test))
def test_p_has_its_size_when_nothing_differs(test):
    rng = np.random.default_rng(100)
    host = np.repeat(np.arange(24), np.tile([1, 1, 4], 8)).astype(str)
    per_host = np.arange(24) % 3 == 1
    second = per_host[host.astype(int)]
    rejected = []
    for _ in range(200):
        # Rows of one host share most of their e.
        shared = rng.normal(size=24)[host.astype(int)]
        value = stats.norm.cdf(0.8 * shared + 0.6 * rng.normal(size=len(host)))
        below = (value < 0.2) & (test is Test.PETO_PETO)
        rows = sample_rows(np.where(below, 0.2, value), second, below=below, host=host)
        found = compare_two_samples(rows, test, n_permutations=99, rng=rng)
        rejected.append(found.p_host <= 0.05)
    assert np.mean(rejected) < 0.10


@pytest.mark.parametrize("test", list(Test))
def test_what_differs_between_strata_only_is_no_evidence(test):
    rng = np.random.default_rng(31)
    stratum = np.repeat([0, 1], [40, 30])
    second = np.r_[np.arange(40) < 5, np.arange(30) < 24]
    value = np.where(stratum, rng.beta(3, 2, 70), rng.beta(0.8, 6, 70))
    split = compare_two_samples(
        sample_rows(value, second, stratum=stratum), test, n_permutations=499, rng=rng
    )
    pooled = compare_two_samples(
        sample_rows(value, second), test, n_permutations=499, rng=rng
    )
    assert pooled.p_host == pytest.approx(1 / 500)
    assert split.p_host > 0.05


def test_shuffles_keep_hosts_strata_and_counts():
    host = np.array(list("aaabbcdeef"))
    second = np.array([0, 0, 1, 0, 0, 1, 1, 0, 0, 1], dtype=bool)
    stratum = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    shuffles = permuted_groups(
        second,
        host,
        n_permutations=300,
        rng=np.random.default_rng(3),
        stratum=stratum,
    )
    assert (shuffles[:, 0] == shuffles[:, 1]).all()  # one host, one side, one stratum
    assert (shuffles[:, 7] == shuffles[:, 8]).all()
    units = shuffles[:, [0, 2, 3, 5]]
    assert (units.sum(axis=1) == 2).all()
    assert (shuffles[:, [6, 7, 9]].sum(axis=1) == 2).all()
    assert len(np.unique(shuffles, axis=0)) == 18


def test_bootstrap_draws_hosts_whole():
    host = np.array(list("aaabbc"))
    weights = bootstrap_weights(host, n_bootstrap=3000, rng=np.random.default_rng(5))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 3, 5]].sum(axis=1) == 3).all()
    assert_allclose(weights.mean(axis=0), 1.0, atol=0.06)


def test_holm_is_by_hand():
    assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.005])), [0.06, 0.03, 0.06, 0.02])
    assert_allclose(holm(np.array([0.9, 0.8])), [1.0, 1.0])


@pytest.mark.parametrize(
    ("rows", "test", "words"),
    [
        (sample_rows([0.1, 0.2, 0.3], [0, 0, 1]), Test.KS, "against 1 on 1"),
        (
            sample_rows([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], host=list("abcc")),
            Test.KS,
            "against 2 on 1",
        ),
        (sample_rows([0.2] * 6, [0, 0, 0, 1, 1, 1]), Test.MEAN_DIFFERENCE, "are 0.2"),
        (
            sample_rows([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], below=[True, *[False] * 3]),
            Test.ANDERSON_DARLING,
            "censored",
        ),
        (
            sample_rows([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], below=[True] * 4),
            Test.PETO_PETO,
            "all are limits",
        ),
        (
            sample_rows([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], stratum=[0, 0, 1, 1]),
            Test.KS,
            "none of 2 groups of like rows",
        ),
        (sample_rows([], []), Test.KS, "0 rows"),
    ],
)
def test_what_cannot_be_compared_is_not_run(rows, test, words):
    found = compare_two_samples(
        rows, test, n_permutations=99, rng=np.random.default_rng(0)
    )
    assert isinstance(found, NotRun)
    assert words in found.reason


def test_strata_of_equal_values_say_nothing():
    rows = sample_rows(
        np.repeat([0.1, 0.4], 6), np.tile([0, 1], 6), stratum=np.repeat([0, 1], 6)
    )
    for test in (Test.PETO_PETO, Test.MEAN_DIFFERENCE):
        found = compare_two_samples(
            rows, test, n_permutations=99, rng=np.random.default_rng(0)
        )
        assert_allclose(found.statistic, 0.0, atol=1e-12)
        assert found.p_host == 1.0


def test_every_statistic_grows_with_the_difference():
    rng = np.random.default_rng(2)
    noise = rng.beta(2, 5, 40)
    second = np.arange(40) >= 20
    for test in Test:
        near, far = (
            statistics(
                sample_rows(np.clip(noise + shift * second, 0, 1), second),
                test,
                second[None, :],
            )[0]
            for shift in (0.05, 0.4)
        )
        assert far > near
