"""What was found about the target's way in."""

from dataclasses import dataclass
from enum import StrEnum

from panoptic.dynamics.arrivals import CompanionMigration, ObservedCompanion
from panoptic.dynamics.disk_torque import DiskTorque
from panoptic.dynamics.example_track import ExampleTrack
from panoptic.dynamics.feasibility import FeasibilityMap
from panoptic.dynamics.perturbers import InnerOrbit, OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.secular_map import SecularMap
from panoptic.dynamics.sensitivity import (
    ClosedForms,
    CriterionVariant,
    SecularVariant,
)
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

    host_radius_au: float  # radius of the host, AU
    criterion_au: float  # r_crit of the study's criterion, AU
    criterion_rstar: float  # the same in host radii
    disruption_factor: float  # pericentre that tears the companion apart, tidal radii
    disruption_au: float  # disruption_factor times the tidal radius, AU
    arrival_au: float  # AU, pericentre of an orbit that ends at today's axis
    reach_au: float  # AU, widest circular orbit that its tide can deliver


@dataclass(frozen=True, slots=True)
class MigrationFindings:
    """Every answer about the target's way in, each with what it rests on."""

    target: ObservedCompanion  # the studied object as it is seen today
    grid: PerturberGrid  # perturbers of both maps
    inner: InnerOrbit  # the radii in use: given, or from relations
    prior: OuterOrbitPrior  # of the perturbers' orbits
    seed: int  # of the counter-based draws
    horizon_gyr: float  # time in which migration must happen, Gyr
    thresholds: PericentreThresholds  # deciding distances
    secular: SecularMap | NotRun  # the physical map, triples followed
    secular_variants: tuple[SecularVariant, ...]  # under other settings
    example: ExampleTrack | NotRun  # one triple of the secular map, followed
    criterion: FeasibilityMap | NotRun  # the map of the study's criterion
    criterion_variants: tuple[CriterionVariant, ...]  # under other settings
    closed_forms: ClosedForms | NotRun  # the criterion with other closed forms
    stellar_tide: StellarTide  # at today's axis
    disk_today: DiskTorque  # at today's axis
    disk_at_start: DiskTorque  # at the initial axis of the maps
    companions: tuple[CompanionMigration, ...]  # of the sample
