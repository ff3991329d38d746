"""Tides: worked values, scalings, edges."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from panoptic.constants import (
    G_AU3_MSUN_YR2,
    GM_SUN_M3_S2,
    MSUN_MJUP,
    RJUP_AU,
    RSUN_AU,
)
from panoptic.dynamics.tides import (
    SPIRAL_IN_SHARE,
    shrinkage,
    stellar_tide,
    stellar_tide_time_yr,
    tidal_radius_au,
    widest_arrival_au,
)

SYSTEM = {"host_radius_rsun": 0.2276, "axis_au": 0.02604}


def test_the_time_of_an_earth_like_year_by_hand():
    # n = 2 pi per (sidereal-like) year at 1 AU around a total of one solar mass.
    total = 1.0
    companion = 1.0  # MJup
    host = total - companion / MSUN_MJUP
    n = np.sqrt(GM_SUN_M3_S2 / 149_597_870_700.0**3) * 365.25 * 86400
    expected = 2e6 / 9 * host * MSUN_MJUP / RSUN_AU**5 / n
    got = stellar_tide_time_yr(
        host, companion, host_radius_rsun=1.0, axis_au=1.0, q_prime=1e6
    )
    assert_allclose(got, expected, rtol=1e-12)


def test_integrating_the_decay_gives_two_thirteenths():
    # da/dt = -a / t_a with t_a ~ a^(13/2): the time to a = 0 is the sum of dt.
    axes = np.geomspace(0.02604, 0.02604e-4, 20_001)
    times = stellar_tide_time_yr(
        0.207, 0.168, host_radius_rsun=0.2276, axis_au=axes, q_prime=1e6
    )
    whole = -np.trapezoid(times, np.log(axes))
    # t_a depends on the masses only through n: a^(5 + 3/2)
    assert_allclose(whole / times[0], SPIRAL_IN_SHARE, rtol=1e-4)


def test_shrink_time_falls_with_mass_and_scales_with_q_prime():
    found = stellar_tide(0.207, 0.168, **SYSTEM)
    assert found.q_prime == (1e6, 1e7)
    assert_allclose(found.e_folding_time_yr[1], 10 * found.e_folding_time_yr[0])
    heavier = stellar_tide(0.207, 1.68, **SYSTEM)
    assert heavier.e_folding_time_yr[0] < found.e_folding_time_yr[0] / 9


@pytest.mark.parametrize(("mass", "radius"), [(0.168, 0.855), (10.0, 1.0)])
def test_at_the_tidal_radius_the_star_pulls_as_the_companion_does(mass, radius):
    # M_star R / r^3 = M_c / R^2
    r_t = tidal_radius_au(0.207, mass, companion_radius_rjup=radius)
    own = mass / MSUN_MJUP / (radius * RJUP_AU) ** 2
    assert_allclose(0.207 * radius * RJUP_AU / r_t**3, own, rtol=1e-12)


def test_an_unknown_value_stays_unknown():
    assert np.isnan(tidal_radius_au(0.2, np.nan, companion_radius_rjup=1.0))


BODY = {"companion_radius_rjup": 1.0, "love_number": 0.37, "time_lag_s": 1.0}


def test_shrinkage_at_both_ends():
    assert_allclose(shrinkage(1.0), 12.684, atol=5e-4)
    assert_allclose(shrinkage(1e-3) / 1e-6, 3.5, rtol=1e-4)


def test_the_widest_arrival_decays_in_just_the_horizon():
    """By (1/a) da/dt = -6 k2 dt_L (m0/m1)(R/a)^5 n^2 j^-15 (f1 - f2^2/f5) at e_max."""
    m0, m1, a, horizon = 0.2, 0.3 / MSUN_MJUP, 1.0, 1.0
    final = widest_arrival_au(m0, 0.3, axis_au=a, horizon_gyr=horizon, **BODY)
    j = np.sqrt(final / a)
    lag_yr = 1.0 / (365.25 * 86400)
    strength = 6 * 0.37 * lag_yr * (m0 / m1) * RJUP_AU**5
    rate = strength * G_AU3_MSUN_YR2 * (m0 + m1) * shrinkage(np.sqrt(1 - j**2)) / j**15
    share_of_time_there = j
    # the estimate takes f at e = 1
    assert_allclose(1 / (rate * share_of_time_there), horizon * 1e9, rtol=0.1)
    assert 0.005 < final < 0.05
