"""The studied object: published TOI-6894 b and the rule for overrides.

The target is scored and marked, never fitted: its host lies outside the default
window, and a study must not fit the object it asks about.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from panoptic.constants import MSUN_MJUP


@dataclass(frozen=True, slots=True)
class Target:
    """One companion and its host; None where a value is not known."""

    pl_name: str  # name of the companion
    hostname: str  # name of its host
    st_mass: float  # mass of the host, Msun
    pl_bmassj: float  # mass of the companion, MJup
    pl_orbsmax: float  # semi-major axis, AU
    pl_orbeccen: float | None  # eccentricity
    st_metfe: float | None  # [Fe/H] of the host, dex
    st_rad: float | None  # radius of the host, Rsun
    pl_radj: float | None  # radius of the companion, RJup
    discoverymethod: str  # in the archive's words
    reference: str  # where the published values stand
    changed: tuple[str, ...] = ()  # names of the values that are not the published

    @property
    def q(self) -> float:
        return self.pl_bmassj / (self.st_mass * MSUN_MJUP)

    @property
    def log_q(self) -> float:
        return math.log10(self.q)

    @property
    def log_a(self) -> float:
        return math.log10(self.pl_orbsmax)

    @property
    def is_published(self) -> bool:
        return not self.changed

    @property
    def label(self) -> str:
        """The name as printed: a changed object is never called by its plain name."""
        if self.is_published or "pl_name" in self.changed:
            return self.pl_name
        return f"{self.pl_name} (modified)"


# Bryant et al. 2025, Nature Astronomy, as the NASA Exoplanet Archive lists them
# (PSCompPars of 2026-06-02).
TOI_6894_B = Target(
    pl_name="TOI-6894 b",
    hostname="TOI-6894",
    st_mass=0.207,
    pl_bmassj=0.168,
    pl_orbsmax=0.02604,
    pl_orbeccen=0.029,
    st_metfe=0.142,
    st_rad=0.2276,
    pl_radj=0.855,
    discoverymethod="Transit",
    reference="Bryant et al. 2025, Nature Astronomy",
)

_MASSES = ("st_mass", "pl_bmassj")
_FOLLOW_FROM_MASS = ("pl_orbeccen", "st_metfe", "st_rad", "pl_radj")


def resolve_target(**overrides: float | str | None) -> Target:
    """Return the published target with the given values put in place.

    A value of None, or one equal to the published, changes nothing. Once a mass is
    changed the object is another one: radii are left to relations, and eccentricity
    and [Fe/H] are unknown, unless they are given too.

    Raises
    ------
    TypeError
        for a name that `Target` does not have.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    changed: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if value != getattr(TOI_6894_B, name, None)
    }
    if any(name in changed for name in _MASSES):
        changed |= {name: None for name in _FOLLOW_FROM_MASS if name not in given}
    return replace(TOI_6894_B, **changed, changed=tuple(sorted(changed)))
