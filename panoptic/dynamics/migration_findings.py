"""What was found about the target's way in."""

from dataclasses import dataclass
from enum import StrEnum

from panoptic.dynamics.arrivals import CompanionMigration, ObservedCompanion
from panoptic.dynamics.disk_torque import DiskTorque
from panoptic.dynamics.example_track import ExampleTrack
from panoptic.dynamics.feasibility import FeasibilityMap
from panoptic.dynamics.perturbers import InnerOrbit, OuterOrbitPrior, PerturberGrid
from panoptic.dynamics.secular_map import SecularMap
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
    example: ExampleTrack | NotRun  # one triple of the secular map, followed
    criterion: FeasibilityMap | NotRun
    criterion_variants: tuple[CriterionVariant, ...]
    stellar_tide: StellarTide  # at today's axis
    disk_today: DiskTorque  # at today's axis
    disk_at_start: DiskTorque  # at the initial axis of the maps
    companions: tuple[CompanionMigration, ...]  # of the sample
