"""Disk torques: the design's worked numbers, scalings and regimes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from panoptic.constants import (
    G_CM2_MSUN_AU2,
    G_M3_KG_S2,
    LSUN_W,
    MSUN_KG,
    MSUN_MJUP,
    STEFAN_BOLTZMANN_W_M2_K4,
)
from panoptic.dynamics import disk_torque as room
from panoptic.dynamics.disk_torque import DiskRanges, DiskRegime, disk_torque

SATURN_MJUP = 0.2994


def one_disk(*, sigma, age, slope, alpha):
    """Ranges that hold a single disk."""
    return DiskRanges(
        (sigma, sigma), (age, age), (slope, slope), (alpha, alpha), n_points=1
    )


@pytest.mark.parametrize(("light", "expected"), [(0.05, 0.072), (0.001, 0.044)])
def test_aspect_ratio_around_a_tenth_of_the_sun(light, expected):
    h = room.aspect_ratio(0.1, axis_au=1.0, luminosity_lsun=light)
    assert_allclose(h, expected, atol=5e-4)


@pytest.mark.parametrize(
    ("mass_mjup", "host_msun", "expected"),
    [(SATURN_MJUP, 0.1, 0.64), (0.168, 0.207, 1.18)],
)
def test_who_opens_a_gap(mass_mjup, host_msun, expected):
    q = mass_mjup / (host_msun * MSUN_MJUP)
    got = room.gap_parameter(q, aspect_ratio=0.072, alpha=1e-3)
    assert_allclose(got, expected, atol=0.01)


def test_a_contracting_star_is_bright_when_young():
    light = room.contraction_luminosity_lsun(0.1, [1.0, 10.0], teff_k=3000.0)
    assert_allclose(light, [0.053, 0.0114], rtol=0.02)
    assert_allclose(light[0] / light[1], 10 ** (2 / 3), rtol=1e-12)


def test_the_light_is_the_energy_the_star_loses():
    age, step = 3.0, 1e-4
    radiated = room.contraction_luminosity_lsun(0.1, age, teff_k=3000.0) * LSUN_W
    flux = STEFAN_BOLTZMANN_W_M2_K4 * 3000.0**4

    def energy(at):
        light = room.contraction_luminosity_lsun(0.1, at, teff_k=3000.0) * LSUN_W
        radius = np.sqrt(light / (4 * np.pi * flux))
        return -3 / 7 * G_M3_KG_S2 * (0.1 * MSUN_KG) ** 2 / radius

    seconds = 2 * step * 1e6 * 365.25 * 86400
    lost = -(energy(age + step) - energy(age - step)) / seconds
    assert_allclose(lost, radiated, rtol=1e-6)


def test_type_i_by_hand():
    # Earth in a minimum-mass nebula: 1/(2.7 + 1.65) (1/q)(1/(Sigma a^2)) h^2 / Omega
    q, local, h = 3.0e-6, 1700 * G_CM2_MSUN_AU2, 0.033
    got = room.type_i_time_yr(
        1.0, q, axis_au=1.0, local_mass_msun=local, aspect_ratio=h, slope=1.5
    )
    assert_allclose(got, h**2 / (4.35 * q * local * 2 * np.pi), rtol=1e-4)
    assert 5e4 < got < 2.5e5  # Tanaka et al. 2002: of order 1e5 yr


def test_one_gram_per_square_centimetre():
    # 1 AU = 1.495978707e13 cm, 1 Msun = 1.98841e33 g
    assert_allclose(G_CM2_MSUN_AU2, 1.495978707e13**2 / 1.98841e33, rtol=1e-5)


def test_a_heavy_companion_is_slowed_by_its_own_mass():
    settings = {"axis_au": 1.0, "aspect_ratio": 0.05, "alpha": 1e-3}
    light = room.type_ii_time_yr(0.2, 1e-3, local_mass_msun=1.0, **settings)
    heavy = room.type_ii_time_yr(0.2, 1e-3, local_mass_msun=1e-4, **settings)
    omega = 2 * np.pi * np.sqrt(0.2)
    assert_allclose(light, 1 / (1.5 * 1e-3 * 0.05**2 * omega), rtol=1e-4)
    assert_allclose(heavy / light, 0.2 * 1e-3 / 1e-4)


def test_the_regime_decides_the_time():
    thick = disk_torque(
        0.207, 0.168, axis_au=1.0,
        ranges=one_disk(sigma=100.0, age=1.0, slope=1.0, alpha=1e-2),
    )  # fmt: skip
    thin = disk_torque(
        0.207, 3.0, axis_au=1.0,
        ranges=one_disk(sigma=100.0, age=1.0, slope=1.0, alpha=1e-3),
    )  # fmt: skip
    assert thick.gap_share == 0.0
    assert thick.gap_share_within_longest is None
    assert thin.gap_share_within_longest == thin.share_within_longest
    assert thick.time_yr == thick.type_i_time_yr
    assert thin.gap_share == 1.0
    assert thin.time_yr.low > thin.type_i_time_yr.high


def test_the_band_spans_the_ranges():
    found = disk_torque(0.207, 0.168, axis_au=1.0)
    assert found.time_yr.low < found.time_yr.median < found.time_yr.high
    assert 0 < found.share_within_shortest <= found.share_within_longest < 1
    corner = one_disk(sigma=1000.0, age=10.0, slope=1.5, alpha=1e-2)
    fastest = disk_torque(0.207, 0.168, axis_au=1.0, ranges=corner)
    assert_allclose(found.type_i_time_yr.low, fastest.type_i_time_yr.low)


def test_disks_are_of_one_regime_each():
    """Each disk of the ranges by hand: a gap, else linear below h^3, else neither."""
    found = disk_torque(0.207, 0.168, axis_au=1.0)
    ranges, counts = found.ranges, {"gap": 0, "linear": 0, "between": 0}
    q = 0.168 / (0.207 * MSUN_MJUP)
    ages = np.geomspace(*ranges.age_myr, ranges.n_points)
    for light in room.contraction_luminosity_lsun(0.207, ages, teff_k=3000.0):
        h = 0.033 * 0.207**-0.5 * light**0.125
        for alpha in np.geomspace(*ranges.alpha, ranges.n_points):
            opens = 0.75 * h / (q / 3) ** (1 / 3) + 50 * alpha * h**2 / q <= 1
            counts["gap" if opens else "linear" if q < h**3 else "between"] += 1
    assert_allclose(found.gap_share, counts["gap"] / ranges.n_points**2)
    assert_allclose(found.linear_share, counts["linear"] / ranges.n_points**2)
    assert_allclose(found.between_share, counts["between"] / ranges.n_points**2)
    assert 0 < found.gap_share < 1
    in_gaps = found.gap_share * found.gap_share_within_longest
    assert in_gaps < found.share_within_longest < in_gaps + 1 - found.gap_share + 1e-12


@pytest.mark.parametrize(
    ("mass_mjup", "axis_au", "regime", "verdict"),
    [
        (0.003, 1.0, DiskRegime.LINEAR, "depends on"),
        (5.0, 1.0, DiskRegime.GAP, "depends on"),
        (8.6, 1.0, DiskRegime.GAP, "depends on"),
        (8.8, 1.0, DiskRegime.CAVITY, "open"),
        (40.0, 1.0, DiskRegime.CAVITY, "open"),
        (0.003, 300.0, DiskRegime.LINEAR, "depends on"),
        (1e-6, 30.0, DiskRegime.LINEAR, "too slow in every"),
    ],
)
def test_the_regime_and_verdict_of_a_companion(mass_mjup, axis_au, regime, verdict):
    found = disk_torque(0.207, mass_mjup, axis_au=axis_au)
    assert found.regime is regime
    assert found.verdict.startswith(verdict)


def test_a_disk_that_always_carries_it_along():
    heavy = one_disk(sigma=1000.0, age=1.0, slope=1.0, alpha=1e-2)
    found = disk_torque(0.207, 0.1, axis_au=0.1, ranges=heavy)
    assert found.verdict == "fast enough in every disk"
