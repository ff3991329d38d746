"""Migration by the torques of a gas disk: which regime, how long, does it fit.

Sigma = Sigma_1 (a/AU)^-p; h = H/a from the young star's light; q = M_c / M_star.
All arguments positive, broadcast together; NaN in, NaN out. Torques on planets: the
linear one (Type I) holds below q = h^3, that of a gap (Type II) where one opens; from
q = `CAVITY_MASS_RATIO` on neither does.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panoptic.constants import (
    G_CM2_MSUN_AU2,
    G_M3_KG_S2,
    LSUN_W,
    MSUN_KG,
    MSUN_MJUP,
    STEFAN_BOLTZMANN_W_M2_K4,
    YEAR_S,
)
from panoptic.orbits import mean_motion_per_yr

Floats = NDArray[np.float64]

# From here on gas leaves a lopsided cavity around both bodies in place of a gap
# (D'Orazio et al. 2016, arXiv:1512.05788), and the torque can widen the orbit (from
# 0.05, Duffell et al. 2020, arXiv:1911.05506).
CAVITY_MASS_RATIO = 0.04


class DiskRegime(StrEnum):
    """Which torque acts on a companion."""

    LINEAR = "Type I"  # no gap, q below h^3
    BETWEEN = "between"  # no gap, but too heavy for the linear torque
    GAP = "Type II"
    CAVITY = "cavity"  # q from `CAVITY_MASS_RATIO` on


@dataclass(frozen=True, slots=True)
class DiskRanges:
    """What is not known of the disk: low and high end of each, both included."""

    sigma_g_cm2: tuple[float, float] = (10.0, 1000.0)  # gas at 1 AU, g/cm^2
    age_myr: tuple[float, float] = (1.0, 10.0)  # of the star whose light heats it, Myr
    slope: tuple[float, float] = (0.5, 1.5)  # p of the surface density
    alpha: tuple[float, float] = (1e-4, 1e-2)  # viscosity parameter
    host_teff_k: float = 3000.0  # on the Hayashi track, K
    lifetime_myr: tuple[float, float] = (1.0, 10.0)  # of the gas disk, Myr
    n_points: int = 9  # per range, evenly in the logarithm (slope: evenly)


@dataclass(frozen=True, slots=True)
class Band:
    """Smallest, middle and largest value over the ranges of the disk."""

    low: float  # smallest
    median: float  # middle
    high: float  # largest


@dataclass(frozen=True, slots=True)
class DiskTorque:
    """Disk migration of one companion at one distance, over all `ranges`.

    Times are a / |da/dt| at `axis_au`, not the time of the whole way in. Between the
    linear torque and a gap the linear time is an order of magnitude; for a cavity
    times and shares are those of the formulas for planets, and mean nothing.
    """

    host_mass_msun: float  # mass of the host, Msun
    companion_mass_mjup: float  # mass of the companion, MJup
    axis_au: float  # distance of the companion, AU
    ranges: DiskRanges  # the disks that are tried
    aspect_ratio: Band  # h = H/a
    luminosity_lsun: Band  # of the young star, Lsun
    type_i_time_yr: Band  # yr, whether or not a gap opens
    gap_share: float  # of the disks in which the companion opens a gap
    linear_share: float  # of the disks in which Type I holds: no gap, q below h^3
    time_yr: Band  # yr, of the regime that applies in each disk
    share_within_shortest: float  # of the disks: time <= low end of lifetime
    share_within_longest: float  # of the disks: time <= high end of lifetime
    gap_share_within_longest: float | None  # of those with a gap; None: no gap in any

    @property
    def mass_ratio(self) -> float:
        return self.companion_mass_mjup / (self.host_mass_msun * MSUN_MJUP)

    @property
    def between_share(self) -> float:
        """Share of the disks in which neither torque holds."""
        return 1.0 - self.gap_share - self.linear_share

    @property
    def regime(self) -> DiskRegime:
        """The regime of the larger part of the disks."""
        if self.mass_ratio >= CAVITY_MASS_RATIO:
            return DiskRegime.CAVITY
        shares = {
            DiskRegime.GAP: self.gap_share,
            DiskRegime.LINEAR: self.linear_share,
            DiskRegime.BETWEEN: self.between_share,
        }
        return max(shares, key=lambda regime: shares[regime])

    @property
    def verdict(self) -> str:
        """Whether the torque fits in the life of a disk, in words."""
        if self.regime is DiskRegime.CAVITY:
            return "open: too heavy for the torques of disks on planets"
        if self.share_within_longest == 0.0:
            return "too slow in every disk"
        if self.share_within_shortest == 1.0:
            return "fast enough in every disk"
        return "depends on the disk"


def contraction_luminosity_lsun(
    host_mass_msun: ArrayLike, age_myr: ArrayLike, *, teff_k: float
) -> Floats:
    """Return the light of a fully convective star that contracts at constant T_eff.

    E = -(3/7) G M^2 / R of an n = 3/2 polytrope, radiated by 4 pi R^2 sigma T^4 from
    infinite size: R^3 = G M^2 / (28 pi sigma T^4 t). No deuterium, no hydrogen
    burning: too faint by some tens of per cent near 1 Myr, and not for ages past the
    main sequence. 0.1 Msun, 3000 K: 0.053 Lsun at 1 Myr, 0.011 at 10 Myr.
    """
    mass = np.asarray(host_mass_msun, dtype=np.float64) * MSUN_KG
    flux = STEFAN_BOLTZMANN_W_M2_K4 * teff_k**4
    time = np.asarray(age_myr, dtype=np.float64) * 1e6 * YEAR_S
    radius = np.cbrt(G_M3_KG_S2 * mass**2 / (28.0 * np.pi * flux * time))
    return 4.0 * np.pi * radius**2 * flux / LSUN_W


def aspect_ratio(
    host_mass_msun: ArrayLike, *, axis_au: ArrayLike, luminosity_lsun: ArrayLike
) -> Floats:
    """Return h = 0.033 (a/AU)^(1/4) (M/Msun)^(-1/2) (L/Lsun)^(1/8), a lit disk."""
    a = np.asarray(axis_au, dtype=np.float64)
    mass = np.asarray(host_mass_msun, dtype=np.float64)
    light = np.asarray(luminosity_lsun, dtype=np.float64)
    return 0.033 * a**0.25 * mass**-0.5 * light**0.125


def local_disk_mass_msun(
    sigma_1_g_cm2: ArrayLike, axis_au: ArrayLike, slope: ArrayLike
):
    """Return Sigma a^2, for Sigma = Sigma_1 (a/AU)^-slope."""
    a = np.asarray(axis_au, dtype=np.float64)
    return np.asarray(sigma_1_g_cm2) * G_CM2_MSUN_AU2 * a ** (2.0 - np.asarray(slope))


def type_i_time_yr(
    host_mass_msun: ArrayLike,
    mass_ratio: ArrayLike,
    *,
    axis_au: ArrayLike,
    local_mass_msun: ArrayLike,
    aspect_ratio: ArrayLike,
    slope: ArrayLike,
) -> Floats:
    """Return t_I = (M_star/m) (M_star/(Sigma a^2)) h^2 / (Omega (2.7 + 1.1 p)).

    Tanaka, Takeuchi & Ward 2002 (ApJ 565, 1257), isothermal, three dimensions.
    """
    mass = np.asarray(host_mass_msun, dtype=np.float64)
    omega = mean_motion_per_yr(axis_au, mass)
    strength = (2.7 + 1.1 * np.asarray(slope)) * np.asarray(mass_ratio)
    return (
        mass / np.asarray(local_mass_msun) * np.square(aspect_ratio) / omega / strength
    )


def gap_parameter(
    mass_ratio: ArrayLike, *, aspect_ratio: ArrayLike, alpha: ArrayLike
) -> Floats:
    """Return (3/4) H/R_H + 50 alpha h^2/q: a gap opens where it is at most 1.

    Crida, Morbidelli & Masset 2006 (Icarus 181, 587), 50/Reynolds number with
    nu = alpha h^2 a^2 Omega.
    """
    q = np.asarray(mass_ratio, dtype=np.float64)
    h = np.asarray(aspect_ratio, dtype=np.float64)
    return 0.75 * h / np.cbrt(q / 3.0) + 50.0 * np.asarray(alpha) * h**2 / q


def type_ii_time_yr(
    host_mass_msun: ArrayLike,
    mass_ratio: ArrayLike,
    *,
    axis_au: ArrayLike,
    local_mass_msun: ArrayLike,
    aspect_ratio: ArrayLike,
    alpha: ArrayLike,
) -> Floats:
    """Return a^2 / (1.5 nu), slowed by m/(Sigma a^2) where that is above 1."""
    mass = np.asarray(host_mass_msun, dtype=np.float64)
    omega = mean_motion_per_yr(axis_au, mass)
    viscous = 1.0 / (1.5 * np.asarray(alpha) * np.square(aspect_ratio) * omega)
    load = np.asarray(mass_ratio) * mass / np.asarray(local_mass_msun)
    return viscous * np.maximum(load, 1.0)


def disk_torque(
    host_mass_msun: float,
    companion_mass_mjup: float,
    *,
    axis_au: float,
    ranges: DiskRanges | None = None,
) -> DiskTorque:
    """Return regime and time of disk migration over every disk of `ranges`."""
    ranges = DiskRanges() if ranges is None else ranges
    sigma, age, slope, alpha = _disks(ranges)
    q = companion_mass_mjup / (host_mass_msun * MSUN_MJUP)
    light = contraction_luminosity_lsun(host_mass_msun, age, teff_k=ranges.host_teff_k)
    h = aspect_ratio(host_mass_msun, axis_au=axis_au, luminosity_lsun=light)
    local = local_disk_mass_msun(sigma, axis_au, slope)
    type_i = type_i_time_yr(
        host_mass_msun,
        q,
        axis_au=axis_au,
        local_mass_msun=local,
        aspect_ratio=h,
        slope=slope,
    )
    type_ii = type_ii_time_yr(
        host_mass_msun,
        q,
        axis_au=axis_au,
        local_mass_msun=local,
        aspect_ratio=h,
        alpha=alpha,
    )
    gap = gap_parameter(q, aspect_ratio=h, alpha=alpha) <= 1.0
    time = np.where(gap, type_ii, type_i)
    shortest, longest = ranges.lifetime_myr
    in_time = time <= longest * 1e6
    return DiskTorque(
        host_mass_msun=host_mass_msun,
        companion_mass_mjup=companion_mass_mjup,
        axis_au=axis_au,
        ranges=ranges,
        aspect_ratio=_band(h),
        luminosity_lsun=_band(light),
        type_i_time_yr=_band(type_i),
        gap_share=float(np.mean(gap)),
        linear_share=float(np.mean(~gap & (q < h**3))),
        time_yr=_band(time),
        share_within_shortest=float(np.mean(time <= shortest * 1e6)),
        share_within_longest=float(np.mean(in_time)),
        gap_share_within_longest=float(np.mean(in_time[gap])) if gap.any() else None,
    )


def _disks(ranges: DiskRanges) -> tuple[Floats, Floats, Floats, Floats]:
    """Return Sigma_1, age, slope and alpha of every disk, all combinations."""
    n = ranges.n_points
    axes = (
        np.geomspace(*ranges.sigma_g_cm2, n),
        np.geomspace(*ranges.age_myr, n),
        np.linspace(*ranges.slope, n),
        np.geomspace(*ranges.alpha, n),
    )
    sigma, age, slope, alpha = np.array(list(product(*axes))).T
    return sigma, age, slope, alpha


def _band(values: Floats) -> Band:
    return Band(float(values.min()), float(np.median(values)), float(values.max()))
