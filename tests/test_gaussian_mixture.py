"""The mixture engine: identities, its textbook twin, and published fits."""

import numba
import numpy as np
import pandas as pd
import pytest

from panoptic.demographics import expectation_maximisation as em
from panoptic.demographics.gaussian_mixture import (
    CovarianceFamily,
    MixtureFit,
    draw_mixture,
    effort,
    fit_mixtures,
    fit_weighted,
    log_joint,
    responsibilities,
)
from panoptic.statement import NotRun
from tests.oracles_mixture import climb_em, em_step, log_likelihood

FULL, TIED = CovarianceFamily.FULL, CovarianceFamily.TIED
DIAGONAL, SPHERICAL = CovarianceFamily.DIAGONAL, CovarianceFamily.SPHERICAL
FAMILIES = tuple(CovarianceFamily)


def _fit(rows, family, k, *, host=None, seed=3, **search):
    fits = fit_mixtures(
        rows,
        host=np.arange(len(rows)) if host is None else host,
        n_components=[k],
        families=[family],
        rng=np.random.default_rng(seed),
        search=effort(**search) if search else None,
    )
    return fits[family, k]


@pytest.fixture(scope="module")
def rows():
    """Three overlapping groups of unlike shapes."""
    rng = np.random.default_rng(11)
    return np.concatenate(
        [
            rng.normal(size=(40, 2)) * [0.5, 1.0],
            rng.normal(size=(35, 2)) @ np.array([[1.0, 0.8], [0.0, 0.4]]) + [2.5, 1.0],
            rng.normal(size=(25, 2)) * 0.4 + [0.5, 3.5],
        ]
    )


# Identities


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("k", "d"), [(1, 2), (3, 2), (4, 5)])
def test_parameters_are_counted(family, k, d):
    shape = {
        FULL: k * d * (d + 1) // 2,
        TIED: d * (d + 1) // 2,
        DIAGONAL: k * d,
        SPHERICAL: k,
    }
    assert family.n_parameters(k, d) == shape[family] + k * d + k - 1


def test_one_full_component_is_the_sample_mean_and_covariance(rows):
    fit = _fit(rows, FULL, 1)
    assert fit.means[0] == pytest.approx(rows.mean(axis=0))
    assert fit.covariances[0] == pytest.approx(np.cov(rows.T, bias=True))
    assert fit.icl == fit.bic == pytest.approx(-2 * fit.lnl + 5 * np.log(len(rows)))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_optimum_is_a_fixed_point_of_the_textbook_step(rows, family):
    fit = _fit(rows, family, 3)
    weights, means, covariances = em_step(
        rows, fit.weights, fit.means, fit.covariances, family
    )
    assert weights == pytest.approx(fit.weights, abs=2e-5)
    assert means == pytest.approx(fit.means, abs=2e-4)
    assert covariances == pytest.approx(fit.covariances, abs=2e-4)
    assert fit.lnl == pytest.approx(
        log_likelihood(rows, fit.weights, fit.means, fit.covariances), abs=1e-8
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_no_textbook_run_finds_a_better_optimum(rows, family):
    slow = climb_em(rows, 2, family, np.random.default_rng(1), n_starts=4, n_steps=80)
    assert _fit(rows, family, 2).lnl >= slow - 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_moving_and_scaling_the_axes_moves_the_likelihood_as_it_must(rows, family):
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    change = {
        FULL: np.array([[3.0, 1.0], [0.5, 0.2]]),
        TIED: np.array([[3.0, 1.0], [0.5, 0.2]]),
        DIAGONAL: np.diag([5.0, 0.3]),
        SPHERICAL: 2.0 * turn,
    }[family]
    here, there = _fit(rows, family, 2), _fit(rows @ change.T + [7.0, -2.0], family, 2)
    shift = -len(rows) * np.log(abs(np.linalg.det(change)))
    assert there.lnl == pytest.approx(here.lnl + shift, abs=1e-5)


def test_more_freedom_is_never_less_likely(rows):
    lnl = {family: _fit(rows, family, 2).lnl for family in FAMILIES}
    assert lnl[FULL] >= lnl[TIED]
    assert lnl[FULL] >= lnl[DIAGONAL] >= lnl[SPHERICAL]


def test_weights_of_rows_are_copies_of_rows(rows):
    times = np.random.default_rng(2).integers(0, 3, size=len(rows))
    fits = fit_weighted(
        rows,
        times[None],
        host=np.arange(len(rows)),
        n_components=(1, 2),
        search=effort(),
        rng=np.random.default_rng(3),
    )
    copies = np.repeat(np.arange(len(rows)), times)
    for column, k in enumerate((1, 2)):
        fit = _fit(rows[copies], FULL, k, host=copies)
        assert fits.lnl[0, column] == pytest.approx(fit.lnl, abs=1e-6)


def test_responsibilities_share_each_row_out(rows):
    fit = _fit(rows, FULL, 3)
    joint = log_joint(rows, fit.weights, fit.means, fit.covariances)
    share = responsibilities(rows, fit.weights, fit.means, fit.covariances)
    assert share.sum(axis=1) == pytest.approx(1.0)
    assert share.mean(axis=0) == pytest.approx(fit.weights, abs=1e-4)
    assert np.log(np.exp(joint).sum(axis=1)).sum() == pytest.approx(fit.lnl)
    entropy = -np.sum(share * np.log(np.where(share > 0, share, 1.0)))
    assert fit.icl == pytest.approx(fit.bic + 2 * entropy)


def test_components_come_in_order_of_their_first_mean(rows):
    assert np.all(np.diff(_fit(rows, FULL, 3).means[:, 0]) > 0)


def test_draws_have_the_mixture_s_moments(rows):
    fit = _fit(rows, FULL, 2)
    drawn, label = draw_mixture(fit, 40_000, n_samples=1, rng=np.random.default_rng(4))
    assert np.bincount(label[0]) / 40_000 == pytest.approx(fit.weights, abs=0.01)
    for k in (0, 1):
        part = drawn[0][label[0] == k]
        assert part.mean(axis=0) == pytest.approx(fit.means[k], abs=0.03)
        assert np.cov(part.T) == pytest.approx(fit.covariances[k], abs=0.05)


def _component(covariance):
    xx, xy, yy = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    return np.array([1.0, 0.0, 0.0, xx, xy, yy])


def _covariance(component):
    return component[[3, 4, 4, 5]].reshape(2, 2)


def test_clamping_raises_only_what_lies_below_the_floor():
    component = _component(np.array([[1.0, 0.999], [0.999, 1.0]]))
    em._clamp_eigenvalues(component, 0.1)
    matrix = _covariance(component)
    assert np.linalg.eigvalsh(matrix) == pytest.approx([0.1, 1.999])
    assert matrix[0, 0] == pytest.approx(matrix[1, 1])


@pytest.mark.parametrize("floor", [0.0, 0.3, 50.0])
def test_clamping_is_that_of_numpy_s_eigenvalues(floor):
    rng = np.random.default_rng(5)
    for half in [*rng.normal(size=(5, 2, 2)), np.diag([1.0, 0.0]), np.eye(2)]:
        matrix = half @ half.T
        component = _component(matrix)
        em._clamp_eigenvalues(component, floor)
        values, vectors = np.linalg.eigh(matrix)
        expected = vectors @ np.diag(np.maximum(values, floor)) @ vectors.T
        assert _covariance(component) == pytest.approx(expected, abs=1e-12)


def test_the_random_stream_is_splitmix64():
    # First output for the seed 1234567, Vigna's reference splitmix64.c (unverified).
    stream = np.array([1234567], dtype=np.uint64)
    assert em._uniform(stream) == (6457827717110365317 >> 11) * 2.0**-53


# What must not happen on a small sample


@pytest.mark.parametrize("n_drawn", [1, 2])
def test_a_draw_without_spread_is_not_fitted(rows, n_drawn):
    times = np.zeros((2, len(rows)))
    times[0, :n_drawn] = 9.0  # one place, or two on a line
    times[1] = 1.0
    fits = fit_weighted(
        rows,
        times,
        host=np.arange(len(rows)),
        n_components=(1, 2),
        search=effort(),
        rng=np.random.default_rng(3),
    )
    assert np.all(fits.status[0] != em.FITTED) and np.all(np.isnan(fits.lnl[0]))
    assert np.all(fits.status[1] == em.FITTED) and np.all(np.isfinite(fits.lnl[1]))


def test_identical_rows_are_not_a_component(rows):
    copied = np.concatenate([rows, np.repeat([[6.0, 6.0]], 3, axis=0)])
    fit = _fit(copied, FULL, 2)
    share = responsibilities(copied, fit.weights, fit.means, fit.covariances)
    assert np.bincount(share.argmax(axis=1)).min() >= 4


def test_many_rows_of_one_host_are_not_a_component(rows):
    crowd = np.random.default_rng(6).normal(size=(9, 2)) * 0.05 + [9.0, 9.0]
    together = np.concatenate([rows, crowd])
    own = np.arange(len(together))
    one_host = np.where(own < len(rows), own, -1)
    alone = _fit(together, FULL, 2, host=own)
    guarded = _fit(together, FULL, 2, host=one_host)
    assert alone.weights.min() == pytest.approx(9 / len(together), abs=1e-3)
    assert guarded.weights.min() > 0.15
    assert guarded.n_refused > 0


def test_no_component_is_narrower_than_the_floor(rows):
    line = np.linspace(4.0, 7.0, 40)
    together = np.concatenate([rows, np.column_stack([line, line])])
    spread = np.cov(together.T, bias=True)
    fit = _fit(together, FULL, 2)
    relative = np.linalg.eigvals(np.linalg.inv(spread) @ fit.covariances)
    assert relative.real.min() == pytest.approx(1e-3, rel=1e-6)


@pytest.mark.parametrize(
    ("rows", "host", "word"),
    [
        (np.empty((0, 2)), np.empty(0), "0 hosts"),
        (np.eye(2)[[0, 1, 0, 1]], np.array([1, 1, 2, 2]), "2 hosts"),
        (np.tile([1.0, 2.0], (9, 1)), np.arange(9), "one value"),
        (np.column_stack([np.arange(9.0), np.ones(9)]), np.arange(9), "one value"),
        (np.column_stack([np.arange(9.0)] * 2), np.arange(9), "one line"),
    ],
)
def test_what_cannot_be_fitted_is_said(rows, host, word):
    answer = _fit(rows, FULL, 1, host=host)
    assert isinstance(answer, NotRun)
    assert word in answer.reason


def test_too_many_components_for_the_hosts_are_refused(rows):
    answer = _fit(rows[:11], FULL, 3)
    assert isinstance(answer, NotRun)
    assert "11 rows on 11 hosts" in answer.reason


def test_the_threads_do_not_move_the_numbers(rows):
    def everything():
        fits = fit_mixtures(
            rows,
            host=np.arange(len(rows)),
            n_components=[1, 2, 3],
            families=FAMILIES,
            rng=np.random.default_rng(7),
        )
        return [
            fit.means.tobytes() + fit.covariances.tobytes()
            for fit in fits.values()
            if isinstance(fit, MixtureFit)
        ]

    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = everything()
        numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
        assert everything() == alone
    finally:
        numba.set_num_threads(before)


# Published fits (R mclust, by way of the reference data's own notes)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("family", "k", "bic"),
    [
        (FULL, 1, 2607.623),
        (FULL, 2, 2322.192),
        (TIED, 2, 2325.220),
        (TIED, 3, 2314.296),
        (DIAGONAL, 1, 3055.835),
        (DIAGONAL, 2, 2346.065),
        (SPHERICAL, 1, 4024.721),
        (SPHERICAL, 2, 3458.299),
    ],
)
def test_old_faithful_agrees_with_mclust(shared, family, k, bic):
    fit = _fit(_old_faithful(shared), family, k)
    assert fit.bic == pytest.approx(bic, abs=1e-3)
    assert fit.converged


@pytest.mark.shared
@pytest.mark.parametrize(("family", "at_most"), [(FULL, 2333.73), (DIAGONAL, 2332.50)])
def test_old_faithful_k3_is_no_worse_than_mclust(shared, family, at_most):
    assert _fit(_old_faithful(shared), family, 3).bic <= at_most


@pytest.mark.shared
def test_old_faithful_parameters(shared):
    one, two = (_fit(_old_faithful(shared), FULL, k) for k in (1, 2))
    assert one.lnl == pytest.approx(-1289.7967, abs=1e-4)
    assert two.lnl == pytest.approx(-1130.2640, abs=1e-4)
    assert two.weights == pytest.approx([0.35587, 0.64413], abs=1e-5)
    assert two.means == pytest.approx(
        np.array([[2.03639, 54.4785], [4.28966, 79.9681]]), rel=2e-6
    )


def _old_faithful(shared):
    table = pd.read_csv(shared / "reference/old_faithful_272.csv")
    return table[["duration", "waiting"]].to_numpy()
