"""The findings about the way in as arrays and tables, each column with its meaning."""

from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from panoptic.dynamics.arrivals import CompanionMigration
from panoptic.dynamics.disk_torque import DiskRegime
from panoptic.dynamics.feasibility import FeasibilityMap, typical_orbit
from panoptic.dynamics.migration_findings import MigrationFindings
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.secular_map import ARRIVED, SecularMap
from panoptic.dynamics.sensitivity import CriterionVariant, SecularVariant
from panoptic.statement import NotRun

_OUTCOMES = {code.name.lower(): int(code) for code in Outcome} | {"arrived": ARRIVED}


def _fact(unit: str, meaning: str) -> dict[str, str]:
    return {"unit": unit, "meaning": meaning}


_SHARES = {
    "unchanged": "still wide at the horizon",
    "migrated": "brought in by tides",
    "disrupted": "torn apart: pericentre inside disruption_factor tidal radii",
    "unstable": "unstable from the start, not followed",
    "undecided": "not followed to the end",
    "arrived": "migrated, to within window_factor of the target's axis",
}
ARRAY_FACTS = {
    "perturber_mass_msun": _fact("Msun", "axis of the grid, (n_mass,)"),
    "perturber_axis_au": _fact("AU", "axis of the grid, (n_axis,)"),
    "seed": _fact("", "key of the draws"),
    "horizon_gyr": _fact("Gyr", "time in which migration must happen"),
    "r_crit_rstar": _fact("R_star", "the criterion's pericentre threshold"),
    "r_crit_au": _fact("AU", "the same"),
    "disruption_factor": _fact("r_t", "pericentre that tears the companion apart"),
    "disruption_radius_au": _fact("AU", "the same, for the target"),
    "target_name": _fact("", "the studied object"),
    "host_mass_msun": _fact("Msun", "its host"),
    "host_radius_rsun": _fact("Rsun", "its host's radius, given or by relation"),
    "companion_mass_mjup": _fact("MJup", "its mass"),
    "companion_radius_rjup": _fact(
        "RJup", "its radius: given, observed, by relation, or 1"
    ),
    "inner_axis_au": _fact("AU", "ends of the initial axis"),
    "ecc_out_range": _fact("", "ends of the perturber's eccentricity"),
    "ecc_out_law": _fact("", "its distribution"),
    "inclination_range_deg": _fact("deg", "ends of the mutual inclination"),
    "criterion_fraction": _fact("", "share of the draws that pass the criterion"),
    "criterion_fraction_low": _fact("", "its Wilson 95 % interval, lower end"),
    "criterion_fraction_high": _fact("", "upper end"),
    "criterion_n_feasible": _fact("", "draws that pass"),
    "criterion_n_unstable": _fact("", "draws that are unstable; never feasible"),
    "criterion_unstable_fraction": _fact("", "their share"),
    "criterion_n_draws": _fact("", "draws per cell"),
    "t_kl_median_yr": _fact("yr", "t_KL at the median e_out and median a"),
    "averaging_ratio": _fact("", "P_out/(2 pi t_LK); above 0.1 averaging fails"),
    "angular_momentum_ratio": _fact("", "L_in/L_out; above 0.1 no test particle"),
    **{
        f"secular_{name}_fraction{end}": _fact("", text)
        for name, share in _SHARES.items()
        for end, text in (
            ("", f"share of the draws: {share}"),
            ("_low", "its Wilson 95 % interval, lower end"),
            ("_high", "upper end"),
        )
    },
    "secular_counts": _fact(
        "", "draws by cell, horizon, disruption factor and outcome, 5-d"
    ),
    "secular_outcomes": _fact("", "names along its last axis"),
    "secular_horizons_gyr": _fact("Gyr", "along its third"),
    "secular_disruption_factors": _fact("r_t", "along its fourth"),
    "secular_agreement": _fact(
        "", "draws: criterion no and yes (rows) by outcome at the headline"
    ),
    "secular_n_draws": _fact("", "draws per cell"),
    "love_number": _fact("", "k2 of the companion"),
    "time_lag_s": _fact("s", "of the tide in the companion"),
    "first_ecc": _fact("", "of the companion's orbit at the start"),
    "window_factor": _fact("", "arrived: within this factor of the target's axis"),
    "tolerance": _fact("", "of an integration step"),
    "max_steps": _fact("", "after which a draw is undecided"),
}
COMPANION_FACTS = {
    "pl_name": _fact("", "companion"),
    "st_mass": _fact("Msun", "host mass"),
    "pl_bmassj": _fact("MJup", "mass in use; empty if not known"),
    "pl_orbsmax": _fact("AU", "semi-major axis in use; empty if not known"),
    "radius_rjup": _fact("RJup", "in use: observed, by relation, or 1"),
    "not_applicable": _fact("", "why perturbers are not asked about; else empty"),
    "remark": _fact("", "what speaks against this way in"),
    "n_draws": _fact("", "triples drawn"),
    "n_migrated": _fact("", "brought in by tides"),
    "n_arrived": _fact("", "to within window_factor of pl_orbsmax"),
    "n_disrupted": _fact("", "torn apart"),
    "n_unchanged": _fact("", "still wide at the horizon"),
    "n_unstable": _fact("", "unstable from the start"),
    "n_undecided": _fact("", "not followed to the end"),
    "arrived_fraction": _fact("", "n_arrived / n_draws"),
    "arrived_low": _fact("", "its Wilson 95 % interval, lower end"),
    "arrived_high": _fact("", "upper end"),
    "disk_regime": _fact("", "Type I, Type II, between (most disks), or cavity"),
    "disk_verdict": _fact(
        "",
        "whether it fits in a disk's life; other disk_ columns are empty for a cavity",
    ),
    "disk_gap_share": _fact("", "of the disks, in which it opens a gap (Type II)"),
    "disk_linear_share": _fact("", "of the disks, in which Type I holds: q < h^3"),
    "disk_time_low_yr": _fact("yr", "a/|da/dt| at pl_orbsmax, shortest of the disks"),
    "disk_time_median_yr": _fact("yr", "median of the disks"),
    "disk_time_high_yr": _fact("yr", "longest of the disks"),
    "disk_share_within_shortest": _fact("", "disks: time within a short disk life"),
    "disk_share_within_longest": _fact("", "disks: time within a long disk life"),
    "spiral_in_strong_yr": _fact("yr", "by the tide in the star, Q' = 1e6"),
    "spiral_in_weak_yr": _fact("yr", "by the tide in the star, Q' = 1e7"),
}
SENSITIVITY_FACTS = {
    "model": _fact("", "secular or criterion"),
    "what": _fact("", "what is changed"),
    "horizon_gyr": _fact("Gyr", "time in which migration must happen"),
    "disruption_factor": _fact("r_t", "pericentre that tears the companion apart"),
    "time_lag_s": _fact("s", "of the tide in the companion"),
    "first_axis_low_au": _fact("AU", "of the companion at the start, low end"),
    "first_axis_high_au": _fact("AU", "high end"),
    "r_crit_rstar": _fact("R_star", "the criterion's threshold"),
    "is_headline": _fact("", "whether these are the settings of the run"),
    "is_new_integration": _fact("", "or read off the times the map has kept"),
    "n_draws": _fact("", "triples, all cells together"),
    "fraction": _fact("", "share that migrates, or passes the criterion"),
    "fraction_low": _fact("", "its Wilson 95 % interval, lower end"),
    "fraction_high": _fact("", "upper end"),
    "arrived": _fact("", "share that ends near the target's axis"),
    "disrupted": _fact("", "share that is torn apart"),
    "undecided": _fact("", "share not followed to the end"),
    "coverage": _fact("", "criterion: share of the cells with a fraction of 0.1"),
}


def migration_arrays(findings: MigrationFindings) -> dict[str, NDArray]:
    """Return the arrays of `feasibility_map.npz`; parameters are 0-d arrays.

    Grids are (n_mass, n_axis). No object arrays, so no pickle. What was not run is
    absent.
    """
    inner, prior = findings.inner, findings.prior
    t_kl, eps_sa, eta = typical_orbit(findings.grid, inner, prior)
    arrays = {
        "t_kl_median_yr": t_kl,
        "averaging_ratio": eps_sa,
        "angular_momentum_ratio": eta,
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
    rows = [_companion_row(found) for found in findings.companions]
    return pd.DataFrame(rows, columns=list(COMPANION_FACTS))


def sensitivity_table(findings: MigrationFindings) -> pd.DataFrame:
    """Return the rows of `migration_sensitivity.csv`, one per variant of a map.

    Cells are empty where a column belongs to the other model.
    """
    rows = [_secular_row(variant) for variant in findings.secular_variants]
    rows += [
        _criterion_row(variant, findings) for variant in findings.criterion_variants
    ]
    return pd.DataFrame(rows, columns=list(SENSITIVITY_FACTS))


def _criterion_arrays(found: FeasibilityMap) -> dict[str, NDArray]:
    return {
        "criterion_fraction": found.fraction,
        "criterion_fraction_low": found.fraction_low,
        "criterion_fraction_high": found.fraction_high,
        "criterion_n_feasible": found.n_feasible,
        "criterion_n_unstable": found.n_unstable,
        "criterion_unstable_fraction": found.n_unstable / found.n_draws,
        "criterion_n_draws": np.array(found.n_draws),
    }


def _secular_arrays(found: SecularMap) -> dict[str, NDArray]:
    arrays: dict[str, NDArray] = {}
    for name, outcome in _OUTCOMES.items():
        low, high = found.interval(outcome)
        arrays |= {
            f"secular_{name}_fraction": found.fraction(outcome),
            f"secular_{name}_fraction_low": low,
            f"secular_{name}_fraction_high": high,
        }
    model = found.request.model
    return arrays | {
        "secular_counts": found.counts,
        "secular_outcomes": np.array(list(_OUTCOMES)),
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


def _companion_row(found: CompanionMigration) -> dict[str, object]:
    seen, disk, tide = found.companion, found.disk, found.stellar_tide
    row: dict[str, object] = {
        "pl_name": seen.name,
        "st_mass": seen.host_mass_msun,
        "pl_bmassj": seen.mass_mjup,
        "pl_orbsmax": seen.axis_au,
        "radius_rjup": found.radius_rjup,
        "not_applicable": found.not_applicable,
        "remark": found.remark,
    }
    if found.arrival is not None:
        row |= asdict(found.arrival)
    if disk is not None:
        row |= {"disk_regime": str(disk.regime), "disk_verdict": disk.verdict}
    if disk is not None and disk.regime is not DiskRegime.CAVITY:
        row |= {
            "disk_gap_share": disk.gap_share,
            "disk_linear_share": disk.linear_share,
            "disk_time_low_yr": disk.time_yr.low,
            "disk_time_median_yr": disk.time_yr.median,
            "disk_time_high_yr": disk.time_yr.high,
            "disk_share_within_shortest": disk.share_within_shortest,
            "disk_share_within_longest": disk.share_within_longest,
        }
    if tide is not None:
        row |= {
            "spiral_in_strong_yr": tide.spiral_in_time_yr[0],
            "spiral_in_weak_yr": tide.spiral_in_time_yr[-1],
        }
    return row


def _secular_row(variant: SecularVariant) -> dict[str, object]:
    low, high = variant.first_axis_au
    return asdict(variant) | {
        "model": "secular",
        "first_axis_low_au": low,
        "first_axis_high_au": high,
        "fraction": variant.migrated,
        "fraction_low": variant.migrated_low,
        "fraction_high": variant.migrated_high,
    }


def _criterion_row(
    variant: CriterionVariant, findings: MigrationFindings
) -> dict[str, object]:
    low, high = findings.inner.axis_au
    horizon, threshold = variant.horizon_gyr, variant.r_crit_rstar
    asked = findings.horizon_gyr, findings.thresholds.criterion_rstar
    return {
        "model": "criterion",
        "what": f"horizon {horizon:g} Gyr, threshold {threshold:g} R_star",
        "horizon_gyr": horizon,
        "first_axis_low_au": low,
        "first_axis_high_au": high,
        "r_crit_rstar": threshold,
        "is_headline": (horizon, threshold) == asked,
        "is_new_integration": False,
        "n_draws": variant.n_draws,
        "fraction": variant.mean_fraction,
        "fraction_low": variant.mean_low,
        "fraction_high": variant.mean_high,
        "coverage": variant.coverage,
    }
