"""What was found about the target's way in, and its form as arrays and table."""

from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from panoptic.dynamics.arrivals import CompanionMigration, ObservedCompanion
from panoptic.dynamics.disk_torque import DiskTorque
from panoptic.dynamics.feasibility import FeasibilityMap
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import InnerOrbit, OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.secular_map import ARRIVED, SecularMap
from panoptic.dynamics.sensitivity import CriterionVariant, SecularVariant
from panoptic.dynamics.tides import StellarTide
from panoptic.statement import NotRun


class MigrationModel(StrEnum):
    """Which map is made."""

    BOTH = "both"  # the secular one is the headline
    SECULAR = "secular"
    CRITERION = "criterion"


@dataclass(frozen=True, slots=True)
class PericentreThresholds:
    """The distances that decide what a deep passage does to the companion, AU."""

    host_radius_au: float
    criterion_au: float  # r_crit of the study's criterion
    criterion_rstar: float
    disruption_factor: float
    disruption_au: float  # disruption_factor times the tidal radius
    arrival_au: float  # pericentre of an orbit that ends circular at today's axis
    reach_au: float  # widest circular orbit that the companion's tide can deliver


@dataclass(frozen=True, slots=True)
class MigrationFindings:
    """Every answer about the target's way in, each with what it rests on."""

    target: ObservedCompanion
    grid: PerturberGrid
    inner: InnerOrbit  # the radii in use: given, or from relations
    prior: OuterOrbitPrior
    seed: int
    horizon_gyr: float
    thresholds: PericentreThresholds
    secular: SecularMap | NotRun
    secular_variants: tuple[SecularVariant, ...]
    criterion: FeasibilityMap | NotRun
    criterion_variants: tuple[CriterionVariant, ...]
    stellar_tide: StellarTide  # at today's axis
    disk_today: DiskTorque  # at today's axis
    disk_at_start: DiskTorque  # at the initial axis of the maps
    companions: tuple[CompanionMigration, ...]  # of the sample


def migration_arrays(findings: MigrationFindings) -> dict[str, NDArray]:
    """Return the arrays of `feasibility_map.npz`; parameters are 0-d arrays.

    Grids are (n_mass, n_axis). No object arrays, so no pickle. What was not run is
    absent.
    """
    inner, prior = findings.inner, findings.prior
    arrays = {
        "perturber_mass_msun": findings.grid.mass_msun,
        "perturber_axis_au": findings.grid.axis_au,
        "seed": np.array(findings.seed),
        "horizon_gyr": np.array(findings.horizon_gyr),
        "r_crit_rstar": np.array(findings.thresholds.criterion_rstar),
        "r_crit_au": np.array(findings.thresholds.criterion_au),
        "disruption_factor": np.array(findings.thresholds.disruption_factor),
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
    if not isinstance(findings.criterion, NotRun):
        arrays |= _criterion_arrays(findings.criterion)
    if not isinstance(findings.secular, NotRun):
        arrays |= _secular_arrays(findings.secular)
    return arrays


def companion_table(findings: MigrationFindings) -> pd.DataFrame:
    """Return the rows of `migration_per_object.csv`, one per companion."""
    return pd.DataFrame(
        [_companion_row(found) for found in findings.companions],
        columns=list(_companion_row_of_nobody()),
    )


def sensitivity_table(findings: MigrationFindings) -> pd.DataFrame:
    """Return one row per variant of either map, NaN where a column is the other's."""
    rows = [{"model": "secular"} | asdict(v) for v in findings.secular_variants]
    rows += [{"model": "criterion"} | asdict(v) for v in findings.criterion_variants]
    frame = pd.DataFrame(rows)
    if "first_axis_au" in frame:
        ends = [pair if isinstance(pair, tuple) else (np.nan,) * 2
                for pair in frame.pop("first_axis_au")]  # fmt: skip
        frame["first_axis_low_au"], frame["first_axis_high_au"] = zip(
            *ends, strict=True
        )
    return frame


def _criterion_arrays(found: FeasibilityMap) -> dict[str, NDArray]:
    return {
        "criterion_fraction": found.fraction,
        "criterion_fraction_low": found.fraction_low,
        "criterion_fraction_high": found.fraction_high,
        "criterion_n_feasible": found.n_feasible,
        "criterion_n_unstable": found.n_unstable,
        "criterion_unstable_fraction": found.n_unstable / found.n_draws,
        "criterion_n_draws": np.array(found.n_draws),
        "t_kl_median_yr": found.t_kl_median_yr,
        "averaging_ratio": found.averaging_ratio,
        "angular_momentum_ratio": found.angular_momentum_ratio,
    }


def _secular_arrays(found: SecularMap) -> dict[str, NDArray]:
    names = {code.name.lower(): int(code) for code in Outcome} | {"arrived": ARRIVED}
    arrays: dict[str, NDArray] = {}
    for name, outcome in names.items():
        low, high = found.interval(outcome)
        arrays |= {
            f"secular_{name}_fraction": found.fraction(outcome),
            f"secular_{name}_fraction_low": low,
            f"secular_{name}_fraction_high": high,
        }
    model = found.request.model
    return arrays | {
        "secular_counts": found.counts,
        "secular_outcomes": np.array(list(names)),
        "secular_horizons_gyr": np.array(model.horizons_gyr),
        "secular_disruption_factors": np.array(model.disruption_factors),
        "secular_agreement": found.agreement,
        "secular_n_draws": np.array(found.request.n_draws),
        "love_number": np.array(model.love_number),
        "time_lag_s": np.array(model.time_lag_s),
        "first_ecc": np.array(model.first_ecc),
        "window_factor": np.array(model.window_factor),
        "tolerance": np.array(model.tolerance),
        "max_steps": np.array(model.max_steps),
    }


_ARRIVAL_COLUMNS = (
    "n_draws",
    "n_migrated",
    "n_arrived",
    "n_disrupted",
    "n_unchanged",
    "n_unstable",
    "n_undecided",
    "arrived_fraction",
    "arrived_low",
    "arrived_high",
)


def _companion_row(found: CompanionMigration) -> dict[str, object]:
    seen, disk, tide = found.companion, found.disk, found.stellar_tide
    arrival = asdict(found.arrival) if found.arrival else {}
    spirals = tide.spiral_in_time_yr if tide else (None, None)
    return {
        "pl_name": seen.name,
        "st_mass": seen.host_mass_msun,
        "pl_bmassj": seen.mass_mjup,
        "pl_orbsmax": seen.axis_au,
        "radius_rjup": found.radius_rjup,
        "not_applicable": found.not_applicable,
        "remark": found.remark,
        **{name: arrival.get(name) for name in _ARRIVAL_COLUMNS},
        "disk_gap_share": disk.gap_share if disk else None,
        "disk_time_low_yr": disk.time_yr.low if disk else None,
        "disk_time_median_yr": disk.time_yr.median if disk else None,
        "disk_time_high_yr": disk.time_yr.high if disk else None,
        "disk_share_within_shortest": disk.share_within_shortest if disk else None,
        "disk_share_within_longest": disk.share_within_longest if disk else None,
        "spiral_in_strong_yr": spirals[0],
        "spiral_in_weak_yr": spirals[-1],
    }


def _companion_row_of_nobody() -> dict[str, object]:
    nobody = ObservedCompanion("", 1.0, None, None)
    return _companion_row(CompanionMigration(nobody, "", "", None, None, None, None))
