"""What a run asks of the dynamics: of which companions, with which settings."""

import numpy as np

from panoptic.config import MigrationOptions
from panoptic.demographics.companions import Companions
from panoptic.dynamics.migration import (
    MigrationModel,
    MigrationSettings,
    ObservedCompanion,
)
from panoptic.dynamics.perturbers import (
    EccentricityLaw,
    OuterOrbitPrior,
    PerturberGrid,
)
from panoptic.dynamics.secular_map import SecularModel
from panoptic.dynamics.sensitivity import DISRUPTION_FACTORS, HORIZONS_GYR
from panoptic.sample import AxisOrigin, CompanionSample, MassProvenance
from panoptic.target import Target


def observe_target(target: Target) -> ObservedCompanion:
    """Return what is known of the studied object; its radii may be unknown."""
    return ObservedCompanion(
        name=target.label,
        host_mass_msun=target.st_mass,
        mass_mjup=target.pl_bmassj,
        axis_au=target.pl_orbsmax,
        host_radius_rsun=target.st_rad,
        radius_rjup=target.pl_radj,
    )


def settings_of(options: MigrationOptions, *, seed: int) -> MigrationSettings:
    """Return the settings that the options ask for.

    The horizons and disruption factors of the sensitivity table are followed in any
    case: one integration answers for all of them.
    """
    horizons = sorted({options.kl_horizon_gyr, *HORIZONS_GYR})
    factors = sorted({options.kl_disruption, *DISRUPTION_FACTORS}, reverse=True)
    return MigrationSettings(
        grid=PerturberGrid.log_spaced(
            options.kl_mout,
            options.kl_aout,
            n_mass=options.kl_grid.n_mass,
            n_axis=options.kl_grid.n_axis,
        ),
        inner_axis_au=(options.kl_inner_au.low, options.kl_inner_au.high),
        prior=OuterOrbitPrior(
            ecc_range=options.kl_eout,
            ecc_law=EccentricityLaw(options.kl_eout_law),
            inclination_range_deg=options.kl_inclination,
        ),
        secular=SecularModel(
            horizon_gyr=options.kl_horizon_gyr,
            disruption_factor=options.kl_disruption,
            horizons_gyr=tuple(horizons),
            disruption_factors=tuple(factors),
            love_number=options.kl_love,
            time_lag_s=options.kl_lag_s,
            window_factor=options.kl_window,
        ),
        seed=seed,
        model=MigrationModel(options.kl_model),
        n_draws=options.kl_trials,
        n_secular_draws=options.kl_secular_trials,
        n_changed_draws=options.kl_changed_trials,
        n_companion_draws=options.kl_object_trials,
        r_crit_rstar=options.kl_rcrit,
        companion_radius_rjup=options.kl_radius_rj,
    )


def observe_companions(sample: CompanionSample) -> tuple[ObservedCompanion, ...]:
    """Return the rows of the window.

    A limit is not known, nor is a mass that follows from a radius, nor an axis of
    which only the projection on the sky is seen.
    """
    companions = Companions.from_frame(sample.frame)
    known_mass = (companions.mass_limit == 0) & (
        companions.mass_provenance != MassProvenance.MASS_RADIUS
    )
    mass = np.where(known_mass, companions.mass_mjup, np.nan)
    projected = sample.frame["a_origin"].to_numpy() == AxisOrigin.PROJECTED
    axis = np.where(companions.a_limit | projected, np.nan, companions.a_au)
    siblings = sample.frame.groupby("hostname")["pl_name"].transform("count") - 1
    return tuple(
        ObservedCompanion(
            name=str(companions.name[row]),
            host_mass_msun=float(companions.st_mass[row]),
            mass_mjup=_known(mass[row]),
            axis_au=_known(axis[row]),
            host_radius_rsun=_known(sample.frame["st_rad"].iloc[row]),
            radius_rjup=_known(sample.frame["pl_radj"].iloc[row]),
            n_siblings=int(siblings.iloc[row]),
        )
        for row in range(len(companions))
    )


def _known(value: float) -> float | None:
    return float(value) if value > 0 else None
