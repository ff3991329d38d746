import numpy as np
import pytest
from numpy.testing import assert_allclose

from panoptic.constants import MJUP_MEARTH, MSUN_MJUP, RJUP_REARTH
from panoptic.stars import radius_rjup, radius_rsun


def test_one_earth_mass_has_the_relations_constant():
    # Chen & Kipping 2017: C = 1.008 Earth radii at one Earth mass.
    assert_allclose(radius_rjup(1.0 / MJUP_MEARTH) * RJUP_REARTH, 1.008, rtol=1e-12)


@pytest.mark.parametrize(
    ("low", "high", "exponent"),
    [(0.01, 2.0, 0.2790), (3.0, 130.0, 0.589), (140.0, 26000.0, -0.044)],
)
def test_each_piece_is_its_power_law(low, high, exponent):
    inner, outer = radius_rjup(np.array([low, high]) / MJUP_MEARTH)
    assert_allclose(np.log(outer / inner) / np.log(high / low), exponent, rtol=1e-12)


def test_stars_follow_the_stellar_exponent():
    ratio = radius_rsun(0.4) / radius_rsun(0.1)
    assert_allclose(np.log(ratio) / np.log(4.0), 0.881, rtol=1e-12)


@pytest.mark.parametrize("knot_mjup", [2.04 / MJUP_MEARTH, 0.414, 0.0800 * MSUN_MJUP])
def test_the_relation_is_continuous(knot_mjup):
    below, above = radius_rjup(knot_mjup * np.array([1 - 1e-9, 1 + 1e-9]))
    assert_allclose(below, above, rtol=1e-8)


def test_toi_6894_within_the_relations_scatter():
    # Bryant et al. 2025 measure 0.2276 +- 0.0057 Rsun; the relation's scatter is 4 %.
    assert radius_rsun(0.207) == pytest.approx(0.2276, rel=0.08)


@pytest.mark.parametrize("mass", [np.nan, 0.0, -1.0, 0.9 * MSUN_MJUP])
def test_outside_the_domain_nothing_is_known(mass):
    assert np.isnan(radius_rjup(mass))
