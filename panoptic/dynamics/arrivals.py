"""Real close companions: how often a stated prior brings each to where it is seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from panoptic.dynamics.disk_torque import DiskRanges, DiskTorque, disk_torque
from panoptic.dynamics.feasibility import Stream, draw_orbits, wilson_interval
from panoptic.dynamics.outcomes import Outcome
from panoptic.dynamics.perturbers import InnerOrbit, OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.scale_out import Work, items_per_block
from panoptic.dynamics.secular_map import (
    ARRIVED,
    SecularModel,
    follow,
    lay_out,
    tally,
)
from panoptic.dynamics.tides import StellarTide, stellar_tide
from panoptic.dynamics.triples import Triples
from panoptic.stars import radius_rjup, radius_rsun

Counts = NDArray[np.int64]

WIDEST_CLOSE_AU = 0.5
FIRST_AXIS_RANGE_AU = (1.0, 30.0)
RADIUS_IF_UNKNOWN_RJUP = 1.0
KEPT_NAME = "companions"  # among the kept works


@dataclass(frozen=True, slots=True)
class ObservedCompanion:
    """A companion as it is seen today; None where a value is not known.

    A mass or axis that is only a limit is not known.

    n_siblings : other known companions of the host; not counted for the target.
    """

    name: str  # of the companion
    host_mass_msun: float  # mass of the host, Msun
    mass_mjup: float | None  # mass of the companion, MJup
    axis_au: float | None  # semi-major axis today, AU
    host_radius_rsun: float | None = None  # radius of the host, Rsun
    radius_rjup: float | None = None  # radius of the companion, RJup
    n_siblings: int = 0

    @property
    def radius_in_use_rjup(self) -> float | None:
        """The observed radius, else by relation, else 1 RJup; None without a mass."""
        if self.radius_rjup is not None or self.mass_mjup is None:
            return self.radius_rjup
        related = float(radius_rjup(self.mass_mjup))
        return related if np.isfinite(related) else RADIUS_IF_UNKNOWN_RJUP

    @property
    def host_radius_in_use_rsun(self) -> float | None:
        """The observed radius, else by relation; None where the relation ends."""
        if self.host_radius_rsun is not None:
            return self.host_radius_rsun
        related = float(radius_rsun(self.host_mass_msun))
        return related if np.isfinite(related) else None


@dataclass(frozen=True, slots=True)
class ArrivalPrior:
    """Where the companions could have started, with which perturbers."""

    grid: PerturberGrid  # every cell as likely as any other
    outer: OuterOrbitPrior
    model: SecularModel
    n_draws: int  # per companion
    seed: int
    first_axis_range_au: tuple[float, float] = FIRST_AXIS_RANGE_AU  # log-uniform


@dataclass(frozen=True, slots=True)
class Arrival:
    """How the triples drawn for one companion ended, at the model's headline."""

    n_draws: int  # triples drawn
    n_migrated: int  # brought in by tides
    n_arrived: int  # within the model's window of today's axis
    n_disrupted: int  # torn apart inside the disruption radius
    n_unchanged: int  # still wide at the horizon
    n_unstable: int  # unstable from the start, not followed
    n_undecided: int  # not followed to the end
    arrived_fraction: float  # n_arrived / n_draws
    arrived_low: float  # Wilson 95 % interval
    arrived_high: float  # its upper end


@dataclass(frozen=True, slots=True)
class CompanionMigration:
    """What could have brought one observed companion in; None where not asked."""

    companion: ObservedCompanion  # as it is seen today
    not_applicable: str  # why not asked; empty if it was
    remark: str  # on its siblings; empty if there is none
    radius_rjup: float | None  # RJup, in use: observed, from a relation, or 1
    arrival: Arrival | None  # how the drawn triples ended
    disk: DiskTorque | None  # at today's axis
    stellar_tide: StellarTide | None  # at today's axis


@dataclass(frozen=True, slots=True)
class AskedCompanion:
    """A companion that perturbers are asked about."""

    name: str
    inner: InnerOrbit
    target_axis_au: float
    row: int  # of the random stream


@dataclass(frozen=True, slots=True)
class CompanionBlock:
    """Some companions and the prior they are asked under."""

    companions: tuple[AskedCompanion, ...]
    prior: ArrivalPrior


@dataclass(frozen=True, slots=True)
class CompanionTally:
    """Outcomes of the draws of each companion of a block."""

    counts: Counts  # (n_companions, n_horizons, n_factors, N_OUTCOMES + 1)


def explain_companions(
    companions: Sequence[ObservedCompanion],
    prior: ArrivalPrior | None,
    tallies: Sequence[CompanionTally] = (),
    *,
    disk_ranges: DiskRanges | None = None,
) -> tuple[CompanionMigration, ...]:
    """Return, for each companion, how often the prior brings it in, and the rest.

    Asked of companions with a known mass inside `WIDEST_CLOSE_AU`; the others say why
    not. Without a prior, perturbers are not asked; disk and stellar tide are.

    tallies : what came of `companion_work`.
    """
    reasons = [_why_not(companion) for companion in companions]
    arrivals: dict[str, Arrival] = {}
    if prior is not None:
        counts = [one for tally in tallies for one in tally.counts]
        arrivals = {
            one.name: _arrival(ended, prior)
            for one, ended in zip(_asked(companions, prior), counts, strict=True)
        }
    return tuple(
        CompanionMigration(
            companion=companion,
            not_applicable=reason,
            remark=_remark(companion) if not reason else "",
            radius_rjup=companion.radius_in_use_rjup,
            arrival=arrivals.get(companion.name),
            disk=_disk(companion, disk_ranges),
            stellar_tide=_stellar_tide(companion),
        )
        for companion, reason in zip(companions, reasons, strict=True)
    )


def companion_work(
    companions: Sequence[ObservedCompanion], prior: ArrivalPrior
) -> Work[CompanionBlock, CompanionTally]:
    """Return what must be computed for the companions that perturbers are asked about.

    A companion's draws depend on its name and the seed, not on the list.
    """
    asked = _asked(companions, prior)
    length = items_per_block(len(asked), n_draws=prior.n_draws)
    blocks = [
        CompanionBlock(asked[first : first + length], prior)
        for first in range(0, len(asked), length)
    ]
    starts = {
        one.name: {"inner": one.inner, "target_axis_au": one.target_axis_au}
        for one in asked
    }
    settings = {"prior": prior, "companions": starts}
    return Work(
        KEPT_NAME,
        settings,
        settle_companions,
        blocks,
        CompanionTally,
        size=lambda block: len(block.companions),
    )


def settle_companions(block: CompanionBlock) -> CompanionTally:
    """Draw and follow the triples of a block; the same block, the same tally."""
    prior = block.prior
    triples, unstable = zip(
        *(_lay_out(one, prior) for one in block.companions), strict=True
    )
    ensemble = follow(
        Triples.together(triples), np.concatenate(unstable), model=prior.model
    )
    shape = (len(block.companions), prior.n_draws)
    today = [one.target_axis_au for one in block.companions]
    return CompanionTally(tally(ensemble, shape, prior.model, today))


def _lay_out(
    companion: AskedCompanion, prior: ArrivalPrior
) -> tuple[Triples, NDArray[np.bool_]]:
    orbits = draw_orbits(
        [companion.row],
        prior.outer,
        axis_range_au=companion.inner.axis_au,
        n_draws=prior.n_draws,
        seed=prior.seed,
        stream=Stream.OBJECTS,
    )
    mass, axis_out = prior.grid.per_cell()
    cell = (orbits.uniform * prior.grid.n_cells).astype(np.int64)
    return lay_out(
        companion.inner, orbits, mass[cell], axis_out[cell], model=prior.model
    )


def _why_not(companion: ObservedCompanion) -> str:
    """Return why perturbers are not asked about, empty if they are."""
    if companion.axis_au is None:
        return "no semi-major axis is known"
    if companion.axis_au >= WIDEST_CLOSE_AU:
        return f"not close: {companion.axis_au:.3g} AU, from {WIDEST_CLOSE_AU:g} AU on"
    if companion.mass_mjup is None:
        return "no mass is known"
    return ""


def _remark(companion: ObservedCompanion) -> str:
    if not companion.n_siblings:
        return ""
    return (
        f"{companion.n_siblings} more known around this host: a companion that comes "
        "in on an eccentric orbit crosses and removes its inner siblings"
    )


def _asked(
    companions: Sequence[ObservedCompanion], prior: ArrivalPrior
) -> tuple[AskedCompanion, ...]:
    """Return those that are asked about."""
    return tuple(_start(one, prior) for one in companions if not _why_not(one))


def _start(companion: ObservedCompanion, prior: ArrivalPrior) -> AskedCompanion:
    radius = companion.radius_in_use_rjup
    if companion.mass_mjup is None or companion.axis_au is None or radius is None:
        raise ValueError(f"{companion.name} was not to be asked")
    return AskedCompanion(
        name=companion.name,
        inner=InnerOrbit(
            host_mass_msun=companion.host_mass_msun,
            host_radius_rsun=1.0,  # no outcome depends on it
            companion_mass_mjup=companion.mass_mjup,
            companion_radius_rjup=radius,
            axis_au=prior.first_axis_range_au,
        ),
        target_axis_au=companion.axis_au,
        row=crc32(companion.name.encode()),
    )


def _arrival(counts: Counts, prior: ArrivalPrior) -> Arrival:
    model = prior.model
    ended = counts[
        model.horizons_gyr.index(model.horizon_gyr),
        model.disruption_factors.index(model.disruption_factor),
    ].tolist()
    low, high = wilson_interval(ended[ARRIVED], prior.n_draws)
    return Arrival(
        n_draws=prior.n_draws,
        n_migrated=ended[Outcome.MIGRATED],
        n_arrived=ended[ARRIVED],
        n_disrupted=ended[Outcome.DISRUPTED],
        n_unchanged=ended[Outcome.UNCHANGED],
        n_unstable=ended[Outcome.UNSTABLE],
        n_undecided=ended[Outcome.UNDECIDED],
        arrived_fraction=ended[ARRIVED] / prior.n_draws,
        arrived_low=float(low),
        arrived_high=float(high),
    )


def _disk(companion: ObservedCompanion, ranges: DiskRanges | None) -> DiskTorque | None:
    if companion.mass_mjup is None or companion.axis_au is None:
        return None
    return disk_torque(
        companion.host_mass_msun,
        companion.mass_mjup,
        axis_au=companion.axis_au,
        ranges=ranges,
    )


def _stellar_tide(companion: ObservedCompanion) -> StellarTide | None:
    radius = companion.host_radius_in_use_rsun
    if companion.mass_mjup is None or companion.axis_au is None or radius is None:
        return None
    return stellar_tide(
        companion.host_mass_msun,
        companion.mass_mjup,
        host_radius_rsun=radius,
        axis_au=companion.axis_au,
    )
