"""Slow, obvious twins of the secular integrator, and the closed forms it must meet."""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import ellipk

from panoptic.constants import C_AU_YR, G_AU3_MSUN_YR2, RJUP_AU
from panoptic.dynamics.triples import SecularScales, Triples

Z = np.array([0.0, 0.0, 1.0])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(60)


def triple(
    *,
    relativity: float = 0.0,
    tide: float = 0.0,
    octupole: float = 0.0,
    e: float = 0.01,
    inclination_deg: float = 80.0,
    pericentre_deg: float = 45.0,
    node_deg: float = 60.0,
    time_lag_s: float = 0.0,
) -> Triples:
    """Return one triple with the strengths asked for, whatever sizes that takes.

    At a fixed shape the strength of relativity goes with 1/a, so an orbit of 1e15 AU
    is one without it; the companion's radius then sets the tide.
    """
    m0, m1, m2, ratio, k2 = 0.2, 0.0003, 0.1, 50.0, 0.37
    m_in = m0 + m1
    x = octupole * m_in / (m0 - m1) * ratio  # = e_out / (1 - e_out^2)
    e_out = 2.0 * x / (1.0 + math.sqrt(1.0 + 4.0 * x * x))
    steep = (ratio * math.sqrt(1.0 - e_out**2)) ** 3
    a = (
        3.0
        * G_AU3_MSUN_YR2
        * m_in**2
        * steep
        / (m2 * C_AU_YR**2 * (relativity or 1e-15))
    )
    swelling = tide * m1 * m2 / (7.5 * k2 * m0 * m_in * steep)
    return Triples.of(
        host_mass_msun=m0,
        companion_mass_msun=m1,
        perturber_mass_msun=m2,
        inner_a_au=a,
        inner_e=e,
        outer_a_au=ratio * a,
        outer_e=e_out,
        inclination_rad=math.radians(inclination_deg),
        pericentre_rad=math.radians(pericentre_deg),
        node_rad=math.radians(node_deg),
        companion_radius_rjup=(swelling**0.2 * a / RJUP_AU) if tide else 1e-30,
        love_number=k2 if tide else 0.0,
        time_lag_s=time_lag_s,
    )


def gradients(e, j, octupole):
    """Return grad_j and grad_e of the disturbing function, term by term."""
    ex, ey, ez = e
    jx, jy, jz = j
    e2 = e @ e
    p = -0.75 * jz * Z
    q = -1.5 * e + 3.75 * ez * Z
    bracket = 8.0 * e2 - 1.0 - 35.0 * ez**2 + 5.0 * jz**2
    p_oct = np.array([10.0 * ez * jz, 0.0, 10.0 * ex * jz + 10.0 * ez * jx])
    q_oct = ex * (16.0 * e - 70.0 * ez * Z)
    q_oct += np.array([bracket, 0.0, 10.0 * jx * jz])
    weight = 15.0 / 64.0 * octupole
    return p + weight * p_oct, q + weight * q_oct


def hut(e2):
    """The polynomials f1, f2, f5 of Hut (1981)."""
    f1 = 1 + 31 / 2 * e2 + 255 / 8 * e2**2 + 185 / 16 * e2**3 + 25 / 64 * e2**4
    f2 = 1 + 15 / 2 * e2 + 45 / 8 * e2**2 + 5 / 16 * e2**3
    f5 = 1 + 3 * e2 + 3 / 8 * e2**2
    return f1, f2, f5


def apsidal_rate(e2, scales: SecularScales, axis: float = 1.0) -> float:
    """Precession by the short-range forces per t_LK; `axis` in initial axes."""
    j = math.sqrt(1.0 - e2)
    _, f2, f5 = hut(e2)
    spin = f2 / (f5 * j**3)  # in mean motions, pseudo-synchronous
    relativity = scales.relativity[0] * axis**-2.5 / j**2
    bulge = scales.tide[0] * (1 + 3 / 2 * e2 + e2**2 / 8) / j**10
    rotation = scales.rotation[0] * spin**2 / j**4
    return relativity + axis**-6.5 * (bulge + rotation)


def rates(_, y, scales: SecularScales):
    """Textbook right-hand side of (e, j, ln a) in t_LK, by vectors."""
    e, j, axis = y[:3], y[3:6], math.exp(y[6])
    quadrupole, octupole = axis**1.5, axis * scales.octupole[0]
    p, q = gradients(e, j, octupole)
    dj = -quadrupole * (np.cross(j, p) + np.cross(e, q))
    de = -quadrupole * (np.cross(j, q) + np.cross(e, p))
    e2 = e @ e
    de += apsidal_rate(e2, scales, axis) * np.cross(j / np.linalg.norm(j), e)
    f1, f2, f5 = hut(e2)
    dln_a = -scales.decay[0] * axis**-8 * (1 - e2) ** -7.5 * (f1 - f2**2 / f5)
    de += 0.5 * (1 - e2) / e2 * dln_a * e if e2 > 0 else 0.0
    dj += -0.5 * dln_a * j
    return np.concatenate([de, dj, [dln_a]])


def follow(triples: Triples, t_lk: float, *, tolerance: float = 1e-11):
    """Integrate one triple with scipy; the answer's `t` is in t_LK."""
    e, j = triples.orbit_vectors
    return solve_ivp(
        rates,
        (0.0, t_lk),
        np.concatenate([e[0], j[0], [0.0]]),
        method="DOP853",
        rtol=tolerance,
        atol=tolerance,
        args=(SecularScales.of(triples),),
    )


def energy(e, j, scales: SecularScales) -> float:
    """The conserved disturbing function of an orbit that does not shrink."""
    e2, ez, jz = 1.0 - j @ j, e[2], j[2]
    phi = (1 - 6 * e2 - 3 * jz**2 + 15 * ez**2) / 8
    octupole = e[0] * (8 * e2 - 1 - 35 * ez**2 + 5 * jz**2) + 10 * ez * j[0] * jz
    phi += 15 / 64 * scales.octupole[0] * octupole
    return phi - short_range_potential(math.sqrt(j @ j), scales)


def short_range_potential(j: float, scales: SecularScales) -> float:
    """The integral of the apsidal rate from j to 1."""
    e2 = 1.0 - j * j
    tide = (1 + 3 * e2 + 3 / 8 * e2**2) / j**9 - 1

    # in u = 1/j the rotational integrand is smooth, all but a polynomial
    width = (1 / j - 1) / 2
    u = 1 + width * (1 + NODES)
    _, f2, f5 = hut(1.0 - 1 / u**2)
    rotation = width * WEIGHTS @ ((f2 / f5) ** 2 * u**8)
    return (
        scales.relativity[0] * (1 / j - 1)
        + scales.tide[0] / 15 * tide
        + scales.rotation[0] * rotation
    )


def quadrupole_period(e0: float, inclination: float, pericentre: float):
    """Exact test-particle period in t_LK and the least j^2 (elliptic integral)."""
    theta = (1 - e0**2) * math.cos(inclination) ** 2
    c = e0**2 * (1 - 2.5 * math.sin(inclination) ** 2 * math.sin(pericentre) ** 2)
    half_sum = 0.5 * (1 + 2 * c / 3 + 5 * theta / 3)
    root = math.sqrt(half_sum**2 - 5 * theta / 3)
    x_plus, x_minus = half_sum + root, half_sum - root
    high, low = max(1 - c, x_plus), min(1 - c, x_plus)
    m = (low - x_minus) / (high - x_minus)
    period = 4 / 3 * math.sqrt(2 / 3) * ellipk(m) / math.sqrt(high - x_minus)
    return period, x_minus


def least_one_minus_e(inclination: float, scales: SecularScales) -> float:
    """1 - e_max from a circular start with short-range forces, by bisection."""
    cos2 = math.cos(inclination) ** 2

    def imbalance(j):
        lift = 9 / 8 * (1 - j * j) / j**2 * (j * j - 5 / 3 * cos2)
        return lift - short_range_potential(j, scales)

    grid = np.geomspace(0.999, 1e-4, 2000)
    values = np.array([imbalance(j) for j in grid])
    first = np.flatnonzero((values[:-1] > 0) & (values[1:] <= 0))[0]
    j = brentq(imbalance, grid[first + 1], grid[first], xtol=1e-16, rtol=1e-14)
    return j * j / (1 + math.sqrt(1 - j * j))


# ---------------------------------------------------------------- the outer orbit moves


def potential_moving(e, j, outer_e, outer_j, bare_octupole, shape):
    """Disturbing function with both orbits as variables, as in docs/methods.md."""
    e2 = 1.0 - j @ j
    a, b, c, d = e @ outer_j, j @ outer_j, e @ outer_e, j @ outer_e
    square = outer_j @ outer_j
    quadrupole = shape / (8 * square**2.5)
    quadrupole *= (1 - 6 * e2) * square - 3 * b**2 + 15 * a**2
    octupole = 15 / 64 * bare_octupole * shape / square**3.5
    octupole *= c * ((8 * e2 - 1) * square - 35 * a**2 + 5 * b**2) + 10 * a * d * b
    return quadrupole + octupole


def rates_moving(_, y, scales: SecularScales):
    """Right-hand side for (e, j, E, J), gradients by complex steps, no tides."""
    constants = scales.bare_octupole[0], scales.outer_j[0] ** 3
    gamma = scales.eta[0] * scales.outer_j[0]

    def gradient(k):
        step = np.zeros(12, dtype=complex)
        step[k] = 1e-30j
        moved = y + step
        return potential_moving(*np.split(moved, 4), *constants).imag / 1e-30

    e, j, outer_e, outer_j = np.split(y, 4)
    q, p, v, r = np.split(np.array([gradient(k) for k in range(12)]), 4)
    length = np.linalg.norm(j)
    p = p + apsidal_rate(1.0 - length**2, scales) * j / length
    return np.concatenate(
        [
            -(np.cross(j, q) + np.cross(e, p)),
            -(np.cross(j, p) + np.cross(e, q)),
            -gamma * (np.cross(outer_j, v) + np.cross(outer_e, r)),
            -gamma * (np.cross(outer_j, r) + np.cross(outer_e, v)),
        ]
    )


def follow_moving(triples: Triples, t_lk: float, *, tolerance: float = 1e-11):
    """Integrate one triple of two moving orbits with scipy."""
    e, j = triples.orbit_vectors
    scales = SecularScales.of(triples)
    outer_e = np.array([triples.outer_e[0], 0.0, 0.0])
    return solve_ivp(
        rates_moving,
        (0.0, t_lk),
        np.concatenate([e[0], j[0], outer_e, scales.outer_j[0] * Z]),
        method="DOP853",
        rtol=tolerance,
        atol=tolerance,
        args=(scales,),
    )


def energy_moving(e, j, outer_e, outer_j, scales: SecularScales) -> float:
    constants = scales.bare_octupole[0], scales.outer_j[0] ** 3
    potential = potential_moving(e, j, outer_e, outer_j, *constants)
    return potential - short_range_potential(math.sqrt(j @ j), scales)


def least_one_minus_e_with_eta(
    inclination: float, eta: float, scales: SecularScales
) -> float:
    """1 - e_max from a circular start at quadrupole order, any eta, by bisection.

    (3/8)((j^2 - 1)/j^2) {5 (cos I + eta/2)^2 - (3 + 4 eta cos I + (9/4) eta^2) j^2 +
    eta^2 j^4} = the energy of the short-range forces.
    """
    x = math.cos(inclination)

    def imbalance(j):
        brace = 5 * (x + eta / 2) ** 2 - (3 + 4 * eta * x + 9 / 4 * eta**2) * j**2
        brace += eta**2 * j**4
        lift = 3 / 8 * (j * j - 1) / j**2 * brace
        return lift - short_range_potential(j, scales)

    grid = np.geomspace(0.999, 1e-4, 4000)
    values = np.array([imbalance(j) for j in grid])
    first = np.flatnonzero((values[:-1] > 0) & (values[1:] <= 0))[0]
    j = brentq(imbalance, grid[first + 1], grid[first], xtol=1e-16, rtol=1e-14)
    return j * j / (1 + math.sqrt(1 - j * j))
