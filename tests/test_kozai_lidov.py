"""Closed forms of Kozai-Lidov cycles: definitions, limits, published numbers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from panoptic.constants import YEAR_D
from panoptic.dynamics import kozai_lidov as kl
from panoptic.orbits import period_days

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
