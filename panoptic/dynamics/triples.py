"""Hierarchical triples as arrays of one length, and what scales their secular motion.

Letters in formulas: m0 host, m1 companion, m2 perturber; a, e, n the inner orbit of
m0 and m1; a_out, e_out that of m2 about both; P_out and P_in their periods. The frame
has z along the normal of the outer orbit and x towards its pericentre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoptic.constants import RJUP_AU, YEAR_S
from panoptic.dynamics.kozai_lidov import (
    angular_momentum_ratio,
    octupole_strength,
    relativity_strength,
    rotation_strength,
    secular_time_yr,
    tide_strength,
)
from panoptic.orbits import mean_motion_per_yr

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Triples:
    """Initial conditions of n triples, every array (n,). Made by `Triples.of`."""

    host_mass_msun: Floats
    companion_mass_msun: Floats
    perturber_mass_msun: Floats
    inner_a_au: Floats
    inner_e: Floats
    outer_a_au: Floats
    outer_e: Floats
    inclination_rad: Floats  # between the two orbits
    pericentre_rad: Floats  # of the companion, from the node on the outer orbit
    node_rad: Floats  # of the inner orbit, from the outer pericentre
    companion_radius_rjup: Floats
    love_number: Floats  # k2 of the companion: twice its apsidal constant
    time_lag_s: Floats  # of the tide raised in the companion; 0 switches decay off

    @classmethod
    def of(
        cls,
        *,
        host_mass_msun: ArrayLike,
        companion_mass_msun: ArrayLike,
        perturber_mass_msun: ArrayLike,
        inner_a_au: ArrayLike,
        inner_e: ArrayLike,
        outer_a_au: ArrayLike,
        outer_e: ArrayLike,
        inclination_rad: ArrayLike,
        pericentre_rad: ArrayLike,
        node_rad: ArrayLike,
        companion_radius_rjup: ArrayLike = 1.0,
        love_number: ArrayLike = 0.37,
        time_lag_s: ArrayLike = 1.0,
    ) -> Triples:
        """Broadcast scalars and arrays to one length and check them.

        An orbit of the perturber inside or across the inner one is let through: such
        a triple is unstable, and to say so is `evolve`'s `unstable` mask.

        Raises
        ------
        ValueError
            for more than one dimension, a value that is not finite, a mass, axis or
            radius that is not positive, an eccentricity outside [0, 1), a negative
            Love number or lag.
        """
        given = (
            host_mass_msun,
            companion_mass_msun,
            perturber_mass_msun,
            inner_a_au,
            inner_e,
            outer_a_au,
            outer_e,
            inclination_rad,
            pericentre_rad,
            node_rad,
            companion_radius_rjup,
            love_number,
            time_lag_s,
        )
        columns = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in given)
        )
        if columns[0].ndim != 1:
            raise ValueError(f"triples form one row, got shape {columns[0].shape}")
        triples = cls(*(np.ascontiguousarray(column) for column in columns))
        triples._check()
        return triples

    def __len__(self) -> int:
        return len(self.host_mass_msun)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int_]) -> Triples:
        """Return the triples of a mask or of indices, in that order."""
        return Triples(*(getattr(self, item.name)[chosen] for item in fields(self)))

    @classmethod
    def together(cls, parts: Sequence[Triples]) -> Triples:
        """Return the triples of all parts, one part after the other."""
        return cls(
            *(
                np.concatenate([getattr(part, item.name) for part in parts])
                for item in fields(cls)
            )
        )

    @property
    def inner_mass_msun(self) -> Floats:
        return self.host_mass_msun + self.companion_mass_msun

    @property
    def tidal_radius_au(self) -> Floats:
        """r_t = R1 (m0/m1)^(1/3), the unit in which disruption is stated."""
        ratio = self.host_mass_msun / self.companion_mass_msun
        return self.companion_radius_rjup * RJUP_AU * np.cbrt(ratio)

    @property
    def orbit_vectors(self) -> tuple[Floats, Floats]:
        """The vectors e (towards the pericentre) and j (along the normal), (n, 3)."""
        ci, si = np.cos(self.inclination_rad), np.sin(self.inclination_rad)
        cw, sw = np.cos(self.pericentre_rad), np.sin(self.pericentre_rad)
        cn, sn = np.cos(self.node_rad), np.sin(self.node_rad)
        towards = np.stack([cn * cw - sn * sw * ci, sn * cw + cn * sw * ci, sw * si])
        normal = np.stack([sn * si, -cn * si, ci])
        e = self.inner_e
        return (e * towards).T, (np.sqrt((1.0 - e) * (1.0 + e)) * normal).T

    @property
    def are_nested(self) -> NDArray[np.bool_]:
        """True where the outer pericentre lies outside the inner apocentre."""
        closest = self.outer_a_au * (1.0 - self.outer_e)
        return closest > self.inner_a_au * (1.0 + self.inner_e)

    def _check(self) -> None:
        for item in fields(self):
            values = getattr(self, item.name)
            allowed = np.isfinite(values) & _ALLOWED.get(item.name, _positive)(values)
            if not allowed.all():
                worst = values[~allowed][0]
                raise ValueError(
                    f"{item.name} must be {_DOMAIN.get(item.name, 'positive')} and "
                    f"finite; {np.count_nonzero(~allowed)} of {len(values)} are not, "
                    f"the first is {worst}"
                )


def _positive(values: Floats) -> NDArray[np.bool_]:
    return values > 0.0


def _not_negative(values: Floats) -> NDArray[np.bool_]:
    return values >= 0.0


def _bound(values: Floats) -> NDArray[np.bool_]:
    return (values >= 0.0) & (values < 1.0)


def _anything(values: Floats) -> NDArray[np.bool_]:
    return np.ones(values.shape, dtype=np.bool_)


_ALLOWED = {
    "inner_e": _bound,
    "outer_e": _bound,
    "inclination_rad": _anything,
    "pericentre_rad": _anything,
    "node_rad": _anything,
    "love_number": _not_negative,
    "time_lag_s": _not_negative,
}
_DOMAIN = {
    "inner_e": "in [0, 1)",
    "outer_e": "in [0, 1)",
    "inclination_rad": "an angle",
    "pericentre_rad": "an angle",
    "node_rad": "an angle",
    "love_number": "0 or more",
    "time_lag_s": "0 or more",
}


class OuterOrbit(StrEnum):
    """What the inner orbit does to the outer one."""

    FIXED = "fixed"  # nothing: the companion is a test particle
    MOVING = "moving"  # it turns it and changes its shape
    BY_MOMENTUM = "by momentum"  # MOVING above `LARGEST_FIXED_ETA`, else FIXED


LARGEST_FIXED_ETA = 0.05  # L_in/L_out above which the outer orbit is let move


@dataclass(frozen=True, slots=True)
class SecularScales:
    """The numbers that the dimensionless equations of `secular` know, each (n,).

    Rates are per t_LK at the initial inner axis; closed forms in `kozai_lidov`.
    """

    t_lk_yr: Floats
    octupole: Floats
    relativity: Floats  # apsidal rate of general relativity is this / j^2
    tide: Floats  # that of the companion's bulge: this (1 + 3e^2/2 + e^4/8) / j^10
    rotation: Floats  # that of its flattening: this (spin/n)^2 / j^4
    decay: Floats  # 6 k2 dt_L n^2 (m0/m1) (R1/a)^5 per t_LK

    bare_octupole: Floats  # (m0 - m1)/m_in a/a_out: e_out is a variable where it moves
    outer_j: Floats  # sqrt(1 - e_out^2)
    eta: Floats  # L_in / L_out, the inner orbit circular

    def moving(self, outer_orbit: OuterOrbit) -> NDArray[np.bool_]:
        """Return which outer orbits are variables, (n,)."""
        if outer_orbit is OuterOrbit.BY_MOMENTUM:
            return self.eta > LARGEST_FIXED_ETA
        return np.full(len(self.eta), outer_orbit is OuterOrbit.MOVING)

    def strengths(self, moving: NDArray[np.bool_]) -> Floats:
        """Return all but the time, (n, 7), in the order the kernels read them."""
        return np.stack(
            [
                np.where(moving, self.bare_octupole, self.octupole),
                self.relativity,
                self.tide,
                self.rotation,
                self.decay,
                self.eta * self.outer_j,  # both orbits circular
                self.outer_j**3,
            ],
            axis=1,
        )

    @classmethod
    def of(cls, triples: Triples) -> SecularScales:
        t = triples
        outer = {
            "axis_au": t.inner_a_au,
            "axis_out_au": t.outer_a_au,
            "ecc_out": t.outer_e,
        }
        inner = {
            "host_mass_msun": t.host_mass_msun,
            "companion_mass_msun": t.companion_mass_msun,
        }
        masses = {**inner, "perturber_mass_msun": t.perturber_mass_msun}
        bulge = {
            "love_number": t.love_number,
            "companion_radius_rjup": t.companion_radius_rjup,
        }
        axis_ratio = t.outer_a_au / t.inner_a_au
        mass_asymmetry = (t.host_mass_msun - t.companion_mass_msun) / t.inner_mass_msun
        t_lk = secular_time_yr(t.inner_mass_msun, t.perturber_mass_msun, **outer)
        tide = tide_strength(**masses, **outer, **bulge)
        n = mean_motion_per_yr(t.inner_a_au, t.inner_mass_msun)
        return cls(
            t_lk_yr=t_lk,
            octupole=octupole_strength(
                **inner, axis_ratio=axis_ratio, ecc_out=t.outer_e
            ),
            relativity=relativity_strength(
                t.inner_mass_msun, t.perturber_mass_msun, **outer
            ),
            tide=tide,
            rotation=rotation_strength(
                **masses, **outer, **bulge, spin_over_mean_motion=1.0
            ),
            # eps_tide holds the same product of sizes and masses, times 7.5 n t_LK
            decay=tide / 7.5 * 6.0 * n * t.time_lag_s / YEAR_S,
            bare_octupole=mass_asymmetry / axis_ratio,
            outer_j=np.sqrt((1.0 - t.outer_e) * (1.0 + t.outer_e)),
            eta=angular_momentum_ratio(
                **masses, axis_ratio=axis_ratio, ecc_out=t.outer_e
            ),
        )
