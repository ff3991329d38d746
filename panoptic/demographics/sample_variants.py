"""The sample as it might have been: rows left out, masses drawn anew.

A variant is a set of draws of one list of companions: the mass ratio of every row in
every draw, and which rows are in the main sample and in the mass-orbit sample then. A
variant without chance has one draw.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from panoptic.constants import MSUN_MJUP
from panoptic.demographics.companions import Companions, Flags, Floats
from panoptic.sample import MassProvenance

# Relative errors (1 sigma) for rows whose catalogue gives none: choices of ours, of
# the order of the medians of those that do.
UNKNOWN_HOST_MASS_ERROR = 0.10
UNKNOWN_MASS_ERROR = {
    MassProvenance.MASS: 0.20,
    MassProvenance.MSINI: 0.20,
    MassProvenance.MSINI_CORRECTED: 0.20,
    MassProvenance.MASS_RADIUS: 0.40,
    MassProvenance.UNKNOWN: 0.40,
}
_MAX_REDRAWS = 1000


@dataclass(frozen=True, slots=True)
class SampleVariant:
    """S draws of n companions.

    log_q : (S, n)
    main : (S, n) in the main sample: M_star, M_c, a and e known, no limit.
    mass_orbit : (S, n) the same without e.
    """

    companions: Companions
    log_q: Floats
    main: Flags
    mass_orbit: Flags

    @property
    def n_draws(self) -> int:
        return len(self.log_q)


def as_it_is(companions: Companions) -> SampleVariant:
    """Return the sample by its definition."""
    return only(companions, np.ones(len(companions), dtype=bool))


def only(companions: Companions, keep: Flags) -> SampleVariant:
    """Return the sample of some rows."""
    return _variant(companions, companions.log_q[None], keep[None])


def with_mass_limits(companions: Companions) -> SampleVariant:
    """Return the sample with rows whose mass or axis is a limit."""
    known = np.isfinite(companions.log_q) & np.isfinite(companions.log_a)
    with_ecc = known & np.isfinite(companions.ecc)
    return SampleVariant(
        companions, companions.log_q[None], with_ecc[None], known[None]
    )


def true_masses(companions: Companions) -> SampleVariant:
    """Return the rows whose mass is measured: no minimum, none from a radius."""
    measured = (MassProvenance.MASS, MassProvenance.MSINI_CORRECTED)
    return only(companions, np.isin(companions.mass_provenance, measured))


def one_per_host(
    companions: Companions, *, n_draws: int, rng: np.random.Generator
) -> SampleVariant:
    """Keep one companion of each host, drawn at random, in each sample by itself."""
    whole = as_it_is(companions)
    _, host = np.unique(companions.host, return_inverse=True)
    lot = rng.random((n_draws, len(companions)))
    log_q = np.broadcast_to(companions.log_q, lot.shape)
    main, mass_orbit = (
        _highest_of_each(np.where(rows[0], lot, -1.0), host)
        for rows in (whole.main, whole.mass_orbit)
    )
    return SampleVariant(companions, log_q, main, mass_orbit)


def redrawn_masses(
    companions: Companions,
    surroundings: Companions,
    *,
    host_mass_range_msun: tuple[float, float],
    n_draws: int,
    rng: np.random.Generator,
) -> SampleVariant:
    """Draw M_star and M_c from their errors and select by host mass again.

    Normal, above 0, the two independent of each other (for microlensing, where their
    ratio is known better than either, that scatters q too much). Rows without an
    error get `UNKNOWN_HOST_MASS_ERROR` and `UNKNOWN_MASS_ERROR`. Axes stay: those from
    a period would follow M_star^(1/3).

    Parameters
    ----------
    companions, surroundings : rows inside the host-mass range and rows near it, which
        draws may bring in.
    """
    everyone = _joined(companions, surroundings)
    unknown_mass = np.array(
        [UNKNOWN_MASS_ERROR[MassProvenance(p)] for p in everyone.mass_provenance]
    )
    st_mass = _above_zero(
        everyone.st_mass,
        _or_share(everyone.st_mass_err, UNKNOWN_HOST_MASS_ERROR, everyone.st_mass),
        n_draws,
        rng,
    )
    mass = _above_zero(
        everyone.mass_mjup,
        _or_share(everyone.mass_err_mjup, unknown_mass, everyone.mass_mjup),
        n_draws,
        rng,
    )
    low, high = host_mass_range_msun
    inside = (st_mass >= low) & (st_mass <= high)
    return _variant(everyone, np.log10(mass / (st_mass * MSUN_MJUP)), inside)


def random_inclinations(
    companions: Companions, *, n_draws: int, rng: np.random.Generator
) -> SampleVariant:
    """Divide minimum masses by sin i of isotropic orbits, cos i uniform.

    An inclination that makes the companion heavier than its host is drawn again: it
    would have been seen as the host.
    """
    shape = (n_draws, len(companions))
    is_minimum = companions.mass_provenance == MassProvenance.MSINI
    gain = np.zeros(shape)
    wanted = np.broadcast_to(is_minimum & np.isfinite(companions.log_q), shape).copy()
    for _ in range(_MAX_REDRAWS):
        if not wanted.any():
            break
        cos_i = rng.random(int(wanted.sum()))
        gain[wanted] = -0.5 * np.log10(1.0 - cos_i**2)
        wanted &= companions.log_q + gain >= 0.0
    keep = np.ones(shape, dtype=bool)
    return _variant(companions, companions.log_q + gain, keep)


def _joined(first: Companions, second: Companions) -> Companions:
    return Companions(
        **{
            f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
            for f in fields(Companions)
        }
    )


def _variant(companions: Companions, log_q: Floats, keep: Flags) -> SampleVariant:
    known = keep & np.isfinite(log_q) & np.isfinite(companions.log_a)
    known &= ~companions.mass_limit & ~companions.a_limit
    return SampleVariant(companions, log_q, known & np.isfinite(companions.ecc), known)


def _highest_of_each(lot: Floats, group: NDArray[np.intp]) -> Flags:
    """Which entry (S, n) is the highest of its group; negative ones never are."""
    best = np.full((len(lot), int(group.max(initial=-1)) + 1), -1.0)
    for column, of in zip(lot.T, group, strict=True):
        best[:, of] = np.maximum(best[:, of], column)
    return (lot >= 0.0) & (lot == best[:, group])


def _or_share(error: Floats, share: Floats | float, value: Floats) -> Floats:
    return np.where(error > 0.0, error, share * value)


def _above_zero(
    value: Floats, error: Floats, n_draws: int, rng: np.random.Generator
) -> Floats:
    """Draw (S, n) from normals cut off at 0; NaN where there is no value."""
    shape = (n_draws, len(value))
    drawn = np.broadcast_to(value, shape) + error * rng.standard_normal(shape)
    for _ in range(_MAX_REDRAWS):
        bad = drawn <= 0.0
        if not bad.any():
            break
        row = np.nonzero(bad)[1]
        drawn[bad] = value[row] + error[row] * rng.standard_normal(len(row))
    return drawn
