"""Could the companion have come in from outside? Which questions are asked, of what."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from panoptic.constants import RSUN_AU
from panoptic.dynamics.arrivals import (
    ArrivalPrior,
    CompanionMigration,
    ObservedCompanion,
    companion_work,
    explain_companions,
)
from panoptic.dynamics.disk_torque import DiskRanges, disk_torque
from panoptic.dynamics.example_track import example_track
from panoptic.dynamics.feasibility import FeasibilityMap, map_feasibility
from panoptic.dynamics.migration_findings import (
    MigrationFindings,
    MigrationModel,
    PericentreThresholds,
)
from panoptic.dynamics.migration_statements import state_migration
from panoptic.dynamics.migration_tables import (
    ARRAY_FACTS,
    COMPANION_FACTS,
    SENSITIVITY_FACTS,
    companion_table,
    migration_arrays,
    sensitivity_table,
)
from panoptic.dynamics.perturbers import (
    InnerOrbit,
    OuterOrbitPrior,
    PerturberGrid,
    Progress,
)
from panoptic.dynamics.scale_out import Work, Workers, check, compute_all
from panoptic.dynamics.secular_map import (
    SecularMap,
    SecularModel,
    SecularRequest,
    map_work,
    read_map,
)
from panoptic.dynamics.sensitivity import (
    ClosedForms,
    CriterionVariant,
    SecularVariant,
    changed_requests,
    compare_closed_forms,
    kept_name,
    vary_criterion,
    vary_secular,
)
from panoptic.dynamics.tides import stellar_tide, tidal_radius_au, widest_arrival_au
from panoptic.statement import NotRun

__all__ = [
    "ARRAY_FACTS",
    "COMPANION_FACTS",
    "SENSITIVITY_FACTS",
    "MigrationFindings",
    "MigrationModel",
    "MigrationSettings",
    "ObservedCompanion",
    "check_migration",
    "companion_table",
    "investigate_migration",
    "migration_arrays",
    "sensitivity_table",
    "state_migration",
]

_FORMS_DRAWS = 100  # per cell, of the criterion's, on which closed forms are compared


@dataclass(frozen=True, slots=True)
class MigrationSettings:
    """What the investigation is asked to do.

    Raises
    ------
    ValueError
        for settings that make no sense, when they are used.
    """

    grid: PerturberGrid
    inner_axis_au: tuple[float, float]  # of the target at the start, log-uniform
    prior: OuterOrbitPrior
    secular: SecularModel
    seed: int
    model: MigrationModel = MigrationModel.BOTH
    n_draws: int = 2000  # of the criterion, per cell
    n_secular_draws: int = 50  # per cell
    n_changed_draws: int = 5  # per cell, for each setting that is changed
    n_companion_draws: int = 200  # per companion of the sample
    r_crit_rstar: float = 5.0
    companion_radius_rjup: float | None = None  # instead of the target's
    disk: DiskRanges = DiskRanges()


def investigate_migration(
    target: ObservedCompanion,
    companions: Sequence[ObservedCompanion] = (),
    *,
    settings: MigrationSettings,
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> MigrationFindings | NotRun:
    """Return what perturbers, tides and a disk could have done to the target.

    And, for each of the other companions, how often the prior brings it in. Not run
    without a mass or an axis, or without a host radius where the relation has none
    (outside its domain). A companion radius that is not known follows from the mass,
    1 RJup where no relation reaches. No map is made of a target that lies outside the
    axis it is to have started at.

    progress : called with cells and companions done and in all.

    Raises
    ------
    ValueError
        for settings that make no sense.
    InputUnusable
        where unfinished work of other settings was kept, or no Dask answers.
    """
    inner = _inner_orbit(target, settings)
    if isinstance(inner, NotRun):
        return inner
    axis_today = target.axis_au or np.nan  # `_inner_orbit` has seen to it
    criterion, criterion_variants, closed_forms = _ask_criterion(
        inner, axis_today, settings
    )
    secular, secular_variants, found = _ask_secular(
        inner, axis_today, companions, settings, workers, progress
    )
    masses = inner.host_mass_msun, inner.companion_mass_mjup
    return MigrationFindings(
        target=target,
        grid=settings.grid,
        inner=inner,
        prior=settings.prior,
        seed=settings.seed,
        horizon_gyr=settings.secular.horizon_gyr,
        thresholds=_thresholds(inner, axis_today, settings),
        secular=secular,
        secular_variants=secular_variants,
        example=secular if isinstance(secular, NotRun) else example_track(secular),
        criterion=criterion,
        criterion_variants=criterion_variants,
        closed_forms=closed_forms,
        stellar_tide=stellar_tide(
            *masses, host_radius_rsun=inner.host_radius_rsun, axis_au=axis_today
        ),
        disk_today=disk_torque(*masses, axis_au=axis_today, ranges=settings.disk),
        disk_at_start=disk_torque(
            *masses, axis_au=inner.typical_axis_au, ranges=settings.disk
        ),
        companions=found,
    )


def check_migration(
    target: ObservedCompanion,
    companions: Sequence[ObservedCompanion],
    *,
    settings: MigrationSettings,
    workers: Workers,
) -> None:
    """Refuse at once what `investigate_migration` would refuse after other work.

    Raises
    ------
    ValueError, InputUnusable
        as there.
    """
    inner = _inner_orbit(target, settings)
    if isinstance(inner, NotRun):
        return
    requests = _requests(inner, target.axis_au or np.nan, settings)
    check(_works(requests, companions, _arrival_prior(settings)), workers=workers)


def _inner_orbit(
    target: ObservedCompanion, settings: MigrationSettings
) -> InnerOrbit | NotRun:
    if target.mass_mjup is None or target.axis_au is None:
        return NotRun(f"{target.name} has no mass or no semi-major axis")
    host_radius = target.host_radius_in_use_rsun
    radius = settings.companion_radius_rjup or target.radius_in_use_rjup
    if host_radius is None or radius is None:
        return NotRun(
            f"no radius is given for a host of {target.host_mass_msun:g} Msun, and the "
            "mass-radius relation does not reach there"
        )
    return InnerOrbit(
        host_mass_msun=target.host_mass_msun,
        host_radius_rsun=host_radius,
        companion_mass_mjup=target.mass_mjup,
        companion_radius_rjup=radius,
        axis_au=settings.inner_axis_au,
    )


def _no_way_in(inner: InnerOrbit, axis_today_au: float) -> NotRun | None:
    """Return why no map is made of a companion that lies outside its start."""
    widest = inner.axis_au[1]
    if axis_today_au < widest:
        return None
    return NotRun(
        f"the companion is at {axis_today_au:g} AU, not inside its start at up to "
        f"{widest:g} AU (--kl_inner_au): there is no way in to explain"
    )


def _ask_criterion(
    inner: InnerOrbit, axis_today_au: float, settings: MigrationSettings
) -> tuple[FeasibilityMap | NotRun, tuple[CriterionVariant, ...], ClosedForms | NotRun]:
    refusal = _no_way_in(inner, axis_today_au)
    if settings.model is MigrationModel.SECULAR:
        refusal = NotRun("only the secular map was asked for")
    if refusal:
        return refusal, (), refusal
    grid, prior, seed = settings.grid, settings.prior, settings.seed
    found = map_feasibility(
        grid,
        inner,
        n_draws=settings.n_draws,
        horizon_gyr=settings.secular.horizon_gyr,
        r_crit_rstar=settings.r_crit_rstar,
        seed=seed,
        prior=prior,
    )
    variants = vary_criterion(
        grid, inner, prior=prior, n_draws=settings.n_draws, seed=seed
    )
    forms = compare_closed_forms(
        grid,
        inner,
        prior=prior,
        horizon_gyr=settings.secular.horizon_gyr,
        r_crit_rstar=settings.r_crit_rstar,
        n_draws=min(settings.n_draws, _FORMS_DRAWS),
        seed=seed,
    )
    return found, variants, forms


def _ask_secular(
    inner: InnerOrbit,
    axis_today_au: float,
    companions: Sequence[ObservedCompanion],
    settings: MigrationSettings,
    workers: Workers | None,
    progress: Progress | None,
) -> tuple[
    SecularMap | NotRun, tuple[SecularVariant, ...], tuple[CompanionMigration, ...]
]:
    """Return the map, its variants and the other companions."""
    requests = _requests(inner, axis_today_au, settings)
    prior = _arrival_prior(settings)
    answers = compute_all(
        _works(requests, companions, prior),
        workers=Workers() if workers is None else workers,
        progress=progress,
    )
    of_others = explain_companions(
        companions,
        prior,
        [] if prior is None else answers.pop(),
        disk_ranges=settings.disk,
    )
    if isinstance(requests, NotRun):
        return requests, (), of_others
    request, changed = requests
    secular = read_map(request, answers[0])
    maps = {
        what: read_map(other, tallies)
        for (what, other), tallies in zip(changed.items(), answers[1:], strict=True)
    }
    return secular, vary_secular(secular, maps), of_others


def _works(
    requests: tuple[SecularRequest, dict[str, SecularRequest]] | NotRun,
    companions: Sequence[ObservedCompanion],
    prior: ArrivalPrior | None,
) -> list[Work[Any, Any]]:
    """Return what is to be integrated: the map, the changed ones, the companions."""
    works: list[Work[Any, Any]] = []
    if not isinstance(requests, NotRun):
        request, changed = requests
        works = [
            map_work(request),
            *(map_work(other, name=kept_name(what)) for what, other in changed.items()),
        ]
    if prior is not None:
        works.append(companion_work(companions, prior))
    return works


def _requests(
    inner: InnerOrbit, axis_today_au: float, settings: MigrationSettings
) -> tuple[SecularRequest, dict[str, SecularRequest]] | NotRun:
    """Return the map, and those with other physics by what they change."""
    if settings.model is MigrationModel.CRITERION:
        return NotRun("only the criterion was asked for")
    if outside := _no_way_in(inner, axis_today_au):
        return outside
    request = SecularRequest(
        grid=settings.grid,
        inner=inner,
        prior=settings.prior,
        model=settings.secular,
        target_axis_au=axis_today_au,
        r_crit_rstar=settings.r_crit_rstar,
        n_draws=settings.n_secular_draws,
        seed=settings.seed,
    )
    return request, changed_requests(request, n_draws=settings.n_changed_draws)


def _arrival_prior(settings: MigrationSettings) -> ArrivalPrior | None:
    """Return the prior of the other companions: the map's, at the headline alone."""
    if settings.model is MigrationModel.CRITERION:
        return None
    model = settings.secular
    return ArrivalPrior(
        grid=settings.grid,
        outer=settings.prior,
        model=replace(
            model,
            horizons_gyr=(model.horizon_gyr,),
            disruption_factors=(model.disruption_factor,),
        ),
        n_draws=settings.n_companion_draws,
        seed=settings.seed,
    )


def _thresholds(
    inner: InnerOrbit, axis_today_au: float, settings: MigrationSettings
) -> PericentreThresholds:
    model = settings.secular
    masses = inner.host_mass_msun, inner.companion_mass_mjup
    tidal_radius = tidal_radius_au(
        *masses, companion_radius_rjup=inner.companion_radius_rjup
    )
    reach = widest_arrival_au(
        *masses,
        axis_au=inner.typical_axis_au,
        horizon_gyr=model.horizon_gyr,
        companion_radius_rjup=inner.companion_radius_rjup,
        love_number=model.love_number,
        time_lag_s=model.time_lag_s,
    )
    host_radius_au = inner.host_radius_rsun * RSUN_AU
    return PericentreThresholds(
        host_radius_au=host_radius_au,
        criterion_au=settings.r_crit_rstar * host_radius_au,
        criterion_rstar=settings.r_crit_rstar,
        disruption_factor=model.disruption_factor,
        disruption_au=model.disruption_factor * float(tidal_radius),
        arrival_au=0.5 * axis_today_au,  # a (1 - e^2) is conserved, e near 1
        reach_au=float(reach),
    )
