"""What is varied, and that a variant is the map with just that changed."""

from dataclasses import replace

import pytest

from panoptic.dynamics.feasibility import draw_orbits, map_feasibility
from panoptic.dynamics.kozai_lidov import (
    averaging_ratio,
    largest_eccentricity_unaveraged,
    mardling_aarseth_ratio,
    order_of_magnitude_time_yr,
    vynatheya_ratio,
)
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.secular_map import map_secular
from panoptic.dynamics.sensitivity import (
    changed_requests,
    compare_closed_forms,
    vary_criterion,
    vary_secular,
)
from tests.test_secular_map import MODEL, REQUEST


def test_criterion_variants_are_maps_of_their_own():
    settings = {"prior": REQUEST.prior, "n_draws": 300, "seed": 4}
    variants = vary_criterion(REQUEST.grid, REQUEST.inner, **settings)
    assert [(v.horizon_gyr, v.r_crit_rstar) for v in variants] == [
        (t, r) for t in (1.0, 3.0, 5.0) for r in (3.0, 5.0, 7.0)
    ]
    last = map_feasibility(
        REQUEST.grid, REQUEST.inner, horizon_gyr=5.0, r_crit_rstar=7.0, **settings
    )
    assert variants[-1].coverage == last.coverage
    assert variants[-1].mean_fraction == last.mean_fraction
    assert variants[-1].mean_low < last.mean_fraction < variants[-1].mean_high
    assert variants[-1].mean_fraction > variants[0].mean_fraction


def test_other_closed_forms_by_a_plain_loop():
    found = compare_closed_forms(
        REQUEST.grid, REQUEST.inner, prior=REQUEST.prior,
        horizon_gyr=1.0, r_crit_rstar=5.0, n_draws=40, seed=4,
    )  # fmt: skip
    same = map_feasibility(
        REQUEST.grid, REQUEST.inner, prior=REQUEST.prior,
        horizon_gyr=1.0, r_crit_rstar=5.0, n_draws=40, seed=4,
    )  # fmt: skip
    assert found.n_draws == 40 * REQUEST.grid.n_cells
    assert found.feasible == pytest.approx(same.mean_fraction)
    assert found.unstable == pytest.approx(same.n_unstable.mean() / 40)
    orbits = draw_orbits(
        range(REQUEST.grid.n_cells), REQUEST.prior,
        axis_range_au=REQUEST.inner.axis_au, n_draws=40, seed=4,
    )  # fmt: skip
    mass, axis_out = REQUEST.grid.per_cell()
    m_in, unaveraged, differ = REQUEST.inner.mass_msun, 0, 0
    for cell in range(REQUEST.grid.n_cells):
        for k in range(40):
            e_out, cos_i = orbits.ecc_out[cell, k], orbits.cos_inclination[cell, k]
            a = orbits.axis_au[cell, k]
            shape = {"ecc_out": e_out, "cos_inclination": cos_i}
            q = mass[cell] / m_in
            stable = axis_out[cell] / a > mardling_aarseth_ratio(q, **shape)
            other = axis_out[cell] / a > vynatheya_ratio(q, ecc_in=0.0, **shape)
            differ += stable != other
            outer = {"axis_au": a, "axis_out_au": axis_out[cell], "ecc_out": e_out}
            t_kl = order_of_magnitude_time_yr(m_in, mass[cell], **outer)
            if stable and t_kl <= 1e9:
                eps = averaging_ratio(m_in, mass[cell], **outer)
                e_max = largest_eccentricity_unaveraged(cos_i, averaging_ratio=eps)
                unaveraged += a * (1 - e_max) <= same.r_crit_au
    assert found.feasible_unaveraged == pytest.approx(unaveraged / found.n_draws)
    assert found.stability_differs == pytest.approx(differ / found.n_draws)
    assert found.feasible_unaveraged > found.feasible > 0


def test_what_needs_a_new_integration():
    changed = changed_requests(REQUEST, n_draws=5)
    assert list(changed) == [
        "time lag 0.1 s",
        "time lag 1 s",
        "time lag 10 s",
        "first axis 0.5 AU",
        "first axis 3 AU",
        "first axis 1-30 AU",
    ]
    for request in changed.values():
        assert request.n_draws == 5
        assert request.seed == REQUEST.seed
        assert request.model.horizons_gyr == (MODEL.horizon_gyr,)
    assert changed["time lag 10 s"].model.time_lag_s == 10.0
    assert changed["time lag 10 s"].inner == REQUEST.inner
    assert changed["first axis 1-30 AU"].inner.axis_au == (1.0, 30.0)
    assert changed["first axis 1-30 AU"].model.time_lag_s == MODEL.time_lag_s


def test_starts_outside_every_perturber_are_not_asked():
    changed = changed_requests(
        REQUEST, n_draws=5, time_lags_s=(), first_axes_au=((8.0, 8.0), (2.0, 9.0))
    )
    assert list(changed) == ["first axis 2-9 AU"]


def test_without_draws_nothing_is_changed():
    assert changed_requests(REQUEST, n_draws=0) == {}


def test_starts_inside_todays_axis_are_not_asked():
    wide = replace(REQUEST, target_axis_au=0.7)
    axes = {"first_axes_au": ((0.5, 0.5), (0.5, 2.0)), "time_lags_s": ()}
    assert list(changed_requests(wide, n_draws=5, **axes)) == ["first axis 0.5-2 AU"]


@pytest.fixture(scope="module")
def found():
    return map_secular(REQUEST)


def test_the_ladder_is_read_off_and_the_rest_integrated(found):
    changed = changed_requests(REQUEST, n_draws=6, time_lags_s=(0.1,), first_axes_au=())
    alone = map_secular(changed["time lag 0.1 s"])
    variants = vary_secular(found, {"time lag 0.1 s": alone})
    assert [v.is_new_integration for v in variants] == [False] * 4 + [True]
    assert [v.is_headline for v in variants] == [False, False, True, False, False]
    headline = variants[2]
    assert headline.migrated == found.count(Outcome.MIGRATED).sum() / found.n_total
    assert headline.disrupted == found.count(Outcome.DISRUPTED).sum() / found.n_total
    assert variants[-1].what == "time lag 0.1 s"
    assert variants[-1].n_draws == alone.n_total == 36
    assert variants[-1].migrated == alone.count(Outcome.MIGRATED).sum() / 36
    assert variants[-1].migrated < headline.migrated  # a weaker tide


def test_a_variant_uses_the_first_draws_of_the_map(found):
    few = map_secular(replace(REQUEST, n_draws=6)).counts
    assert (few <= found.counts).all()
