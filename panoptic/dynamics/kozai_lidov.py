"""Closed forms of Kozai-Lidov cycles: times, largest eccentricities, stability.

Letters as in the papers: m0 host, m1 companion, m2 perturber, m_in = m0 + m1,
n = sqrt(G m_in / a^3), j = sqrt(1 - e^2), i the mutual inclination. Every function
broadcasts its arguments, takes NaN to NaN, and checks nothing: the callers validate.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoptic.orbits import mean_motion_per_yr

Floats = NDArray[np.float64]


def _arrays(*values: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(value, dtype=np.float64) for value in values)


def secular_time_yr(
    inner_mass_msun: ArrayLike,
    perturber_mass_msun: ArrayLike,
    *,
    axis_au: ArrayLike,
    axis_out_au: ArrayLike,
    ecc_out: ArrayLike,
) -> Floats:
    """Return t_LK = (1/n) (m_in/m2) (a_out/a)^3 (1 - e_out^2)^(3/2).

    The unit of time of the double-averaged equations (Liu, Munoz & Lai 2015, MNRAS
    447, 747). Infinite for a perturber without mass.
    """
    m_in, m2, a, a_out, e_out = _arrays(
        inner_mass_msun, perturber_mass_msun, axis_au, axis_out_au, ecc_out
    )
    with np.errstate(divide="ignore"):
        mass_ratio = m_in / m2
    shape = (a_out / a) ** 3 * (1.0 - e_out**2) ** 1.5
    return mass_ratio * shape / mean_motion_per_yr(a, m_in)


def order_of_magnitude_time_yr(
    inner_mass_msun: ArrayLike,
    perturber_mass_msun: ArrayLike,
    *,
    axis_au: ArrayLike,
    axis_out_au: ArrayLike,
    ecc_out: ArrayLike,
) -> Floats:
    """Return t_KL = (m_in/m2) (P_out^2/P_in) (1 - e_out^2)^(3/2).

    The study's own definition, used by its criterion and nowhere else. It equals
    2 pi t_LK m_in / m_tot: it lacks the factor m_tot/m_in of a period, which is
    largest for perturbers as massive as the host.
    """
    m_in, m2 = _arrays(inner_mass_msun, perturber_mass_msun)
    t_lk = secular_time_yr(
        m_in, m2, axis_au=axis_au, axis_out_au=axis_out_au, ecc_out=ecc_out
    )
    return 2.0 * np.pi * t_lk * m_in / (m_in + m2)


def largest_eccentricity(cos_inclination: ArrayLike) -> Floats:
    """Return e_max = sqrt(1 - (5/3) cos^2 i) of an orbit that starts circular.

    Quadrupole, test particle, no short-range forces. 0 outside 39.2 < i < 140.8 deg,
    where nothing is excited.
    """
    (cos_i,) = _arrays(cos_inclination)
    squared: Floats = np.maximum(1.0 - (5.0 / 3.0) * cos_i**2, 0.0)
    return np.sqrt(squared)


def mardling_aarseth_ratio(
    mass_ratio: ArrayLike, *, ecc_out: ArrayLike, cos_inclination: ArrayLike
) -> Floats:
    """Return the a_out/a above which a triple is stable, q = m2/m_in.

    Mardling & Aarseth 2001 (MNRAS 321, 398): 2.8 [(1 + q)(1 + e_out) /
    sqrt(1 - e_out)]^0.4 (1 - 0.3 i/pi) / (1 - e_out). Fitted for q <= 5 and
    coplanar prograde orbits; the inclination factor is heuristic.
    """
    q, e, cos_i = _arrays(mass_ratio, ecc_out, cos_inclination)
    coplanar = 2.8 * ((1.0 + q) * (1.0 + e) / np.sqrt(1.0 - e)) ** 0.4 / (1.0 - e)
    return coplanar * (1.0 - 0.3 * np.arccos(cos_i) / np.pi)
