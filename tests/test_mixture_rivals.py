"""Rivals of two components: the smooth population, the tests, resampled hosts."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import check_grad, minimize
from scipy.stats import multivariate_normal, norm

from panoptic.demographics import smooth_population as smooth
from panoptic.demographics.gaussian_mixture import CovarianceFamily, fit_mixtures
from panoptic.demographics.mixture_rivals import (
    _monte_carlo,
    testable_methods,
    weigh_methods,
    weigh_one_more_component,
    weigh_smooth_population,
)
from panoptic.demographics.mixture_subsets import (
    fit_subsets,
    pick_one_per_host,
    resample_hosts,
)
from panoptic.statement import NotRun
from tests.oracles_mixture import (
    make_companions,
    one_population,
    two_methods,
    two_populations,
)

testable_methods.__test__ = False  # a question of ours, not a test of pytest's
NO_CURVE = np.ones((1, 1))


def _log_density(x, shape):
    gradient, information = np.empty(4), np.empty((4, 4))
    return smooth._score_rows(
        np.asarray(shape, float), np.array([x]), NO_CURVE, gradient, information
    )


def _rows(companions):
    return np.column_stack([companions.log_q, companions.log_a])


# The smooth population


@pytest.mark.parametrize(
    "shape", [(0.3, -0.2, 0.0, 0.0), (0.0, 0.4, 0.8, -0.5), (-1.0, 0.1, -0.6, 1.2)]
)
def test_the_sinh_arcsinh_density_sums_to_one(shape):
    total, _ = quad(lambda x: np.exp(_log_density(x, shape)), -80, 80, limit=400)
    assert total == pytest.approx(1.0, abs=1e-6)


def test_without_skew_and_tails_it_is_normal():
    shape = (0.7, np.log(2.0), 0.0, 0.0)
    assert _log_density(1.9, shape) == pytest.approx(norm(0.7, 2.0).logpdf(1.9))


def test_quantiles_belong_to_the_density():
    shape = np.array([0.2, -0.1, 0.7, 0.4])
    for level in (0.1, 0.5, 0.93):
        x = smooth._quantile(shape, norm.ppf(level))
        below, _ = quad(lambda t: np.exp(_log_density(t, shape)), -60, x, limit=400)
        assert below == pytest.approx(level, abs=1e-6)


@pytest.mark.parametrize(
    "p", [(0.3, -0.2, 0.1, 0.2, 0.3, 0.4), (0.0, 0.1, -0.5, -0.4, -0.9, -0.6)]
)
def test_gradient_and_curvature_are_those_of_the_likelihood(p):
    rng = np.random.default_rng(1)
    x, lead = rng.normal(size=40), rng.normal(size=40)
    curve = np.stack([lead, lead**2 - 1.0, np.ones(40)])

    def value(p):
        return smooth._score_rows(p, x, curve, np.empty(6), np.empty((6, 6)))

    def slope(p):
        gradient = np.empty(6)
        smooth._score_rows(p, x, curve, gradient, np.empty((6, 6)))
        return gradient

    place, curvature = np.array(p), np.zeros((6, 6))
    smooth._score_rows(place, x, curve, np.empty(6), curvature)
    assert check_grad(value, slope, place) < 1e-4
    around = np.eye(6) * 1e-6
    by_differences = [
        (slope(place - step) - slope(place + step)) / 2e-6 for step in around
    ]
    assert np.tril(curvature) == pytest.approx(
        np.tril(by_differences), rel=1e-6, abs=1e-5
    )


@pytest.mark.parametrize("shape", ["gaussian", "box", "exponential"])
def test_no_textbook_optimiser_finds_a_likelier_smooth_population(shape):
    rows = _rows(one_population(70, np.random.default_rng(6), shape))
    fit = smooth.fit_smooth_population(rows)
    standard = (rows - fit.centre) / fit.spread
    lead, other = standard.T if fit.leading_axis == 0 else standard.T[::-1]
    curve = np.stack([lead, lead**2 - 1.0, np.ones(70)])
    start = np.array([np.mean(lead * other), 0.0, 0.0, -0.3, 0.0, 0.0])
    found = 0.0
    for x, columns, first in ((lead, curve[2:], 2), (other, curve, 0)):

        def cost(p, x=x, columns=columns):
            gradient, size = np.empty(len(p)), (len(p), len(p))
            value = smooth._score_rows(p, x, columns, gradient, np.empty(size))
            return -value, -gradient

        box = list(zip(smooth._LOWEST[first:], smooth._HIGHEST[first:], strict=True))
        found -= minimize(
            cost, start[first:], jac=True, bounds=box, method="L-BFGS-B"
        ).fun
    assert fit.lnl >= found - 70 * np.log(fit.spread).sum() - 1e-3


def test_a_normal_sample_is_fitted_no_worse_than_by_its_normal():
    rows = np.random.default_rng(2).normal(size=(80, 2)) @ [[1.0, 0.7], [0.0, 0.5]]
    fit = smooth.fit_smooth_population(rows)
    normal = multivariate_normal(rows.mean(axis=0), np.cov(rows.T, bias=True))
    gain = fit.lnl - normal.logpdf(rows).sum()
    assert 0.0 <= gain < 9.0  # five more parameters
    assert fit.bic == pytest.approx(-2 * fit.lnl + 10 * np.log(80))
    assert smooth.smooth_lnl(rows[None])[0] == pytest.approx(fit.lnl)


def test_axes_in_other_units_and_order_change_nothing_else():
    rows = _rows(one_population(70, np.random.default_rng(3), "exponential"))
    here = smooth.fit_smooth_population(rows)
    there = smooth.fit_smooth_population(rows[:, ::-1] * [10.0, 0.5] + [3.0, -8.0])
    assert there.leading_axis == 1 - here.leading_axis
    assert there.lnl == pytest.approx(here.lnl - 70 * np.log(5.0), abs=1e-3)


def test_drawn_samples_look_like_what_was_fitted():
    rows = _rows(one_population(300, np.random.default_rng(4), "exponential"))
    fit = smooth.fit_smooth_population(rows)
    drawn = smooth.draw_smooth_population(
        fit, 4000, n_samples=1, rng=np.random.default_rng(5)
    )[0]
    assert np.median(drawn, axis=0) == pytest.approx(np.median(rows, axis=0), abs=0.15)
    assert drawn.std(axis=0) == pytest.approx(rows.std(axis=0), rel=0.15)


def test_drawn_samples_are_bent_as_the_rows_are():
    rng = np.random.default_rng(4)
    lead = rng.normal(size=300)
    rows = np.column_stack([lead, 0.5 * lead**2 + 0.2 * rng.normal(size=300)])
    fit = smooth.fit_smooth_population(rows)
    drawn = smooth.draw_smooth_population(
        fit, 4000, n_samples=1, rng=np.random.default_rng(5)
    )[0]
    bend = np.polyfit(drawn[:, 0], drawn[:, 1], 2)[0]
    assert bend == pytest.approx(0.5, abs=0.05)


# The tests


def _count_up(n_draws, statistic):
    """Run the Monte Carlo against draws 0, 1, 2, ... / 100."""
    drawn = iter(range(10_000))

    def draw(n):
        return np.array([next(drawn) % 100 / 100 for _ in range(n)])[:, None, None]

    return _monte_carlo(
        "a count",
        np.array([[statistic]]),
        lambda samples: samples[:, 0, 0],
        draw,
        n_draws,
    )


def test_p_counts_draws_at_least_as_large():
    test = _count_up(100, 0.955)
    assert test.p == pytest.approx(5 / 101)  # 0.96, 0.97, 0.98, 0.99 and itself
    assert (test.n_draws, test.n_draws_asked) == (100, 100)
    assert test.null_median == pytest.approx(0.495)


def test_drawing_stops_once_p_is_clearly_large():
    test = _count_up(5000, 0.495)
    assert test.n_draws == 70  # the 20th draw that is as large: 0.69
    assert test.p == pytest.approx(20 / 70)


def test_one_more_component_is_needed_and_then_no_more():
    made = two_populations(60, np.random.default_rng(6))
    rng = np.random.default_rng(7)
    first = weigh_one_more_component(
        _rows(made), host=made.host, k=1, n_draws=59, rng=rng
    )
    second = weigh_one_more_component(
        _rows(made), host=made.host, k=2, n_draws=59, rng=rng
    )
    assert first.p == pytest.approx(1 / (1 + first.n_draws))
    assert second.p > 0.05
    fits = fit_mixtures(
        _rows(made),
        host=made.host,
        n_components=[1, 2],
        families=[CovarianceFamily.FULL],
        rng=rng,
    )
    one, two = fits.values()
    assert first.statistic == pytest.approx(2 * (two.lnl - one.lnl), abs=0.1)


def test_p_is_not_small_by_habit():
    """Of one Gaussian, 16 times: p below 0.05 about once, never half the time."""
    rng = np.random.default_rng(8)
    p = [
        weigh_one_more_component(
            rng.normal(size=(40, 2)), host=np.arange(40), k=1, n_draws=59, rng=rng
        ).p
        for _ in range(16)
    ]
    assert np.sum(np.array(p) <= 0.05) <= 3
    assert 0.2 < np.mean(p) < 0.85


def test_a_smooth_population_does_for_one_and_not_for_two():
    rng = np.random.default_rng(9)
    one = one_population(80, rng, "box")
    two = two_populations(80, rng)
    for made, is_two in ((one, False), (two, True)):
        rival = weigh_smooth_population(
            _rows(made), host=made.host, n_draws=59, rng=rng
        )
        assert (rival.delta_bic > 0) is is_two
        assert (rival.test.p <= 0.05) is is_two


def test_methods_explain_what_only_they_see():
    rng = np.random.default_rng(10)
    for make, is_inside in ((two_methods, False), (two_populations, True)):
        made = make(80, rng)
        rival = weigh_methods(
            _rows(made), host=made.host, method=made.method, n_draws=59, rng=rng
        )
        assert len(rival.methods) == 2
        assert sum(rival.n_rows) == 80
        assert rival.n_rows_aside == 0
        assert (rival.test.p <= 0.05) is is_inside


def test_methods_with_few_hosts_are_set_aside():
    made = two_populations(40, np.random.default_rng(11))
    method = made.method.copy()
    method[:5] = "Imaging"
    assert testable_methods(made.host, method) == ["Radial Velocity", "Transit"]
    rival = weigh_methods(
        _rows(made),
        host=made.host,
        method=method,
        n_draws=20,
        rng=np.random.default_rng(1),
    )
    assert rival.n_rows_aside == 5
    few = weigh_methods(
        _rows(made)[:7],
        host=made.host[:7],
        method=method[:7],
        n_draws=20,
        rng=np.random.default_rng(1),
    )
    assert isinstance(few, NotRun)
    assert "none of" in few.reason


# Hosts and subsets


def test_a_group_on_few_hosts_does_not_survive_resampling():
    """It is not there in the draws that miss one of its four hosts."""
    rng = np.random.default_rng(12)
    one = one_population(40, rng)
    log_q = np.concatenate([one.log_q, rng.normal(1.5, 0.05, 8)])
    log_a = np.concatenate([one.log_a, rng.normal(2.5, 0.05, 8)])
    host = np.concatenate([one.host, np.repeat([f"far {i}" for i in range(4)], 2)])
    made = make_companions(log_q, log_a, host=host, method=["Transit"] * 48)
    found = resample_hosts(made, n_samples=200, rng=rng)
    steady = resample_hosts(two_populations(48, rng), n_samples=200, rng=rng)
    assert found.share_two < 0.9 <= steady.share_two
    assert found.n_two_refused > steady.n_two_refused
    assert sum(found.k_counts) == 200 - found.n_failed


def test_one_companion_per_host_leaves_as_many_rows_as_hosts():
    made = two_populations(60, np.random.default_rng(13))
    found = pick_one_per_host(made, n_samples=30, rng=np.random.default_rng(1))
    single = make_companions(
        made.log_q, made.log_a, host=np.arange(60).astype(str), method=made.method
    )
    whole = pick_one_per_host(single, n_samples=3, rng=np.random.default_rng(1))
    assert found.share_two == 1.0
    assert found.delta_bic[1] < whole.delta_bic[0]
    assert whole.delta_bic[0] == pytest.approx(whole.delta_bic[2], abs=0.1)
    assert found.means.shape == (30, 2, 2)
    assert np.all(np.diff(found.means[:, :, 0], axis=1) > 0)


def test_components_of_resamples_stand_by_rising_log_q():
    """Though their log a falls."""
    made = two_populations(60, np.random.default_rng(13))
    turned = make_companions(
        made.log_q, -made.log_a, host=made.host, method=made.method
    )
    found = resample_hosts(turned, n_samples=30, rng=np.random.default_rng(1))
    assert len(found.means) == 30
    assert np.all(np.diff(found.means[:, :, 0], axis=1) > 0)
    assert np.all(np.diff(found.means[:, :, 1], axis=1) < 0)
    spread = found.covariances[:, :, 0, 0]
    assert spread.shape == (30, 2) and (spread > 0).all()


def test_subsets_are_the_rows_they_say():
    made = two_populations(60, np.random.default_rng(14))
    fits = {
        fit.name: fit
        for fit in fit_subsets(made, n_draws=20, rng=np.random.default_rng(1))
    }
    transit = made.where(made.method == "Transit")
    assert fits["within Transit"].n_rows == fits["without Radial Velocity"].n_rows
    assert fits["within Transit"].n_rows == len(transit)
    assert fits["within Transit"].n_hosts == transit.n_hosts
    assert fits["true masses only"].n_rows == 60
    assert all(fit.prefers_two for fit in fits.values())


def test_too_few_hosts_are_said():
    made = two_populations(5, np.random.default_rng(15))
    (fit, *_) = fit_subsets(made, n_draws=20, rng=np.random.default_rng(1))
    assert fit.prefers_two is None
    assert "hosts" in fit.not_run
    tiny = made.where(np.array([True, True, False, False, False]))
    for ask in (resample_hosts, pick_one_per_host):
        assert isinstance(ask(tiny, n_samples=5, rng=np.random.default_rng(1)), NotRun)
