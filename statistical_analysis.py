"""Which sub-sample answers which question, in which order, and what is not asked.

The mixture looks at all four samples, because the demand for an eccentricity decides
which companions are left; the eccentricities need the complete rows, mass limits
included for the classes that censor them; the classifier sees every row of the window
that has a mass ratio; the dynamics asks of the target alone.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np

from panoptic.anchor_files import LabelledAnchors
from panoptic.config import ComputeOptions, MigrationOptions, StatisticsOptions
from panoptic.demographics.anchors import (
    Anchors,
    heuristic_anchors,
    label_by_table,
)
from panoptic.demographics.companions import Companions
from panoptic.demographics.eccentricity import (
    EccentricityFindings,
    investigate_eccentricities,
)
from panoptic.demographics.mass_mixture import (
    MassMixtureFindings,
    investigate_mass_mixture,
)
from panoptic.demographics.origin_classifier import (
    ClassifierFindings,
    TargetFeatures,
    classify_origins,
)
from panoptic.demographics.robustness import (
    Check,
    RobustnessFindings,
    RobustnessRow,
    check_robustness,
)
from panoptic.dynamics.migration import (
    MigrationFindings,
    check_migration,
    investigate_migration,
)
from panoptic.dynamics.scale_out import BlockStore, Workers
from panoptic.findings import Findings
from panoptic.migration_request import (
    observe_companions,
    observe_target,
    settings_of,
)
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
    labelled: LabelledAnchors | None,
    statistics: StatisticsOptions,
    migration: MigrationOptions,
    compute: ComputeOptions,
    rng: Generators,
    stage: Stage,
    store: BlockStore | None = None,
) -> Findings:
    """Ask every question; one that cannot be asked says so and the rest goes on.

    Parameters
    ----------
    labelled : the anchors of `panoptic.anchor_files`; None where q decides.
    compute : the seed of the map's counter-based draws, and who computes.
    rng : gives each question its own generator, so that none moves another's numbers.
    stage : opens a stage by its title and hands out its progress callback.
    store : keeps the finished cells of the map, should the run be interrupted.

    Raises
    ------
    InputUnusable
        for an anchors file that cannot be used, unfinished work of other settings in
        the store, or a Dask cluster that cannot be used; before anything is asked.
    """
    # First: what will be refused (a name that no companion bears, unfinished work of
    # other settings) should not cost a whole run.
    anchors = _anchors(sample, target, labelled, statistics)
    observed, others = observe_target(target), observe_companions(sample)
    settings = settings_of(migration, seed=compute.seed)
    workers = Workers(compute.threads, compute.dask, store)
    check_migration(observed, others, settings=settings, workers=workers)
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
    with stage("Robustness") as progress:
        robustness = _ask_robustness(
            sample, target, anchors, statistics, rng("robustness"), progress
        )
    with stage("Migration") as progress:
        found = investigate_migration(
            observed, others, settings=settings, workers=workers, progress=progress
        )
    return Findings(
        mixture=mixture,
        eccentricity=eccentricity,
        classifier=classifier,
        robustness=_with_coverage(robustness, found),
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
    found = classify_origins(
        Companions.from_frame(sample.scored),
        _features(target),
        anchors=anchors,
        n_bootstrap=settings.bootstrap,
        n_permutations=settings.permutations,
        rng=rng,
        progress=progress,
    )
    if isinstance(found, NotRun):
        return found
    return replace(found, target_name=target.label)  # matched by its plain name


def _features(target: Target) -> TargetFeatures:
    return TargetFeatures(
        name=target.pl_name,
        log_q=target.log_q,
        log_a=target.log_a,
        ecc=target.pl_orbeccen,
        st_mass=target.st_mass,
        metfe=target.st_metfe,
        method=target.discoverymethod,
    )


def _ask_robustness(
    sample: CompanionSample,
    target: Target,
    anchors: Anchors,
    settings: StatisticsOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> RobustnessFindings:
    return check_robustness(
        Companions.from_frame(sample.scored),
        Companions.from_frame(sample.surroundings),
        _features(target),
        anchors=anchors,
        q_thresholds=(settings.anchor_q_planet, settings.anchor_q_binary),
        host_mass_range_msun=sample.host_mass_range_msun,
        q_split=sample.q_split,
        n_draws=settings.draws,
        n_permutations=settings.permutations,
        n_simulations=settings.simulations,
        rng=rng,
        progress=progress,
    )


def _with_coverage(
    robustness: RobustnessFindings, migration: MigrationFindings | NotRun
) -> RobustnessFindings:
    """Add the criterion map under other horizons and thresholds to the table."""
    if isinstance(migration, NotRun):
        return robustness
    same = NotRun("only the migration map changes")
    rows = tuple(
        RobustnessRow(
            check=Check.MIGRATION_MAP,
            name=f"{variant.horizon_gyr:g} Gyr, {variant.r_crit_rstar:g} R_star",
            n_draws=1,
            main=same,
            mass_orbit=same,
            eccentricity=same,
            origins=same,
            coverage=variant.coverage,
        )
        for variant in migration.criterion_variants
    )
    return replace(robustness, rows=(*robustness.rows, *rows))


def _anchors(
    sample: CompanionSample,
    target: Target,
    labelled: LabelledAnchors | None,
    settings: StatisticsOptions,
) -> Anchors:
    companions = Companions.from_frame(sample.scored)
    if labelled is None:
        return heuristic_anchors(
            companions,
            q_planet=settings.anchor_q_planet,
            q_binary=settings.anchor_q_binary,
        )
    return label_by_table(
        labelled.table,
        companions,
        source=labelled.source,
        target_name=target.pl_name,
    )
