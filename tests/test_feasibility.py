"""The criterion map: its draws, its twin, its closed form, its refusals."""

from dataclasses import replace

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from panoptic.dynamics import feasibility
from panoptic.dynamics.feasibility import (
    Stream,
    draw_orbits,
    map_feasibility,
    wilson_interval,
)
from panoptic.dynamics.kozai_lidov import order_of_magnitude_time_yr
from panoptic.dynamics.perturbers import (
    EccentricityLaw,
    InnerOrbit,
    OuterOrbitPrior,
    PerturberGrid,
)
from tests.oracles_feasibility import (
    closed_form_fraction,
    count_criterion,
    draw_with_numpy,
    uniforms,
)

INNER = InnerOrbit(
    host_mass_msun=0.207,
    host_radius_rsun=0.2276,
    companion_mass_mjup=0.168,
    companion_radius_rjup=0.855,
    axis_au=(1.0, 1.0),
)
GRID = PerturberGrid.log_spaced((0.01, 0.3), (10.0, 1000.0), n_mass=5, n_axis=7)
CRITERION = {"horizon_gyr": 1.0, "r_crit_rstar": 5.0}


def run(grid=GRID, inner=INNER, *, n_draws=600, seed=6894, **settings):
    return map_feasibility(
        grid, inner, n_draws=n_draws, seed=seed, **{**CRITERION, **settings}
    )


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        (
            [0xFFFFFFFF] * 4,
            [0xFFFFFFFF] * 2,
            [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
        ),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_the_generator_gives_the_published_known_answers(counter, key, words):
    # Random123 (Salmon et al. 2011), file kat_vectors, philox4x32 10.
    got = feasibility._philox(*np.array([*counter, *key], dtype=np.uint64))
    assert [int(word) for word in got] == words


@pytest.mark.parametrize(
    ("inner", "prior"),
    [
        (INNER, OuterOrbitPrior()),
        (replace(INNER, axis_au=(0.5, 3.0)), OuterOrbitPrior()),
        (
            INNER,
            OuterOrbitPrior((0.1, 0.6), EccentricityLaw.THERMAL, (40.0, 110.0)),
        ),
        # wider than r_crit only for some draws: the threshold's own edge
        (replace(INNER, axis_au=(0.001, 0.02)), OuterOrbitPrior()),
    ],
)
def test_the_map_counts_what_its_twin_counts(inner, prior):
    seed = 2**40 + 17  # both words of the key in use
    got = run(inner=inner, prior=prior, seed=seed)
    orbits = draw_with_numpy(inner, prior, n_cells=GRID.n_cells, n_draws=600, seed=seed)
    feasible, unstable = count_criterion(GRID, inner, orbits, **CRITERION)
    assert feasible.sum() > 0
    assert_array_equal(got.n_feasible, feasible)
    assert_array_equal(got.n_unstable, unstable)


@pytest.mark.parametrize("horizon_gyr", [0.01, 1.0])
def test_without_unstable_draws_the_fraction_has_a_closed_form(horizon_gyr):
    grid = PerturberGrid.log_spaced((0.01, 0.3), (40.0, 1000.0), n_mass=4, n_axis=6)
    n = 100_000
    got = run(grid, n_draws=n, horizon_gyr=horizon_gyr)
    assert got.n_unstable.sum() == 0
    expected = closed_form_fraction(
        grid, INNER, got.prior, horizon_gyr=horizon_gyr, r_crit_rstar=5.0
    )
    error = np.sqrt(expected * (1 - expected) / n)
    assert np.all(np.abs(got.fraction - expected) <= 4.5 * error)


def test_threads_do_not_change_the_map():
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = run()
    finally:
        numba.set_num_threads(before)
    assert_array_equal(run().n_feasible, one.n_feasible)
    assert_array_equal(run().n_unstable, one.n_unstable)


def test_more_draws_add_to_fewer_whatever_the_block():
    few, many = run(n_draws=511), run(n_draws=1500)
    orbits = draw_with_numpy(
        INNER, OuterOrbitPrior(), n_cells=GRID.n_cells, n_draws=1500, seed=6894
    )
    for got, n in ((few, 511), (many, 1500)):
        first = tuple(column[:, :n] for column in orbits)
        assert_array_equal(
            got.n_feasible, count_criterion(GRID, INNER, first, **CRITERION)[0]
        )


def test_orbits_are_drawn_as_the_map_draws_them():
    inner, prior = replace(INNER, axis_au=(0.5, 3.0)), OuterOrbitPrior((0.1, 0.7))
    rows = [3, 17]
    got = draw_orbits(rows, prior, axis_range_au=inner.axis_au, n_draws=40, seed=5)
    a, e_out, cos_i = draw_with_numpy(inner, prior, n_cells=18, n_draws=40, seed=5)
    assert_allclose(got.axis_au, a[rows], rtol=1e-14)
    assert_allclose(got.ecc_out, e_out[rows], rtol=1e-14)
    assert_allclose(got.cos_inclination, cos_i[rows], atol=1e-15)
    row, draw = np.meshgrid(np.uint64(rows), np.arange(40).astype(np.uint64))
    _, turn = uniforms(5, row.T, draw.T, 1)
    node, spare = uniforms(5, row.T, draw.T, 2)
    assert_allclose(got.pericentre_rad, 2 * np.pi * turn)
    assert_allclose(got.node_rad, 2 * np.pi * node)
    assert_allclose(got.uniform, spare)


def test_streams_share_no_number():
    settings = {"axis_range_au": (0.5, 3.0), "n_draws": 50, "seed": 5}
    one = draw_orbits([0], OuterOrbitPrior(), **settings)
    two = draw_orbits([0], OuterOrbitPrior(), **settings, stream=Stream.OBJECTS)
    assert not np.intersect1d(one.ecc_out, two.ecc_out).size


def test_another_seed_is_another_sample():
    assert np.any(run(seed=1).n_feasible != run(seed=2).n_feasible)


def test_feasible_grows_with_horizon_and_threshold():
    base = run()
    assert np.all(run(horizon_gyr=5.0).n_feasible >= base.n_feasible)
    assert np.all(run(r_crit_rstar=7.0).n_feasible >= base.n_feasible)


def test_the_median_time_is_that_of_the_draws():
    got = run(n_draws=20_000)
    a, e_out, _ = draw_with_numpy(
        INNER, got.prior, n_cells=GRID.n_cells, n_draws=20_000, seed=6894
    )
    mass, axis_out = (column[:, None] for column in GRID.per_cell())
    t_kl = order_of_magnitude_time_yr(
        INNER.mass_msun, mass, axis_au=a, axis_out_au=axis_out, ecc_out=e_out
    )
    sampled = np.median(t_kl, axis=1).reshape(GRID.shape)
    assert_allclose(got.t_kl_median_yr, sampled, rtol=0.02)


def test_a_grid_of_one_cell_lies_in_the_middle_and_works():
    grid = PerturberGrid.log_spaced((0.01, 0.09), (10.0, 1000.0), n_mass=1, n_axis=1)
    assert_allclose([grid.mass_msun[0], grid.axis_au[0]], [0.03, 100.0])
    got = run(grid)
    assert got.fraction.shape == (1, 1)
    assert got.coverage in (0.0, 1.0)


def test_wilson_interval_against_its_defining_equation():
    low, high = wilson_interval([3, 40], 50)
    for end in (low, high):
        share = np.array([3, 40]) / 50
        assert_allclose(
            (share - end) ** 2, 1.959963984540054**2 * end * (1 - end) / 50, rtol=1e-12
        )
    low, high = wilson_interval([0, 50], 50)
    assert low[0] == 0.0
    assert high[1] == 1.0
    assert_allclose(high[0], 3.8414588 / (50 + 3.8414588), rtol=1e-7)


def test_coverage_is_the_share_of_cells_at_a_tenth():
    got = replace(run(), fraction=np.array([[0.1, 0.0999], [0.5, 0.0]]))
    assert got.coverage == 0.5
    assert_allclose(got.mean_fraction, 0.174975)


def test_progress_is_told():
    calls = []
    run(progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (GRID.n_cells, GRID.n_cells)


@pytest.mark.parametrize(
    "settings", [{"horizon_gyr": 0.0}, {"r_crit_rstar": 0.0}, {"n_draws": 0}]
)
def test_what_is_not_positive_is_refused(settings):
    with pytest.raises(ValueError, match="must be positive"):
        run(**settings)


@pytest.mark.parametrize(
    "name",
    [
        "host_mass_msun",
        "host_radius_rsun",
        "companion_mass_mjup",
        "companion_radius_rjup",
    ],
)
def test_a_body_without_mass_or_size_is_refused(name):
    with pytest.raises(ValueError, match=name):
        replace(INNER, **{name: 0.0})


def test_a_perturber_inside_the_inner_orbit_is_refused():
    with pytest.raises(ValueError, match="must lie outside the inner orbit"):
        run(inner=replace(INNER, axis_au=(10.0, 10.0)))


def test_draws_with_the_perturber_inside_are_unstable():
    got = run(inner=replace(INNER, axis_au=(1.0, 30.0)))
    near = draw_orbits(
        range(7), got.prior, axis_range_au=(1.0, 30.0), n_draws=600, seed=6894
    )
    inside = near.axis_au >= GRID.axis_au[:, None] * (1 - near.ecc_out)
    assert inside[0].any()
    assert np.all(got.n_unstable[0] >= inside.sum(axis=1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: PerturberGrid.log_spaced((0.0, 0.3), (10, 100), n_mass=2, n_axis=2),
        lambda: PerturberGrid.log_spaced((0.1, 0.3), (100, 10), n_mass=2, n_axis=2),
        lambda: PerturberGrid.log_spaced((0.1, 0.3), (10, 100), n_mass=0, n_axis=2),
        lambda: PerturberGrid(np.array([]), np.array([1.0])),
        lambda: OuterOrbitPrior(ecc_range=(0.0, 1.0)),
        lambda: OuterOrbitPrior(inclination_range_deg=(0.0, 190.0)),
        lambda: replace(INNER, axis_au=(2.0, 1.0)),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    with pytest.raises(ValueError):  # noqa: PT011 (each names its own number)
        make()
