"""Which sub-sample answers which question, in which order, and what is not asked.

The mixture looks at all four samples, because the demand for an eccentricity decides
which companions are left; the eccentricities need the complete rows, mass limits
included for the classes that censor them; the classifier sees every row of the window
that has a mass ratio; the dynamics asks of the target alone.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from panoptic.demographics.anchors import (
    Anchors,
    AnchorSource,
    heuristic_anchors,
    label_by_table,
    read_anchor_table,
)
from panoptic.demographics.eccentricity import (
    EccentricityFindings,
    investigate_eccentricities,
)
from panoptic.demographics.origin_classifier import (
    ClassifierFindings,
    TargetFeatures,
    classify_origins,
)

from panoptic.config import MigrationOptions, StatisticsOptions
from panoptic.demographics.companions import Companions
from panoptic.demographics.mass_mixture import (
    MassMixtureFindings,
    investigate_mass_mixture,
)
from panoptic.dynamics.feasibility import (
    EccentricityLaw,
    OuterOrbitPrior,
    PerturberGrid,
)
from panoptic.dynamics.migration import (
    MigrationFindings,
    ObservedCompanion,
    investigate_migration,
)
from panoptic.findings import Findings
from panoptic.sample import CompanionSample
from panoptic.statement import NotRun
from panoptic.target import Target

Progress = Callable[[int, int], None]
Stage = Callable[[str], AbstractContextManager[Progress]]
Generators = Callable[[str], np.random.Generator]  # one per name, from the seed


def analyse(
    sample: CompanionSample,
    target: Target,
    *,
    statistics: StatisticsOptions,
    migration: MigrationOptions,
    seed: int,
    rng: Generators,
    stage: Stage,
) -> Findings:
    """Ask every question; one that cannot be asked says so and the rest goes on.

    Parameters
    ----------
    seed : of the map's counter-based draws.
    rng : gives each question its own generator, so that none moves another's numbers.
    stage : opens a stage by its title and hands out its progress callback.

    Raises
    ------
    InputUnusable
        for an anchors file that cannot be used.
    """
    anchors = _anchors(sample, statistics)  # first: a bad file should not cost a run
    with stage("Mass mixture") as progress:
        mixture = _ask_mixture(sample, statistics, rng("mass mixture"), progress)
    with stage("Eccentricities") as progress:
        eccentricity = _ask_eccentricities(
            sample, statistics, rng("eccentricity"), progress
        )
    with stage("Origin classifier") as progress:
        classifier = _ask_classifier(
            sample, target, anchors, statistics, rng("origin classifier"), progress
        )
    with stage("Migration") as progress:
        found = _ask_migration(target, migration, seed, progress)
    return Findings(
        mixture=mixture,
        eccentricity=eccentricity,
        classifier=classifier,
        migration=found,
    )


def _ask_mixture(
    sample: CompanionSample,
    settings: StatisticsOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> MassMixtureFindings | NotRun:
    return investigate_mass_mixture(
        Companions.from_frame(sample.main),
        Companions.from_frame(sample.complete),
        Companions.from_frame(sample.mass_orbit),
        Companions.from_frame(sample.mass_orbit_with_limits),
        q_split=sample.q_split,
        n_bootstrap=settings.bootstrap,
        n_permutations=settings.permutations,
        rng=rng,
        progress=progress,
    )


def _ask_eccentricities(
    sample: CompanionSample,
    settings: StatisticsOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> EccentricityFindings | NotRun:
    return investigate_eccentricities(
        Companions.from_frame(sample.main),
        q_split=sample.q_split,
        n_bootstrap=settings.bootstrap,
        n_permutations=settings.permutations,
        rng=rng,
        progress=progress,
    )


def _ask_classifier(
    sample: CompanionSample,
    target: Target,
    anchors: Anchors,
    settings: StatisticsOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> ClassifierFindings | NotRun:
    features = TargetFeatures(
        name=target.pl_name,
        log_q=target.log_q,
        log_a=target.log_a,
        ecc=target.pl_orbeccen,
        st_mass=target.st_mass,
        metfe=target.st_metfe,
        method=target.discoverymethod,
    )
    return classify_origins(
        Companions.from_frame(sample.scored),
        features,
        anchors=anchors,
        n_bootstrap=settings.bootstrap,
        n_permutations=settings.permutations,
        rng=rng,
        progress=progress,
    )


def _anchors(sample: CompanionSample, settings: StatisticsOptions) -> Anchors:
    companions = Companions.from_frame(sample.scored)
    if settings.anchors is None:
        return heuristic_anchors(
            companions,
            q_planet=settings.anchor_q_planet,
            q_binary=settings.anchor_q_binary,
        )
    table = read_anchor_table(
        settings.anchors.read_text(), location=str(settings.anchors)
    )
    return label_by_table(table, companions, source=AnchorSource.USER)


def _ask_migration(
    target: Target, settings: MigrationOptions, seed: int, progress: Progress
) -> MigrationFindings | NotRun:
    observed = ObservedCompanion(
        name=target.label,
        host_mass_msun=target.st_mass,
        mass_mjup=target.pl_bmassj,
        axis_au=target.pl_orbsmax,
        host_radius_rsun=target.st_rad,
        radius_rjup=target.pl_radj,
    )
    return investigate_migration(
        observed,
        grid=PerturberGrid.log_spaced(
            settings.kl_mout,
            settings.kl_aout,
            n_mass=settings.kl_grid.n_mass,
            n_axis=settings.kl_grid.n_axis,
        ),
        inner_axis_au=settings.kl_inner_au,
        prior=OuterOrbitPrior(
            ecc_range=settings.kl_eout,
            ecc_law=EccentricityLaw(settings.kl_eout_law),
            inclination_range_deg=settings.kl_inclination,
        ),
        n_draws=settings.kl_trials,
        horizon_gyr=settings.kl_horizon_gyr,
        r_crit_rstar=settings.kl_rcrit,
        seed=seed,
        progress=progress,
    )
