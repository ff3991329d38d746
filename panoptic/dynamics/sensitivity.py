"""How far the answer moves with what is not known: times, thresholds, tides, starts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from panoptic.constants import RSUN_AU
from panoptic.dynamics.feasibility import (
    FeasibilityMap,
    draw_orbits,
    map_feasibility,
    wilson_interval,
)
from panoptic.dynamics.kozai_lidov import (
    averaging_ratio,
    largest_eccentricity,
    largest_eccentricity_unaveraged,
    mardling_aarseth_ratio,
    order_of_magnitude_time_yr,
    vynatheya_ratio,
)
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import (
    InnerOrbit,
    OuterOrbitPrior,
    PerturberGrid,
)
from panoptic.dynamics.secular_map import (
    ARRIVED,
    SecularMap,
    SecularRequest,
)

HORIZONS_GYR = (1.0, 3.0, 5.0)
THRESHOLDS_RSTAR = (3.0, 5.0, 7.0)
DISRUPTION_FACTORS = (2.7, 2.0)  # of total disruption; which is disputed
TIME_LAGS_S = (0.1, 1.0, 10.0, 100.0)
FIRST_AXES_AU = ((0.5, 0.5), (1.0, 1.0), (3.0, 3.0), (1.0, 30.0))


@dataclass(frozen=True, slots=True)
class CriterionVariant:
    """The criterion map under another horizon and threshold."""

    horizon_gyr: float  # time in which migration must happen, Gyr
    r_crit_rstar: float  # pericentre threshold, host radii
    n_draws: int  # all cells together
    mean_fraction: float  # share of all draws that pass the criterion
    mean_low: float  # Wilson 95 % interval
    mean_high: float  # its upper end
    highest_fraction: float  # of any cell
    coverage: float  # share of the cells with a fraction of at least 0.1


@dataclass(frozen=True, slots=True)
class ClosedForms:
    """The criterion with other closed forms, shares of its first draws.

    By turns the largest eccentricity with the perturber's motion along its orbit
    (Grishin et al. 2018; not validated where the perturber moves fast), and another
    stability criterion (Vynatheya et al. 2022).
    """

    n_draws: int  # all cells together
    feasible: float  # share that passes the criterion
    feasible_unaveraged: float  # with e_max of the single average
    unstable: float  # share that is unstable, by Mardling & Aarseth 2001
    unstable_vynatheya: float  # by Vynatheya et al. 2022
    stability_differs: float  # share on which these two disagree


@dataclass(frozen=True, slots=True)
class SecularVariant:
    """The physical map with one or two settings changed, shares over all draws."""

    what: str  # what is changed
    horizon_gyr: float  # time in which migration must happen, Gyr
    disruption_factor: float  # pericentre that destroys, tidal radii
    time_lag_s: float  # of the tide in the companion, s
    first_axis_au: tuple[float, float]  # ends of the initial semi-major axis, AU
    is_headline: bool  # the map's own settings, nothing changed
    is_new_integration: bool  # or read off the times the map has kept
    n_draws: int  # all cells together
    migrated: float  # brought in by tides
    migrated_low: float  # Wilson 95 % interval
    migrated_high: float  # its upper end
    arrived: float  # migrated to near the target's axis
    disrupted: float  # torn apart inside the disruption radius
    undecided: float  # not followed to the end


def vary_criterion(
    grid: PerturberGrid,
    inner: InnerOrbit,
    *,
    prior: OuterOrbitPrior,
    n_draws: int,
    seed: int,
    horizons_gyr: Sequence[float] = HORIZONS_GYR,
    thresholds_rstar: Sequence[float] = THRESHOLDS_RSTAR,
) -> tuple[CriterionVariant, ...]:
    """Return the criterion's coverage for every horizon and threshold, same draws."""
    return tuple(
        _criterion_variant(
            map_feasibility(
                grid,
                inner,
                n_draws=n_draws,
                horizon_gyr=horizon,
                r_crit_rstar=threshold,
                seed=seed,
                prior=prior,
            )
        )
        for horizon in horizons_gyr
        for threshold in thresholds_rstar
    )


def compare_closed_forms(
    grid: PerturberGrid,
    inner: InnerOrbit,
    *,
    prior: OuterOrbitPrior,
    horizon_gyr: float,
    r_crit_rstar: float,
    n_draws: int,
    seed: int,
) -> ClosedForms:
    """Return what the criterion would say with other closed forms.

    n_draws : per cell, the first of the criterion's map.
    """
    orbits = draw_orbits(
        range(grid.n_cells),
        prior,
        axis_range_au=inner.axis_au,
        n_draws=n_draws,
        seed=seed,
    )
    mass, axis_out = (column[:, None] for column in grid.per_cell())
    outer = {
        "axis_au": orbits.axis_au,
        "axis_out_au": axis_out,
        "ecc_out": orbits.ecc_out,
    }
    shape = {"ecc_out": orbits.ecc_out, "cos_inclination": orbits.cos_inclination}
    q, ratio = mass / inner.mass_msun, axis_out / orbits.axis_au
    stable = ratio > mardling_aarseth_ratio(q, **shape)
    stable_too = ratio > vynatheya_ratio(q, ecc_in=0.0, **shape)
    t_kl = order_of_magnitude_time_yr(inner.mass_msun, mass, **outer)
    followed = stable & (t_kl <= horizon_gyr * 1e9)
    cosine, axis = orbits.cos_inclination[followed], orbits.axis_au[followed]
    eps = averaging_ratio(inner.mass_msun, mass, **outer)[followed]
    r_crit_au = r_crit_rstar * inner.host_radius_rsun * RSUN_AU

    def feasible(e_max: NDArray[np.float64]) -> float:
        return float(np.sum(axis * (1.0 - e_max) <= r_crit_au) / stable.size)

    return ClosedForms(
        n_draws=stable.size,
        feasible=feasible(largest_eccentricity(cosine)),
        feasible_unaveraged=feasible(
            largest_eccentricity_unaveraged(cosine, averaging_ratio=eps)
        ),
        unstable=float(np.mean(~stable)),
        unstable_vynatheya=float(np.mean(~stable_too)),
        stability_differs=float(np.mean(stable != stable_too)),
    )


def changed_requests(
    request: SecularRequest,
    *,
    n_draws: int,
    time_lags_s: Sequence[float] = TIME_LAGS_S,
    first_axes_au: Sequence[tuple[float, float]] = FIRST_AXES_AU,
) -> dict[str, SecularRequest]:
    """Return the maps that need a new integration, by what they change.

    Fewer draws per cell, the first of the map's own; the headline horizon only. Axes
    for which every perturber of the grid would lie inside are left out, and those from
    which there is no way in to today's axis. None with no draws.
    """
    if n_draws == 0:
        return {}
    model = request.model
    short = replace(
        request,
        n_draws=min(n_draws, request.n_draws),
        model=replace(model, horizons_gyr=(model.horizon_gyr,)),
    )
    changed = {
        f"time lag {lag:g} s": replace(
            short, model=replace(short.model, time_lag_s=lag)
        )
        for lag in time_lags_s
        if lag != model.time_lag_s
    }
    nearest = float(request.grid.axis_au.min())
    for low, high in first_axes_au:
        inward = high > request.target_axis_au
        if (low, high) != request.inner.axis_au and low < nearest and inward:
            start = f"{low:g} AU" if low == high else f"{low:g}-{high:g} AU"
            changed[f"first axis {start}"] = replace(
                short, inner=replace(short.inner, axis_au=(low, high))
            )
    return changed


def kept_name(what: str) -> str:
    """Return the name under which the blocks of a changed map are kept."""
    return what.replace(" ", "-")


def vary_secular(
    found: SecularMap, changed: dict[str, SecularMap]
) -> tuple[SecularVariant, ...]:
    """Return the ladder that the map has kept, then the maps integrated anew.

    changed : maps of `changed_requests`, by what they change.
    """
    model = found.request.model
    ladder = [
        _variant(found, horizon, factor, what=_ladder_words(horizon, factor))
        for horizon in model.horizons_gyr
        for factor in model.disruption_factors
    ]
    anew = [
        _variant(
            another,
            model.horizon_gyr,
            model.disruption_factor,
            what=what,
            is_new=True,
        )
        for what, another in changed.items()
    ]
    return (*ladder, *anew)


def _criterion_variant(found: FeasibilityMap) -> CriterionVariant:
    n = found.n_draws * found.grid.n_cells
    low, high = wilson_interval(int(found.n_feasible.sum()), n)
    return CriterionVariant(
        horizon_gyr=found.horizon_gyr,
        r_crit_rstar=found.r_crit_rstar,
        n_draws=n,
        mean_fraction=found.mean_fraction,
        mean_low=float(low),
        mean_high=float(high),
        highest_fraction=float(found.fraction.max()),
        coverage=found.coverage,
    )


def _ladder_words(horizon_gyr: float, factor: float) -> str:
    return f"{horizon_gyr:g} Gyr, disruption inside {factor:g} r_t"


def _variant(
    found: SecularMap,
    horizon_gyr: float,
    factor: float,
    *,
    what: str,
    is_new: bool = False,
) -> SecularVariant:
    n, model = found.n_total, found.request.model

    def number(outcome: int) -> int:
        count = found.count(outcome, horizon_gyr=horizon_gyr, disruption_factor=factor)
        return int(count.sum())

    low, high = wilson_interval(number(Outcome.MIGRATED), n)
    return SecularVariant(
        what=what,
        horizon_gyr=horizon_gyr,
        disruption_factor=factor,
        time_lag_s=model.time_lag_s,
        first_axis_au=found.request.inner.axis_au,
        is_headline=not is_new
        and (horizon_gyr, factor) == (model.horizon_gyr, model.disruption_factor),
        is_new_integration=is_new,
        n_draws=n,
        migrated=number(Outcome.MIGRATED) / n,
        migrated_low=float(low),
        migrated_high=float(high),
        arrived=number(ARRIVED) / n,
        disrupted=number(Outcome.DISRUPTED) / n,
        undecided=number(Outcome.UNDECIDED) / n,
    )
