"""The triples that are asked about: inner orbit, perturbers, and their priors."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from panoptic.constants import MSUN_MJUP

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]  # done, in all


class EccentricityLaw(StrEnum):
    """How outer eccentricities are distributed between their bounds."""

    UNIFORM = "uniform"
    THERMAL = "thermal"  # density 2 e


@dataclass(frozen=True, slots=True)
class InnerOrbit:
    """Host, companion and where the companion starts, on a circular orbit.

    The initial semi-major axis is log-uniform between the two ends of `axis_au`; equal
    ends fix it.

    Raises
    ------
    ValueError
        for a mass, radius or axis that is not positive, or ends out of order.
    """

    host_mass_msun: float  # mass of the host, Msun
    host_radius_rsun: float  # radius of the host, Rsun
    companion_mass_mjup: float  # mass of the companion, MJup
    companion_radius_rjup: float  # radius of the companion, RJup
    axis_au: tuple[float, float]  # ends of the initial semi-major axis, AU

    def __post_init__(self) -> None:
        for name in (
            "host_mass_msun",
            "host_radius_rsun",
            "companion_mass_mjup",
            "companion_radius_rjup",
        ):
            require_positive(name, getattr(self, name))
        _require_range("axis_au", self.axis_au)

    @property
    def mass_msun(self) -> float:
        """Mass of host and companion."""
        return self.host_mass_msun + self.companion_mass_mjup / MSUN_MJUP

    @property
    def typical_axis_au(self) -> float:
        """The fixed initial axis, or the median of its distribution."""
        return float(np.sqrt(self.axis_au[0] * self.axis_au[1]))


@dataclass(frozen=True, slots=True)
class PerturberGrid:
    """The cells of a map: every mass with every semi-major axis.

    Cell (i, k) has index i * len(axis_au) + k.
    """

    mass_msun: Floats  # (n_mass,) Msun
    axis_au: Floats  # (n_axis,) semi-major axes, AU

    def __post_init__(self) -> None:
        for name in ("mass_msun", "axis_au"):
            values = getattr(self, name)
            if values.ndim != 1 or not len(values) or not np.all(values > 0):
                raise ValueError(f"{name} must be a row of positive numbers: {values}")

    @classmethod
    def log_spaced(
        cls,
        mass_range_msun: tuple[float, float],
        axis_range_au: tuple[float, float],
        *,
        n_mass: int,
        n_axis: int,
    ) -> "PerturberGrid":
        """Return a grid from end to end; a single cell lies at the geometric mean."""
        _require_range("perturber mass", mass_range_msun)
        _require_range("perturber axis", axis_range_au)
        return cls(_points(mass_range_msun, n_mass), _points(axis_range_au, n_axis))

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.mass_msun), len(self.axis_au)

    @property
    def n_cells(self) -> int:
        return len(self.mass_msun) * len(self.axis_au)

    def per_cell(self) -> tuple[Floats, Floats]:
        """Return mass and axis of every cell, (n_cells,) each."""
        mass, axis = np.meshgrid(self.mass_msun, self.axis_au, indexing="ij")
        return mass.ravel(), axis.ravel()


@dataclass(frozen=True, slots=True)
class OuterOrbitPrior:
    """How the outer orbit's eccentricity and mutual inclination are drawn.

    Inclinations are isotropic (cos i uniform) between their bounds.

    ecc_range : low and high end of the outer eccentricity.
    ecc_law : its distribution between them.
    inclination_range_deg : low and high end of the mutual inclination, deg.
    """

    ecc_range: tuple[float, float] = (0.0, 0.8)
    ecc_law: EccentricityLaw = EccentricityLaw.UNIFORM
    inclination_range_deg: tuple[float, float] = (0.0, 180.0)

    def __post_init__(self) -> None:
        low, high = self.ecc_range
        if not 0 <= low <= high < 1:
            raise ValueError(f"outer eccentricities must lie in [0, 1): {low}, {high}")
        low, high = self.inclination_range_deg
        if not 0 <= low <= high <= 180:
            raise ValueError(f"inclinations must lie in [0, 180] deg: {low}, {high}")

    @property
    def median_ecc(self) -> float:
        low, high = self.ecc_range
        if self.ecc_law is EccentricityLaw.THERMAL:
            return float(np.sqrt(0.5 * (low**2 + high**2)))
        return 0.5 * (low + high)


def require_outside(grid: PerturberGrid, inner: InnerOrbit) -> None:
    """Raise ValueError if a perturber lies inside every inner orbit.

    Where inner orbits are drawn from a range, single draws with the perturber inside
    are let through: they are unstable, and counted so.
    """
    nearest, narrowest = float(grid.axis_au.min()), inner.axis_au[0]
    if nearest <= narrowest:
        raise ValueError(
            f"the perturber's semi-major axis, from {nearest:g} AU, must lie outside "
            f"the inner orbit, from {narrowest:g} AU"
        )


def require_positive(name: str, value: float) -> None:
    """Raise ValueError if a setting is not a positive number."""
    if not value > 0:
        raise ValueError(f"{name} must be positive, got {value}")


def _points(ends: tuple[float, float], n: int) -> Floats:
    if n < 1:
        raise ValueError(f"a grid needs at least one cell along each axis, got {n}")
    return np.geomspace(*ends, n) if n > 1 else np.sqrt([ends[0] * ends[1]])


def _require_range(name: str, ends: tuple[float, float]) -> None:
    if not 0 < ends[0] <= ends[1]:
        raise ValueError(f"{name} must be 0 < low <= high, got {ends[0]}, {ends[1]}")
