"""Tides between host and companion: how fast orbits shrink, where one is torn apart.

All masses, radii and axes positive; every function broadcasts and takes NaN to NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoptic.constants import G_AU3_MSUN_YR2, MSUN_MJUP, RJUP_AU, RSUN_AU, YEAR_S
from panoptic.orbits import mean_motion_per_yr

Floats = NDArray[np.float64]

SPIRAL_IN_SHARE = 2.0 / 13.0  # of the e-folding time, since da/dt ~ a^(-11/2)
STELLAR_Q_PRIMES = (1e6, 1e7)


@dataclass(frozen=True, slots=True)
class StellarTide:
    """How long the tide raised in the star takes to shrink an orbit."""

    formula: str  # of the e-folding time
    host_mass_msun: float  # mass of the host, Msun
    host_radius_rsun: float  # radius of the host, Rsun
    companion_mass_mjup: float  # mass of the companion, MJup
    axis_au: float  # semi-major axis, AU
    q_prime: tuple[float, ...]  # tidal quality factors Q' of the star
    e_folding_time_yr: tuple[float, ...]  # a / |da/dt| now, one per q_prime, yr
    spiral_in_time_yr: tuple[float, ...]  # until a = 0, 2/13 of it, yr


def stellar_tide_time_yr(
    host_mass_msun: ArrayLike,
    companion_mass_mjup: ArrayLike,
    *,
    host_radius_rsun: ArrayLike,
    axis_au: ArrayLike,
    q_prime: ArrayLike,
) -> Floats:
    """Return t_a = (2 Q'/9) (M_star/M_c) (a/R_star)^5 / n, an e-folding time.

    Equilibrium tide in a star that turns slowly, circular orbit (Goldreich & Soter
    1966 form). Inside corotation only: outside, the same tide widens the orbit.
    """
    m_star = np.asarray(host_mass_msun, dtype=np.float64)
    m_c = np.asarray(companion_mass_mjup, dtype=np.float64) / MSUN_MJUP
    a = np.asarray(axis_au, dtype=np.float64)
    r_star = np.asarray(host_radius_rsun, dtype=np.float64) * RSUN_AU
    lag = 2.0 * np.asarray(q_prime, dtype=np.float64) / 9.0
    return (
        lag * (m_star / m_c) * (a / r_star) ** 5 / mean_motion_per_yr(a, m_star + m_c)
    )


def stellar_tide(
    host_mass_msun: float,
    companion_mass_mjup: float,
    *,
    host_radius_rsun: float,
    axis_au: float,
    q_prime: tuple[float, ...] = STELLAR_Q_PRIMES,
) -> StellarTide:
    """Return the shrink times of one system for several tidal quality factors."""
    times = stellar_tide_time_yr(
        host_mass_msun,
        companion_mass_mjup,
        host_radius_rsun=host_radius_rsun,
        axis_au=axis_au,
        q_prime=q_prime,
    )
    return StellarTide(
        formula="t_a = (2 Q'/9) (M_star/M_c) (a/R_star)^5 / n",
        host_mass_msun=host_mass_msun,
        host_radius_rsun=host_radius_rsun,
        companion_mass_mjup=companion_mass_mjup,
        axis_au=axis_au,
        q_prime=q_prime,
        e_folding_time_yr=tuple(times.tolist()),
        spiral_in_time_yr=tuple((SPIRAL_IN_SHARE * times).tolist()),
    )


def tidal_radius_au(
    host_mass_msun: ArrayLike,
    companion_mass_mjup: ArrayLike,
    *,
    companion_radius_rjup: ArrayLike,
) -> Floats:
    """Return r_t = R_c (M_star/M_c)^(1/3)."""
    m_star = np.asarray(host_mass_msun, dtype=np.float64)
    m_c = np.asarray(companion_mass_mjup, dtype=np.float64) / MSUN_MJUP
    return np.asarray(companion_radius_rjup) * RJUP_AU * np.cbrt(m_star / m_c)


# --- the tide in the companion: constant time lag, pseudo-synchronous spin -----------


def shrinkage(ecc: ArrayLike) -> Floats:
    """Return f1 - f2^2/f5 of Hut 1981 (A&A 99, 126): what shrinks an eccentric orbit.

    f1 = 1 + 31e^2/2 + 255e^4/8 + 185e^6/16 + 25e^8/64, f2 = 1 + 15e^2/2 + 45e^4/8 +
    5e^6/16, f5 = 1 + 3e^2 + 3e^4/8; 7 e^2/2 near 0, 12.684 at 1.
    """
    x = np.square(np.asarray(ecc, dtype=np.float64))
    f1 = 1.0 + x * (31 / 2 + x * (255 / 8 + x * (185 / 16 + x * 25 / 64)))
    f2 = 1.0 + x * (15 / 2 + x * (45 / 8 + x * 5 / 16))
    f5 = 1.0 + x * (3.0 + x * 3 / 8)
    return f1 - f2**2 / f5


def widest_arrival_au(
    host_mass_msun: ArrayLike,
    companion_mass_mjup: ArrayLike,
    *,
    axis_au: ArrayLike,
    horizon_gyr: ArrayLike,
    companion_radius_rjup: ArrayLike,
    love_number: ArrayLike,
    time_lag_s: ArrayLike,
) -> Floats:
    """Return the largest circular axis a_F that the companion's tide can deliver.

    Migrates roughly if a_F < [6 k2 dt_L (m0/m1) R^5 G m_in (12.684) T / a]^(1/7): the
    decay time near e_max, with a (1 - e^2) = a_F, equals the share of the horizon
    that a cycle spends there, sqrt(1 - e_max^2).
    """
    m0 = np.asarray(host_mass_msun, dtype=np.float64)
    m1 = np.asarray(companion_mass_mjup, dtype=np.float64) / MSUN_MJUP
    radius = np.asarray(companion_radius_rjup, dtype=np.float64) * RJUP_AU
    lag_yr = np.asarray(time_lag_s, dtype=np.float64) / YEAR_S
    pull = 6.0 * np.asarray(love_number) * lag_yr * (m0 / m1) * radius**5
    gravity = G_AU3_MSUN_YR2 * (m0 + m1)
    time = np.asarray(horizon_gyr, dtype=np.float64) * 1e9 / np.asarray(axis_au)
    return (pull * gravity * shrinkage(1.0) * time) ** (1.0 / 7.0)
