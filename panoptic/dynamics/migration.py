"""What dynamics says about how the studied companion could have come in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panoptic.constants import RSUN_AU
from panoptic.dynamics.disk_torque import DiskRanges, DiskTorque, disk_torque
from panoptic.dynamics.feasibility import (
    COVERED_FRACTION,
    FeasibilityMap,
    InnerOrbit,
    OuterOrbitPrior,
    PerturberGrid,
    Progress,
    map_feasibility,
)
from panoptic.dynamics.tides import StellarTide, stellar_tide, tidal_radius_au
from panoptic.stars import radius_rsun
from panoptic.statement import NotRun, Statement

DISRUPTION_FACTOR = 2.7  # pericentre in r_t; Guillochon et al. 2011
RADIUS_IF_UNKNOWN_RJUP = 1.0


@dataclass(frozen=True, slots=True)
class ObservedCompanion:
    """A companion as it is seen today; None where a value is not known."""

    name: str
    host_mass_msun: float
    mass_mjup: float | None
    axis_au: float | None
    host_radius_rsun: float | None = None
    radius_rjup: float | None = None


@dataclass(frozen=True, slots=True)
class PericentreThresholds:
    """The distances that decide what a deep passage does to the companion, AU."""

    host_radius_au: float
    criterion_au: float  # r_crit of the map
    disruption_factor: float
    disruption_au: float  # disruption_factor times the tidal radius
    arrival_au: float  # pericentre of an orbit that ends circular at today's axis


@dataclass(frozen=True, slots=True)
class MigrationFindings:
    """Every answer about the target's way in, each with what it rests on."""

    target: ObservedCompanion
    inner: InnerOrbit  # the radii in use: given, or from relations
    thresholds: PericentreThresholds
    criterion: FeasibilityMap
    stellar_tide: StellarTide  # at today's axis
    disk_today: DiskTorque  # at today's axis
    disk_at_start: DiskTorque  # at the initial axis of the map


def investigate_migration(
    target: ObservedCompanion,
    *,
    grid: PerturberGrid,
    inner_axis_au: tuple[float, float],
    prior: OuterOrbitPrior,
    n_draws: int,
    horizon_gyr: float,
    r_crit_rstar: float,
    seed: int,
    disk_ranges: DiskRanges | None = None,
    progress: Progress | None = None,
) -> MigrationFindings | NotRun:
    """Return what perturbers, tides and a disk could have done to the target.

    Not run without a mass or an axis, or without a host radius where the relation
    has none (outside its domain). A companion radius that is not known is 1 RJup.

    Raises
    ------
    ValueError
        for settings that make no sense; see `map_feasibility`.
    """
    if target.mass_mjup is None or target.axis_au is None:
        return NotRun(f"{target.name} has no mass or no semi-major axis")
    host_radius = target.host_radius_rsun or float(radius_rsun(target.host_mass_msun))
    if not np.isfinite(host_radius):
        return NotRun(
            f"no radius is given for a host of {target.host_mass_msun:g} Msun, and the "
            "mass-radius relation does not reach there"
        )
    inner = InnerOrbit(
        host_mass_msun=target.host_mass_msun,
        host_radius_rsun=host_radius,
        companion_mass_mjup=target.mass_mjup,
        companion_radius_rjup=target.radius_rjup or RADIUS_IF_UNKNOWN_RJUP,
        axis_au=inner_axis_au,
    )
    criterion = map_feasibility(
        grid,
        inner,
        n_draws=n_draws,
        horizon_gyr=horizon_gyr,
        r_crit_rstar=r_crit_rstar,
        seed=seed,
        prior=prior,
        progress=progress,
    )
    masses = inner.host_mass_msun, inner.companion_mass_mjup
    return MigrationFindings(
        target=target,
        inner=inner,
        thresholds=_thresholds(inner, r_crit_rstar, target.axis_au),
        criterion=criterion,
        stellar_tide=stellar_tide(
            *masses, host_radius_rsun=host_radius, axis_au=target.axis_au
        ),
        disk_today=disk_torque(*masses, axis_au=target.axis_au, ranges=disk_ranges),
        disk_at_start=disk_torque(
            *masses, axis_au=inner.typical_axis_au, ranges=disk_ranges
        ),
    )


def state_migration(findings: MigrationFindings) -> tuple[Statement, ...]:
    """Say what the findings mean; every sentence follows from their numbers."""
    return (
        _state_criterion(findings),
        _state_alarm(findings),
        _state_stellar_tide(findings),
        _state_disk(findings),
    )


def _fact(unit: str, meaning: str) -> dict[str, str]:
    return {"unit": unit, "meaning": meaning}


ARRAY_FACTS = {
    "perturber_mass_msun": _fact("Msun", "axis of the grid, (n_mass,)"),
    "perturber_axis_au": _fact("AU", "axis of the grid, (n_axis,)"),
    "criterion_fraction": _fact("", "share of the draws that pass the criterion"),
    "criterion_fraction_low": _fact("", "its Wilson 95 % interval, lower end"),
    "criterion_fraction_high": _fact("", "upper end"),
    "criterion_n_feasible": _fact("", "draws that pass"),
    "criterion_n_unstable": _fact("", "draws that are unstable; never feasible"),
    "criterion_unstable_fraction": _fact("", "their share"),
    "t_kl_median_yr": _fact("yr", "t_KL at the median e_out and median a"),
    "averaging_ratio": _fact("", "P_out/(2 pi t_LK); above 0.1 averaging fails"),
    "angular_momentum_ratio": _fact("", "L_in/L_out; above 0.1 no test particle"),
    "criterion_n_draws": _fact("", "draws per cell"),
    "seed": _fact("", "key of the draws"),
    "horizon_gyr": _fact("Gyr", "time in which migration must happen"),
    "r_crit_rstar": _fact("R_star", "the criterion's pericentre threshold"),
    "r_crit_au": _fact("AU", "the same"),
    "disruption_radius_au": _fact("AU", "2.7 tidal radii of the target"),
    "target_name": _fact("", "the studied object"),
    "host_mass_msun": _fact("Msun", "its host"),
    "host_radius_rsun": _fact("Rsun", "its host's radius, given or by relation"),
    "companion_mass_mjup": _fact("MJup", "its mass"),
    "companion_radius_rjup": _fact("RJup", "its radius, given or 1"),
    "inner_axis_au": _fact("AU", "ends of the initial axis"),
    "ecc_out_range": _fact("", "ends of the perturber's eccentricity"),
    "ecc_out_law": _fact("", "its distribution"),
    "inclination_range_deg": _fact("deg", "ends of the mutual inclination"),
}


def migration_arrays(findings: MigrationFindings) -> dict[str, NDArray]:
    """Return the arrays of `feasibility_map.npz`; parameters are 0-d arrays.

    Grids are (n_mass, n_axis). No object arrays, so no pickle.
    """
    found = findings.criterion
    inner, prior = found.inner, found.prior
    return {
        "perturber_mass_msun": found.grid.mass_msun,
        "perturber_axis_au": found.grid.axis_au,
        "criterion_fraction": found.fraction,
        "criterion_fraction_low": found.fraction_low,
        "criterion_fraction_high": found.fraction_high,
        "criterion_n_feasible": found.n_feasible,
        "criterion_n_unstable": found.n_unstable,
        "criterion_unstable_fraction": found.n_unstable / found.n_draws,
        "t_kl_median_yr": found.t_kl_median_yr,
        "averaging_ratio": found.averaging_ratio,
        "angular_momentum_ratio": found.angular_momentum_ratio,
        "criterion_n_draws": np.array(found.n_draws),
        "seed": np.array(found.seed),
        "horizon_gyr": np.array(found.horizon_gyr),
        "r_crit_rstar": np.array(found.r_crit_rstar),
        "r_crit_au": np.array(found.r_crit_au),
        "disruption_radius_au": np.array(findings.thresholds.disruption_au),
        "target_name": np.array(findings.target.name),
        "host_mass_msun": np.array(inner.host_mass_msun),
        "host_radius_rsun": np.array(inner.host_radius_rsun),
        "companion_mass_mjup": np.array(inner.companion_mass_mjup),
        "companion_radius_rjup": np.array(inner.companion_radius_rjup),
        "inner_axis_au": np.array(inner.axis_au),
        "ecc_out_range": np.array(prior.ecc_range),
        "ecc_out_law": np.array(str(prior.ecc_law)),
        "inclination_range_deg": np.array(prior.inclination_range_deg),
    }


def _thresholds(
    inner: InnerOrbit, r_crit_rstar: float, axis_today_au: float
) -> PericentreThresholds:
    tidal_radius = tidal_radius_au(
        inner.host_mass_msun,
        inner.companion_mass_mjup,
        companion_radius_rjup=inner.companion_radius_rjup,
    )
    host_radius_au = inner.host_radius_rsun * RSUN_AU
    return PericentreThresholds(
        host_radius_au=host_radius_au,
        criterion_au=r_crit_rstar * host_radius_au,
        disruption_factor=DISRUPTION_FACTOR,
        disruption_au=DISRUPTION_FACTOR * float(tidal_radius),
        arrival_au=0.5 * axis_today_au,  # a (1 - e^2) is conserved, e near 1
    )


def _state_criterion(findings: MigrationFindings) -> Statement:
    found = findings.criterion
    best = np.unravel_index(np.argmax(found.fraction), found.fraction.shape)
    mass, axis = found.grid.mass_msun[best[0]], found.grid.axis_au[best[1]]
    start = _interval_text(found.inner.axis_au, "AU")
    return Statement(
        text=(
            f"By the study's criterion {100 * found.mean_fraction:.1f} % of the "
            f"perturbers on the grid send {findings.target.name}, started at {start}, "
            f"within {found.r_crit_rstar:g} stellar radii in {found.horizon_gyr:g} "
            f"Gyr; {100 * found.coverage:.0f} % of the cells reach a fraction of "
            f"{COVERED_FRACTION:g}."
        ),
        evidence=(
            f"{found.grid.n_cells} cells of {found.n_draws} draws; highest cell "
            f"{found.fraction[best]:.3f} (95 % {found.fraction_low[best]:.3f}-"
            f"{found.fraction_high[best]:.3f}, Wilson) at {mass:.3g} Msun, "
            f"{axis:.3g} AU; unstable "
            f"{100 * found.n_unstable.sum() / found.grid.n_cells / found.n_draws:.1f} %"
        ),
        caveat=(
            "The criterion compares thresholds; it does not follow an orbit, and has "
            "no short-range forces, octupole, tides or disruption."
        ),
    )


def _state_alarm(findings: MigrationFindings) -> Statement:
    """Say where the criterion's threshold lies against the disruption radius."""
    limits = findings.thresholds
    inside = limits.criterion_au < limits.disruption_au
    evidence = (
        f"r_crit = {limits.criterion_au:.4f} AU; disruption inside "
        f"{limits.disruption_factor:g} r_t = {limits.disruption_au:.4f} AU; an orbit "
        f"that ends circular at {findings.target.axis_au:.4g} AU passes at "
        f"{limits.arrival_au:.4f} AU = "
        f"{limits.arrival_au / limits.host_radius_au:.1f} stellar radii"
    )
    caveat = (
        "The radius of total disruption is disputed (2.0 r_t is the other usual "
        "value), and a companion inflated by tides is torn apart further out."
    )
    if inside:
        text = (
            "The criterion's pericentre threshold lies inside the companion's tidal "
            f"disruption radius ({limits.criterion_au / limits.disruption_au:.2f} of "
            "it): what it counts as an arrival would be torn apart, so it must not be "
            "read alone."
        )
    else:
        text = (
            "The criterion's pericentre threshold lies outside the companion's tidal "
            f"disruption radius ({limits.criterion_au / limits.disruption_au:.2f} of "
            "it): it does not by itself count destroyed companions as arrivals."
        )
    return Statement(text, evidence, caveat)


def _state_stellar_tide(findings: MigrationFindings) -> Statement:
    tide = findings.stellar_tide
    horizon = findings.criterion.horizon_gyr
    quickest = min(tide.spiral_in_time_yr) / 1e9
    can = "can" if quickest <= horizon else "cannot"
    return Statement(
        text=(
            f"The tide in the star {can} bring the companion in from where it is "
            f"within {horizon:g} Gyr: spiralling in takes {quickest:.3g} Gyr at "
            f"the strongest dissipation considered."
        ),
        evidence="; ".join(
            f"Q' = {q:.0e}: e-folding {whole / 1e9:.3g} Gyr, until contact "
            f"{rest / 1e9:.3g} Gyr"
            for q, whole, rest in zip(
                tide.q_prime,
                tide.e_folding_time_yr,
                tide.spiral_in_time_yr,
                strict=True,
            )
        ),
        caveat=f"{tide.formula}; only inside corotation, Q' uncertain by decades.",
    )


def _state_disk(findings: MigrationFindings) -> Statement:
    start = findings.disk_at_start
    short, long = start.ranges.lifetime_myr
    return Statement(
        text=(
            f"In {100 * start.share_within_longest:.0f} % of the disks considered a "
            f"disk moves the companion at {start.axis_au:.3g} AU within {long:g} Myr "
            f"({100 * start.share_within_shortest:.0f} % within {short:g} Myr)."
        ),
        evidence=(
            f"time {start.time_yr.low:.2g}-{start.time_yr.high:.2g} yr (median "
            f"{start.time_yr.median:.2g}); Type I alone {start.type_i_time_yr.low:.2g}-"
            f"{start.type_i_time_yr.high:.2g} yr; a gap opens in "
            f"{100 * start.gap_share:.0f} % of them; at today's "
            f"{findings.disk_today.axis_au:.3g} AU the median is "
            f"{findings.disk_today.time_yr.median:.2g} yr"
        ),
        caveat=(
            "Shares count combinations of surface density, age, slope and viscosity "
            f"over stated ranges ({_ranges_text(start.ranges)}), not probabilities."
        ),
    )


def _ranges_text(ranges: DiskRanges) -> str:
    return (
        f"Sigma at 1 AU {_interval_text(ranges.sigma_g_cm2, 'g/cm2')}, stellar age "
        f"{_interval_text(ranges.age_myr, 'Myr')}, slope "
        f"{_interval_text(ranges.slope)}, alpha {_interval_text(ranges.alpha)}"
    )


def _interval_text(ends: tuple[float, float], unit: str = "") -> str:
    low, high = ends
    numbers = f"{low:g}" if low == high else f"{low:g}-{high:g}"
    return f"{numbers} {unit}".rstrip()
