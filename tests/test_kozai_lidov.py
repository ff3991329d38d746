"""Closed forms of Kozai-Lidov cycles: definitions, limits, published numbers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from panoptic.constants import (
    C_AU_YR,
    G_AU3_MSUN_YR2,
    MSUN_MJUP,
    RJUP_AU,
    YEAR_D,
)
from panoptic.dynamics import kozai_lidov as kl
from panoptic.orbits import mean_motion_per_yr, period_days

OUTER = {"axis_au": 1.0, "axis_out_au": 50.0, "ecc_out": 0.3}


@pytest.mark.parametrize("m2", [1e-3, 0.1, 0.3])
def test_the_study_time_is_made_of_the_two_periods(m2):
    m_in = 0.2
    p_in = period_days(1.0, m_in) / YEAR_D
    p_out = period_days(50.0, m_in + m2) / YEAR_D
    expected = m_in / m2 * p_out**2 / p_in * (1 - 0.3**2) ** 1.5
    assert_allclose(kl.order_of_magnitude_time_yr(m_in, m2, **OUTER), expected)


def test_the_study_time_lacks_the_total_mass_of_a_period():
    t_lk = kl.secular_time_yr(0.2, 0.1, **OUTER)
    t_kl = kl.order_of_magnitude_time_yr(0.2, 0.1, **OUTER)
    assert_allclose(t_kl, 2 * np.pi * t_lk * 0.2 / 0.3)


def test_a_perturber_without_mass_takes_for_ever():
    assert kl.secular_time_yr(0.2, 0.0, **OUTER) == np.inf


def test_largest_eccentricity_and_its_window():
    critical = np.sqrt(3 / 5)
    assert_allclose(np.degrees(np.arccos(critical)), 39.2, atol=0.05)
    assert_allclose(kl.largest_eccentricity([0.0, critical, 0.9, -1.0]), [1, 0, 0, 0])
    assert np.isnan(kl.largest_eccentricity(np.nan))


def test_stability_falls_with_inclination_and_grows_with_e_out():
    # Mardling & Aarseth 2001: 2.8 for a light perturber on a coplanar circular orbit.
    assert_allclose(
        kl.mardling_aarseth_ratio(0.0, ecc_out=0.0, cos_inclination=[1.0, 0.0, -1.0]),
        [2.8, 2.8 * 0.85, 2.8 * 0.7],
    )
    wide = kl.mardling_aarseth_ratio(0.5, ecc_out=0.5, cos_inclination=1.0)
    assert_allclose(wide, 2.8 * (1.5 * 1.5 / np.sqrt(0.5)) ** 0.4 / 0.5)


# --- the exact cycle -----------------------------------------------------------------


def follow_quadrupole(ecc, inclination, pericentre, *, until):
    """Integrate the textbook vector equations; return times and j^2 of its minima."""
    ci, si = np.cos(inclination), np.sin(inclination)
    cw, sw = np.cos(pericentre), np.sin(pericentre)
    start = np.array([ecc * cw, ecc * sw * ci, ecc * sw * si, 0, -si, ci])
    start[3:] *= np.sqrt(1 - ecc**2)

    def rates(_, y):
        ex, ey, ez, jx, jy, jz = y.tolist()
        return 0.75 * np.array(
            [
                jz * ey + 2 * (jy * ez - jz * ey) - 5 * ez * jy,
                -jz * ex + 2 * (jz * ex - jx * ez) + 5 * ez * jx,
                2 * (jx * ey - jy * ex),
                jz * jy - 5 * ez * ey,
                -jz * jx + 5 * ez * ex,
                0.0,
            ]
        )

    def slope(t, y):
        return y[3:] @ rates(t, y)[3:]

    slope.direction = 1.0
    run = solve_ivp(
        rates, (0, until), start, "DOP853", rtol=1e-11, atol=1e-12, events=slope
    )
    return run.t_events[0], np.array([y[3:] @ y[3:] for y in run.y_events[0]])


def test_the_cycle_of_the_common_job():
    cycle = kl.quadrupole_cycle(
        0.01, cos_inclination=np.cos(np.radians(85)), pericentre_rad=np.radians(45)
    )
    assert_allclose(cycle.period, 7.05537085, atol=5e-9)
    assert_allclose(cycle.e_max, 0.99365027, atol=5e-9)


@pytest.mark.parametrize(
    ("ecc", "inc_deg", "w_deg"),
    [(0.3, 70, 20), (0.3, 70, 90), (0.6, 120, 80), (0.5, 20, 40), (0.1, 89, 120)],
)
def test_period_and_depth_are_those_of_the_equations(ecc, inc_deg, w_deg):
    inc, w = np.radians(inc_deg), np.radians(w_deg)
    times, j2 = follow_quadrupole(ecc, inc, w, until=25.0)
    cycle = kl.quadrupole_cycle(ecc, cos_inclination=np.cos(inc), pericentre_rad=w)
    assert_allclose(np.diff(times), cycle.period, rtol=1e-8)
    assert_allclose(np.sqrt(j2), cycle.j_min, rtol=1e-8)


def test_the_cycle_of_a_circular_start_never_ends_and_is_the_known_depth():
    cos_i = np.cos(np.radians([45.0, 60.0, 89.0]))
    cycle = kl.quadrupole_cycle(0.0, cos_inclination=cos_i, pericentre_rad=1.0)
    assert np.all(np.isinf(cycle.period))
    assert_allclose(cycle.e_max, kl.largest_eccentricity(cos_i))
    flat = kl.quadrupole_cycle(0.0, cos_inclination=0.95, pericentre_rad=1.0)
    assert_allclose(flat.e_max, 0.0, atol=1e-7)


# --- short-range forces --------------------------------------------------------------

JOB = {"axis_au": 1.0, "axis_out_au": 50.0, "ecc_out": 0.3}
BODY = {"love_number": 0.37, "companion_radius_rjup": 1.0}


def test_strengths_are_apsidal_rates_times_the_secular_time():
    m0, m1, m2 = 0.2, 0.3 / MSUN_MJUP, 0.1
    n = mean_motion_per_yr(1.0, m0 + m1)
    t_lk = kl.secular_time_yr(m0 + m1, m2, **JOB)
    # Schwarzschild: 3 G m n / (a c^2 (1 - e^2))
    relativity = 3 * G_AU3_MSUN_YR2 * (m0 + m1) * n / C_AU_YR**2
    assert_allclose(kl.relativity_strength(m0 + m1, m2, **JOB), relativity * t_lk)
    # Sterne 1939 with the apsidal constant k = k2/2: 15 k n (m0/m1) (R/a)^5 and
    # k (Omega/n)^2 (1 + m0/m1) (R/a)^5 n
    apsidal = 0.37 / 2
    tide = 15 * apsidal * n * m0 / m1 * RJUP_AU**5
    assert_allclose(kl.tide_strength(m0, m1, m2, **JOB, **BODY), tide * t_lk)
    spin = apsidal * 2.0**2 * (1 + m0 / m1) * RJUP_AU**5 * n
    got = kl.rotation_strength(m0, m1, m2, **JOB, **BODY, spin_over_mean_motion=2.0)
    assert_allclose(got, spin * t_lk)


@pytest.mark.parametrize("inc_deg", [50.0, 75.0, 87.0, 90.0])
@pytest.mark.parametrize(
    ("gr", "tide", "spin"),
    [(1e-3, 0, 0), (0.5, 0, 0), (0, 1e-12, 0), (0, 1e-7, 0), (1e-2, 1e-9, 1e-4)],
)
def test_depth_with_forces_solves_the_implicit_equation(inc_deg, gr, tide, spin):
    cos2 = np.cos(np.radians(inc_deg)) ** 2

    def published(j):
        e2 = 1 - j**2
        left = 1.125 * e2 / j**2 * (j**2 - 5 / 3 * cos2)
        bulge = (1 + 3 * e2 + 3 * e2**2 / 8) / j**9 - 1
        return left - gr * (1 / j - 1) - tide / 15 * bulge - spin / 3 * (1 / j**3 - 1)

    grid = np.geomspace(1e-5, 0.999, 4000)
    below = grid[published(grid) < 0][-1]
    root = brentq(published, below, below * 1.01, xtol=1e-16, rtol=1e-14)
    got = kl.smallest_j(np.sqrt(cos2), relativity=gr, tide=tide, rotation=spin)
    assert_allclose(got, root, rtol=1e-10)


def test_depth_without_forces_and_with_too_many():
    cos_i = np.cos(np.radians([20.0, 60.0, 89.0]))
    depth = kl.smallest_j(cos_i)
    assert_allclose(np.sqrt(1 - depth**2), kl.largest_eccentricity(cos_i), atol=1e-12)
    assert kl.smallest_j(0.0) == 0.0
    assert kl.smallest_j(0.0, relativity=2.25) == 1.0
    assert kl.smallest_j(0.0, relativity=2.24) < 1.0
    assert np.isnan(kl.smallest_j(np.nan, relativity=0.1))


def test_limits_of_the_limiting_eccentricity():
    # Liu, Munoz & Lai 2015: weak relativity alone, j_lim = (8/9) eps_GR;
    # weak tide alone, (9/8) j^9 = (7/24) eps_Tide
    assert_allclose(kl.limiting_j(relativity=1e-6), 8 / 9 * 1e-6, rtol=1e-5)
    assert_allclose(kl.limiting_j(tide=1e-30), (7 / 27 * 1e-30) ** (1 / 9), rtol=1e-3)
    j = kl.limiting_j(relativity=1e-3, tide=1e-8)
    assert_allclose(kl.one_minus_e(j), 1 - np.sqrt(1 - j**2), rtol=1e-12)
    assert kl.one_minus_e(1e-9) == pytest.approx(5e-19)


# --- octupole, stability, averaging --------------------------------------------------


def test_octupole_window_is_the_published_fit():
    # edges reproduced by integration over 500 t_LK, read off in steps of 0.01
    eps = np.array([0.005, 0.01, 0.02, 0.03, 0.04, 0.05])
    edges = np.array([0.01, 0.03, 0.09, 0.20, 0.37, 0.44])
    assert_allclose(kl.octupole_window(eps), edges, atol=0.02)
    assert_allclose(kl.octupole_window([0.0, 0.06, -0.06]), [0.0, 0.45, 0.45])


def test_octupole_strength_of_a_test_particle_and_of_twins():
    got = kl.octupole_strength(0.2, [0.0, 0.2], axis_ratio=10.0, ecc_out=0.5)
    assert_allclose(got, [0.1 * 0.5 / 0.75, 0.0])


def test_vynatheya_at_its_corners():
    circular = {"ecc_in": 0.0, "ecc_out": 0.0}
    # coplanar: 2.4 prograde, 2.4 * 3/4 retrograde
    got = kl.vynatheya_ratio(0.0, cos_inclination=[1.0, -1.0], **circular)
    assert_allclose(got, [2.4, 2.4 * 0.75])
    # perpendicular: the mean e of the cycle is 1/2
    tilted = kl.vynatheya_ratio(0.3, cos_inclination=0.0, **circular)
    expected = 2.4 * (1.3 / 1.5) ** 0.4 * (1 - (1 - 0.1) / 8) * 1.5
    assert_allclose(tilted, expected)
    eccentric = kl.vynatheya_ratio(0.3, ecc_in=0.0, ecc_out=0.6, cos_inclination=1.0)
    assert_allclose(eccentric, 2.4 * (1.3 / np.sqrt(0.4)) ** 0.4 / 0.4)


@pytest.mark.parametrize(
    ("axis_ratio", "low", "high"), [(20, 0.86, 0.93), (10, 0.6, 0.8), (6, 0.3, 0.65)]
)
def test_the_motion_of_the_perturber_deepens_as_in_n_body(axis_ratio, low, high):
    # 1 - e_max over the averaged one at i = 85 deg, measured by direct integration of
    # m0 0.2, m1 2.86e-4, m2 0.1 Msun; the spread is over the perturber's phase.
    cos_i = np.cos(np.radians(85.0))
    eps = kl.averaging_ratio(
        0.200286, 0.1, axis_au=1.0, axis_out_au=axis_ratio, ecc_out=0.0
    )
    deeper = 1 - kl.largest_eccentricity_unaveraged(cos_i, averaging_ratio=eps)
    assert low - 0.02 < deeper / (1 - kl.largest_eccentricity(cos_i)) < high + 0.02


def test_without_perturber_motion_nothing_is_corrected():
    cos_i = np.linspace(-1, 1, 41)
    got = kl.largest_eccentricity_unaveraged(cos_i, averaging_ratio=0.0)
    assert_allclose(got, kl.largest_eccentricity(cos_i))
    prograde, retrograde = kl.largest_eccentricity_unaveraged(
        [0.3, -0.3], averaging_ratio=0.05
    )
    assert retrograde > prograde


def test_averaging_ratio_is_the_outer_period_over_the_secular_time():
    p_out = period_days(50.0, 0.3) / YEAR_D
    expected = p_out / (2 * np.pi * kl.secular_time_yr(0.2, 0.1, **OUTER))
    assert_allclose(kl.averaging_ratio(0.2, 0.1, **OUTER), expected)


def test_angular_momenta_of_the_hypothesis():
    # 0.045 Msun around 0.13 Msun, perturber of at most 0.1 Msun at 10 AU: 0.14 and up
    masses = 0.13, 0.045, 0.1
    eta = kl.angular_momentum_ratio(*masses, axis_ratio=10.0, ecc_out=0.0)
    assert 0.1 < eta < 0.3
    m0, m1, m2 = masses
    inner = m0 * m1 / (m0 + m1) * mean_motion_per_yr(1.0, m0 + m1)
    outer = (m0 + m1) * m2 / sum(masses) * 100 * mean_motion_per_yr(10.0, sum(masses))
    assert_allclose(eta, inner / outer)
