"""Slow, obvious twins of the feasibility map: whole arrays, one formula a line."""

import numpy as np

from panoptic.constants import RSUN_AU
from panoptic.dynamics.kozai_lidov import (
    largest_eccentricity,
    mardling_aarseth_ratio,
    order_of_magnitude_time_yr,
)

WORD = 0xFFFFFFFF


def philox_words(counter, key):
    """Philox4x32-10 of four counters under two keys (arrays broadcast)."""
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(c, np.uint64) for c in counter))
    k0, k1 = key
    for _ in range(10):
        high_0, low_0 = np.divmod(np.uint64(0xD2511F53) * c0, np.uint64(2**32))
        high_1, low_1 = np.divmod(np.uint64(0xCD9E8D57) * c2, np.uint64(2**32))
        c0, c1 = high_1 ^ c1 ^ np.uint64(k0), low_1
        c2, c3 = high_0 ^ c3 ^ np.uint64(k1), low_0
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


def uniforms(seed, row, draw, block, stream=0):
    """Two arrays of uniforms in (0, 1); one counter serves two draws."""
    two = np.uint64(2)
    w0, w1, w2, w3 = philox_words(
        (draw // two, row, np.full_like(draw, block), np.full_like(draw, stream)),
        (seed & WORD, seed >> 32),
    )
    even = draw % two == 0
    first, second = np.where(even, w0, w2), np.where(even, w1, w3)
    return (first + 0.5) / 2**32, (second + 0.5) / 2**32


def draw_with_numpy(inner, prior, *, n_cells, n_draws, seed):
    """Return a, e_out and cos i of every draw, (n_cells, n_draws) each."""
    cell, draw = np.indices((n_cells, n_draws), dtype=np.uint64)
    u, v = uniforms(seed, cell, draw, 0)
    w, _ = uniforms(seed, cell, draw, 1)
    (e_low, e_high), (i_low, i_high) = prior.ecc_range, prior.inclination_range_deg
    if prior.ecc_law == "thermal":
        e_out = np.sqrt(e_low**2 + u * (e_high**2 - e_low**2))
    else:
        e_out = e_low + u * (e_high - e_low)
    cos_low, cos_high = np.cos(np.radians([i_high, i_low]))
    a_low, a_high = inner.axis_au
    return (
        np.exp(np.log(a_low) + w * (np.log(a_high) - np.log(a_low))),
        e_out,
        cos_low + v * (cos_high - cos_low),
    )


def count_criterion(grid, inner, orbits, *, horizon_gyr, r_crit_rstar):
    """Return n_feasible, n_unstable per cell of the given draws."""
    mass, axis_out = (column[:, None] for column in grid.per_cell())
    a, e_out, cos_i = orbits
    stable = axis_out / a > mardling_aarseth_ratio(
        mass / inner.mass_msun, ecc_out=e_out, cos_inclination=cos_i
    )
    t_kl = order_of_magnitude_time_yr(
        inner.mass_msun, mass, axis_au=a, axis_out_au=axis_out, ecc_out=e_out
    )
    pericentre = a * (1.0 - largest_eccentricity(cos_i))
    r_crit = r_crit_rstar * inner.host_radius_rsun * RSUN_AU
    feasible = stable & (t_kl <= horizon_gyr * 1e9) & (pericentre <= r_crit)
    return (
        feasible.sum(axis=1).reshape(grid.shape),
        (~stable).sum(axis=1).reshape(grid.shape),
    )


def closed_form_fraction(grid, inner, prior, *, horizon_gyr, r_crit_rstar):
    """Return the criterion's exact probability without the stability cut.

    For a fixed inner axis, e_out uniform and isotropic inclinations from 0 to 180.
    """
    mass, axis_out = grid.per_cell()
    a = inner.axis_au[0]
    shortest = order_of_magnitude_time_yr(
        inner.mass_msun, mass, axis_au=a, axis_out_au=axis_out, ecc_out=0.0
    )
    low, high = prior.ecc_range
    j2_wanted = (horizon_gyr * 1e9 / shortest) ** (2 / 3)
    e_wanted = np.sqrt(np.clip(1.0 - j2_wanted, 0.0, 1.0))
    in_time = np.clip((high - e_wanted) / (high - low), 0.0, 1.0)
    e_needed = 1.0 - r_crit_rstar * inner.host_radius_rsun * RSUN_AU / a
    deep = np.sqrt(0.6 * (1.0 - e_needed**2))
    return (in_time * deep).reshape(grid.shape)
