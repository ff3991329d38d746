"""Mixtures behind errors: exact limits, the twin, and what the errors are."""

from dataclasses import replace

import numpy as np
import pytest

from panoptic.demographics.extreme_deconvolution import (
    DEFAULT_AXIS_ERROR_DEX,
    DEFAULT_HOST_MASS_ERROR_DEX,
    DEFAULT_MASS_ERROR_DEX,
    LEAST_ERROR_DEX,
    climb_deconvolution,
    deconvolve,
    error_covariances,
    select_deconvolved,
)
from panoptic.demographics.gaussian_mixture import CovarianceFamily, fit_mixtures
from panoptic.sample import MassProvenance
from panoptic.statement import NotRun
from tests.oracles_mixture import (
    deconvolution_step,
    make_companions,
    two_populations,
)

DEX = np.log(10.0)


def _errors(n, rng, size=0.3):
    """Error covariances of all shapes."""
    half = rng.normal(size=(n, 2, 2)) * size
    return half @ half.transpose(0, 2, 1) + 0.01 * np.eye(2)


def _fit(rows, errors, k, seed=1):
    return deconvolve(
        rows,
        errors,
        n_components=k,
        host=np.arange(len(rows)),
        rng=np.random.default_rng(seed),
    )


# Exact limits


def test_one_component_with_equal_errors_is_the_covariance_less_the_error():
    rows = np.random.default_rng(1).normal(size=(90, 2)) @ [[1.0, 0.4], [0.0, 0.8]]
    error = np.array([[0.10, 0.05], [0.05, 0.20]])
    fit = _fit(rows, np.tile(error, (90, 1, 1)), 1)
    assert fit.means[0] == pytest.approx(rows.mean(axis=0))
    assert fit.covariances[0] == pytest.approx(
        np.cov(rows.T, bias=True) - error, abs=1e-6
    )


@pytest.mark.parametrize("k", [1, 2])
def test_without_errors_it_is_the_plain_mixture(k):
    made = two_populations(80, np.random.default_rng(2))
    rows = np.column_stack([made.log_q, made.log_a])
    full = CovarianceFamily.FULL
    plain = fit_mixtures(
        rows,
        host=np.arange(80),
        n_components=[k],
        families=[full],
        rng=np.random.default_rng(1),
    )[full, k]
    fit = _fit(rows, np.zeros((80, 2, 2)), k)
    assert fit.lnl == pytest.approx(plain.lnl, abs=1e-6)
    assert fit.bic == pytest.approx(plain.bic, abs=1e-6)
    assert fit.means == pytest.approx(plain.means, abs=1e-4)
    assert fit.covariances == pytest.approx(plain.covariances, abs=1e-4)


def test_every_step_is_the_textbook_s():
    rng = np.random.default_rng(3)
    rows, errors = rng.normal(size=(30, 2)) + rng.integers(0, 2, (30, 1)) * 3, None
    errors = _errors(30, rng)
    weights, means = np.array([0.4, 0.6]), np.array([[0.0, 0.5], [2.5, 3.0]])
    covariances = np.array([np.eye(2), [[1.0, 0.3], [0.3, 0.6]]])
    fast = weights[None].copy(), means[None].copy(), covariances[None].copy()
    lnl, _ = climb_deconvolution(rows, errors, *fast, 5, 0.0)
    slow = weights, means, covariances
    for _ in range(5):
        _, *slow = deconvolution_step(rows, errors, *slow)
    for ours, theirs in zip(fast, slow, strict=True):
        assert ours[0] == pytest.approx(theirs, abs=1e-10)
    assert lnl[0] == pytest.approx(deconvolution_step(rows, errors, *slow)[0], abs=1e-9)


def test_the_likelihood_never_falls():
    rng = np.random.default_rng(4)
    rows, errors = rng.normal(size=(40, 2)), _errors(40, rng, size=0.8)
    state = (
        np.array([[0.5, 0.5]]),
        np.array([[[-1.0, 0.0], [1.0, 0.0]]]),
        np.array([[np.eye(2), np.eye(2)]]),
    )
    lnl = [climb_deconvolution(rows, errors, *state, 1, 0.0)[0][0] for _ in range(40)]
    assert np.all(np.diff(lnl) > -1e-10)


def test_the_truth_behind_unequal_errors_is_found():
    rng = np.random.default_rng(5)
    errors = _errors(3000, rng, size=0.7)
    truth = np.array([[1.0, -0.5], [-0.5, 0.7]])
    blurred = truth + errors
    rows = np.einsum(
        "nij,nj->ni", np.linalg.cholesky(blurred), rng.normal(size=(3000, 2))
    )
    fit = _fit(rows, errors, 1)
    assert fit.covariances[0] == pytest.approx(truth, abs=0.1)
    assert np.cov(rows.T)[0, 0] > 1.3


# What the errors are


def _one_row(**changed):
    made = make_companions([-3.0], [-1.0], host=["star"], method=["Radial Velocity"])
    return replace(made, **{k: np.array([v]) for k, v in changed.items()})


def _covariance(**changed):
    covariance, by_default = error_covariances(_one_row(**changed))
    return covariance[0], bool(by_default[0])


def test_a_velocity_orbit_shares_the_host_s_error():
    covariance, by_default = _covariance()
    host, mass, axis = 0.05 / DEX, 0.1 / DEX, 0.03 / DEX
    own_mass = mass**2 - (2 / 3 * host) ** 2
    own_axis = axis**2 - (host / 3) ** 2
    assert covariance[0, 0] == pytest.approx((host / 3) ** 2 + own_mass)
    assert covariance[1, 1] == pytest.approx((host / 3) ** 2 + own_axis)
    assert covariance[0, 1] == covariance[1, 0] == pytest.approx(-((host / 3) ** 2))
    assert not by_default


def test_microlensing_measures_q_itself():
    made = _one_row()
    covariance, _ = _covariance(
        method="Microlensing",
        st_mass_err=0.4 * 0.15,
        mass_err_mjup=0.4 * made.mass_mjup[0],
    )
    assert covariance[0, 0] == pytest.approx(LEAST_ERROR_DEX**2)
    assert covariance[0, 1] == 0.0


def test_imaging_knows_neither_from_the_host():
    covariance, _ = _covariance(method="Imaging")
    assert covariance[0, 0] == pytest.approx((0.05**2 + 0.1**2) / DEX**2)
    assert covariance[0, 1] == 0.0
    assert covariance[1, 1] == pytest.approx((0.03 / DEX) ** 2)


@pytest.mark.parametrize("missing", [np.nan, 0.0])
@pytest.mark.parametrize("kind", list(MassProvenance))
def test_missing_errors_become_the_stated_defaults(kind, missing):
    covariance, by_default = _covariance(
        method="Imaging",
        mass_provenance=str(kind),
        mass_err_mjup=missing,
        st_mass_err=missing,
        a_err_au=missing,
    )
    expected = DEFAULT_MASS_ERROR_DEX[kind] ** 2 + DEFAULT_HOST_MASS_ERROR_DEX**2
    assert covariance[0, 0] == pytest.approx(expected)
    assert covariance[1, 1] == pytest.approx(DEFAULT_AXIS_ERROR_DEX**2)
    assert by_default


def test_no_error_is_ever_zero_or_impossible():
    rng = np.random.default_rng(6)
    made = two_populations(200, rng)
    methods = ["Transit", "Microlensing", "Imaging", "Astrometry", "unknown"]
    wild = replace(
        made,
        method=rng.choice(methods, 200),
        st_mass_err=made.st_mass * rng.choice([np.nan, 0.0, 0.02, 1.0], 200),
        mass_err_mjup=made.mass_mjup * rng.choice([np.nan, 0.0, 0.02, 1.0], 200),
        a_err_au=made.a_au * rng.choice([np.nan, 0.0, 0.01, 0.5], 200),
    )
    covariance, _ = error_covariances(wild)
    assert np.linalg.eigvalsh(covariance).min() > 0.99 * LEAST_ERROR_DEX**2


# Selection


def test_two_groups_stay_two_behind_their_errors():
    made = two_populations(80, np.random.default_rng(7))
    found = select_deconvolved(made, max_components=3, rng=np.random.default_rng(1))
    assert found.best_k == 2
    assert found.delta_bic == pytest.approx(found.bic["1"] - found.bic["2"])
    assert found.n_default_errors == 0
    assert all(fit.converged for fit in found.fits[:2])
    bad = select_deconvolved(
        made.where(np.arange(80) < 2), max_components=2, rng=np.random.default_rng(1)
    )
    assert isinstance(bad, NotRun)
