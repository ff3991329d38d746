"""Tides: worked values, scalings, edges."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from panoptic.constants import GM_SUN_M3_S2, MSUN_MJUP, RJUP_AU, RSUN_AU
from panoptic.dynamics.tides import (
    SPIRAL_IN_SHARE,
    circularisation_time_yr,
    companion_tide_rate_per_yr,
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


def test_pseudo_synchronous_tides_keep_angular_momentum():
    # with a (1 - e^2) constant, de/dt = (1 - e^2)/(2 e) (1/a) da/dt; at small e that
    # is the circularisation rate
    e = 1e-3
    rate = companion_tide_rate_per_yr(0.2, 0.3, axis_au=0.05, ecc=e, **BODY)
    de_dt = (1 - e**2) / (2 * e) * rate
    time = circularisation_time_yr(0.2, 0.3, axis_au=0.05, **BODY)
    assert_allclose(-e / de_dt, time, rtol=1e-5)


def test_the_widest_arrival_decays_in_just_the_horizon():
    a, horizon = 1.0, 1.0
    final = widest_arrival_au(0.2, 0.3, axis_au=a, horizon_gyr=horizon, **BODY)
    e = np.sqrt(1 - final / a)
    rate = companion_tide_rate_per_yr(0.2, 0.3, axis_au=a, ecc=e, **BODY)
    share_of_time_there = np.sqrt(final / a)
    # the estimate takes f at e = 1
    assert_allclose(-1 / (rate * share_of_time_there), horizon * 1e9, rtol=0.1)
    assert 0.005 < final < 0.05
