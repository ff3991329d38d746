"""Which triples cannot change, seen without following them, or after a while.

Nothing happens to an inner orbit whose pericentre stays outside a certain distance:
outside the disruption radius, and so far out that tides are too weak for the time
given. Three bounds are exact: on the energy that the short-range forces can take up,
on the decay that tides can cause, and on what the octupole can do to j_z in a short
time. Two are measured, and their margins with them (docs/methods.md): the window of
inclinations in which the octupole leads deep, around 90 degrees or, where the outer
orbit moves, around cos i = -eta/2; and the steadiness of an orbit that has not come
closer for a long time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.dynamics.kozai_lidov import octupole_window
from panoptic.dynamics.outcomes import Settled
from panoptic.dynamics.triples import SecularScales, Triples

Floats = NDArray[np.float64]

_FULL_TIDE = 12.684  # f1 - f2^2/f5 at e = 1, where it is largest
_LEAST_DECAY = 0.3  # of ln a in the whole time: tides that cannot do that do nothing
_LARGEST_START_E = 0.05  # the window is a fit for starts near a circle
_STEEP_ABOVE = 0.022  # octupole strength from which the window opens steeply
# Octupole strengths at which the margin of the window changes, and the margins.
_KNOTS = _STEEP_ABOVE, 0.045, 0.08
_MARGINS = 0.04, 0.13, 0.05, 0.09
# Outer orbit moving: octupole strengths at which the window's edge changes, the edges,
# and the largest eta for which they were measured.
_MOVING_KNOTS = 0.003, 0.01, 0.022
_MOVING_EDGES = 0.10, 0.30, 0.40, 0.55
_LARGEST_ETA = 1.5
# Largest value of the octupole's potential, and of its torque along z, per unit of
# strength: sup of (15/64)|e_x (8e^2 - 1 - 35 e_z^2 + 5 j_z^2) + 10 e_z j_x j_z|.
_LARGEST_OCTUPOLE = 2.26
_NEGLIGIBLE_TORQUE = 0.01  # share of the j at which things happen


@dataclass(frozen=True, slots=True)
class Foresight:
    """What is known of triples before they are followed, every array (n,)."""

    settled: NDArray[np.uint8]  # `Settled` by a bound, or INTEGRATION
    periodic: NDArray[np.bool_]  # the octupole has no time to matter: cycles repeat
    steady_outside: Floats  # pericentre in a0 outside which a lasting record settles


def busiest_pericentre(
    triples: Triples, scales: SecularScales, *, t_end_yr: float, widest_factor: float
) -> Floats:
    """Return the pericentre, in initial axes, outside which nothing happens, (n,).

    The wider of the disruption radius, `widest_factor` tidal radii, and the pericentre
    at which tides acting all the time, not only near the peaks of e, would take
    `_LEAST_DECAY` of ln a in `t_end_yr`.
    """
    disruption = widest_factor * triples.tidal_radius_au / triples.inner_a_au
    decay = scales.decay * _FULL_TIDE * t_end_yr / scales.t_lk_yr
    tidal = 0.5 * (decay / _LEAST_DECAY) ** (1.0 / 7.5)  # from j^15 = (2 r_p/a)^7.5
    return np.minimum(np.maximum(disruption, tidal), 1.0)


def foresee(
    triples: Triples,
    scales: SecularScales,
    moving: NDArray[np.bool_],
    *,
    t_end_yr: float,
    widest_factor: float,
) -> Foresight:
    """Return which triples the bounds settle, and which may be settled on the way.

    A triple that starts inside the distance is left to the integration. Where the
    outer orbit moves, cycles are never taken to repeat.
    """
    pericentre = busiest_pericentre(
        triples, scales, t_end_yr=t_end_yr, widest_factor=widest_factor
    )
    j2 = pericentre * (2.0 - pericentre)  # of an orbit of the initial axis
    far = 1.0 - triples.inner_e > pericentre
    settled = np.full(len(triples), Settled.INTEGRATION, dtype=np.uint8)
    inside = np.where(
        moving,
        _inside_moving_window(triples, scales, j2),
        _inside_window(triples, scales, j2),
    )
    settled[far & ~inside] = Settled.WINDOW
    settled[far & _too_stiff(triples, scales, moving, j2)] = Settled.STIFFNESS
    octupole = np.abs(scales.octupole)
    torque = _LARGEST_OCTUPOLE * octupole * t_end_yr / scales.t_lk_yr
    margin = np.where(moving, _moving_margin(octupole), _steady_margin(octupole))
    return Foresight(
        settled=settled,
        periodic=~moving & (torque < _NEGLIGIBLE_TORQUE * np.sqrt(j2)),
        steady_outside=pericentre * margin,
    )


def foresee_nothing(triples: Triples) -> Foresight:
    """Return a foresight by which every triple is followed to its end."""
    n = len(triples)
    return Foresight(
        settled=np.full(n, Settled.INTEGRATION, dtype=np.uint8),
        periodic=np.zeros(n, dtype=np.bool_),
        steady_outside=np.full(n, np.inf),
    )


def _too_stiff(
    triples: Triples, scales: SecularScales, moving: NDArray[np.bool_], j2: Floats
) -> NDArray[np.bool_]:
    """True where energy forbids to reach j: the short-range forces are too strong.

    The perturber's disturbing function (test particle) lies between -5/8 and 10/8,
    and the octupole widens that; the energy of the short-range forces cannot grow by
    more than the difference. Rotation is left out, which only makes the bound wider.
    An outer orbit that moves pulls harder where it gets rounder, as j_out^-3: total
    angular momentum sets its least j_out.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # j of 0: out of all reach
        growth = _stiffness(scales, j2) - _stiffness(scales, 1.0 - triples.inner_e**2)
    quadrupole = 15.0 / 8.0
    octupole = 2.0 * _LARGEST_OCTUPOLE * np.abs(scales.octupole)
    least_j = _least_outer_j(triples, scales)
    with np.errstate(divide="ignore"):
        closer = (scales.outer_j / least_j) ** 3
        bare = 2.0 * _LARGEST_OCTUPOLE * np.abs(scales.bare_octupole) / least_j**2
    return growth > np.where(
        moving, closer * (quadrupole + bare), quadrupole + octupole
    )


def _least_outer_j(triples: Triples, scales: SecularScales) -> Floats:
    """Return j_out with the inner momentum as large as it gets, and all parallel."""
    inner = scales.eta * scales.outer_j  # circular, in units of the outer circular
    along = inner * np.sqrt(1.0 - triples.inner_e**2)
    total2 = along**2 + scales.outer_j**2
    total2 += 2.0 * along * scales.outer_j * np.cos(triples.inclination_rad)
    return np.maximum(np.sqrt(total2) - inner, 0.0)


def _stiffness(scales: SecularScales, j2: Floats) -> Floats:
    """Energy of relativity and of the tidal bulge at j, up to a constant."""
    e2 = 1.0 - j2
    bulge = (1.0 + 3.0 * e2 + 0.375 * e2**2) / j2**4.5
    return scales.relativity / np.sqrt(j2) + scales.tide / 15.0 * bulge


def _inside_window(
    triples: Triples, scales: SecularScales, j2: Floats
) -> NDArray[np.bool_]:
    """True where quadrupole or octupole can lead as deep as j, or nobody knows.

    The quadrupole's window, cos^2 i < (3/5) j^2, and the octupole's add up. The latter
    is a fit to 500 t_LK: in longer times orbits at its edge wander in.
    """
    octupole = np.abs(scales.octupole)
    margin = np.array(_MARGINS)[np.searchsorted(_KNOTS, octupole)]
    window = octupole_window(octupole) + 0.6 * j2 + margin
    known = triples.inner_e <= _LARGEST_START_E
    return ~known | (np.cos(triples.inclination_rad) ** 2 < window)


def _inside_moving_window(
    triples: Triples, scales: SecularScales, j2: Floats
) -> NDArray[np.bool_]:
    """The same where the outer orbit moves.

    From a circle the quadrupole, whose energy and K = j cos i - eta e^2/2 are constant,
    leads to j only if (cos i + eta/2)^2 <= (3 + 4 eta cos i + (9/4) eta^2) j^2 / 5.
    What the octupole adds to that was measured in followed orbits.
    """
    eta, cosine = scales.eta, np.cos(triples.inclination_rad)
    quadrupole = (3.0 + 4.0 * eta * cosine + 2.25 * eta**2) / 5.0 * j2
    octupole = np.abs(scales.octupole)
    edge = np.array(_MOVING_EDGES)[np.searchsorted(_MOVING_KNOTS, octupole)]
    known = (triples.inner_e <= _LARGEST_START_E) & (eta < _LARGEST_ETA)
    return ~known | ((cosine + 0.5 * eta) ** 2 < quadrupole + edge)


def _steady_margin(octupole: Floats) -> Floats:
    """How far outside, in busiest pericentres, a record must lie to be trusted.

    Not at all from where the window opens steeply: there orbits wander in from
    anywhere.
    """
    margin = np.where(octupole < 0.003, 1.5, 3.0)
    return np.where(octupole > _STEEP_ABOVE, np.inf, margin)


def _moving_margin(octupole: Floats) -> Floats:
    """The same where the outer orbit moves."""
    return np.where(octupole < _MOVING_KNOTS[1], 5.0, np.inf)
