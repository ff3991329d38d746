"""The sample as it might have been: rows left out, masses drawn anew.

A variant is a set of draws of one list of companions: the mass ratio of every row in
every draw, and which rows are in the main sample and in the mass-orbit sample then. A
variant without chance has one draw.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from panoptic.demographics.companions import Companions, Flags, Floats
from panoptic.demographics.extreme_deconvolution import (
    DEFAULT_HOST_MASS_ERROR_DEX,
    HOST_EXPONENTS,
    error_covariances,
)
from panoptic.sample import MassProvenance

_OTHER_METHODS = (0.0, 1.0 / 3.0)  # of HOST_EXPONENTS: a mass on its own, a period
_MAX_REDRAWS = 1000


@dataclass(frozen=True, slots=True)
class SampleVariant:
    """S draws of n companions.

    log_q, log_a : (S, n) dex, a in AU
    main : (S, n) in the main sample: M_star, M_c, a and e known, no limit.
    mass_orbit : (S, n) the same without e.
    """

    companions: Companions
    log_q: Floats
    log_a: Floats
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
    return _variant(
        companions, companions.log_q[None], companions.log_a[None], keep[None]
    )


def with_mass_limits(companions: Companions) -> SampleVariant:
    """Return the sample with rows whose mass or axis is a limit."""
    known = np.isfinite(companions.log_q) & np.isfinite(companions.log_a)
    return SampleVariant(
        companions=companions,
        log_q=companions.log_q[None],
        log_a=companions.log_a[None],
        main=(known & np.isfinite(companions.ecc))[None],
        mass_orbit=known[None],
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
    log_q, log_a = (
        np.broadcast_to(axis, lot.shape)
        for axis in (companions.log_q, companions.log_a)
    )
    main, mass_orbit = (
        _highest_of_each(np.where(rows[0], lot, -1.0), host)
        for rows in (whole.main, whole.mass_orbit)
    )
    return SampleVariant(companions, log_q, log_a, main, mass_orbit)


def redrawn_masses(
    companions: Companions,
    surroundings: Companions,
    *,
    host_mass_range_msun: tuple[float, float],
    n_draws: int,
    rng: np.random.Generator,
) -> SampleVariant:
    """Draw M_star, M_c and a from their errors and select by host mass again.

    In dex and normal. The draw of log M_star carries M_c and a along as the method
    says (`HOST_EXPONENTS`): a light curve of microlensing measures q itself, Kepler's
    law gives a ~ M_star^(1/3). Absent errors are the defaults of
    `panoptic.demographics.extreme_deconvolution`.

    Parameters
    ----------
    companions, surroundings : rows inside the host-mass range and rows near it, which
        draws may bring in.
    """
    everyone = _joined(companions, surroundings)
    shape = (n_draws, len(everyone))
    host = np.where(
        everyone.st_mass_err > 0.0,
        everyone.st_mass_err / (everyone.st_mass * np.log(10.0)),
        DEFAULT_HOST_MASS_ERROR_DEX,
    )
    gamma, delta = np.array(
        [HOST_EXPONENTS.get(str(name), _OTHER_METHODS) for name in everyone.method]
    ).T.reshape(2, -1)
    errors, _ = error_covariances(everyone)
    own_q = np.sqrt(errors[:, 0, 0] - ((gamma - 1.0) * host) ** 2)
    own_a = np.sqrt(errors[:, 1, 1] - (delta * host) ** 2)
    shift = host * rng.standard_normal(shape)  # of log M_star
    log_q = everyone.log_q + (gamma - 1.0) * shift + own_q * rng.standard_normal(shape)
    log_a = everyone.log_a + delta * shift + own_a * rng.standard_normal(shape)
    low, high = np.log10(host_mass_range_msun)
    log_mass = np.log10(everyone.st_mass) + shift
    return _variant(everyone, log_q, log_a, (log_mass >= low) & (log_mass <= high))


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
    log_a = np.broadcast_to(companions.log_a, shape)
    return _variant(companions, companions.log_q + gain, log_a, keep)


def _joined(first: Companions, second: Companions) -> Companions:
    return Companions(
        **{
            f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
            for f in fields(Companions)
        }
    )


def _variant(
    companions: Companions, log_q: Floats, log_a: Floats, keep: Flags
) -> SampleVariant:
    known = keep & np.isfinite(log_q) & np.isfinite(log_a)
    known &= (companions.mass_limit == 0) & ~companions.a_limit
    main = known & np.isfinite(companions.ecc)
    return SampleVariant(companions, log_q, log_a, main, known)


def _highest_of_each(lot: Floats, group: NDArray[np.intp]) -> Flags:
    """Which entry (S, n) is the highest of its group; negative ones never are."""
    best = np.full((len(lot), int(group.max(initial=-1)) + 1), -1.0)
    for column, of in zip(lot.T, group, strict=True):
        best[:, of] = np.maximum(best[:, of], column)
    return (lot >= 0.0) & (lot == best[:, group])
