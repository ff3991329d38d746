"""Closed forms of Kozai-Lidov cycles: times, largest eccentricities, stability.

Letters as in the papers: m0 host, m1 companion, m2 perturber, m_in = m0 + m1,
n = sqrt(G m_in / a^3), j = sqrt(1 - e^2), i the mutual inclination. Every function
broadcasts its arguments, takes NaN to NaN, and checks nothing: the callers validate.
"Circular start" is the limit of a vanishing first eccentricity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ellipkm1

from panoptic.constants import C_AU_YR, G_AU3_MSUN_YR2, RJUP_AU
from panoptic.orbits import mean_motion_per_yr

Floats = NDArray[np.float64]


# --- times ---------------------------------------------------------------------------


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


# --- quadrupole, nothing else --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QuadrupoleCycle:
    """The cycle of a test particle under the quadrupole alone, arrays of one shape."""

    period: Floats  # of e, in t_LK; inf on the separatrix (a circular start)
    j_min: Floats  # sqrt(1 - e_max^2): keeps its digits where e_max is close to 1

    @property
    def e_max(self) -> Floats:
        return np.sqrt((1.0 - self.j_min) * (1.0 + self.j_min))


def quadrupole_cycle(
    ecc: ArrayLike, *, cos_inclination: ArrayLike, pericentre_rad: ArrayLike
) -> QuadrupoleCycle:
    """Return the exact period and depth of the cycle through this state.

    With Th = (1 - e^2) cos^2 i and C = e^2 (1 - (5/2) sin^2 i sin^2 w) conserved, x =
    j^2 moves between c = x- and B = min(1 - C, x+), where x+- are the roots of
    x^2 - x (1 + 2C/3 + 5Th/3) + 5Th/3: P = (4/3) sqrt(2/3) t_LK K(m) / sqrt(A - c),
    A = max(1 - C, x+), m = (B - c)/(A - c). e is in [0, 1).
    """
    e, cos_i, w = np.broadcast_arrays(*_arrays(ecc, cos_inclination, pericentre_rad))
    beta = 5.0 / 3.0 * (1.0 - e**2) * cos_i**2
    c = e**2 * (1.0 - 2.5 * (1.0 - cos_i**2) * np.sin(w) ** 2)
    # With C taken apart from the rest, no digits are lost near the separatrix C = 0.
    shift = c * (1.0 + beta) / 3.0 + c**2 / 9.0
    root = np.sqrt(np.maximum(0.25 * (1.0 - beta) ** 2 + shift, 0.0))
    x_plus = 0.5 * (1.0 + beta) + c / 3.0 + root
    x_minus = beta / x_plus
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(
            beta < 1.0,
            shift / (root + 0.5 * (1.0 - beta)),
            root - 0.5 * (1.0 - beta),
        )
        between = 4.0 * c / 3.0 + growth  # x+ - (1 - C)
        width = np.maximum(1.0 - c, x_plus) - x_minus  # A - c
        period = np.sqrt(32.0 / 27.0 / width) * ellipkm1(np.abs(between) / width)
    return QuadrupoleCycle(period=period, j_min=np.sqrt(x_minus))


def largest_eccentricity(cos_inclination: ArrayLike) -> Floats:
    """Return e_max = sqrt(1 - (5/3) cos^2 i) of an orbit that starts circular.

    Quadrupole, test particle, no short-range forces. 0 outside 39.2 < i < 140.8 deg,
    where nothing is excited.
    """
    (cos_i,) = _arrays(cos_inclination)
    squared: Floats = np.maximum(1.0 - (5.0 / 3.0) * cos_i**2, 0.0)
    return np.sqrt(squared)


# --- short-range forces --------------------------------------------------------------


def relativity_strength(
    inner_mass_msun: ArrayLike,
    perturber_mass_msun: ArrayLike,
    *,
    axis_au: ArrayLike,
    axis_out_au: ArrayLike,
    ecc_out: ArrayLike,
) -> Floats:
    """Return eps_GR = 3 G m_in^2 a_out^3 (1 - e_out^2)^1.5 / (a^4 c^2 m2).

    The apsidal rate of general relativity is eps_GR / (t_LK j^2).
    """
    m_in, m2, a, a_out, e_out = _arrays(
        inner_mass_msun, perturber_mass_msun, axis_au, axis_out_au, ecc_out
    )
    b_out = a_out * np.sqrt(1.0 - e_out**2)
    return 3.0 * G_AU3_MSUN_YR2 * m_in**2 * b_out**3 / (a**4 * C_AU_YR**2 * m2)


def tide_strength(
    host_mass_msun: ArrayLike,
    companion_mass_msun: ArrayLike,
    perturber_mass_msun: ArrayLike,
    *,
    axis_au: ArrayLike,
    axis_out_au: ArrayLike,
    ecc_out: ArrayLike,
    love_number: ArrayLike,
    companion_radius_rjup: ArrayLike,
) -> Floats:
    """Return eps_Tide = (15/2) k2 m0 m_in a_out^3 (1 - e_out^2)^1.5 R^5 / (a^8 m1 m2).

    The bulge the host raises in the companion turns the apse at a rate of
    eps_Tide (1 + 3e^2/2 + e^4/8) / (t_LK j^10). k2 is the Love number, twice the
    apsidal constant: with the apsidal constant the 15/2 would be 15.
    """
    m0, m1, m2, a, a_out, e_out = _arrays(
        host_mass_msun,
        companion_mass_msun,
        perturber_mass_msun,
        axis_au,
        axis_out_au,
        ecc_out,
    )
    k2, radius = _arrays(love_number, companion_radius_rjup)
    b_out = a_out * np.sqrt(1.0 - e_out**2)
    swelling = (radius * RJUP_AU / a) ** 5
    return 7.5 * k2 * m0 * (m0 + m1) * (b_out / a) ** 3 * swelling / (m1 * m2)


def rotation_strength(
    host_mass_msun: ArrayLike,
    companion_mass_msun: ArrayLike,
    perturber_mass_msun: ArrayLike,
    *,
    axis_au: ArrayLike,
    axis_out_au: ArrayLike,
    ecc_out: ArrayLike,
    love_number: ArrayLike,
    companion_radius_rjup: ArrayLike,
    spin_over_mean_motion: ArrayLike,
) -> Floats:
    """Return eps_Rot = t_LK n (k2/2) (Omega/n)^2 (m_in/m1) (R/a)^5.

    The companion's flattening turns the apse at eps_Rot / (t_LK j^4), spin along the
    orbit's normal.
    """
    m0, m1, m2, a, a_out, e_out = _arrays(
        host_mass_msun,
        companion_mass_msun,
        perturber_mass_msun,
        axis_au,
        axis_out_au,
        ecc_out,
    )
    k2, radius, spin = _arrays(
        love_number, companion_radius_rjup, spin_over_mean_motion
    )
    m_in = m0 + m1
    periods = m_in / m2 * (a_out / a * np.sqrt(1.0 - e_out**2)) ** 3  # n t_LK
    return periods * 0.5 * k2 * spin**2 * m_in / m1 * (radius * RJUP_AU / a) ** 5


def smallest_j(
    cos_inclination: ArrayLike,
    *,
    relativity: ArrayLike = 0.0,
    tide: ArrayLike = 0.0,
    rotation: ArrayLike = 0.0,
) -> Floats:
    """Return j_min = sqrt(1 - e_max^2) of a circular start with short-range forces.

    The root of (9/8)((1 - j^2)/j^2)(j^2 - (5/3) cos^2 i) = eps_GR (1/j - 1) +
    (eps_Tide/15)[(1 + 3e^2 + 3e^4/8)/j^9 - 1] + (eps_Rot/3)(1/j^3 - 1) (Liu, Munoz &
    Lai 2015, test particle). Both sides hold a factor 1 - j; without it left minus
    right grows with j, so the root is one or none. 1 where the forces forbid any
    growth: (9/4)(1 - (5/3) cos^2 i) <= eps_GR + eps_Tide + eps_Rot. At 90 degrees
    without forces, 0. Strengths are not negative.
    """
    cos_i, gr, bulge, spin = np.broadcast_arrays(
        *_arrays(cos_inclination, relativity, tide, rotation)
    )
    depth = 5.0 / 3.0 * cos_i**2
    known = np.isfinite(depth + gr + bulge + spin)
    low = np.full(depth.shape, np.log(_LEAST_J))
    high = np.zeros(depth.shape)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        too_wide = _growth_left(np.exp(middle), depth, gr, bulge, spin) > 0.0
        high = np.where(too_wide, middle, high)
        low = np.where(too_wide, low, middle)
    j = np.where(_growth_left(1.0, depth, gr, bulge, spin) > 0.0, np.exp(high), 1.0)
    j = np.where(gr + bulge + spin == 0.0, np.minimum(np.sqrt(depth), 1.0), j)
    return np.where(known, j, np.nan)


def limiting_j(
    *, relativity: ArrayLike = 0.0, tide: ArrayLike = 0.0, rotation: ArrayLike = 0.0
) -> Floats:
    """Return sqrt(1 - e_lim^2): `smallest_j` of perpendicular orbits.

    No inclination leads deeper, and with the octupole many lead as deep.
    """
    return smallest_j(0.0, relativity=relativity, tide=tide, rotation=rotation)


def one_minus_e(j: ArrayLike) -> Floats:
    """Return 1 - sqrt(1 - j^2) without losing digits near e = 1."""
    (j,) = _arrays(j)
    return j**2 / (1.0 + np.sqrt((1.0 - j) * (1.0 + j)))


_LEAST_J = 1e-12
_HALVINGS = 64  # of an interval of 28 in ln j: to the last digit


def _growth_left(
    j: ArrayLike, depth: Floats, relativity: Floats, tide: Floats, rotation: Floats
) -> Floats:
    """Return left minus right of `smallest_j`, divided by 1 - j."""
    (j,) = _arrays(j)
    perturber = 1.125 * (1.0 + j) * (1.0 - depth / j**2)
    # (35/8 - 15 j^2/4 + 3 j^4/8 - j^9) / (1 - j), by division
    bulge = 4.375 * (1.0 + j) + 0.625 * (j**2 + j**3)
    bulge += j**4 * (1.0 + j + j**2 + j**3 + j**4)
    return (
        perturber
        - relativity / j
        - tide / 15.0 * bulge / j**9
        - rotation / 3.0 * (1.0 + j + j**2) / j**3
    )


# --- octupole ------------------------------------------------------------------------


def octupole_strength(
    host_mass_msun: ArrayLike,
    companion_mass_msun: ArrayLike,
    *,
    axis_ratio: ArrayLike,
    ecc_out: ArrayLike,
) -> Floats:
    """Return eps_oct = ((m0 - m1)/m_in) (a/a_out) e_out / (1 - e_out^2).

    axis_ratio : a_out / a, as in every function here.
    """
    m0, m1, ratio, e_out = _arrays(
        host_mass_msun, companion_mass_msun, axis_ratio, ecc_out
    )
    return (m0 - m1) / (m0 + m1) / ratio * e_out / (1.0 - e_out**2)


def octupole_window(octupole: ArrayLike) -> Floats:
    """Return the cos^2 i below which an orbit can reach e_lim.

    Fit of Munoz, Lai & Liu 2016 (MNRAS 460, 1086): 0.26 x - 0.536 x^2 + 12.05 x^3 -
    16.78 x^4, x = |eps_oct|/0.1, for eps_oct <= 0.05 and 0.45 above. The fit holds
    for circular starts and enough time; at 0 the window closes.
    """
    (eps,) = _arrays(octupole)
    x = np.abs(eps) / 0.1
    fit = x * (0.26 + x * (-0.536 + x * (12.05 - 16.78 * x)))
    return np.where(x > 0.5, 0.45, fit)


# --- where the equations hold --------------------------------------------------------


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


def vynatheya_ratio(
    mass_ratio: ArrayLike,
    *,
    ecc_in: ArrayLike,
    ecc_out: ArrayLike,
    cos_inclination: ArrayLike,
) -> Floats:
    """Return the a_out/a above which a triple is stable, by a fit to N-body runs.

    Vynatheya et al. 2022 (MNRAS 516, 4146): Y (1 + eb)/(1 - e_out), Y = 2.4 [(1 + q) /
    ((1 + eb) sqrt(1 - e_out))]^0.4 {((1 - 0.2 eb + e_out)/8)(cos i - 1) + 1}, with the
    mean eccentricity of a cycle, eb = max(e_in, (1 - (5/3) cos^2 i)/2, 0).
    """
    q, e_in, e_out, cos_i = _arrays(mass_ratio, ecc_in, ecc_out, cos_inclination)
    eb = np.maximum(np.maximum(e_in, 0.5 * (1.0 - 5.0 / 3.0 * cos_i**2)), 0.0)
    lopsided = (1.0 + q) / ((1.0 + eb) * np.sqrt(1.0 - e_out))
    tilt = (1.0 - 0.2 * eb + e_out) / 8.0 * (cos_i - 1.0) + 1.0
    return 2.4 * lopsided**0.4 * tilt * (1.0 + eb) / (1.0 - e_out)


def averaging_ratio(
    inner_mass_msun: ArrayLike,
    perturber_mass_msun: ArrayLike,
    *,
    axis_au: ArrayLike,
    axis_out_au: ArrayLike,
    ecc_out: ArrayLike,
) -> Floats:
    """Return eps_SA = P_out / (2 pi t_LK): how badly averaging over P_out fails."""
    m_in, m2, a_out = _arrays(inner_mass_msun, perturber_mass_msun, axis_out_au)
    t_lk = secular_time_yr(
        m_in, m2, axis_au=axis_au, axis_out_au=a_out, ecc_out=ecc_out
    )
    return 1.0 / (mean_motion_per_yr(a_out, m_in + m2) * t_lk)


def largest_eccentricity_unaveraged(
    cos_inclination: ArrayLike, *, averaging_ratio: ArrayLike
) -> Floats:
    """Return e_max of a circular start with the perturber's motion along its orbit.

    Grishin, Perets & Fragione 2018 (MNRAS 481, 4907): eb + (135/128) eb eps [(16/9)
    sqrt(3/5) sqrt(1 - eb^2) + eps - 2 eps eb^2], eb^2 = 1 - (5/3) cos^2 i
    (1 + 9 eps cos i/8)/(1 - 9 eps cos i/8), eps = eps_SA; at most 1. Quadrupole, no
    short-range forces, small eps: for eps_SA above 0.1 not validated. 0 where eb^2
    is negative.
    """
    cos_i, eps = _arrays(cos_inclination, averaging_ratio)
    shift = 1.125 * eps * cos_i
    mean = 1.0 - 5.0 / 3.0 * cos_i**2 * (1.0 + shift) / (1.0 - shift)
    e2 = np.maximum(mean, 0.0)
    wobble = 16.0 / 9.0 * np.sqrt(0.6 * (1.0 - e2)) + eps - 2.0 * eps * e2
    return np.minimum(np.sqrt(e2) * (1.0 + 135.0 / 128.0 * eps * wobble), 1.0)


def angular_momentum_ratio(
    host_mass_msun: ArrayLike,
    companion_mass_msun: ArrayLike,
    perturber_mass_msun: ArrayLike,
    *,
    axis_ratio: ArrayLike,
    ecc_out: ArrayLike,
) -> Floats:
    """Return eta = L_in / L_out, the inner orbit circular.

    Above about 0.1 the inner orbit is no test particle: the outer one turns too.
    """
    m0, m1, m2, ratio, e_out = _arrays(
        host_mass_msun, companion_mass_msun, perturber_mass_msun, axis_ratio, ecc_out
    )
    m_in, m_tot = m0 + m1, m0 + m1 + m2
    reduced = (m0 * m1 / m_in) / (m_in * m2 / m_tot)
    # L = mu sqrt(G M a (1 - e^2))
    return reduced * np.sqrt(m_in / (m_tot * ratio * (1.0 - e_out**2)))


def _arrays(*values: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(value, dtype=np.float64) for value in values)
