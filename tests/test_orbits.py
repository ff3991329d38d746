import numpy as np
import pytest
from numpy.testing import assert_allclose

from panoptic.constants import YEAR_D
from panoptic.orbits import mean_motion_per_yr, period_days, semi_major_axis_au


def test_a_massless_planet_at_1_au_has_the_gaussian_year():
    # 2 pi / k with Gauss's constant k = 0.01720209895: 365.2568983 days.
    assert_allclose(period_days(1.0, 1.0), 365.2568983, rtol=2e-7)


def test_axis_and_period_are_inverse():
    axis = np.geomspace(0.01, 1000.0, 7)
    assert_allclose(semi_major_axis_au(period_days(axis, 0.2), 0.2), axis, rtol=1e-14)


def test_mean_motion_is_two_pi_per_period():
    n = mean_motion_per_yr(0.3, 0.15)
    assert_allclose(n * period_days(0.3, 0.15) / YEAR_D, 2 * np.pi, rtol=1e-14)


def test_toi_6894_b_agrees_with_its_published_axis():
    # Bryant et al. 2025: P 3.37077196 d, M 0.207 Msun, a 0.02604 +- 0.00045 AU.
    assert semi_major_axis_au(3.37077196, 0.207) == pytest.approx(0.02604, abs=4.5e-4)


def test_unknown_in_unknown_out():
    assert np.isnan(semi_major_axis_au(np.nan, 0.1))
