"""Rival families: densities that integrate, draws that follow, published fits."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from panoptic.demographics.eccentricity_families import (
    LAWS,
    Family,
    FamilyFit,
    climb_simplex,
    fit_family,
)
from panoptic.statement import NotRun

PLACES = {
    Family.BETA: [(0.9, 3.0), (2.3, 1.65)],
    Family.RAYLEIGH_EXPONENTIAL: [(0.7, 3.3, 0.11), (0.2, 20.0, 0.6)],
    Family.GAMMA: [(1.4, 0.16), (3.0, 0.5)],
    Family.RAYLEIGH: [(0.2,), (0.8,)],
    Family.KUMARASWAMY: [(1.0, 3.4), (2.0, 2.5)],
}


def fit(family, x, *, n_gof=19, below=None):
    below = np.zeros(len(x), dtype=bool) if below is None else below
    return fit_family(
        family,
        np.where(below, np.nan, x),
        np.zeros(len(x)),
        x,
        n_gof=n_gof,
        rng=np.random.default_rng(5),
    )


@pytest.mark.parametrize("family", list(Family))
def test_density_distribution_and_draws_agree(family):
    law = LAWS[family]
    rng = np.random.default_rng(1)
    for place in PLACES[family]:
        natural = np.array([place])

        def density(x, natural=natural):
            return float(np.exp(law.log_density(natural, np.array([[x]])))[0, 0])

        assert_allclose(integrate.quad(density, 0, 1)[0], 1.0, rtol=1e-6)
        up_to = law.distribution(natural, np.array([[0.3, 1.0]]))[0]
        assert_allclose(up_to[0], integrate.quad(density, 0, 0.3)[0], rtol=1e-6)
        assert_allclose(up_to[1], 1.0)
        drawn = law.draw(natural, 4000, rng)[0]
        shares = law.distribution(natural, drawn[None, :])[0]
        assert stats.kstest(shares, "uniform").pvalue > 0.001


def test_kumaraswamy_of_unit_a_is_a_beta():
    x = np.array([[0.1, 0.5, 0.9]])
    ours = LAWS[Family.KUMARASWAMY].log_density(np.array([[1.0, 3.0]]), x)
    assert_allclose(ours[0], stats.beta.logpdf(x[0], 1.0, 3.0))


def test_a_narrow_rayleigh_is_scipys():
    x = np.array([[0.01, 0.1, 0.2]])
    ours = LAWS[Family.RAYLEIGH].log_density(np.array([[0.08]]), x)
    assert_allclose(ours[0], stats.rayleigh.logpdf(x[0], scale=0.08), rtol=1e-9)


def test_the_simplex_climbs_many_hills_at_once():
    tops = np.array([[0.0, 1.0], [3.0, -2.0], [-1.0, 0.5]])

    def height(place, which):
        away = place - tops[which]
        return -(away[:, 0] ** 2) - 100.0 * (away[:, 1] - away[:, 0] ** 2) ** 2

    found, heights = climb_simplex(height, np.zeros((3, 2)), tolerance=1e-12)
    assert_allclose(found, tops, atol=1e-3)
    assert_allclose(heights, 0.0, atol=1e-6)


def test_the_beta_family_is_the_beta_fit():
    x = np.random.default_rng(2).beta(0.9, 3.0, 60)
    found = fit(Family.BETA, x)
    alpha, beta, _, _ = stats.beta.fit(x, floc=0, fscale=1)
    assert_allclose(list(found.parameters.values()), [alpha, beta], rtol=1e-4)
    assert_allclose(found.bic, -2 * found.lnl + 2 * np.log(60))


def test_limits_enter_as_probabilities():
    x = np.random.default_rng(2).beta(0.9, 3.0, 60)
    below = x < 0.1
    limited = np.where(below, 0.1, x)
    found = fit(Family.BETA, limited, below=below)
    data = stats.CensoredData(uncensored=x[~below], left=limited[below])
    lnl = -stats.beta.nnlf((*found.parameters.values(), 0, 1), x[~below])
    lnl += below.sum() * stats.beta.logcdf(0.1, *found.parameters.values())
    assert_allclose(found.lnl, lnl, rtol=1e-6)
    assert found.gof_p is None
    assert len(data) == 60


def test_goodness_of_fit_has_its_size():
    """One-sample KS after fitting would reject nothing; this rejects one in twenty."""
    rng = np.random.default_rng(77)
    p = [
        fit_family(
            Family.RAYLEIGH,
            stats.rayleigh.rvs(scale=0.15, size=30, random_state=rng),
            np.zeros(30),
            np.zeros(30),
            n_gof=99,
            rng=rng,
        ).gof_p
        for _ in range(100)
    ]
    assert 0.005 < np.mean(np.array(p) <= 0.05) < 0.13
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_a_wrong_family_is_found_out():
    rng = np.random.default_rng(8)
    x = np.clip(np.r_[rng.normal(0.1, 0.01, 40), rng.normal(0.8, 0.01, 40)], 0.01, 0.99)
    assert fit(Family.GAMMA, x, n_gof=99).gof_p == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("x", "words"), [(np.full(20, 0.3), "different"), (np.full(5, 0.3), "5 rows")]
)
def test_what_cannot_be_fitted_is_not_run(x, words):
    found = fit(Family.BETA, x)
    assert isinstance(found, NotRun)
    assert words in found.reason


@pytest.mark.shared
def test_891_planets(shared):
    """Stevenson et al. 2025: order of the families, and the published mixture.

    Published: weight 0.68 +- 0.05, rate 3.32 +- 0.25, scale 0.11 +- 0.01.
    """
    ecc = pd.read_csv(shared / "reference/stevenson2025_891_planets.csv")["updated_ecc"]
    x = ecc[ecc > 0].to_numpy()
    found = {family: fit(family, x, n_gof=1) for family in Family}
    assert all(isinstance(item, FamilyFit) for item in found.values())
    mixture = found[Family.RAYLEIGH_EXPONENTIAL]
    assert_allclose(
        list(mixture.parameters.values()), (0.6706, 3.2942, 0.1063), atol=6e-5
    )
    published = (0.68, 3.32, 0.11), (0.05, 0.25, 0.01)
    apart = np.abs(np.subtract(list(mixture.parameters.values()), published[0]))
    assert (apart < published[1]).all()
    assert_allclose(mixture.lnl, 485.514, atol=5e-4)
    best = sorted(found, key=lambda family: found[family].bic)[:3]
    assert best == [Family.GAMMA, Family.RAYLEIGH_EXPONENTIAL, Family.BETA]
    assert_allclose(
        [found[family].bic for family in best], (-964.1, -950.7, -897.2), atol=0.05
    )
