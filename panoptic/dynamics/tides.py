"""Tides between host and companion: how fast orbits shrink, where one is torn apart.

All masses, radii and axes positive; every function broadcasts and takes NaN to NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoptic.constants import MSUN_MJUP, RJUP_AU, RSUN_AU
from panoptic.orbits import mean_motion_per_yr

Floats = NDArray[np.float64]

SPIRAL_IN_SHARE = 2.0 / 13.0  # of the e-folding time, since da/dt ~ a^(-11/2)
STELLAR_Q_PRIMES = (1e6, 1e7)


@dataclass(frozen=True, slots=True)
class StellarTide:
    """How long the tide raised in the star takes to shrink an orbit."""

    formula: str
    host_mass_msun: float
    host_radius_rsun: float
    companion_mass_mjup: float
    axis_au: float
    q_prime: tuple[float, ...]
    e_folding_time_yr: tuple[float, ...]  # a / |da/dt| now, one per q_prime
    spiral_in_time_yr: tuple[float, ...]  # until a = 0, 2/13 of it


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
